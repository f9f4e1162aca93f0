/* Answers of the outside world to an adapter: four bytes say what kind, the rest is a body. */
#ifndef FUZZ_ANSWERS_H
#define FUZZ_ANSWERS_H

#include "base/str.h"
#include "provider/provider.h"

#include "fuzz.h"

#define STEPS_MAX 40
#define COUNT(table) (sizeof (table) / sizeof (table)[0])

/* The call goes where its key belongs, and nothing in it ends a line early. */
static void call_check(const struct call *call, const char *const *bases, size_t count)
{
	bool known = false;

	HOLDS(call->verb && call->url && call->name);
	for (size_t i = 0; i < count; i++)
		known = known || (str_starts(call->url, bases[i]) && call->url[strlen(bases[i])] == '/');
	HOLDS(known);
	for (const char *at = call->url; *at != '\0'; at++)
		HOLDS(*at > 0x20 && *at < 0x7f && strchr("\"<>\\^`{|}#", *at) == NULL);
	HOLDS(strstr(call->url, "/../") == NULL);
	for (size_t i = 0; i < CALL_HEADERS_MAX && call->headers[i] != NULL; i++)
		HOLDS(strpbrk(call->headers[i], "\r\n") == NULL);
	for (size_t i = 0; i < call->part_count; i++)
		HOLDS(call->parts[i].name && (call->parts[i].value || call->parts[i].path));
	HOLDS(call->body == NULL || strlen(call->body) == call->body_length);
}

static void report_check(struct report *report)
{
	struct report back;

	report->task_id = report->fence = 1;
	json *body = report_write(report);
	const char *text = json_write(body);
	json *again = json_read(text, strlen(text));

	HOLDS(str_is_utf8(report->text, strlen(report->text)) && report->retry_ms >= 0);
	HOLDS(report_read(again, &back) == 0);
	report_drop(&back);
	json_drop(again);
	json_drop(body);
}

/* The answer that the first four bytes describe: end, status, headers, wait. */
static struct answer answer_of(const uint8_t head[4], const char *body, size_t length)
{
	static const long statuses[] = {200, 200, 200, 201, 202, 204, 301, 400, 401, 402, 403, 404, 405, 408,
		409, 410, 413, 415, 422, 425, 429, 500, 502, 503, 504, 529, 600, 0};
	static const char *const types[] = {NULL, NULL, "content_policy_violation", "internal_server_error",
		"request_timeout", "no_media_generated", "", "other"};
	struct answer answer = {
		.end = (enum answer_end)(head[0] % 8 < 5 ? ANSWER_CAME : head[0] % 8 - 4),
		.status = statuses[head[1] % COUNT(statuses)], .body = body, .body_length = length,
		.retry_after_s = head[3] % 4 == 0 ? -1 : head[3] == 255 ? INT64_MAX / 1000 : head[3],
		.fal_retryable = head[2] & 1 ? "true" : head[2] & 2 ? "false" : NULL,
		.fal_error_type = types[head[2] / 4 % COUNT(types)],
		.fal_timeout_type = head[2] & 128 ? "user" : head[2] & 64 ? "infra" : NULL,
		.text = "the line broke",
	};

	if (answer.end != ANSWER_CAME) {
		answer.status = 0;
		answer.body = "";
		answer.body_length = 0;
	}
	return answer;
}

/* Takes a task to its end with the same answer every time. */
static void provider_try(const struct provider *provider, const struct task *task,
	const struct answer *answer, const char *const *bases, size_t count)
{
	struct arena *arena = arena_new(64u << 20);
	struct provider_setting setting = {fuzz_conf(), fuzz_texts(), "/var/spool/atelier"};
	struct provider_work work = {task, 0, json_new()};
	enum provider_next next = PROVIDER_CALL;

	for (; next == PROVIDER_CALL; work.step++) {
		struct call call = {0};
		struct report report = {0};

		HOLDS(work.step < STEPS_MAX);
		next = provider->next(&work, work.step == 0 ? NULL : answer, &setting, arena, &call, &report);
		if (next == PROVIDER_CALL)
			call_check(&call, bases, count);
		else
			report_check(&report);
		report_drop(&report);
	}
	json_drop(work.note);
	arena_free(arena);
}

#endif
