/* The payment functions of schema responder, a C function each; see store/turn.h for how they are used. */
#ifndef STORE_PAY_H
#define STORE_PAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "data/money.h"
#include "db/conn.h"

#define STORE_STATEMENT_PAGE 10         /* movements */
#define STORE_NOTE_MAX 200              /* UTF-16 units of a movement's note that are shown */

struct store_payment {
	int64_t person;
	const char *provider;           /* yookassa, betatransfer */
	int64_t amount;                 /* hundredths of currency */
	const char *currency;
	struct money grant;             /* what it puts into which purse */
	const char *package;            /* or null */
	bool test;
	const char *description;
};

/* Its outcome (store_outcome_read): opened, again, limit. */
void store_payment_open_send(struct db *db, struct arena *arena, const struct store_payment *payment);
/* Its outcome: asked, done, gone. */
void store_payment_check_send(struct db *db, struct arena *arena, int64_t person, int64_t payment);

/* A page of the statement: STORE_STATEMENT_PAGE movements before the one named (INT64_MAX: the newest).
 * read: JSON {"rows": [{kind, at, sign, amount, after, job?, payment?, note?}], "older": id or absent}. */
void store_statement_send(struct db *db, struct arena *arena, int64_t person, int64_t before);
const char *store_statement_read(const struct db_rows *rows, struct arena *arena);
/* Puts the statement as a file into the outbox. */
void store_statement_csv_send(struct db *db, struct arena *arena, int64_t person);

/* Whether ЮKassa answers us, and when it last did (ISO 8601; "" for never lately). Its own round trip. */
MUST_CHECK enum db_end store_yookassa_health(struct db *db, struct arena *arena, bool *reachable,
	const char **last_answer);

/* What a notification may do: make us ask. One of ext_id and order may be null. Its own round trip; outcome is
 * queued, known or dropped, in the arena. */
struct store_hint {
	const char *provider, *ext_id, *order;
	const char *kind;               /* payment, refund */
	const char *event;
};
MUST_CHECK enum db_end store_payment_hint(struct db *db, struct arena *arena, const struct store_hint *hint,
	const char **outcome);

#endif
