/* Tasks as JSON, strict when read. */
#include "data/task.h"

#include <string.h>

#include "base/str.h"

json *task_write(const struct task *task)
{
	json *body = json_new();

	json_set_i64(body, "task", task->id);
	json_set_i64(body, "fence", task->fence);
	json_set_text(body, "kind", task_kind_name(task->kind));
	json_set_i64(body, "chat", task->chat_id);
	json_set_i64(body, "message", task->message_id);
	json_set_i64(body, "job", task->job_id);
	json_set_i64(body, "attempts", task->attempts);
	json_set_text(body, "lang", task->lang);
	if (task->payload != NULL)
		json_set(body, "payload", json_copy(task->payload));
	if (task->memo != NULL)
		json_set(body, "memo", json_copy(task->memo));
	return body;
}

static bool lang_read(json *body, char lang[3])
{
	const char *text = json_text(body, "lang");

	if (str_equal(text, "")) {
		lang[0] = '\0';
		return true;
	}
	if (text == NULL || strlen(text) != 2 || text[0] < 'a' || text[0] > 'z' || text[1] < 'a' || text[1] > 'z')
		return false;
	memcpy(lang, text, 3);
	return true;
}

/* An object member; absent or null is an empty one. Null when it is something else. */
static json *object_read(json *body, const char *name)
{
	json *value = json_at(body, name);

	if (value == NULL)
		return json_new();
	return json_object_is_type(value, json_type_object) ? json_copy(value) : NULL;
}

int task_read(json *body, struct task *task)
{
	int64_t fence, attempts;

	*task = (struct task){0};
	if (!json_object_is_type(body, json_type_object)
		|| !json_i64(body, "task", &task->id) || task->id < 1
		|| !json_i64(body, "fence", &fence) || fence < 1 || fence > INT32_MAX
		|| !json_i64(body, "attempts", &attempts) || attempts < 0 || attempts > INT32_MAX
		|| !json_i64(body, "chat", &task->chat_id)
		|| !json_i64(body, "message", &task->message_id) || task->message_id < 0
		|| !json_i64(body, "job", &task->job_id) || task->job_id < 0
		|| task_kind_from(json_text(body, "kind"), &task->kind) != 0 || !lang_read(body, task->lang))
		return -1;
	task->fence = (int32_t)fence;
	task->attempts = (int)attempts;
	task->payload = object_read(body, "payload");
	task->memo = object_read(body, "memo");
	if (task->payload != NULL && task->memo != NULL)
		return 0;
	task_drop(task);
	return -1;
}

void task_drop(struct task *task)
{
	json_drop(task->payload);
	json_drop(task->memo);
	task->payload = NULL;
	task->memo = NULL;
}
