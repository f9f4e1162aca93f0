/* The table of notices: their variants and keyboards; the words are in etc/texts. */
#include "data/notice.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "data/button.h"

#define NOTICE_KEY_MAX 64
#define NOTICE_BUTTONS_MAX 12

struct notice_button {
	enum button_verb verb;
	const char *label;      /* key of the text; the word of BUTTON_MODE is what follows "button." */
	bool ends_row;
};

struct notice_form {
	const char *name;
	const char *variant;    /* argument whose value is appended to the key: "job_status.50" */
	const char *number;     /* argument that numbers the buttons */
	struct notice_button buttons[NOTICE_BUTTONS_MAX];
};

#define END {0, NULL, false}
#define CANCEL_ROW {BUTTON_CANCEL, "button.cancel", true}
#define MENU_ROWS \
	{BUTTON_MODE, "button.generate", false}, {BUTTON_MODE, "button.edit", true}, \
	{BUTTON_MODE, "button.merge", true}, \
	{BUTTON_MODE, "button.face_swap", false}, {BUTTON_MODE, "button.retouch", true}, \
	{BUTTON_MODE, "button.upscale", false}, {BUTTON_MODE, "button.add_text", true}, \
	{BUTTON_MODE, "button.video", true}, \
	{BUTTON_PAY, "button.pay", true}

static const struct notice_form forms[] = {
	{"welcome", NULL, NULL, {MENU_ROWS, END}},
	{"menu", NULL, NULL, {MENU_ROWS, END}},
	{"help", NULL, NULL, {{BUTTON_MENU, "button.menu", true}, END}},
	{"balance", NULL, NULL, {{BUTTON_PAY, "button.topup", true}, {BUTTON_MENU, "button.menu", true}, END}},
	{"pay_soon", NULL, NULL, {{BUTTON_MENU, "button.menu", true}, END}},
	{"mode_soon", NULL, NULL, {{BUTTON_MODE, "button.generate", false}, {BUTTON_MENU, "button.menu", true}, END}},
	{"media_soon", NULL, NULL, {{BUTTON_MODE, "button.generate", false}, {BUTTON_MENU, "button.menu", true}, END}},
	{"video_large", NULL, NULL, {{BUTTON_MENU, "button.menu", true}, END}},
	{"ask_prompt", NULL, NULL, {CANCEL_ROW, END}},
	{"prompt_long", NULL, NULL, {CANCEL_ROW, END}},
	{"dialog_cancelled", NULL, NULL, {{BUTTON_MENU, "button.menu", true}, END}},
	{"unknown_command", NULL, NULL, {{BUTTON_MENU, "button.menu", true}, END}},
	{"limit_rate", NULL, NULL, {END}},
	{"limit_jobs", NULL, NULL, {END}},
	{"banned", NULL, NULL, {END}},
	{"confirm", NULL, "quote", {{BUTTON_GO, "button.go", false}, {BUTTON_NO, "button.no", true}, END}},
	{"cancelled", NULL, NULL, {END}},
	{"quote_changed", NULL, NULL, {{BUTTON_MODE, "button.generate", false}, {BUTTON_MENU, "button.menu", true}, END}},
	{"short", NULL, NULL, {{BUTTON_PAY, "button.topup", true}, END}},
	{"job_status", "progress", NULL, {END}},
	{"job_finding", NULL, NULL, {END}},
	{"job_done", NULL, NULL, {END}},
	{"job_failed", "reason", "job", {{BUTTON_AGAIN, "button.again", false}, {BUTTON_MENU, "button.menu", true}, END}},
	{"result", NULL, "job", {{BUTTON_AGAIN, "button.again", false}, {BUTTON_UPSCALE, "button.upscale", true},
		{BUTTON_CHANGE, "button.change", false}, {BUTTON_ORIGINAL, "button.original", true}, END}},
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

static json *new_button(const struct texts *texts, const char *lang, const struct notice_button *from, int64_t number)
{
	struct button button = {.verb = from->verb, .number = number};
	char data[BUTTON_BYTES];
	const char *dot = strchr(from->label, '.');
	if (from->verb == BUTTON_MODE)
		snprintf(button.word, sizeof button.word, "%s", dot ? dot + 1 : "");
	button_write(&button, data);
	struct buf label;
	buf_init(&label, 256);
	if (!text_add(texts, lang, from->label, NULL, &label))
		log_error("texts: no %s", from->label);
	json *made = json_new();
	json_set_text(made, "text", buf_text(&label));
	json_set_text(made, "callback_data", data);
	buf_free(&label);
	return made;
}

static json *new_keyboard(const struct notice_form *form, const struct texts *texts, const char *lang, json *args,
	enum notice_end *end)
{
	int64_t number = 0;
	if (form->number && (!json_i64(args, form->number, &number) || number <= 0)) {
		*end = NOTICE_STRANGE;
		return NULL;
	}
	json *rows = json_new_array(), *row = NULL;
	for (size_t i = 0; i < NOTICE_BUTTONS_MAX && form->buttons[i].label; i++) {
		if (!row)
			row = json_new_array();
		json_push(row, new_button(texts, lang, &form->buttons[i], number));
		if (form->buttons[i].ends_row) {
			json_push(rows, row);
			row = NULL;
		}
	}
	must(!row);
	json *keyboard = NULL;
	if (json_object_array_length(rows)) {
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
