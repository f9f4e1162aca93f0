/* File descriptors and Unix sockets. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/fault.h"

/* nginx answers 502 at once when a backlog is full (nginx connects, it does not wait) */
#define FD_BACKLOG 4096

enum fd_end { FD_OK, FD_FAILED };              /* FD_FAILED leaves errno */

/* closes when >= 0 and sets -1; never touches errno */
void fd_close(int *fd);
MUST_CHECK enum fd_end fd_set_nonblocking(int fd);
MUST_CHECK enum fd_end fd_set_cloexec(int fd, int on);

/* to its end; EFBIG when out is full */
MUST_CHECK enum fd_end fd_read_all(int fd, struct buf *out);
MUST_CHECK enum fd_end fd_read_path(const char *path, struct buf *out);
/* blocking descriptors */
MUST_CHECK enum fd_end fd_write_all(int fd, const void *bytes, size_t count);

/* A listening Unix socket of the type (SOCK_STREAM, SOCK_SEQPACKET) at path, non-blocking,
 * close-on-exec, made under a temporary name and renamed, so that nobody meets a half-made one.
 * A path somebody still answers on fails with EADDRINUSE. mode: permission bits. */
MUST_CHECK enum fd_end fd_unix_listen(const char *path, int type, mode_t mode, int *fd);
/* non-blocking, close-on-exec */
MUST_CHECK enum fd_end fd_unix_connect(const char *path, int type, int *fd);

/* A sealed, read-only memory file at offset 0 that holds the bytes. */
MUST_CHECK enum fd_end fd_memory(const char *name, const void *bytes, size_t count, int *fd);

#endif
