/* The birth of a child: fork, descriptors at fixed numbers, exec. */
#ifndef SUPERVISOR_SPAWN_H
#define SUPERVISOR_SPAWN_H

#include <sys/types.h>

#include "base/conf.h"
#include "base/fd.h"
#include "supervisor/roles.h"
#include "supervisor/supply.h"

struct spawned {
	pid_t pid;
	int pidfd;                  /* readable when it has ended */
	int lifeline;               /* closing it tells the child to leave */
	int status;                 /* one byte comes when it is ready */
};

/* Starts the role's program from the directory with the settings it may know. FD_FAILED leaves
 * errno and nothing open; a program that can't be executed shows as a child that exits with 127. */
MUST_CHECK enum fd_end spawn(const struct role *role, const char *libexec,
	const struct supply *supply, const struct conf *conf, struct spawned *spawned);

#endif
