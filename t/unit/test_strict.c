/* JSON that nothing can be read from in two ways. */
#include "data/strict.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static void test_names(void)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{"{}", true}, {"[]", true}, {"{\"a\":1}", true}, {"{\"a\":{\"a\":{\"a\":1}}}", true},
		{"[{\"a\":1},{\"a\":2}]", true}, {"{\"a\":\"x:y\",\"b\":\":\"}", true},
		{"{\"a:b\":1,\"c\":2}", true}, {"{\"a\":\"\\\"b\\\":1\"}", true}, {"{\"a\":\"\\\\\",\"b\":1}", true},
		{"{\"a\" : 1 , \"A\" : 2}", true}, {"{\"a\":{},\"b\":[],\"c\":null}", true},
		{"{\"\":1}", true},
		{"{\"a\":1,\"a\":1}", false}, {"{\"a\":1,\"b\":2,\"a\":3}", false},
		{"{\"a\":{\"b\":1,\"b\":2}}", false}, {"[{\"a\":1,\"a\":2}]", false},
		{"{\"a\":1,\"\\u0061\":2}", false}, {"{\"a\":{\"x\":1,\"y\":2},\"a\":{\"x\":1}}", false},
		{"{\"a\":null,\"a\":null}", false}, {"{\"\":1,\"\":2}", false},
		{"{\"a\":[{\"b\":{\"c\":1,\"c\":1}}]}", false},
		{"{\"a\":1", false}, {"", false}, {"{'a':1}", false}, {"{'a\"':1,\"b\":\"2\"}", false},
		{"{\"it's\":\"'\"}", true}, {"{\"a\":1}{}", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		json *value = strict_read(rows[i].text, strlen(rows[i].text));

		ok((value != NULL) == rows[i].good, "%s: %s", rows[i].good ? "read" : "refused", rows[i].text);
		json_drop(value);
	}
}

static void test_text(void)
{
	static const char text[] = "{\"a\":\"x\",\"b\":\"1.00\\u00009\",\"c\":5,\"d\":{\"e\":\"\"},\"f\":null}";
	json *value = strict_read(text, sizeof text - 1);

	is_str(strict_text(value, "a"), "x", "a text");
	is_str(strict_text(value, "b"), NULL, "a text with a NUL");
	is_str(strict_text(value, "c"), NULL, "a number");
	is_str(strict_text(value, "d.e"), "", "an empty text");
	is_str(strict_text(value, "d"), NULL, "an object");
	is_str(strict_text(value, "f"), NULL, "null");
	is_str(strict_text(value, "g"), NULL, "nothing");
	is_str(strict_text(NULL, "a"), NULL, "of nothing");
	json_drop(value);
}

int main(void)
{
	test_names();
	test_text();
	return tap_done();
}
