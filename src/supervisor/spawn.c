/* The birth of a child: fork, descriptors at fixed numbers, exec. */
#include "supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"

#define SPAWN_HIGH 64           /* above every fixed number */
#define SPAWN_FDS (PROC_FD_FIRST + ROLE_SUPPLIES_MAX)
#define SPAWN_EXIT 127

/* What is made for one child, both ends. */
struct birth {
	int lifeline[2];
	int status[2];
	int settings;
};

static void birth_end(struct birth *birth)
{
	for (int i = 0; i < 2; i++) {
		fd_close(&birth->lifeline[i]);
		fd_close(&birth->status[i]);
	}
	fd_close(&birth->settings);
}

/* The settings of the role in a memory file; each child has its own, for they share an offset. */
static enum fd_end settings_make(const struct role *role, const struct conf *conf, int *fd)
{
	struct buf text;

	buf_init(&text, 2 * CONF_FILE_MAX);
	conf_print(conf, role->settings, &text);
	must(!text.full);
	enum fd_end end = fd_memory("settings", buf_text(&text), text.length, fd);

	if (text.data != NULL)
		mem_wipe(text.data, text.capacity);
	buf_free(&text);
	return end;
}

static enum fd_end birth_begin(struct birth *birth, const struct role *role,
	const struct conf *conf)
{
	*birth = (struct birth){{-1, -1}, {-1, -1}, -1};
	if (pipe2(birth->lifeline, O_CLOEXEC) == 0 && pipe2(birth->status, O_CLOEXEC) == 0
		&& settings_make(role, conf, &birth->settings) == FD_OK)
		return FD_OK;
	birth_end(birth);
	return FD_FAILED;
}

/* Puts the descriptors of `from` at their places and closes all others; -1 leaves a hole. */
static bool fds_place(int from[SPAWN_FDS])
{
	int null = open("/dev/null", O_RDONLY);

	/* First all up, out of each other's way, then down. */
	for (int fd = PROC_FD_LIFELINE; fd < SPAWN_FDS; fd++)
		if (from[fd] >= 0) {
			from[fd] = fcntl(from[fd], F_DUPFD, SPAWN_HIGH);
			if (from[fd] < 0)
				return false;
		}
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return false;
	for (int fd = PROC_FD_LIFELINE; fd < SPAWN_FDS; fd++) {
		if (from[fd] < 0)
			close(fd);
		else if (dup2(from[fd], fd) < 0)
			return false;
	}
	return close_range(SPAWN_FDS, ~0u, 0) == 0;
}

/* In the child: becomes the program, or ends. */
static _Noreturn void become(const struct role *role, const char *path,
	const struct supply *supply, const struct birth *birth)
{
	int from[SPAWN_FDS];
	const char *argv[] = {role->program, role->word, NULL};
	const char *environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8", "TZ=UTC", role->environment, NULL,
	};
	sigset_t none;

	for (int i = 0; i < SPAWN_FDS; i++)
		from[i] = -1;
	from[PROC_FD_LIFELINE] = birth->lifeline[0];
	from[PROC_FD_STATUS] = birth->status[1];
	from[PROC_FD_SETTINGS] = birth->settings;
	for (int i = 0; i < ROLE_SUPPLIES_MAX; i++)
		if (role->supplies[i] != SUPPLY_NONE)
			from[PROC_FD_FIRST + i] = supply->fds[role->supplies[i]];
	/* A group of its own: what it starts can be killed with it, and no terminal reaches it. */
	(void)setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (fds_place(from)) {
		/* execve takes them without const for old times' sake and changes nothing. */
		union {
			const char *const *given;
			char *const *taken;
		} words = {.given = argv}, names = {.given = environment};

		execve(path, words.taken, names.taken);
	}
	log_error("event=start role=%s program=%s error=\"%m\"", role->name, path);
	_exit(SPAWN_EXIT);
}

enum fd_end spawn(const struct role *role, const char *libexec, const struct supply *supply,
	const struct conf *conf, struct spawned *spawned)
{
	struct birth birth;
	char path[4096];
	int length = snprintf(path, sizeof path, "%s/%s", libexec, role->program);

	if (length < 0 || (size_t)length >= sizeof path) {
		errno = ENAMETOOLONG;
		return FD_FAILED;
	}
	if (birth_begin(&birth, role, conf) != FD_OK)
		return FD_FAILED;
	pid_t pid = fork();

	if (pid == 0)
		become(role, path, supply, &birth);
	int pidfd = pid < 0 ? -1 : pidfd_open(pid, 0);

	/* Without a pidfd nobody would see it end. It has not been told of a group yet: kill it
	 * alone. */
	if (pid > 0 && pidfd < 0) {
		int saved = errno;

		(void)kill(pid, SIGKILL);
		errno = saved;
	}
	if (pidfd < 0) {
		birth_end(&birth);
		return FD_FAILED;
	}
	*spawned = (struct spawned){
		.pid = pid, .pidfd = pidfd, .lifeline = birth.lifeline[1], .status = birth.status[0],
	};
	birth.lifeline[1] = birth.status[0] = -1;
	birth_end(&birth);
	return FD_OK;
}
