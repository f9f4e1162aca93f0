/* Urlencoded forms: what is read, what is refused, bounds, and the way back. */
#include "data/form.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static struct arena *arena;

static int read_text(const char *text, struct form *form)
{
	arena_reset(arena);
	return form_read(text, strlen(text), arena, form);
}

static void test_rows(void)
{
	static const struct {
		const char *text;
		const char *value;      /* of "a"; null: refused */
	} rows[] = {
		{"a=1", "1"}, {"a=1&b=2", "1"}, {"b=2&a=1", "1"}, {"a", ""}, {"a=", ""}, {"a=&b=", ""},
		{"a=1=2", "1=2"}, {"a=%31", "1"}, {"%61=1", "1"}, {"a=x+y", "x y"}, {"a=x%2by", "x+y"},
		{"a=%D0%B6", "ж"}, {"a=%ff", "\xff"}, {"a=%26b%3D2", "&b=2"}, {"a=\r\n", "\r\n"},
		{"a=1&a=1", NULL}, {"a=1&%61=2", NULL}, {"a=1&b=2&a=3", NULL}, {"a&a=1", NULL},
		{"=1", NULL}, {"&a=1", NULL}, {"a=1&", NULL}, {"a=1&&b=2", NULL}, {"&", NULL}, {"=", NULL},
		{"a=%", NULL}, {"a=%3", NULL}, {"a=%3g", NULL}, {"a=%g3", NULL}, {"a=%%31", NULL},
		{"a=%00", NULL}, {"a=1%002", NULL}, {"%00=1", NULL}, {"a%=1", NULL}, {"a=%+1", NULL},
		{"a=%2", NULL}, {"a=%-1", NULL}, {"a=% 1", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct form form;
		bool good = read_text(rows[i].text, &form) == 0;

		ok(good == (rows[i].value != NULL), "%s: row %zu", good ? "read" : "refused", i);
		if (good)
			is_str(form_value(&form, "a"), rows[i].value, "its value");
	}
	struct form form;

	ok(form_read("a=1\0&b=2", 8, arena, &form) != 0, "a raw NUL is refused");
	ok(read_text("", &form) == 0 && form.count == 0, "nothing is a form without fields");
	ok(read_text("a=1", &form) == 0 && form_value(&form, "b") == NULL && form_value(&form, "A") == NULL,
		"a name that is not there");
}

/* count repetitions of a letter after start */
static const char *long_text(const char *start, const char *piece, size_t count)
{
	static char text[65536];
	size_t length = (size_t)snprintf(text, sizeof text, "%s", start);

	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(text + length, sizeof text - length, "%s", piece);
	return text;
}

static void test_bounds(void)
{
	struct form form;
	char text[1024] = "a0=";
	size_t length = 3;

	ok(read_text(long_text("a=", "x", FORM_VALUE_BYTES), &form) == 0, "the longest value");
	ok(read_text(long_text("a=", "x", FORM_VALUE_BYTES + 1), &form) != 0, "one byte more");
	ok(read_text(long_text("a=", "%78", FORM_VALUE_BYTES), &form) == 0, "the longest value, escaped");
	ok(read_text(long_text("a=", "%78", FORM_VALUE_BYTES + 1), &form) != 0, "one byte more");
	ok(read_text(long_text("", "x", FORM_NAME_BYTES), &form) == 0, "the longest name");
	ok(read_text(long_text("", "x", FORM_NAME_BYTES + 1), &form) != 0, "one byte more");
	for (int i = 1; i < FORM_FIELDS_MAX; i++)
		length += (size_t)snprintf(text + length, sizeof text - length, "&a%d=", i);
	ok(read_text(text, &form) == 0 && form.count == FORM_FIELDS_MAX, "the most fields");
	snprintf(text + length, sizeof text - length, "&b=");
	ok(read_text(text, &form) != 0, "one more");
}

static void test_back(void)
{
	static const char *const values[] = {
		"", "plain-._~", "a b+c", "&=%?#", "ж€🎨", "\r\n\t\"'<>", "\x01\x7f\xff", "100%",
	};
	struct form form;
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < COUNT(values); i++) {
		char name[8];

		snprintf(name, sizeof name, "n %zu", i);
		form_add(&out, name, values[i]);
	}
	ok(read_text(buf_text(&out), &form) == 0 && form.count == COUNT(values), "what is written is read");
	for (size_t i = 0; i < form.count; i++)
		is_str(form.fields[i].value, values[i], "value %zu, in its place", i);
	ok(strspn(buf_text(&out), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%&=")
		== out.length, "nothing but letters, digits and signs of a URL");
	buf_clear(&out);
	form_add(&out, "a", "x y");
	form_add(&out, "b", "+");
	is_str(buf_text(&out), "a=x%20y&b=%2B", "written");
	buf_free(&out);
}

int main(void)
{
	arena = arena_new(1 << 20);
	test_rows();
	test_bounds();
	test_back();
	arena_free(arena);
	return tap_done();
}
