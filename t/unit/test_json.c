/* JSON by path: what is read, what is refused, and the bounds. */
#include "data/json.h"

#include "base/buf.h"
#include "base/str.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static json *read_text(const char *text)
{
	return json_read(text, strlen(text));
}

static void test_whole(void)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		/* Single quotes, NaN and raw control characters are taken by some versions of json-c. */
		{"{}", true}, {"[]", true}, {" \t\r\n{} \t\r\n", true}, {"\"a\"", true},
		{"{\"a\":1}", true}, {"[1,2]", true}, {"true ", true}, {"12 ", true},
		{"", false}, {" ", false}, {"{", false}, {"{}x", false}, {"{}{}", false},
		{"{} []", false}, {"[1,]", false}, {"{\"a\":1,}", false}, {"{a:1}", false},
		{"[01]", false},
		{"[1] /* c */", false}, {"tru", false}, {"[1 2]", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		json *value = read_text(cases[i].text);

		ok((value != NULL) == cases[i].good, "%s: document %zu", cases[i].good ? "read" : "refused", i);
		json_drop(value);
	}
	json *value = json_read("{}\0{}", 5);

	ok(value == NULL, "refused: a NUL behind the value");
	json_drop(value);
	value = json_read("{}\0", 3);
	ok(value == NULL, "refused: one NUL at the end");
	json_drop(value);
	value = json_read("{}abc", 2);
	ok(value != NULL, "the length counts, not what follows");
	json_drop(value);
}

/* depth brackets, the innermost empty. */
static bool reads_depth(size_t depth, bool objects)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < depth; i++)
		buf_str(&text, !objects ? "[" : i + 1 < depth ? "{\"a\":" : "{");
	for (size_t i = 0; i < depth; i++)
		buf_char(&text, objects ? '}' : ']');
	json *value = json_read(buf_text(&text), text.length);
	bool good = value != NULL;

	json_drop(value);
	buf_free(&text);
	return good;
}

static void test_depth(void)
{
	ok(reads_depth(1, false) && reads_depth(JSON_DEPTH_MAX - 1, false), "arrays within the depth");
	ok(reads_depth(JSON_DEPTH_MAX - 1, true), "objects within the depth");
	ok(!reads_depth(JSON_DEPTH_MAX + 1, false), "arrays beyond the depth");
	ok(!reads_depth(JSON_DEPTH_MAX + 1, true), "objects beyond the depth");
	ok(!reads_depth(100000, false), "100000 arrays end without harm");
}

static void test_paths(void)
{
	json *root = read_text("{\"a\":{\"b\":[{\"c\":\"x\"},null,7]},\"n\":null,\"\":5,\"t\":true,"
		"\"d.e\":1,\"long_long_long_long_long_long_long_long_long_long_long_long_long_name\":2}");
	int64_t number = -1;

	is_str(json_text(root, "a.b.0.c"), "x", "through objects and arrays");
	ok(json_i64(root, "a.b.2", &number) && number == 7, "a number in an array");
	ok(json_at(root, "") == root, "the empty path is the value itself");
	is_str(json_text(root, "a.b.0.d"), NULL, "absent");
	is_str(json_text(root, "a.b.1.c"), NULL, "null on the way");
	is_str(json_text(root, "a.b.9.c"), NULL, "beyond the array");
	is_str(json_text(root, "a.b.-1.c"), NULL, "a negative index");
	is_str(json_text(root, "a.b.x"), NULL, "a name in an array");
	is_str(json_text(root, "a.b.99999999999999999999"), NULL, "an index beyond all numbers");
	is_str(json_text(root, "t.x"), NULL, "no container on the way");
	ok(json_at(root, "n") == NULL, "null is as absent");
	ok(json_at(root, "d.e") == NULL, "a dot always divides");
	ok(json_at(root, "long_long_long_long_long_long_long_long_long_long_long_long_long_name")
		== NULL, "names over 63 bytes are none of ours");
	ok(json_at(NULL, "a.b") == NULL && json_text(NULL, "a") == NULL && !json_i64(NULL, "a", &number)
		&& !json_true(NULL, "a") && json_count(NULL, "a") == 0, "nothing comes of null");
	is_i64((int64_t)json_count(root, "a.b"), 3, "elements of an array");
	is_i64((int64_t)json_count(root, "a"), 0, "an object has none");
	ok(json_true(root, "t") && !json_true(root, "n") && !json_true(root, "a"), "true is only true");
	ok(!json_i64(root, "t", &number) && !json_i64(root, "a", &number) && number == 7,
		"other types are no numbers and leave the result alone");
	is_str(json_text(root, "t"), NULL, "true is no text");
	json_drop(root);
}

static void test_numbers(void)
{
	static const struct {
		const char *text;
		bool good;
		int64_t want;
	} cases[] = {
		{"[0]", true, 0}, {"[-0]", true, 0}, {"[-7]", true, -7},
		{"[9223372036854775807]", true, INT64_MAX},
		{"[-9223372036854775807]", true, -INT64_MAX},
		{"[-9223372036854775808]", false, 0},
		{"[9223372036854775808]", false, 0}, {"[18446744073709551615]", false, 0},
		{"[18446744073709551616]", false, 0}, {"[99999999999999999999999999]", false, 0},
		{"[-9223372036854775809]", false, 0}, {"[-99999999999999999999999999]", false, 0},
		{"[1.0]", false, 0}, {"[1e3]", false, 0}, {"[0.5]", false, 0}, {"[\"5\"]", false, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		json *value = read_text(cases[i].text);
		int64_t got = 0;
		bool good = json_i64(value, "0", &got);

		ok(good == cases[i].good && got == cases[i].want, "%s is %s", cases[i].text,
			cases[i].good ? "whole" : "no number of ours");
		json_drop(value);
	}
}

static void test_texts(void)
{
	struct arena *arena = arena_new(100000);
	json *root = read_text("{\"nul\":\"a\\u0000b\",\"lone\":\"\\ud83d\",\"pair\":\"\\ud83d\\ude00\","
		"\"bad\":\"\xff\xc0\x80z\",\"empty\":\"\",\"number\":5,\"cut\":\"\xf0\x9f\x98\"}");

	ok(root != NULL, "bytes that are no UTF-8 do not spoil the rest");
	is_str(json_text_clean(root, "nul", arena), "a?b", "NUL becomes a question mark");
	is_str(json_text_clean(root, "pair", arena), "\xf0\x9f\x98\x80", "a pair of surrogates is one");
	is_str(json_text_clean(root, "empty", arena), "", "empty is not absent");
	is_str(json_text_clean(root, "number", arena), NULL, "a number is no text");
	is_str(json_text_clean(root, "none", arena), NULL, "absent is null");
	static const char *const names[] = {"nul", "lone", "pair", "bad", "cut"};

	for (size_t i = 0; i < COUNT(names); i++) {
		const char *text = json_text_clean(root, names[i], arena);

		ok(text != NULL && str_is_utf8(text, strlen(text)), "%s is clean", names[i]);
	}
	json_drop(root);
	arena_free(arena);
}

static void test_building(void)
{
	json *object = json_new();
	json *list = json_new_array();

	json_set_text(object, "t", "\xd1\x8f/\"\n");
	json_set_text(object, "none", NULL);
	json_set_i64(object, "n", INT64_MIN);
	json_set_bool(object, "b", false);
	json_push(list, json_new());
	json_set(object, "l", list);
	is_str(json_write(object), "{\"t\":\"\xd1\x8f/\\\"\\n\",\"n\":-9223372036854775808,\"b\":false,\"l\":[{}]}",
		"written compactly, slashes and Cyrillic as they are");
	json *copy = json_copy(object);

	json_set_i64(json_at(copy, "l.0"), "x", 1);
	ok(json_at(object, "l.0.x") == NULL && json_at(copy, "l.0.x") != NULL, "a copy is deep");
	json *again = read_text(json_write(copy));

	ok(json_object_equal(again, copy) != 0, "what is written can be read");
	json_drop(again);
	json_drop(copy);
	json_drop(object);
	json_drop(NULL);
}

int main(void)
{
	test_whole();
	test_depth();
	test_paths();
	test_numbers();
	test_texts();
	test_building();
	return tap_done();
}
