/* Sentences with named holes, in Russian and English. */
#include "data/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/money.h"

#define TEXT_FILE_MAX (1u << 20)        /* bytes of one language */
#define TEXT_HOLE_MAX 400               /* bytes between braces */
#define TEXT_FORMS 3
#define TEXT_KEY_MAX 64

enum language { LANGUAGE_RU, LANGUAGE_EN, LANGUAGE_COUNT };
static const char *const language_names[LANGUAGE_COUNT] = {"ru", "en"};

struct texts {
	json *language[LANGUAGE_COUNT];
};

static json *read_language(const char *directory, const char *name, struct buf *errors)
{
	struct buf path, text;
	buf_init(&path, 4096);
	buf_init(&text, TEXT_FILE_MAX);
	buf_fmt(&path, "%s/%s.json", directory, name);
	json *language = NULL;
	if (fd_read_path(buf_text(&path), &text) == FD_OK)
		language = json_read(buf_text(&text), text.length);
	if (!json_object_is_type(language, json_type_object)) {
		buf_fmt(errors, "%s: cannot be read as JSON\n", buf_text(&path));
		json_drop(language);
		language = NULL;
	}
	buf_free(&path);
	buf_free(&text);
	return language;
}

/* The end of a hole that begins behind its '{'; null when it does not close. Braces may nest once ({?x:{y}}). */
static const char *hole_end(const char *at)
{
	int depth = 1;
	for (; *at; at++) {
		if (*at == '{')
			depth++;
		else if (*at == '}' && --depth == 0)
			return at;
	}
	return NULL;
}

/* The names of a sentence's holes, each once, sorted by nothing: compared as sets through a JSON object. */
static json *holes_of(const char *sentence)
{
	json *names = json_new();
	for (const char *at = strchr(sentence, '{'); at; at = strchr(at + 1, '{')) {
		const char *name = at + 1 + (at[1] == '?' || at[1] == '*');
		char copy[TEXT_HOLE_MAX];
		size_t length = strcspn(name, "|:}{");
		if (length < sizeof copy) {
			memcpy(copy, name, length);
			copy[length] = '\0';
			json_set_bool(names, copy, true);
		}
	}
	return names;
}

static bool is_same_shape(const char *key, json *a, json *b, struct buf *errors)
{
	if (!json_object_is_type(a, json_type_string) || !json_object_is_type(b, json_type_string)) {
		buf_fmt(errors, "texts: %s: not a text in both languages\n", key);
		return false;
	}
	json *one = holes_of(json_object_get_string(a));
	json *two = holes_of(json_object_get_string(b));
	bool same = json_object_equal(one, two);
	if (!same)
		buf_fmt(errors, "texts: %s: other holes in the two languages\n", key);
	json_drop(one);
	json_drop(two);
	return same;
}

static bool is_consistent(json *ru, json *en, struct buf *errors)
{
	bool good = true;
	json_object_object_foreach(ru, key, value) {
		json *other = NULL;
		json_object_object_get_ex(en, key, &other);
		good &= is_same_shape(key, value, other, errors);
	}
	json_object_object_foreach(en, name, unused) {
		(void)unused;
		if (!json_object_object_get_ex(ru, name, NULL)) {
			buf_fmt(errors, "texts: %s: only in English\n", name);
			good = false;
		}
	}
	return good;
}

struct texts *texts_read(const char *directory, struct buf *errors)
{
	struct texts *texts = mem_alloc(sizeof *texts);
	bool good = true;
	for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
		texts->language[i] = read_language(directory, language_names[i], errors);
		good &= texts->language[i] != NULL;
	}
	if (good && is_consistent(texts->language[LANGUAGE_RU], texts->language[LANGUAGE_EN], errors))
		return texts;
	texts_free(texts);
	return NULL;
}

void texts_free(struct texts *texts)
{
	if (!texts)
		return;
	for (size_t i = 0; i < LANGUAGE_COUNT; i++)
		json_drop(texts->language[i]);
	mem_free(texts);
}

static const char *sentence_of(const struct texts *texts, const char *lang, const char *key)
{
	json *value = NULL;
	size_t index = str_equal(lang, "en") ? LANGUAGE_EN : LANGUAGE_RU;
	json_object_object_get_ex(texts->language[index], key, &value);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

bool text_has(const struct texts *texts, const char *key)
{
	return sentence_of(texts, "ru", key) != NULL;
}

/* The one place where HTML is escaped (Bot API, HTML style). */
static void add_escaped(const char *text, struct buf *out)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': buf_str(out, "&amp;"); break;
		case '<': buf_str(out, "&lt;"); break;
		case '>': buf_str(out, "&gt;"); break;
		case '"': buf_str(out, "&quot;"); break;
		default: buf_char(out, *text);
		}
	}
}

/* Which of one|few|many a number takes (Unicode CLDR plural rules, ru and en). */
static int plural_form(const char *lang, int64_t n)
{
	uint64_t u = n < 0 ? -(uint64_t)n : (uint64_t)n;
	if (str_equal(lang, "en"))
		return u == 1 ? 0 : 2;
	if (u % 10 == 1 && u % 100 != 11)
		return 0;
	if (u % 10 >= 2 && u % 10 <= 4 && (u % 100 < 12 || u % 100 > 14))
		return 1;
	return 2;
}

static bool add_plural(const char *lang, const char *forms, int64_t n, struct buf *out)
{
	int wanted = plural_form(lang, n);
	for (int form = 0; form < TEXT_FORMS; form++) {
		size_t length = strcspn(forms, "|");
		if (form == wanted || !forms[length]) {
			buf_add(out, forms, length);
			return true;
		}
		forms += length + 1;
	}
	return false;
}

/* 1050 kopecks → args {"n": 10, "k": "50"}; whole roubles have no k. A debt has its sign in front:
 * less than one rouble of it has none in the whole part. */
static bool add_money(const struct texts *texts, const char *lang, struct money money,
	struct buf *out)
{
	json *args = json_new();
	int64_t whole = money.amount < 0 ? -money.amount : money.amount, rest = 0;
	if (money.unit == UNIT_RUB || money.unit == UNIT_USD) {
		rest = whole % 100;
		whole /= 100;
	}
	if (money.amount < 0)
		buf_str(out, "−");
	json_set_i64(args, "n", whole);
	if (rest) {
		char digits[3] = {(char)('0' + rest / 10), (char)('0' + rest % 10), '\0'};
		json_set_text(args, "k", digits);
	}
	char key[24];
	snprintf(key, sizeof key, "money.%s", money_unit_name(money.unit));
	bool good = text_add(texts, lang, key, args, out);
	json_drop(args);
	return good;
}

static bool add_argument(const struct texts *texts, const char *lang, json *value, struct buf *out)
{
	struct money money;
	if (json_object_is_type(value, json_type_string))
		add_escaped(json_object_get_string(value), out);
	else if (json_object_is_type(value, json_type_int))
		buf_i64(out, json_object_get_int64(value));
	else if (money_read(value, &money) == 0)
		return add_money(texts, lang, money, out);
	else
		return false;
	return true;
}

static bool add_template(const struct texts *texts, const char *lang, const char *template, json *args,
	struct buf *out);

/* A line for each object of an array, by its kind. */
static bool add_rows(const struct texts *texts, const char *lang, json *rows, const char *key, struct buf *out)
{
	bool good = json_object_is_type(rows, json_type_array);
	size_t count = good ? json_object_array_length(rows) : 0;
	for (size_t i = 0; i < count; i++) {
		json *row = json_object_array_get_idx(rows, i);
		const char *kind = json_text(row, "kind");
		char name[TEXT_KEY_MAX];
		int length = snprintf(name, sizeof name, "%s.%s", key, kind ? kind : "");
		if (i)
			buf_char(out, '\n');
		good &= length > 0 && length < TEXT_KEY_MAX && text_add(texts, lang, name, row, out);
	}
	return good;
}

/* One hole, its text between the braces given. */
static bool add_hole(const struct texts *texts, const char *lang, char *hole, json *args, struct buf *out)
{
	bool maybe = hole[0] == '?', each = hole[0] == '*';
	char *name = hole + (maybe || each);
	size_t length = strcspn(name, maybe || each ? ":" : "|");
	char *rest = name[length] ? name + length + 1 : NULL;
	name[length] = '\0';
	json *value = json_at(args, name);
	if (maybe)
		return !value || !rest || add_template(texts, lang, rest, args, out);
	if (!value)
		return false;
	if (each)
		return rest && add_rows(texts, lang, value, rest, out);
	if (rest)
		return json_object_is_type(value, json_type_int) &&
			add_plural(lang, rest, json_object_get_int64(value), out);
	return add_argument(texts, lang, value, out);
}

static bool add_template(const struct texts *texts, const char *lang, const char *template, json *args,
	struct buf *out)
{
	bool good = true;
	while (*template) {
		size_t plain = strcspn(template, "{");
		buf_add(out, template, plain);
		template += plain;
		if (!*template)
			break;
		const char *end = hole_end(template + 1);
		char hole[TEXT_HOLE_MAX];
		size_t length = end ? (size_t)(end - template - 1) : sizeof hole;
		if (length >= sizeof hole)
			return false;
		memcpy(hole, template + 1, length);
		hole[length] = '\0';
		good &= add_hole(texts, lang, hole, args, out);
		template = end + 1;
	}
	return good;
}

bool text_add(const struct texts *texts, const char *lang, const char *key, json *args, struct buf *out)
{
	const char *sentence = sentence_of(texts, lang, key);
	if (!sentence) {
		buf_str(out, key);
		return false;
	}
	return add_template(texts, lang, sentence, args, out);
}
