/* The floor base without descriptors: memory, text, clock, digest, settings. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/str.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static void must_false(void)
{
	must(1 + 1 == 3);
}

static void arena_beyond(void)
{
	struct arena *arena = arena_new(100);

	arena_alloc(arena, 60);
	arena_alloc(arena, 60);
}

static void arena_huge(void)
{
	arena_alloc(arena_new(100), SIZE_MAX);
}

static void mem_huge(void)
{
	mem_alloc(SIZE_MAX / 2);
}

static void test_memory(void)
{
	struct arena *arena = arena_new(100000);
	char *first = arena_alloc(arena, 100);
	char *large = arena_alloc(arena, 50000);
	bool zero = true;

	memset(first, 'x', 100);
	memset(large, 'x', 50000);
	is_str(arena_fmt(arena, "%s-%d", "a", 7), "a-7", "arena_fmt");
	is_str(arena_text(arena, "abc", 2), "ab", "arena_text adds the NUL");
	is_str(arena_str(arena, NULL), NULL, "arena_str of null");
	ok((uintptr_t)arena_alloc(arena, 1) % 16 == 0, "arena_alloc aligns");
	for (int i = 0; i < 1000; i++)
		arena_alloc(arena, 3);
	ok(first[99] == 'x' && large[49999] == 'x', "later allocations leave earlier ones alone");
	arena_reset(arena);
	for (int i = 0; i < 500; i++) {
		const char *bytes = arena_alloc(arena, 150);

		for (int j = 0; j < 150; j++)
			zero = zero && bytes[j] == 0;
	}
	ok(zero, "memory is zero after a reset too, and the bound starts again");
	arena_free(arena);
	arena_free(NULL);
	faults(arena_beyond, "the bound of an arena is a fault");
	faults(arena_huge, "so is an absurd size");
	faults(mem_huge, "out of memory is a fault");
	faults(must_false, "must faults");
	char *grown = mem_grow(mem_str("abc"), 100);

	is_str(grown, "abc", "mem_grow keeps");
	mem_wipe(grown, 3);
	is_i64(grown[0] + grown[1] + grown[2], 0, "mem_wipe zeroes");
	mem_free(grown);
	mem_free(NULL);
}

static void test_buf(void)
{
	struct buf buf;

	buf_init(&buf, 10);
	is_str(buf_text(&buf), "", "an empty buffer is an empty text");
	buf_str(&buf, "abc");
	buf_char(&buf, 'd');
	buf_i64(&buf, -12);
	is_str(buf_text(&buf), "abcd-12", "additions follow each other");
	buf_fmt(&buf, "%s", "1234");
	ok(buf.full, "what does not fit marks it full");
	is_str(buf_text(&buf), "abcd-12", "and adds nothing");
	buf_char(&buf, 'x');
	is_i64((int64_t)buf.length, 7, "full stays true: a smaller addition is refused too");
	buf_clear(&buf);
	buf_add(&buf, "0123456789", 10);
	ok(!buf.full && buf.length == 10, "it takes exactly its maximum");
	buf_add(&buf, "", 0);
	ok(!buf.full, "nothing fits always");
	char *taken = buf_take(&buf);

	is_str(taken, "0123456789", "buf_take hands over");
	mem_free(taken);
	is_str(buf_text(&buf), "", "and leaves it empty");
	taken = buf_take(&buf);
	is_str(taken, "", "buf_take of an empty one");
	mem_free(taken);
	buf_free(&buf);
	buf_init(&buf, 100000);
	for (int i = 0; i < 10000; i++)
		buf_fmt(&buf, "%04d,", i);
	ok(buf.length == 50000 && str_starts(buf.data + 49995, "9999,"), "it grows");
	buf_free(&buf);
}

static void test_numbers(void)
{
	static const struct {
		const char *text;
		int64_t min, max;
		bool good;
		int64_t value;
	} cases[] = {
		{"0", 0, 9, true, 0},
		{"-1", -1, 9, true, -1},
		{"007", 0, 9, true, 7},
		{"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
		{"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
		{"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
		{"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
		{"99999999999999999999999", INT64_MIN, INT64_MAX, false, 0},
		{"10", 0, 9, false, 0},
		{"-1", 0, 9, false, 0},
		{"", 0, 9, false, 0},
		{"-", -9, 9, false, 0},
		{"--1", -9, 9, false, 0},
		{"+1", 0, 9, false, 0},
		{" 1", 0, 9, false, 0},
		{"1 ", 0, 9, false, 0},
		{"1\n", 0, 9, false, 0},
		{"0x1", 0, 9, false, 0},
		{"1.0", 0, 9, false, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t value = 0;
		bool good = str_to_i64(cases[i].text, cases[i].min, cases[i].max, &value);

		ok(good == cases[i].good && value == cases[i].value, "str_to_i64 case %zu", i);
	}
}

static void test_utf8(void)
{
	static const struct {
		const char *bytes;
		const char *clean;
		size_t points, utf16;
	} cases[] = {
		{"", "", 0, 0},
		{"abc", "abc", 3, 3},
		{"Привет", "Привет", 6, 6},
		{"a\xf0\x9f\x98\x80z", "a\xf0\x9f\x98\x80z", 3, 4},
		{"\xed\xa0\x80x", "?x", 4, 4},                  /* a surrogate */
		{"\xc0\xaf", "??", 2, 2},                       /* '/' in a form too long */
		{"\xe0\x80\xaf", "???", 3, 3},
		{"\xf4\x90\x80\x80", "????", 4, 4},             /* beyond U+10FFFF */
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", 1, 2},
		{"\xff\xfe", "??", 2, 2},
		{"ab\xd0", "ab?", 3, 3},                        /* cut short */
		{"\xe2\x82", "??", 2, 2},
		{"\xd0" "a\x80", "?a?", 3, 3},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char bytes[64];
		size_t length = strlen(cases[i].bytes);

		memcpy(bytes, cases[i].bytes, length + 1);
		size_t clean = str_clean(bytes, length);

		bytes[clean] = '\0';
		is_str(bytes, cases[i].clean, "str_clean case %zu", i);
		ok(str_is_utf8(bytes, clean), "and the result is UTF-8");
		ok(str_is_utf8(cases[i].bytes, length) == str_equal(cases[i].bytes, cases[i].clean),
			"str_is_utf8 case %zu", i);
		is_i64((int64_t)str_points(cases[i].bytes), (int64_t)cases[i].points, "points %zu", i);
		is_i64((int64_t)str_utf16(cases[i].bytes), (int64_t)cases[i].utf16, "utf16 %zu", i);
	}
	char nul[] = "a\0b";

	is_i64((int64_t)str_clean(nul, 3), 3, "a NUL inside keeps the length");
	is_str(nul, "a?b", "and becomes a question mark");
}

static void test_text(void)
{
	static const struct {
		const char *text;
		size_t units, bytes;
	} cuts[] = {
		{"abc", 2, 2}, {"abc", 9, 3}, {"abc", 0, 0}, {"Привет", 3, 6},
		{"a\xf0\x9f\x98\x80z", 2, 1}, {"a\xf0\x9f\x98\x80z", 3, 5}, {"", 5, 0},
	};
	static const struct {
		const char *text, *trimmed;
	} trims[] = {
		{"", ""}, {" ", ""}, {" \t a b\r\n", "a b"}, {"a", "a"}, {"a ", "a"}, {" a", "a"},
	};

	for (size_t i = 0; i < COUNT(cuts); i++)
		is_i64((int64_t)str_cut_utf16(cuts[i].text, cuts[i].units), (int64_t)cuts[i].bytes,
			"str_cut_utf16 case %zu", i);
	for (size_t i = 0; i < COUNT(trims); i++) {
		char text[32];

		snprintf(text, sizeof text, "%s", trims[i].text);
		is_i64((int64_t)str_trim(text), (int64_t)strlen(trims[i].trimmed), "str_trim length");
		is_str(text, trims[i].trimmed, "str_trim case %zu", i);
	}
	ok(str_equal("a", "a") && !str_equal("a", "b") && str_equal(NULL, NULL)
		&& !str_equal(NULL, "") && !str_equal("", NULL), "str_equal");
	ok(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("ab", "abc"), "str_starts");
}

static void test_clock_digest(void)
{
	static const struct {
		int64_t ms;
		const char *iso;
	} times[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{1795217701123, "2026-11-20T23:35:01.123Z"},
		{951782400007, "2000-02-29T00:00:00.007Z"},
		{-5, "1970-01-01T00:00:00.000Z"},
		{INT64_MAX, "9999-12-31T23:59:59.999Z"},
	};
	unsigned char one[16], two[16];
	char hex[33];

	for (size_t i = 0; i < COUNT(times); i++) {
		char iso[CLOCK_ISO_BYTES];

		clock_iso(times[i].ms, iso);
		is_str(iso, times[i].iso, "clock_iso case %zu", i);
	}
	int64_t before = clock_mono_ms();

	ok(clock_mono_ms() >= before && clock_wall_ms() > INT64_C(1600000000000), "clocks run");
	ok(digest_equal("secret", "secret"), "equal secrets");
	ok(!digest_equal("secret", "secreT") && !digest_equal("secret", "secre")
		&& !digest_equal("secret", "secretsecret") && !digest_equal("secret", "")
		&& !digest_equal("aa", "aaaa"), "others are not");
	ok(!digest_equal("", "") && !digest_equal("", "a"), "an empty secret equals nothing");
	digest_random(one, sizeof one);
	digest_random(two, sizeof two);
	ok(memcmp(one, two, sizeof one) != 0, "digest_random differs each time");
	digest_hex("\x00\x7f\xff", 3, hex);
	is_str(hex, "007fff", "digest_hex");
}

enum { ONE = 1, TWO = 2 };

static const struct conf_entry table[] = {
	{"NAME", CONF_TEXT, "no name", 0, 20, "", ONE, false, ""},
	{"COUNT", CONF_INT, "5", -1, 10, "pieces", ONE | TWO, false, ""},
	{"SWITCH", CONF_BOOL, "off", 0, 0, "", ONE, false, ""},
	{"SITE", CONF_URL, "", 0, 100, "", ONE, false, ""},
	{"DIR", CONF_PATH, "/tmp", 1, 100, "", ONE, false, ""},
	{"ADMINS", CONF_IDS, "", 0, 0, "", TWO, false, ""},
	{"TOKEN", CONF_KEY, NULL, 6, 100, "", TWO, true, ""},
};

static void test_conf_good(void)
{
	static const char text[] = "# a comment\r\n\r\nNAME = два слова \r\nCOUNT=-1\nSWITCH=yes\n"
		"SITE=https://example.org/a\nDIR=/var/x\nADMINS=1, -100,3\nTOKEN=abc=def";
	struct buf out;

	buf_init(&out, 4096);
	struct conf *conf = conf_read(table, COUNT(table), ONE | TWO, text, sizeof text - 1, &out);

	if (!ok(conf != NULL && out.length == 0, "a good file"))
		return;
	is_str(conf_text(conf, "NAME"), "два слова", "text, with the spaces around it dropped");
	is_i64(conf_int(conf, "COUNT"), -1, "int");
	ok(conf_bool(conf, "SWITCH"), "bool");
	is_str(conf_text(conf, "TOKEN"), "abc=def", "a key may hold '='");
	int64_t ids[4];

	ok(conf_ids(conf, "ADMINS", ids, 4) == 3 && ids[0] == 1 && ids[1] == -100 && ids[2] == 3
		&& conf_ids(conf, "ADMINS", ids, 2) == 2, "ids");
	conf_print(conf, TWO, &out);
	is_str(buf_text(&out), "COUNT=-1\nADMINS=1, -100,3\nTOKEN=abc=def\n",
		"conf_print writes what a role may know");
	conf_free(conf);
	conf = conf_read(table, COUNT(table), TWO, out.data, out.length, &out);
	ok(conf != NULL, "and it can be read again");
	conf_free(conf);
	conf = conf_read(table, COUNT(table), ONE, "", 0, &out);
	ok(conf != NULL, "an empty file, when nothing must be set");
	is_i64(conf_int(conf, "COUNT"), 5, "then the defaults count");
	conf_free(conf);
	conf_free(NULL);
	buf_free(&out);
}

/* A role that may only know whether a key is set, never the key. */
static void test_conf_known(void)
{
	static const struct conf_entry known[] = {
		{"KEY", CONF_KEY, "", 0, 100, "", TWO | CONF_KNOWN(ONE), true, ""},
		{"BOTH", CONF_KEY, "", 0, 100, "", ONE | CONF_KNOWN(ONE), true, ""},
		{"OTHER", CONF_KEY, "", 0, 100, "", TWO, true, ""},
	};
	static const char text[] = "KEY=very-secret\nBOTH=own-secret\nOTHER=else\n";
	struct buf out, errors;

	buf_init(&out, 4096);
	buf_init(&errors, 4096);
	struct conf *all = conf_read(known, COUNT(known), ONE | TWO, text, sizeof text - 1, &errors);

	ok(all != NULL, "a file with a key");
	conf_print(all, TWO, &out);
	is_str(buf_text(&out), "KEY=very-secret\nOTHER=else\n", "who uses the key is handed it");
	buf_clear(&out);
	conf_print(all, ONE, &out);
	is_str(buf_text(&out), "KEY=*\nBOTH=own-secret\n", "who may know of it is told that it is set");
	conf_free(all);
	struct conf *one = conf_read(known, COUNT(known), ONE, out.data, out.length, &errors);

	ok(one != NULL, "which can be read");
	is_str(conf_text(one, "KEY"), "*", "set");
	conf_free(one);
	one = conf_read(known, COUNT(known), ONE, text, sizeof text - 1, &errors);
	is_str(conf_text(one, "KEY"), "*", "and is not kept from a whole file either");
	conf_free(one);
	for (int i = 0; i < 2; i++) {
		one = conf_read(known, COUNT(known), ONE, "KEY=\n", i ? 5 : 0, &errors);
		is_str(conf_text(one, "KEY"), "", "not set: %s", i ? "empty" : "left out");
		buf_clear(&out);
		conf_print(one, ONE, &out);
		ok(strstr(buf_text(&out), "KEY=*") == NULL, "nor told to be");
		conf_free(one);
	}
	ok(conf_read(known, COUNT(known), ONE, "KEY=a b\n", 8, &errors) == NULL, "a wrong key is told to everybody");
	buf_free(&out);
	buf_free(&errors);
}

static void test_conf_bad(void)
{
	static const struct {
		const char *text, *errors;
	} cases[] = {
		{"", "TOKEN: must be set\n"},
		{"TOKEN=123456\nCOUNT=x", "line 2: COUNT: is not a whole number (-1 to 10 pieces)\n"},
		{"TOKEN=123456\nCOUNT=11", "line 2: COUNT: is out of range (-1 to 10 pieces)\n"},
		{"TOKEN=123456\nCOUNT=", "line 2: COUNT: is not a whole number (-1 to 10 pieces)\n"},
		{"TOKEN=12345", "line 1: TOKEN: is too short\n"},
		{"TOKEN=", "line 1: TOKEN: must not be empty\n"},
		{"TOKEN=1234 56", "line 1: TOKEN: has a character that is not printable ASCII\n"},
		{"TOKEN=123456\nTOKEN=123456", "line 2: TOKEN: was set in line 1 already\n"},
		{"TOKEN=123456\nOTHER=1", "line 2: OTHER: is not a setting\n"},
		{"TOKEN=123456\nlost-secret=", "line 2: is not NAME=value\n"},
		{"TOKEN=123456\nNAME", "line 2: is not NAME=value\n"},
		{"TOKEN=123456\nNAME=\xff", "line 2: NAME: is not UTF-8\n"},
		{"TOKEN=123456\nNAME=a\tb", "line 2: NAME: has a control character\n"},
		{"TOKEN=123456\nNAME=012345678901234567890", "line 2: NAME: is too long\n"},
		{"TOKEN=123456\nSWITCH=maybe", "line 2: SWITCH: is neither true nor false\n"},
		{"TOKEN=123456\nSITE=http://a", "line 2: SITE: is not an https:// URL\n"},
		{"TOKEN=123456\nSITE=https:///a", "line 2: SITE: has no host\n"},
		{"TOKEN=123456\nSITE=https://u@h/", "line 2: SITE: has a user\n"},
		{"TOKEN=123456\nSITE=https://h/?a",
			"line 2: SITE: has a query, a fragment or a forbidden character\n"},
		{"TOKEN=123456\nDIR=tmp", "line 2: DIR: is not an absolute path\n"},
		{"TOKEN=123456\nDIR=", "line 2: DIR: must not be empty\n"},
		{"TOKEN=123456\nADMINS=1,,2",
			"line 2: ADMINS: is not a list of numbers with commas between\n"},
		{"TOKEN=123456\nADMINS=1,", "line 2: ADMINS: ends with a comma\n"},
		{"COUNT=x\nSITE=x", "line 1: COUNT: is not a whole number (-1 to 10 pieces)\n"
			"line 2: SITE: is not an https:// URL\nTOKEN: must be set\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf errors;

		buf_init(&errors, 4096);
		struct conf *conf = conf_read(table, COUNT(table), TWO, cases[i].text,
			strlen(cases[i].text), &errors);

		ok(conf == NULL, "bad settings %zu are refused", i);
		is_str(buf_text(&errors), cases[i].errors, "and the reason is told");
		conf_free(conf);
		buf_free(&errors);
	}
	struct buf errors;

	buf_init(&errors, 4096);
	ok(conf_read(table, COUNT(table), ONE, "A\0B", 3, &errors) == NULL, "a NUL is refused");
	buf_free(&errors);
}

static void conf_other_role(void)
{
	struct buf errors;

	buf_init(&errors, 4096);
	conf_text(conf_read(table, COUNT(table), ONE, "TOKEN=123456", 12, &errors), "TOKEN");
}

static void conf_other_name(void)
{
	struct buf errors;

	buf_init(&errors, 4096);
	conf_text(conf_read(table, COUNT(table), ONE, "", 0, &errors), "NOBODY");
}

static void conf_other_type(void)
{
	struct buf errors;

	buf_init(&errors, 4096);
	conf_int(conf_read(table, COUNT(table), ONE, "", 0, &errors), "NAME");
}

int main(void)
{
	test_memory();
	test_buf();
	test_numbers();
	test_utf8();
	test_text();
	test_clock_digest();
	test_conf_good();
	test_conf_known();
	test_conf_bad();
	faults(conf_other_role, "asking for another role's setting is a fault");
	faults(conf_other_name, "so is an unknown name");
	faults(conf_other_type, "so is another type");
	return tap_done();
}
