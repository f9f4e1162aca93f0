/* What all adapters share: how a report is written. */
#include "provider/provider.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* A provider that could not fetch a file may repeat its address: the token in it opens the file. */
static void hide_tokens(char *text)
{
	static const char before[] = "/media/";

	for (char *at = strstr(text, before); at != NULL; at = strstr(at, before)) {
		at += strlen(before);
		for (; (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z'); at++)
			*at = '*';
	}
}

enum provider_next provider_end(struct report *report, enum report_outcome outcome,
	enum report_class class, int64_t retry_ms, const char *fmt, ...)
{
	va_list args;

	report->outcome = outcome;
	report->class = class;
	report->retry_ms = (int32_t)(retry_ms > INT32_MAX ? INT32_MAX : retry_ms);
	va_start(args, fmt);
	vsnprintf(report->text, sizeof report->text, fmt, args);
	va_end(args);
	hide_tokens(report->text);
	/* Cutting may have split a character. */
	report->text[str_clean(report->text, strlen(report->text))] = '\0';
	return PROVIDER_END;
}

int64_t provider_wait_ms(const struct answer *answer, int64_t else_s)
{
	return (answer->retry_after_s >= 0 ? answer->retry_after_s : else_s) * 1000;
}
