/* Kling's videos: two generations of its API, told apart by the model's name. Rules: kling.ai/document-api. */
#include "provider/kling.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "provider/place.h"

#define CALL_MS 60000
#define ID_MAX 80
#define POLL_MS_FIRST 5000
#define POLL_MS_MAX 10000
#define LOOK_AGAIN_MS 5000
#define WAIT_ELSE_S 5
#define TOKEN_BEFORE_S 5                /* clocks differ */
#define TOKEN_LASTS_S 1800

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

struct row {
	int64_t code;
	enum report_outcome outcome;
	enum report_class class;
};

/* Kling's own codes, whatever the HTTP status (docs: error codes). Nothing was made in any of them but 5xxx. */
static const struct row rows[] = {
	{1000, REPORT_REFUSED, CLASS_FUNDS}, {1001, REPORT_REFUSED, CLASS_FUNDS},
	{1002, REPORT_REFUSED, CLASS_FUNDS}, {1003, REPORT_REFUSED, CLASS_FUNDS},
	{1004, REPORT_REFUSED, CLASS_FUNDS},    /* not yet or no longer valid: our clock is wrong */
	{1100, REPORT_REFUSED, CLASS_FUNDS}, {1101, REPORT_REFUSED, CLASS_FUNDS},
	{1102, REPORT_REFUSED, CLASS_FUNDS}, {1103, REPORT_REFUSED, CLASS_GONE},
	{1200, REPORT_REFUSED, CLASS_INPUT}, {1201, REPORT_REFUSED, CLASS_INPUT},
	{1202, REPORT_REFUSED, CLASS_GONE}, {1203, REPORT_REFUSED, CLASS_GONE},
	{1300, REPORT_REFUSED, CLASS_POLICY}, {1301, REPORT_REFUSED, CLASS_POLICY},
	{1302, REPORT_LATER, CLASS_RATE}, {1303, REPORT_LATER, CLASS_RATE},
	{1304, REPORT_REFUSED, CLASS_FUNDS},    /* our address is not on their list */
	{5000, REPORT_UNKNOWN, CLASS_BUSY}, {5001, REPORT_UNKNOWN, CLASS_BUSY}, {5002, REPORT_UNKNOWN, CLASS_BUSY},
};

/* --- shared ----------------------------------------------------------------------------------- */

static bool is_id(const char *text, const char *more)
{
	size_t length = text == NULL ? 0 : strlen(text);

	while (length > 0 && *text != '\0' && (strchr(more, *text) != NULL || strspn(text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") > 0))
		text++;
	return length > 0 && length <= ID_MAX && *text == '\0';
}

/* The older generation names its models so, and speaks another language. */
static bool is_old(const char *model)
{
	return str_starts(model, "kling-v");
}

/* base64url without padding, in the arena. */
static const char *web64(const void *bytes, size_t length, struct arena *arena)
{
	char *out = arena_alloc(arena, (length + 2) / 3 * 4 + 1);
	int count = EVP_EncodeBlock((unsigned char *)out, bytes, (int)length);

	while (count > 0 && out[count - 1] == '=')
		count--;
	out[count] = '\0';
	for (char *at = out; *at != '\0'; at++)
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
	return out;
}

const char *kling_token(const char *access, const char *secret, int64_t now_s, struct arena *arena)
{
	static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	json *claims = json_new();

	json_set_text(claims, "iss", access);
	json_set_i64(claims, "exp", now_s + TOKEN_LASTS_S);
	json_set_i64(claims, "nbf", now_s - TOKEN_BEFORE_S);
	const char *text = json_write(claims);
	const char *signed_part = arena_fmt(arena, "%s.%s", web64(head, strlen(head), arena),
		web64(text, strlen(text), arena));

	json_drop(claims);
	must(HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)signed_part,
		strlen(signed_part), mac, &length) != NULL);
	return arena_fmt(arena, "%s.%s", signed_part, web64(mac, length, arena));
}

/* The key opens all models; the pair of keys only the older ones. False when there is neither. */
static bool call_begin(const struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, const char *verb, const char *path, struct call *call)
{
	const char *key = conf_text(setting->conf, "KLING_API_KEY");
	const char *access = conf_text(setting->conf, "KLING_ACCESS_KEY");

	if (*key == '\0' && (*access == '\0' || !is_old(json_text(work->task->payload, "model"))))
		return false;
	if (*key == '\0')
		key = kling_token(access, conf_text(setting->conf, "KLING_SECRET_KEY"), work->now_s, arena);
	*call = (struct call){
		.verb = verb, .name = arena_fmt(arena, "kling %s", task_kind_name(work->task->kind)), .total_ms = CALL_MS,
		.url = arena_fmt(arena, "%s/%s", conf_text(setting->conf, "KLING_API_URL"), path),
	};
	call->headers[0] = arena_fmt(arena, "Authorization: Bearer %s", key);
	call->headers[1] = "Content-Type: application/json";
	return true;
}

static enum provider_next no_key(struct report *report)
{
	return provider_end(report, REPORT_REFUSED, CLASS_FUNDS, 0, "no key of Kling opens this model");
}

/* The row of an answer's code; null: none, or no code. */
static const struct row *row_of(json *body)
{
	int64_t code;

	if (!json_i64(body, "code", &code))
		return NULL;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

static enum provider_next row_end(const struct row *row, const struct answer *answer, json *body,
	struct report *report)
{
	const char *words = json_text(body, "message");

	return provider_end(report, row->outcome, row->class,
		row->outcome == REPORT_LATER ? provider_wait_ms(answer, WAIT_ELSE_S) : 0, "%s%" PRId64 " %s",
		row->class == CLASS_FUNDS ? "KLING REFUSES THE KEY OR HAS NO MONEY: " : "", row->code,
		words == NULL ? "" : words);
}

/* A question that may be put again: whatever is wrong, the order stands as it is. */
static enum provider_next unanswered(const struct answer *answer, json *body, struct report *report)
{
	const struct row *row = row_of(body);

	if (answer->end != ANSWER_CAME)
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%s", answer->text);
	if (row != NULL && row->outcome == REPORT_LATER)
		return row_end(row, answer, body, report);
	if (row != NULL && row->class == CLASS_FUNDS)
		return provider_end(report, REPORT_FAILED, CLASS_FUNDS, 0, "KLING REFUSES THE KEY: %" PRId64, row->code);
	return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%ld, not as expected", answer->status);
}

/* --- submit ----------------------------------------------------------------------------------- */

static json *options_new(const char *order)
{
	json *options = json_new(), *mark = json_new();

	json_set_text(options, "external_task_id", order);
	json_set_bool(mark, "enabled", false);
	json_set(options, "watermark_info", mark);
	return options;
}

/* Settings are what the catalogue says but for what has a place of its own. */
static json *settings_new(json *input)
{
	json *settings = json_new();

	json_object_object_foreach(input, name, value)
		if (!str_equal(name, "prompt") && !str_equal(name, "kind"))
			json_set(settings, name, json_copy(value));
	/* Sound costs more, and is off where it can be. */
	if (!str_equal(json_text(input, "kind"), "motion-control"))
		json_set_text(settings, "audio", "off");
	return settings;
}

static void content_add(json *contents, const char *type, const char *name, const char *value)
{
	json *content = json_new();

	json_set_text(content, "type", type);
	json_set_text(content, name, value);
	json_push(contents, content);
}

/* The newer generation: a text alone is a prompt, files and text together are contents. Null: files that do not fit. */
static json *body_new(const struct task *task, const struct provider_setting *setting, struct arena *arena)
{
	json *input = json_at(task->payload, "input"), *body = json_new(), *contents = json_new_array();
	size_t count = json_count(task->payload, "files");
	const char *prompt = json_text(input, "prompt");

	json_set(body, "settings", settings_new(input));
	json_set(body, "options", options_new(json_text(task->payload, "order")));
	if (prompt != NULL && *prompt != '\0' && count > 0)
		content_add(contents, "prompt", "text", prompt);
	for (size_t i = 0; i < count; i++) {
		const char *place = json_text(task->payload, arena_fmt(arena, "places.%zu", i));
		const char *url = place_url(task, i, setting, arena);

		if (place == NULL || url == NULL) {
			json_drop(contents);
			json_drop(body);
			return NULL;
		}
		content_add(contents, place, "url", url);
	}
	if (count > 0) {
		json_set(body, "contents", contents);
	} else {
		json_set_text(body, "prompt", prompt);
		json_drop(contents);
	}
	return body;
}

/* The older generation: the model is in the body. */
static json *old_body_new(const struct task *task, const struct provider_setting *setting, struct arena *arena)
{
	json *body = place_input(task, setting, arena);

	if (body != NULL) {
		json_set_text(body, "model_name", json_text(task->payload, "model"));
		json_set_text(body, "external_task_id", json_text(task->payload, "order"));
	}
	return body;
}

static const char *old_path(const struct task *task)
{
	return json_count(task->payload, "files") > 0 ? "v1/videos/image2video" : "v1/videos/text2video";
}

static enum provider_next submit(const struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	const struct task *task = work->task;
	const char *model = json_text(task->payload, "model"), *kind = json_text(task->payload, "input.kind");
	bool old = is_old(model == NULL ? "" : model);

	if (!is_id(model, ".") || (!old && !is_id(kind, "")) || !is_id(json_text(task->payload, "order"), ""))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no model, kind or order");
	if (!call_begin(work, setting, arena, "POST", old ? old_path(task) : arena_fmt(arena, "%s/%s", kind, model), call))
		return no_key(report);
	json *body = old ? old_body_new(task, setting, arena) : body_new(task, setting, arena);

	if (body == NULL)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "the files do not fit");
	call->body = arena_str(arena, json_write(body));
	call->body_length = strlen(call->body);
	call->fresh = true;
	json_drop(body);
	return PROVIDER_CALL;
}

static json *request_new(const struct task *task, const char *id)
{
	json *request = json_new();

	json_set_text(request, "request_id", id);
	json_set_text(request, "path", is_old(json_text(task->payload, "model")) ? old_path(task) : "tasks");
	return request;
}

static enum provider_next submitted(const struct task *task, const struct answer *answer, json *body,
	struct report *report)
{
	const struct row *row = row_of(body);
	const char *id = json_text(body, "data.id");
	int64_t code = -1;

	if (answer->end == ANSWER_NOT_SENT)
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%s", answer->text);
	if (answer->end != ANSWER_CAME)
		return provider_end(report, REPORT_UNKNOWN, CLASS_BUSY, 0, "%s", answer->text);
	if (id == NULL)
		id = json_text(body, "data.task_id");
	(void)json_i64(body, "code", &code);
	if (code == 0 && is_id(id, "")) {
		report->result = request_new(task, id);
		return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "task %s", id);
	}
	/* Our name of the order is there already: an earlier call of ours did arrive. */
	const char *words = json_text(body, "message");

	if (row != NULL && row->class == CLASS_INPUT && words != NULL && strcasestr(words, "external_task_id") != NULL)
		return provider_end(report, REPORT_UNKNOWN, CLASS_BUSY, 0, "the order is there already");
	if (row != NULL)
		return row_end(row, answer, body, report);
	if (answer->status == 401 || answer->status == 402)
		return provider_end(report, REPORT_REFUSED, CLASS_FUNDS, 0, "KLING REFUSES THE KEY: %ld", answer->status);
	return provider_end(report, REPORT_UNKNOWN, CLASS_BUSY, 0, "%ld without a task", answer->status);
}

/* --- poll and lookup -------------------------------------------------------------------------- */

static enum provider_next ask(const struct provider_work *work, const char *id, bool ours,
	const struct provider_setting *setting, struct arena *arena, struct call *call, struct report *report)
{
	const struct task *task = work->task;
	bool old = is_old(json_text(task->payload, "model"));

	const char *kind = ours ? old_path(task) : json_text(task->payload, "request.path");

	if (!is_id(id, "") || (old && (kind == NULL || !str_starts(kind, "v1/videos/") || !is_id(kind, "/"))))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no task");
	const char *path = old ? arena_fmt(arena, "%s/%s", kind, id)
		: arena_fmt(arena, "tasks?%s=%s", ours ? "external_task_ids" : "task_ids", id);

	return call_begin(work, setting, arena, "GET", path, call) ? PROVIDER_CALL : no_key(report);
}

static enum provider_next not_yet(const struct task *task, const char *state, struct report *report)
{
	int64_t polls = 0;

	if (!json_i64(task->memo, "polls", &polls) || polls < 0)
		polls = 0;
	report->result = json_new();
	json_set_text(report->result, "state", state);
	json_set_i64(report->result, "polls", polls + 1);
	return provider_end(report, REPORT_LATER, CLASS_NONE, polls < 6 ? POLL_MS_FIRST : POLL_MS_MAX, "%s", state);
}

static enum provider_next made(json *task, struct report *report)
{
	json *old = json_at(task, "task_result.videos"), *files = json_new_array();

	for (size_t i = 0; i < json_count(task, "outputs") + (old == NULL ? 0 : 1); i++) {
		json *output = old == NULL ? json_object_array_get_idx(json_at(task, "outputs"), i) : json_at(old, "0");
		const char *url = json_text(output, "url");

		if (url == NULL || (old == NULL && !str_equal(json_text(output, "type"), "video")))
			continue;
		json *file = json_new();

		json_set_text(file, "url", url);
		json_push(files, file);
		break;
	}
	if (json_count(files, "") == 0) {
		json_drop(files);
		return provider_end(report, REPORT_REFUSED, CLASS_EMPTY, 0, "a result without a film");
	}
	report->result = json_new();
	json_set(report->result, "files", files);
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%s", "");
}

/* A task that failed says why in free words only. */
static enum provider_next failed(const char *words, struct report *report)
{
	static const char *const risky[] = {"risk", "sensitive", "policy", "violat", "prohibit"};

	for (size_t i = 0; words != NULL && i < COUNT(risky); i++)
		if (strcasestr(words, risky[i]) != NULL)
			return provider_end(report, REPORT_REFUSED, CLASS_POLICY, 0, "%s", words);
	return provider_end(report, REPORT_REFUSED, CLASS_BUSY, 0, "failed: %s", words == NULL ? "" : words);
}

/* The one task asked about: an array's only element in the newer generation. */
static json *task_of(json *body)
{
	json *data = json_at(body, "data");

	return json_object_is_type(data, json_type_array) ? json_at(data, "0") : data;
}

static enum provider_next polled(const struct task *task, const struct answer *answer, json *body,
	struct report *report)
{
	json *found = task_of(body);
	const char *status = json_text(found, "status"), *words = json_text(found, "message");
	int64_t code = -1;

	if (status == NULL) {
		status = json_text(found, "task_status");
		words = json_text(found, "task_status_msg");
	}
	if (answer->end == ANSWER_CAME && answer->status == 200 && json_i64(body, "code", &code) && code == 0
		&& found == NULL && json_object_is_type(json_at(body, "data"), json_type_array))
		return provider_end(report, REPORT_REFUSED, CLASS_EMPTY, 0, "the task is no longer known");
	if (answer->end != ANSWER_CAME || code != 0 || status == NULL)
		return unanswered(answer, body, report);
	if (str_equal(status, "submitted"))
		return not_yet(task, "queued", report);
	if (str_equal(status, "processing"))
		return not_yet(task, "running", report);
	if (str_equal(status, "succeeded") || str_equal(status, "succeed"))
		return made(found, report);
	if (str_equal(status, "failed"))
		return failed(words, report);
	return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "a status that is none");
}

static enum provider_next looked(const struct task *task, const struct answer *answer, json *body,
	struct report *report)
{
	json *found = task_of(body);
	const char *id = json_text(found, "id");
	const struct row *row = row_of(body);
	int64_t code = -1;

	if (id == NULL)
		id = json_text(found, "task_id");
	(void)json_i64(body, "code", &code);
	if (answer->end == ANSWER_CAME && code == 0 && is_id(id, "")) {
		report->result = request_new(task, id);
		return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "task %s", id);
	}
	/* The newer API says so with an empty list, the older one with a code of its own. Anything else may be something
	 * on the way, and is no reason to order again. */
	json *data = json_at(body, "data");
	bool old = is_old(json_text(task->payload, "model"));
	bool none = answer->end == ANSWER_CAME && (old ? row != NULL && row->class == CLASS_INPUT
		: code == 0 && json_object_is_type(data, json_type_array) && found == NULL);

	if (none)
		return provider_end(report, REPORT_LATER, CLASS_NONE, LOOK_AGAIN_MS, "not found yet");
	return unanswered(answer, body, report);
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum provider_next begin(const struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	const struct task *task = work->task;

	if (json_text(task->payload, "model") == NULL)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no model");
	if (task->kind == TASK_SUBMIT)
		return submit(work, setting, arena, call, report);
	if (task->kind == TASK_POLL)
		return ask(work, json_text(task->payload, "request.request_id"), false, setting, arena, call, report);
	if (task->kind == TASK_LOOKUP)
		return ask(work, json_text(task->payload, "order"), true, setting, arena, call, report);
	if (task->kind == TASK_CANCEL)
		return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "Kling has no way to call off");
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "not a task for Kling");
}

static enum provider_next next(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena, struct call *call, struct report *report)
{
	const struct task *task = work->task;

	if (answer == NULL)
		return begin(work, setting, arena, call, report);
	json *body = answer->end == ANSWER_CAME ? json_read(answer->body, answer->body_length) : NULL;
	enum provider_next then = task->kind == TASK_SUBMIT ? submitted(task, answer, body, report)
		: task->kind == TASK_POLL ? polled(task, answer, body, report)
		: looked(task, answer, body, report);

	json_drop(body);
	return then;
}

const struct provider provider_kling = {.name = "kling", .next = next};
