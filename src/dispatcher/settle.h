/* Reports on their way into the database: kept until committed, then acknowledged. */
#ifndef DISPATCHER_SETTLE_H
#define DISPATCHER_SETTLE_H

#include "data/report.h"
#include "dispatcher/desk.h"
#include "store/lease.h"

struct settle;

struct settle *settle_new(struct desk *desk);
void settle_free(struct settle *settle);

/* A helper's report, settled at the end of this round of the loop together with the others of the round.
 * helper 0: our own, nobody is answered, and lane is null; else its lane's name. kind is static. Returns the
 * bytes kept for it; 0 when this helper's same report was in hand already. */
size_t settle_take(struct settle *settle, uint64_t helper, const char *lane, const struct report *report,
	const char *kind, int64_t job);

/* Our own word on a task that never left us: nothing was done outside. */
void settle_unsent(struct settle *settle, struct lease lease, const char *kind, int64_t job,
	enum report_outcome outcome, enum report_class class, const char *text);

bool settle_holds(const struct settle *settle, struct lease lease);    /* whether its report is in hand */
size_t settle_count(const struct settle *settle);
void settle_now(struct desk *desk);                                     /* the database is back */

#endif
