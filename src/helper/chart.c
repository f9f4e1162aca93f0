/* Figures of a payload → lines of text. */
#include "helper/chart.h"

#include "base/buf.h"
#include "base/str.h"

#define CHART_TEXT_MAX 16384    /* render takes no more */

/* A key's words; tabs and newlines part fields and lines. */
static void words_add(const struct texts *texts, const char *lang, const char *key, struct buf *out)
{
	size_t from = out->length;

	(void)text_add(texts, lang, key ? key : "?", NULL, out);
	for (size_t i = from; i < out->length; i++)
		if ((unsigned char)out->data[i] < ' ')
			out->data[i] = ' ';
}

static bool series_add(json *series, const struct texts *texts, const char *lang, size_t days, struct buf *out)
{
	json *values = json_at(series, "values");

	if (json_count(values, "") != days)
		return false;
	buf_str(out, "series\t");
	words_add(texts, lang, json_text(series, "name"), out);
	for (size_t i = 0; i < days; i++) {
		buf_char(out, '\t');
		buf_i64(out, json_object_get_int64(json_object_array_get_idx(values, i)));
	}
	buf_char(out, '\n');
	return true;
}

static bool panel_add(json *panel, const struct texts *texts, const char *lang, size_t days, struct buf *out)
{
	const char *unit = json_text(panel, "unit");

	buf_str(out, "panel\t");
	words_add(texts, lang, json_text(panel, "title"), out);
	buf_fmt(out, "\t%s\n", unit ? unit : "");
	for (size_t i = 0; i < json_count(panel, "series"); i++)
		if (!series_add(json_object_array_get_idx(json_at(panel, "series"), i), texts, lang, days, out))
			return false;
	return true;
}

char *chart_text(const struct task *task, const struct texts *texts, struct arena *arena)
{
	json *chart = json_at(task->payload, "chart");
	const char *lang = str_equal(json_text(task->payload, "lang"), "en") ? "en" : "ru";
	size_t days = json_count(chart, "days");
	struct buf out;

	buf_init(&out, CHART_TEXT_MAX);
	buf_str(&out, "title\t");
	words_add(texts, lang, json_text(chart, "title"), &out);
	buf_str(&out, "\ndays");
	for (size_t i = 0; i < days; i++)
		buf_fmt(&out, "\t%s", json_object_get_string(json_object_array_get_idx(json_at(chart, "days"), i)));
	buf_char(&out, '\n');
	bool good = days > 0;

	for (size_t i = 0; good && i < json_count(chart, "panels"); i++)
		good = panel_add(json_object_array_get_idx(json_at(chart, "panels"), i), texts, lang, days, &out);
	char *text = good && !out.full ? arena_text(arena, buf_text(&out), out.length) : NULL;

	buf_free(&out);
	return text;
}
