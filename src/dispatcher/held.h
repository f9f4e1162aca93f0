/* Who holds which task, as far as this process knows; the database decides. */
#ifndef DISPATCHER_HELD_H
#define DISPATCHER_HELD_H

#include <stddef.h>
#include <stdint.h>

#include "store/lease.h"

struct held_entry {
	struct lease lease;     /* task 0: an empty slot */
	uint64_t helper;
	int64_t job;            /* 0: none or not known */
	const char *kind;       /* static; "?" when it was claimed before our time */
	int64_t since_ms;       /* when it was sent, monotonic; 0: before our time */
	int64_t seen_ms;        /* when it was sent or last in a BEAT, monotonic */
};

struct held;

struct held *held_new(void);
void held_free(struct held *held);

/* The entry of a task or null; borrowed until the next put or drop. */
struct held_entry *held_find(struct held *held, int64_t task);
void held_put(struct held *held, const struct held_entry *entry);      /* replaces one of the same task */
void held_drop(struct held *held, int64_t task);                       /* an unknown one is ignored */

/* The leases of one helper: at most `max` of them, the first in no order; how many were written. */
size_t held_of(struct held *held, uint64_t helper, struct lease *leases, size_t max);
size_t held_count(const struct held *held, uint64_t helper);
void held_move(struct held *held, uint64_t from, uint64_t to);         /* all of one helper to another */

/* Drops a helper's entries not seen since before_ms; how many. */
size_t held_expire(struct held *held, uint64_t helper, int64_t before_ms);

#endif
