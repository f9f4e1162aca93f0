/* One place of a role: what becomes of it from start to end, as states and events. */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include <stdbool.h>

#include "base/conf.h"
#include "base/loop.h"
#include "supervisor/roles.h"
#include "supervisor/supply.h"

#define CHILD_START_MS 30000    /* it must be ready by then */
#define CHILD_DRAIN_MORE_MS 5000    /* over DRAIN_SECONDS, then it is killed */

enum child_state { CHILD_DOWN, CHILD_STARTING, CHILD_READY, CHILD_LEAVING, CHILD_STATES };

enum child_event {
	CHILD_START_DUE, CHILD_BYTE, CHILD_EXIT, CHILD_START_LATE, CHILD_DRAIN, CHILD_DRAIN_LATE,
	CHILD_EVENTS
};

/* What all children share; the owner keeps it alive and may change conf at any time. */
struct child_world {
	struct loop *loop;
	const struct conf *conf;
	const char *libexec;
	const struct supply *supply;
	/* some child became ready or gone; no child may be freed in it */
	void (*changed)(void *owner);
	void *owner;
};

struct child;

/* A child that is down and starts in the next round of the loop; n counts from 1 within its
 * role. */
struct child *child_new(const struct child_world *world, const struct role *role, int n);
void child_free(struct child *child);           /* only when gone */

/* Tells it to leave. again: start anew with the settings of then, once it is gone. */
void child_drain(struct child *child, bool again);
void child_kill(struct child *child);           /* SIGKILL, if it runs */

bool child_was_ready(const struct child *child);    /* since it was made or last told to leave */
bool child_is_gone(const struct child *child);  /* it does not run and never will */
bool child_is_wanted(const struct child *child);
const struct role *child_role(const struct child *child);

#endif
