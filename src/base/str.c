/* Text: strict numbers, UTF-8 and what Telegram counts. */
#include "base/str.h"

#include <string.h>

bool str_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_to_i64(const char *text, int64_t min, int64_t max, int64_t *value)
{
	bool negative = *text == '-';
	int64_t sum = 0;

	if (negative)
		text++;
	if (*text == '\0')
		return false;
	/* Summed below zero, where there is one number more. */
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, *text - '0', &sum))
			return false;
	}
	if (!negative) {
		if (sum == INT64_MIN)
			return false;
		sum = -sum;
	}
	if (sum < min || sum > max)
		return false;
	*value = sum;
	return true;
}

static bool is_tail(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Length of the well-formed UTF-8 sequence at bytes (RFC 3629), or 0. */
static size_t sequence(const unsigned char *bytes, size_t left)
{
	unsigned char first = bytes[0];

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	size_t need = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (left < need)
		return 0;
	for (size_t i = 1; i < need; i++)
		if (!is_tail(bytes[i]))
			return 0;
	/* Too long a form, surrogates, beyond U+10FFFF. */
	if ((first == 0xe0 && bytes[1] < 0xa0) || (first == 0xed && bytes[1] > 0x9f)
		|| (first == 0xf0 && bytes[1] < 0x90) || (first == 0xf4 && bytes[1] > 0x8f))
		return 0;
	return need;
}

static bool is_surrogate(const unsigned char *bytes, size_t left)
{
	return left >= 3 && bytes[0] == 0xed && bytes[1] > 0x9f && is_tail(bytes[1])
		&& is_tail(bytes[2]);
}

size_t str_clean(char *text, size_t length)
{
	unsigned char *bytes = (unsigned char *)text;
	size_t from = 0;
	size_t to = 0;

	while (from < length) {
		size_t count = sequence(bytes + from, length - from);

		if (count == 0 || bytes[from] == 0) {
			from += is_surrogate(bytes + from, length - from) ? 3 : 1;
			bytes[to++] = '?';
			continue;
		}
		memmove(bytes + to, bytes + from, count);
		from += count;
		to += count;
	}
	return to;
}

bool str_is_utf8(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;

	for (size_t at = 0; at < length;) {
		size_t count = sequence(bytes + at, length - at);

		if (count == 0)
			return false;
		at += count;
	}
	return true;
}

/* Bytes of the code point at text (not at its end); a byte that is no UTF-8 stands for itself. */
static size_t point(const char *text)
{
	size_t count = sequence((const unsigned char *)text, strnlen(text, 4));

	return count == 0 ? 1 : count;
}

size_t str_points(const char *text)
{
	size_t points = 0;

	for (; *text != '\0'; text += point(text))
		points++;
	return points;
}

size_t str_utf16(const char *text)
{
	size_t units = 0;

	while (*text != '\0') {
		size_t count = point(text);

		units += count == 4 ? 2 : 1;
		text += count;
	}
	return units;
}

size_t str_cut_utf16(const char *text, size_t max_units)
{
	size_t at = 0;
	size_t units = 0;

	while (text[at] != '\0') {
		size_t count = point(text + at);

		units += count == 4 ? 2 : 1;
		if (units > max_units)
			break;
		at += count;
	}
	return at;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t str_trim(char *text)
{
	size_t from = 0;
	size_t end = strlen(text);

	while (is_space(text[from]))
		from++;
	while (end > from && is_space(text[end - 1]))
		end--;
	memmove(text, text + from, end - from);
	text[end - from] = '\0';
	return end - from;
}
