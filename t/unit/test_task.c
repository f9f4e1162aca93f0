/* Tasks, reports, lanes and kinds: round trips, and everything that is not quite one. */
#include "data/task.h"

#include "tap.h"

#include "data/report.h"

static json *parsed(const char *text)
{
	return json_read(text, strlen(text));
}

static void test_names(void)
{
	enum lane lane;
	enum task_kind kind;
	bool same = true;

	for (int i = 0; i < LANE_COUNT; i++)
		same = same && lane_from(lane_name((enum lane)i), &lane) == 0 && (int)lane == i;
	ok(same, "lanes by name");
	same = true;
	for (int i = 0; i < TASK_KIND_COUNT; i++)
		same = same && task_kind_from(task_kind_name((enum task_kind)i), &kind) == 0
			&& (int)kind == i;
	ok(same, "kinds by name");
	ok(lane_from("Chat", &lane) == -1 && lane_from("", &lane) == -1 && lane_from(NULL, &lane) == -1,
		"what is no lane");
	ok(task_kind_from("saying", &kind) == -1 && task_kind_from("", &kind) == -1
		&& task_kind_from(NULL, &kind) == -1, "what is no kind");
	ok(task_kind_lane(TASK_WEBHOOK) == LANE_CHAT && task_kind_lane(TASK_SUBMIT) == LANE_MEDIA
		&& task_kind_lane(TASK_SWEEP) == LANE_MEDIA, "the lane of a kind");
}

static void test_task_round(void)
{
	struct task task = {
		.id = INT64_MAX, .fence = INT32_MAX, .kind = TASK_EDIT, .chat_id = -1001234567890123,
		.message_id = 77, .job_id = 42, .attempts = 3, .lang = "ru",
		.payload = parsed("{\"notice\":\"job_started\",\"args\":{\"n\":1}}"),
		.memo = parsed("{\"a\":[1,2]}"),
	};
	struct task got;
	json *body = task_write(&task);
	json *copy = parsed(json_write(body));

	is_i64(task_read(copy, &got), 0, "a task comes back");
	ok(got.id == task.id && got.fence == task.fence && got.kind == task.kind
		&& got.chat_id == task.chat_id && got.message_id == 77 && got.job_id == 42
		&& got.attempts == 3, "with its numbers");
	is_str(got.lang, "ru", "its language");
	is_str(json_text(got.payload, "notice"), "job_started", "its payload");
	is_str(json_write(got.memo), "{\"a\":[1,2]}", "its memo");
	json_drop(copy);
	is_str(json_text(got.payload, "notice"), "job_started", "which is its own");
	task_drop(&got);
	task_drop(&got);
	ok(got.payload == NULL && got.memo == NULL, "and is dropped once");
	json_drop(body);
	task_drop(&task);
	task = (struct task){.id = 1, .fence = 1, .kind = TASK_SWEEP};
	body = task_write(&task);
	is_i64(task_read(body, &got), 0, "a task of nobody, without payload");
	ok(got.lang[0] == '\0' && json_object_is_type(got.payload, json_type_object)
		&& json_object_is_type(got.memo, json_type_object), "payload and memo are there");
	task_drop(&got);
	json_drop(body);
}

/* The good body with one member replaced by JSON text (or left out when null). */
static int read_with(const char *good, const char *name, const char *value,
	int (*read)(json *body))
{
	json *body = parsed(good);

	if (value == NULL)
		json_object_object_del(body, name);
	else
		json_object_object_add(body, name, json_tokener_parse(value));
	int end = read(body);

	json_drop(body);
	return end;
}

static int task_try(json *body)
{
	struct task task;
	int end = task_read(body, &task);

	task_drop(&task);
	return end;
}

static int report_try(json *body)
{
	struct report report;
	int end = report_read(body, &report);

	report_drop(&report);
	return end;
}

struct change {
	const char *name;
	const char *value;
	int end;
};

static void try_all(const char *what, const char *good, const struct change *changes, size_t count,
	int (*read)(json *body))
{
	json *body = parsed(good);

	is_i64(read(body), 0, "the good %s", what);
	json_drop(body);
	for (size_t i = 0; i < count; i++)
		is_i64(read_with(good, changes[i].name, changes[i].value, read), changes[i].end,
			"%s with %s %s", what, changes[i].name,
			changes[i].value != NULL ? changes[i].value : "left out");
	is_i64(read(NULL), -1, "nothing is no %s", what);
	body = parsed("[1]");
	is_i64(read(body), -1, "an array is no %s", what);
	json_drop(body);
}

/* Every beginning of the text is refused, as JSON or as a value. */
static void try_cuts(const char *what, const char *good, int (*read)(json *body))
{
	bool refused = true;

	for (size_t length = 0; length < strlen(good); length++) {
		json *body = json_read(good, length);

		refused = refused && (body == NULL || read(body) == -1);
		json_drop(body);
	}
	ok(refused, "no beginning of a %s is one", what);
}

static void test_task_wrong(void)
{
	static const char good[] = "{\"task\":5,\"fence\":2,\"kind\":\"say\",\"chat\":9,\"message\":0,"
		"\"job\":0,\"attempts\":1,\"lang\":\"en\",\"payload\":{},\"memo\":{}}";
	static const struct change changes[] = {
		{"task", "0", -1}, {"task", "-1", -1}, {"task", "\"5\"", -1}, {"task", "1.5", -1},
		{"task", "9223372036854775808", -1}, {"task", NULL, -1},
		{"fence", "0", -1}, {"fence", "2147483648", -1}, {"fence", NULL, -1},
		{"kind", "\"shout\"", -1}, {"kind", "1", -1}, {"kind", NULL, -1},
		{"chat", "-5", 0}, {"chat", "null", -1}, {"message", "-1", -1}, {"message", NULL, -1},
		{"job", "-1", -1}, {"job", "{}", -1}, {"attempts", "-1", -1}, {"attempts", "2147483648", -1},
		{"lang", "\"\"", 0}, {"lang", "\"eng\"", -1}, {"lang", "\"E1\"", -1}, {"lang", NULL, -1},
		{"payload", "null", 0}, {"payload", NULL, 0}, {"payload", "[]", -1}, {"payload", "\"x\"", -1},
		{"memo", NULL, 0}, {"memo", "7", -1}, {"more", "1", 0},
	};

	try_all("task", good, changes, sizeof changes / sizeof changes[0], task_try);
	try_cuts("task", good, task_try);
}

static void test_report_round(void)
{
	struct report got;

	for (int outcome = 0; outcome < REPORT_OUTCOME_COUNT; outcome++)
		for (int class = 0; class < REPORT_CLASS_COUNT; class++) {
			struct report report = {
				.task_id = 8, .fence = 3, .outcome = (enum report_outcome)outcome,
				.class = (enum report_class)class, .retry_ms = INT32_MAX,
				.text = "why", .result = parsed("{\"request\":{\"id\":\"x\"}}"),
			};
			json *body = report_write(&report);

			if (report_read(body, &got) != 0 || got.outcome != report.outcome
				|| got.class != report.class || got.retry_ms != INT32_MAX
				|| got.task_id != 8 || got.fence != 3 || strcmp(got.text, "why") != 0
				|| strcmp(json_text(got.result, "request.id"), "x") != 0)
				ok(false, "report %d %d comes back", outcome, class);
			report_drop(&got);
			report_drop(&report);
			json_drop(body);
		}
	ok(true, "reports come back");
	is_str(report_class_name(CLASS_NONE), "", "no class is the empty one");
}

static void test_report_wrong(void)
{
	static const char good[] = "{\"task\":5,\"fence\":2,\"outcome\":\"later\",\"class\":\"rate\","
		"\"retry_ms\":10,\"text\":\"\",\"result\":{}}";
	static const struct change changes[] = {
		{"task", "0", -1}, {"task", NULL, -1}, {"fence", "-1", -1}, {"fence", "4294967297", -1},
		{"outcome", "\"paid\"", -1}, {"outcome", "0", -1}, {"outcome", NULL, -1},
		{"class", "\"mine\"", -1}, {"class", "3", -1}, {"class", "\"\"", 0}, {"class", NULL, 0},
		{"retry_ms", "-1", -1}, {"retry_ms", "2147483648", -1}, {"retry_ms", "\"1\"", -1},
		{"retry_ms", NULL, 0}, {"text", "1", -1}, {"text", NULL, 0},
		{"result", "[]", -1}, {"result", "\"x\"", -1}, {"result", "null", 0}, {"result", NULL, 0},
	};

	try_all("report", good, changes, sizeof changes / sizeof changes[0], report_try);
	try_cuts("report", good, report_try);
}

static void test_report_text(void)
{
	char text[1024] = "{\"task\":1,\"fence\":1,\"outcome\":\"done\",\"text\":\"";
	struct report got;
	size_t length = strlen(text);

	/* 239 bytes fall in the middle of a letter of two bytes. */
	for (int i = 0; i < 200; i++, length += 2)
		memcpy(text + length, "\xd0\xb6", 2);
	memcpy(text + length, "\"}", 3);
	json *body = parsed(text);

	is_i64(report_read(body, &got), 0, "a long text is no reason to refuse");
	is_i64(strlen(got.text), 238, "it is cut at a whole letter");
	json_drop(body);
	body = parsed("{\"task\":1,\"fence\":1,\"outcome\":\"done\",\"text\":\"a\\u0000b\","
		"\"result\":{\"x\":[{\"y\":\"c\\u0000d\xff\"}]}}");
	is_i64(report_read(body, &got), 0, "NUL and bad UTF-8 neither");
	is_str(got.text, "a?b", "the text is made fit");
	is_str(json_text(got.result, "x.0.y"), "c?d?", "and every text of the result");
	report_drop(&got);
	json_drop(body);
	body = parsed("{\"task\":1,\"fence\":1,\"outcome\":\"done\",\"result\":{\"a\":1e999999,\"b\":1e-999999,"
		"\"c\":[NaN,-Infinity,1.5],\"\xff\":1,\"d\":9223372036854775807,\"e\":[{\"\xff\":{},\"f\":true}]}}");
	is_i64(report_read(body, &got), 0, "nor numbers and names that jsonb refuses");
	is_str(json_write(got.result), "{\"a\":null,\"b\":0.0,\"c\":[null,null,1.5],\"d\":9223372036854775807,"
		"\"e\":[{\"f\":true}]}", "they are mended");
	report_drop(&got);
	json_drop(body);
}

int main(void)
{
	test_names();
	test_task_round();
	test_task_wrong();
	test_report_round();
	test_report_wrong();
	test_report_text();
	return tap_done();
}
