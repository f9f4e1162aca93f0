/* Payment providers' answers to every task of the pay lane. A body with a "payload" is also its request. */
#include "answers.h"

#include "data/money.h"

static const enum task_kind kinds[] = {
	TASK_PAY_CREATE, TASK_PAY_ASK, TASK_PAY_REFUND, TASK_PAY_REFUND_ASK, TASK_PAY_LIST,
};

static json *payload_of(json *body)
{
	static const char ours[] = "{\"payment\":1,\"refund\":1,\"order\":\"a1\",\"key\":\"k-1\",\"amount\":29900,"
		"\"currency\":\"RUB\",\"description\":\"d\",\"person\":5,\"ext_id\":\"9100001\",\"refund_ext_id\":\"r-1\","
		"\"what\":\"payments\",\"since\":1700000000,\"until\":1700003600,\"cursor\":null}";
	json *theirs = json_at(body, "payload");

	return json_object_is_type(theirs, json_type_object) ? json_copy(theirs)
		: json_read(ours, strlen(ours));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const bases[] = {"https://yookassa.example.org/v3", "https://betatransfer.example.org/api"};

	if (size < 5)
		return 0;
	char *body = malloc(size - 4);

	memcpy(body, bytes + 5, size - 5);
	body[size - 5] = '\0';
	json *value = json_read(body, size - 5);
	json *memo = json_at(value, "memo");
	struct task task = {.id = 1, .fence = 1, .kind = kinds[bytes[4] % COUNT(kinds)],
		.attempts = bytes[4] & 64 ? 2 : 1, .lang = "ru", .payload = payload_of(value),
		.memo = json_object_is_type(memo, json_type_object) ? json_copy(memo) : json_new()};
	struct answer answer = answer_of(bytes, body, size - 5);
	bool yookassa = (bytes[4] & 128) == 0;

	provider_try(yookassa ? &provider_yookassa : &provider_betatransfer, &task, &answer,
		bases + (yookassa ? 0 : 1), 1);
	task_drop(&task);
	json_drop(value);
	free(body);
	return 0;
}
