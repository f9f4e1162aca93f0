/* Text: strict numbers, UTF-8 and what Telegram counts. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

bool str_equal(const char *a, const char *b);               /* null equals only null */
bool str_starts(const char *text, const char *prefix);

/* The whole text must be a decimal number (optional '-', no '+', no spaces) within the range. */
MUST_CHECK bool str_to_i64(const char *text, int64_t min, int64_t max, int64_t *value);

/* Makes bytes fit for PostgreSQL text, in place: invalid UTF-8, surrogates and NUL become '?'.
 * Returns the new length (never larger). */
size_t str_clean(char *bytes, size_t length);
bool str_is_utf8(const char *bytes, size_t length);

size_t str_points(const char *text);                        /* Unicode code points */
/* UTF-16 units: Telegram's entity offsets */
size_t str_utf16(const char *text);

/* Bytes of the longest prefix of at most max UTF-16 units that cuts no code point. */
size_t str_cut_utf16(const char *text, size_t max_units);

/* white space off both ends, in place; new length */
size_t str_trim(char *text);

#endif
