/* fal's answers to every task of the media lane. The body of a poll is also its request: two in one. */
#include "answers.h"

static const enum task_kind kinds[] = {TASK_SUBMIT, TASK_POLL, TASK_LOOKUP, TASK_CANCEL};

static json *payload_of(json *body)
{
	static const char ours[] = "{\"job\":1,\"provider\":\"fal\",\"model\":\"fal-ai/probe/edit\",\"since\":1790000000,"
		"\"input\":{\"prompt\":\"p\",\"seed\":7},\"request\":{\"request_id\":\"r-1\","
		"\"status_url\":\"https://queue.example.org/fal-ai/probe/requests/r-1/status\","
		"\"response_url\":\"https://queue.example.org/fal-ai/probe/requests/r-1\","
		"\"cancel_url\":\"https://queue.example.org/fal-ai/probe/requests/r-1/cancel\"}}";
	json *theirs = json_at(body, "payload");

	return json_object_is_type(theirs, json_type_object) ? json_copy(theirs)
		: json_read(ours, strlen(ours));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const bases[] = {"https://queue.example.org", "https://api.example.org"};

	if (size < 5)
		return 0;
	char *body = malloc(size - 4);

	memcpy(body, bytes + 5, size - 5);
	body[size - 5] = '\0';
	json *value = json_read(body, size - 5);
	json *memo = json_at(value, "memo");
	struct task task = {.id = 1, .fence = 1, .kind = kinds[bytes[4] % COUNT(kinds)], .job_id = 1,
		.attempts = 1, .lang = "ru", .payload = payload_of(value),
		.memo = json_object_is_type(memo, json_type_object) ? json_copy(memo) : json_new()};
	struct answer answer = answer_of(bytes, body, size - 5);

	provider_try(&provider_fal, &task, &answer, bases, COUNT(bases));
	task_drop(&task);
	json_drop(value);
	free(body);
	return 0;
}
