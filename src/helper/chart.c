/* Figures of a payload → lines of text. */
#include "helper/chart.h"

#include "base/buf.h"
#include "base/str.h"

#define CHART_TEXT_MAX 16384    /* render takes no more */

/* Tabs and newlines part fields and lines: in words, from where they begin, they are spaces. */
static void words_settle(struct buf *out, size_t from)
{
	for (size_t i = from; i < out->length; i++)
		if ((unsigned char)out->data[i] < ' ')
			out->data[i] = ' ';
}

/* What is no text is none. */
static bool plain_add(const char *words, struct buf *out)
{
	size_t from = out->length;

	if (words == NULL)
		return false;
	buf_str(out, words);
	words_settle(out, from);
	return true;
}

/* A key's words. */
static bool words_add(const struct texts *texts, const char *lang, const char *key, struct buf *out)
{
	size_t from = out->length;

	if (key == NULL)
		return false;
	(void)text_add(texts, lang, key, NULL, out);
	words_settle(out, from);
	return true;
}

static bool series_add(json *series, const struct texts *texts, const char *lang, size_t days, struct buf *out)
{
	json *values = json_at(series, "values");

	buf_str(out, "series\t");
	if (json_count(values, "") != days || !words_add(texts, lang, json_text(series, "name"), out))
		return false;
	for (size_t i = 0; i < days; i++) {
		int64_t value;

		if (!json_i64(json_object_array_get_idx(values, i), "", &value) || value < 0)
			return false;
		buf_char(out, '\t');
		buf_i64(out, value);
	}
	buf_char(out, '\n');
	return true;
}

static bool panel_add(json *panel, const struct texts *texts, const char *lang, size_t days, struct buf *out)
{
	buf_str(out, "panel\t");
	if (!words_add(texts, lang, json_text(panel, "title"), out))
		return false;
	buf_char(out, '\t');
	if (!plain_add(json_text(panel, "unit"), out))
		return false;
	buf_char(out, '\n');
	for (size_t i = 0; i < json_count(panel, "series"); i++)
		if (!series_add(json_object_array_get_idx(json_at(panel, "series"), i), texts, lang, days, out))
			return false;
	return true;
}

static bool chart_add(json *chart, const struct texts *texts, const char *lang, struct buf *out)
{
	json *names = json_at(chart, "days");
	size_t days = json_count(names, "");

	buf_str(out, "title\t");
	if (!words_add(texts, lang, json_text(chart, "title"), out))
		return false;
	buf_str(out, "\ndays");
	for (size_t i = 0; i < days; i++) {
		buf_char(out, '\t');
		if (!plain_add(json_text(json_object_array_get_idx(names, i), ""), out))
			return false;
	}
	buf_char(out, '\n');
	for (size_t i = 0; i < json_count(chart, "panels"); i++)
		if (!panel_add(json_object_array_get_idx(json_at(chart, "panels"), i), texts, lang, days, out))
			return false;
	return json_count(chart, "panels") > 0;
}

char *chart_text(const struct task *task, const struct texts *texts, struct arena *arena)
{
	const char *lang = str_equal(json_text(task->payload, "lang"), "en") ? "en" : "ru";
	struct buf out;

	buf_init(&out, CHART_TEXT_MAX);
	bool good = chart_add(json_at(task->payload, "chart"), texts, lang, &out) && !out.full;
	char *text = good ? arena_text(arena, buf_text(&out), out.length) : NULL;

	buf_free(&out);
	return text;
}
