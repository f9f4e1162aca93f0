/* Broadcasts a second at a time; the state of models, queues and lanes; the daily digest. */
#include "dispatcher/lookout.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatcher/database.h"
#include "dispatcher/helpers.h"
#include "dispatcher/lanes.h"
#include "store/lease.h"

#define BROADCAST_MS 1000
#define WATCH_MS 5000
#define DIGEST_MS 60000
#define DOWN_MS 30000           /* a lane without a helper for so long is told of */

struct lookout {
	struct desk *desk;
	int per_second;
	int64_t manned_ms[LANE_COUNT];  /* when each lane last had a helper */
};

static void broadcast(void *owner)
{
	struct lookout *lookout = owner;
	struct desk *desk = lookout->desk;
	struct db *db = database_db(desk->database);
	int64_t count = 0;

	loop_timer(desk->loop, BROADCAST_MS, broadcast, lookout);
	if (db == NULL || desk->leaving)
		return;
	arena_reset(desk->arena);
	enum db_end end = lease_broadcast_due(db, desk->arena, lookout->per_second, &count);

	if (database_good(desk->database, end, "broadcast_due") && count > 0)
		lanes_soon(desk->lanes);
}

/* Counts the helpers of each lane; down: the lanes that have had none for a while. */
static size_t lanes_down(struct lookout *lookout, enum lane down[LANE_COUNT], int64_t helpers[LANE_COUNT])
{
	struct helpers_lane lanes[LANE_COUNT];
	int64_t now = clock_mono_ms();
	size_t count = 0;

	helpers_lanes(lookout->desk->helpers, lanes);
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		helpers[lane] = (int64_t)lanes[lane].helpers;
		if (helpers[lane] > 0)
			lookout->manned_ms[lane] = now;
		if (now - lookout->manned_ms[lane] >= DOWN_MS)
			down[count++] = (enum lane)lane;
	}
	return count;
}

static void watch(void *owner)
{
	struct lookout *lookout = owner;
	struct desk *desk = lookout->desk;
	struct db *db = database_db(desk->database);
	enum lane down[LANE_COUNT];
	int64_t helpers[LANE_COUNT] = {0};
	size_t count = lanes_down(lookout, down, helpers);

	loop_timer(desk->loop, WATCH_MS, watch, lookout);
	for (size_t i = 0; i < count; i++)
		log_error("event=lane_down lane=%s", lane_name(down[i]));
	if (db == NULL || desk->leaving)
		return;
	arena_reset(desk->arena);
	(void)database_good(desk->database, lease_watch(db, desk->arena, down, count, helpers), "watch");
}

static void digest(void *owner)
{
	struct lookout *lookout = owner;
	struct desk *desk = lookout->desk;
	struct db *db = database_db(desk->database);

	loop_timer(desk->loop, DIGEST_MS, digest, lookout);
	if (db != NULL && !desk->leaving)
		(void)database_good(desk->database, lease_digest_due(db), "digest_due");
}

struct lookout *lookout_new(struct desk *desk, int per_second)
{
	struct lookout *lookout = mem_alloc(sizeof *lookout);

	*lookout = (struct lookout){.desk = desk, .per_second = per_second};
	for (int lane = 0; lane < LANE_COUNT; lane++)
		lookout->manned_ms[lane] = clock_mono_ms();
	loop_timer(desk->loop, BROADCAST_MS, broadcast, lookout);
	loop_timer(desk->loop, WATCH_MS, watch, lookout);
	loop_timer(desk->loop, DIGEST_MS, digest, lookout);
	return lookout;
}

void lookout_free(struct lookout *lookout)
{
	mem_free(lookout);
}
