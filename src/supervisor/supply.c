/* The sockets and the table of metrics that outlive every child, and the lock that keeps a second supervisor out. */
#include "supervisor/supply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/metric.h"

#define SUPPLY_PATH_MAX 256

static const struct {
	enum supply_kind kind;
	const char *file;
	int type;
	mode_t mode;
} listeners[] = {
	{SUPPLY_FASTCGI, "fastcgi.sock", SOCK_STREAM, 0660},
	{SUPPLY_CHAT, "chat.sock", SOCK_SEQPACKET, 0600},
	{SUPPLY_PAY, "pay.sock", SOCK_SEQPACKET, 0600},
	{SUPPLY_MEDIA, "media.sock", SOCK_SEQPACKET, 0600},
};
#define LISTENERS (sizeof listeners / sizeof listeners[0])

static enum fd_end path_of(const struct supply *supply, const char *file, char path[SUPPLY_PATH_MAX])
{
	int length = snprintf(path, SUPPLY_PATH_MAX, "%s/%s", supply->dir, file);

	if (length > 0 && length < SUPPLY_PATH_MAX)
		return FD_OK;
	errno = ENAMETOOLONG;
	return FD_FAILED;
}

static enum fd_end lock(struct supply *supply, struct buf *error)
{
	char path[SUPPLY_PATH_MAX];

	if (path_of(supply, "atelierd.lock", path) != FD_OK
		|| (supply->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0) {
		buf_fmt(error, "%s/atelierd.lock: %m", supply->dir);
		return FD_FAILED;
	}
	if (flock(supply->lock, LOCK_EX | LOCK_NB) == 0)
		return FD_OK;
	if (errno == EWOULDBLOCK)
		buf_fmt(error, "%s: another atelierd is running here", path);
	else
		buf_fmt(error, "%s: %m", path);
	return FD_FAILED;
}

static enum fd_end socket_remove(const char *path)
{
	struct stat st;

	/* Anything but a socket is left for fd_unix_listen to refuse. */
	if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return FD_OK;
	return unlink(path) == 0 ? FD_OK : FD_FAILED;
}

static enum fd_end sockets_open(struct supply *supply, struct buf *error)
{
	char path[SUPPLY_PATH_MAX];
	int pair[2];

	for (size_t i = 0; i < LISTENERS; i++) {
		/* We hold the lock: who still answers there is a child of a dead supervisor on its way out. */
		if (path_of(supply, listeners[i].file, path) == FD_OK && socket_remove(path) == FD_OK
			&& fd_unix_listen(path, listeners[i].type, listeners[i].mode,
				&supply->fds[listeners[i].kind]) == FD_OK)
			continue;
		buf_fmt(error, "%s/%s: %m", supply->dir, listeners[i].file);
		return FD_FAILED;
	}
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
		buf_fmt(error, "socketpair: %m");
		return FD_FAILED;
	}
	supply->fds[SUPPLY_WAKE_TAKE] = pair[0];
	supply->fds[SUPPLY_WAKE_SEND] = pair[1];
	return FD_OK;
}

static enum fd_end metrics_open(struct supply *supply, struct buf *error)
{
	if (metric_make(&supply->fds[SUPPLY_METRICS]) == FD_OK)
		return FD_OK;
	buf_fmt(error, "table of metrics: %m");
	return FD_FAILED;
}

enum fd_end supply_open(struct supply *supply, const char *dir, struct buf *error)
{
	*supply = (struct supply){.lock = -1, .dir = dir};
	for (int i = 0; i < SUPPLY_COUNT; i++)
		supply->fds[i] = -1;
	if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
		buf_fmt(error, "%s: %m", dir);
		return FD_FAILED;
	}
	if (lock(supply, error) == FD_OK && sockets_open(supply, error) == FD_OK
		&& metrics_open(supply, error) == FD_OK)
		return FD_OK;
	supply_close(supply);
	return FD_FAILED;
}

void supply_close(struct supply *supply)
{
	char path[SUPPLY_PATH_MAX];

	for (size_t i = 0; i < LISTENERS; i++)
		if (supply->fds[listeners[i].kind] >= 0
			&& path_of(supply, listeners[i].file, path) == FD_OK)
			(void)!socket_remove(path);
	for (int i = 0; i < SUPPLY_COUNT; i++)
		fd_close(&supply->fds[i]);
	/* The lock file stays: to remove it would let two hold a lock of the same name. */
	fd_close(&supply->lock);
}
