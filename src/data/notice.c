/* The table of notices: their variants and keyboards; the words are in etc/texts. */
#include "data/notice.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "data/button.h"

#define NOTICE_KEY_MAX 64
#define NOTICE_BUTTONS_MAX 20

struct notice_button {
	enum button_verb verb;
	const char *label;      /* key of the text; the word of a verb that has one is what follows the key's last dot */
	bool ends_row;
	const char *when;       /* argument without which the button is left out; a number: also when fixed is more */
	const char *number;     /* argument that numbers it, instead of the form's */
	int64_t fixed;          /* the number itself; also the label's argument n */
	const char *url;        /* argument that holds a link: the button opens it instead of coming back */
	const char *list;       /* argument that holds an array: a row for each, its "word" into the button, and its own
	                         * "job" as the number when that is what number says */
	const char *only;       /* of a list: the "kind" of those that get a button */
};

struct notice_form {
	const char *name;
	const char *variant;    /* argument whose value is appended to the key: "job_status.50" */
	const char *number;     /* argument that numbers the buttons */
	struct notice_button buttons[NOTICE_BUTTONS_MAX];
};

#define NEXT(of_verb, of_label) {.verb = of_verb, .label = of_label}
#define LAST(of_verb, of_label) {.verb = of_verb, .label = of_label, .ends_row = true}
#define END {.label = NULL}
/* A button of a screen of the dialog: dead when the dialog has moved on. */
#define CANCEL_ROW {.verb = BUTTON_CANCEL, .label = "button.cancel", .number = "screen", .ends_row = true}
#define MENU_ROWS \
	NEXT(BUTTON_MODE, "button.generate"), LAST(BUTTON_MODE, "button.edit"), \
	LAST(BUTTON_MODE, "button.merge"), \
	NEXT(BUTTON_MODE, "button.face_swap"), LAST(BUTTON_MODE, "button.retouch"), \
	NEXT(BUTTON_MODE, "button.upscale"), LAST(BUTTON_MODE, "button.add_text"), \
	LAST(BUTTON_MODE, "button.video"), \
	LAST(BUTTON_PAY, "button.pay")

#define USE(mode, ends) {.verb = BUTTON_USE, .label = "button." mode, .number = "screen", .ends_row = ends}

/* What an admin does to one thing: thing is the argument that numbers it. */
#define DEED(word, thing, needs, ends) \
	{.verb = BUTTON_ADMIN_ON, .label = "button.admin." word, .number = thing, .when = needs, .ends_row = ends}
/* To whom a draft goes; the chosen one is marked in its label. */
#define SEGMENT(word, ends) \
	{.verb = BUTTON_BROADCAST, .label = "button.broadcast." word, .when = "draft", .ends_row = ends}

static const struct notice_form forms[] = {
	/* the menu, and what is always there */
	{"welcome", NULL, NULL, {MENU_ROWS, END}},
	{"menu", NULL, NULL, {MENU_ROWS, END}},
	{"help", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"unknown_command", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"dialog_cancelled", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"limit_rate", NULL, NULL, {END}},
	{"limit_jobs", NULL, NULL, {LAST(BUTTON_JOBS, "button.jobs"), END}},
	{"banned", NULL, NULL, {END}},
	/* the questions of the dialog: flow/ask.c */
	{"ask_prompt", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_edit_photo", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_edit_text", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_merge_photos", NULL, NULL, {
		{.verb = BUTTON_DONE, .label = "button.done", .number = "screen", .when = "enough", .ends_row = true},
		CANCEL_ROW, END}},
	{"merge_photos", NULL, NULL, {
		{.verb = BUTTON_DONE, .label = "button.done", .number = "screen", .when = "enough", .ends_row = true},
		CANCEL_ROW, END}},
	{"ask_merge_text", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_face", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_face_target", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_retouch", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_upscale", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_caption_photo", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_caption_text", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_video_model", NULL, NULL, {
		{.verb = BUTTON_FAMILY, .label = "button.family", .number = "screen", .list = "families"}, CANCEL_ROW, END}},
	{"ask_video_length", NULL, NULL, {
		{.verb = BUTTON_LENGTH, .label = "button.length.5", .number = "screen"},
		{.verb = BUTTON_LENGTH, .label = "button.length.10", .number = "screen", .ends_row = true}, CANCEL_ROW, END}},
	{"ask_video_input", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_video_text", NULL, NULL, {CANCEL_ROW, END}},
	{"ask_video_photo", NULL, NULL, {CANCEL_ROW, END}},
	{"choice", NULL, NULL, {
		USE("edit", false), USE("retouch", true), USE("upscale", false), USE("face_swap", true),
		USE("add_text", false), USE("video", true), CANCEL_ROW, END}},
	{"ask_sum", NULL, NULL, {CANCEL_ROW, END}},
	{"sum_wrong", NULL, NULL, {CANCEL_ROW, END}},
	{"forget_ask", NULL, NULL, {
		{.verb = BUTTON_FORGET, .label = "button.forget", .number = "screen", .ends_row = true}, CANCEL_ROW, END}},
	/* what came in the wrong moment */
	{"want_photo", NULL, NULL, {END}},
	{"want_text", NULL, NULL, {END}},
	{"want_button", NULL, NULL, {END}},
	{"image_kind", NULL, NULL, {END}},
	{"image_large", NULL, NULL, {END}},
	{"video_large", NULL, NULL, {END}},
	{"video_as_file", NULL, NULL, {END}},
	{"clip_length", NULL, NULL, {END}},
	{"video_no_photo", NULL, NULL, {END}},
	{"video_no_film", NULL, NULL, {END}},
	{"album_film", NULL, NULL, {END}},
	{"video_none", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"other", "what", NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"prompt_long", NULL, NULL, {END}},
	{"caption_long", NULL, NULL, {END}},
	{"blocked", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"mode_none", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"offer_off", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	/* orders */
	{"album", NULL, "album", {LAST(BUTTON_ALBUM, "button.merge_album"), LAST(BUTTON_MENU, "button.menu"), END}},
	{"confirm", "mode", "quote", {
		LAST(BUTTON_GO, "button.go"),
		{.verb = BUTTON_MODELS, .label = "button.models", .when = "models"},
		{.verb = BUTTON_RATIOS, .label = "button.formats", .when = "formats", .ends_row = true},
		LAST(BUTTON_NO, "button.no"), END}},
	{"models", NULL, "quote", {
		{.verb = BUTTON_OFFER, .label = "button.offer", .list = "list"}, LAST(BUTTON_BACK, "button.back"), END}},
	{"formats", NULL, "quote", {
		{.verb = BUTTON_RATIO, .label = "button.format", .list = "list"}, LAST(BUTTON_BACK, "button.back"), END}},
	{"cancelled", NULL, NULL, {END}},
	{"quote_changed", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"short", NULL, NULL, {LAST(BUTTON_PAY, "button.topup"),
		{.verb = BUTTON_MODELS, .label = "button.models", .when = "models", .number = "quote", .ends_row = true}, END}},
	{"terms_ask", NULL, NULL, {
		{.verb = BUTTON_ACCEPT, .label = "button.accept", .when = "quote", .number = "quote", .ends_row = true},
		{.verb = BUTTON_ACCEPT_PAY, .label = "button.accept", .when = "pay", .ends_row = true},
		LAST(BUTTON_TERMS, "button.terms"), LAST(BUTTON_MENU, "button.cancel"), END}},
	{"terms", NULL, NULL, {END}},
	/* jobs */
	{"job_status", "progress", "job", {
		{.verb = BUTTON_JOB_CANCEL, .label = "button.job_cancel", .when = "place", .ends_row = true}, END}},
	{"job_finding", NULL, NULL, {END}},
	{"job_done", NULL, NULL, {END}},
	{"job_cancelled", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"job_failed", "reason", "job", {
		NEXT(BUTTON_AGAIN, "button.again"), LAST(BUTTON_MENU, "button.menu"), END}},
	{"result", NULL, "job", {
		NEXT(BUTTON_AGAIN, "button.again"),
		{.verb = BUTTON_UPSCALE, .label = "button.upscale", .when = "picture", .ends_row = true},
		{.verb = BUTTON_CHANGE, .label = "button.change", .when = "picture"},
		LAST(BUTTON_ORIGINAL, "button.original"), END}},
	{"original", NULL, NULL, {END}},
	{"original_lost", NULL, NULL, {END}},
	{"get_none", NULL, NULL, {
		{.verb = BUTTON_HISTORY, .label = "button.history", .fixed = INT64_MAX, .ends_row = true}, END}},
	{"cancel_late", NULL, NULL, {END}},
	{"jobs", NULL, NULL, {
		{.verb = BUTTON_JOB_CANCEL, .label = "button.job_cancel_n", .number = "job", .list = "rows", .only = "pending"},
		LAST(BUTTON_MENU, "button.menu"), END}},
	{"jobs_none", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"history", NULL, NULL, {
		{.verb = BUTTON_GET, .label = "button.get", .number = "job", .list = "rows", .only = "completed"},
		{.verb = BUTTON_HISTORY, .label = "button.older", .when = "older", .number = "older", .ends_row = true},
		LAST(BUTTON_MENU, "button.menu"), END}},
	{"history_none", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	/* money */
	{"balance", NULL, NULL, {LAST(BUTTON_PAY, "button.topup"),
		{.verb = BUTTON_STATEMENT, .label = "button.statement", .fixed = INT64_MAX, .ends_row = true},
		LAST(BUTTON_MENU, "button.menu"), END}},
	{"pay_none", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"pay_menu", NULL, NULL, {
		{.verb = BUTTON_TOPUP, .label = "button.top", .fixed = 100, .when = "roubles"},
		{.verb = BUTTON_TOPUP, .label = "button.top", .fixed = 300, .when = "roubles", .ends_row = true},
		{.verb = BUTTON_TOPUP, .label = "button.top", .fixed = 500, .when = "roubles"},
		{.verb = BUTTON_TOPUP, .label = "button.top", .fixed = 1000, .when = "roubles", .ends_row = true},
		{.verb = BUTTON_SUM, .label = "button.sum", .when = "roubles", .ends_row = true},
		{.verb = BUTTON_PACKAGE, .label = "button.package", .list = "packages", .when = "packages"},
		LAST(BUTTON_MENU, "button.cancel"), END}},
	{"pay_limit", NULL, NULL, {END}},
	{"pay_wait", NULL, NULL, {END}},
	{"pay_link", NULL, "payment", {
		{.verb = BUTTON_CHECK, .label = "button.pay_now", .url = "url", .ends_row = true},
		LAST(BUTTON_CHECK, "button.check"), END}},
	{"pay_pending", NULL, "payment", {LAST(BUTTON_CHECK, "button.check"), END}},
	{"pay_done", NULL, NULL, {
		{.verb = BUTTON_GO, .label = "button.go", .when = "quote", .number = "quote", .ends_row = true},
		LAST(BUTTON_MENU, "button.menu"), END}},
	{"pay_canceled", NULL, NULL, {LAST(BUTTON_PAY, "button.topup"), END}},
	{"pay_failed", NULL, NULL, {LAST(BUTTON_PAY, "button.topup"), END}},
	{"pay_review", NULL, NULL, {END}},
	{"pay_refunded", NULL, NULL, {END}},
	{"debt", NULL, NULL, {LAST(BUTTON_PAY, "button.topup"), END}},
	{"statement", NULL, NULL, {
		{.verb = BUTTON_STATEMENT, .label = "button.older", .when = "older", .number = "older", .ends_row = true},
		LAST(BUTTON_CSV, "button.csv"), END}},
	{"statement_empty", NULL, NULL, {END}},
	{"statement_file", NULL, NULL, {END}},
	/* the person */
	{"stats", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"language", NULL, NULL, {NEXT(BUTTON_LANG, "button.lang.ru"), LAST(BUTTON_LANG, "button.lang.en"), END}},
	{"language_set", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"support", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"mydata_file", NULL, NULL, {END}},
	{"forgotten", NULL, NULL, {END}},
	{"forget_busy", NULL, NULL, {LAST(BUTTON_JOBS, "button.jobs"), END}},
	{"unbanned", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"maintenance", NULL, NULL, {END}},
	{"balance_added", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"balance_taken", NULL, NULL, {END}},
	{"offer_weather", NULL, NULL, {LAST(BUTTON_MENU, "button.menu"), END}},
	{"alert", "what", NULL, {END}},
	/* admins */
	{"admin", NULL, NULL, {
		NEXT(BUTTON_ADMIN, "button.admin.stats"), LAST(BUTTON_ADMIN, "button.admin.margin"),
		NEXT(BUTTON_ADMIN, "button.admin.weather"), LAST(BUTTON_ADMIN, "button.admin.prices"),
		NEXT(BUTTON_ADMIN, "button.admin.broadcast"), LAST(BUTTON_ADMIN, "button.admin.audit"),
		{.verb = BUTTON_BROADCAST, .label = "button.broadcast.look", .when = "broadcast", .number = "broadcast",
			.ends_row = true},
		NEXT(BUTTON_ADMIN, "button.admin.export"),
		{.verb = BUTTON_ADMIN, .label = "button.admin.close", .when = "opened", .ends_row = true},
		{.verb = BUTTON_ADMIN, .label = "button.admin.open", .when = "closed", .ends_row = true}, END}},
	{"admin_usage", "command", NULL, {END}},
	{"admin_no", "what", NULL, {END}},
	{"admin_done", "what", NULL, {
		DEED("user", "person", "person", true), END}},
	{"admin_stats", NULL, NULL, {LAST(BUTTON_ADMIN, "button.admin.menu"), END}},
	{"chart", NULL, NULL, {END}},
	{"admin_weather", NULL, NULL, {LAST(BUTTON_ADMIN, "button.admin.menu"), END}},
	{"admin_weather_none", NULL, NULL, {LAST(BUTTON_ADMIN, "button.admin.menu"), END}},
	{"admin_margin", NULL, NULL, {LAST(BUTTON_ADMIN, "button.admin.menu"), END}},
	{"admin_margin_none", NULL, NULL, {LAST(BUTTON_ADMIN, "button.admin.menu"), END}},
	{"admin_audit", NULL, NULL, {LAST(BUTTON_ADMIN, "button.admin.menu"), END}},
	{"admin_prices", NULL, NULL, {
		{.verb = BUTTON_PRICE, .label = "button.admin.reset", .list = "rows", .only = "changed"},
		LAST(BUTTON_ADMIN, "button.admin.menu"), END}},
	{"admin_user", NULL, "person", {
		DEED("statement", "person", NULL, false),
		DEED("jobs", "person", NULL, true),
		DEED("payments", "person", NULL, false),
		DEED("ban", "person", "free_to_use", true),
		DEED("unban", "person", "banned", true), END}},
	{"admin_statement", NULL, NULL, {DEED("user", "person", NULL, true), END}},
	{"admin_list", NULL, NULL, {
		{.verb = BUTTON_ADMIN_ON, .label = "button.admin.row", .number = "on", .list = "rows"},
		DEED("user", "person", NULL, true), END}},
	{"admin_payment", NULL, "payment", {
		DEED("refund", "payment", "refundable", false),
		DEED("payment_ask", "payment", "open", false),
		DEED("user", "person", NULL, true), END}},
	{"admin_refund", NULL, "payment", {
		{.verb = BUTTON_REFUND, .label = "button.admin.refund_go", .number = "payment", .list = "sum"},
		DEED("payment", "payment", NULL, true), END}},
	{"admin_job", NULL, "job", {
		DEED("job_cancel", "job", "pending", false),
		DEED("user", "person", NULL, true), END}},
	{"admin_export", "what", NULL, {END}},
	{"broadcast_ask", NULL, NULL, {CANCEL_ROW, END}},
	{"broadcast", "state", "broadcast", {
		SEGMENT("all", false), SEGMENT("ru", false), SEGMENT("en", true),
		SEGMENT("paid", false), SEGMENT("unpaid", true), SEGMENT("active", false), SEGMENT("idle", true),
		{.verb = BUTTON_BROADCAST, .label = "button.broadcast.start", .when = "draft", .ends_row = true},
		{.verb = BUTTON_BROADCAST, .label = "button.broadcast.pause", .when = "running"},
		{.verb = BUTTON_BROADCAST, .label = "button.broadcast.look", .when = "running", .ends_row = true},
		{.verb = BUTTON_BROADCAST, .label = "button.broadcast.resume", .when = "paused", .ends_row = true},
		{.verb = BUTTON_BROADCAST, .label = "button.broadcast.cancel", .when = "alive", .ends_row = true}, END}},
};

const char *notice_name(size_t i)
{
	return i < sizeof forms / sizeof *forms ? forms[i].name : NULL;
}

json *notice_new(const char *name, json *args)
{
	json *notice = json_new();
	json_set_text(notice, "notice", name);
	json_set(notice, "args", args ? args : json_new());
	return notice;
}

static const struct notice_form *form_of(const char *name)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (str_equal(forms[i].name, name))
			return &forms[i];
	return NULL;
}

/* "job_status" with {"progress": 50} → "job_status.50". */
static bool write_key(const struct notice_form *form, json *args, char key[NOTICE_KEY_MAX])
{
	int64_t number;
	int length;
	if (!form->variant)
		length = snprintf(key, NOTICE_KEY_MAX, "%s", form->name);
	else if (json_i64(args, form->variant, &number))
		length = snprintf(key, NOTICE_KEY_MAX, "%s.%lld", form->name, (long long)number);
	else if (json_text(args, form->variant))
		length = snprintf(key, NOTICE_KEY_MAX, "%s.%s", form->name, json_text(args, form->variant));
	else
		length = snprintf(key, NOTICE_KEY_MAX, "%s", form->name);
	return length > 0 && length < NOTICE_KEY_MAX;
}

/* Whether the button is to be in this keyboard. */
static bool is_there(const struct notice_button *button, json *args)
{
	int64_t most;
	if (!button->when || !json_at(args, button->when))
		return !button->when;
	return !button->fixed || !json_i64(args, button->when, &most) || button->fixed <= most;
}

/* A button with its label rendered from `args`; word and number go into callback_data. */
static json *new_button(const struct texts *texts, const char *lang, const struct notice_button *from, json *args,
	const char *word, int64_t number)
{
	struct button button = {.verb = from->verb, .number = number};
	const char *url = from->url ? json_text(args, from->url) : NULL;
	struct buf label;
	buf_init(&label, 256);
	if (!text_add(texts, lang, from->label, args, &label))
		log_error("texts: no %s", from->label);
	json *made = json_new();
	json_set_text(made, "text", buf_text(&label));
	buf_free(&label);
	if (url) {
		json_set_text(made, "url", url);
	} else {
		char data[BUTTON_BYTES];
		snprintf(button.word, sizeof button.word, "%s", word ? word : "");
		button_write(&button, data);
		json_set_text(made, "callback_data", data);
	}
	return made;
}

/* The number of a button, from its own argument, the form's, or fixed. False when the argument is missing. */
static bool number_of(const struct notice_form *form, const struct notice_button *button, json *args, int64_t *number)
{
	const char *name = button->number ? button->number : form->number;
	*number = button->fixed;
	return button->fixed || !name || (json_i64(args, name, number) && *number > 0);
}

/* A row for each object of a list; one without a word for its button is left out. */
static void push_list(const struct texts *texts, const char *lang, const struct notice_button *from, json *args,
	int64_t number, json *rows, enum notice_end *end)
{
	json *list = json_at(args, from->list);
	if (!json_object_is_type(list, json_type_array))
		*end = NOTICE_STRANGE;
	for (size_t i = 0; i < json_count(list, "") && i < NOTICE_BUTTONS_MAX; i++) {
		json *item = json_object_array_get_idx(list, i);
		const char *word = json_text(item, "word");
		int64_t own = number;
		if (from->only && !str_equal(from->only, json_text(item, "kind")))
			continue;
		if (from->number)
			(void)json_i64(item, from->number, &own);
		if (word && button_is_word(word) && (!from->number || own > 0)) {
			json *row = json_new_array();
			json_push(row, new_button(texts, lang, from, item, word, own));
			json_push(rows, row);
		} else {
			*end = NOTICE_STRANGE;
		}
	}
}

/* Adds one button to the row under way (made when null); hands the row over to rows when it ends. */
static json *push_button(const struct notice_form *form, const struct texts *texts, const char *lang, json *args,
	const struct notice_button *from, json *row, enum notice_end *end)
{
	const char *dot = strrchr(from->label, '.');
	const char *word = dot ? dot + 1 : NULL;
	int64_t number;
	if (!number_of(form, from, args, &number) || (from->url && !json_text(args, from->url))) {
		*end = NOTICE_STRANGE;
		return row;
	}
	json *own = from->fixed ? json_new() : NULL;
	if (own)
		json_set_i64(own, "n", from->fixed);
	if (!row)
		row = json_new_array();
	json_push(row, new_button(texts, lang, from, own ? own : args, word, number));
	json_drop(own);
	return row;
}

static json *new_keyboard(const struct notice_form *form, const struct texts *texts, const char *lang, json *args,
	enum notice_end *end)
{
	json *rows = json_new_array(), *row = NULL;
	enum notice_end buttons = NOTICE_OK;
	for (size_t i = 0; i < NOTICE_BUTTONS_MAX && form->buttons[i].label; i++) {
		const struct notice_button *from = &form->buttons[i];
		bool there = is_there(from, args);
		int64_t number = 0;
		if (there && from->list && (number_of(form, from, args, &number) || from->number))
			push_list(texts, lang, from, args, number, rows, &buttons);
		else if (there && from->list)
			buttons = NOTICE_STRANGE;
		else if (there)
			row = push_button(form, texts, lang, args, from, row, &buttons);
		if (from->ends_row && row) {
			json_push(rows, row);
			row = NULL;
		}
	}
	must(!row);
	json *keyboard = NULL;
	if (buttons != NOTICE_OK)
		*end = NOTICE_STRANGE;
	if (json_object_array_length(rows) && buttons == NOTICE_OK) {
		keyboard = json_new();
		json_set(keyboard, "inline_keyboard", rows);
	} else {
		json_drop(rows);
	}
	return keyboard;
}

enum notice_end notice_render(const struct texts *texts, const char *lang, json *notice, struct arena *arena,
	struct reply *reply)
{
	enum notice_end end = NOTICE_OK;
	const char *name = json_text(notice, "notice");
	json *args = json_at(notice, "args");
	const struct notice_form *form = form_of(name);
	char key[NOTICE_KEY_MAX];
	*reply = (struct reply){.text = arena_str(arena, name ? name : "?")};
	if (!form || !write_key(form, args, key))
		return NOTICE_STRANGE;
	struct buf text;
	buf_init(&text, REPLY_TEXT_MAX);
	if (!text_add(texts, lang, key, args, &text) || text.full)
		end = NOTICE_STRANGE;
	reply->text = arena_text(arena, buf_text(&text), text.length);
	buf_free(&text);
	reply->keyboard = new_keyboard(form, texts, lang, args, &end);
	return end;
}
