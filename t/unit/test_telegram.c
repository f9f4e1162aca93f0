/* The Telegram adapter: what it asks for, and what it makes of every answer. */
#include "provider/provider.h"

#include "tap.h"

#include "data/notice.h"
#include "data/settings.h"
#include "provider/markup.h"

#define TOKEN "7000000001:AAsecret-token"

static struct provider_setting setting;
static struct arena *arena;

static const char settings[] =
	"BOT_TOKEN=" TOKEN "\n"
	"TELEGRAM_SECRET_TOKEN=hook-secret-0123456789\n"
	"WEBHOOK_BASE_URL=https://bot.example\n"
	"SPOOL_DIR=/spool\n";

static json *read_json(const char *text)
{
	json *value = json_read(text, strlen(text));

	must(value != NULL);
	return value;
}

struct play {
	struct task task;
	struct provider_work work;
	struct call call;
	struct report report;
	enum provider_next then;
};

static void play_begin(struct play *play, enum task_kind kind, const char *payload, const char *memo)
{
	*play = (struct play){.task = {
		.id = 1, .fence = 1, .kind = kind, .chat_id = 77,
			.message_id = kind == TASK_EDIT ? 5 : 0, .job_id = 9,
		.attempts = 1, .lang = "ru", .payload = read_json(payload), .memo = read_json(memo),
	}};
	play->work.task = &play->task;
	play->work.note = json_new();
}

static void play_step(struct play *play, const struct answer *answer)
{
	play->then = provider_telegram.next(&play->work, answer, &setting, arena, &play->call, &play->report);
	play->work.step++;
}

static void play_answer(struct play *play, long status, const char *body)
{
	struct answer answer = {
		.end = ANSWER_CAME, .status = status, .body = body, .body_length = strlen(body),
			.retry_after_s = -1,
	};

	play_step(play, &answer);
}

static void play_end(struct play *play)
{
	task_drop(&play->task);
	json_drop(play->work.note);
	report_drop(&play->report);
	arena_reset(arena);
}

static const char say[] = "{\"notice\":\"job_status\",\"args\":{\"job\":9,\"progress\":0}}";
static const char prompt[] = "{\"notice\":\"confirm\",\"args\":{\"quote\":3,\"mode\":\"generate\",\"models\":1,"
	"\"formats\":1,\"prompt\":\"a <b> & c\",\"model\":\"M\","
	"\"price\":{\"n\":1,\"unit\":\"free\"},\"have\":{\"n\":4,\"unit\":\"free\"}}}";

static void test_words(void)
{
	struct play play;

	play_begin(&play, TASK_SAY, prompt, "{}");
	play_step(&play, NULL);
	is_i64(play.then, PROVIDER_CALL, "say: a call");
	is_str(play.call.url, "https://api.telegram.org/bot" TOKEN "/sendMessage", "say: where");
	is_str(play.call.name, "telegram sendMessage", "say: what the log calls it");
	json *body = read_json(play.call.body);
	int64_t chat = 0;

	ok(json_i64(body, "chat_id", &chat) && chat == 77, "say: to whom");
	is_str(json_text(body, "parse_mode"), "HTML", "say: as HTML");
	ok(strstr(json_text(body, "text"), "a &lt;b&gt; &amp; c") != NULL, "say: the person's words are escaped");
	ok(json_true(body, "link_preview_options.is_disabled"), "say: no previews");
	is_i64((int64_t)json_count(body, "reply_markup.inline_keyboard.1"), 2, "say: keyboard");
	json_drop(body);
	play_end(&play);

	play_begin(&play, TASK_SAY, prompt, "{\"plain\":true}");
	play_step(&play, NULL);
	body = read_json(play.call.body);
	is_str(json_text(body, "parse_mode"), NULL, "plain: no markup");
	ok(strstr(json_text(body, "text"), "a <b> & c") != NULL, "plain: the words as they were");
	ok(strstr(json_text(body, "text"), "blockquote") == NULL, "plain: no tags");
	json_drop(body);
	play_end(&play);

	play_begin(&play, TASK_EDIT, say, "{}");
	play_step(&play, NULL);
	body = read_json(play.call.body);
	ok(strstr(play.call.url, "/editMessageText") != NULL, "edit: where");
	ok(json_i64(body, "message_id", &chat) && chat == 5, "edit: which");
	json_drop(body);
	play.task.message_id = 0;
	play_step(&play, NULL);
	ok(play.then == PROVIDER_END && play.report.class == CLASS_GONE, "edit: without a message");
	play_end(&play);

	play_begin(&play, TASK_SAY, "{\"notice\":\"no_such_notice\"}", "{}");
	play_step(&play, NULL);
	is_i64(play.then, PROVIDER_CALL, "an unknown notice is said all the same");
	play_answer(&play, 200, "{\"ok\":true,\"result\":{\"message_id\":6}}");
	ok(strstr(play.report.text, "NOTICE") != NULL, "and told to the operator");
	play_end(&play);
}

struct row {
	enum task_kind kind;
	long status;
	const char *body;
	enum report_outcome outcome;
	enum report_class class;
	int32_t retry_ms;
};

#define ERROR(code, text) "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" text "\"}"

static const struct row rows[] = {
	{TASK_SAY, 200, "{\"ok\":true,\"result\":{\"message_id\":6}}", REPORT_DONE, CLASS_NONE, 0},
	{TASK_EDIT, 200, "{\"ok\":true,\"result\":{\"message_id\":5}}", REPORT_DONE, CLASS_NONE, 0},
	{TASK_EDIT, 400, ERROR(400, "Bad Request: message is not modified: specified new message content"),
		REPORT_DONE, CLASS_NONE, 0},
	{TASK_EDIT, 400, ERROR(400, "Bad Request: message to edit not found"), REPORT_REFUSED, CLASS_GONE, 0},
	{TASK_EDIT, 400, ERROR(400, "Bad Request: message can't be edited"), REPORT_REFUSED, CLASS_GONE, 0},
	{TASK_EDIT, 400, ERROR(400, "Bad Request: MESSAGE_ID_INVALID"), REPORT_REFUSED, CLASS_GONE, 0},
	{TASK_SAY, 400, ERROR(400, "Bad Request: can't parse entities: Unsupported start tag"),
		REPORT_REFUSED, CLASS_MARKUP, 0},
	{TASK_SAY, 400, ERROR(400, "Bad Request: message is too long"), REPORT_REFUSED, CLASS_OURS, 0},
	{TASK_SAY, 400, ERROR(400, "Bad Request: chat not found"), REPORT_REFUSED, CLASS_UNREACHABLE, 0},
	{TASK_SAY, 400, ERROR(400, "Bad Request: PEER_ID_INVALID"), REPORT_REFUSED, CLASS_UNREACHABLE, 0},
	{TASK_SAY, 403, ERROR(403, "Forbidden: bot was blocked by the user"), REPORT_REFUSED, CLASS_UNREACHABLE, 0},
	{TASK_SAY, 403, ERROR(403, "Forbidden: user is deactivated"), REPORT_REFUSED, CLASS_UNREACHABLE, 0},
	{TASK_EDIT, 403, ERROR(403, "Forbidden: bot can't initiate conversation with a user"),
		REPORT_REFUSED, CLASS_UNREACHABLE, 0},
	{TASK_SAY, 401, ERROR(401, "Unauthorized"), REPORT_FAILED, CLASS_FUNDS, 0},
	{TASK_SAY, 404, ERROR(404, "Not Found"), REPORT_FAILED, CLASS_FUNDS, 0},
	{TASK_SAY, 409, ERROR(409, "Conflict"), REPORT_FAILED, CLASS_BUSY, 0},
	{TASK_SAY, 429, "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 14\","
		"\"parameters\":{\"retry_after\":14}}", REPORT_LATER, CLASS_RATE, 14000},
	{TASK_EDIT, 429, ERROR(429, "Too Many Requests"), REPORT_LATER, CLASS_RATE, 1000},
	{TASK_SAY, 500, ERROR(500, "Internal Server Error"), REPORT_FAILED, CLASS_BUSY, 0},
	{TASK_SAY, 502, "<html>502 Bad Gateway</html>", REPORT_FAILED, CLASS_BUSY, 0},
	/* A yes that cannot be read: repeating it for ever would say the same thirty times. */
	{TASK_SAY, 200, "<html>", REPORT_UNKNOWN, CLASS_BUSY, 0},
	{TASK_SAY, 200, "[]", REPORT_UNKNOWN, CLASS_BUSY, 0},
	{TASK_EDIT, 200, "<html>", REPORT_FAILED, CLASS_BUSY, 0},
	{TASK_SAY, 400, ERROR(400, "Bad Request: something new"), REPORT_REFUSED, CLASS_OURS, 0},
};

static void test_answers(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *row = &rows[i];
		struct play play;

		play_begin(&play, row->kind, say, "{}");
		play_step(&play, NULL);
		play_answer(&play, row->status, row->body);
		ok(play.then == PROVIDER_END && play.report.outcome == row->outcome
			&& play.report.class == row->class
			&& play.report.retry_ms == row->retry_ms, "%s %ld %.60s", task_kind_name(row->kind),
			row->status, row->body);
		if (row->outcome == REPORT_DONE) {
			int64_t message = 0;

			ok(json_i64(play.report.result, "message_id", &message)
				&& message == (row->kind == TASK_EDIT ? 5 : 6), "with the message's id");
		}
		ok(strstr(play.report.text, TOKEN) == NULL, "without the token");
		play_end(&play);
	}
}

static void test_silence(void)
{
	static const struct {
		enum answer_end end;
		enum task_kind kind;
		enum report_outcome outcome;
	} silences[] = {
		{ANSWER_NOT_SENT, TASK_SAY, REPORT_FAILED}, {ANSWER_NOT_SENT, TASK_EDIT, REPORT_FAILED},
		{ANSWER_UNKNOWN, TASK_SAY, REPORT_UNKNOWN}, {ANSWER_UNKNOWN, TASK_PHOTO, REPORT_UNKNOWN},
		{ANSWER_UNKNOWN, TASK_EDIT, REPORT_FAILED}, {ANSWER_REFUSED, TASK_PHOTO, REPORT_REFUSED},
	};

	for (size_t i = 0; i < sizeof silences / sizeof silences[0]; i++) {
		struct answer answer = {.end = silences[i].end, .retry_after_s = -1, .text = "why"};
		struct play play;

		play_begin(&play, silences[i].kind, "{\"notice\":\"result\",\"args\":{\"job\":9},"
			"\"files\":[{\"path\":\"9/1/0.png\",\"type\":\"image/png\"}]}", "{}");
		play_step(&play, NULL);
		play_step(&play, &answer);
		is_i64(play.report.outcome, silences[i].outcome, "%s: silence %d", task_kind_name(silences[i].kind),
			(int)silences[i].end);
		is_str(play.report.text, "why", "says why");
		play_end(&play);
	}
}

static const struct call_part *part(const struct call *call, const char *name)
{
	for (size_t i = 0; i < call->part_count; i++)
		if (strcmp(call->parts[i].name, name) == 0)
			return &call->parts[i];
	return NULL;
}

static void test_photo(void)
{
	static const struct { const char *file; const char *method; } files[] = {
		{"{\"path\":\"9/1/0.png\",\"type\":\"image/png\",\"bytes\":100,\"width\":512,\"height\":512}", "sendPhoto"},
		{"{\"path\":\"9/1/0.webp\",\"type\":\"image/webp\",\"bytes\":100}", "sendPhoto"},
		{"{\"path\":\"9/1/0.png\",\"type\":\"image/png\",\"bytes\":10485761,\"width\":512,\"height\":512}",
			"sendDocument"},
		{"{\"path\":\"9/1/0.png\",\"type\":\"image/png\",\"bytes\":100,\"width\":9000,\"height\":1001}",
			"sendDocument"},
		{"{\"path\":\"9/1/0.png\",\"type\":\"image/png\",\"bytes\":100,\"width\":2100,\"height\":100}", "sendDocument"},
		{"{\"path\":\"9/1/0.mp4\",\"type\":\"video/mp4\",\"bytes\":100}", "sendVideo"},
		{"{\"path\":\"9/1/0.png\",\"type\":\"image/png\",\"bytes\":52428801}", NULL},
		{"{\"path\":\"../../etc/passwd\",\"type\":\"image/png\"}", NULL},
		{"{\"path\":\"/etc/passwd\",\"type\":\"image/png\"}", NULL},
		{"{}", NULL},
	};

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char payload[512];
		struct play play;

		snprintf(payload, sizeof payload,
			"{\"notice\":\"result\",\"args\":{\"job\":9},\"files\":[%s]}", files[i].file);
		play_begin(&play, TASK_PHOTO, payload, "{}");
		play_step(&play, NULL);
		if (files[i].method == NULL)
			ok(play.then == PROVIDER_END && play.report.outcome == REPORT_REFUSED
				&& play.report.class == CLASS_OURS, "photo: refused: %s", files[i].file);
		else
			ok(play.then == PROVIDER_CALL && strstr(play.call.url, files[i].method) != NULL,
				"photo: %s: %s",
				files[i].method, files[i].file);
		play_end(&play);
	}
}

static void test_photo_answers(void)
{
	static const char photo[] = "{\"notice\":\"result\",\"args\":{\"job\":9},"
		"\"files\":[{\"path\":\"9/1/0.png\",\"type\":\"image/png\",\"bytes\":100}]}";
	struct play play;

	play_begin(&play, TASK_PHOTO, photo, "{}");
	play_step(&play, NULL);
	ok(play.call.fresh, "photo: not on a kept connection");
	is_str(part(&play.call, "chat_id")->value, "77", "photo: to whom");
	is_str(part(&play.call, "photo")->path, "/spool/9/1/0.png", "photo: which file");
	is_str(part(&play.call, "photo")->file_name, "atelier-9.png", "photo: under which name");
	ok(part(&play.call, "reply_markup") != NULL && part(&play.call, "caption") != NULL,
		"photo: words and keyboard");
	play_answer(&play, 200, "{\"ok\":true,\"result\":{\"message_id\":8,\"photo\":["
		"{\"file_id\":\"big\",\"file_unique_id\":\"B\",\"width\":800,\"height\":800},"
		"{\"file_id\":\"small\",\"file_unique_id\":\"S\",\"width\":90,\"height\":90}]}}");
	is_str(json_text(play.report.result, "file_id"), "big", "photo: the largest size is the file");
	is_str(json_text(play.report.result, "file_unique_id"), "B", "photo: its unique id");
	play_end(&play);

	play_begin(&play, TASK_PHOTO, photo, "{}");
	play_step(&play, NULL);
	play_answer(&play, 400, ERROR(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"));
	ok(play.then == PROVIDER_CALL && strstr(play.call.url, "/sendDocument") != NULL, "photo: then as a file");
	play_answer(&play, 200, "{\"ok\":true,\"result\":{\"message_id\":8,\"document\":"
		"{\"file_id\":\"doc\",\"file_unique_id\":\"D\"}}}");
	is_str(json_text(play.report.result, "file_id"), "doc", "photo: the document is the file");
	play_end(&play);

	play_begin(&play, TASK_PHOTO, photo, "{}");
	play_step(&play, NULL);
	play_answer(&play, 413, "<html>");
	ok(play.then == PROVIDER_CALL && strstr(play.call.url, "/sendDocument") != NULL, "photo: 413 of the way");
	play_answer(&play, 413, "<html>");
	ok(play.then == PROVIDER_END && play.report.outcome == REPORT_REFUSED, "photo: but not for ever");
	play_end(&play);
}

static void test_webhook(void)
{
	struct play play;
	int calls = 1;

	play_begin(&play, TASK_WEBHOOK, "{\"do\":\"set\"}", "{}");
	play_step(&play, NULL);
	json *body = read_json(play.call.body);

	is_str(json_text(body, "url"), "https://bot.example/telegram", "webhook: where");
	is_str(json_text(body, "secret_token"), "hook-secret-0123456789", "webhook: secret");
	is_i64((int64_t)json_count(body, "allowed_updates"), 5, "webhook: what");
	json_drop(body);
	for (; play.then == PROVIDER_CALL && calls < 9; calls++)
		play_answer(&play, 200, "{\"ok\":true,\"result\":true}");
	is_i64(calls - 1, 4, "webhook: then the commands in ru, en and for all others");
	is_i64(play.report.outcome, REPORT_DONE, "webhook: done");
	play_end(&play);

	play_begin(&play, TASK_WEBHOOK, "{\"do\":\"info\"}", "{}");
	play_step(&play, NULL);
	play_answer(&play, 200, "{\"ok\":true,\"result\":{\"url\":\"u\",\"pending_update_count\":3}}");
	is_str(json_text(play.report.result, "url"), "u", "webhook: info");
	play_end(&play);

	play_begin(&play, TASK_WEBHOOK, "{\"do\":\"dance\"}", "{}");
	play_step(&play, NULL);
	ok(play.then == PROVIDER_END && play.report.class == CLASS_OURS, "webhook: nothing else");
	play_end(&play);
}

static void test_strip(void)
{
	static const char *const texts[][2] = {
		{"<b>a</b> &lt;b&gt; &amp;amp; &quot;q&quot;", "a <b> &amp; \"q\""},
		{"1 < 2 && 3 > 2", "1 < 2 && 3 > 2"},
		{"<a href=\"https://x/\">x</a>", "x"},
		{"&#1090;&#128512;&#0;&#55296;&#9999999999;&#x41;", "т😀&#0;&#55296;&#9999999999;&#x41;"},
		{"<", "<"}, {"&", "&"}, {"&#", "&#"}, {"<b", "<b"}, {"</", "</"}, {"", ""},
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		is_str(markup_strip(texts[i][0], arena), texts[i][1], "strip %s", texts[i][0]);
}

static void test_document(void)
{
	static const char *const wrong[] = {
		"{\"notice\":\"job_status\"}", "{\"file_name\":\"a.csv\"}", "{\"text\":\"a\"}",
		"{\"file_name\":\"a.csv\",\"text\":\"\"}", "{\"file_name\":\"\",\"text\":\"a\"}",
		"{\"file_name\":\"../a\",\"text\":\"a\"}", "{\"file_name\":\".a\",\"text\":\"a\"}",
		"{\"file_name\":\"a\\r\\nX: y\",\"text\":\"a\"}", "{\"file_name\":\"a\\\"b\",\"text\":\"a\"}",
		"{\"file_name\":\"a.csv\",\"text\":[\"a\"]}",
		"{\"file_name\":\"12345678901234567890123456789012345678901234567890123456789012345\",\"text\":\"a\"}",
	};
	static const char good[] = "{\"notice\":\"job_status\",\"args\":{\"job\":9,\"progress\":0},"
		"\"file_name\":\"payments-2026-11.csv\",\"text\":\"день;₽\\n1;299.00\\n\"}";
	struct play play;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		play_begin(&play, TASK_DOCUMENT, wrong[i], "{}");
		play_step(&play, NULL);
		ok(play.then == PROVIDER_END && play.report.outcome == REPORT_REFUSED
			&& play.report.class == CLASS_OURS,
			"document: %s", wrong[i]);
		play_end(&play);
	}
	play_begin(&play, TASK_DOCUMENT, good, "{}");
	play_step(&play, NULL);
	is_str(play.call.name, "telegram sendDocument", "document: what the log calls it");
	ok(play.call.fresh, "document: not on a kept connection");
	is_str(part(&play.call, "chat_id")->value, "77", "document: to whom");
	ok(part(&play.call, "caption") != NULL, "document: with words");
	is_str(part(&play.call, "document")->value, "день;₽\n1;299.00\n", "document: the file itself");
	is_str(part(&play.call, "document")->file_name, "payments-2026-11.csv", "document: its name");
	ok(part(&play.call, "document")->path == NULL, "document: not from the disk");
	play_answer(&play, 200, "{\"ok\":true,\"result\":{\"message_id\":8,\"document\":{\"file_id\":\"f\"}}}");
	is_str(json_write(play.report.result), "{\"message_id\":8}", "document: sent");
	play_end(&play);
	play_begin(&play, TASK_DOCUMENT, good, "{}");
	play_step(&play, NULL);
	struct answer answer = {.end = ANSWER_UNKNOWN, .body = "", .retry_after_s = -1, .text = "why"};

	play_step(&play, &answer);
	ok(play.report.outcome == REPORT_UNKNOWN, "document: perhaps sent");
	play_end(&play);
}

int main(void)
{
	const char *source = getenv("top_srcdir");
	char directory[512];
	struct buf errors;

	snprintf(directory, sizeof directory, "%s/etc/texts", source == NULL ? "." : source);
	buf_init(&errors, 4096);
	struct texts *texts = texts_read(directory, &errors);
	struct conf *conf = conf_read(settings_table, settings_count, SETTINGS_CHAT, settings,
		strlen(settings), &errors);

	must(texts != NULL && conf != NULL);
	arena = arena_new(1 << 20);
	setting = (struct provider_setting){.conf = conf, .texts = texts, .spool = "/spool"};
	test_words();
	test_answers();
	test_silence();
	test_photo();
	test_photo_answers();
	test_document();
	test_webhook();
	test_strip();
	arena_free(arena);
	conf_free(conf);
	texts_free(texts);
	buf_free(&errors);
	return tap_done();
}
