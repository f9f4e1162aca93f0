/* What happens by itself: the second's tick, reaping, purging, tallying, and the way out. */
#ifndef DISPATCHER_CLOCKWORK_H
#define DISPATCHER_CLOCKWORK_H

#include "dispatcher/desk.h"

struct clockwork;

/* Watches the wake-up and lifeline descriptors and starts the timers. drain_s bounds the way out in seconds. */
struct clockwork *clockwork_new(struct desk *desk, int wake_fd, int lifeline_fd, int drain_s);
void clockwork_free(struct clockwork *clockwork);

void clockwork_database_up(struct desk *desk);          /* for database_new */

#endif
