/* Files of Telegram's Bot API: where they are, and how they come. The address holds the token, so it goes nowhere. */
#include "provider/telegram.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

#define ASK_MS 30000
#define GET_MS 120000
#define ID_MAX 512
#define PATH_MAX_BYTES 512
#define WAIT_ELSE_S 1

bool telegram_file_ask(const char *file_id, const struct provider_setting *setting, struct arena *arena,
	struct call *call)
{
	if (file_id == NULL || *file_id == '\0' || strlen(file_id) > ID_MAX)
		return false;
	json *body = json_new();

	json_set_text(body, "file_id", file_id);
	*call = (struct call){
		.verb = "POST", .name = "telegram getFile", .total_ms = ASK_MS,
		.url = arena_fmt(arena, "%s/bot%s/getFile", conf_text(setting->conf, "TELEGRAM_API_URL"),
			conf_text(setting->conf, "BOT_TOKEN")),
		.headers = {"Content-Type: application/json"},
		.body = arena_str(arena, json_write(body)),
	};
	call->body_length = strlen(call->body);
	json_drop(body);
	return true;
}

/* "photos/file_1.jpg": what may stand in an address as it is. */
static bool is_path(const char *path)
{
	size_t length = path == NULL ? 0 : strlen(path);

	return length > 0 && length <= PATH_MAX_BYTES && *path != '/' && strstr(path, "..") == NULL && strspn(path,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") == length;
}

/* What both calls may end in: nothing was changed by them, so they can be repeated. */
static bool unsuccessful(const struct answer *answer, json *body, struct report *report)
{
	const char *words = json_text(body, "description");

	if (answer->disk)
		(void)provider_end(report, REPORT_FAILED, CLASS_OURS, 0, "%s", answer->text);
	else if (answer->end == ANSWER_REFUSED)
		(void)provider_end(report, REPORT_REFUSED, CLASS_INPUT, 0, "%s", answer->text);
	else if (answer->end != ANSWER_CAME)
		(void)provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%s", answer->text);
	else if (answer->status == 429)
		(void)provider_end(report, REPORT_LATER, CLASS_RATE, provider_wait_ms(answer, WAIT_ELSE_S), "%s", "429");
	else if (answer->status == 401)
		(void)provider_end(report, REPORT_FAILED, CLASS_FUNDS, 0, "TELEGRAM REFUSES THE BOT'S TOKEN: %ld",
			answer->status);
	else if (answer->status == 400 || answer->status == 404)        /* too big, gone, of another bot */
		(void)provider_end(report, REPORT_REFUSED, CLASS_INPUT, 0, "%ld %s", answer->status,
			words == NULL ? "" : words);
	else
		(void)provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%ld, not as expected", answer->status);
	return false;
}

bool telegram_file_get(const struct answer *answer, const char *save_path,
	const struct provider_setting *setting, struct arena *arena, struct call *call, struct report *report)
{
	json *body = answer->end == ANSWER_CAME ? json_read(answer->body, answer->body_length) : NULL;
	const char *path = json_text(body, "result.file_path");
	bool good = answer->end == ANSWER_CAME && answer->status == 200 && json_true(body, "ok");

	if (!good) {
		(void)unsuccessful(answer, body, report);
	} else if (!is_path(path)) {
		(void)provider_end(report, REPORT_REFUSED, CLASS_INPUT, 0, "the file has no place");
		good = false;
	} else {
		*call = (struct call){
			.verb = "GET", .name = "telegram file", .total_ms = GET_MS, .answer_max = TELEGRAM_FILE_MAX,
			.save_path = save_path,
			.url = arena_fmt(arena, "%s/file/bot%s/%s", conf_text(setting->conf, "TELEGRAM_API_URL"),
				conf_text(setting->conf, "BOT_TOKEN"), path),
		};
	}
	json_drop(body);
	return good;
}

bool telegram_file_came(const struct answer *answer, struct report *report)
{
	return answer->end == ANSWER_CAME && answer->status == 200 ? true : unsuccessful(answer, NULL, report);
}
