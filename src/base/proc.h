/* What every process of ours is given at birth, and how it leaves. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/fault.h"

/* Descriptors that the supervisor hands over, at fixed numbers; all others are closed. */
enum proc_fd {
	/* readable or closed: drain and leave. The supervisor never writes to it */
	PROC_FD_LIFELINE = 3,
	PROC_FD_STATUS = 4,     /* one byte 'R' written when ready */
	PROC_FD_SETTINGS = 5,   /* memory file with the settings this role may know */
	PROC_FD_FIRST = 6,      /* the role's own, see below */
};
enum proc_fd_responder { PROC_FD_FASTCGI = PROC_FD_FIRST, PROC_FD_WAKE_SEND, PROC_FD_RESPONDER_METRICS };
enum proc_fd_dispatcher {
	PROC_FD_WAKE_TAKE = PROC_FD_FIRST, PROC_FD_LANE_CHAT, PROC_FD_LANE_PAY, PROC_FD_LANE_MEDIA,
	PROC_FD_DISPATCHER_METRICS
};

/* --help and --version for a program that has no other options: prints to stdout and exits 0;
 * with any other argument beyond `words` positional ones, usage on stderr and exit 64. */
void proc_options(int argc, char **argv, int words, const char *usage, const char *help);

/* First call of a child role: log name, SIGTERM/SIGINT/SIGHUP ignored (the lifeline is the only
 * way to leave), SIGPIPE ignored, no core dumps, not ptraceable. */
void proc_child_begin(const char *role);
/* reads PROC_FD_SETTINGS and closes it; false: not there */
MUST_CHECK bool proc_settings(struct buf *out);
void proc_ready(void);                             /* tells the supervisor */

/* Forbids this process socket(AF_INET), socket(AF_INET6) and socket(AF_PACKET) for ever (they
 * fail with EACCES) by a seccomp filter; false when the kernel has none. */
MUST_CHECK bool proc_no_network(void);

#endif
