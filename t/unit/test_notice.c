/* Notices: each one with each variant has words and buttons in both languages, within Telegram's bounds. */
#include "data/notice.h"

#include "base/log.h"
#include "base/str.h"
#include "data/button.h"
#include "provider/markup.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])
#define POINTS_MAX 4096         /* of a message, Bot API */
#define CAPTION_MAX 1024        /* of a caption, Bot API */
#define LABEL_MAX 64            /* bytes of a button's words that still show on a phone */
#define PROMPT_UNITS 600        /* FLOW_PREVIEW_MAX: the longest text that is repeated */

#define RUB "{\"unit\":\"rub\",\"amount\":999999999999}"
#define FREE "{\"unit\":\"free\",\"amount\":1000}"
#define CREDIT "{\"unit\":\"credit\",\"amount\":1000000000000}"

/* Every notice with the arguments it needs; LONG stands for the longest text. A notice with optional
 * arguments is here with and without them. */
static const struct {
	const char *name, *args;
	int buttons;
} cases[] = {
	{"welcome", "{}", 9}, {"welcome", "{\"name\":\"LONG\",\"free\":" FREE "}", 9},
	{"menu", "{}", 9}, {"help", "{}", 1},
	{"balance", "{\"rub\":" RUB ",\"credit\":1000000000000,\"free\":0,\"free_total\":1000}", 2},
	{"pay_soon", "{\"rub\":" RUB ",\"credit\":1000000000000,\"free\":1000,\"free_total\":4}", 1},
	{"mode_soon", "{}", 2}, {"media_soon", "{}", 2}, {"video_large", "{}", 1}, {"ask_prompt", "{}", 1},
	{"prompt_long", "{\"length\":8192,\"max\":2000}", 1}, {"dialog_cancelled", "{}", 1},
	{"unknown_command", "{}", 1}, {"limit_rate", "{}", 0}, {"limit_jobs", "{\"max\":100}", 0},
	{"banned", "{}", 0}, {"banned", "{\"reason\":\"LONG\"}", 0},
	{"confirm", "{\"quote\":9223372036854775807,\"prompt\":\"LONG\",\"model\":\"LONG\",\"price\":" RUB
		",\"have\":" RUB "}", 2},
	{"cancelled", "{}", 0}, {"quote_changed", "{}", 2},
	{"short", "{\"missing\":" CREDIT ",\"price\":" CREDIT ",\"have\":" CREDIT "}", 1},
	{"job_status", "{\"job\":1,\"progress\":0}", 0},
	{"job_status", "{\"job\":9223372036854775807,\"progress\":0,\"place\":1000,\"usual_s\":3600}", 0},
	{"job_status", "{\"job\":1,\"progress\":10}", 0},
	{"job_status", "{\"job\":1,\"progress\":10,\"usual_s\":61}", 0},
	{"job_status", "{\"job\":1,\"progress\":50}", 0},
	{"job_status", "{\"job\":1,\"progress\":50,\"usual_s\":2}", 0},
	{"job_finding", "{\"job\":1}", 0}, {"job_done", "{\"job\":1,\"price\":" FREE ",\"left\":" FREE "}", 0},
	{"job_failed", "{\"job\":1,\"reason\":\"input\",\"back\":" FREE ",\"left\":" FREE "}", 2},
	{"job_failed", "{\"job\":1,\"reason\":\"policy\",\"back\":" RUB ",\"left\":" RUB "}", 2},
	{"job_failed", "{\"job\":1,\"reason\":\"busy\",\"back\":" RUB ",\"left\":" RUB "}", 2},
	{"job_failed", "{\"job\":1,\"reason\":\"ours\",\"back\":" RUB ",\"left\":" RUB "}", 2},
	{"job_failed", "{\"job\":1,\"reason\":\"late\",\"back\":" RUB ",\"left\":" RUB "}", 2},
	{"job_failed", "{\"job\":1,\"reason\":\"unreachable\",\"back\":" RUB ",\"left\":" RUB "}", 2},
	{"result", "{\"job\":9223372036854775807}", 4},
};
static const char *const langs[] = {"ru", "en"};

/* The arguments with LONG made long, of characters that escape to the most bytes. */
static json *args_of(const char *text)
{
	json *args = json_read(text, strlen(text));
	char words[PROMPT_UNITS + 4];

	memset(words, '"', PROMPT_UNITS);
	memcpy(words + PROMPT_UNITS, "…", 4);
	if (args == NULL)
		abort();
	json_object_object_foreach(args, name, value) {
		if (json_object_is_type(value, json_type_string) && !strcmp(json_object_get_string(value), "LONG"))
			json_object_set_string(value, words);
		(void)name;
	}
	return args;
}

/* Tags open and close in order; no brace of a hole is left. */
static bool is_markup_good(const char *html)
{
	char open[8][16];
	int depth = 0;

	for (const char *at = strchr(html, '<'); at != NULL; at = strchr(at + 1, '<')) {
		bool closes = at[1] == '/';
		size_t length = strcspn(at + 1 + closes, ">");

		if (length == 0 || length >= sizeof open[0] || depth == (closes ? 0 : 8))
			return false;
		if (closes && strncmp(open[depth - 1], at + 2, strlen(open[depth - 1])) != 0)
			return false;
		if (!closes)
			snprintf(open[depth], sizeof open[0], "%.*s", (int)length, at + 1);
		depth += closes ? -1 : 1;
	}
	return depth == 0 && strpbrk(html, "{}|") == NULL;
}

static int count_buttons(json *keyboard, const char *what)
{
	int count = 0;

	for (size_t r = 0; r < json_count(keyboard, "inline_keyboard"); r++) {
		json *row = json_object_array_get_idx(json_at(keyboard, "inline_keyboard"), r);

		for (size_t i = 0; i < json_count(row, ""); i++, count++) {
			json *one = json_object_array_get_idx(row, i);
			const char *data = json_text(one, "callback_data");
			const char *label = json_text(one, "text");
			struct button button;
			char again[BUTTON_BYTES];

			if (data == NULL || *data == '\0' || strlen(data) > 64 || button_read(data, &button) != 0) {
				ok(false, "%s: callback_data of button %d", what, count);
				continue;
			}
			button_write(&button, again);
			if (strcmp(again, data) != 0 || label == NULL || *label == '\0' || strlen(label) > LABEL_MAX)
				ok(false, "%s: button %d: %s, %s", what, count, data, label);
		}
		if (json_count(row, "") == 0 || json_count(row, "") > 8)
			ok(false, "%s: row %zu", what, r);
	}
	return count;
}

static void test_each(const struct texts *texts, struct arena *arena)
{
	for (size_t i = 0; i < COUNT(cases) * COUNT(langs); i++) {
		const char *lang = langs[i % COUNT(langs)];
		size_t n = i / COUNT(langs);
		json *notice = notice_new(cases[n].name, args_of(cases[n].args));
		struct reply reply;
		char what[160];
		size_t most = strcmp(cases[n].name, "result") == 0 ? CAPTION_MAX : POINTS_MAX;

		snprintf(what, sizeof what, "%s %s %.80s", lang, cases[n].name, cases[n].args);
		bool good = notice_render(texts, lang, notice, arena, &reply) == NOTICE_OK;
		size_t points = str_points(markup_strip(reply.text, arena));

		ok(good && points > 0 && points <= most && strlen(reply.text) < REPLY_TEXT_MAX
			&& is_markup_good(reply.text), "%s", what);
		if (!good || !is_markup_good(reply.text))
			tap_show("text", reply.text);
		is_i64(count_buttons(reply.keyboard, what), cases[n].buttons, "buttons of %s", what);
		ok((reply.keyboard == NULL) == (cases[n].buttons == 0), "no empty keyboard");
		json_drop(reply.keyboard);
		json_drop(notice);
	}
	for (size_t i = 0; notice_name(i) != NULL; i++) {
		bool found = false;

		for (size_t n = 0; n < COUNT(cases); n++)
			found = found || strcmp(cases[n].name, notice_name(i)) == 0;
		ok(found, "%s is in this test", notice_name(i));
	}
}

/* Every argument left out, or of another type, one after another. */
static void test_missing(const struct texts *texts, struct arena *arena)
{
	size_t refused = 0;

	for (size_t n = 0; n < COUNT(cases); n++) {
		json *all = args_of(cases[n].args);

		json_object_object_foreach(all, name, value) {
			for (int wrong = 0; wrong < 3; wrong++) {
				json *notice = notice_new(cases[n].name, json_copy(all));
				json *args = json_at(notice, "args");
				struct reply reply;

				(void)value;
				if (wrong == 0)
					json_object_object_del(args, name);
				else
					json_set(args, name, wrong == 1 ? json_new_array() : json_object_new_double(0.5));
				refused += notice_render(texts, "ru", notice, arena, &reply) == NOTICE_STRANGE;
				if (reply.text == NULL || *reply.text == '\0')
					ok(false, "%s without %s has no words", cases[n].name, name);
				json_drop(reply.keyboard);
				json_drop(notice);
			}
		}
		json_drop(all);
	}
	ok(refused > 60, "arguments missing or of another type are told (%zu)", refused);
}

static void test_strange(const struct texts *texts, struct arena *arena)
{
	static const char *const strangers[] = {
		"{}", "[]", "{\"notice\":5}", "{\"notice\":\"no_such\",\"args\":{}}",
		"{\"notice\":\"confirm\",\"args\":[]}", "{\"notice\":\"confirm\",\"args\":{\"quote\":0}}",
		"{\"notice\":\"result\",\"args\":{\"job\":-1}}", "{\"notice\":\"result\",\"args\":{\"job\":\"1\"}}",
		"{\"notice\":\"job_status\",\"args\":{\"job\":1,\"progress\":7}}",
		"{\"notice\":\"job_status\",\"args\":{\"job\":1}}",
		"{\"notice\":\"job_failed\",\"args\":{\"job\":1,\"reason\":\"no_such\"}}",
		"{\"notice\":\"job_failed\",\"args\":{\"job\":1,\"reason\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
	};
	struct reply reply;

	for (size_t i = 0; i < COUNT(strangers); i++) {
		json *notice = json_read(strangers[i], strlen(strangers[i]));

		ok(notice_render(texts, "ru", notice, arena, &reply) == NOTICE_STRANGE && reply.text != NULL
			&& *reply.text != '\0', "strange, with some text: %.70s", strangers[i]);
		json_drop(reply.keyboard);
		json_drop(notice);
	}
	ok(notice_render(texts, "ru", NULL, arena, &reply) == NOTICE_STRANGE, "null is strange");
	json *notice = notice_new("menu", NULL);

	ok(notice_render(texts, "de", notice, arena, &reply) == NOTICE_OK, "another language is Russian");
	json_drop(reply.keyboard);
	json_drop(notice);
}

int main(void)
{
	char path[512];
	struct buf errors;
	struct arena *arena = arena_new(256 << 20);

	buf_init(&errors, 4096);
	snprintf(path, sizeof path, "%s/etc/texts", getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	struct texts *texts = texts_read(path, &errors);

	is_str(buf_text(&errors), "", "texts");
	if (texts != NULL) {
		test_each(texts, arena);
		test_missing(texts, arena);
		test_strange(texts, arena);
	}
	texts_free(texts);
	buf_free(&errors);
	arena_free(arena);
	return tap_done();
}
