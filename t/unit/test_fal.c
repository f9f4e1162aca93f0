/* The fal adapter: what it asks for, and what it makes of every answer. */
#include "provider/provider.h"

#include "tap.h"

#include "data/settings.h"

#define KEY "key-id:key-secret"
#define QUEUE "https://queue.fal.run"
#define MODEL "fal-ai/bytedance/seedream/v4/text-to-image"
#define REQUEST QUEUE "/fal-ai/bytedance/requests/abc-1"

static struct provider_setting setting;
static struct arena *arena;

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
		.id = 1, .fence = 1, .kind = kind, .job_id = 9, .attempts = 1,
		.payload = read_json(payload), .memo = read_json(memo),
	}};
	play->work.task = &play->task;
	play->work.note = json_new();
}

static void play_step(struct play *play, const struct answer *answer)
{
	play->then = provider_fal.next(&play->work, answer, &setting, arena, &play->call, &play->report);
	play->work.step++;
}

static void play_answer(struct play *play, long status, const char *body)
{
	struct answer answer = {
		.end = ANSWER_CAME, .status = status, .body = body, .body_length = strlen(body), .retry_after_s = -1,
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

static bool says(const struct play *play, enum report_outcome outcome, enum report_class class)
{
	return play->then == PROVIDER_END && play->report.outcome == outcome && play->report.class == class;
}

static const char order[] = "{\"job\":9,\"provider\":\"fal\",\"model\":\"" MODEL "\","
	"\"input\":{\"prompt\":\"cat\",\"seed\":7}}";
static const char asked[] = "{\"job\":9,\"provider\":\"fal\",\"model\":\"" MODEL "\","
	"\"request\":{\"request_id\":\"abc-1\","
	"\"status_url\":\"" REQUEST "/status\",\"response_url\":\"" REQUEST "\",\"cancel_url\":\"" REQUEST "/cancel\"}}";
static const char lost[] = "{\"job\":9,\"provider\":\"fal\",\"model\":\"" MODEL "\",\"since\":1700000000,"
	"\"input\":{\"prompt\":\"cat\",\"seed\":7}}";

struct row {
	long status;
	const char *body;
	const char *header;             /* x-fal-retryable */
	enum report_outcome outcome;
	enum report_class class;
};

#define TYPE(type) "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"m\",\"type\":\"" type "\"}]}"
#define INFRA(type) "{\"detail\":\"text\",\"error_type\":\"" type "\"}"
#define ID "{\"status\":\"IN_QUEUE\",\"request_id\":\"abc-1\",\"status_url\":\"" REQUEST "/status\"," \
	"\"response_url\":\"" REQUEST "\",\"cancel_url\":\"" REQUEST "/cancel\",\"queue_position\":3}"

static const struct row submit_rows[] = {
	{200, ID, NULL, REPORT_DONE, CLASS_NONE},
	{202, ID, NULL, REPORT_DONE, CLASS_NONE},
	{200, "{}", NULL, REPORT_UNKNOWN, CLASS_BUSY},
	{200, "<html>", NULL, REPORT_UNKNOWN, CLASS_BUSY},
	{200, "{\"request_id\":\"../x\"}", NULL, REPORT_UNKNOWN, CLASS_BUSY},
	{500, "{}", NULL, REPORT_UNKNOWN, CLASS_BUSY},
	{502, "<html>", NULL, REPORT_UNKNOWN, CLASS_BUSY},
	{503, INFRA("runner_scheduling_failure"), NULL, REPORT_UNKNOWN, CLASS_BUSY},
	{504, INFRA("request_timeout"), NULL, REPORT_UNKNOWN, CLASS_BUSY},
	{500, TYPE("content_policy_violation"), NULL, REPORT_UNKNOWN, CLASS_BUSY},
	{408, "", NULL, REPORT_UNKNOWN, CLASS_BUSY},
	{302, "", NULL, REPORT_REFUSED, CLASS_OURS},
	{400, "{\"detail\":\"no\"}", NULL, REPORT_REFUSED, CLASS_INPUT},
	{401, "{\"detail\":\"Authentication is required\"}", NULL, REPORT_REFUSED, CLASS_FUNDS},
	{402, "{}", NULL, REPORT_REFUSED, CLASS_FUNDS},
	{403, "{\"detail\":\"User is locked. Reason: Exhausted balance.\"}", NULL, REPORT_REFUSED, CLASS_FUNDS},
	{404, "{\"detail\":\"Application not found\"}", NULL, REPORT_REFUSED, CLASS_GONE},
	{410, "", NULL, REPORT_REFUSED, CLASS_GONE},
	{413, "", NULL, REPORT_REFUSED, CLASS_INPUT},
	{422, TYPE("content_policy_violation"), NULL, REPORT_REFUSED, CLASS_POLICY},
	{422, TYPE("missing"), NULL, REPORT_REFUSED, CLASS_INPUT},
	{422, "{\"detail\":\"plain text\"}", NULL, REPORT_REFUSED, CLASS_INPUT},
	{429, "{}", NULL, REPORT_LATER, CLASS_RATE},
};

static const struct row result_rows[] = {
	{200, "{\"images\":[{\"url\":\"https://v3b.fal.media/files/x/1.png\"},"
		"{\"url\":\"https://v3b.fal.media/files/x/2.png\"}]}",
		NULL, REPORT_DONE, CLASS_NONE},
	{200, "{\"image\":{\"url\":\"https://v3b.fal.media/files/x/1.png\"}}", NULL, REPORT_DONE, CLASS_NONE},
	{200, "{\"video\":{\"url\":\"https://v3b.fal.media/files/x/1.mp4\"}}", NULL, REPORT_DONE, CLASS_NONE},
	{200, "{\"images\":[]}", NULL, REPORT_REFUSED, CLASS_EMPTY},
	{200, "{\"images\":[{\"url\":\"u\"}],\"has_nsfw_concepts\":[false,true]}", NULL, REPORT_REFUSED, CLASS_POLICY},
	{200, "{\"images\":[{\"url\":\"u\"}],\"has_nsfw_concepts\":[false]}", NULL, REPORT_DONE, CLASS_NONE},
	{200, "<html>", NULL, REPORT_FAILED, CLASS_BUSY},
	{422, TYPE("content_policy_violation"), "false", REPORT_REFUSED, CLASS_POLICY},
	{422, TYPE("no_media_generated"), "false", REPORT_REFUSED, CLASS_EMPTY},
	{422, TYPE("image_too_small"), "false", REPORT_REFUSED, CLASS_INPUT},
	{422, "{\"detail\":\"plain text\"}", NULL, REPORT_REFUSED, CLASS_INPUT},
	{400, INFRA("bad_request"), NULL, REPORT_REFUSED, CLASS_INPUT},
	{400, INFRA("client_cancelled"), NULL, REPORT_REFUSED, CLASS_GONE},
	{404, "{\"detail\":\"Request not found\"}", NULL, REPORT_REFUSED, CLASS_EMPTY},
	{410, "", NULL, REPORT_REFUSED, CLASS_EMPTY},
	{401, "{}", NULL, REPORT_FAILED, CLASS_FUNDS},
	{403, "{}", NULL, REPORT_FAILED, CLASS_FUNDS},
	{429, "{}", NULL, REPORT_LATER, CLASS_RATE},
	{500, TYPE("internal_server_error"), "true", REPORT_REFUSED, CLASS_BUSY},
	{504, TYPE("generation_timeout"), "true", REPORT_REFUSED, CLASS_BUSY},
	{503, INFRA("runner_disconnected"), NULL, REPORT_REFUSED, CLASS_BUSY},
	{504, INFRA("startup_timeout"), NULL, REPORT_REFUSED, CLASS_BUSY},
	{500, "{\"detail\":\"something new\"}", "true", REPORT_REFUSED, CLASS_BUSY},
	{502, "<html>", NULL, REPORT_FAILED, CLASS_BUSY},
};

static void rows_check(const char *name, enum task_kind kind, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct answer answer = {
			.end = ANSWER_CAME, .status = row->status, .body = row->body, .body_length = strlen(row->body),
			.retry_after_s = -1, .fal_retryable = row->header,
		};
		struct play play;

		play_begin(&play, kind, kind == TASK_SUBMIT ? order : asked, "{}");
		play_step(&play, NULL);
		if (kind == TASK_POLL)
			play_answer(&play, 200, "{\"status\":\"COMPLETED\"}");
		must(play.then == PROVIDER_CALL);
		play_step(&play, &answer);
		ok(says(&play, row->outcome, row->class), "%s %ld %.60s", name, row->status, row->body);
		is_i64(play.report.retry_ms, row->outcome == REPORT_LATER ? 5000 : 0, "its wait");
		ok(strstr(play.report.text, KEY) == NULL, "without the key");
		play_end(&play);
	}
}

static void test_submit(void)
{
	struct play play;

	play_begin(&play, TASK_SUBMIT, order, "{}");
	play_step(&play, NULL);
	is_str(play.call.verb, "POST", "submit: verb");
	is_str(play.call.url, QUEUE "/" MODEL, "submit: where");
	is_str(play.call.headers[0], "Authorization: Key " KEY, "submit: key");
	is_str(play.call.headers[2], "X-Fal-Object-Lifecycle-Preference: {\"expiration_duration_seconds\":86400}",
		"submit: the file lives a day");
	ok(play.call.fresh, "submit: never on a kept connection");
	is_str(play.call.body, "{\"prompt\":\"cat\",\"seed\":7}", "submit: the input itself");
	play_answer(&play, 200, ID);
	is_str(json_text(play.report.result, "status_url"), REQUEST "/status", "submit: where to ask");
	play_end(&play);

	/* Addresses that are not fal's are made by the rule: the order is placed. */
	play_begin(&play, TASK_SUBMIT, order, "{}");
	play_step(&play, NULL);
	play_answer(&play, 200, "{\"request_id\":\"abc-1\",\"status_url\":\"https://evil.example/requests/abc-1/status\","
		"\"response_url\":\"" QUEUE ".evil.example/requests/abc-1\",\"cancel_url\":\"" QUEUE "/x/requests/other\"}");
	is_str(json_text(play.report.result, "status_url"), REQUEST "/status", "another host is not believed");
	is_str(json_text(play.report.result, "response_url"), REQUEST, "nor one that begins alike");
	is_str(json_text(play.report.result, "cancel_url"), REQUEST "/cancel", "nor another request");
	play_end(&play);

	play_begin(&play, TASK_SUBMIT, "{\"model\":\"fal-ai/../x\",\"input\":{}}", "{}");
	play_step(&play, NULL);
	ok(says(&play, REPORT_REFUSED, CLASS_OURS), "a model that climbs");
	play_end(&play);
	play_begin(&play, TASK_SUBMIT, "{\"model\":\"" MODEL "?x=1\",\"input\":{}}", "{}");
	play_step(&play, NULL);
	ok(says(&play, REPORT_REFUSED, CLASS_OURS), "a model with a query");
	play_end(&play);
}

static void test_silence(void)
{
	static const struct {
		enum task_kind kind;
		enum answer_end end;
		enum report_outcome outcome;
	} silences[] = {
		{TASK_SUBMIT, ANSWER_NOT_SENT, REPORT_FAILED}, {TASK_SUBMIT, ANSWER_UNKNOWN, REPORT_UNKNOWN},
		{TASK_SUBMIT, ANSWER_REFUSED, REPORT_UNKNOWN}, {TASK_POLL, ANSWER_NOT_SENT, REPORT_FAILED},
		{TASK_POLL, ANSWER_UNKNOWN, REPORT_FAILED}, {TASK_CANCEL, ANSWER_UNKNOWN, REPORT_FAILED},
		{TASK_LOOKUP, ANSWER_UNKNOWN, REPORT_FAILED},
	};

	for (size_t i = 0; i < sizeof silences / sizeof silences[0]; i++) {
		struct answer answer = {.end = silences[i].end, .retry_after_s = -1, .text = "why"};
		enum task_kind kind = silences[i].kind;
		struct play play;

		play_begin(&play, kind, kind == TASK_SUBMIT ? order : kind == TASK_LOOKUP ? lost : asked, "{}");
		play_step(&play, NULL);
		play_step(&play, &answer);
		is_i64(play.report.outcome, silences[i].outcome, "%s: silence %d", task_kind_name(kind),
			(int)silences[i].end);
		play_end(&play);
	}
}

static void test_poll(void)
{
	static const struct { const char *memo; int32_t wait; int64_t polls; } waits[] = {
		{"{}", 2000, 1}, {"{\"polls\":1}", 2600, 2}, {"{\"polls\":2}", 3380, 3}, {"{\"polls\":3}", 4394, 4},
		{"{\"polls\":4}", 5000, 5}, {"{\"polls\":900000}", 5000, 900001}, {"{\"polls\":-5}", 2000, 1},
	};
	struct play play;

	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		int64_t polls = 0, position = 0;

		play_begin(&play, TASK_POLL, asked, waits[i].memo);
		play_step(&play, NULL);
		is_str(play.call.url, REQUEST "/status?logs=0", "poll: where");
		play_answer(&play, 202, "{\"status\":\"IN_QUEUE\",\"queue_position\":4}");
		ok(says(&play, REPORT_LATER, CLASS_NONE) && play.report.retry_ms == waits[i].wait, "poll: %s waits %d",
			waits[i].memo, (int)waits[i].wait);
		ok(json_i64(play.report.result, "polls", &polls) && polls == waits[i].polls, "poll: counted");
		ok(json_i64(play.report.result, "position", &position) && position == 4, "poll: place in the queue");
		is_str(json_text(play.report.result, "state"), "queued", "poll: queued");
		play_end(&play);
	}
	play_begin(&play, TASK_POLL, asked, "{}");
	play_step(&play, NULL);
	play_answer(&play, 202, "{\"status\":\"IN_PROGRESS\",\"logs\":null}");
	is_str(json_text(play.report.result, "state"), "running", "poll: running");
	play_end(&play);

	static const struct row statuses[] = {
		{404, "{}", NULL, REPORT_REFUSED, CLASS_EMPTY}, {500, "", NULL, REPORT_FAILED, CLASS_BUSY},
		{200, "<html>", NULL, REPORT_FAILED, CLASS_BUSY},
		{200, "{\"status\":\"NEW\"}", NULL, REPORT_FAILED, CLASS_BUSY},
		{429, "", NULL, REPORT_LATER, CLASS_RATE}, {401, "", NULL, REPORT_FAILED, CLASS_FUNDS},
	};

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		play_begin(&play, TASK_POLL, asked, "{}");
		play_step(&play, NULL);
		play_answer(&play, statuses[i].status, statuses[i].body);
		ok(says(&play, statuses[i].outcome, statuses[i].class), "status %ld %s", statuses[i].status,
			statuses[i].body);
		play_end(&play);
	}
	play_begin(&play, TASK_POLL, asked, "{}");
	play_step(&play, NULL);
	play_answer(&play, 200, "{\"status\":\"COMPLETED\"}");
	is_str(play.call.url, REQUEST, "poll: then the result");
	struct answer late = {.end = ANSWER_CAME, .status = 504, .body = "{}", .body_length = 2, .retry_after_s = -1,
		.fal_timeout_type = "user"};

	play_step(&play, &late);
	ok(says(&play, REPORT_REFUSED, CLASS_LATE), "poll: it did not start in time");
	play_end(&play);
	play_begin(&play, TASK_POLL, "{\"request\":{\"request_id\":\"abc-1\","
		"\"status_url\":\"https://evil.example/abc-1\"}}", "{}");
	play_step(&play, NULL);
	ok(says(&play, REPORT_REFUSED, CLASS_OURS), "poll: the key goes nowhere else");
	play_end(&play);
}

static void test_cancel(void)
{
	static const struct row rows[] = {
		{202, "{\"status\":\"CANCELLATION_REQUESTED\"}", NULL, REPORT_DONE, CLASS_NONE},
		{200, "{\"status\":\"OK\"}", NULL, REPORT_DONE, CLASS_NONE},
		{400, "{\"status\":\"ALREADY_COMPLETED\"}", NULL, REPORT_DONE, CLASS_NONE},
		{404, "{\"status\":\"NOT_FOUND\"}", NULL, REPORT_DONE, CLASS_NONE},
		{400, "{}", NULL, REPORT_FAILED, CLASS_OURS},
		{500, "", NULL, REPORT_FAILED, CLASS_BUSY},
	};
	struct play play;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		play_begin(&play, TASK_CANCEL, asked, "{}");
		play_step(&play, NULL);
		ok(strcmp(play.call.verb, "PUT") == 0 && strcmp(play.call.url, REQUEST "/cancel") == 0, "cancel: where");
		play_answer(&play, rows[i].status, rows[i].body);
		ok(says(&play, rows[i].outcome, rows[i].class), "cancel %ld %s", rows[i].status, rows[i].body);
		play_end(&play);
	}
}

#define ITEM(id, input) "{\"request_id\":\"" id "\",\"endpoint_id\":\"" MODEL "\",\"json_input\":" input "}"
#define OURS "{\"seed\":7,\"prompt\":\"cat\"}"
#define PAGE(items) "{\"items\":[" items "],\"has_more\":false,\"next_cursor\":null}"

static void test_lookup(void)
{
	static const struct {
		const char *body;
		enum report_outcome outcome;
		enum report_class class;
		const char *name;
	} pages[] = {
		{PAGE(""), REPORT_LATER, CLASS_NONE, "nothing yet"},
		{PAGE(ITEM("abc-1", OURS)), REPORT_DONE, CLASS_NONE, "ours, its members in another order"},
		{PAGE(ITEM("abc-1", "{\"seed\":7.0,\"prompt\":\"cat\"}")),
			REPORT_DONE, CLASS_NONE, "a number written otherwise"},
		{PAGE(ITEM("abc-1", "{\"seed\":8,\"prompt\":\"cat\"}")), REPORT_LATER, CLASS_NONE, "another seed"},
		{PAGE(ITEM("abc-1", "{\"prompt\":\"cat\"}")), REPORT_LATER, CLASS_NONE, "no seed"},
		{PAGE(ITEM("abc-1", "{\"seed\":7,\"prompt\":\"cat\",\"x\":null}")),
			REPORT_LATER, CLASS_NONE, "one member more"},
		{PAGE(ITEM("abc-1", "{\"seed\":\"7\",\"prompt\":\"cat\"}")), REPORT_LATER, CLASS_NONE, "a text is no number"},
		{PAGE(ITEM("abc-1", "null")), REPORT_LATER, CLASS_NONE, "no payload"},
		{PAGE(ITEM("abc-1", OURS) "," ITEM("abc-2", OURS)), REPORT_FAILED, CLASS_OURS, "two alike"},
		{PAGE(ITEM("abc-1", OURS) "," ITEM("abc-1", OURS)), REPORT_DONE, CLASS_NONE, "the same one twice"},
		{PAGE(ITEM("../x", OURS)), REPORT_LATER, CLASS_NONE, "an id that is none"},
		{"{\"items\":{}}", REPORT_FAILED, CLASS_BUSY, "no list"},
		{"<html>", REPORT_FAILED, CLASS_BUSY, "no JSON"},
	};
	struct play play;

	for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
		play_begin(&play, TASK_LOOKUP, lost, "{}");
		play_step(&play, NULL);
		play_answer(&play, 200, pages[i].body);
		ok(says(&play, pages[i].outcome, pages[i].class), "lookup: %s", pages[i].name);
		is_i64(play.report.retry_ms, pages[i].outcome == REPORT_LATER ? 5000 : 0, "its wait");
		if (pages[i].outcome == REPORT_DONE)
			is_str(json_text(play.report.result, "response_url"), REQUEST, "with its addresses");
		play_end(&play);
	}
}

static void test_lookup_pages(void)
{
	struct play play;
	int calls = 1;

	play_begin(&play, TASK_LOOKUP, lost, "{}");
	play_step(&play, NULL);
	is_str(play.call.url, "https://api.fal.ai/v1/models/requests/by-endpoint?endpoint_id=fal-ai%2Fbytedance%2Fseedream"
		"%2Fv4%2Ftext-to-image&start=2023-11-14T22%3A12%3A20.000Z&expand=payloads&limit=100", "lookup: where");
	play_answer(&play, 200, "{\"items\":[" ITEM("abc-1", OURS) "],\"has_more\":true,\"next_cursor\":\"c&1\"}");
	ok(play.then == PROVIDER_CALL && strstr(play.call.url, "&cursor=c%261") != NULL, "lookup: the next page");
	play_answer(&play, 200, PAGE(ITEM("abc-2", OURS)));
	ok(says(&play, REPORT_FAILED, CLASS_OURS), "lookup: its twin is on another page");
	play_end(&play);

	play_begin(&play, TASK_LOOKUP, lost, "{}");
	play_step(&play, NULL);
	for (; play.then == PROVIDER_CALL && calls < 100; calls++)
		play_answer(&play, 200, "{\"items\":[],\"has_more\":true,\"next_cursor\":\"again\"}");
	ok(says(&play, REPORT_FAILED, CLASS_OURS), "lookup: a history without end");
	is_i64(calls, 21, "lookup: is given up after twenty pages");
	play_end(&play);
}

static void test_no_key(struct conf *without)
{
	const struct conf *conf = setting.conf;
	struct play play;

	setting.conf = without;
	play_begin(&play, TASK_SUBMIT, order, "{}");
	play_step(&play, NULL);
	ok(says(&play, REPORT_REFUSED, CLASS_FUNDS), "no key: no order");
	play_end(&play);
	setting.conf = conf;
}

static struct conf *conf_of(const char *text)
{
	struct buf errors;

	buf_init(&errors, 4096);
	struct conf *conf = conf_read(settings_table, settings_count, SETTINGS_MEDIA, text, strlen(text), &errors);

	must(conf != NULL);
	buf_free(&errors);
	return conf;
}

int main(void)
{
	struct conf *conf = conf_of("FAL_KEY=" KEY "\nWEBHOOK_BASE_URL=https://bot.example.org\n");
	struct conf *without = conf_of("WEBHOOK_BASE_URL=https://bot.example.org\n");

	arena = arena_new(1 << 20);
	setting = (struct provider_setting){.conf = conf, .spool = "/spool"};
	test_submit();
	rows_check("submit", TASK_SUBMIT, submit_rows, sizeof submit_rows / sizeof submit_rows[0]);
	test_silence();
	test_poll();
	rows_check("result", TASK_POLL, result_rows, sizeof result_rows / sizeof result_rows[0]);
	test_cancel();
	test_lookup();
	test_lookup_pages();
	test_no_key(without);
	arena_free(arena);
	conf_free(conf);
	conf_free(without);
	return tap_done();
}
