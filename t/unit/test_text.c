/* Sentences with holes: plurals, escaping, money, and files that are not right. */
#include "data/text.h"

#include <sys/stat.h>

#include "base/digest.h"
#include "data/money.h"
#include "provider/markup.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static char directory[64];

static void write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s.json", directory, name);
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

/* Texts of two files; null with the reasons in `errors`. */
static struct texts *texts_of(const char *ru, const char *en, struct buf *errors)
{
	write_file("ru", ru);
	write_file("en", en);
	buf_clear(errors);
	return texts_read(directory, errors);
}

/* One sentence in both languages. */
static struct texts *texts_one(const char *sentence)
{
	struct buf text, errors;

	buf_init(&text, 4096);
	buf_init(&errors, 4096);
	json *object = json_new();

	json_set_text(object, "s", sentence);
	json_set_text(object, "money.rub", "{n}{?k:,{k}} ₽");
	json_set_text(object, "money.usd", "${n}{?k:.{k}}");
	json_set_text(object, "money.free", "{n} {n|операция|операции|операций}");
	json_set_text(object, "money.credit", "{n} cr");
	json_set_text(object, "row.in", "+{m}{?note:: {note}}");
	json_set_text(object, "row.out", "-{m}");
	json_set_text(object, "row.", "no kind");
	buf_str(&text, json_write(object));
	struct texts *texts = texts_of(buf_text(&text), buf_text(&text), &errors);

	json_drop(object);
	buf_free(&text);
	buf_free(&errors);
	return texts;
}

/* The sentence with the arguments (JSON; null: none) in Russian. */
static void check(const char *sentence, const char *args, bool good, const char *want)
{
	struct texts *texts = texts_one(sentence);
	json *object = args == NULL ? NULL : json_read(args, strlen(args));
	struct buf out;

	buf_init(&out, 4096);
	bool got = text_add(texts, "ru", "s", object, &out);

	is_str(buf_text(&out), want, "\"%s\" with %s", sentence, args == NULL ? "nothing" : args);
	if (got != good)
		ok(false, "\"%s\" is %s", sentence, good ? "whole" : "not whole");
	buf_free(&out);
	json_drop(object);
	texts_free(texts);
}

static void test_holes(void)
{
	check("plain", NULL, true, "plain");
	check("", NULL, true, "");
	check("a {x} b", "{\"x\":\"y\"}", true, "a y b");
	check("{x}{x}", "{\"x\":-7}", true, "-7-7");
	check("a {x} b", NULL, false, "a  b");
	check("a {x} b", "{\"x\":null}", false, "a  b");
	check("a {x} b", "{\"x\":[1]}", false, "a  b");
	check("a {x} b", "{\"x\":1.5}", false, "a  b");
	check("a {x} b", "{\"x\":true}", false, "a  b");
	check("{?x:<b>{x}</b>} b", "{\"x\":\"y\"}", true, "<b>y</b> b");
	check("{?x:<b>{x}</b>} b", "{}", true, " b");
	check("{?x:{x} and {y}}", "{\"x\":1}", false, "1 and ");
	check("{?x:{n} {n|a|b|c}}", "{\"x\":1,\"n\":5}", true, "5 c");
	check("a {x", "{\"x\":1}", false, "a ");
	check("a } b", NULL, true, "a } b");
	check("{}", "{\"x\":1}", false, "");
	check("{x.y}", "{\"x\":{\"y\":\"z\"}}", true, "z");
	check("<i>&amp;{x}</i>", "{\"x\":\"<\"}", true, "<i>&amp;&lt;</i>");
	check("{x}", "{\"x\":\"{y}\"}", true, "{y}");
	check("{n|a|b}", "{\"n\":\"5\"}", false, "");
	check("{n|only}", "{\"n\":3}", true, "only");

	struct texts *texts = texts_one("s");
	struct buf out;

	buf_init(&out, 4096);
	ok(!text_add(texts, "ru", "no.such", NULL, &out), "an unknown key is told");
	is_str(buf_text(&out), "no.such", "and shows up bare");
	ok(text_has(texts, "s") && !text_has(texts, "no.such"), "text_has");
	buf_free(&out);
	texts_free(texts);
}

#define FIVE "{\"unit\":\"credit\",\"amount\":5}"

/* A line for each object of an array, by its kind. */
static void test_rows(void)
{
	check("a\n{*x:row}", "{\"x\":[]}", true, "a\n");
	check("a\n{*x:row}", "{\"x\":[{\"kind\":\"in\",\"m\":" FIVE "}]}", true, "a\n+5 cr");
	check("{*x:row}.", "{\"x\":[{\"kind\":\"in\",\"m\":" FIVE "},{\"kind\":\"out\",\"m\":7}]}", true, "+5 cr\n-7.");
	check("{*x:row}", "{\"x\":[{\"kind\":\"in\",\"m\":1,\"note\":\"<b>{m}\"}]}", true, "+1: &lt;b&gt;{m}");
	check("{*x:row}{*x:row}", "{\"x\":[{\"kind\":\"out\",\"m\":1}]}", true, "-1-1");
	check("{?x:{*x:row}}", "{\"x\":[{\"kind\":\"out\",\"m\":1}]}", true, "-1");
	check("{?x:{*x:row}}", "{}", true, "");
	check("{*x:row}", "{\"x\":[{\"kind\":\"up\",\"m\":1}]}", false, "row.up");
	check("{*x:row}", "{\"x\":[{\"kind\":\"up\"},{\"kind\":\"out\",\"m\":1}]}", false, "row.up\n-1");
	check("{*x:row}", "{\"x\":[{\"kind\":\"out\"}]}", false, "-");
	check("{*x:row}", "{\"x\":[{\"m\":1}]}", true, "no kind");
	check("{*x:row}", "{\"x\":[5,null,[]]}", true, "no kind\nno kind\nno kind");
	check("{*x:row}", "{\"x\":[{\"kind\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]}",
		false, "");
	check("{*x:row}", "{\"x\":{\"kind\":\"out\",\"m\":1}}", false, "");
	check("{*x:row}", "{\"x\":\"out\"}", false, "");
	check("a {*x:row}", "{}", false, "a ");
	check("{*x}", "{\"x\":[]}", false, "");
	check("{*}", "{\"x\":[]}", false, "");
	check("{*x:row", "{\"x\":[]}", false, "");
}

/* CLDR's rules written down once more, the other way round. */
static const char *form_of(const char *lang, int n)
{
	bool teen = n % 100 >= 11 && n % 100 <= 14;

	if (strcmp(lang, "en") == 0)
		return n == 1 ? "one" : "many";
	if (teen || n % 10 == 0 || n % 10 > 4)
		return "many";
	return n % 10 == 1 ? "one" : "few";
}

static void test_plurals(void)
{
	static const char *const langs[] = {"ru", "en"};
	struct texts *texts = texts_one("{n|one|few|many}");
	struct texts *two = texts_one("{n|one|many}");

	for (size_t l = 0; l < COUNT(langs); l++) {
		bool good = true;

		for (int n = 0; n <= 125; n++) {
			struct buf out, short_out;
			json *args = json_new();

			buf_init(&out, 64);
			buf_init(&short_out, 64);
			json_set_i64(args, "n", n);
			good = text_add(texts, langs[l], "s", args, &out)
				&& strcmp(buf_text(&out), form_of(langs[l], n)) == 0 && good;
			good = text_add(two, langs[l], "s", args, &short_out)
				&& (strcmp(langs[l], "en") != 0
				|| strcmp(buf_text(&short_out), form_of("en", n)) == 0) && good;
			if (!good)
				printf("# %s %d: %s %s\n", langs[l], n, buf_text(&out), buf_text(&short_out));
			json_drop(args);
			buf_free(&out);
			buf_free(&short_out);
		}
		ok(good, "plurals of 0 to 125 in %s", langs[l]);
	}
	texts_free(texts);
	texts_free(two);
	check("{n|one|few|many}", "{\"n\":-1}", true, "one");
	check("{n|one|few|many}", "{\"n\":-9223372036854775807}", true, "many");
	check("{n|one|few|many}", "{\"n\":1000000000001}", true, "one");
}

static void test_money(void)
{
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":1050}}", true, "10,50 ₽");
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":1005}}", true, "10,05 ₽");
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":1000}}", true, "10 ₽");
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":5}}", true, "0,05 ₽");
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":0}}", true, "0 ₽");
	check("{m}", "{\"m\":{\"unit\":\"usd\",\"amount\":799}}", true, "$7.99");
	check("{m}", "{\"m\":{\"unit\":\"free\",\"amount\":3}}", true, "3 операции");
	check("{m}", "{\"m\":{\"unit\":\"credit\",\"amount\":10000}}", true, "10000 cr");
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":1000000000000}}", true, "10000000000 ₽");
	check("{m}", "{\"m\":{\"unit\":\"rub\"}}", false, "");
	check("{m}", "{\"m\":{\"unit\":\"eur\",\"amount\":5}}", false, "");
	/* Defect found here: kopecks of a debt were written as characters before '0'. */
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":-1050}}", true, "−10,50 ₽");
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":-50}}", true, "−0,50 ₽");
	check("{m}", "{\"m\":{\"unit\":\"usd\",\"amount\":-200}}", true, "−$2");
	check("{m}", "{\"m\":{\"unit\":\"credit\",\"amount\":-3}}", true, "−3 cr");
	check("{m}", "{\"m\":{\"unit\":\"free\",\"amount\":-2}}", true, "−2 операции");
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":-1000000000000}}", true, "−10000000000 ₽");
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":1000000000001}}", false, "");
	check("{m}", "{\"m\":{\"unit\":\"rub\",\"amount\":\"5\"}}", false, "");
	check("{m}", "{\"m\":{\"unit\":\"usd\",\"amount\":5}}", true, "$0.05");
}

/* What is put in comes out again, and nothing of it is markup. */
static void test_escaping(void)
{
	struct texts *texts = texts_one("{x}");
	struct arena *arena = arena_new(16 << 20);
	bool good = true;
	bool safe = true;

	for (int round = 0; round < 3000; round++) {
		static const char *const pieces[] = {"<", ">", "&", "\"", "'", "{", "}", "&lt;", "&#60;", "<b>",
			"</i>", "a", " ", "\n", "я", "😀", "|", "?", ":", "\\", "&amp;amp;", "%s"};
		unsigned char dice[24];
		struct buf in, out;
		json *args = json_new();

		buf_init(&in, 4096);
		buf_init(&out, 4096);
		digest_random(dice, sizeof dice);
		for (size_t i = 0; i < dice[0] % sizeof dice; i++)
			buf_str(&in, pieces[dice[i] % COUNT(pieces)]);
		json_set_text(args, "x", buf_text(&in));
		bool done = text_add(texts, "ru", "s", args, &out);
		const char *back = markup_strip(buf_text(&out), arena);

		safe = safe && strpbrk(buf_text(&out), "<>\"") == NULL;
		if (!done || strcmp(back, buf_text(&in)) != 0) {
			tap_show("in", buf_text(&in));
			tap_show("back", back);
			good = false;
		}
		json_drop(args);
		buf_free(&in);
		buf_free(&out);
	}
	ok(good, "3000 random texts come back from their escaped form");
	ok(safe, "and no markup is left in it");
	arena_free(arena);
	texts_free(texts);
}

static void test_files(void)
{
	static const struct {
		const char *ru, *en, *why;
	} cases[] = {
		{"{", "{}", "cannot be read as JSON"}, {"[]", "{}", "cannot be read as JSON"},
		{"{}", "", "cannot be read as JSON"},
		{"{\"a\":\"x\"}", "{}", "not a text in both"}, {"{}", "{\"a\":\"x\"}", "only in English"},
		{"{\"a\":5}", "{\"a\":5}", "not a text in both"},
		{"{\"a\":\"{x}\"}", "{\"a\":\"{y}\"}", "other holes"},
		{"{\"a\":\"{x}\"}", "{\"a\":\"x\"}", "other holes"},
		{"{\"a\":\"{?x:{y}}\"}", "{\"a\":\"{?x:z}\"}", "other holes"},
		{"{\"a\":\"{*x:b}\"}", "{\"a\":\"{*y:b}\"}", "other holes"},
		{"{\"a\":\"{*x:b}\"}", "{\"a\":\"\"}", "other holes"},
	};
	struct buf errors;

	buf_init(&errors, 4096);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct texts *texts = texts_of(cases[i].ru, cases[i].en, &errors);

		ok(texts == NULL && strstr(buf_text(&errors), cases[i].why) != NULL, "%s / %s: %s", cases[i].ru,
			cases[i].en, cases[i].why);
		texts_free(texts);
	}
	struct texts *texts = texts_of("{\"a\":\"{n} {n|x|y|z} {?n:{n}}\"}", "{\"a\":\"{n|x|y}\"}", &errors);

	ok(texts != NULL && errors.length == 0, "the same holes in another shape are the same");
	texts_free(texts);
	buf_clear(&errors);
	ok(texts_read("/nonexistent", &errors) == NULL && errors.length > 0, "a directory that is not there");
	buf_clear(&errors);
	texts_free(NULL);
	char path[512];

	snprintf(path, sizeof path, "%s/etc/texts", getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	texts = texts_read(path, &errors);
	is_str(buf_text(&errors), "", "our own texts are right");
	ok(texts != NULL, "and can be read");
	texts_free(texts);
	buf_free(&errors);
}

static void tidy_up(void)
{
	char path[128];

	snprintf(path, sizeof path, "%s/ru.json", directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/en.json", directory);
	unlink(path);
	rmdir(directory);
}

int main(void)
{
	snprintf(directory, sizeof directory, "/tmp/atelier-text-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return 1;
	test_holes();
	test_rows();
	test_plurals();
	test_money();
	test_escaping();
	test_files();
	tidy_up();
	return tap_done();
}
