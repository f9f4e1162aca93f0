/* Tags off, entities undone: for a message that Telegram could not read with markup. */
#include "provider/markup.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

#define NUMERIC_DIGITS_MAX 8

struct entity {
	const char *text;
	char is;
};
static const struct entity entities[] = {
	{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'},
};

/* Writes a code point as UTF-8; returns the bytes, 0 for what is none. */
static size_t point_write(int64_t point, char *out)
{
	if (point <= 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	size_t count = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = count; i-- > 1; point >>= 6)
		out[i] = (char)(0x80 | (point & 0x3f));
	out[0] = (char)(leads[count] | point);
	return count;
}

/* "&#1234;": returns its length in the text, 0 when it is none. Only the decimal form: we write no other. */
static size_t numeric_read(const char *at, char *out, size_t *written)
{
	char digits[NUMERIC_DIGITS_MAX + 1];
	size_t count = strspn(at + 2, "0123456789");
	int64_t point;

	if (count == 0 || count > NUMERIC_DIGITS_MAX || at[2 + count] != ';')
		return 0;
	memcpy(digits, at + 2, count);
	digits[count] = '\0';
	if (!str_to_i64(digits, 0, INT32_MAX, &point))
		return 0;
	*written = point_write(point, out);
	return *written == 0 ? 0 : count + 3;
}

static size_t entity_read(const char *at, char *out, size_t *written)
{
	if (at[1] == '#')
		return numeric_read(at, out, written);
	for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
		if (str_starts(at, entities[i].text)) {
			*out = entities[i].is;
			*written = 1;
			return strlen(entities[i].text);
		}
	return 0;
}

static size_t tag_length(const char *at)
{
	const char *name = at + 1 + (at[1] == '/');
	bool named = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
	const char *end = named ? strchr(at, '>') : NULL;

	return end == NULL ? 0 : (size_t)(end - at) + 1;
}

char *markup_strip(const char *html, struct arena *arena)
{
	/* It never gets longer: the shortest numeric entity of n UTF-8 bytes has more than n characters. */
	char *out = arena_alloc(arena, strlen(html) + 1);
	size_t length = 0;

	while (*html != '\0') {
		size_t written = 0;
		size_t taken = *html == '<' ? tag_length(html)
			: *html == '&' ? entity_read(html, out + length, &written) : 0;

		if (taken == 0) {
			out[length] = *html;
			taken = written = 1;
		}
		html += taken;
		length += written;
	}
	out[length] = '\0';
	return out;
}
