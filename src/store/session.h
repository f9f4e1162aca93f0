/* A database session that our programs may work in: the schema they know, durable commits. */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include "db/conn.h"

enum session_end {
	SESSION_GOOD,
	SESSION_AWAY,           /* no connection; db_error says why */
	SESSION_STRANGE,        /* another schema, or commits that are not durable: logged, refused */
};

struct session {
	struct db *db;
	const struct db_statement *hello;       /* SELECT … FROM <caller's schema>.hello() */
	uint64_t greeted;                       /* db_session that was found good */
};

/* Connects if needed and checks each new connection once. */
MUST_CHECK enum session_end session_ready(struct session *session);

/* The same, and asks the database now: a lost connection shows only when it is used. */
MUST_CHECK enum session_end session_ping(struct session *session);

#endif
