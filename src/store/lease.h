/* The dispatcher's functions in the database: leases of tasks, and what became of them. */
#ifndef STORE_LEASE_H
#define STORE_LEASE_H

#include <stdbool.h>

#include "base/arena.h"
#include "data/report.h"
#include "data/task.h"
#include "db/conn.h"

#define LEASE_BATCH 64          /* most tasks of one claim, most reports of one settlement */
#define LEASE_HELD_MAX 4096     /* most leases of one beat or abandonment */

/* Each function below is one statement in its own transaction: DB_OK means it is committed. `arena` takes the
 * arguments and may be reset afterwards. After anything but DB_OK the results are not to be looked at. */

/* A lease: task and the fence it was claimed under. */
struct lease {
	int64_t task;
	int32_t fence;
};

/* Claims at most `limit` (up to LEASE_BATCH) tasks of a lane for lease_s seconds; `holder` names the
 * claimer for people. Fills tasks[0 … *count - 1]; the caller drops each. One that these programs can't read
 * (an unknown kind, JSON too deep) has no payload, and only id and fence are to be believed. */
MUST_CHECK enum db_end lease_claim(struct db *db, struct arena *arena, enum lane lane, int limit,
	const char *holder, int lease_s, struct task *tasks, size_t *count);

/* Prolongs leases by lease_s seconds from now. kept[i] says whether leases[i] is still held, and a task of the lane
 * of the helper that says so. */
MUST_CHECK enum db_end lease_beat(struct db *db, struct arena *arena, enum lane lane, const struct lease *leases,
	size_t count, int lease_s, bool *kept);

/* A report as the database takes it. */
struct lease_report {
	struct lease lease;
	const char *lane;       /* of the helper whose word it is: believed of no other lane's task; null: ours */
	enum report_outcome outcome;
	enum report_class class;
	const char *text;
	const char *result;     /* JSON text of an object, or null */
	int32_t retry_ms;
	bool taken;             /* filled: false when the fence was an old one */
};

/* Settles up to LEASE_BATCH reports. An order of unknown fate is looked for during unknown_s seconds. */
MUST_CHECK enum db_end lease_report(struct db *db, struct arena *arena, struct lease_report *reports, size_t count,
	int unknown_s);

/* Gives up leases whose holder is known to be dead, without waiting for their end. lane: as above. */
MUST_CHECK enum db_end lease_abandon(struct db *db, struct arena *arena, const char *lane, const struct lease *leases,
	size_t count, int unknown_s);

MUST_CHECK enum db_end lease_reap(struct db *db, struct arena *arena, int unknown_s, int64_t *count);
MUST_CHECK enum db_end lease_purge(struct db *db, int64_t *count);

/* Puts the questions about payments that are due into the pay lane; count: how many. */
MUST_CHECK enum db_end lease_pay_due(struct db *db, struct arena *arena, int limit, int64_t *count);
/* Starts the nightly reconciliation when it is time; count: 1 when it did. */
MUST_CHECK enum db_end lease_reconcile_due(struct db *db, int64_t *count);
/* Queues the next people of the running broadcast, so that no more than `open` are on their way; count: how many. */
MUST_CHECK enum db_end lease_broadcast_due(struct db *db, struct arena *arena, int open, int64_t *count);
/* Looks at failing models, long queues and the lanes named (no helper for a while), tells the admins, and notes how
 * many helpers each lane has. */
MUST_CHECK enum db_end lease_watch(struct db *db, struct arena *arena, const enum lane *down, size_t count,
	const int64_t helpers[LANE_COUNT]);
/* Folds the rows that the ledger got since the last call into its tally; more: there is as much again. */
MUST_CHECK enum db_end lease_tally(struct db *db, bool *more);
/* The daily digest, when it is time. */
MUST_CHECK enum db_end lease_digest_due(struct db *db);
/* Tells the database who is alerted, and what it must know to judge a payment: a JSON object of texts. */
MUST_CHECK enum db_end lease_admins_set(struct db *db, struct arena *arena, const int64_t *ids, size_t count);
MUST_CHECK enum db_end lease_settings_set(struct db *db, const char *settings);

extern const struct db_statement lease_hello;   /* for store/session */

#endif
