/* Frames, and the tasks and reports in them: what is read can be written and read again. */
#include <math.h>

#include "base/str.h"
#include "data/frame.h"
#include "data/lane.h"
#include "data/report.h"
#include "data/task.h"

#include "fuzz.h"

/* Whether PostgreSQL takes it as jsonb. */
static bool is_fit(json *value)
{
	if (json_object_is_type(value, json_type_string)) {
		size_t length = (size_t)json_object_get_string_len(value);
		const char *text = json_object_get_string(value);

		return str_is_utf8(text, length) && memchr(text, 0, length) == NULL;
	}
	if (json_object_is_type(value, json_type_double)) {
		const char *text = json_write(value);

		return isfinite(json_object_get_double(value)) && strlen(text) < 40;
	}
	for (size_t i = 0; i < json_count(value, ""); i++)
		if (!is_fit(json_object_array_get_idx(value, i)))
			return false;
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, child) {
			if (!str_is_utf8(key, strlen(key)) || !is_fit(child))
				return false;
		}
	}
	return true;
}

static void task_try(json *body)
{
	struct task task, back;

	if (task_read(body, &task) != 0)
		return;
	json *again = task_write(&task);

	HOLDS(json_object_is_type(task.payload, json_type_object)
		&& json_object_is_type(task.memo, json_type_object));
	HOLDS(task.id > 0 && task.fence > 0 && task_kind_lane(task.kind) < LANE_COUNT);
	HOLDS(task_read(again, &back) == 0 && back.id == task.id && back.kind == task.kind
		&& json_object_equal(back.payload, task.payload) && json_object_equal(back.memo, task.memo));
	task_drop(&back);
	json_drop(again);
	task_drop(&task);
}

static void report_try(json *body)
{
	struct report report, back;

	if (report_read(body, &report) != 0)
		return;
	json *again = report_write(&report);

	HOLDS(report.outcome < REPORT_OUTCOME_COUNT && report.class < REPORT_CLASS_COUNT);
	HOLDS(str_is_utf8(report.text, strlen(report.text)) && report.retry_ms >= 0 && is_fit(report.result));
	HOLDS(report_read(again, &back) == 0 && back.task_id == report.task_id
		&& strcmp(back.text, report.text) == 0 && json_object_equal(back.result, report.result));
	report_drop(&back);
	json_drop(again);
	report_drop(&report);
}

static void body_try(const struct frame_head *head, const uint8_t *body, size_t length)
{
	static struct frame_held held[FRAME_HELD_MAX];
	static unsigned char out[FRAME_BYTES_MAX];
	struct frame_hello hello;
	uint32_t credit;
	size_t count;

	if (head->type == FRAME_HELLO && frame_hello_read(body, length, &hello) == 0)
		HOLDS(frame_hello_write(&hello, out) == length && memcmp(out, body, length) == 0);
	if (head->type == FRAME_CREDIT && frame_credit_read(body, length, &credit) == 0)
		HOLDS(frame_credit_write(credit, out) == length && memcmp(out, body, length) == 0);
	if (head->type == FRAME_BEAT && frame_held_read(body, length, held, &count) == 0)
		HOLDS(frame_held_write(held, count, out) == length && memcmp(out, body, length) == 0);
	if (head->type != FRAME_TASK && head->type != FRAME_REPORT)
		return;
	json *value = json_read((const char *)body, length);

	task_try(value);
	report_try(value);
	json_drop(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct frame_head head;
	unsigned char out[FRAME_HEAD_BYTES];

	if (frame_head_read(bytes, size, &head) != 0)
		return 0;
	frame_head_write(&head, out);
	HOLDS(memcmp(out, bytes, sizeof out) == 0);
	HOLDS(*frame_type_name((enum frame_type)head.type) != '?');
	body_try(&head, bytes + FRAME_HEAD_BYTES, size - FRAME_HEAD_BYTES);
	return 0;
}
