/* The dispatcher's functions in the database. */
#include "store/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct db_statement claim = {"claim",
	"SELECT id, fence, kind, chat_id, lang, message_id, job_id, payload, memo, attempts "
	"FROM dispatcher.claim($1, $2::int, $3, $4::int)", 4};
static const struct db_statement beat = {"beat",
	"SELECT * FROM dispatcher.beat($1::bigint[], $2::int[], $3::int, $4)", 4};
static const struct db_statement report = {"report",
	"SELECT id, answer FROM dispatcher.report($1::bigint[], $2::int[], $3::text[], $4::text[], "
	"$5::text[], $6::int[], $7::jsonb[], $8::int, $9::text[])", 9};
static const struct db_statement abandon = {"abandon",
	"SELECT dispatcher.abandon($1::bigint[], $2::int[], $3::int, $4)", 4};
static const struct db_statement reap = {"reap", "SELECT dispatcher.reap($1::int)", 1};
static const struct db_statement purge = {"purge", "SELECT dispatcher.purge()", 0};
const struct db_statement lease_hello = {"hello", "SELECT * FROM dispatcher.hello()", 0};

/* An object, or null when it is none that can be read. */
static json *object_at(const struct db_rows *rows, size_t row, int column)
{
	const char *text = rows_text(rows, row, column);
	json *value = json_read(text, strlen(text));

	if (json_object_is_type(value, json_type_object))
		return value;
	json_drop(value);
	return NULL;
}

static void task_at(const struct db_rows *rows, size_t row, struct task *task)
{
	const char *lang = rows_text(rows, row, 4);

	*task = (struct task){
		.id = rows_i64(rows, row, 0),
		.fence = (int32_t)rows_i64(rows, row, 1),
		.chat_id = rows_i64(rows, row, 3),
		.message_id = rows_i64(rows, row, 5),
		.job_id = rows_i64(rows, row, 6),
		.attempts = (int)rows_i64(rows, row, 9),
		.payload = object_at(rows, row, 7),
		.memo = rows_null(rows, row, 8) ? json_new() : object_at(rows, row, 8),
	};
	if (strlen(lang) < sizeof task->lang)
		memcpy(task->lang, lang, strlen(lang) + 1);
	if (task_kind_from(rows_text(rows, row, 2), &task->kind) != 0 || task->memo == NULL)
		task_drop(task);
}

enum db_end lease_claim(struct db *db, struct arena *arena, enum lane lane, int limit,
	const char *holder, int lease_s, struct task *tasks, size_t *count)
{
	const struct db_rows *rows;

	must(limit >= 1 && limit <= LEASE_BATCH);
	const char *args[] = {
		lane_name(lane), db_i64(arena, limit), holder, db_i64(arena, lease_s),
	};
	enum db_end end = db_call(db, &claim, args, &rows);

	*count = end == DB_OK ? rows_count(rows) : 0;
	must(*count <= (size_t)limit);
	for (size_t i = 0; i < *count; i++)
		task_at(rows, i, &tasks[i]);
	db_done(db);
	return end;
}

/* Writes leases as the two arrays that most functions begin with. */
static void lease_arrays(struct arena *arena, const struct lease *leases, size_t count, const char *args[2])
{
	int64_t *numbers = arena_alloc(arena, (count + 1) * sizeof *numbers);

	for (size_t i = 0; i < count; i++)
		numbers[i] = leases[i].task;
	args[0] = db_array_i64(arena, numbers, count);
	for (size_t i = 0; i < count; i++)
		numbers[i] = leases[i].fence;
	args[1] = db_array_i64(arena, numbers, count);
}

static int lease_order(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;

	return (one > two) - (one < two);
}

enum db_end lease_beat(struct db *db, struct arena *arena, enum lane lane, const struct lease *leases, size_t count,
	int lease_s, bool *kept)
{
	const char *args[4];
	const struct db_rows *rows;

	must(count <= LEASE_HELD_MAX);
	lease_arrays(arena, leases, count, args);
	args[2] = db_i64(arena, lease_s);
	args[3] = lane_name(lane);
	enum db_end end = db_call(db, &beat, args, &rows);

	if (end == DB_OK) {
		size_t held = rows_count(rows);
		int64_t *ids = arena_alloc(arena, (held + 1) * sizeof *ids);

		for (size_t i = 0; i < held; i++)
			ids[i] = rows_i64(rows, i, 0);
		qsort(ids, held, sizeof *ids, lease_order);
		for (size_t i = 0; i < count; i++)
			kept[i] = bsearch(&leases[i].task, ids, held, sizeof *ids, lease_order) != NULL;
	}
	db_done(db);
	return end;
}

/* Fills taken of each report with that id; a report the database said nothing of stays not taken. */
static void answers_read(const struct db_rows *rows, struct lease_report *reports, size_t count)
{
	for (size_t i = 0; i < count; i++)
		reports[i].taken = false;
	for (size_t row = 0; row < rows_count(rows); row++)
		for (size_t i = 0; i < count; i++)
			if (reports[i].lease.task == rows_i64(rows, row, 0))
				reports[i].taken = str_equal(rows_text(rows, row, 1), "ok");
}

enum db_end lease_report(struct db *db, struct arena *arena, struct lease_report *reports, size_t count,
	int unknown_s)
{
	struct lease leases[LEASE_BATCH];
	const char *outcomes[LEASE_BATCH], *classes[LEASE_BATCH], *texts[LEASE_BATCH], *results[LEASE_BATCH],
		*lanes[LEASE_BATCH];
	int64_t retries[LEASE_BATCH];
	const char *args[9];
	const struct db_rows *rows;

	must(count <= LEASE_BATCH);
	for (size_t i = 0; i < count; i++) {
		leases[i] = reports[i].lease;
		outcomes[i] = report_outcome_name(reports[i].outcome);
		classes[i] = report_class_name(reports[i].class);
		texts[i] = reports[i].text;
		retries[i] = reports[i].retry_ms;
		results[i] = reports[i].result;
		lanes[i] = reports[i].lane;
	}
	lease_arrays(arena, leases, count, args);
	args[2] = db_array_text(arena, outcomes, count);
	args[3] = db_array_text(arena, classes, count);
	args[4] = db_array_text(arena, texts, count);
	args[5] = db_array_i64(arena, retries, count);
	args[6] = db_array_text(arena, results, count);
	args[7] = db_i64(arena, unknown_s);
	args[8] = db_array_text(arena, lanes, count);
	enum db_end end = db_call(db, &report, args, &rows);

	if (end == DB_OK)
		answers_read(rows, reports, count);
	db_done(db);
	return end;
}

enum db_end lease_abandon(struct db *db, struct arena *arena, const char *lane, const struct lease *leases,
	size_t count, int unknown_s)
{
	const char *args[4];
	const struct db_rows *rows;

	must(count <= LEASE_HELD_MAX);
	lease_arrays(arena, leases, count, args);
	args[2] = db_i64(arena, unknown_s);
	args[3] = lane;
	enum db_end end = db_call(db, &abandon, args, &rows);

	db_done(db);
	return end;
}

static enum db_end call_count(struct db *db, const struct db_statement *statement, const char *const *args,
	int64_t *count)
{
	const struct db_rows *rows;
	enum db_end end = db_call(db, statement, args, &rows);

	*count = end == DB_OK && rows_count(rows) > 0 ? rows_i64(rows, 0, 0) : 0;
	db_done(db);
	return end;
}

enum db_end lease_reap(struct db *db, struct arena *arena, int unknown_s, int64_t *count)
{
	const char *args[] = {db_i64(arena, unknown_s)};

	return call_count(db, &reap, args, count);
}

enum db_end lease_purge(struct db *db, int64_t *count)
{
	return call_count(db, &purge, NULL, count);
}

static const struct db_statement pay_due = {
	"dispatcher.pay_due", "SELECT dispatcher.pay_due($1::int)", 1};
static const struct db_statement reconcile_due = {
	"dispatcher.reconcile_due", "SELECT coalesce(dispatcher.reconcile_due(), 0)", 0};
static const struct db_statement admins_set = {
	"dispatcher.admins_set", "SELECT dispatcher.admins_set($1::bigint[])", 1};
static const struct db_statement settings_set = {
	"dispatcher.settings_set", "SELECT dispatcher.settings_set($1::jsonb)", 1};

enum db_end lease_pay_due(struct db *db, struct arena *arena, int limit, int64_t *count)
{
	const char *args[] = {db_i64(arena, limit)};

	return call_count(db, &pay_due, args, count);
}

enum db_end lease_reconcile_due(struct db *db, int64_t *count)
{
	return call_count(db, &reconcile_due, NULL, count);
}

static enum db_end call_only(struct db *db, const struct db_statement *statement, const char *const *args)
{
	const struct db_rows *rows;
	enum db_end end = db_call(db, statement, args, &rows);

	db_done(db);
	return end;
}

enum db_end lease_admins_set(struct db *db, struct arena *arena, const int64_t *ids, size_t count)
{
	const char *args[] = {db_array_i64(arena, ids, count)};

	return call_only(db, &admins_set, args);
}

enum db_end lease_settings_set(struct db *db, const char *settings)
{
	const char *args[] = {settings};

	return call_only(db, &settings_set, args);
}

static const struct db_statement broadcast_due = {
	"dispatcher.broadcast_due", "SELECT dispatcher.broadcast_due($1::int)", 1};
static const struct db_statement watch = {
	"dispatcher.watch", "SELECT dispatcher.watch($1::text[], $2::text[], $3::int[])", 3};
static const struct db_statement digest_due = {
	"dispatcher.digest_due", "SELECT dispatcher.digest_due()", 0};

enum db_end lease_broadcast_due(struct db *db, struct arena *arena, int open, int64_t *count)
{
	const char *args[] = {db_i64(arena, open)};

	return call_count(db, &broadcast_due, args, count);
}

enum db_end lease_watch(struct db *db, struct arena *arena, const enum lane *down, size_t count,
	const int64_t helpers[LANE_COUNT])
{
	const char *names[LANE_COUNT], *lanes[LANE_COUNT];

	must(count <= LANE_COUNT);
	for (size_t i = 0; i < count; i++)
		names[i] = lane_name(down[i]);
	for (int lane = 0; lane < LANE_COUNT; lane++)
		lanes[lane] = lane_name((enum lane)lane);
	const char *args[] = {db_array_text(arena, names, count), db_array_text(arena, lanes, LANE_COUNT),
		db_array_i64(arena, helpers, LANE_COUNT)};

	return call_only(db, &watch, args);
}

enum db_end lease_digest_due(struct db *db)
{
	return call_only(db, &digest_due, NULL);
}

static const struct db_statement tally = {"dispatcher.tally", "SELECT dispatcher.tally()", 0};

enum db_end lease_tally(struct db *db, bool *more)
{
	const struct db_rows *rows;
	enum db_end end = db_call(db, &tally, NULL, &rows);

	*more = end == DB_OK && rows_count(rows) > 0 && rows_bool(rows, 0, 0);
	db_done(db);
	return end;
}
