/* Reports as JSON, strict when read: what a helper says is not believed to be well-formed. */
#include "data/report.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const outcome_names[REPORT_OUTCOME_COUNT] = {
	[REPORT_DONE] = "done", [REPORT_LATER] = "later", [REPORT_REFUSED] = "refused",
	[REPORT_FAILED] = "failed", [REPORT_UNKNOWN] = "unknown",
};

static const char *const class_names[REPORT_CLASS_COUNT] = {
	[CLASS_NONE] = "", [CLASS_INPUT] = "input", [CLASS_POLICY] = "policy", [CLASS_BUSY] = "busy",
	[CLASS_RATE] = "rate", [CLASS_FUNDS] = "funds", [CLASS_GONE] = "gone", [CLASS_EMPTY] = "empty",
	[CLASS_OURS] = "ours", [CLASS_UNREACHABLE] = "unreachable", [CLASS_MARKUP] = "markup",
	[CLASS_LOST] = "lost", [CLASS_LATE] = "late", [CLASS_KEY] = "key",
};

const char *report_outcome_name(enum report_outcome outcome)
{
	must((unsigned)outcome < REPORT_OUTCOME_COUNT);
	return outcome_names[outcome];
}

const char *report_class_name(enum report_class class)
{
	must((unsigned)class < REPORT_CLASS_COUNT);
	return class_names[class];
}

static int find(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (str_equal(names[i], name))
			return i;
	return -1;
}

json *report_write(const struct report *report)
{
	json *body = json_new();

	json_set_i64(body, "task", report->task_id);
	json_set_i64(body, "fence", report->fence);
	json_set_text(body, "outcome", report_outcome_name(report->outcome));
	json_set_text(body, "class", report_class_name(report->class));
	json_set_i64(body, "retry_ms", report->retry_ms);
	json_set_text(body, "text", report->text);
	if (report->result != NULL)
		json_set(body, "result", json_copy(report->result));
	return body;
}

static void clean_text(json *text)
{
	size_t length = (size_t)json_object_get_string_len(text);
	const char *bytes = json_object_get_string(text);

	if (str_is_utf8(bytes, length) && memchr(bytes, 0, length) == NULL)
		return;
	char *copy = mem_alloc(length + 1);

	memcpy(copy, bytes, length);
	length = str_clean(copy, length);
	must(json_object_set_string_len(text, copy, (int)length) == 1);
	mem_free(copy);
}

static bool is_no_number(json *value)
{
	return json_object_is_type(value, json_type_double) && !isfinite(json_object_get_double(value));
}

/* Makes the value fit for PostgreSQL's jsonb: texts without NUL, numbers without the form they came in (1e-999999
 * is refused there), null for what is no number, no member whose name is no UTF-8. Mended, not refused: a report
 * that were refused would come again after every reconnect. The depth is bounded by json_read. */
static void clean(json *value)
{
	if (json_object_is_type(value, json_type_string))
		clean_text(value);
	if (json_object_is_type(value, json_type_double))
		must(json_object_set_double(value, json_object_get_double(value)) == 1);
	for (size_t i = 0; i < json_count(value, ""); i++) {
		json *child = json_object_array_get_idx(value, i);

		clean(child);
		if (is_no_number(child))
			must(json_object_array_put_idx(value, i, NULL) == 0);
	}
	if (!json_object_is_type(value, json_type_object))
		return;
	/* The macro allows removing the member it stands at, and replacing its value. */
	json_object_object_foreach(value, key, member) {
		clean(member);
		if (!str_is_utf8(key, strlen(key)))
			json_object_object_del(value, key);
		else if (is_no_number(member))
			json_set(value, key, NULL);
	}
}

/* Copies at most what fits, without cutting a code point. */
static void text_read(json *text, char out[REPORT_TEXT_MAX])
{
	size_t length = text != NULL ? (size_t)json_object_get_string_len(text) : 0;
	const char *bytes = text != NULL ? json_object_get_string(text) : "";
	size_t cut = length;

	if (cut > REPORT_TEXT_MAX - 1) {
		cut = REPORT_TEXT_MAX - 1;
		while (cut > 0 && ((unsigned char)bytes[cut] & 0xc0) == 0x80)
			cut--;
	}
	memcpy(out, bytes, cut);
	out[str_clean(out, cut)] = '\0';
}

int report_read(json *body, struct report *report)
{
	int64_t task, fence, retry = 0;
	json *text = json_at(body, "text"), *result = json_at(body, "result");
	int outcome = find(outcome_names, REPORT_OUTCOME_COUNT, json_text(body, "outcome"));
	int class = CLASS_NONE;

	*report = (struct report){0};
	if (!json_object_is_type(body, json_type_object) || outcome < 0
		|| !json_i64(body, "task", &task) || task < 1
		|| !json_i64(body, "fence", &fence) || fence < 1 || fence > INT32_MAX)
		return -1;
	if (json_at(body, "class") != NULL)
		class = find(class_names, REPORT_CLASS_COUNT, json_text(body, "class"));
	if (json_at(body, "retry_ms") != NULL && !json_i64(body, "retry_ms", &retry))
		return -1;
	if (class < 0 || retry < 0 || retry > INT32_MAX
		|| (text != NULL && !json_object_is_type(text, json_type_string))
		|| (result != NULL && !json_object_is_type(result, json_type_object)))
		return -1;
	report->task_id = task;
	report->fence = (int32_t)fence;
	report->outcome = (enum report_outcome)outcome;
	report->class = (enum report_class)class;
	report->retry_ms = (int32_t)retry;
	text_read(text, report->text);
	report->result = result != NULL ? json_copy(result) : NULL;
	clean(report->result);
	return 0;
}

void report_drop(struct report *report)
{
	json_drop(report->result);
	report->result = NULL;
}
