/* One connection to PostgreSQL over libpq, always in pipeline mode between connect and loss. */
#include "db/conn.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define DB_PIPELINE_MAX 512     /* statements in one round trip */
#define DB_PREPARED_MAX 64      /* different statements of one program */
#define DB_ARRAY_MAX (4u << 20) /* bytes of one array argument */
#define DB_ERROR_MAX 240

struct db {
	char *url;
	char *role;
	PGconn *conn;
	uint64_t session;
	const struct db_statement *prepared[DB_PREPARED_MAX];
	size_t prepared_count;
	bool is_prepare[DB_PIPELINE_MAX];       /* which answers are of PREPARE, not of a caller's statement */
	size_t sent;
	PGresult *results[DB_PIPELINE_MAX];     /* of the caller's statements, in order */
	size_t result_count;
	size_t taken;
	bool patient;                           /* waits for answers however long they take */
	bool mute;                              /* an answer did not come in time: none will be waited for */
	enum db_end end;                        /* of the round trip under way */
	char state[6];
	char error[DB_ERROR_MAX];
};

const struct db_statement db_begin = {"begin", "BEGIN", 0};
const struct db_statement db_commit = {"commit", "COMMIT", 0};
const struct db_statement db_rollback = {"rollback", "ROLLBACK", 0};

struct db *db_new(const char *url, const char *role)
{
	struct db *db = mem_alloc(sizeof *db);
	db->url = mem_str(url);
	db->role = role ? mem_str(role) : NULL;
	return db;
}

void db_patient(struct db *db)
{
	db->patient = true;
}

static void disconnect(struct db *db)
{
	db_done(db);
	PQfinish(db->conn);
	db->conn = NULL;
	db->prepared_count = 0;
	db->mute = false;
}

void db_free(struct db *db)
{
	if (!db)
		return;
	disconnect(db);
	mem_free(db->url);
	mem_free(db->role);
	mem_free(db);
}

/* Keeps the primary message only: details may quote data. */
static void remember(struct db *db, const char *state, const char *text)
{
	snprintf(db->state, sizeof db->state, "%s", state ? state : "");
	size_t length = strcspn(text ? text : "", "\n");
	snprintf(db->error, sizeof db->error, "%.*s", (int)length, text ? text : "");
}

/* Which SQLSTATEs mean what (PostgreSQL manual, appendix A). */
static enum db_end classify(const char *state)
{
	static const char *const again[] = {"40001", "40P01"};
	static const char *const away[] = {"08", "53", "57", "58", "25006", "55P03"};
	if (!state || !*state)
		return DB_AWAY;
	for (size_t i = 0; i < sizeof again / sizeof *again; i++)
		if (str_equal(state, again[i]))
			return DB_AGAIN;
	for (size_t i = 0; i < sizeof away / sizeof *away; i++)
		if (str_starts(state, away[i]))
			return DB_AWAY;
	return DB_BROKEN;
}

static void worsen(struct db *db, enum db_end end)
{
	if (db->end == DB_OK)
		db->end = end;
}

static enum db_end connect_now(struct db *db)
{
	char timeout[12], options[240];
	snprintf(timeout, sizeof timeout, "%d", DB_CONNECT_S);
	/* Our statements are few and touch rows by key: planning each call anew cost more than running it. */
	snprintf(options, sizeof options, "-c statement_timeout=%d -c idle_in_transaction_session_timeout=%d "
		"-c search_path=pg_catalog -c standard_conforming_strings=on "
		"-c plan_cache_mode=force_generic_plan", DB_STATEMENT_MS, DB_IDLE_MS);
	const char *names[] = {"dbname", "connect_timeout", "options", "client_encoding", "application_name",
		db->role ? "user" : NULL, NULL};
	const char *values[] = {db->url, timeout, options, "UTF8", db->role ? db->role : "atelierctl", db->role, NULL};
	db->conn = PQconnectdbParams(names, values, 1);
	if (PQstatus(db->conn) != CONNECTION_OK) {
		remember(db, "", PQerrorMessage(db->conn));
		disconnect(db);
		return DB_AWAY;
	}
	/* A program waits for the server by itself, and not for ever; the operator's tool has time. */
	if (!db->patient && PQsetnonblocking(db->conn, 1) != 0) {
		remember(db, "", PQerrorMessage(db->conn));
		disconnect(db);
		return DB_AWAY;
	}
	db->session++;
	return DB_OK;
}

enum db_end db_ready(struct db *db)
{
	if (db->conn && PQstatus(db->conn) == CONNECTION_OK)
		return DB_OK;
	disconnect(db);
	return connect_now(db);
}

bool db_is_local(const struct db *db)
{
	const char *host = db->conn ? PQhost(db->conn) : NULL;
	return host && host[0] == '/';
}

uint64_t db_session(const struct db *db)
{
	return db->session;
}

int db_socket(const struct db *db)
{
	return db->conn ? PQsocket(db->conn) : -1;
}

static bool is_prepared(const struct db *db, const struct db_statement *statement)
{
	for (size_t i = 0; i < db->prepared_count; i++)
		if (db->prepared[i] == statement)
			return true;
	return false;
}

void db_send(struct db *db, const struct db_statement *statement, const char *const *args)
{
	must(statement->args <= DB_ARGS_MAX);
	if (!db->conn) {
		worsen(db, DB_AWAY);
		return;
	}
	if (db->sent == 0 && PQpipelineStatus(db->conn) == PQ_PIPELINE_OFF && !PQenterPipelineMode(db->conn))
		worsen(db, DB_AWAY);
	must(db->sent + 2 <= DB_PIPELINE_MAX);
	if (!is_prepared(db, statement)) {
		must(db->prepared_count < DB_PREPARED_MAX);
		if (!PQsendPrepare(db->conn, statement->name, statement->sql, 0, NULL))
			worsen(db, DB_AWAY);
		db->is_prepare[db->sent++] = true;
		db->prepared[db->prepared_count++] = statement;
	}
	if (!PQsendQueryPrepared(db->conn, statement->name, statement->args, args, NULL, NULL, 0))
		worsen(db, DB_AWAY);
	db->is_prepare[db->sent++] = false;
}

/* Sends what is unsent and waits until the next result can be had without waiting. False: not in time. What breaks
 * meanwhile is for PQgetResult to tell. */
static bool answer_comes(struct db *db)
{
	int64_t end_ms = clock_mono_ms() + DB_ANSWER_MS;
	int unsent;

	while (!db->mute && (unsent = PQflush(db->conn)) >= 0 && PQconsumeInput(db->conn)) {
		struct pollfd watch = {
			.fd = PQsocket(db->conn), .events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)),
		};
		int64_t left_ms = end_ms - clock_mono_ms();

		if (unsent == 0 && !PQisBusy(db->conn))
			return true;
		if (left_ms <= 0)
			db->mute = true;
		else
			(void)poll(&watch, 1, (int)left_ms);
	}
	return !db->mute;
}

static PGresult *next_result(struct db *db)
{
	return db->patient || answer_comes(db) ? PQgetResult(db->conn) : NULL;
}

/* One statement's answer: a result, then the null that ends it. */
static void receive(struct db *db, bool is_prepare)
{
	PGresult *result = next_result(db);
	ExecStatusType status = result ? PQresultStatus(result) : PGRES_FATAL_ERROR;
	bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
	if (!good && status != PGRES_PIPELINE_ABORTED && db->end == DB_OK) {
		const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
		const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
		remember(db, state, text ? text : db->mute ? "no answer in time" : PQerrorMessage(db->conn));
		worsen(db, classify(state));
	}
	if (!is_prepare && good) {
		db->results[db->result_count++] = result;
	} else {
		if (!is_prepare)
			db->results[db->result_count++] = NULL;
		PQclear(result);
	}
	for (PGresult *rest; result && (rest = next_result(db)); )
		PQclear(rest);
}

/* After an error: out of the transaction, and what was prepared after it was skipped, so forget all names. */
static bool start_over(struct db *db)
{
	if (PQpipelineStatus(db->conn) != PQ_PIPELINE_OFF && !PQexitPipelineMode(db->conn))
		return false;
	db->prepared_count = 0;
	PGresult *rollback = NULL;
	if (PQtransactionStatus(db->conn) != PQTRANS_IDLE)
		rollback = PQexec(db->conn, "ROLLBACK");
	PQclear(rollback);
	PGresult *forget = PQexec(db->conn, "DEALLOCATE ALL");
	bool good = PQresultStatus(forget) == PGRES_COMMAND_OK;
	PQclear(forget);
	return good;
}

enum db_end db_sync(struct db *db)
{
	size_t sent = db->sent;
	db->sent = 0;
	if (db->end == DB_OK && db->conn && !PQpipelineSync(db->conn))
		worsen(db, DB_AWAY);
	if (!db->conn || PQstatus(db->conn) != CONNECTION_OK)
		worsen(db, DB_AWAY);
	/* What did not leave whole has no answer to wait for. */
	bool left = db->end == DB_OK;
	for (size_t i = 0; left && i < sent && PQstatus(db->conn) == CONNECTION_OK; i++)
		receive(db, db->is_prepare[i]);
	if (left && PQstatus(db->conn) == CONNECTION_OK) {
		PGresult *sync = next_result(db);
		if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC)
			worsen(db, DB_AWAY);
		PQclear(sync);
	}
	enum db_end end = db->end;
	db->end = DB_OK;
	if (end == DB_AWAY || (end != DB_OK && !start_over(db))) {
		disconnect(db);
		return DB_AWAY;
	}
	return end;
}

const struct db_rows *db_take(struct db *db)
{
	if (db->taken >= db->result_count)
		return NULL;
	return (const struct db_rows *)db->results[db->taken++];
}

void db_done(struct db *db)
{
	for (size_t i = 0; i < db->result_count; i++)
		PQclear(db->results[i]);
	db->result_count = 0;
	db->taken = 0;
	db->sent = 0;
	db->end = DB_OK;
}

enum db_end db_call(struct db *db, const struct db_statement *statement, const char *const *args,
	const struct db_rows **rows)
{
	db_send(db, statement, args);
	enum db_end end = db_sync(db);
	*rows = end == DB_OK ? db_take(db) : NULL;
	return end;
}

bool db_committed(const struct db_rows *rows)
{
	/* libpq's accessor takes a non-const result and changes nothing. */
	PGresult *result = (PGresult *)(uintptr_t)rows;
	return result && strcmp(PQcmdStatus(result), "COMMIT") == 0;
}

enum db_end db_reset(struct db *db)
{
	db_done(db);
	if (!db->conn || PQstatus(db->conn) != CONNECTION_OK) {
		disconnect(db);
		return DB_AWAY;
	}
	if (PQtransactionStatus(db->conn) == PQTRANS_IDLE)
		return DB_OK;
	const struct db_rows *rows;
	enum db_end end = db_call(db, &db_rollback, NULL, &rows);
	db_done(db);
	return end;
}

enum db_end db_script(struct db *db, const char *sql)
{
	if (!db->conn)
		return DB_AWAY;
	if (PQpipelineStatus(db->conn) != PQ_PIPELINE_OFF && !PQexitPipelineMode(db->conn))
		return DB_AWAY;
	PGresult *result = PQexec(db->conn, sql);
	ExecStatusType status = PQresultStatus(result);
	enum db_end end = DB_OK;
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		remember(db, state, text ? text : PQerrorMessage(db->conn));
		end = classify(state);
	}
	PQclear(result);
	return end;
}

const char *db_state(const struct db *db)
{
	return db->state;
}

const char *db_error(const struct db *db)
{
	return db->error;
}

size_t rows_count(const struct db_rows *rows)
{
	return rows ? (size_t)PQntuples((const PGresult *)rows) : 0;
}

bool rows_null(const struct db_rows *rows, size_t row, int column)
{
	return PQgetisnull((const PGresult *)rows, (int)row, column);
}

const char *rows_text(const struct db_rows *rows, size_t row, int column)
{
	must(row < rows_count(rows) && column < PQnfields((const PGresult *)rows));
	return PQgetvalue((const PGresult *)rows, (int)row, column);
}

int64_t rows_i64(const struct db_rows *rows, size_t row, int column)
{
	if (rows_null(rows, row, column))
		return 0;
	int64_t value;
	if (!str_to_i64(rows_text(rows, row, column), INT64_MIN, INT64_MAX, &value))
		fault("a column that is not a number");
	return value;
}

bool rows_bool(const struct db_rows *rows, size_t row, int column)
{
	return rows_text(rows, row, column)[0] == 't';
}

char *db_i64(struct arena *arena, int64_t value)
{
	return arena_fmt(arena, "%" PRId64, value);
}

char *db_bytes(struct arena *arena, const void *bytes, size_t count)
{
	char *text = arena_alloc(arena, 2 * count + 3);
	text[0] = '\\';
	text[1] = 'x';
	digest_hex(bytes, count, text + 2);
	return text;
}

static char *buf_to_arena(struct buf *buf, struct arena *arena)
{
	must(!buf->full);
	char *text = arena_text(arena, buf_text(buf), buf->length);
	buf_free(buf);
	return text;
}

char *db_array_i64(struct arena *arena, const int64_t *values, size_t count)
{
	struct buf buf;
	buf_init(&buf, DB_ARRAY_MAX);
	buf_char(&buf, '{');
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_char(&buf, ',');
		buf_i64(&buf, values[i]);
	}
	buf_char(&buf, '}');
	return buf_to_arena(&buf, arena);
}

static void add_quoted(struct buf *buf, const char *text)
{
	buf_char(buf, '"');
	for (const char *run = text; *run; ) {
		size_t plain = strcspn(run, "\"\\");
		buf_add(buf, run, plain);
		run += plain;
		if (*run) {
			buf_char(buf, '\\');
			buf_char(buf, *run++);
		}
	}
	buf_char(buf, '"');
}

char *db_array_text(struct arena *arena, const char *const *values, size_t count)
{
	struct buf buf;
	buf_init(&buf, DB_ARRAY_MAX);
	buf_char(&buf, '{');
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_char(&buf, ',');
		if (values[i])
			add_quoted(&buf, values[i]);
		else
			buf_str(&buf, "NULL");
	}
	buf_char(&buf, '}');
	return buf_to_arena(&buf, arena);
}
