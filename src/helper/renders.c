/* Children that draw: started two at a time, watched, killed when they take too long. */
#include "helper/renders.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define PROGRAM "render"
#define PATH_BYTES 1024
#define WORDS_BYTES 128                 /* of what a child says */
#define TEXT_FD 3                       /* where render expects the text */

struct child {
	struct renders *renders;
	bool used;
	uint64_t key;
	bool dropped;                   /* nobody waits for it any more */
	bool killed;
	pid_t pid;
	int pidfd;
	int words;                      /* what it says on descriptor 2 */
	uint64_t timer;
};

struct waiting {
	uint64_t key;
	struct render_job job;
};

struct renders {
	struct loop *loop;
	renders_done_f *done;
	void *owner;
	char program[PATH_BYTES];
	struct child children[RENDERS_MAX];
	struct waiting *queue;          /* a ring of RENDERS_WAIT_MAX */
	size_t first, count;
	uint64_t timer;                 /* of the next look at the queue */
};

static void next_later(struct renders *renders);

struct renders *renders_new(struct loop *loop, renders_done_f *done, void *owner)
{
	struct renders *renders = mem_alloc(sizeof *renders);

	*renders = (struct renders){.loop = loop, .done = done, .owner = owner};
	renders->queue = mem_alloc(RENDERS_WAIT_MAX * sizeof *renders->queue);
	ssize_t length = readlink("/proc/self/exe", renders->program, sizeof renders->program - sizeof PROGRAM);
	char *slash = length > 0 ? memrchr(renders->program, '/', (size_t)length) : NULL;

	must(slash != NULL);
	memcpy(slash + 1, PROGRAM, sizeof PROGRAM);
	return renders;
}

static void child_forget(struct child *child)
{
	loop_unwatch(child->renders->loop, child->pidfd);
	loop_timer_drop(child->renders->loop, child->timer);
	fd_close(&child->pidfd);
	fd_close(&child->words);
	child->used = false;
}

void renders_free(struct renders *renders)
{
	if (renders == NULL)
		return;
	for (size_t i = 0; i < RENDERS_MAX; i++) {
		struct child *child = &renders->children[i];

		if (!child->used)
			continue;
		(void)kill(child->pid, SIGKILL);
		(void)waitpid(child->pid, NULL, 0);
		child_forget(child);
	}
	loop_timer_drop(renders->loop, renders->timer);
	mem_free(renders->queue);
	mem_free(renders);
}

/* --- a child's end ---------------------------------------------------------------------------- */

static void on_late(void *owner)
{
	struct child *child = owner;

	child->timer = 0;
	child->killed = true;
	(void)kill(child->pid, SIGKILL);
}

/* The one line it may have written, without its end. */
static void words_read(const struct child *child, char words[WORDS_BYTES])
{
	ssize_t length = read(child->words, words, WORDS_BYTES - 1);

	words[length > 0 ? length : 0] = '\0';
	words[strcspn(words, "\n")] = '\0';
}

static void on_ended(void *owner, int fd, unsigned events)
{
	struct child *child = owner;
	struct renders *renders = child->renders;
	uint64_t key = child->key;
	bool dropped = child->dropped;
	char words[WORDS_BYTES];
	int status = 0;

	(void)fd, (void)events;
	if (waitpid(child->pid, &status, WNOHANG) == 0)
		return;
	words_read(child, words);
	enum render_end end = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? RENDER_MADE : RENDER_FAILED;

	/* render's own words for what it was given and cannot take. */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1 && (strcmp(words, "not-an-image") == 0
		|| strcmp(words, "too-large") == 0 || strcmp(words, "broken") == 0 || strcmp(words, "no-caption") == 0))
		end = RENDER_REFUSED;
	if (child->killed)
		snprintf(words, sizeof words, "killed after %d ms", RENDERS_MS_MAX);
	else if (WIFSIGNALED(status))
		snprintf(words, sizeof words, "killed by signal %d", WTERMSIG(status));
	/* What makes it exceed its limits is in the picture. */
	if (child->killed || (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGXFSZ)))
		end = RENDER_REFUSED;
	child_forget(child);
	next_later(renders);
	if (!dropped)
		renders->done(renders->owner, key, end, words);
}

/* --- a child's start -------------------------------------------------------------------------- */

/* The text as a file that only the child sees: an argument would be in the list of processes. */
static int text_open(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd >= 0 && (fd_write_all(fd, text, strlen(text)) != FD_OK || lseek(fd, 0, SEEK_SET) != 0))
		fd_close(&fd);
	return fd;
}

/* False with errno when it could not be started. */
static bool child_run(struct child *child, const struct render_job *job)
{
	char program[] = PROGRAM, what[16];
	char *argv[] = {program, what, NULL}, *environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	int pipe_fds[2] = {-1, -1}, text = -1;
	int input = open(job->input == NULL ? "/dev/null" : job->input, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int output = open(job->output, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	bool good = input >= 0 && output >= 0 && pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) == 0;

	snprintf(what, sizeof what, "%s", job->what);
	if (good && job->text != NULL)
		good = (text = text_open(job->text)) >= 0;
	if (good) {
		must(posix_spawn_file_actions_init(&actions) == 0);
		/* Above the numbers they are to have, so that none is overwritten before its turn. */
		must(posix_spawn_file_actions_adddup2(&actions, input, 0) == 0
			&& posix_spawn_file_actions_adddup2(&actions, output, 1) == 0
			&& posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 2) == 0);
		must(text < 0 || posix_spawn_file_actions_adddup2(&actions, text, TEXT_FD) == 0);
		errno = posix_spawn(&child->pid, child->renders->program, &actions, NULL, argv, environment);
		good = errno == 0;
		posix_spawn_file_actions_destroy(&actions);
	}
	if (good)
		child->pidfd = pidfd_open(child->pid, 0);
	child->words = pipe_fds[0];
	fd_close(&pipe_fds[1]);
	fd_close(&text);
	fd_close(&output);
	fd_close(&input);
	if (good)
		must(child->pidfd >= 0);
	else
		fd_close(&child->words);
	return good;
}

static struct child *child_free_one(struct renders *renders)
{
	for (size_t i = 0; i < RENDERS_MAX; i++)
		if (!renders->children[i].used)
			return &renders->children[i];
	return NULL;
}

static void on_next(void *owner)
{
	struct renders *renders = owner;
	struct child *child;

	renders->timer = 0;
	while (renders->count > 0 && (child = child_free_one(renders)) != NULL) {
		struct waiting next = renders->queue[renders->first];

		renders->first = (renders->first + 1) % RENDERS_WAIT_MAX;
		renders->count--;
		*child = (struct child){.renders = renders, .used = true, .key = next.key, .pidfd = -1, .words = -1};
		if (next.key == 0) {
			child->used = false;
			continue;
		}
		if (!child_run(child, &next.job)) {
			char words[WORDS_BYTES];

			child->used = false;
			snprintf(words, sizeof words, "not started: %s", strerror(errno));
			renders->done(renders->owner, next.key, RENDER_FAILED, words);
			continue;
		}
		child->timer = loop_timer(renders->loop, RENDERS_MS_MAX, on_late, child);
		loop_watch(renders->loop, child->pidfd, LOOP_READ, on_ended, child);
	}
}

static void next_later(struct renders *renders)
{
	if (renders->timer == 0)
		renders->timer = loop_timer(renders->loop, 0, on_next, renders);
}

void renders_start(struct renders *renders, uint64_t key, const struct render_job *job)
{
	must(key != 0 && renders->count < RENDERS_WAIT_MAX);
	renders->queue[(renders->first + renders->count) % RENDERS_WAIT_MAX] = (struct waiting){key, *job};
	renders->count++;
	next_later(renders);
}

void renders_drop(struct renders *renders, uint64_t key)
{
	for (size_t i = 0; i < renders->count; i++) {
		struct waiting *waiting = &renders->queue[(renders->first + i) % RENDERS_WAIT_MAX];

		if (waiting->key == key)
			waiting->key = 0;
	}
	for (size_t i = 0; i < RENDERS_MAX; i++) {
		struct child *child = &renders->children[i];

		if (child->used && child->key == key) {
			child->dropped = true;
			(void)kill(child->pid, SIGKILL);
		}
	}
}
