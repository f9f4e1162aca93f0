/* Schema responder from C: what a turn asks of the database. */
#include "store/turn.h"

#include "base/str.h"

const struct db_statement store_responder_hello = {
	"responder.hello", "SELECT schema, fsync, full_page_writes, synchronous_commit FROM responder.hello()", 0};
static const struct db_statement update_open = {
	"responder.update_open", "SELECT n, fresh, new_person, gate, lang, free, credit, rub, free_granted, dialog, terms, "
	"offers, ban_reason "
	"FROM responder.update_open($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::int, $7::int)", 7};
static const struct db_statement say = {
	"responder.say", "SELECT responder.say($1::bigint[], $2::text[], $3::bigint[], $4::jsonb[], $5::text[], "
	"$6::text[])", 6};
static const struct db_statement dialog_set = {
	"responder.dialog_set", "SELECT responder.dialog_set($1::bigint[], $2::jsonb[])", 2};
static const struct db_statement quote_cancel = {
	"responder.quote_cancel", "SELECT responder.quote_cancel($1::bigint, $2::bigint, $3::bigint)", 3};
static const struct db_statement job_order = {
	"responder.job_order", "SELECT outcome, job, unit, amount, free, credit, rub, debt_unit, debt "
	"FROM responder.job_order($1::bigint, $2::bigint, $3::bigint, $4::int)", 4};
static const struct db_statement unreachable_set = {
	"responder.unreachable_set", "SELECT responder.unreachable_set($1::bigint, true)", 1};
static const struct db_statement update_park = {
	"responder.update_park", "SELECT responder.update_park($1::bigint, $2::text, $3::text, $4::bytea)", 4};
static const struct db_statement health = {
	"responder.health", "SELECT metric, type, help, labels, value FROM responder.health()", 0};

static const char *id_or_null(struct arena *arena, int64_t id)
{
	return id ? db_i64(arena, id) : NULL;
}

void store_update_open_send(struct db *db, struct arena *arena, const struct update *const *updates, size_t count,
	int64_t free_grant, int64_t rate_per_minute)
{
	int64_t ids[STORE_TURN_MAX], persons[STORE_TURN_MAX];
	const char *names[STORE_TURN_MAX], *usernames[STORE_TURN_MAX], *langs[STORE_TURN_MAX];
	must(count <= STORE_TURN_MAX);
	for (size_t i = 0; i < count; i++) {
		ids[i] = updates[i]->id;
		persons[i] = updates[i]->person_id;
		names[i] = updates[i]->first_name;
		usernames[i] = updates[i]->username;
		langs[i] = updates[i]->lang;
	}
	const char *args[] = {
		db_array_i64(arena, ids, count), db_array_i64(arena, persons, count),
		db_array_text(arena, names, count), db_array_text(arena, usernames, count),
		db_array_text(arena, langs, count), db_i64(arena, free_grant), db_i64(arena, rate_per_minute),
	};
	db_send(db, &update_open, args);
}

int store_update_open_read(const struct db_rows *rows, size_t count, struct arena *arena, struct store_opened *opened)
{
	bool seen[STORE_TURN_MAX] = {false};
	if (rows_count(rows) != count)
		return -1;
	for (size_t row = 0; row < count; row++) {
		int64_t n = rows_i64(rows, row, 0);
		if (n < 1 || (size_t)n > count || seen[n - 1])
			return -1;
		seen[n - 1] = true;
		opened[n - 1] = (struct store_opened){
			.fresh = rows_bool(rows, row, 1),
			.new_person = rows_bool(rows, row, 2),
			.gate = arena_str(arena, rows_text(rows, row, 3)),
			.lang = arena_str(arena, rows_text(rows, row, 4)),
			.free = rows_i64(rows, row, 5),
			.credit = rows_i64(rows, row, 6),
			.rub = rows_i64(rows, row, 7),
			.free_granted = rows_i64(rows, row, 8),
			.dialog = arena_str(arena, rows_text(rows, row, 9)),
			.terms = rows_i64(rows, row, 10),
			.offers = rows_null(rows, row, 11) ? NULL : arena_str(arena, rows_text(rows, row, 11)),
			.ban_reason = rows_null(rows, row, 12) ? NULL : arena_str(arena, rows_text(rows, row, 12)),
		};
	}
	return 0;
}

void store_say_send(struct db *db, struct arena *arena, const struct store_say *says, size_t count)
{
	int64_t *persons = arena_alloc(arena, count * sizeof *persons);
	const char **kinds = arena_alloc(arena, count * sizeof *kinds);
	const char **messages = arena_alloc(arena, count * sizeof *messages);
	const char **payloads = arena_alloc(arena, count * sizeof *payloads);
	const char **dedups = arena_alloc(arena, count * sizeof *dedups);
	const char **topics = arena_alloc(arena, count * sizeof *topics);
	for (size_t i = 0; i < count; i++) {
		persons[i] = says[i].person;
		kinds[i] = says[i].message ? "edit" : "say";
		messages[i] = id_or_null(arena, says[i].message);
		payloads[i] = says[i].payload;
		dedups[i] = says[i].dedup;
		topics[i] = says[i].topic;
	}
	const char *args[] = {
		db_array_i64(arena, persons, count), db_array_text(arena, kinds, count),
		db_array_text(arena, messages, count), db_array_text(arena, payloads, count),
		db_array_text(arena, dedups, count), db_array_text(arena, topics, count),
	};
	db_send(db, &say, args);
}

void store_dialog_set_send(struct db *db, struct arena *arena, const int64_t *persons, const char *const *dialogs,
	size_t count)
{
	const char *args[] = {db_array_i64(arena, persons, count), db_array_text(arena, dialogs, count)};
	db_send(db, &dialog_set, args);
}

void store_quote_cancel_send(struct db *db, struct arena *arena, int64_t person, int64_t quote, int64_t message)
{
	const char *args[] = {db_i64(arena, person), db_i64(arena, quote), id_or_null(arena, message)};
	db_send(db, &quote_cancel, args);
}

const char *store_outcome_read(const struct db_rows *rows, struct arena *arena)
{
	return rows_count(rows) == 1 ? arena_str(arena, rows_text(rows, 0, 0)) : "gone";
}

void store_job_order_send(struct db *db, struct arena *arena, int64_t person, int64_t quote, int64_t message,
	int64_t jobs_max)
{
	const char *args[] = {
		db_i64(arena, person), db_i64(arena, quote), id_or_null(arena, message), db_i64(arena, jobs_max),
	};
	db_send(db, &job_order, args);
}

void store_job_order_read(const struct db_rows *rows, struct arena *arena, struct store_order *order)
{
	*order = (struct store_order){.outcome = "gone"};
	if (rows_count(rows) != 1)
		return;
	order->outcome = arena_str(arena, rows_text(rows, 0, 0));
	order->job = rows_i64(rows, 0, 1);
	if (!rows_null(rows, 0, 2) && money_unit_from(rows_text(rows, 0, 2), &order->price.unit))
		fault("a unit the database knows and we do not");
	order->price.amount = rows_i64(rows, 0, 3);
	order->free = rows_i64(rows, 0, 4);
	order->credit = rows_i64(rows, 0, 5);
	order->rub = rows_i64(rows, 0, 6);
	if (!rows_null(rows, 0, 7) && money_unit_from(rows_text(rows, 0, 7), &order->debt.unit))
		fault("a unit the database knows and we do not");
	order->debt.amount = rows_i64(rows, 0, 8);
}

void store_unreachable_send(struct db *db, struct arena *arena, int64_t person)
{
	const char *args[] = {db_i64(arena, person)};
	db_send(db, &unreachable_set, args);
}

static void park_args(struct arena *arena, const struct store_parked *parked, const char *args[4])
{
	args[0] = db_i64(arena, parked->update);
	args[1] = parked->state;
	args[2] = parked->reason;
	args[3] = db_bytes(arena, parked->body, parked->body_length);
}

void store_park_send(struct db *db, struct arena *arena, const struct store_parked *parked)
{
	const char *args[4];
	park_args(arena, parked, args);
	db_send(db, &update_park, args);
}

enum db_end store_update_park(struct db *db, struct arena *arena, const struct store_parked *parked)
{
	const struct db_rows *rows;
	const char *args[4];
	park_args(arena, parked, args);
	enum db_end end = db_call(db, &update_park, args, &rows);
	db_done(db);
	return end;
}

enum db_end store_health(struct db *db, struct buf *out)
{
	const struct db_rows *rows;
	enum db_end end = db_call(db, &health, NULL, &rows);
	const char *last = "";
	for (size_t row = 0; end == DB_OK && row < rows_count(rows); row++) {
		const char *name = rows_text(rows, row, 0);
		if (!str_equal(name, last))
			buf_fmt(out, "# HELP atelier_%s %s\n# TYPE atelier_%s %s\n", name, rows_text(rows, row, 2), name,
				rows_text(rows, row, 1));
		if (!rows_null(rows, row, 3))
			buf_fmt(out, "atelier_%s%s %s\n", name, rows_text(rows, row, 3), rows_text(rows, row, 4));
		last = name;
	}
	db_done(db);
	return end;
}
