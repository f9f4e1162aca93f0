/* fal.ai's history: finds the order that one of our submits left behind when its answer was lost. */
#include "provider/fal.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "provider/place.h"

#define LOOK_AGAIN_MS 5000
#define EARLIER_S 60                    /* clocks differ */
#define PAGES_MAX 20
#define PAGE_ITEMS "100"                /* the most that fal gives */
#define CURSOR_MAX 512
#define NOTE_COUNT "count"
#define NOTE_FOUND "found"

static bool number_equal(json *a, json *b)
{
	if (json_object_is_type(a, json_type_int) && json_object_is_type(b, json_type_int))
		return json_object_equal(a, b) != 0;
	double one = json_object_get_double(a);
	double two = json_object_get_double(b);

	return !(one < two) && !(one > two);
}

static bool is_number(json *value)
{
	return json_object_is_type(value, json_type_int)
		|| json_object_is_type(value, json_type_double);
}

/* As JSON values: 1 and 1.0 are one number, the order of members means nothing. */
static bool same(json *a, json *b)
{
	if (is_number(a) && is_number(b))
		return number_equal(a, b);
	if (json_object_is_type(a, json_type_array) && json_object_is_type(b, json_type_array)) {
		size_t count = json_object_array_length(a);

		if (json_object_array_length(b) != count)
			return false;
		for (size_t i = 0; i < count; i++)
			if (!same(json_object_array_get_idx(a, i), json_object_array_get_idx(b, i)))
				return false;
		return true;
	}
	if (json_object_is_type(a, json_type_object) && json_object_is_type(b, json_type_object)) {
		if (json_object_object_length(a) != json_object_object_length(b))
			return false;
		json_object_object_foreach(a, name, child) {
			json *other;

			if (!json_object_object_get_ex(b, name, &other) || !same(child, other))
				return false;
		}
		return true;
	}
	return json_object_equal(a, b) != 0;
}

static void add_encoded(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')
			|| (*text >= '0' && *text <= '9') || strchr("-._~", *text) != NULL)
			buf_char(out, *text);
		else
			buf_fmt(out, "%%%02X", (unsigned)(unsigned char)*text);
}

static enum provider_next page_ask(const struct task *task, const char *cursor,
	const struct provider_setting *setting, struct arena *arena, struct call *call,
	struct report *report)
{
	const char *model = json_text(task->payload, "model");
	char start[CLOCK_ISO_BYTES];
	struct buf url;
	int64_t since;

	if (*conf_text(setting->conf, "FAL_KEY") == '\0')
		return provider_end(report, REPORT_FAILED, CLASS_FUNDS, 0, "FAL_KEY is empty");
	if (!fal_is_plain(model, 200, true) || !json_i64(task->payload, "since", &since) || since < EARLIER_S
		|| since > INT32_MAX || !json_object_is_type(json_at(task->payload, "input"), json_type_object))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no model, input or time");
	clock_iso((since - EARLIER_S) * 1000, start);
	buf_init(&url, 4096);
	buf_fmt(&url, "%s/v1/models/requests/by-endpoint?endpoint_id=", conf_text(setting->conf, "FAL_API_URL"));
	add_encoded(&url, model);
	buf_str(&url, "&start=");
	add_encoded(&url, start);
	buf_str(&url, "&expand=payloads&limit=" PAGE_ITEMS);
	if (cursor != NULL) {
		buf_str(&url, "&cursor=");
		add_encoded(&url, cursor);
	}
	must(!url.full);
	fal_call_begin(call, setting, arena, "GET", arena_str(arena, buf_text(&url)), "fal history");
	buf_free(&url);
	return PROVIDER_CALL;
}

/* An order that is known to be another job's. */
static bool is_taken(const struct task *task, const char *id)
{
	json *taken = json_at(task->payload, "taken");

	for (size_t i = 0; i < json_count(task->payload, "taken"); i++)
		if (str_equal(json_object_get_string(json_object_array_get_idx(taken, i)), id))
			return true;
	return false;
}

static void page_search(struct provider_work *work, json *body, const struct provider_setting *setting,
	struct arena *arena)
{
	const char *model = json_text(work->task->payload, "model");
	json *input = place_input(work->task, setting, arena);
	int64_t count = 0;

	(void)json_i64(work->note, NOTE_COUNT, &count);
	for (size_t i = 0; i < json_count(body, "items"); i++) {
		json *item = json_object_array_get_idx(json_at(body, "items"), i);
		const char *id = json_text(item, "request_id");
		const char *endpoint = json_text(item, "endpoint_id");

		if (!fal_is_plain(id, FAL_ID_MAX, false) || !json_object_is_type(json_at(item, "json_input"), json_type_object)
			|| !same(json_at(item, "json_input"), input)
			|| (endpoint != NULL && !str_equal(endpoint, model)) || is_taken(work->task, id))
			continue;
		/* The same one may be on two pages when the history grows between them. */
		if (str_equal(id, json_text(work->note, NOTE_FOUND)))
			continue;
		count++;
		json_set_text(work->note, NOTE_FOUND, id);
	}
	json_drop(input);
	json_set_i64(work->note, NOTE_COUNT, count);
}

static enum provider_next searched(struct provider_work *work, bool whole,
	const struct provider_setting *setting, struct arena *arena, struct report *report)
{
	const char *id = json_text(work->note, NOTE_FOUND);
	int64_t count = 0;

	(void)json_i64(work->note, NOTE_COUNT, &count);
	if (count > 1)
		return provider_end(report, REPORT_FAILED, CLASS_OURS, 0, "%" PRId64 " orders are alike", count);
	if (!whole)
		return provider_end(report, REPORT_FAILED, CLASS_OURS, 0, "the history is too long to search");
	/* It lists what has ended: an order that still runs is not there yet. */
	if (count == 0)
		return provider_end(report, REPORT_LATER, CLASS_NONE, LOOK_AGAIN_MS, "not found yet");
	report->result = fal_request_new(setting, json_text(work->task->payload, "model"), id, arena);
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "request %s", id);
}

/* Without what was ordered any order would look like it. */
static enum provider_next begin(const struct task *task, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	json *input = place_input(task, setting, arena);
	bool good = input != NULL;

	json_drop(input);
	return good ? page_ask(task, NULL, setting, arena, call, report)
		: provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no input, or files that do not fit");
}

enum provider_next fal_lookup(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena, struct call *call,
	struct report *report)
{
	if (answer == NULL)
		return begin(work->task, setting, arena, call, report);
	if (answer->end != ANSWER_CAME || answer->status != 200)
		return fal_unsuccessful(answer, report);
	json *body = json_read(answer->body, answer->body_length);

	if (!json_object_is_type(json_at(body, "items"), json_type_array)) {
		json_drop(body);
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "200 and no list");
	}
	page_search(work, body, setting, arena);
	const char *cursor = json_text(body, "next_cursor");
	bool more = json_true(body, "has_more") || cursor != NULL;
	bool can = cursor != NULL && strlen(cursor) <= CURSOR_MAX && work->step < PAGES_MAX;
	enum provider_next then = more && can
		? page_ask(work->task, cursor, setting, arena, call, report)
		: searched(work, !more, setting, arena, report);

	json_drop(body);
	return then;
}
