/* The sockets and the table of metrics that outlive every child, and the lock that keeps a second supervisor out. */
#ifndef SUPERVISOR_SUPPLY_H
#define SUPERVISOR_SUPPLY_H

#include "base/buf.h"
#include "base/fd.h"
#include "supervisor/roles.h"

struct supply {
	int fds[SUPPLY_COUNT];      /* -1: not open */
	int lock;
	const char *dir;            /* kept by reference */
};

/* Opens all under the directory, which is made when it is missing. When that fails, error says why
 * and nothing stays open. */
MUST_CHECK enum fd_end supply_open(struct supply *supply, const char *dir, struct buf *error);
void supply_close(struct supply *supply);      /* removes the sockets too */

#endif
