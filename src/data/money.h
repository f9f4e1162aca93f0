/* Amounts of money in minor units. */
#ifndef DATA_MONEY_H
#define DATA_MONEY_H

#include <stdint.h>

#include "base/fault.h"
#include "data/json.h"

#define MONEY_MAX INT64_C(1000000000000)        /* of one amount; the ledger has the same bound */

enum money_unit { UNIT_FREE, UNIT_CREDIT, UNIT_RUB, UNIT_USD, UNIT_COUNT };

/* rub is in kopecks, usd in cents, free and credit are whole. */
struct money {
	enum money_unit unit;
	int64_t amount;
};

const char *money_unit_name(enum money_unit unit);                      /* "free", … as in the database */
MUST_CHECK int money_unit_from(const char *name, enum money_unit *unit);   /* 0, or -1 */
json *money_json(struct money money);                                   /* {"unit": "rub", "amount": 1000} */
/* 0, or -1 when it is none or beyond MONEY_MAX either way (a debt is below 0) */
MUST_CHECK int money_read(json *value, struct money *money);

/* Decimal text as providers write it: 1 to 9 digits, then perhaps '.' and 1 or 2 digits; no sign, space, exponent or
 * other digits. Into hundredths (kopecks, cents). 0, or -1. */
MUST_CHECK int money_parse(const char *text, int64_t *hundredths);
#define MONEY_TEXT_BYTES 24
void money_write(int64_t hundredths, char out[MONEY_TEXT_BYTES]);       /* "299.00"; not below 0 */

/* a × b and a + b within 0 … MONEY_MAX; -1 otherwise. */
MUST_CHECK int money_times(int64_t a, int64_t b, int64_t *out);
MUST_CHECK int money_plus(int64_t a, int64_t b, int64_t *out);

#endif
