/* Reports on their way into the database. */
#include "dispatcher/settle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/str.h"
#include "dispatcher/database.h"
#include "dispatcher/held.h"
#include "dispatcher/helpers.h"
#include "dispatcher/lanes.h"

#define BATCH_BYTES_MAX (1u << 20)      /* of the results of one call */
#define BACK_MS_FIRST 100
#define BACK_MS_MAX 2000

/* How a report is brought to the database; the next when the database refuses it for what is in it. */
enum stage {
	STAGE_AS_TOLD,
	STAGE_UNKNOWN,          /* nothing but that it ended: looked into as of unknown fate */
	STAGE_ABANDON,          /* as if its holder had died */
	STAGE_NONE,             /* the lease decides */
};

struct item {
	struct item *next;
	uint64_t helper;
	const char *lane;       /* the helper's; null: our own word */
	struct lease lease;
	enum stage stage;
	enum report_outcome outcome;
	enum report_class class;
	int32_t retry_ms;
	const char *kind;
	int64_t job;
	size_t bytes;
	char *result;           /* JSON or null */
	char text[REPORT_TEXT_MAX];
};

struct settle {
	struct desk *desk;
	struct item *first;
	struct item **end;      /* where the next is linked in */
	size_t count;
	size_t batch;           /* halved when a call fails, so that one report cannot hold up the others */
	struct held *index;     /* by task: which report is in hand, and for whom */
	uint64_t timer;
	int64_t wait_ms;
};

static void run(void *owner);

static void soon(struct settle *settle, int64_t wait_ms)
{
	if (settle->timer == 0 && settle->count > 0)
		settle->timer = loop_timer(settle->desk->loop, wait_ms, run, settle);
}

struct settle *settle_new(struct desk *desk)
{
	struct settle *settle = mem_alloc(sizeof *settle);

	*settle = (struct settle){
		.desk = desk, .batch = LEASE_BATCH, .index = held_new(), .wait_ms = BACK_MS_FIRST,
	};
	settle->end = &settle->first;
	return settle;
}

static void item_free(struct item *item)
{
	mem_free(item->result);
	mem_free(item);
}

void settle_free(struct settle *settle)
{
	while (settle->first != NULL) {
		struct item *next = settle->first->next;

		item_free(settle->first);
		settle->first = next;
	}
	held_free(settle->index);
	mem_free(settle);
}

static void append(struct settle *settle, struct item *item)
{
	item->next = NULL;
	*settle->end = item;
	settle->end = &item->next;
	settle->count++;
}

static struct item *shift(struct settle *settle)
{
	struct item *item = settle->first;

	settle->first = item->next;
	if (settle->first == NULL)
		settle->end = &settle->first;
	settle->count--;
	return item;
}

static struct held_entry *in_hand(const struct settle *settle, struct lease lease)
{
	struct held_entry *entry = held_find(settle->index, lease.task);

	return entry != NULL && entry->lease.fence == lease.fence ? entry : NULL;
}

bool settle_holds(const struct settle *settle, struct lease lease)
{
	return in_hand(settle, lease) != NULL;
}

size_t settle_count(const struct settle *settle)
{
	return settle->count;
}

size_t settle_take(struct settle *settle, uint64_t helper, const char *lane, const struct report *report,
	const char *kind, int64_t job)
{
	struct lease lease = {report->task_id, report->fence};
	struct held_entry *twin = in_hand(settle, lease);
	struct item *item;

	if (twin != NULL && twin->helper == helper)
		return 0;
	if (twin != NULL) {
		/* Told again over a new connection: that one is to be answered. */
		twin->helper = helper;
		return sizeof *item;
	}
	item = mem_alloc(sizeof *item);
	item->helper = helper;
	item->lane = lane;
	item->lease = lease;
	item->outcome = report->outcome;
	item->class = report->class;
	item->retry_ms = report->retry_ms;
	item->kind = kind;
	item->job = job;
	item->result = report->result != NULL ? mem_str(json_write(report->result)) : NULL;
	item->bytes = sizeof *item + (item->result != NULL ? strlen(item->result) : 0);
	snprintf(item->text, sizeof item->text, "%s", report->text);
	append(settle, item);
	held_put(settle->index, &(struct held_entry){.lease = lease, .helper = helper});
	soon(settle, 0);
	return item->bytes;
}

void settle_unsent(struct settle *settle, struct lease lease, const char *kind, int64_t job,
	enum report_outcome outcome, enum report_class class, const char *text)
{
	struct report report = {
		.task_id = lease.task, .fence = lease.fence, .outcome = outcome, .class = class,
	};

	snprintf(report.text, sizeof report.text, "%s", text);
	log_warn("event=task_unsent task=%" PRId64 " kind=%s job=%" PRId64 " why=\"%s\"",
		lease.task, kind, job, text);
	(void)settle_take(settle, 0, NULL, &report, kind, job);
}

/* Done with it, one way or another: its helper may forget it. */
static void finish(struct settle *settle, struct item *item)
{
	struct held_entry *entry = in_hand(settle, item->lease);

	if (entry != NULL) {
		item->helper = entry->helper;
		held_drop(settle->index, item->lease.task);
	}
	helpers_ack(settle->desk->helpers, item->helper, item->lease, item->bytes);
	item_free(item);
}

/* A helper's report that was settled, once; not what we or the stages made of it. */
static void count_item(const struct item *item)
{
	enum lane lane;

	if (item->stage != STAGE_AS_TOLD || item->lane == NULL || lane_from(item->lane, &lane) != 0)
		return;
	metric_add(METRIC_REPORTS, lane, item->outcome);
	if (item->class == CLASS_RATE)
		metric_add(METRIC_THROTTLED, lane, 0);
}

static void tell(const struct item *item, bool taken)
{
	bool of_job = item->job != 0 || str_equal(item->kind, "?");
	void (*log)(const char *fmt, ...) = of_job ? log_info : log_debug;

	log("event=task_settled task=%" PRId64 " fence=%" PRId32 " kind=%s job=%" PRId64 " outcome=%s class=%s "
		"answer=%s text=\"%s\"", item->lease.task, item->lease.fence, item->kind, item->job,
		report_outcome_name(item->outcome), report_class_name(item->class), taken ? "ok" : "stale",
		item->text);
}

/* An error that is about what the report holds, and not about the database or its functions. */
static bool is_of_content(const char *state)
{
	return str_starts(state, "22") || str_starts(state, "23") || str_starts(state, "P0")
		|| str_starts(state, "XX");
}

static void next_stage(struct settle *settle, const char *state)
{
	struct item *item = settle->first;
	char text[REPORT_TEXT_MAX];

	log_error("event=report_refused task=%" PRId64 " fence=%" PRId32 " kind=%s job=%" PRId64
		" outcome=%s class=%s stage=%d state=%s text=\"%s\" result=%s", item->lease.task,
		item->lease.fence, item->kind, item->job, report_outcome_name(item->outcome),
		report_class_name(item->class), item->stage, state, item->text,
		item->result != NULL ? item->result : "none");
	item->stage++;
	if (item->stage == STAGE_UNKNOWN) {
		snprintf(text, sizeof text, "the database refused the report: %s", state);
		memcpy(item->text, text, sizeof text);
		item->outcome = REPORT_UNKNOWN;
		item->class = CLASS_OURS;
		item->retry_ms = 0;
		mem_free(item->result);
		item->result = NULL;
	} else if (item->stage == STAGE_NONE) {
		finish(settle, shift(settle));
	}
}

/* The first `count` could not be settled. Nothing is lost: they are tried again, fewer at once; what fails
 * alone makes way for the others. */
static void failed(struct settle *settle, enum db_end end, size_t count)
{
	const char *state = end == DB_BROKEN ? db_state(database_db(settle->desk->database)) : "";
	int64_t wait_ms = settle->wait_ms;

	settle->batch = count > 1 ? count / 2 : 1;
	if (is_of_content(state)) {
		if (count == 1)
			next_stage(settle, state);
		soon(settle, 0);
		return;
	}
	if (count == 1)
		append(settle, shift(settle));
	settle->wait_ms = wait_ms * 2 < BACK_MS_MAX ? wait_ms * 2 : BACK_MS_MAX;
	soon(settle, wait_ms);
}

/* Takes the next few for one call: they fit together, none of them twice. */
static size_t gather(const struct settle *settle, struct lease_report reports[LEASE_BATCH])
{
	size_t count = 0, bytes = 0;

	for (const struct item *item = settle->first; item != NULL && count < settle->batch; item = item->next) {
		bytes += item->bytes;
		if (count > 0 && (bytes > BATCH_BYTES_MAX || item->stage == STAGE_ABANDON))
			break;
		for (size_t i = 0; i < count; i++)
			if (reports[i].lease.task == item->lease.task)
				return count;
		reports[count++] = (struct lease_report){
			.lease = item->lease, .lane = item->lane, .outcome = item->outcome, .class = item->class,
			.text = item->text, .result = item->result, .retry_ms = item->retry_ms,
		};
		if (item->stage == STAGE_ABANDON)
			break;
	}
	return count;
}

static void run(void *owner)
{
	struct settle *settle = owner;
	struct desk *desk = settle->desk;
	struct db *db = database_db(desk->database);
	struct lease_report reports[LEASE_BATCH];
	enum db_end end;

	settle->timer = 0;
	if (db == NULL || settle->count == 0)
		return;
	size_t count = gather(settle, reports);
	bool abandon = settle->first->stage == STAGE_ABANDON;

	arena_reset(desk->arena);
	if (abandon)
		end = lease_abandon(db, desk->arena, reports[0].lane, &reports[0].lease, 1, desk->unknown_s);
	else
		end = lease_report(db, desk->arena, reports, count, desk->unknown_s);
	if (!database_good(desk->database, end, abandon ? "abandon" : "report")) {
		failed(settle, end, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct item *item = shift(settle);

		if (reports[i].taken)
			count_item(item);
		tell(item, reports[i].taken || abandon);
		finish(settle, item);
	}
	settle->batch = settle->batch * 2 < LEASE_BATCH ? settle->batch * 2 : LEASE_BATCH;
	settle->wait_ms = BACK_MS_FIRST;
	soon(settle, 0);
	lanes_soon(desk->lanes);
}

void settle_now(struct desk *desk)
{
	soon(desk->settle, 0);
}
