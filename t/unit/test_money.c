/* Amounts in minor units: units by name, JSON both ways, decimal text, arithmetic at its bounds. */
#include "data/money.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static void unit_beyond(void)
{
	(void)money_unit_name(UNIT_COUNT);
}

static void test_units(void)
{
	static const char *const names[UNIT_COUNT] = {"free", "credit", "rub", "usd"};
	static const char *const strangers[] = {"", "RUB", "rub ", "eur", "free\n"};

	for (size_t i = 0; i < UNIT_COUNT; i++) {
		enum money_unit unit = UNIT_COUNT;

		is_str(money_unit_name((enum money_unit)i), names[i], "the name of unit %zu", i);
		ok(money_unit_from(names[i], &unit) == 0 && unit == (enum money_unit)i, "%s back", names[i]);
	}
	for (size_t i = 0; i < COUNT(strangers); i++) {
		enum money_unit unit = UNIT_USD;

		ok(money_unit_from(strangers[i], &unit) != 0 && unit == UNIT_USD, "no unit: [%zu]", i);
	}
	faults(unit_beyond, "a unit beyond the last is a fault");
}

static void test_json(void)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"{\"unit\":\"rub\",\"amount\":1050}", true}, {"{\"unit\":\"free\",\"amount\":0}", true},
		{"{\"unit\":\"credit\",\"amount\":-5}", true},
		{"{\"unit\":\"rub\",\"amount\":1000000000000}", true},
		{"{\"unit\":\"rub\",\"amount\":1000000000001}", false},
		{"{\"unit\":\"rub\",\"amount\":-1000000000001}", false},
		{"{\"unit\":\"rub\",\"amount\":-9223372036854775808}", false},
		{"{\"unit\":\"rub\",\"amount\":\"5\"}", false}, {"{\"unit\":\"rub\",\"amount\":1.5}", false},
		{"{\"unit\":\"rub\"}", false}, {"{\"amount\":5}", false}, {"{\"unit\":7,\"amount\":5}", false},
		{"{\"unit\":\"eur\",\"amount\":5}", false}, {"[]", false}, {"5 ", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		json *value = json_read(cases[i].text, strlen(cases[i].text));
		struct money money;

		ok((money_read(value, &money) == 0) == cases[i].good, "%s %s", cases[i].text,
			cases[i].good ? "is money" : "is none");
		json_drop(value);
	}
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		struct money money = {(enum money_unit)i, 123456789 + (int64_t)i}, back = {0};
		json *value = money_json(money);

		ok(money_read(value, &back) == 0 && back.unit == money.unit && back.amount == money.amount,
			"%s through JSON", money_unit_name((enum money_unit)i));
		json_drop(value);
	}
	struct money money;

	ok(money_read(NULL, &money) != 0, "null is no money");
}

static void test_arithmetic(void)
{
	static const struct {
		int64_t a, b;
		bool times;
		int64_t product;
		bool plus;
	} cases[] = {
		{0, 0, true, 0, true}, {10, 100, true, 1000, true}, {1, MONEY_MAX, true, MONEY_MAX, false},
		{0, MONEY_MAX, true, 0, true}, {1000000, 1000000, true, MONEY_MAX, true},
		{1000001, 1000000, false, 0, true}, {-1, 5, false, 0, true}, {-1, -5, true, 5, false},
		{INT64_MAX, 2, false, 0, false}, {INT64_MIN, -1, false, 0, false},
		{INT64_MAX, INT64_MAX, false, 0, false}, {INT64_MIN, INT64_MIN, false, 0, false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t a = cases[i].a, b = cases[i].b, out = -7;
		bool good = money_times(a, b, &out) == 0;

		ok(good == cases[i].times && out == (good ? cases[i].product : -7),
			"%" PRId64 " × %" PRId64, a, b);
		out = -7;
		good = money_plus(a, b, &out) == 0;
		ok(good == cases[i].plus && (good ? out >= 0 && out <= MONEY_MAX : out == -7),
			"%" PRId64 " + %" PRId64, a, b);
	}
}

static void test_decimal(void)
{
	static const struct {
		const char *text;
		int64_t hundredths;     /* -1: none */
	} rows[] = {
		{"0", 0}, {"0.00", 0}, {"0.01", 1}, {"0.1", 10}, {"1", 100}, {"299.00", 29900}, {"299.5", 29950},
		{"00299.00", 29900}, {"000000000", 0}, {"999999999", 99999999900}, {"999999999.99", 99999999999},
		{"", -1}, {".", -1}, {".5", -1}, {"5.", -1}, {"5.001", -1}, {"5.000", -1}, {"1000000000", -1},
		{"1000000000.00", -1}, {"0000000001", -1}, {"1234567890123456789012345678901234567890", -1},
		{"-5", -1}, {"-0", -1}, {"+5", -1}, {" 5", -1}, {"5 ", -1}, {"5\n", -1}, {"1e2", -1}, {"1E2", -1},
		{"0x10", -1}, {"1,50", -1}, {"1 000", -1}, {"1_000", -1}, {"1.5.0", -1}, {"1..5", -1}, {"5.-1", -1},
		{"NaN", -1}, {"inf", -1}, {"٥.٠٠", -1}, {"５", -1}, {"5٠", -1}, {"5.٠٠", -1}, {"5.0٠", -1}, {"₽5", -1},
		{"5%", -1}, {"5.00RUB", -1}, {"null", -1},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t hundredths = -7;
		bool good = money_parse(rows[i].text, &hundredths) == 0;

		ok(good == (rows[i].hundredths >= 0), "\"%s\" is %s", rows[i].text, good ? "an amount" : "none");
		is_i64(hundredths, good ? rows[i].hundredths : -7, "that much");
	}
}

static void write_debt(void)
{
	char text[MONEY_TEXT_BYTES];

	money_write(-1, text);
}

static void test_write(void)
{
	static const struct { int64_t hundredths; const char *text; } rows[] = {
		{0, "0.00"}, {1, "0.01"}, {10, "0.10"}, {99, "0.99"}, {100, "1.00"}, {29900, "299.00"},
		{99999999999, "999999999.99"}, {MONEY_MAX, "10000000000.00"}, {INT64_MAX, "92233720368547758.07"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[MONEY_TEXT_BYTES];
		int64_t back = -1;

		money_write(rows[i].hundredths, text);
		is_str(text, rows[i].text, "written");
		ok(rows[i].hundredths > 99999999999 || (money_parse(text, &back) == 0 && back == rows[i].hundredths),
			"and read back");
	}
	faults(write_debt, "a debt is not written");
}

int main(void)
{
	test_units();
	test_json();
	test_arithmetic();
	test_decimal();
	test_write();
	return tap_done();
}
