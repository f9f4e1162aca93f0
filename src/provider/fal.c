/* fal.ai's queue: order, ask, take the result, call off. Rules: docs.fal.ai (model-apis, queue, errors). */
#include "provider/fal.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "provider/place.h"

#define MODEL_MAX 200                   /* bytes */
#define FILES_MAX 16                    /* of one result */
#define POLL_MS_FIRST 2000
#define POLL_MS_MAX 5000
#define POLL_STEPS_MAX 16               /* by then the wait has long reached its maximum */

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

struct row {
	int status;                     /* 0: any */
	const char *type;               /* of the error; null: any */
	enum report_outcome outcome;
	enum report_class class;
};

/* A refused order. A row for every code: what is not listed may have been taken, and is unknown. */
static const struct row submit_rows[] = {
	{0, "content_policy_violation", REPORT_REFUSED, CLASS_POLICY},
	{400, NULL, REPORT_REFUSED, CLASS_INPUT},
	{401, NULL, REPORT_REFUSED, CLASS_FUNDS},
	{402, NULL, REPORT_REFUSED, CLASS_FUNDS},
	{403, NULL, REPORT_REFUSED, CLASS_FUNDS},       /* "User is locked. Reason: Exhausted balance." */
	{404, NULL, REPORT_REFUSED, CLASS_GONE},
	{405, NULL, REPORT_REFUSED, CLASS_OURS},
	{410, NULL, REPORT_REFUSED, CLASS_GONE},
	{413, NULL, REPORT_REFUSED, CLASS_INPUT},
	{415, NULL, REPORT_REFUSED, CLASS_OURS},
	{422, NULL, REPORT_REFUSED, CLASS_INPUT},
	{429, NULL, REPORT_LATER, CLASS_RATE},
};

/* What the model answered with when it ended without a result: GET of the result gives the model's own status. */
static const struct row result_rows[] = {
	{0, "content_policy_violation", REPORT_REFUSED, CLASS_POLICY},
	{0, "no_media_generated", REPORT_REFUSED, CLASS_EMPTY},
	/* The files are ours, and clean: that they cannot be fetched is nobody else's fault. */
	{0, "file_download_error", REPORT_REFUSED, CLASS_OURS},
	{0, "client_cancelled", REPORT_REFUSED, CLASS_GONE},
	{0, "client_disconnected", REPORT_REFUSED, CLASS_GONE},
	{401, NULL, REPORT_FAILED, CLASS_FUNDS},
	{402, NULL, REPORT_FAILED, CLASS_FUNDS},
	{403, NULL, REPORT_FAILED, CLASS_FUNDS},
	{404, NULL, REPORT_REFUSED, CLASS_EMPTY},
	{410, NULL, REPORT_REFUSED, CLASS_EMPTY},
	{429, NULL, REPORT_LATER, CLASS_RATE},
	{400, NULL, REPORT_REFUSED, CLASS_INPUT},
	{413, NULL, REPORT_REFUSED, CLASS_INPUT},
	{415, NULL, REPORT_REFUSED, CLASS_INPUT},
	{422, NULL, REPORT_REFUSED, CLASS_INPUT},
	/* The model's own failure; asking again would bring the same words. */
	{0, "internal_server_error", REPORT_REFUSED, CLASS_BUSY},
	{0, "internal_error", REPORT_REFUSED, CLASS_BUSY},
	{0, "generation_timeout", REPORT_REFUSED, CLASS_BUSY},
	{0, "request_timeout", REPORT_REFUSED, CLASS_BUSY},
	{0, "startup_timeout", REPORT_REFUSED, CLASS_BUSY},
	{0, "downstream_service_error", REPORT_REFUSED, CLASS_BUSY},
	{0, "downstream_service_unavailable", REPORT_REFUSED, CLASS_BUSY},
	{0, "runner_scheduling_failure", REPORT_REFUSED, CLASS_BUSY},
	{0, "runner_connection_timeout", REPORT_REFUSED, CLASS_BUSY},
	{0, "runner_connection_refused", REPORT_REFUSED, CLASS_BUSY},
	{0, "runner_connection_error", REPORT_REFUSED, CLASS_BUSY},
	{0, "runner_disconnected", REPORT_REFUSED, CLASS_BUSY},
	{0, "runner_incomplete_response", REPORT_REFUSED, CLASS_BUSY},
	{0, "runner_server_error", REPORT_REFUSED, CLASS_BUSY},
};

/* --- shared ----------------------------------------------------------------------------------- */

bool fal_is_plain(const char *text, size_t max, bool path)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
	size_t length = text == NULL ? 0 : strlen(text);

	if (length == 0 || length > max || strspn(text, letters) != length)
		return false;
	return strstr(text, "..") == NULL && *text != '/' && (path || strchr(text, '/') == NULL);
}

void fal_call_begin(struct call *call, const struct provider_setting *setting, struct arena *arena,
	const char *verb, const char *url, const char *name)
{
	*call = (struct call){.verb = verb, .url = url, .name = name, .total_ms = FAL_CALL_MS};
	call->headers[0] = arena_fmt(arena, "Authorization: Key %s", conf_text(setting->conf, "FAL_KEY"));
	call->headers[1] = "Content-Type: application/json";
}

json *fal_request_new(const struct provider_setting *setting, const char *model, const char *id,
	struct arena *arena)
{
	const char *slash = strchr(model, '/');
	size_t two = slash == NULL ? strlen(model) : (size_t)(slash - model) + 1 + strcspn(slash + 1, "/");
	const char *url = arena_fmt(arena, "%s/%s/requests/%s", conf_text(setting->conf, "FAL_QUEUE_URL"),
		arena_text(arena, model, two), id);
	json *request = json_new();

	json_set_text(request, "request_id", id);
	json_set_text(request, "status_url", arena_fmt(arena, "%s/status", url));
	json_set_text(request, "response_url", url);
	json_set_text(request, "cancel_url", arena_fmt(arena, "%s/cancel", url));
	return request;
}

/* The key is sent there: only to the queue, and only about this request. */
static bool url_is_ours(const struct provider_setting *setting, const char *url, const char *id)
{
	const char *base = conf_text(setting->conf, "FAL_QUEUE_URL");

	if (url == NULL || !str_starts(url, base) || url[strlen(base)] != '/')
		return false;
	const char *rest = url + strlen(base) + 1;

	return fal_is_plain(rest, 1024, true) && strstr(rest, id) != NULL;
}

/* The type of an error in either shape, or of the header; null when it has none. */
static const char *error_type(const struct answer *answer, json *body)
{
	const char *type = json_text(body, "detail.0.type");

	if (type == NULL)
		type = json_text(body, "error_type");
	return type != NULL ? type : answer->fal_error_type;
}

static const char *error_words(json *body)
{
	const char *words = json_text(body, "detail");

	if (words == NULL)
		words = json_text(body, "detail.0.msg");
	return words == NULL ? "" : words;
}

static const struct row *row_find(const struct row *rows, size_t count, const struct answer *answer,
	json *body)
{
	const char *type = error_type(answer, body);

	for (size_t i = 0; i < count; i++)
		if ((rows[i].status == 0 || rows[i].status == answer->status)
			&& (rows[i].type == NULL || str_equal(rows[i].type, type)))
			return &rows[i];
	return NULL;
}

static enum provider_next row_end(const struct row *row, const struct answer *answer, json *body,
	struct report *report)
{
	const char *type = error_type(answer, body);

	return provider_end(report, row->outcome, row->class,
		row->outcome == REPORT_LATER ? provider_wait_ms(answer, FAL_WAIT_ELSE_S) : 0,
		"%s%ld %s %s", row->class == CLASS_FUNDS ? "FAL REFUSES THE KEY OR HAS NO MONEY: " : "",
		answer->status, type == NULL ? "" : type, error_words(body));
}

enum provider_next fal_unsuccessful(const struct answer *answer, struct report *report)
{
	if (answer->end == ANSWER_REFUSED)
		return provider_end(report, REPORT_FAILED, CLASS_OURS, 0, "%s", answer->text);
	if (answer->end != ANSWER_CAME)
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%s", answer->text);
	if (answer->status == 429)
		return provider_end(report, REPORT_LATER, CLASS_RATE,
			provider_wait_ms(answer, FAL_WAIT_ELSE_S), "%s", "429");
	if (answer->status == 401 || answer->status == 402 || answer->status == 403)
		return provider_end(report, REPORT_FAILED, CLASS_FUNDS, 0,
			"FAL REFUSES THE KEY OR HAS NO MONEY: %ld", answer->status);
	if (answer->status >= 400 && answer->status < 500)
		return provider_end(report, REPORT_FAILED, CLASS_OURS, 0, "%ld", answer->status);
	return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%ld, not as expected", answer->status);
}

/* --- submit ----------------------------------------------------------------------------------- */

static enum provider_next submit(const struct task *task, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	const char *model = json_text(task->payload, "model");

	if (*conf_text(setting->conf, "FAL_KEY") == '\0')
		return provider_end(report, REPORT_REFUSED, CLASS_FUNDS, 0, "FAL_KEY is empty");
	json *input = fal_is_plain(model, MODEL_MAX, true) ? place_input(task, setting, arena) : NULL;

	if (input == NULL)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no model, no input, or files that do not fit");
	fal_call_begin(call, setting, arena, "POST",
		arena_fmt(arena, "%s/%s", conf_text(setting->conf, "FAL_QUEUE_URL"), model), "fal submit");
	call->headers[2] = "X-Fal-Object-Lifecycle-Preference: {\"expiration_duration_seconds\":86400}";
	call->body = arena_str(arena, json_write(input));
	json_drop(input);
	call->body_length = strlen(call->body);
	call->fresh = true;
	return PROVIDER_CALL;
}

/* The addresses that fal named, where they are its own; made by the rule otherwise: the order is placed and paid. */
static json *request_read(const struct task *task, json *body, const char *id,
	const struct provider_setting *setting, struct arena *arena)
{
	static const char *const names[] = {"status_url", "response_url", "cancel_url"};
	json *request = fal_request_new(setting, json_text(task->payload, "model"), id, arena);

	for (size_t i = 0; i < COUNT(names); i++)
		if (url_is_ours(setting, json_text(body, names[i]), id))
			json_set_text(request, names[i], json_text(body, names[i]));
	return request;
}

static enum provider_next submitted(const struct task *task, const struct answer *answer, json *body,
	const struct provider_setting *setting, struct arena *arena, struct report *report)
{
	if (answer->end == ANSWER_NOT_SENT)
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%s", answer->text);
	if (answer->end != ANSWER_CAME)
		return provider_end(report, REPORT_UNKNOWN, CLASS_BUSY, 0, "%s", answer->text);
	if (answer->status / 100 == 2) {
		const char *id = json_text(body, "request_id");

		if (!fal_is_plain(id, FAL_ID_MAX, false))
			return provider_end(report, REPORT_UNKNOWN, CLASS_BUSY, 0,
				"%ld without a request id", answer->status);
		report->result = request_read(task, body, id, setting, arena);
		return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "request %s", id);
	}
	const struct row *row = row_find(submit_rows, COUNT(submit_rows), answer, body);

	if (row != NULL && answer->status < 500)
		return row_end(row, answer, body, report);
	if (answer->status / 100 == 3)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "%ld: redirected", answer->status);
	return provider_end(report, REPORT_UNKNOWN, CLASS_BUSY, 0, "%ld %s", answer->status,
		error_words(body));
}

/* --- poll ------------------------------------------------------------------------------------- */

static enum provider_next ask(const struct task *task, const struct provider_setting *setting,
	struct arena *arena, const char *verb, const char *which, const char *name,
	struct call *call, struct report *report)
{
	const char *id = json_text(task->payload, "request.request_id");
	const char *url = json_text(task->payload, arena_fmt(arena, "request.%s", which));

	if (!fal_is_plain(id, FAL_ID_MAX, false) || !url_is_ours(setting, url, id))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "%s is not fal's", which);
	url = str_equal(which, "status_url") ? arena_fmt(arena, "%s?logs=0", url) : arena_str(arena, url);
	fal_call_begin(call, setting, arena, verb, url, name);
	return PROVIDER_CALL;
}

static enum provider_next not_yet(const struct task *task, const char *state, json *body,
	struct report *report)
{
	int64_t polls = 0, place, wait_ms = POLL_MS_FIRST;

	if (!json_i64(task->memo, "polls", &polls) || polls < 0)
		polls = 0;
	for (int64_t i = 0; i < polls && i < POLL_STEPS_MAX; i++)
		wait_ms = wait_ms * 13 / 10;
	report->result = json_new();
	json_set_text(report->result, "state", state);
	if (json_i64(body, "queue_position", &place) && place >= 0)
		json_set_i64(report->result, "position", place);
	json_set_i64(report->result, "polls", polls + 1);
	return provider_end(report, REPORT_LATER, CLASS_NONE,
		wait_ms < POLL_MS_MAX ? wait_ms : POLL_MS_MAX, "%s", state);
}

static enum provider_next status_came(const struct task *task, const struct answer *answer,
	json *body, const struct provider_setting *setting, struct arena *arena,
	struct call *call, struct report *report)
{
	const char *status = json_text(body, "status");

	if (answer->end == ANSWER_CAME && (answer->status == 404 || answer->status == 410))
		return provider_end(report, REPORT_REFUSED, CLASS_EMPTY, 0, "the request has expired");
	if (answer->end != ANSWER_CAME || answer->status / 100 != 2)
		return fal_unsuccessful(answer, report);
	if (str_equal(status, "IN_QUEUE"))
		return not_yet(task, "queued", body, report);
	if (str_equal(status, "IN_PROGRESS"))
		return not_yet(task, "running", body, report);
	if (str_equal(status, "COMPLETED"))
		return ask(task, setting, arena, "GET", "response_url", "fal result", call, report);
	return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "a status that is none");
}

static void file_add(json *files, json *file)
{
	const char *url = json_text(file, "url");

	if (url == NULL || json_count(files, "") >= FILES_MAX)
		return;
	json *one = json_new();

	json_set_text(one, "url", url);
	json_push(files, one);
}

/* The holder of the output differs by model: images[], image or video. */
static json *files_of(json *body)
{
	json *files = json_new_array();

	for (size_t i = 0; i < json_count(body, "images"); i++)
		file_add(files, json_object_array_get_idx(json_at(body, "images"), i));
	file_add(files, json_at(body, "image"));
	file_add(files, json_at(body, "video"));
	return files;
}

static enum provider_next made(json *body, struct report *report)
{
	/* A refused picture comes with 200, blackened. */
	for (size_t i = 0; i < json_count(body, "has_nsfw_concepts"); i++)
		if (json_object_get_boolean(json_object_array_get_idx(
			json_at(body, "has_nsfw_concepts"), i)))
			return provider_end(report, REPORT_REFUSED, CLASS_POLICY, 0, "has_nsfw_concepts");
	json *files = files_of(body);

	if (json_count(files, "") == 0) {
		json_drop(files);
		return provider_end(report, REPORT_REFUSED, CLASS_EMPTY, 0, "a result without files");
	}
	report->result = json_new();
	json_set(report->result, "files", files);
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%s", "");
}

static enum provider_next result_came(const struct task *task, const struct answer *answer,
	json *body, struct report *report)
{
	if (answer->end != ANSWER_CAME || (answer->status == 200 && body == NULL))
		return fal_unsuccessful(answer, report);
	if (answer->status == 200)
		return made(body, report);
	if (answer->status == 202)
		return not_yet(task, "running", body, report);
	if (str_equal(answer->fal_timeout_type, "user"))
		return provider_end(report, REPORT_REFUSED, CLASS_LATE, 0, "it did not start in time");
	const struct row *row = row_find(result_rows, COUNT(result_rows), answer, body);

	if (row != NULL)
		return row_end(row, answer, body, report);
	/* fal's own words carry this header; without it, it is something on the way that may pass. */
	if (answer->status >= 500 && answer->fal_retryable != NULL)
		return provider_end(report, REPORT_REFUSED, CLASS_BUSY, 0, "%ld %s", answer->status,
			error_words(body));
	return fal_unsuccessful(answer, report);
}

/* --- cancel ----------------------------------------------------------------------------------- */

static enum provider_next cancelled(const struct answer *answer, json *body, struct report *report)
{
	const char *status = json_text(body, "status");
	bool told = answer->status / 100 == 2 || answer->status == 404
		|| (answer->status == 400 && str_equal(status, "ALREADY_COMPLETED"));

	if (answer->end != ANSWER_CAME || !told)
		return fal_unsuccessful(answer, report);
	report->result = json_new();
	json_set_text(report->result, "status", status == NULL ? "" : status);
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%s", status == NULL ? "" : status);
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum provider_next begin(const struct task *task, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	if (task->kind == TASK_SUBMIT)
		return submit(task, setting, arena, call, report);
	if (task->kind == TASK_POLL)
		return ask(task, setting, arena, "GET", "status_url", "fal status", call, report);
	if (task->kind == TASK_CANCEL)
		return ask(task, setting, arena, "PUT", "cancel_url", "fal cancel", call, report);
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "not a task for fal");
}

static enum provider_next next(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena,
	struct call *call, struct report *report)
{
	const struct task *task = work->task;

	if (task->kind == TASK_LOOKUP)
		return fal_lookup(work, answer, setting, arena, call, report);
	if (answer == NULL)
		return begin(task, setting, arena, call, report);
	json *body = answer->end == ANSWER_CAME ? json_read(answer->body, answer->body_length) : NULL;
	enum provider_next then = PROVIDER_END;

	if (task->kind == TASK_SUBMIT)
		then = submitted(task, answer, body, setting, arena, report);
	else if (task->kind == TASK_CANCEL)
		then = cancelled(answer, body, report);
	else if (work->step == 1)
		then = status_came(task, answer, body, setting, arena, call, report);
	else
		then = result_came(task, answer, body, report);
	json_drop(body);
	return then;
}

const struct provider provider_fal = {.name = "fal", .next = next};
