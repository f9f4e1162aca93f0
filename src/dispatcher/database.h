/* The dispatcher's connection to the database: up or away, and the way back. */
#ifndef DISPATCHER_DATABASE_H
#define DISPATCHER_DATABASE_H

#include "db/conn.h"
#include "dispatcher/desk.h"

/* Connects soon, from the loop, and again whenever the connection was lost; `up` is called each time the
 * database has answered and is one that we may work with. Free with database_free. */
struct database *database_new(struct desk *desk, const char *url, void (*up)(struct desk *desk));
void database_free(struct database *database);

struct db *database_db(struct database *database);      /* null while away */

/* Whether a call of `what` succeeded. When not: logs, and DB_AWAY starts the way back. */
bool database_good(struct database *database, enum db_end end, const char *what);

#endif
