/* Amounts of money in minor units, with checked arithmetic. */
#include "data/money.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"

static const char *const names[UNIT_COUNT] = {"free", "credit", "rub", "usd"};

const char *money_unit_name(enum money_unit unit)
{
	must(unit < UNIT_COUNT);
	return names[unit];
}

int money_unit_from(const char *name, enum money_unit *unit)
{
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		if (str_equal(name, names[i])) {
			*unit = (enum money_unit)i;
			return 0;
		}
	}
	return -1;
}

json *money_json(struct money money)
{
	json *object = json_new();
	json_set_text(object, "unit", money_unit_name(money.unit));
	json_set_i64(object, "amount", money.amount);
	return object;
}

int money_read(json *value, struct money *money)
{
	const char *unit = json_text(value, "unit");
	if (!unit || money_unit_from(unit, &money->unit))
		return -1;
	if (!json_i64(value, "amount", &money->amount))
		return -1;
	return money->amount >= -MONEY_MAX && money->amount <= MONEY_MAX ? 0 : -1;
}

int money_parse(const char *text, int64_t *hundredths)
{
	int64_t value = 0;
	size_t whole = 0, part = 0;
	for (; text[whole] >= '0' && text[whole] <= '9' && whole < 10; whole++)
		value = value * 10 + (text[whole] - '0');
	if (whole < 1 || whole > 9)
		return -1;
	const char *rest = text + whole;
	if (*rest == '.') {
		rest++;
		for (; rest[part] >= '0' && rest[part] <= '9' && part < 3; part++)
			value = value * 10 + (rest[part] - '0');
		if (part < 1 || part > 2)
			return -1;
	}
	if (rest[part])
		return -1;
	for (; part < 2; part++)
		value *= 10;
	*hundredths = value;
	return 0;
}

void money_write(int64_t hundredths, char out[MONEY_TEXT_BYTES])
{
	must(hundredths >= 0);
	snprintf(out, MONEY_TEXT_BYTES, "%" PRId64 ".%02d", hundredths / 100, (int)(hundredths % 100));
}

static int checked(int failed, int64_t value, int64_t *out)
{
	if (failed || value < 0 || value > MONEY_MAX)
		return -1;
	*out = value;
	return 0;
}

int money_times(int64_t a, int64_t b, int64_t *out)
{
	int64_t product;
	int failed = __builtin_mul_overflow(a, b, &product);
	return checked(failed, product, out);
}

int money_plus(int64_t a, int64_t b, int64_t *out)
{
	int64_t sum;
	int failed = __builtin_add_overflow(a, b, &sum);
	return checked(failed, sum, out);
}
