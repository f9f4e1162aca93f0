/* What happens by itself. */
#include "dispatcher/clockwork.h"

#include <inttypes.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/proc.h"
#include "dispatcher/database.h"
#include "dispatcher/helpers.h"
#include "dispatcher/lanes.h"
#include "dispatcher/settle.h"
#include "dispatcher/vigil.h"
#include "store/lease.h"

#define TICK_MS 1000
#define REAP_MS 5000
#define REAP_SOON_MS 100
#define REAP_PUT_OFF 20
#define PURGE_MS 60000
#define PURGE_MANY 1000         /* as many as one call deletes at most */
#define TALLY_MS 10000
#define LEAVE_LOOK_MS 50
#define LEAVE_GRACE_MS 500      /* helpers that are told to leave with us say so within it */
#define WAKE_ROUND 1024

struct clockwork {
	struct desk *desk;
	int wake_fd;
	int lifeline_fd;
	int64_t drain_ms;
	int64_t leave_ms;       /* since when we are leaving */
	unsigned put_off;       /* times that reaping waited for reports */
};

static void every(struct clockwork *clockwork, int64_t wait_ms, loop_timer_f *call)
{
	loop_timer(clockwork->desk->loop, wait_ms, call, clockwork);
}

/* What GET /healthz and /metrics tell of us. */
static void show(struct desk *desk)
{
	struct helpers_lane lanes[LANE_COUNT];

	helpers_lanes(desk->helpers, lanes);
	for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
		metric_set(METRIC_HELPERS, lane, (int64_t)lanes[lane].helpers);
		metric_set(METRIC_IN_FLIGHT, lane, (int64_t)lanes[lane].holding);
	}
	metric_beat();
}

static void tick(void *owner)
{
	struct clockwork *clockwork = owner;

	vigil_sweep(clockwork->desk);
	show(clockwork->desk);
	lanes_soon(clockwork->desk->lanes);
	every(clockwork, TICK_MS, tick);
}

/* Lets reports in hand go first: after a time without database the leases may all be over, and what was
 * reported in time counts. Not for ever, as there may always be some. */
static void reap(void *owner)
{
	struct clockwork *clockwork = owner;
	struct desk *desk = clockwork->desk;
	struct db *db = database_db(desk->database);
	int64_t count;

	if (db != NULL && settle_count(desk->settle) > 0 && clockwork->put_off < REAP_PUT_OFF) {
		clockwork->put_off++;
		every(clockwork, REAP_SOON_MS, reap);
		return;
	}
	clockwork->put_off = 0;
	every(clockwork, REAP_MS, reap);
	if (db == NULL)
		return;
	arena_reset(desk->arena);
	enum db_end end = lease_reap(db, desk->arena, desk->unknown_s, &count);

	if (!database_good(desk->database, end, "reap") || count == 0)
		return;
	log_warn("event=reaped count=%" PRId64, count);
	lanes_soon(desk->lanes);
}

static void purge(void *owner)
{
	struct clockwork *clockwork = owner;
	struct desk *desk = clockwork->desk;
	struct db *db = database_db(desk->database);
	int64_t count;

	bool more = false;

	if (db != NULL && database_good(desk->database, lease_purge(db, &count), "purge") && count > 0) {
		log_debug("event=purged count=%" PRId64, count);
		more = count >= PURGE_MANY;
	}
	every(clockwork, more ? TICK_MS : PURGE_MS, purge);
}

/* Folds the ledger's new rows into the figures of GET /metrics. */
static void tally(void *owner)
{
	struct clockwork *clockwork = owner;
	struct desk *desk = clockwork->desk;
	struct db *db = database_db(desk->database);
	bool more = false;

	if (db != NULL && !database_good(desk->database, lease_tally(db, &more), "tally"))
		more = false;
	every(clockwork, more ? TICK_MS : TALLY_MS, tally);
}

static void on_wake(void *owner, int fd, unsigned events)
{
	struct clockwork *clockwork = owner;
	char byte;

	(void)events;
	for (int i = 0; i < WAKE_ROUND && recv(fd, &byte, sizeof byte, MSG_DONTWAIT) >= 0; i++)
		;
	lanes_soon(clockwork->desk->lanes);
}

static void leave(void *owner)
{
	struct clockwork *clockwork = owner;
	struct desk *desk = clockwork->desk;
	int64_t passed_ms = clock_mono_ms() - clockwork->leave_ms;
	size_t count = settle_count(desk->settle);

	if (passed_ms < clockwork->drain_ms
		&& (count > 0 || passed_ms < LEAVE_GRACE_MS || helpers_finishing(desk->helpers))) {
		every(clockwork, LEAVE_LOOK_MS, leave);
		return;
	}
	/* Helpers keep what was not acknowledged and tell the next dispatcher. */
	if (count > 0)
		log_warn("event=leaving unsettled=%zu", count);
	loop_stop(desk->loop);
}

static void on_lifeline(void *owner, int fd, unsigned events)
{
	struct clockwork *clockwork = owner;

	(void)events;
	loop_unwatch(clockwork->desk->loop, fd);
	log_info("event=draining");
	clockwork->desk->leaving = true;
	clockwork->leave_ms = clock_mono_ms();
	leave(clockwork);
}

struct clockwork *clockwork_new(struct desk *desk, int wake_fd, int lifeline_fd, int drain_s)
{
	struct clockwork *clockwork = mem_alloc(sizeof *clockwork);

	*clockwork = (struct clockwork){
		.desk = desk, .wake_fd = wake_fd, .lifeline_fd = lifeline_fd,
		.drain_ms = INT64_C(1000) * drain_s,
	};
	loop_watch(desk->loop, wake_fd, LOOP_READ, on_wake, clockwork);
	loop_watch(desk->loop, lifeline_fd, LOOP_READ, on_lifeline, clockwork);
	every(clockwork, TICK_MS, tick);
	every(clockwork, REAP_MS, reap);
	every(clockwork, PURGE_MS, purge);
	every(clockwork, TALLY_MS, tally);
	return clockwork;
}

void clockwork_free(struct clockwork *clockwork)
{
	loop_unwatch(clockwork->desk->loop, clockwork->wake_fd);
	loop_unwatch(clockwork->desk->loop, clockwork->lifeline_fd);
	mem_free(clockwork);
}

void clockwork_database_up(struct desk *desk)
{
	static bool told;

	if (!told)
		proc_ready();
	told = true;
	settle_now(desk);
	vigil_beat_all(desk);
	lanes_soon(desk->lanes);
}
