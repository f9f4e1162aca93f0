/* Telegram's answers to every task of the chat lane, and payloads of any shape. */
#include "answers.h"

static const enum task_kind kinds[] = {TASK_SAY, TASK_EDIT, TASK_PHOTO, TASK_WEBHOOK};

static json *payload_of(json *body, enum task_kind kind)
{
	static const char *const ours[] = {
		"{\"notice\":\"job_status\",\"args\":{\"job\":5,\"progress\":50}}",
		"{\"notice\":\"result\",\"args\":{\"job\":5},\"files\":[{\"path\":\"5/1/0.png\",\"bytes\":5000}]}",
		"{\"do\":\"set\"}",
	};
	const char *text = ours[kind == TASK_PHOTO ? 1 : kind == TASK_WEBHOOK ? 2 : 0];
	json *theirs = json_at(body, "payload");

	return json_object_is_type(theirs, json_type_object) ? json_copy(theirs)
		: json_read(text, strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const bases[] = {"https://telegram.example.org/bot7300112233:probe"};

	if (size < 5)
		return 0;
	char *body = malloc(size - 4);

	memcpy(body, bytes + 5, size - 5);
	body[size - 5] = '\0';
	json *value = json_read(body, size - 5);
	struct task task = {.id = 1, .fence = 1, .kind = kinds[bytes[4] % COUNT(kinds)], .chat_id = 77,
		.message_id = bytes[4] / COUNT(kinds) % 2, .job_id = 5, .attempts = 1, .lang = "en",
		.memo = json_new()};

	task.payload = payload_of(value, task.kind);
	if (bytes[4] & 64)
		json_set_bool(task.memo, "plain", true);
	struct answer answer = answer_of(bytes, body, size - 5);

	provider_try(&provider_telegram, &task, &answer, bases, COUNT(bases));
	task_drop(&task);
	json_drop(value);
	free(body);
	return 0;
}
