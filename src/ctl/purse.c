/* atelierctl statement, credit and chargeback: a person's purses, looked at and corrected. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/str.h"
#include "ctl/ctl.h"

#define PURSE_KEY_BYTES 12
#define PURSE_WHY_MAX 500
#define PURSE_KEY_MAX 100

static const struct db_statement statement = {"ctl.statement",
	"SELECT id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), unit, kind, amount, after, job, "
	"actor, note FROM ctl.statement($1::bigint)", 1};
static const struct db_statement credit = {"ctl.credit",
	"SELECT a.x ->> 'outcome', coalesce(a.x #>> '{args,left,amount}', '0'), a.x #>> '{args,again}' IS NOT NULL "
	"FROM (SELECT ctl.admin($5, 'add', jsonb_build_object('person', $1::bigint, 'unit', $2::text, "
	"'amount', $3::bigint, 'why', $4::text)) AS x) AS a", 5};

static const struct db_statement book = {"ctl.refund_book",
	"SELECT ctl.refund_book($1::bigint, $2::bigint, $3, -1, $4)", 4};

static bool has_hundredths(enum money_unit unit)
{
	return unit == UNIT_RUB || unit == UNIT_USD;
}

static const char *amount_write(struct arena *arena, enum money_unit unit, int64_t amount)
{
	int64_t size = amount < 0 ? -amount : amount;

	if (!has_hundredths(unit))
		return arena_fmt(arena, "%" PRId64, amount);
	return arena_fmt(arena, "%s%" PRId64 ".%02" PRId64, amount < 0 ? "-" : "", size / 100, size % 100);
}

/* Decimal text to minor units: digits, after an optional '-'; roubles and dollars may have two more after a
 * point. Not 0, at most MONEY_MAX. */
static bool amount_read(struct arena *arena, const char *text, enum money_unit unit, int64_t *amount)
{
	bool below = *text == '-';
	const char *point = strchr(text += below, '.');
	int64_t whole, hundredths = 0;
	const char *digits = point ? arena_text(arena, text, (size_t)(point - text)) : text;

	if (!str_to_i64(digits, 0, MONEY_MAX, &whole) || (point && (!has_hundredths(unit) || strlen(point + 1) != 2
		|| !str_to_i64(point + 1, 0, 99, &hundredths))))
		return false;
	if (has_hundredths(unit))
		whole = whole > MONEY_MAX / 100 ? MONEY_MAX + 1 : whole * 100 + hundredths;
	*amount = below ? -whole : whole;
	return whole > 0 && whole <= MONEY_MAX;
}

static bool person_read(struct ctl *ctl, const char **person)
{
	int64_t id;

	if (!str_to_i64(ctl->words[0], 1, INT64_MAX, &id)) {
		ctl_fail("%s: is no Telegram id", ctl->words[0]);
		return false;
	}
	*person = db_i64(ctl->arena, id);
	return true;
}

enum ctl_end purse_statement(struct ctl *ctl)
{
	const char *args[1];
	const struct db_rows *rows;

	if (!person_read(ctl, &args[0]))
		return CTL_USAGE;
	if (!ctl_call(ctl, &statement, args, &rows))
		return CTL_FAILED;
	printf("number\tat (UTC)\tunit\tkind\tamount\tafter\tjob\tadmin\twhy\n");
	for (size_t row = 0; row < rows_count(rows); row++) {
		enum money_unit unit;

		if (money_unit_from(rows_text(rows, row, 2), &unit) != 0)
			unit = UNIT_FREE;
		printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", rows_text(rows, row, 0), rows_text(rows, row, 1),
			rows_text(rows, row, 2), rows_text(rows, row, 3),
			amount_write(ctl->arena, unit, rows_i64(rows, row, 4)),
			rows_null(rows, row, 5) ? "" : amount_write(ctl->arena, unit, rows_i64(rows, row, 5)),
			rows_text(rows, row, 6), rows_text(rows, row, 7), rows_text(rows, row, 8));
	}
	db_done(ctl->db);
	return CTL_DONE;
}

/* The key makes the adjustment one: given, it may be said again; else each is new. */
static const char *key_of(struct ctl *ctl)
{
	unsigned char bytes[PURSE_KEY_BYTES];
	char hex[2 * PURSE_KEY_BYTES + 1];

	if (ctl->count > 4)
		return ctl->words[4];
	digest_random(bytes, sizeof bytes);
	digest_hex(bytes, sizeof bytes, hex);
	return arena_fmt(ctl->arena, "ctl:%s", hex);
}

enum ctl_end purse_credit(struct ctl *ctl)
{
	const char *args[5];
	const struct db_rows *rows;
	enum money_unit unit;
	int64_t amount;

	if (!person_read(ctl, &args[0]))
		return CTL_USAGE;
	if (money_unit_from(ctl->words[1], &unit) != 0 || unit == UNIT_USD)
		return ctl_fail("%s: is not free, credit or rub", ctl->words[1]), CTL_USAGE;
	if (!amount_read(ctl->arena, ctl->words[2], unit, &amount))
		return ctl_fail("%s: is no amount of %s", ctl->words[2], ctl->words[1]), CTL_USAGE;
	if (*ctl->words[3] == '\0' || strlen(ctl->words[3]) > PURSE_WHY_MAX
		|| !str_is_utf8(ctl->words[3], strlen(ctl->words[3])))
		return ctl_fail("why: 1 to %d bytes of text", PURSE_WHY_MAX), CTL_USAGE;
	if (ctl->count > 4 && (strlen(ctl->words[4]) > PURSE_KEY_MAX || *ctl->words[4] == '\0'
		|| !str_is_utf8(ctl->words[4], strlen(ctl->words[4]))))
		return ctl_fail("key: 1 to %d bytes of text", PURSE_KEY_MAX), CTL_USAGE;
	args[1] = money_unit_name(unit);
	args[2] = db_i64(ctl->arena, amount);
	args[3] = ctl->words[3];
	args[4] = key_of(ctl);
	if (!ctl_call(ctl, &credit, args, &rows))
		return ctl_fail("should it have been done all the same: with the key %s it is not done twice", args[4]);
	const char *outcome = arena_str(ctl->arena, rows_text(rows, 0, 0));
	const char *left = amount_write(ctl->arena, unit, rows_i64(rows, 0, 1));
	bool again = rows_bool(rows, 0, 2);

	db_done(ctl->db);
	if (str_equal(outcome, "user"))
		return ctl_fail("%s: nobody of that id has ever written", args[0]);
	if (str_equal(outcome, "short"))
		return ctl_fail("%s has %s %s: nobody may go below 0", args[0], left, args[1]);
	printf("%s%s %s, now %s (key %s)\n", again ? "was done before: " : "",
		amount_write(ctl->arena, unit, amount), args[1], left, args[4]);
	return CTL_DONE;
}

/* What ctl.refund_book answers instead of booking. */
static const struct { const char *outcome, *words; } unbooked[] = {
	{"gone", "there is no such payment"}, {"state", "it was not credited"},
	{"much", "that is more than is left of it"},
};

enum ctl_end purse_chargeback(struct ctl *ctl)
{
	const char *args[4] = {NULL, NULL, ctl->words[2], ctl->count > 3 ? ctl->words[3] : "chargeback"};
	const struct db_rows *rows;
	int64_t payment, amount;

	if (!str_to_i64(ctl->words[0], 1, INT64_MAX, &payment))
		return ctl_fail("%s: is no number of a payment", ctl->words[0]), CTL_USAGE;
	if (!amount_read(ctl->arena, ctl->words[1], UNIT_RUB, &amount) || amount < 1)
		return ctl_fail("%s: is no amount in the payment's currency", ctl->words[1]), CTL_USAGE;
	if (*args[2] == '\0' || strlen(args[2]) > PURSE_KEY_MAX || !str_is_utf8(args[2], strlen(args[2])))
		return ctl_fail("reference: 1 to %d bytes of text", PURSE_KEY_MAX), CTL_USAGE;
	args[0] = db_i64(ctl->arena, payment);
	args[1] = db_i64(ctl->arena, amount);
	if (!ctl_call(ctl, &book, args, &rows))
		return CTL_FAILED;
	const char *outcome = arena_str(ctl->arena, rows_text(rows, 0, 0));

	db_done(ctl->db);
	for (size_t i = 0; i < sizeof unbooked / sizeof *unbooked; i++)
		if (str_equal(unbooked[i].outcome, outcome))
			return ctl_fail("payment %s: %s", args[0], unbooked[i].words);
	printf("%s: payment %s, %s\n", str_equal(outcome, "again") ? "was booked before" : "booked", args[0], args[2]);
	return CTL_DONE;
}
