/* Nano Banana Pro at Google's Gemini API: one call that brings the picture. Rules: ai.google.dev, image generation. */
#include "provider/provider.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"

#define MODEL_MAX 128
#define CALL_MS 300000                  /* Google's own limit for 1K and 2K */
#define CALL_MS_4K 600000
#define ANSWER_BYTES_MAX (48u << 20)    /* a 4K PNG as base64 in JSON */
#define RAW_BYTES_MAX (14 << 20)        /* a request of 20 MB takes so much before base64 */
#define WAIT_ELSE_S 10
#define WAIT_MS_MAX 120000

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

struct row {
	int status;
	const char *word;               /* in the error's status, or a reason of its details; null: any */
	enum report_outcome outcome;
	enum report_class class;
};

/* What an answer that is no 200 means: the first row that fits. Nothing was made in any of them, but in what follows a
 * gateway's time-out that may be unknown. */
static const struct row rows[] = {
	{400, "API_KEY_INVALID", REPORT_REFUSED, CLASS_FUNDS},  /* a bad key is a 400 */
	{400, "FAILED_PRECONDITION", REPORT_REFUSED, CLASS_FUNDS},      /* region or billing */
	{400, NULL, REPORT_REFUSED, CLASS_INPUT},
	{401, NULL, REPORT_REFUSED, CLASS_FUNDS},
	{402, NULL, REPORT_REFUSED, CLASS_FUNDS},
	{403, NULL, REPORT_REFUSED, CLASS_FUNDS},
	{404, NULL, REPORT_REFUSED, CLASS_GONE},
	{413, NULL, REPORT_REFUSED, CLASS_INPUT},
	{429, "PerDay", REPORT_REFUSED, CLASS_FUNDS},
	{429, NULL, REPORT_LATER, CLASS_RATE},
	{500, NULL, REPORT_FAILED, CLASS_BUSY},
	{503, NULL, REPORT_FAILED, CLASS_BUSY},
	{504, NULL, REPORT_UNKNOWN, CLASS_BUSY},
};

/* Blocks come with 200, in the feedback on the prompt or as the reason why a candidate ended. */
static const char *const policy[] = {
	"SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION",
	"IMAGE_RECITATION",
};

/* --- the request ------------------------------------------------------------------------------ */

static bool is_plain(const char *text, size_t max)
{
	size_t length = text == NULL ? 0 : strlen(text);

	return length > 0 && length <= max && strspn(text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == length;
}

static json *config_new(json *input)
{
	json *config = json_new(), *image = json_new(), *modalities = json_new_array();
	const char *ratio = json_text(input, "aspect_ratio"), *size = json_text(input, "image_size");

	json_push(modalities, json_object_new_string("IMAGE"));
	json_set_text(image, "aspectRatio", ratio);
	json_set_text(image, "imageSize", size == NULL ? "1K" : size);
	json_set(config, "responseModalities", modalities);
	json_set(config, "imageConfig", image);
	return config;
}

/* The body with its files between the texts: {"contents":[{"role","parts":[{"text"},{"inline_data"}…]}],…}. */
static bool pieces_make(const struct task *task, const struct provider_setting *setting, struct arena *arena,
	struct call *call)
{
	size_t count = json_count(task->payload, "files"), n = 0;
	json *input = json_at(task->payload, "input");
	const char *prompt = json_text(input, "prompt");

	if (prompt == NULL || 2 * count + 1 > CALL_PIECES_MAX)
		return false;
	struct call_piece *pieces = arena_alloc(arena, (2 * count + 1) * sizeof *pieces);
	json *text = json_new(), *config = config_new(input);

	json_set_text(text, "text", prompt);
	const char *before = arena_fmt(arena, "{\"contents\":[{\"role\":\"user\",\"parts\":[%s", json_write(text));

	for (size_t i = 0; i < count; i++) {
		const char *path = json_text(task->payload, arena_fmt(arena, "files.%zu.path", i));
		const char *type = json_text(task->payload, arena_fmt(arena, "files.%zu.type", i));

		if (path == NULL || strstr(path, "..") != NULL || *path == '/' || type == NULL
			|| !str_starts(type, "image/") || !is_plain(type + 6, 16)) {
			json_drop(text);
			json_drop(config);
			return false;
		}
		pieces[n++] = (struct call_piece){.text = arena_fmt(arena,
			"%s,{\"inline_data\":{\"mime_type\":\"%s\",\"data\":\"", before, type)};
		pieces[n++] = (struct call_piece){.path = arena_fmt(arena, "%s/%s", setting->spool, path)};
		before = "\"}}";
	}
	pieces[n++] = (struct call_piece){.text = arena_fmt(arena, "%s]}],\"generationConfig\":%s}", before,
		json_write(config))};
	json_drop(text);
	json_drop(config);
	call->pieces = pieces;
	call->piece_count = n;
	return true;
}

static enum provider_next submit(const struct task *task, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	const char *model = json_text(task->payload, "model"), *key = conf_text(setting->conf, "NANO_BANANA_API_KEY");
	int64_t raw = 0, bytes = 0;

	if (*key == '\0')
		return provider_end(report, REPORT_REFUSED, CLASS_FUNDS, 0, "NANO_BANANA_API_KEY is empty");
	for (size_t i = 0; i < json_count(task->payload, "files"); i++)
		if (json_i64(task->payload, arena_fmt(arena, "files.%zu.bytes", i), &bytes))
			raw += bytes;
	if (raw > RAW_BYTES_MAX)
		return provider_end(report, REPORT_REFUSED, CLASS_INPUT, 0, "%" PRId64 " bytes of pictures", raw);
	*call = (struct call){
		.verb = "POST", .name = "gemini generateContent", .fresh = true, .answer_max = ANSWER_BYTES_MAX,
		.total_ms = str_equal(json_text(task->payload, "input.image_size"), "4K") ? CALL_MS_4K : CALL_MS,
	};
	if (!is_plain(model, MODEL_MAX) || !pieces_make(task, setting, arena, call))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no model, no prompt, or strange files");
	call->url = arena_fmt(arena, "%s/v1beta/models/%s:generateContent",
		conf_text(setting->conf, "NANO_BANANA_API_URL"), model);
	/* Never in the address, where it would be logged on the way. */
	call->headers[0] = arena_fmt(arena, "x-goog-api-key: %s", key);
	call->headers[1] = "Content-Type: application/json";
	return PROVIDER_CALL;
}

/* --- the answer ------------------------------------------------------------------------------- */

static bool is_policy(const char *reason)
{
	for (size_t i = 0; i < COUNT(policy); i++)
		if (str_equal(policy[i], reason))
			return true;
	return false;
}

/* The last picture that is no draft: the model thinks in pictures too, and marks them. Both spellings occur. */
static const char *picture_of(json *candidate)
{
	json *parts = json_at(candidate, "content.parts");
	const char *found = NULL;

	for (size_t i = 0; i < json_count(candidate, "content.parts"); i++) {
		json *part = json_object_array_get_idx(parts, i);
		const char *data = json_text(part, "inlineData.data");

		if (data == NULL)
			data = json_text(part, "inline_data.data");
		if (data != NULL && !json_true(part, "thought"))
			found = data;
	}
	return found;
}

static enum provider_next made(json *body, struct report *report)
{
	json *candidate = json_at(body, "candidates.0");
	const char *blocked = json_text(body, "promptFeedback.blockReason");
	const char *reason = json_text(candidate, "finishReason"), *data = picture_of(candidate);

	if (blocked != NULL)
		return provider_end(report, REPORT_REFUSED, CLASS_POLICY, 0, "blocked: %s", blocked);
	if (is_policy(reason))
		return provider_end(report, REPORT_REFUSED, CLASS_POLICY, 0, "ended by %s", reason);
	if (data == NULL)
		return provider_end(report, REPORT_REFUSED, CLASS_EMPTY, 0, "no picture: %s",
			reason == NULL ? "no reason" : reason);
	json *files = json_new_array(), *file = json_new();

	json_set_text(file, "data", data);
	json_push(files, file);
	report->result = json_new();
	json_set(report->result, "files", files);
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%s", "");
}

/* "34s", "1.5s" in milliseconds, a part of a second as a whole one; 0: none. */
static int64_t duration_ms(const char *text)
{
	size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
	int64_t seconds = 0;

	if (digits == 0 || digits > 6)
		return 0;
	for (size_t i = 0; i < digits; i++)
		seconds = seconds * 10 + (text[i] - '0');
	seconds += text[digits] == '.';
	return seconds * 1000 < WAIT_MS_MAX ? seconds * 1000 : WAIT_MS_MAX;
}

/* Of google.rpc.RetryInfo; 0: none. */
static int64_t retry_ms(json *body)
{
	for (size_t i = 0; i < json_count(body, "error.details"); i++) {
		int64_t wait_ms = duration_ms(json_text(json_object_array_get_idx(json_at(body, "error.details"), i),
			"retryDelay"));

		if (wait_ms > 0)
			return wait_ms;
	}
	return 0;
}

/* Whether the error says a word: as its status, as a reason, or within the id of a quota. */
static bool says(json *body, const char *word)
{
	if (str_equal(json_text(body, "error.status"), word))
		return true;
	for (size_t i = 0; i < json_count(body, "error.details"); i++) {
		json *detail = json_object_array_get_idx(json_at(body, "error.details"), i);

		if (str_equal(json_text(detail, "reason"), word))
			return true;
		for (size_t n = 0; n < json_count(detail, "violations"); n++) {
			const char *quota = json_text(json_object_array_get_idx(json_at(detail, "violations"), n), "quotaId");

			if (quota != NULL && strstr(quota, word) != NULL)
				return true;
		}
	}
	return false;
}

static enum provider_next refused(const struct answer *answer, json *body, struct report *report)
{
	const char *words = json_text(body, "error.message");

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].status != answer->status || (rows[i].word != NULL && !says(body, rows[i].word)))
			continue;
		int64_t wait_ms = rows[i].outcome == REPORT_LATER ? retry_ms(body) : 0;

		if (rows[i].outcome == REPORT_LATER && wait_ms == 0)
			wait_ms = provider_wait_ms(answer, WAIT_ELSE_S);
		return provider_end(report, rows[i].outcome, rows[i].class, wait_ms, "%s%ld %s",
			rows[i].class == CLASS_FUNDS ? "GEMINI REFUSES THE KEY OR HAS NO MONEY: " : "",
			answer->status, words == NULL ? "" : words);
	}
	if (answer->status >= 500)
		return provider_end(report, REPORT_UNKNOWN, CLASS_BUSY, 0, "%ld", answer->status);
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "%ld, not as expected", answer->status);
}

static enum provider_next submitted(const struct answer *answer, struct report *report)
{
	if (answer->end == ANSWER_NOT_SENT)
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%s", answer->text);
	/* Too large or cut short: the picture was made all the same, and there is no way to ask for it again. */
	if (answer->end != ANSWER_CAME)
		return provider_end(report, REPORT_UNKNOWN, CLASS_BUSY, 0, "%s", answer->text);
	json *body = json_read(answer->body, answer->body_length);
	enum provider_next then = answer->status != 200 ? refused(answer, body, report)
		: body != NULL ? made(body, report)
		: provider_end(report, REPORT_REFUSED, CLASS_EMPTY, 0, "200 and no JSON");

	json_drop(body);
	return then;
}

static enum provider_next next(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena, struct call *call, struct report *report)
{
	switch ((int)work->task->kind) {
	case TASK_SUBMIT:
		return answer == NULL ? submit(work->task, setting, arena, call, report) : submitted(answer, report);
	case TASK_LOOKUP:
		/* It keeps no list of what it made. We bear the cost rather than order a second time. */
		return provider_end(report, REPORT_REFUSED, CLASS_BUSY, 0, "Gemini can't be asked about an order");
	case TASK_CANCEL:
		return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "nothing to call off");
	default:
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "not a task for Gemini");
	}
}

const struct provider provider_gemini = {.name = "gemini", .next = next};
