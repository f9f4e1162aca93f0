/* The floor base with descriptors: fd, loop, log, proc. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tap.h"

static char folder[] = "/tmp/atelier-unit-XXXXXX";

static void test_fd(void)
{
	struct buf buf;
	struct stat st;
	char path[100];
	int fd, other, third;

	snprintf(path, sizeof path, "%s/s", folder);
	buf_init(&buf, 100);
	ok(fd_memory("test", "some bytes", 10, &fd) == FD_OK, "fd_memory");
	ok(write(fd, "x", 1) < 0 && errno == EPERM, "it is sealed");
	ok(fd_read_all(fd, &buf) == FD_OK, "fd_read_all");
	is_str(buf_text(&buf), "some bytes", "gives what it holds");
	buf_free(&buf);
	buf_init(&buf, 9);
	lseek(fd, 0, SEEK_SET);
	ok(fd_read_all(fd, &buf) == FD_FAILED && errno == EFBIG, "a larger one than the buffer fails");
	buf_free(&buf);
	fd_close(&fd);
	is_i64(fd, -1, "fd_close forgets");
	ok(fd_read_path("/nonexistent", &buf) == FD_FAILED && errno == ENOENT, "fd_read_path fails");
	buf_free(&buf);

	ok(fd_unix_listen(path, SOCK_SEQPACKET, 0600, &fd) == FD_OK, "fd_unix_listen");
	ok(lstat(path, &st) == 0 && (st.st_mode & 07777) == 0600, "with its mode");
	ok((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, "flags");
	ok(fd_unix_listen(path, SOCK_SEQPACKET, 0600, &other) == FD_FAILED && errno == EADDRINUSE
		&& other == -1, "a served path is in use");
	ok(fd_unix_listen(path, SOCK_STREAM, 0600, &other) == FD_FAILED && errno == EADDRINUSE,
		"for the other type too");
	ok(fd_unix_connect(path, SOCK_SEQPACKET, &other) == FD_OK, "fd_unix_connect");
	third = accept(fd, NULL, NULL);     /* of the listener's own test */
	fd_close(&third);
	third = accept(fd, NULL, NULL);
	ok(third >= 0 && send(other, "abc", 3, 0) == 3, "it connects");
	fd_close(&third);
	fd_close(&other);
	fd_close(&fd);
	ok(fd_unix_connect(path, SOCK_SEQPACKET, &other) == FD_FAILED && errno == ECONNREFUSED,
		"nobody listens any more");
	ok(fd_unix_listen(path, SOCK_STREAM, 0660, &fd) == FD_OK, "a dead socket is replaced");
	fd_close(&fd);
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	fd_close(&fd);
	ok(fd_unix_listen(path, SOCK_STREAM, 0660, &fd) == FD_FAILED && errno == EEXIST,
		"a file is not replaced");
	unlink(path);
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	char long_path[300];

	snprintf(long_path, sizeof long_path, "/tmp/%s%s", path, path);
	ok(fd_unix_listen(long_path, SOCK_STREAM, 0660, &fd) == FD_FAILED && errno == ENAMETOOLONG,
		"a path too long");
}

struct scene {
	struct loop *loop;
	struct buf said;
	uint64_t timer;
	int one[2], two[2];
	unsigned events;
	int calls;
};

static void say_a(void *owner)
{
	struct scene *scene = owner;

	buf_char(&scene->said, 'a');
}

static void say_b(void *owner)
{
	struct scene *scene = owner;

	buf_char(&scene->said, 'b');
	loop_timer(scene->loop, 0, say_a, scene);
	loop_timer_drop(scene->loop, scene->timer);
}

static void say_c(void *owner)
{
	struct scene *scene = owner;

	buf_char(&scene->said, 'c');
}

static void say_end(void *owner)
{
	struct scene *scene = owner;

	buf_char(&scene->said, '.');
	loop_stop(scene->loop);
}

static void test_timers(void)
{
	struct scene scene = {.loop = loop_new()};
	uint64_t ids[500];
	int64_t start = clock_mono_ms();

	buf_init(&scene.said, 1000);
	loop_timer(scene.loop, 30, say_end, &scene);
	scene.timer = loop_timer(scene.loop, 20, say_c, &scene);
	loop_timer(scene.loop, 5, say_b, &scene);
	loop_timer(scene.loop, 0, say_a, &scene);
	loop_run(scene.loop);
	is_str(buf_text(&scene.said), "aba.", "timers come in order, a dropped one does not");
	ok(clock_mono_ms() - start >= 29, "and not too early");
	loop_timer_drop(scene.loop, scene.timer);
	loop_timer_drop(scene.loop, 0);
	loop_timer_drop(scene.loop, UINT64_MAX);
	buf_clear(&scene.said);
	for (int i = 0; i < 500; i++)
		ids[i] = loop_timer(scene.loop, (i * 7) % 13, i % 5 == 0 ? say_a : say_c, &scene);
	for (int i = 0; i < 500; i++)
		if (i % 5 != 0)
			loop_timer_drop(scene.loop, ids[i]);
	loop_timer(scene.loop, 20, say_end, &scene);
	loop_run(scene.loop);
	is_i64((int64_t)scene.said.length, 101, "of many, those dropped do not come");
	ok(strchr(buf_text(&scene.said), 'c') == NULL, "and the others do");
	buf_free(&scene.said);
	loop_free(scene.loop);
}

static void fd_first(void *owner, int fd, unsigned events)
{
	struct scene *scene = owner;

	/* Both are ready in the same round: the second must not be told of its old event. */
	(void)fd;
	scene->calls++;
	scene->events = events;
	loop_unwatch(scene->loop, scene->one[0]);
	loop_unwatch(scene->loop, scene->two[0]);
	loop_timer(scene->loop, 5, say_end, scene);
}

static void fd_gone(void *owner, int fd, unsigned events)
{
	struct scene *scene = owner;

	scene->calls++;
	scene->events = events;
	loop_unwatch(scene->loop, fd);
	loop_stop(scene->loop);
}

static void test_loop_fds(void)
{
	struct scene scene = {.loop = loop_new()};

	buf_init(&scene.said, 100);
	ok(pipe(scene.one) == 0 && pipe(scene.two) == 0, "pipes");
	loop_watch(scene.loop, scene.one[0], LOOP_READ, fd_first, &scene);
	loop_watch(scene.loop, scene.two[0], LOOP_READ, fd_first, &scene);
	ok(write(scene.one[1], "x", 1) == 1 && write(scene.two[1], "x", 1) == 1, "both readable");
	loop_run(scene.loop);
	is_i64(scene.calls, 1, "an event of a dropped descriptor is not delivered");
	is_i64(scene.events, LOOP_READ, "readable");
	scene.calls = 0;
	loop_watch(scene.loop, scene.two[0], LOOP_READ, fd_first, &scene);
	loop_watch(scene.loop, scene.two[0], 0, fd_gone, &scene);
	close(scene.two[1]);
	loop_run(scene.loop);
	is_i64(scene.events, LOOP_GONE, "0 watches for the hang-up alone, and again replaces");
	close(scene.two[0]);
	ok(pipe(scene.two) == 0, "the same numbers again");
	loop_watch(scene.loop, scene.two[1], LOOP_WRITE, fd_gone, &scene);
	loop_run(scene.loop);
	is_i64(scene.events, LOOP_WRITE, "writable");
	loop_unwatch(scene.loop, 12345);
	loop_unwatch(scene.loop, -1);
	loop_free(scene.loop);
	buf_free(&scene.said);
	for (int i = 0; i < 2; i++) {
		close(scene.one[i]);
		close(scene.two[i]);
	}
}

/* Runs the call with stderr in a file and puts what came into out. */
static void stderr_of(void (*call)(void), struct buf *out)
{
	int saved = dup(STDERR_FILENO);
	int fd = memfd_create("stderr", 0);

	dup2(fd, STDERR_FILENO);
	call();
	dup2(saved, STDERR_FILENO);
	lseek(fd, 0, SEEK_SET);
	if (fd_read_all(fd, out) != FD_OK)
		buf_clear(out);
	close(saved);
	close(fd);
}

static void log_some(void)
{
	log_open("tester");
	log_debug("not shown");
	log_info("event=one text=a\nb\x1b[0m\xff token=sesame-open");
	errno = ENOENT;
	log_warn("short=%s why=%m", "hunter");
}

static void log_long(void)
{
	char text[20000];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	/* A secret just where the line is cut, then just where the raw text is cut. */
	memcpy(text + 1990, "sesame-open", 11);
	log_info("%s", text);
	for (int i = 0; i < 16384; i++)
		text[i] = "sesame-open"[i % 11];
	log_error("%s", text);
}

static void test_log(void)
{
	enum log_level level = LOG_INFO;
	struct buf out;

	ok(log_level_of("error", &level) && level == LOG_ERROR && !log_level_of("loud", &level),
		"log_level_of");
	buf_init(&out, 100000);
	log_secret("sesame-open");
	log_secret("open");         /* too short to be one */
	stderr_of(log_some, &out);
	const char *text = buf_text(&out);

	ok(strstr(text, " info tester[") != NULL, "level and role");
	ok(strstr(text, "event=one text=a?b?[0m? token=***\n") != NULL, "neutral, without the secret");
	ok(strstr(text, " warn ") != NULL && strstr(text, "why=No such file") != NULL, "%%m works");
	ok(strstr(text, "not shown") == NULL, "below the level");
	buf_clear(&out);
	stderr_of(log_long, &out);
	const char *second = strchr(buf_text(&out), '\n');

	is_i64(second - buf_text(&out), LOG_LINE_MAX - 1, "a long line is cut");
	ok(strstr(buf_text(&out), "sesame") == NULL, "no secret is seen");
	ok(strstr(second, "ses") == NULL && strstr(second, "***") != NULL, "nor half of one");
	buf_free(&out);
}

static int exit_of(void (*call)(void))
{
	int status = -1;

	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		call();
		exit(99);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void options(const char *one, const char *two)
{
	char name[] = "program", first[20], second[20];
	char *argv[] = {name, first, second, NULL};

	snprintf(first, sizeof first, "%s", one == NULL ? "" : one);
	snprintf(second, sizeof second, "%s", two == NULL ? "" : two);
	proc_options(1 + (one != NULL) + (two != NULL), argv, 1, "program WORD", "Does something.");
}

static void options_help(void) { options("--help", NULL); }
static void options_version(void) { options("--version", NULL); }
static void options_word(void) { options("word", NULL); }
static void options_words(void) { options("word", "more"); }
static void options_unknown(void) { options("--else", NULL); }

static void child_role(void)
{
	struct buf buf;
	int fd, status[2];
	char byte = 0;

	buf_init(&buf, 100);
	if (fd_memory("settings", "A=1\n", 4, &fd) != FD_OK || pipe(status) != 0)
		exit(1);
	/* Above the fixed numbers first, so that none is written over. */
	int high = fcntl(fd, F_DUPFD, 50), high_status = fcntl(status[1], F_DUPFD, 50);
	int taken = fcntl(status[0], F_DUPFD, 50);

	dup2(high, PROC_FD_SETTINGS);
	dup2(high_status, PROC_FD_STATUS);
	proc_child_begin("tester");
	raise(SIGTERM);
	raise(SIGPIPE);
	if ((fcntl(PROC_FD_STATUS, F_GETFD) & FD_CLOEXEC) == 0)
		exit(2);
	if (!proc_settings(&buf) || !str_equal(buf_text(&buf), "A=1\n") || proc_settings(&buf))
		exit(3);
	proc_ready();
	exit(read(taken, &byte, 1) == 1 && byte == 'R' ? 0 : 4);
}

static void child_no_network(void)
{
	if (!proc_no_network())
		exit(77);
	int plain = socket(AF_UNIX, SOCK_STREAM, 0);
	int inet = socket(AF_INET, SOCK_STREAM, 0);
	bool refused = inet < 0 && errno == EACCES;
	int inet6 = socket(AF_INET6, SOCK_DGRAM, 0);

	exit(plain >= 0 && refused && inet6 < 0 && errno == EACCES ? 0 : 1);
}

int main(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	test_fd();
	test_timers();
	test_loop_fds();
	test_log();
	rmdir(folder);
	is_i64(exit_of(options_help), 0, "--help");
	is_i64(exit_of(options_version), 0, "--version");
	is_i64(exit_of(options_word), 99, "a word that is allowed");
	is_i64(exit_of(options_words), 64, "one too many");
	is_i64(exit_of(options_unknown), 64, "an unknown option");
	is_i64(exit_of(child_role), 0, "settings, ready byte, signals of a child role");
	int seccomp = exit_of(child_no_network);

	if (seccomp == 77)
		ok(true, "no network # SKIP the kernel has no seccomp filters");
	else
		is_i64(seccomp, 0, "proc_no_network forbids INET and leaves UNIX");
	return tap_done();
}
