/* Payments in schema responder, from C. */
#include "store/pay.h"

#include "base/str.h"
#include "data/json.h"

static const struct db_statement payment_open = {
	"responder.payment_open", "SELECT outcome FROM responder.payment_open($1::bigint, $2::text, $3::bigint, $4::text, "
	"$5::text, $6::bigint, $7::text, $8::boolean, $9::text)", 9};
static const struct db_statement payment_check = {
	"responder.payment_check", "SELECT responder.payment_check($1::bigint, $2::bigint)", 2};
static const struct db_statement payment_hint = {
	"responder.payment_hint", "SELECT responder.payment_hint($1::text, $2::text, $3::text, $4::text, $5::text)", 5};
static const struct db_statement statement = {
	"responder.statement", "SELECT id, to_char(at AT TIME ZONE 'Europe/Moscow', 'DD.MM.YYYY HH24:MI'), kind, unit, "
	"amount, after, job, payment, note FROM responder.statement($1::bigint, $2::bigint, $3::int)", 3};
static const struct db_statement statement_csv = {
	"responder.statement_csv", "SELECT responder.statement_csv($1::bigint)", 1};

void store_payment_open_send(struct db *db, struct arena *arena, const struct store_payment *payment)
{
	const char *args[] = {
		db_i64(arena, payment->person), payment->provider, db_i64(arena, payment->amount), payment->currency,
		money_unit_name(payment->grant.unit), db_i64(arena, payment->grant.amount), payment->package,
		payment->test ? "true" : "false", payment->description,
	};
	db_send(db, &payment_open, args);
}

void store_payment_check_send(struct db *db, struct arena *arena, int64_t person, int64_t payment)
{
	const char *args[] = {db_i64(arena, person), db_i64(arena, payment)};
	db_send(db, &payment_check, args);
}

void store_statement_send(struct db *db, struct arena *arena, int64_t person, int64_t before)
{
	/* One more than the page holds, to know whether there is an older one. */
	const char *args[] = {db_i64(arena, person), db_i64(arena, before), db_i64(arena, STORE_STATEMENT_PAGE + 1)};
	db_send(db, &statement, args);
}

/* The ledger takes longer notes than a page of them has room for. */
static const char *short_note(const char *note, struct arena *arena)
{
	size_t length = str_cut_utf16(note, STORE_NOTE_MAX);
	return note[length] ? arena_fmt(arena, "%.*s…", (int)length, note) : note;
}

static json *read_movement(const struct db_rows *rows, size_t row, struct arena *arena)
{
	struct money amount, after;
	json *line = json_new();
	if (money_unit_from(rows_text(rows, row, 3), &amount.unit))
		fault("a unit the database knows and we do not");
	after.unit = amount.unit;
	amount.amount = rows_i64(rows, row, 4);
	after.amount = rows_i64(rows, row, 5);
	json_set_text(line, "at", rows_text(rows, row, 1));
	json_set_text(line, "kind", rows_text(rows, row, 2));
	json_set_text(line, "sign", amount.amount < 0 ? "" : "+");
	json_set(line, "amount", money_json(amount));
	json_set(line, "after", money_json(after));
	if (!rows_null(rows, row, 6))
		json_set_i64(line, "job", rows_i64(rows, row, 6));
	if (!rows_null(rows, row, 7))
		json_set_i64(line, "payment", rows_i64(rows, row, 7));
	if (!rows_null(rows, row, 8))
		json_set_text(line, "note", short_note(rows_text(rows, row, 8), arena));
	return line;
}

const char *store_statement_read(const struct db_rows *rows, struct arena *arena)
{
	json *page = json_new(), *lines = json_new_array();
	size_t count = rows_count(rows), shown = count > STORE_STATEMENT_PAGE ? STORE_STATEMENT_PAGE : count;
	for (size_t row = 0; row < shown; row++)
		json_push(lines, read_movement(rows, row, arena));
	json_set(page, "rows", lines);
	if (count > shown)
		json_set_i64(page, "older", rows_i64(rows, shown - 1, 0));
	const char *text = arena_str(arena, json_write(page));
	json_drop(page);
	return text;
}

void store_statement_csv_send(struct db *db, struct arena *arena, int64_t person)
{
	const char *args[] = {db_i64(arena, person)};
	db_send(db, &statement_csv, args);
}

enum db_end store_payment_hint(struct db *db, struct arena *arena, const struct store_hint *hint, const char **outcome)
{
	const struct db_rows *rows;
	const char *args[] = {hint->provider, hint->ext_id, hint->order, hint->kind, hint->event};
	enum db_end end = db_call(db, &payment_hint, args, &rows);
	*outcome = end == DB_OK && rows_count(rows) == 1 ? arena_str(arena, rows_text(rows, 0, 0)) : "";
	db_done(db);
	return end;
}

static const struct db_statement yookassa_health = {
	"responder.yookassa_health", "SELECT reachable, "
	"to_char(last_answer AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM responder.yookassa_health()", 0};

enum db_end store_yookassa_health(struct db *db, struct arena *arena, bool *reachable, const char **last_answer)
{
	const struct db_rows *rows;
	enum db_end end = db_call(db, &yookassa_health, NULL, &rows);
	bool good = end == DB_OK && rows_count(rows) == 1;
	*reachable = good && rows_bool(rows, 0, 0);
	*last_answer = good ? arena_str(arena, rows_text(rows, 0, 1)) : "";
	db_done(db);
	return end;
}
