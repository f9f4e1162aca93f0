/* Files of people through Telegram's adapter: where one is, how it comes, and how a result goes out again. */
#include "provider/telegram.h"

#include "tap.h"

#include "data/settings.h"

#define TOKEN "7000000001:AAsecret-token"

static struct provider_setting setting;
static struct arena *arena;

static const char settings[] =
	"BOT_TOKEN=" TOKEN "\n"
	"TELEGRAM_SECRET_TOKEN=hook-secret-0123456789\n"
	"WEBHOOK_BASE_URL=https://bot.example\n"
	"SPOOL_DIR=/spool\n";

static struct answer answer_of(long status, const char *body)
{
	return (struct answer){
		.end = ANSWER_CAME, .status = status, .body = body, .body_length = strlen(body), .retry_after_s = -1,
	};
}

static void test_ask(void)
{
	struct call call;

	ok(telegram_file_ask("AgAC-1", &setting, arena, &call), "ask: an id");
	is_str(call.url, "https://api.telegram.org/bot" TOKEN "/getFile", "ask: where");
	is_str(call.name, "telegram getFile", "ask: what the log calls it");
	is_str(call.body, "{\"file_id\":\"AgAC-1\"}", "ask: what");
	ok(!telegram_file_ask(NULL, &setting, arena, &call), "ask: no id");
	ok(!telegram_file_ask("", &setting, arena, &call), "ask: an empty id");
}

#define PLACE(path) "{\"ok\":true,\"result\":{\"file_id\":\"A\",\"file_size\":9,\"file_path\":\"" path "\"}}"
#define ERROR(code, words) "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" words "\"}"

static const struct {
	enum answer_end end;
	long status;
	const char *body;
	enum report_outcome outcome;
	enum report_class class;
	const char *name;
} refusals[] = {
	{ANSWER_CAME, 200, PLACE("../../etc/passwd"), REPORT_REFUSED, CLASS_INPUT, "a way out"},
	{ANSWER_CAME, 200, PLACE("/photos/1.jpg"), REPORT_REFUSED, CLASS_INPUT, "a path from the root"},
	{ANSWER_CAME, 200, PLACE("photos/1.jpg?x=1"), REPORT_REFUSED, CLASS_INPUT, "a query"},
	{ANSWER_CAME, 200, PLACE("photos/1 2.jpg"), REPORT_REFUSED, CLASS_INPUT, "a space"},
	{ANSWER_CAME, 200, PLACE(""), REPORT_REFUSED, CLASS_INPUT, "an empty path"},
	{ANSWER_CAME, 200, "{\"ok\":true,\"result\":{}}", REPORT_REFUSED, CLASS_INPUT, "no path"},
	{ANSWER_CAME, 200, "<html>", REPORT_FAILED, CLASS_BUSY, "no JSON"},
	{ANSWER_CAME, 400, ERROR(400, "Bad Request: file is too big"), REPORT_REFUSED, CLASS_INPUT, "too big"},
	{ANSWER_CAME, 400, ERROR(400, "Bad Request: wrong file_id or the file is temporarily unavailable"), REPORT_REFUSED,
		CLASS_INPUT, "gone"},
	{ANSWER_CAME, 404, "", REPORT_REFUSED, CLASS_INPUT, "404"},
	{ANSWER_CAME, 401, ERROR(401, "Unauthorized"), REPORT_FAILED, CLASS_FUNDS, "a revoked token"},
	{ANSWER_CAME, 429, ERROR(429, "Too Many Requests"), REPORT_LATER, CLASS_RATE, "too many"},
	{ANSWER_CAME, 502, "<html>502 Bad Gateway</html>", REPORT_FAILED, CLASS_BUSY, "a page of HTML"},
	{ANSWER_REFUSED, 0, "", REPORT_REFUSED, CLASS_INPUT, "larger than may be"},
	{ANSWER_UNKNOWN, 0, "", REPORT_FAILED, CLASS_BUSY, "cut: may be repeated"},
	{ANSWER_NOT_SENT, 0, "", REPORT_FAILED, CLASS_BUSY, "not sent"},
};

static void test_get(void)
{
	struct answer good = answer_of(200, PLACE("photos/file_1.jpg"));
	struct call call;
	struct report report = {0};

	ok(telegram_file_get(&good, "/spool/9/1.1/0.part", &setting, arena, &call, &report), "get: a place");
	is_str(call.url, "https://api.telegram.org/file/bot" TOKEN "/photos/file_1.jpg", "get: where");
	is_str(call.name, "telegram file", "get: what the log calls it, without the address");
	is_str(call.save_path, "/spool/9/1.1/0.part", "get: it goes to the spool");
	is_i64((int64_t)call.answer_max, TELEGRAM_FILE_MAX, "get: no more than Telegram gives");
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		struct answer answer = answer_of(refusals[i].status, refusals[i].body);

		answer.end = refusals[i].end;
		report = (struct report){0};
		ok(!telegram_file_get(&answer, "/spool/9/1.1/0.part", &setting, arena, &call, &report)
			&& report.outcome == refusals[i].outcome && report.class == refusals[i].class, "get: %s",
			refusals[i].name);
		ok(strstr(report.text, TOKEN) == NULL, "get: %s: without the token", refusals[i].name);
		report = (struct report){0};
		/* The download itself says 200 to whatever it brought. */
		if (answer.end == ANSWER_CAME && answer.status == 200)
			ok(telegram_file_came(&answer, &report), "came: %s", refusals[i].name);
		else
			ok(!telegram_file_came(&answer, &report) && report.outcome == refusals[i].outcome
				&& report.class == refusals[i].class, "came: %s", refusals[i].name);
	}
}

struct play {
	struct task task;
	struct provider_work work;
	struct call call;
	struct report report;
	enum provider_next then;
};

static void play_step(struct play *play, const struct answer *answer)
{
	play->then = provider_telegram.next(&play->work, answer, &setting, arena, &play->call, &play->report);
	play->work.step++;
}

static void play_begin(struct play *play, const char *payload)
{
	*play = (struct play){.task = {
		.id = 1, .fence = 1, .kind = TASK_RESEND, .chat_id = 77, .job_id = 9, .attempts = 1, .lang = "ru",
		.payload = json_read(payload, strlen(payload)), .memo = json_new(),
	}};
	must(play->task.payload != NULL);
	play->work.task = &play->task;
	play->work.note = json_new();
	play_step(play, NULL);
}

static void play_end(struct play *play)
{
	task_drop(&play->task);
	json_drop(play->work.note);
	report_drop(&play->report);
}

static const struct call_part *part(const struct call *call, const char *name)
{
	for (size_t i = 0; i < call->part_count; i++)
		if (strcmp(call->parts[i].name, name) == 0)
			return &call->parts[i];
	return NULL;
}

#define RESULT "\"notice\":\"result\",\"args\":{\"job\":9}"
#define FILE_OF(path) "\"file\":{\"path\":\"" path "\",\"type\":\"image/png\",\"bytes\":5}"

static void test_resend(void)
{
	static const struct { const char *form; const char *method; const char *message; } forms[] = {
		{"photo", "sendPhoto", "\"photo\":[{\"file_id\":\"s\",\"width\":9,\"height\":9},"
			"{\"file_id\":\"f\",\"width\":90,\"height\":90}]"},
		{"video", "sendVideo", "\"video\":{\"file_id\":\"f\"}"},
		{"document", "sendDocument", "\"document\":{\"file_id\":\"f\"}"},
	};
	struct play play;

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		const char *form = forms[i].form;

		play_begin(&play, arena_fmt(arena, "{" RESULT ",\"form\":\"%s\",\"file_id\":\"old\"}", form));
		is_str(play.call.name, arena_fmt(arena, "telegram %s", forms[i].method), "resend: %s", form);
		ok(part(&play.call, form) != NULL && part(&play.call, form)->path == NULL, "resend: nothing from the disk");
		is_str(part(&play.call, form)->value, "old", "resend: by its id");
		struct answer answer = answer_of(200, arena_fmt(arena, "{\"ok\":true,\"result\":{\"message_id\":8,%s}}",
			forms[i].message));

		play_step(&play, &answer);
		is_i64(play.report.outcome, REPORT_DONE, "resend: sent");
		is_str(json_text(play.report.result, "file_id"), "f", "resend: what it is called now");
		is_str(json_text(play.report.result, "form"), form, "resend: as what");
		play_end(&play);
	}
	play_begin(&play, "{" RESULT ",\"form\":\"document\"," FILE_OF("9/4.1/0.png") "}");
	is_str(part(&play.call, "document")->path, "/spool/9/4.1/0.png", "original: from the spool");
	is_str(part(&play.call, "document")->file_name, "atelier-9.png", "original: its name");
	is_str(part(&play.call, "disable_content_type_detection")->value, "true", "original: stays a file");
	struct answer lost = {.end = ANSWER_UNKNOWN, .body = "", .retry_after_s = -1, .text = "why"};

	play_step(&play, &lost);
	is_i64(play.report.outcome, REPORT_UNKNOWN, "original: perhaps sent, not sent again blindly");
	play_end(&play);
}

static void test_resend_wrong(void)
{
	static const char *const wrong[] = {
		"{" RESULT ",\"file_id\":\"f\"}", "{" RESULT ",\"form\":\"sticker\",\"file_id\":\"f\"}",
		"{" RESULT ",\"form\":\"photo\"}", "{" RESULT ",\"form\":\"document\"," FILE_OF("../x.png") "}",
		"{" RESULT ",\"form\":\"document\"," FILE_OF("/etc/passwd") "}",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct play play;

		play_begin(&play, wrong[i]);
		ok(play.then == PROVIDER_END && play.report.outcome == REPORT_REFUSED && play.report.class == CLASS_OURS,
			"resend: %s", wrong[i]);
		play_end(&play);
	}
}

int main(void)
{
	const char *source = getenv("top_srcdir");
	char directory[512];
	struct buf errors;

	snprintf(directory, sizeof directory, "%s/etc/texts", source == NULL ? "." : source);
	buf_init(&errors, 4096);
	struct texts *texts = texts_read(directory, &errors);
	struct conf *conf = conf_read(settings_table, settings_count, SETTINGS_CHAT, settings, strlen(settings), &errors);

	must(texts != NULL && conf != NULL);
	arena = arena_new(1 << 20);
	setting = (struct provider_setting){.conf = conf, .texts = texts, .spool = "/spool"};
	test_ask();
	test_get();
	test_resend();
	test_resend_wrong();
	arena_free(arena);
	conf_free(conf);
	texts_free(texts);
	buf_free(&errors);
	return tap_done();
}
