/* Telegram's Bot API: messages, results and the webhook. Rules: core.telegram.org/bots/api. */
#include "provider/provider.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "data/notice.h"
#include "provider/markup.h"

#define SEND_MS 30000
#define UPLOAD_MS 120000
#define FILE_NAME_MAX 64
#define PHOTO_BYTES_MAX (10 << 20)      /* of sendPhoto */
#define UPLOAD_BYTES_MAX (50 << 20)     /* of everything else */
#define PHOTO_SIDES_MAX 10000           /* width and height together */
#define PHOTO_RATIO_MAX 20
#define WAIT_ELSE_S 1                   /* for a 429 that names no time */

/* A photo that Telegram cannot take as one goes as a file: the note of the task remembers. */
#define NOTE_AS_FILE "as_file"
#define NOTE_STRANGE "strange"

#define KIND(kind) (1u << (kind))
#define SENDS (KIND(TASK_SAY) | KIND(TASK_PHOTO) | KIND(TASK_DOCUMENT) | KIND(TASK_RESEND) | KIND(TASK_COPY))
#define ANY (SENDS | KIND(TASK_EDIT) | KIND(TASK_WEBHOOK))

struct row {
	unsigned kinds;
	int code;                       /* 0: any */
	const char *phrase;             /* within the description, of any case; null: any */
	enum report_outcome outcome;
	enum report_class class;
};

/* What an answer that is not ok means: the first row that fits. Texts: tdlib/telegram-bot-api Client.cpp. */
static const struct row rows[] = {
	{KIND(TASK_EDIT), 400, "message is not modified", REPORT_DONE, CLASS_NONE},
	{KIND(TASK_EDIT), 400, "message to edit not found", REPORT_REFUSED, CLASS_GONE},
	{KIND(TASK_EDIT), 400, "message can't be edited", REPORT_REFUSED, CLASS_GONE},
	{KIND(TASK_EDIT), 400, "MESSAGE_ID_INVALID", REPORT_REFUSED, CLASS_GONE},
	{KIND(TASK_EDIT), 400, "there is no text in the message", REPORT_REFUSED, CLASS_GONE},
	{ANY, 400, "can't parse entities", REPORT_REFUSED, CLASS_MARKUP},
	{ANY, 400, "chat not found", REPORT_REFUSED, CLASS_UNREACHABLE},
	{ANY, 400, "PEER_ID_INVALID", REPORT_REFUSED, CLASS_UNREACHABLE},
	{ANY, 400, "deactivated", REPORT_REFUSED, CLASS_UNREACHABLE},
	{ANY, 400, "group chat was upgraded", REPORT_REFUSED, CLASS_UNREACHABLE},
	{ANY, 400, "not enough rights", REPORT_REFUSED, CLASS_UNREACHABLE},
	{ANY, 400, "CHAT_WRITE_FORBIDDEN", REPORT_REFUSED, CLASS_UNREACHABLE},
	{ANY, 400, "temporarily unavailable", REPORT_FAILED, CLASS_BUSY},
	{ANY, 403, NULL, REPORT_REFUSED, CLASS_UNREACHABLE},
	{ANY, 401, NULL, REPORT_FAILED, CLASS_FUNDS},
	{ANY, 404, NULL, REPORT_FAILED, CLASS_FUNDS},
	{ANY, 409, NULL, REPORT_FAILED, CLASS_BUSY},
	{ANY, 429, NULL, REPORT_LATER, CLASS_RATE},
};

/* Refusals of a photo that do not stand in the way of sending it as a file. */
static const char *const photo_refusals[] = {
	"PHOTO_INVALID_DIMENSIONS", "IMAGE_PROCESS_FAILED", "PHOTO_SAVE_FILE_INVALID",
	"PHOTO_EXT_INVALID", "PHOTO_INVALID", "Request Entity Too Large", "file is too big",
};

static void call_begin(struct call *call, const struct provider_setting *setting,
	struct arena *arena, const char *method)
{
	*call = (struct call){
		.verb = "POST",
		.url = arena_fmt(arena, "%s/bot%s/%s", conf_text(setting->conf, "TELEGRAM_API_URL"),
			conf_text(setting->conf, "BOT_TOKEN"), method),
		.name = arena_fmt(arena, "telegram %s", method),
		.total_ms = SEND_MS,
	};
}

/* Takes body over. */
static enum provider_next call_json(struct call *call, json *body, struct arena *arena)
{
	call->headers[0] = "Content-Type: application/json";
	call->body = arena_str(arena, json_write(body));
	call->body_length = strlen(call->body);
	json_drop(body);
	return PROVIDER_CALL;
}

/* --- words ------------------------------------------------------------------------------------ */

struct words {
	const char *text;
	bool html;
	json *keyboard;         /* or null; owned */
};

static struct words words_make(struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena)
{
	const struct task *task = work->task;
	struct reply reply = {0};
	struct words words = {.html = !json_true(task->memo, "plain")};

	if (notice_render(setting->texts, task->lang, task->payload, arena, &reply) != NOTICE_OK)
		json_set_bool(work->note, NOTE_STRANGE, true);
	words.text = words.html ? reply.text : markup_strip(reply.text, arena);
	words.keyboard = reply.keyboard;
	return words;
}

static enum provider_next say(struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, struct call *call)
{
	bool edit = work->task->kind == TASK_EDIT;
	struct words words = words_make(work, setting, arena);
	json *body = json_new();
	json *preview = json_new();

	json_set_i64(body, "chat_id", work->task->chat_id);
	if (edit)
		json_set_i64(body, "message_id", work->task->message_id);
	json_set_text(body, "text", words.text);
	if (words.html)
		json_set_text(body, "parse_mode", "HTML");
	json_set_bool(preview, "is_disabled", true);
	json_set(body, "link_preview_options", preview);
	if (words.keyboard != NULL)
		json_set(body, "reply_markup", words.keyboard);
	call_begin(call, setting, arena, edit ? "editMessageText" : "sendMessage");
	return call_json(call, body, arena);
}

/* Whatever the message holds, with its formatting and its files; an answer is the new message's id alone. */
static enum provider_next copy(struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	int64_t from = 0, message = 0;
	json *body;

	if (!json_i64(work->task->payload, "from", &from) || !json_i64(work->task->payload, "message", &message))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "nothing to copy");
	body = json_new();
	json_set_i64(body, "chat_id", work->task->chat_id);
	json_set_i64(body, "from_chat_id", from);
	json_set_i64(body, "message_id", message);
	call_begin(call, setting, arena, "copyMessage");
	return call_json(call, body, arena);
}

/* --- results ---------------------------------------------------------------------------------- */

enum form { FORM_PHOTO, FORM_VIDEO, FORM_DOCUMENT, FORM_COUNT };
struct form_words { const char *method; const char *field; };
static const struct form_words forms[] = {
	[FORM_PHOTO] = {"sendPhoto", "photo"},
	[FORM_VIDEO] = {"sendVideo", "video"},
	[FORM_DOCUMENT] = {"sendDocument", "document"},
};

/* Sides that are told, and whose product is a number. */
static bool sides_read(json *file, int64_t *width, int64_t *height)
{
	return json_i64(file, "width", width) && json_i64(file, "height", height) && *width > 0
		&& *width <= INT32_MAX && *height > 0 && *height <= INT32_MAX;
}

static bool fits_photo(json *file, const char *type)
{
	int64_t bytes = 0, width = 0, height = 0;
	bool known = sides_read(file, &width, &height);

	if (!str_equal(type, "image/png") && !str_equal(type, "image/jpeg")
		&& !str_equal(type, "image/webp"))
		return false;
	if (json_i64(file, "bytes", &bytes) && bytes > PHOTO_BYTES_MAX)
		return false;
	return !known || (width + height <= PHOTO_SIDES_MAX && width <= height * PHOTO_RATIO_MAX
		&& height <= width * PHOTO_RATIO_MAX);
}

static enum form form_of(const struct provider_work *work, json *file, const char *type)
{
	if (json_true(work->note, NOTE_AS_FILE))
		return FORM_DOCUMENT;
	if (str_equal(type, "video/mp4"))
		return FORM_VIDEO;
	return fits_photo(file, type) ? FORM_PHOTO : FORM_DOCUMENT;
}

/* Relative to the spool and not out of it. */
static bool path_is_ours(const char *path)
{
	return path != NULL && *path != '\0' && *path != '/' && strstr(path, "..") == NULL;
}

static void part_add(struct call *call, struct call_part part)
{
	must(call->part_count < CALL_PARTS_MAX);
	call->parts[call->part_count++] = part;
}

/* An upload to the task's chat with its notice as the caption; the file is the caller's. */
static void upload_begin(struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, const char *method, struct call *call)
{
	struct words words = words_make(work, setting, arena);

	call_begin(call, setting, arena, method);
	call->total_ms = UPLOAD_MS;
	call->fresh = true;
	part_add(call, (struct call_part){.name = "chat_id",
		.value = arena_fmt(arena, "%" PRId64, work->task->chat_id)});
	part_add(call, (struct call_part){.name = "caption", .value = words.text});
	if (words.html)
		part_add(call, (struct call_part){.name = "parse_mode", .value = "HTML"});
	if (words.keyboard != NULL)
		part_add(call, (struct call_part){.name = "reply_markup",
			.value = arena_str(arena, json_write(words.keyboard))});
	json_drop(words.keyboard);
}

static enum provider_next photo(struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	const struct task *task = work->task;
	json *file = json_at(task->payload, "files.0");
	const char *path = json_text(file, "path");
	const char *type = json_text(file, "type");
	int64_t bytes = 0;

	if (!path_is_ours(path))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no file to send");
	if (json_i64(file, "bytes", &bytes) && bytes > UPLOAD_BYTES_MAX)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0,
			"%" PRId64 " bytes are more than Telegram takes", bytes);
	const struct form_words *form = &forms[form_of(work, file, type)];
	const char *ending = strrchr(path, '.');

	upload_begin(work, setting, arena, form->method, call);
	part_add(call, (struct call_part){
		.name = form->field,
		.path = arena_fmt(arena, "%s/%s", setting->spool, path),
		.file_name = arena_fmt(arena, "atelier-%" PRId64 "%s", task->job_id,
			ending == NULL ? "" : ending),
		.type = type == NULL ? "application/octet-stream" : arena_str(arena, type),
	});
	return PROVIDER_CALL;
}

/* A result once more, by the id that Telegram knows it by; or its original from the spool, as a file. */
static enum provider_next resend(struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	json *payload = work->task->payload;
	const char *id = json_text(payload, "file_id"), *path = json_text(payload, "file.path");
	const char *wanted = json_text(payload, "form");
	size_t form = 0;

	while (form < FORM_COUNT && !str_equal(forms[form].field, wanted))
		form++;
	if (form == FORM_COUNT || (id == NULL && !path_is_ours(path)))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "nothing to send");
	upload_begin(work, setting, arena, forms[form].method, call);
	if (id != NULL) {
		part_add(call, (struct call_part){.name = forms[form].field, .value = arena_str(arena, id)});
		return PROVIDER_CALL;
	}
	const char *ending = strrchr(path, '.');

	part_add(call, (struct call_part){
		.name = forms[form].field, .path = arena_fmt(arena, "%s/%s", setting->spool, path),
		.file_name = arena_fmt(arena, "atelier-%" PRId64 "%s", work->task->job_id, ending == NULL ? "" : ending),
		.type = "application/octet-stream",
	});
	/* Else Telegram would show it as a picture. */
	part_add(call, (struct call_part){.name = "disable_content_type_detection", .value = "true"});
	return PROVIDER_CALL;
}

/* Goes into a header: nothing that could end a line or a quotation there. */
static bool is_file_name(const char *name)
{
	size_t length = name == NULL ? 0 : strlen(name);

	return length > 0 && length <= FILE_NAME_MAX && *name != '.' && strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == length;
}

/* A file that stands in the payload itself. Telegram refuses an empty one. */
static enum provider_next document(struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	const char *name = json_text(work->task->payload, "file_name");
	const char *text = json_text_clean(work->task->payload, "text", arena);

	if (!is_file_name(name) || text == NULL || *text == '\0')
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no file to send");
	upload_begin(work, setting, arena, "sendDocument", call);
	part_add(call, (struct call_part){
		.name = "document", .value = text, .file_name = arena_str(arena, name),
		.type = "text/plain; charset=utf-8",
	});
	return PROVIDER_CALL;
}

/* --- the webhook ------------------------------------------------------------------------------ */

/* Commands in both languages, and for every other language. */
static const char *const command_languages[] = {"ru", "en", ""};
static const char *const commands[] = {
	"start", "balance", "pay", "history", "jobs", "statement", "stats", "language", "terms", "support", "mydata",
	"deleteme", "cancel", "help",
};
static const char *const updates[] = {
	"message", "edited_message", "callback_query", "my_chat_member", "pre_checkout_query",
};
#define COUNT(array) (sizeof (array) / sizeof (array)[0])

/* How we want it, but for the secret. */
static json *webhook_wanted(const struct provider_setting *setting, struct arena *arena)
{
	json *wanted = json_new();
	json *kinds = json_new_array();

	for (size_t i = 0; i < COUNT(updates); i++)
		json_push(kinds, json_object_new_string(updates[i]));
	json_set_text(wanted, "url",
		arena_fmt(arena, "%s/telegram", conf_text(setting->conf, "WEBHOOK_BASE_URL")));
	json_set_i64(wanted, "max_connections", conf_int(setting->conf, "WEBHOOK_MAX_CONNECTIONS"));
	json_set(wanted, "allowed_updates", kinds);
	return wanted;
}

static enum provider_next webhook_set(const struct provider_setting *setting, struct arena *arena,
	struct call *call)
{
	json *body = webhook_wanted(setting, arena);

	json_set_text(body, "secret_token", conf_text(setting->conf, "TELEGRAM_SECRET_TOKEN"));
	call_begin(call, setting, arena, "setWebhook");
	return call_json(call, body, arena);
}

static enum provider_next commands_set(const struct provider_setting *setting, const char *language,
	struct arena *arena, struct call *call)
{
	json *body = json_new();
	json *list = json_new_array();

	for (size_t i = 0; i < COUNT(commands); i++) {
		json *command = json_new();
		struct buf words;

		buf_init(&words, REPLY_TEXT_MAX);
		(void)text_add(setting->texts, *language == '\0' ? "ru" : language,
			arena_fmt(arena, "command.%s", commands[i]), NULL, &words);
		json_set_text(command, "command", commands[i]);
		json_set_text(command, "description", buf_text(&words));
		json_push(list, command);
		buf_free(&words);
	}
	json_set(body, "commands", list);
	if (*language != '\0')
		json_set_text(body, "language_code", language);
	call_begin(call, setting, arena, "setMyCommands");
	return call_json(call, body, arena);
}

static enum provider_next webhook(struct provider_work *work,
	const struct provider_setting *setting, struct arena *arena, struct call *call,
	struct report *report)
{
	const char *what = json_text(work->task->payload, "do");

	if (str_equal(what, "set"))
		return webhook_set(setting, arena, call);
	if (!str_equal(what, "info") && !str_equal(what, "delete"))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no such thing to do");
	call_begin(call, setting, arena, str_equal(what, "info") ? "getWebhookInfo" : "deleteWebhook");
	return call_json(call, json_new(), arena);
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool row_fits(const struct row *row, enum task_kind kind, int64_t code, const char *text)
{
	return (row->kinds & KIND(kind)) != 0 && (row->code == 0 || row->code == code)
		&& (row->phrase == NULL || strcasestr(text, row->phrase) != NULL);
}

static enum provider_next refused(const struct task *task, const struct answer *answer, json *body,
	struct report *report)
{
	const char *text = json_text(body, "description");
	int64_t code = answer->status, retry_after = 0;
	int64_t wait_ms = 0;

	if (text == NULL)
		text = "";
	(void)json_i64(body, "error_code", &code);
	if (code == 429)
		wait_ms = json_i64(body, "parameters.retry_after", &retry_after) && retry_after >= 0
			&& retry_after < INT32_MAX / 1000 ? retry_after * 1000
			: provider_wait_ms(answer, WAIT_ELSE_S);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!row_fits(&rows[i], task->kind, code, text))
			continue;
		if (rows[i].outcome == REPORT_DONE) {
			report->result = json_new();
			json_set_i64(report->result, "message_id", task->message_id);
		}
		return provider_end(report, rows[i].outcome, rows[i].class, wait_ms, "%s%" PRId64 " %s",
			rows[i].class == CLASS_FUNDS ? "TELEGRAM REFUSES THE BOT'S TOKEN: " : "", code, text);
	}
	if (code >= 500)
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%" PRId64 " %s", code, text);
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "%" PRId64 " %s", code, text);
}

static bool photo_refused(const struct answer *answer, json *body)
{
	const char *text = json_text(body, "description");

	if (answer->status == 413)
		return true;
	for (size_t i = 0; text != NULL && i < COUNT(photo_refusals); i++)
		if (strcasestr(text, photo_refusals[i]) != NULL)
			return true;
	return false;
}

/* The sizes of a photo are in no certain order: the largest one is the file. */
static json *largest(json *sizes)
{
	json *best = NULL;
	int64_t most = -1;

	for (size_t i = 0; i < json_count(sizes, ""); i++) {
		json *size = json_object_array_get_idx(sizes, i);
		int64_t width = 0, height = 0;

		if (sides_read(size, &width, &height) && width * height > most) {
			most = width * height;
			best = size;
		}
	}
	return best;
}

static enum provider_next message_sent(const struct provider_work *work, json *message,
	struct report *report)
{
	int64_t message_id = work->task->message_id;
	json *file = json_at(message, "photo") != NULL ? largest(json_at(message, "photo"))
		: json_at(message, "video") != NULL ? json_at(message, "video")
		: json_at(message, "document");

	(void)json_i64(message, "message_id", &message_id);
	report->result = json_new();
	json_set_i64(report->result, "message_id", message_id);
	if (work->task->kind == TASK_PHOTO || work->task->kind == TASK_RESEND) {
		json_set_text(report->result, "form", json_at(message, "photo") != NULL ? "photo"
			: json_at(message, "video") != NULL ? "video" : "document");
		json_set_text(report->result, "file_id", json_text(file, "file_id"));
		json_set_text(report->result, "file_unique_id", json_text(file, "file_unique_id"));
	}
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%s",
		json_true(work->note, NOTE_STRANGE) ? "THE NOTICE IS UNKNOWN OR LACKS AN ARGUMENT" : "");
}

static enum provider_next webhook_answered(const struct provider_work *work, json *body,
	const struct provider_setting *setting, struct arena *arena, struct call *call,
	struct report *report)
{
	const char *what = json_text(work->task->payload, "do");
	size_t done = (size_t)work->step - 1;       /* setMyCommands calls so far */

	if (str_equal(what, "set") && done < COUNT(command_languages))
		return commands_set(setting, command_languages[done], arena, call);
	if (str_equal(what, "info") && json_object_is_type(json_at(body, "result"), json_type_object)) {
		report->result = json_copy(json_at(body, "result"));
		json_set(report->result, "wanted", webhook_wanted(setting, arena));
	}
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%s", "");
}

/* No answer that says anything. */
static enum provider_next unanswered(const struct task *task, const struct answer *answer,
	struct report *report)
{
	bool repeatable = task->kind == TASK_EDIT || task->kind == TASK_WEBHOOK;

	switch (answer->end) {
	case ANSWER_UNKNOWN:
		return provider_end(report, repeatable ? REPORT_FAILED : REPORT_UNKNOWN, CLASS_BUSY, 0,
			"%s", answer->text);
	case ANSWER_REFUSED:
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "%s", answer->text);
	case ANSWER_NOT_SENT:
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%s", answer->text);
	case ANSWER_CAME:
		break;
	}
	/* It said yes and we cannot read to what: the message may be there. */
	if (answer->status >= 200 && answer->status < 300 && !repeatable)
		return provider_end(report, REPORT_UNKNOWN, CLASS_BUSY, 0, "%ld and no JSON", answer->status);
	return provider_end(report, answer->status == 413 ? REPORT_REFUSED : REPORT_FAILED,
		answer->status == 413 ? CLASS_OURS : CLASS_BUSY, 0, "%ld and no JSON", answer->status);
}

static enum provider_next answered(struct provider_work *work, const struct answer *answer,
	json *body, const struct provider_setting *setting, struct arena *arena,
	struct call *call, struct report *report)
{
	const struct task *task = work->task;

	if (json_true(body, "ok"))
		return task->kind == TASK_WEBHOOK
			? webhook_answered(work, body, setting, arena, call, report)
			: message_sent(work, json_at(body, "result"), report);
	if (task->kind == TASK_PHOTO && !json_true(work->note, NOTE_AS_FILE)
		&& photo_refused(answer, body)) {
		json_set_bool(work->note, NOTE_AS_FILE, true);
		return photo(work, setting, arena, call, report);
	}
	return json_at(body, "ok") == NULL ? unanswered(task, answer, report)
		: refused(task, answer, body, report);
}

static enum provider_next next(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena,
	struct call *call, struct report *report)
{
	const struct task *task = work->task;

	if (answer != NULL) {
		json *body = answer->end == ANSWER_CAME
			? json_read(answer->body, answer->body_length) : NULL;
		enum provider_next then = body == NULL && answer->status != 413
			? unanswered(task, answer, report)
			: answered(work, answer, body, setting, arena, call, report);

		json_drop(body);
		return then;
	}
	if (task->kind == TASK_WEBHOOK)
		return webhook(work, setting, arena, call, report);
	if (task->chat_id == 0)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no chat");
	if (task->kind == TASK_PHOTO)
		return photo(work, setting, arena, call, report);
	if (task->kind == TASK_COPY)
		return copy(work, setting, arena, call, report);
	if (task->kind == TASK_RESEND)
		return resend(work, setting, arena, call, report);
	if (task->kind == TASK_DOCUMENT)
		return document(work, setting, arena, call, report);
	if (task->kind == TASK_EDIT && task->message_id == 0)
		return provider_end(report, REPORT_REFUSED, CLASS_GONE, 0, "no message to edit");
	if (task->kind == TASK_SAY || task->kind == TASK_EDIT)
		return say(work, setting, arena, call);
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "not a task for Telegram");
}

const struct provider provider_telegram = {.name = "telegram", .next = next};
