/* Signs of life: BEATs, helpers that went away or fell silent, and what becomes of what they held. */
#ifndef DISPATCHER_VIGIL_H
#define DISPATCHER_VIGIL_H

#include "dispatcher/helpers.h"

/* A BEAT's leases came from a helper. */
void vigil_beat(struct helper *helper, const struct frame_held *held, size_t count);

/* A helper said who it is: it takes over what it held in a connection that is gone. */
void vigil_hello(struct helper *helper);

/* Its connection is gone. Of a process that has ended, or that said BYE, what it held is abandoned at once; of
 * a living one the lease decides, as it will come back and say what it holds. May free the helper. */
void vigil_gone(struct helper *helper);

/* Prolongs everything that is held, after a time without database. */
void vigil_beat_all(struct desk *desk);

/* Once a second: forgets what nobody has beaten for a lease's time, closes who is silent. */
void vigil_sweep(struct desk *desk);

#endif
