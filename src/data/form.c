/* Urlencoded forms: a reader that refuses what could be understood in two ways, and a writer. */
#include "data/form.h"

#include <string.h>

#include "base/str.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The decoded text; null when there is a bad escape, a NUL or more than max bytes. */
static const char *decode(const char *from, size_t length, size_t max, struct arena *arena)
{
	/* A decoded byte takes at most three. */
	if (length > max * 3)
		return NULL;
	char *text = arena_alloc(arena, length + 1);
	size_t out = 0;

	for (size_t i = 0; i < length; i++) {
		char c = from[i] == '+' ? ' ' : from[i];

		if (c == '%') {
			int high = i + 2 < length ? hex_digit(from[i + 1]) : -1;
			int low = i + 2 < length ? hex_digit(from[i + 2]) : -1;

			if (high < 0 || low < 0)
				return NULL;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0' || out == max)
			return NULL;
		text[out++] = c;
	}
	return text;
}

static int field_read(const char *from, size_t length, struct arena *arena, struct form *form)
{
	const char *equals = memchr(from, '=', length);
	size_t name_length = equals == NULL ? length : (size_t)(equals - from);
	size_t rest = equals == NULL ? length : name_length + 1;

	if (form->count == FORM_FIELDS_MAX)
		return -1;
	struct form_field *field = &form->fields[form->count];

	field->name = decode(from, name_length, FORM_NAME_BYTES, arena);
	field->value = decode(from + rest, length - rest, FORM_VALUE_BYTES, arena);
	if (field->name == NULL || field->value == NULL || *field->name == '\0'
		|| form_value(form, field->name) != NULL)
		return -1;
	form->count++;
	return 0;
}

int form_read(const char *bytes, size_t length, struct arena *arena, struct form *form)
{
	*form = (struct form){0};
	if (length == 0)
		return 0;
	for (size_t at = 0;; at++) {
		const char *end = memchr(bytes + at, '&', length - at);
		size_t piece = end == NULL ? length - at : (size_t)(end - bytes) - at;

		if (field_read(bytes + at, piece, arena, form) != 0)
			return -1;
		if (end == NULL)
			return 0;
		at += piece;
	}
}

const char *form_value(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->count; i++)
		if (str_equal(form->fields[i].name, name))
			return form->fields[i].value;
	return NULL;
}

static void encoded_add(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')
			|| (*text >= '0' && *text <= '9') || strchr("-._~", *text) != NULL)
			buf_char(out, *text);
		else
			buf_fmt(out, "%%%02X", (unsigned)(unsigned char)*text);
}

void form_add(struct buf *out, const char *name, const char *value)
{
	if (out->length > 0)
		buf_char(out, '&');
	encoded_add(out, name);
	buf_char(out, '=');
	encoded_add(out, value);
}
