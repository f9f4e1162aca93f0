/* Bar charts: lines → panels → SVG → PNG. */
#include "render/chart.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"

#define WIDTH 1200
#define MARGIN 36
#define HEAD 84                         /* the title's height */
#define PANEL_WIDTH 546
#define PANEL_HEIGHT 330
#define GAP 36
#define PAD 20                          /* around what is in a panel */
#define LEGEND_TOP 64                   /* within a panel */
#define LEGEND_LINE 23
#define LAST_WIDTH 230                  /* of a legend's line, at most: what the last day brought */
#define BARS_TOP 122
#define BARS_HEIGHT 156
#define BAR_MAX 56
#define FADE 30                         /* pixels at the end of the room for words */
#define LETTER_MEAN 0.65                /* of the font's size: how wide letters are */
#define LETTER_WIDE 1.4
#define LABELS_MOST 7                   /* days that are named; the others are left out evenly */
#define NUMBER_MAX INT64_C(1000000000000)

/* Blue and orange of the Okabe-Ito palette: told apart by everybody. */
static const char *const colours[CHART_SERIES_MAX] = {"#0072b2", "#d55e00"};

struct series {
	const char *name;
	int64_t values[CHART_DAYS_MAX];
};

struct panel {
	const char *title;
	const char *unit;
	struct series series[CHART_SERIES_MAX];
	size_t count;
};

struct chart {
	const char *title;
	const char *days[CHART_DAYS_MAX];
	size_t day_count;
	bool dated;                     /* the days were told, be it none */
	struct panel panels[CHART_PANELS_MAX];
	size_t panel_count;
};

/* ---- reading ------------------------------------------------------------------------------------------ */

/* The field at *rest, which moves behind it; null when there is none. */
static char *field_next(char **rest)
{
	char *at = *rest;

	if (at == NULL)
		return NULL;
	*rest = strchr(at, '\t');
	if (*rest != NULL)
		*(*rest)++ = '\0';
	return at;
}

/* Days and units have no room that ends softly. */
static bool is_short(const char *words)
{
	return words != NULL && g_utf8_strlen(words, -1) <= CHART_SHORT_MAX;
}

static bool days_read(struct chart *chart, char *rest)
{
	while (rest != NULL) {
		if (chart->day_count == CHART_DAYS_MAX)
			return false;
		char *name = field_next(&rest);

		if (!is_short(name))
			return false;
		chart->days[chart->day_count++] = name;
	}
	chart->dated = true;
	return true;
}

static bool panel_read(struct chart *chart, char *rest)
{
	if (chart->panel_count == CHART_PANELS_MAX)
		return false;
	struct panel *panel = &chart->panels[chart->panel_count++];

	panel->title = field_next(&rest);
	panel->unit = field_next(&rest);
	return is_short(panel->unit) && rest == NULL;
}

static bool series_read(struct chart *chart, char *rest)
{
	struct panel *panel = chart->panel_count > 0 ? &chart->panels[chart->panel_count - 1] : NULL;

	if (panel == NULL || panel->count == CHART_SERIES_MAX)
		return false;
	struct series *series = &panel->series[panel->count++];

	series->name = field_next(&rest);
	for (size_t i = 0; i < chart->day_count; i++) {
		const char *number = field_next(&rest);

		if (number == NULL || !str_to_i64(number, 0, NUMBER_MAX, &series->values[i]))
			return false;
	}
	return rest == NULL;
}

static bool line_read(struct chart *chart, char *line)
{
	char *rest = line;
	const char *what = field_next(&rest);

	if (str_equal(what, "days") && chart->title != NULL && !chart->dated)
		return days_read(chart, rest);
	if (rest == NULL)
		return false;
	if (str_equal(what, "panel") && chart->dated)
		return panel_read(chart, rest);
	if (str_equal(what, "series"))
		return series_read(chart, rest);
	if (!str_equal(what, "title") || chart->title != NULL)
		return false;
	chart->title = field_next(&rest);
	return rest == NULL;
}

static bool chart_read(struct chart *chart, char *text)
{
	while (*text != '\0') {
		char *end = strchr(text, '\n');

		if (end == NULL)
			return false;
		*end = '\0';
		if (!line_read(chart, text))
			return false;
		text = end + 1;
	}
	for (size_t i = 0; i < chart->panel_count; i++)
		if (chart->panels[i].count == 0)
			return false;
	return chart->panel_count > 0;
}

/* ---- drawing ------------------------------------------------------------------------------------------ */

/* 1234567 → "1 234 567", with thin spaces. */
static void number_add(GString *out, int64_t number)
{
	char digits[24];
	int length = snprintf(digits, sizeof digits, "%" PRId64, number);

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			g_string_append(out, "\u2009");
		g_string_append_c(out, digits[i]);
	}
}

static void amount_add(GString *out, int64_t number, const char *unit)
{
	number_add(out, number);
	if (*unit != '\0')
		g_string_append_printf(out, "\u2009%s", unit);
}

static void words_add(GString *svg, double x, double y, int size, const char *style, const char *words)
{
	char *safe = g_markup_escape_text(words, -1);

	g_string_append_printf(svg, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" %s>%s</text>", x, y, size, style, safe);
	g_free(safe);
}

/* Words of any length in a room of their own: what is too long fades into the ground, a gradient of chart_svg. */
static void words_add_within(GString *svg, double x, double y, double width, const char *ground, int size,
	const char *style, const char *words)
{
	double height = size * 1.5, above = size * 1.1;

	g_string_append_printf(svg, "<svg x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">", x, y - above, width,
		height);
	words_add(svg, 0, above, size, style, words);
	if ((double)g_utf8_strlen(words, -1) * size * LETTER_WIDE > width - FADE)
		g_string_append_printf(svg, "<rect x=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"url(#%s)\"/>", width - FADE,
			FADE, height, ground);
	g_string_append(svg, "</svg>");
}

static int64_t panel_most(const struct panel *panel, size_t days)
{
	int64_t most = 0;

	for (size_t s = 0; s < panel->count; s++)
		for (size_t d = 0; d < days; d++)
			if (panel->series[s].values[d] > most)
				most = panel->series[s].values[d];
	return most;
}

/* The last day and what it brought, at the right end; the width it leaves. */
static double last_add(GString *svg, const struct chart *chart, const struct series *series, const char *unit, double x,
	double y, double width)
{
	if (chart->day_count == 0)
		return width;
	GString *words = g_string_new(chart->days[chart->day_count - 1]);

	g_string_append(words, ": ");
	amount_add(words, series->values[chart->day_count - 1], unit);
	words_add(svg, x + width, y, 15, "fill=\"#444\" text-anchor=\"end\"", words->str);
	double taken = MIN((double)g_utf8_strlen(words->str, -1) * 15 * LETTER_MEAN + FADE / 2.0, LAST_WIDTH);

	g_string_free(words, TRUE);
	return width - taken;
}

/* A line for each series: its sum and, where there are two, its name; then its last day. */
static void legend_add(GString *svg, const struct chart *chart, const struct panel *panel, double x, double y,
	double width)
{
	for (size_t s = 0; s < panel->count; s++, y += LEGEND_LINE) {
		const struct series *series = &panel->series[s];
		double left = last_add(svg, chart, series, panel->unit, x, y, width);
		GString *words = g_string_new("Σ ");
		int64_t sum = 0;

		for (size_t d = 0; d < chart->day_count; d++)
			sum += series->values[d];
		amount_add(words, sum, panel->unit);
		if (panel->count > 1)
			g_string_append_printf(words, " · %s", series->name);
		g_string_append_printf(svg, "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/>", x,
			y - 11, colours[s]);
		words_add_within(svg, x + PAD, y, left - PAD, "panel", 15, "fill=\"#444\"", words->str);
		g_string_free(words, TRUE);
	}
}

static void bars_add(GString *svg, const struct panel *panel, size_t days, int64_t most, double left, double width,
	double base)
{
	double step = width / (double)days, bar = MIN(step * 0.76 / (double)panel->count, BAR_MAX);
	double aside = (step - bar * (double)panel->count) / 2;

	for (size_t s = 0; s < panel->count; s++)
		for (size_t d = 0; d < days; d++) {
			int64_t value = panel->series[s].values[d];

			if (value == 0)
				continue;
			/* What is there is seen. */
			double height = MAX((double)value / (double)most * BARS_HEIGHT, 2);

			g_string_append_printf(svg, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>",
				left + step * (double)d + aside + bar * (double)s, base - height, bar, height, colours[s]);
		}
}

static void days_add(GString *svg, const struct chart *chart, double left, double width, double y)
{
	double step = width / (double)chart->day_count;
	size_t each = (chart->day_count + LABELS_MOST - 1) / LABELS_MOST;

	/* Counted from the last: today is always named. */
	for (size_t d = chart->day_count; d-- > 0;)
		if ((chart->day_count - 1 - d) % each == 0)
			words_add(svg, left + step * ((double)d + 0.5), y, 13,
				"fill=\"#666\" text-anchor=\"middle\"", chart->days[d]);
}

/* The height of the highest bar and its number; a mere 0 where there is none. */
static void most_add(GString *svg, int64_t most, const char *unit, double left, double width, double top)
{
	GString *words = g_string_new(NULL);

	if (most > 0) {
		g_string_append_printf(svg, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#c6cdd5\" stroke-dasharray=\"4 5\"/>",
			left, top, left + width);
		amount_add(words, most, unit);
		words_add(svg, left, top - 7, 13, "fill=\"#666\"", words->str);
	} else {
		words_add(svg, left + width / 2, top + BARS_HEIGHT / 2.0 + 12, 34,
			"fill=\"#b4bcc5\" text-anchor=\"middle\"", "0");
	}
	g_string_free(words, TRUE);
}

static void panel_add(GString *svg, const struct chart *chart, const struct panel *panel, double x, double y)
{
	int64_t most = panel_most(panel, chart->day_count);
	double left = x + PAD, width = PANEL_WIDTH - 2 * PAD, base = y + BARS_TOP + BARS_HEIGHT;

	g_string_append_printf(svg, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"14\" fill=\"#f6f8fa\"/>",
		x, y, PANEL_WIDTH, PANEL_HEIGHT);
	words_add_within(svg, left, y + 36, width, "panel", 21, "font-weight=\"bold\" fill=\"#222\"",
		panel->title);
	legend_add(svg, chart, panel, left, y + LEGEND_TOP, width);
	most_add(svg, most, panel->unit, left, width, y + BARS_TOP);
	bars_add(svg, panel, chart->day_count, most, left, width, base);
	g_string_append_printf(svg, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#98a1ab\"/>", left, base, left + width);
	days_add(svg, chart, left, width, base + 24);
}

static void ground_add(GString *svg, const char *name, const char *colour)
{
	g_string_append_printf(svg, "<linearGradient id=\"%s\"><stop offset=\"0\" stop-color=\"%s\" stop-opacity=\"0\"/>"
		"<stop offset=\"1\" stop-color=\"%s\"/></linearGradient>", name, colour, colour);
}

static GString *chart_svg(const struct chart *chart, int *height)
{
	GString *svg = g_string_new(NULL);
	size_t rows = (chart->panel_count + 1) / 2;

	*height = (int)(HEAD + rows * (PANEL_HEIGHT + GAP));
	g_string_append_printf(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"font-family=\"DejaVu Sans\"><rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>", WIDTH, *height);
	ground_add(svg, "page", "#fff");
	ground_add(svg, "panel", "#f6f8fa");
	words_add_within(svg, MARGIN, 54, WIDTH - 2 * MARGIN, "page", 28, "font-weight=\"bold\" fill=\"#111\"",
		chart->title);
	for (size_t i = 0; i < chart->panel_count; i++)
		panel_add(svg, chart, &chart->panels[i], MARGIN + (double)(i % 2) * (PANEL_WIDTH + GAP),
			HEAD + (double)(i / 2) * (PANEL_HEIGHT + GAP));
	g_string_append(svg, "</svg>");
	return svg;
}

bool chart_make(char *text, size_t length, void **png, size_t *size, int *width, int *height)
{
	struct chart chart = {0};
	VipsImage *drawn = NULL, *flat = NULL;

	if (strlen(text) != length || !str_is_utf8(text, length) || !chart_read(&chart, text))
		return false;
	GString *svg = chart_svg(&chart, height);

	*width = WIDTH;
	/* The only picture of this process, and our own: nothing of a stranger's is read after it. */
	vips_operation_block_set("VipsForeignLoadSvg", FALSE);
	bool good = vips_svgload_buffer(svg->str, svg->len, &drawn, NULL) == 0 && vips_flatten(drawn, &flat, NULL) == 0
		&& vips_pngsave_buffer(flat, png, size, "compression", 9, "palette", TRUE, NULL) == 0;

	vips_operation_block_set("VipsForeignLoadSvg", TRUE);
	if (drawn != NULL)
		g_object_unref(drawn);
	if (flat != NULL)
		g_object_unref(flat);
	g_string_free(svg, TRUE);
	return good;
}
