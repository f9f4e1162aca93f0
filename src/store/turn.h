/* The functions of schema responder, a C function each: sent into a turn's pipeline, read from its rows.
 * A *_send queues one statement (see db_send); the *_read of the same name reads its rows. */
#ifndef STORE_TURN_H
#define STORE_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "data/money.h"
#include "data/update.h"
#include "db/conn.h"

#define STORE_TURN_MAX 64               /* rows in one array call */

extern const struct db_statement store_responder_hello;

struct store_opened {
	bool fresh;                     /* false: this update was taken before, do nothing */
	bool new_person;
	const char *gate;               /* ok, limited, limited_told, banned, closed */
	const char *lang;
	int64_t free, credit, rub;
	int64_t free_granted;
	const char *dialog;
	int64_t terms;                  /* version accepted; 0: none */
	const char *ban_reason;         /* or null */
	const char *offers;             /* JSON, what was changed of the catalogue; or null */
};

/* The updates must be of distinct people. */
void store_update_open_send(struct db *db, struct arena *arena, const struct update *const *updates, size_t count,
	int64_t free_grant, int64_t rate_per_minute);
/* Fills opened[i] for updates[i]; texts are copied into the arena. -1 when the rows are not what was asked for. */
MUST_CHECK int store_update_open_read(const struct db_rows *rows, size_t count, struct arena *arena,
	struct store_opened *opened);

struct store_say {
	int64_t person;
	int64_t message;                /* 0: a new message; else the one to edit */
	const char *payload;            /* a notice, JSON */
	const char *dedup;              /* or null */
	const char *topic;              /* or null; only the last of a topic is said, when it is quiet */
};
void store_say_send(struct db *db, struct arena *arena, const struct store_say *says, size_t count);

void store_dialog_set_send(struct db *db, struct arena *arena, const int64_t *persons, const char *const *dialogs,
	size_t count);

void store_quote_cancel_send(struct db *db, struct arena *arena, int64_t person, int64_t quote, int64_t message);
/* The one text in the first column of a statement that can be refused; "gone" without a row. */
const char *store_outcome_read(const struct db_rows *rows, struct arena *arena);

struct store_order {
	const char *outcome;            /* ordered, already, gone, limit, short, debt, off */
	int64_t job;
	struct money price;
	int64_t free, credit, rub;
	struct money debt;              /* with outcome debt */
};
void store_job_order_send(struct db *db, struct arena *arena, int64_t person, int64_t quote, int64_t message,
	int64_t jobs_max);
void store_job_order_read(const struct db_rows *rows, struct arena *arena, struct store_order *order);

void store_unreachable_send(struct db *db, struct arena *arena, int64_t person);

/* An update kept for the operator: why, and its body as it came (the caller bounds it), to be played again. */
struct store_parked {
	int64_t update;
	const char *state;              /* SQLSTATE, or "" */
	const char *reason;
	const char *body;
	size_t body_length;
};

/* Keeps it in the turn. */
void store_park_send(struct db *db, struct arena *arena, const struct store_parked *parked);

/* An authentic update that cannot be taken: kept for the operator. Its own round trip. */
MUST_CHECK enum db_end store_update_park(struct db *db, struct arena *arena, const struct store_parked *parked);

/* The database's figures for /metrics, in Prometheus text form. Its own round trip. */
MUST_CHECK enum db_end store_health(struct db *db, struct buf *out);

#endif
