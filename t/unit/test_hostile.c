/* Defects found by fuzzing: reports that PostgreSQL would refuse, sizes beyond all numbers, results that are none. */
#include "base/str.h"
#include "data/report.h"
#include "data/settings.h"
#include "provider/provider.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])
#define SETTINGS "BOT_TOKEN=7300112233:probe\nTELEGRAM_SECRET_TOKEN=0123456789abcdef\n" \
	"WEBHOOK_BASE_URL=https://bot.example.org\n"

/* One strange report failed the statement that settles it together with all the others of its batch. */
static void test_report_jsonb(void)
{
	static const struct {
		const char *result;
		const char *want;
	} cases[] = {
		{"{\"n\":NaN}", "{\"n\":null}"}, {"{\"n\":[{\"m\":-Infinity}]}", "{\"n\":[{\"m\":null}]}"},
		{"{\"n\":1e999}", "{\"n\":null}"}, {"{\"\xff\":1}", "{}"},
		{"{\"a\":{\"\xed\xa0\x80\":1}}", "{\"a\":{}}"},
		{"{\"n\":1e-999999}", "{\"n\":0.0}"}, {"{\"n\":1.5}", "{\"n\":1.5}"},
		{"{\"t\":\"a\\u0000b\xff\"}", "{\"t\":\"a?b?\"}"}, {"{\"t\":[\"\\u0000\"]}", "{\"t\":[\"?\"]}"},
		{"{\"i\":-99999999999999999999}", "{\"i\":-9223372036854775808}"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[256];
		struct report report;

		snprintf(text, sizeof text, "{\"task\":1,\"fence\":1,\"outcome\":\"done\",\"result\":%s}",
			cases[i].result);
		json *body = json_read(text, strlen(text));
		/* A report that closed the connection would come again after every reconnect. */
		ok(body != NULL && report_read(body, &report) == 0, "result %zu is a report's", i);
		is_str(json_write(report.result), cases[i].want, "and made fit for jsonb");
		report_drop(&report);
		json_drop(body);
	}
}

/* width × height of Telegram's answer overflowed. */
static void test_photo_sizes(const struct conf *conf)
{
	static const char text[] = "{\"ok\":true,\"result\":{\"message_id\":9,\"photo\":["
		"{\"file_id\":\"small\",\"width\":90,\"height\":90},"
		"{\"file_id\":\"endless\",\"width\":9223372036854775807,\"height\":9223372036854775807},"
		"{\"file_id\":\"less\",\"width\":-5,\"height\":-50000}]}}";
	struct arena *arena = arena_new(1 << 20);
	struct task task = {.id = 1, .fence = 1, .kind = TASK_PHOTO, .chat_id = 7, .lang = "ru",
		.payload = json_new(), .memo = json_new()};
	struct provider_work work = {.task = &task, .step = 1, .note = json_new()};
	struct provider_setting setting = {conf, NULL, "/spool"};
	struct answer answer = {.end = ANSWER_CAME, .status = 200, .body = text,
		.body_length = strlen(text), .retry_after_s = -1};
	struct call call = {0};
	struct report report = {0};
	enum provider_next next = provider_telegram.next(&work, &answer, &setting, arena, &call, &report);

	ok(next == PROVIDER_END && report.outcome == REPORT_DONE, "a photo with strange sizes was sent");
	is_str(json_text(report.result, "file_id"), "small", "the largest real size is kept");
	report_drop(&report);
	task_drop(&task);
	json_drop(work.note);
	arena_free(arena);
}

/* An answer without a result ended the helper. */
static void test_webhook_info(const struct conf *conf)
{
	static const char *const bodies[] = {"{\"ok\":true}", "{\"ok\":true,\"result\":null}",
		"{\"ok\":true,\"result\":[1]}", "{\"ok\":true,\"result\":true}"};

	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct arena *arena = arena_new(1 << 20);
		struct task task = {.id = 1, .fence = 1, .kind = TASK_WEBHOOK, .payload = json_new(),
			.memo = json_new()};
		struct provider_work work = {.task = &task, .step = 1, .note = json_new()};
		struct provider_setting setting = {conf, NULL, "/spool"};
		struct answer answer = {.end = ANSWER_CAME, .status = 200, .body = bodies[i],
			.body_length = strlen(bodies[i]), .retry_after_s = -1};
		struct call call = {0};
		struct report report = {0};

		json_set_text(task.payload, "do", "info");
		ok(provider_telegram.next(&work, &answer, &setting, arena, &call, &report) == PROVIDER_END
			&& report.outcome == REPORT_DONE && report.result == NULL, "getWebhookInfo: %s", bodies[i]);
		report_drop(&report);
		task_drop(&task);
		json_drop(work.note);
		arena_free(arena);
	}
}

int main(void)
{
	struct buf errors;

	buf_init(&errors, 4096);
	struct conf *conf = conf_read(settings_table, settings_count, SETTINGS_CHAT, SETTINGS,
		strlen(SETTINGS), &errors);

	is_str(buf_text(&errors), "", "settings");
	test_report_jsonb();
	if (conf != NULL) {
		test_photo_sizes(conf);
		test_webhook_info(conf);
	}
	conf_free(conf);
	buf_free(&errors);
	return tap_done();
}
