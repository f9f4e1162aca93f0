/* One connection to PostgreSQL: statements in a pipeline, errors as a few classes, reconnection. */
#ifndef DB_CONN_H
#define DB_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"

#define DB_CONNECT_S 3                  /* a connection attempt */
#define DB_STATEMENT_MS 5000            /* one statement, set in the session */
#define DB_ANSWER_MS 8000               /* one answer, the server's own limit included: a server that hangs is away */
#define DB_IDLE_MS 10000                /* idle in a transaction, set in the session */
#define DB_ARGS_MAX 20

enum db_end {
	DB_OK,
	DB_AWAY,        /* no connection, lost, shutting down, out of resources, time-out: try later */
	DB_AGAIN,       /* serialization failure or deadlock: do the transaction again */
	DB_BROKEN,      /* any other error: the statement or its data; db_state and db_error say which */
};

struct db;
struct db_rows;         /* one statement's result; text values */

/* A statement is named once (a static constant); it is prepared on its first use in each session. */
struct db_statement {
	const char *name;
	const char *sql;
	int args;
};

/* url as in DATABASE_URL; role is the user to connect as, or null for what the URL says. Does not connect yet.
 * Both are copied. Free with db_free. */
struct db *db_new(const char *url, const char *role);
void db_free(struct db *db);
/* Answers are waited for however long they take, not DB_ANSWER_MS. Before the first db_ready. */
void db_patient(struct db *db);

/* Connects when there is no healthy connection (blocks at most DB_CONNECT_S). */
MUST_CHECK enum db_end db_ready(struct db *db);
bool db_is_local(const struct db *db);          /* connected through a Unix socket */
uint64_t db_session(const struct db *db);       /* grows with each connection made; 0: none yet */
int db_socket(const struct db *db);             /* to watch for hang-up; -1 when not connected */

/* A round trip: db_send any number of statements, then db_sync, then db_take once per statement in order, then
 * db_done. The first error skips the statements after it, exactly as PostgreSQL does. Arguments are texts, null
 * is SQL NULL. After an error the transaction is over (rolled back). db_take gives the rows (borrowed until
 * db_done) or null when that statement did not succeed. */
void db_send(struct db *db, const struct db_statement *statement, const char *const *args);
MUST_CHECK enum db_end db_sync(struct db *db);  /* sends and waits for all the answers */
const struct db_rows *db_take(struct db *db);
void db_done(struct db *db);                    /* forgets the results of this round trip */

/* One statement, one round trip. rows as for db_take; db_done after use. */
MUST_CHECK enum db_end db_call(struct db *db, const struct db_statement *statement, const char *const *args,
	const struct db_rows **rows);

/* BEGIN, COMMIT and ROLLBACK as statements; after the round trip with COMMIT, db_committed says whether the
 * answer's tag really was COMMIT (a failed transaction answers ROLLBACK without an error). */
extern const struct db_statement db_begin, db_commit, db_rollback;
bool db_committed(const struct db_rows *rows);
MUST_CHECK enum db_end db_reset(struct db *db); /* leaves any transaction; DB_AWAY when the connection is lost */

/* A script of many statements, as it stands (atelierctl migrate). */
MUST_CHECK enum db_end db_script(struct db *db, const char *sql);

const char *db_state(const struct db *db);      /* SQLSTATE of the last error, "" for none */
const char *db_error(const struct db *db);      /* its text in one line; never holds parameter values */

/* Reading rows. Columns by number; a null is "" and 0 (ask rows_null). A number that does not parse is a fault. */
size_t rows_count(const struct db_rows *rows);
bool rows_null(const struct db_rows *rows, size_t row, int column);
const char *rows_text(const struct db_rows *rows, size_t row, int column);
int64_t rows_i64(const struct db_rows *rows, size_t row, int column);
bool rows_bool(const struct db_rows *rows, size_t row, int column);

/* Array arguments, built in an arena as PostgreSQL writes them. A null text is NULL. */
char *db_array_i64(struct arena *arena, const int64_t *values, size_t count);
char *db_array_text(struct arena *arena, const char *const *values, size_t count);
char *db_i64(struct arena *arena, int64_t value);
char *db_bytes(struct arena *arena, const void *bytes, size_t count);   /* bytea, in hex */

#endif
