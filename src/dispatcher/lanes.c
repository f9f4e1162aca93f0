/* Leasing: claims as much as the helpers of each lane would take. */
#include "dispatcher/lanes.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "dispatcher/database.h"
#include "dispatcher/helpers.h"
#include "dispatcher/settle.h"
#include "store/lease.h"

#define TOKEN 1000              /* one message, in thousandths */
#define PACE_MS_MIN 50          /* so that a steady stream comes in small batches, not one by one */

struct lanes {
	struct desk *desk;
	uint64_t timer;
	uint64_t pace_timer;
	int64_t tokens;         /* of the chat lane, in thousandths of a message */
	int64_t filled_ms;
	char holder[96];
	struct task tasks[LEASE_BATCH];
};

static void run(void *owner);

struct lanes *lanes_new(struct desk *desk)
{
	struct lanes *lanes = mem_alloc(sizeof *lanes);
	char host[65] = "";

	lanes->desk = desk;
	lanes->tokens = INT64_C(1) * TOKEN * desk->chat_per_second;
	lanes->filled_ms = clock_mono_ms();
	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	snprintf(lanes->holder, sizeof lanes->holder, "%s:%ld", host, (long)getpid());
	return lanes;
}

void lanes_free(struct lanes *lanes)
{
	mem_free(lanes);
}

void lanes_soon(struct lanes *lanes)
{
	if (lanes->timer == 0)
		lanes->timer = loop_timer(lanes->desk->loop, 0, run, lanes);
}

static void on_pace(void *owner)
{
	struct lanes *lanes = owner;

	lanes->pace_timer = 0;
	lanes_soon(lanes);
}

/* How many messages may leave now. When none may, sees to it that we ask again in time. */
static size_t chat_allowance(struct lanes *lanes)
{
	int64_t now = clock_mono_ms();
	int64_t rate = lanes->desk->chat_per_second;
	int64_t full = rate * TOKEN;

	/* The first factor is bounded, so that a long sleep does not overflow. */
	int64_t passed_ms = now - lanes->filled_ms < 1000 ? now - lanes->filled_ms : 1000;

	lanes->tokens += passed_ms * rate;
	if (lanes->tokens > full)
		lanes->tokens = full;
	lanes->filled_ms = now;
	if (lanes->tokens < TOKEN && lanes->pace_timer == 0) {
		int64_t wait_ms = (TOKEN - lanes->tokens + rate - 1) / rate;

		lanes->pace_timer = loop_timer(lanes->desk->loop,
			wait_ms > PACE_MS_MIN ? wait_ms : PACE_MS_MIN, on_pace, lanes);
	}
	return (size_t)(lanes->tokens / TOKEN);
}

static size_t wanted(struct lanes *lanes, enum lane lane)
{
	size_t most = helpers_free_credit(lanes->desk->helpers, lane);

	if (most > LEASE_BATCH)
		most = LEASE_BATCH;
	if (most > 0 && lane == LANE_CHAT) {
		size_t allowed = chat_allowance(lanes);

		most = allowed < most ? allowed : most;
	}
	return most;
}

static void give(struct lanes *lanes, enum lane lane, struct task *task)
{
	struct desk *desk = lanes->desk;
	struct lease lease = {task->id, task->fence};
	const char *kind = task->payload != NULL ? task_kind_name(task->kind) : "?";

	switch (helpers_give(desk->helpers, lane, task)) {
	case GIVE_DONE:
		metric_add(METRIC_LEASED, lane, 0);
		break;
	case GIVE_NOBODY:
		settle_unsent(desk->settle, lease, kind, task->job_id, REPORT_LATER, CLASS_LOST,
			"no helper took it");
		break;
	case GIVE_UNFIT:
		settle_unsent(desk->settle, lease, kind, task->job_id, REPORT_REFUSED, CLASS_OURS,
			"a task that cannot be sent");
		break;
	}
	task_drop(task);
}

/* One batch for one lane; whether there is likely to be more for it at once. */
static bool claim(struct lanes *lanes, enum lane lane)
{
	struct desk *desk = lanes->desk;
	struct db *db = database_db(desk->database);
	size_t count, limit = wanted(lanes, lane);

	if (db == NULL || limit == 0)
		return false;
	arena_reset(desk->arena);
	enum db_end end = lease_claim(db, desk->arena, lane, (int)limit, lanes->holder, desk->lease_s,
		lanes->tasks, &count);

	if (!database_good(desk->database, end, "claim"))
		return false;
	if (lane == LANE_CHAT)
		lanes->tokens -= (int64_t)count * TOKEN;
	for (size_t i = 0; i < count; i++)
		give(lanes, lane, &lanes->tasks[i]);
	if (count > 0)
		log_debug("event=claimed lane=%s count=%zu asked=%zu", lane_name(lane), count, limit);
	return count == limit;
}

/* One batch a lane and round, so that reports and the other lanes get their turn. */
static void run(void *owner)
{
	struct lanes *lanes = owner;
	bool more = false;

	lanes->timer = 0;
	if (lanes->desk->leaving)
		return;
	for (int lane = 0; lane < LANE_COUNT; lane++)
		more = claim(lanes, (enum lane)lane) || more;
	if (more)
		lanes_soon(lanes);
}
