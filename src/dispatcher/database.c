/* The dispatcher's connection to the database. */
#include "dispatcher/database.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/proc.h"
#include "store/lease.h"
#include "store/session.h"

#define ROLE "atelier_dispatcher"
#define BACK_MS_FIRST 100
#define BACK_MS_MAX 2000
#define BACK_MS_UNFIT 5000      /* a database that answers but that we may not use: a person has to act */
#define TELL_EVERY 30           /* attempts between two lines of log */

struct database {
	struct desk *desk;
	struct db *db;
	struct session session;
	bool up;
	bool shut_in;           /* the network was closed off */
	unsigned attempts;      /* in vain, since it was last up */
	int64_t wait_ms;
	void (*on_up)(struct desk *desk);
};

static void go_back(void *owner);

static void again_in(struct database *database, int64_t wait_ms)
{
	loop_timer(database->desk->loop, wait_ms, go_back, database);
}

/* With the database on a Unix socket there is nobody else to talk to. */
static void shut_in(struct database *database)
{
	if (database->shut_in)
		return;
	database->shut_in = true;
	if (!db_is_local(database->db))
		log_info("event=network_open why=\"the database is not on a Unix socket\"");
	else if (!proc_no_network())
		log_warn("event=network_open why=\"the kernel has no seccomp filter\"");
}

static void go_back(void *owner)
{
	struct database *database = owner;
	enum session_end end = session_ready(&database->session);

	if (end != SESSION_GOOD) {
		bool away = end == SESSION_AWAY;

		if (away && database->attempts++ % TELL_EVERY == 0)
			log_warn("event=database_away state=%s error=\"%s\"", db_state(database->db),
				db_error(database->db));
		again_in(database, away ? database->wait_ms : BACK_MS_UNFIT);
		database->wait_ms = database->wait_ms * 2 < BACK_MS_MAX ? database->wait_ms * 2 : BACK_MS_MAX;
		return;
	}
	database->up = true;
	database->attempts = 0;
	database->wait_ms = BACK_MS_FIRST;
	log_info("event=database_up");
	shut_in(database);
	database->on_up(database->desk);
}

struct database *database_new(struct desk *desk, const char *url, void (*up)(struct desk *desk))
{
	struct database *database = mem_alloc(sizeof *database);

	*database = (struct database){
		.desk = desk, .db = db_new(url, ROLE), .wait_ms = BACK_MS_FIRST, .on_up = up,
	};
	database->session = (struct session){.db = database->db, .hello = &lease_hello};
	again_in(database, 0);
	return database;
}

void database_free(struct database *database)
{
	db_free(database->db);
	mem_free(database);
}

struct db *database_db(struct database *database)
{
	return database->up ? database->db : NULL;
}

bool database_good(struct database *database, enum db_end end, const char *what)
{
	if (end == DB_OK)
		return true;
	log_warn("event=database_refused call=%s state=%s error=\"%s\"", what, db_state(database->db),
		db_error(database->db));
	if (end == DB_AWAY && database->up) {
		database->up = false;
		metric_add(METRIC_DATABASE_LOST, PROGRAM_DISPATCHER, 0);
		again_in(database, database->wait_ms);
	}
	return false;
}
