/* Bounds on what is in flight to one host, with a first-come queue in front: libcurl is only given what may start,
 * because a transfer that waits inside libcurl spends its own time-out waiting. */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

struct gate;

/* limit: most calls in flight to one host (a name of the caller's choice, usually "host:port"). Free with gate_free. */
struct gate *gate_new(size_t limit);
void gate_free(struct gate *gate);                                  /* null is allowed */

/* true: it may start, and gate_leave must follow when it ends. false: it waits, and a later gate_leave names it. */
MUST_CHECK bool gate_enter(struct gate *gate, const char *host, uint64_t id);

/* One that had entered has ended. true: *next, which waited longest, may start now and has entered. */
MUST_CHECK bool gate_leave(struct gate *gate, const char *host, uint64_t *next);

/* Takes one that waits out of the queue; false when it does not wait. */
bool gate_forget(struct gate *gate, const char *host, uint64_t id);

size_t gate_flying(const struct gate *gate, const char *host);
size_t gate_waiting(const struct gate *gate, const char *host);

#endif
