/* File descriptors and Unix sockets. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

/* Sets or clears a bit of the flags that `get` reads and `set` writes. */
static enum fd_end flag(int fd, int get, int set, int bit, bool on)
{
	int flags = fcntl(fd, get);

	if (flags < 0)
		return FD_FAILED;
	int want = on ? flags | bit : flags & ~bit;

	return want == flags || fcntl(fd, set, want) == 0 ? FD_OK : FD_FAILED;
}

enum fd_end fd_set_nonblocking(int fd)
{
	return flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, true);
}

enum fd_end fd_set_cloexec(int fd, int on)
{
	return flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on != 0);
}

enum fd_end fd_read_all(int fd, struct buf *out)
{
	char bytes[16384];

	for (;;) {
		ssize_t got = read(fd, bytes, sizeof bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return FD_FAILED;
		if (got == 0)
			return FD_OK;
		buf_add(out, bytes, (size_t)got);
		if (out->full) {
			errno = EFBIG;
			return FD_FAILED;
		}
	}
}

enum fd_end fd_read_path(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return FD_FAILED;
	enum fd_end end = fd_read_all(fd, out);

	fd_close(&fd);
	return end;
}

enum fd_end fd_write_all(int fd, const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count > 0) {
		ssize_t put = write(fd, at, count);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return FD_FAILED;
		at += put;
		count -= (size_t)put;
	}
	return FD_OK;
}

static enum fd_end address_set(struct sockaddr_un *address, const char *path)
{
	size_t length = strlen(path);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (length >= sizeof address->sun_path) {
		errno = ENAMETOOLONG;
		return FD_FAILED;
	}
	memcpy(address->sun_path, path, length + 1);
	return FD_OK;
}

enum fd_end fd_unix_connect(const char *path, int type, int *fd)
{
	struct sockaddr_un address;

	*fd = -1;
	if (address_set(&address, path) != FD_OK)
		return FD_FAILED;
	*fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return FD_FAILED;
	if (connect(*fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		fd_close(fd);
		return FD_FAILED;
	}
	return FD_OK;
}

/* Whether a new socket may take the path: nothing there, or a socket that nobody serves. */
static enum fd_end path_free(const char *path, int type)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? FD_OK : FD_FAILED;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return FD_FAILED;
	}
	if (fd_unix_connect(path, type, &fd) != FD_OK) {
		if (errno == ECONNREFUSED || errno == ENOENT)
			return FD_OK;
		/* EAGAIN: its backlog is full; EPROTOTYPE: it is of another type. */
		if (errno != EAGAIN && errno != EPROTOTYPE)
			return FD_FAILED;
	}
	fd_close(&fd);
	errno = EADDRINUSE;
	return FD_FAILED;
}

enum fd_end fd_unix_listen(const char *path, int type, mode_t mode, int *fd)
{
	struct sockaddr_un address;
	char temporary[sizeof address.sun_path];

	*fd = -1;
	int length = snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());

	if (length < 0 || (size_t)length >= sizeof temporary) {
		errno = ENAMETOOLONG;
		return FD_FAILED;
	}
	if (path_free(path, type) != FD_OK || address_set(&address, temporary) != FD_OK)
		return FD_FAILED;
	if (unlink(temporary) != 0 && errno != ENOENT)
		return FD_FAILED;
	*fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return FD_FAILED;
	if (bind(*fd, (const struct sockaddr *)&address, sizeof address) != 0
		|| chmod(temporary, mode) != 0 || listen(*fd, FD_BACKLOG) != 0
		|| rename(temporary, path) != 0) {
		int saved = errno;

		unlink(temporary);
		errno = saved;
		fd_close(fd);
		return FD_FAILED;
	}
	return FD_OK;
}

enum fd_end fd_memory(const char *name, const void *bytes, size_t count, int *fd)
{
	*fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return FD_FAILED;
	if (fd_write_all(*fd, bytes, count) != FD_OK || lseek(*fd, 0, SEEK_SET) != 0
		|| fcntl(*fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
		fd_close(fd);
		return FD_FAILED;
	}
	return FD_OK;
}
