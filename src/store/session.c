/* Says hello to each new connection: schema number and durability. */
#include "store/session.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/str.h"
#include "store/schema.h"

/* Columns of hello(): schema, fsync, full_page_writes, synchronous_commit. A commit that may be forgotten is no
 * commit: money rests on it. */
static bool is_good(const struct db_rows *rows)
{
	if (rows_count(rows) != 1)
		return false;
	if (rows_i64(rows, 0, 0) != STORE_SCHEMA) {
		log_error("database: schema %" PRId64 ", this program knows %d: run atelierctl migrate",
			rows_i64(rows, 0, 0), STORE_SCHEMA);
		return false;
	}
	if (!str_equal(rows_text(rows, 0, 1), "on") || !str_equal(rows_text(rows, 0, 2), "on") ||
		str_equal(rows_text(rows, 0, 3), "off")) {
		log_error("database: commits are not durable (fsync=%s full_page_writes=%s synchronous_commit=%s)",
			rows_text(rows, 0, 1), rows_text(rows, 0, 2), rows_text(rows, 0, 3));
		return false;
	}
	return true;
}

enum session_end session_ready(struct session *session)
{
	if (db_ready(session->db) != DB_OK)
		return SESSION_AWAY;
	if (db_session(session->db) == session->greeted)
		return SESSION_GOOD;
	const struct db_rows *rows;
	enum db_end end = db_call(session->db, session->hello, NULL, &rows);
	if (end == DB_BROKEN)
		log_error("database: no hello: %s", db_error(session->db));
	enum session_end result = end == DB_OK ? (is_good(rows) ? SESSION_GOOD : SESSION_STRANGE)
		: end == DB_BROKEN ? SESSION_STRANGE : SESSION_AWAY;
	db_done(session->db);
	if (result == SESSION_GOOD)
		session->greeted = db_session(session->db);
	return result;
}

enum session_end session_ping(struct session *session)
{
	session->greeted = 0;
	enum session_end end = session_ready(session);
	return end == SESSION_AWAY ? session_ready(session) : end;
}
