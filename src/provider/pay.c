/* Shared by the payment adapters: what may be said to a provider, and when to ask it again. */
#include "provider/pay.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define ID_MAX 64
#define ORDER_MAX 40
#define URL_MAX 2048
#define SUM_MAX INT64_C(99999999999)
#define WAIT_MAX_MS 3600000

/* YooKassa advises growing waits, and about a minute in the long run; a person waits for the first ones. */
static const int32_t waits_ms[] = {2000, 3000, 5000, 8000, 13000, 21000, 34000, 60000};
#define WAITS ((int64_t)(sizeof waits_ms / sizeof waits_ms[0]))
#define MEMO_TRIES "tries"

static bool is_of(const char *text, const char *letters, size_t max)
{
	size_t length = text == NULL ? 0 : strlen(text);

	return length > 0 && length <= max && strspn(text, letters) == length;
}

bool pay_is_id(const char *text)
{
	return is_of(text, LETTERS DIGITS "-", ID_MAX);
}

bool pay_is_order(const char *text)
{
	return is_of(text, LETTERS DIGITS, ORDER_MAX) && strchr(DIGITS, *text) == NULL;
}

bool pay_is_currency(const char *text)
{
	return is_of(text, CAPITALS, 3) && strlen(text) == 3;
}

/* Without '@': nobody is shown one host and sent to another. Plain http is for a stand-in on this machine. */
bool pay_is_url(const char *text)
{
	static const char safe[] = "https://", near[] = "http://127.0.0.1";

	if (!is_of(text, LETTERS DIGITS "-._~:/?#[]!$&()*+,;=%", URL_MAX))
		return false;
	if (str_starts(text, near))
		return text[sizeof near - 1] == ':' || text[sizeof near - 1] == '/';
	return str_starts(text, safe) && strspn(text + sizeof safe - 1, LETTERS DIGITS) > 0;
}

bool pay_is_sum(int64_t hundredths)
{
	return hundredths > 0 && hundredths <= SUM_MAX;
}

json *pay_body(const struct answer *answer)
{
	json *body = answer->end == ANSWER_CAME ? strict_read(answer->body, answer->body_length) : NULL;

	if (body == NULL || json_object_is_type(body, json_type_object))
		return body;
	json_drop(body);
	return NULL;
}

const char *pay_words(const char *words, const char *secret, const char *other)
{
	if (words == NULL)
		return "";
	if ((*secret != '\0' && strstr(words, secret) != NULL)
		|| (*other != '\0' && strstr(words, other) != NULL))
		return "(words with a secret in them)";
	return words;
}

enum provider_next pay_again(const struct task *task, struct report *report, enum report_class class,
	int64_t wait_ms, json *note, const char *fmt, ...)
{
	char text[REPORT_TEXT_MAX];
	int64_t tries = 0;
	va_list args;

	if (!json_i64(task->memo, MEMO_TRIES, &tries) || tries < 0)
		tries = 0;
	if (wait_ms <= 0)
		wait_ms = waits_ms[tries < WAITS ? tries : WAITS - 1];
	report->result = note == NULL ? json_new() : note;
	json_set_i64(report->result, MEMO_TRIES, tries < WAITS ? tries + 1 : WAITS);
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return provider_end(report, REPORT_LATER, class, wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS,
		"%s", text);
}

enum provider_next pay_unanswered(const struct task *task, const struct answer *answer, json *note,
	struct report *report)
{
	if (answer->end == ANSWER_NOT_SENT) {
		json_drop(note);
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%s", answer->text);
	}
	return pay_again(task, report, answer->end == ANSWER_REFUSED ? CLASS_OURS : CLASS_BUSY, 0, note,
		"%s", answer->text);
}

enum provider_next pay_not_found(struct report *report)
{
	report->result = json_new();
	json_set_bool(report->result, "found", false);
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "not known there");
}
