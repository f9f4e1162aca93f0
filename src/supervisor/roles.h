/* Who there is: every role, what it runs, what it is handed and what it may know. */
#ifndef SUPERVISOR_ROLES_H
#define SUPERVISOR_ROLES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"

/* What the supervisor opens once and hands to roles; kept over their restarts. */
enum supply_kind {
	SUPPLY_NONE,
	SUPPLY_FASTCGI,             /* listens; nginx connects */
	SUPPLY_WAKE_SEND,           /* datagrams from responders … */
	SUPPLY_WAKE_TAKE,           /* … to the dispatcher */
	SUPPLY_CHAT,                /* listen; helpers of the lane connect */
	SUPPLY_PAY,
	SUPPLY_MEDIA,
	SUPPLY_METRICS,             /* memory: what responders and dispatcher count */
	SUPPLY_COUNT
};

#define ROLE_SUPPLIES_MAX 5

struct role {
	const char *name;           /* in log lines */
	const char *program;        /* under the libexec directory; argv[0] too */
	const char *word;           /* argv[1], or null */
	const char *count;          /* the setting that says how many; null: one */
	enum supply_kind supplies[ROLE_SUPPLIES_MAX];   /* at PROC_FD_FIRST and on, as in base/proc.h */
	unsigned settings;          /* bits of enum settings_role */
	const char *environment;    /* NAME=value more than all get, or null */
	bool exclusive;             /* two at a time would be wrong: the old one must be gone first */
};

extern const struct role roles[];
extern const size_t roles_count;

int role_count(const struct role *role, const struct conf *conf);

#endif
