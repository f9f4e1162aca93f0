/* Captions by libvips and Pango: words, their dark edge, and how they are fitted to a picture. */
#include "render/caption.h"

#include <string.h>

#define LAYOUT_WIDTH 1800               /* pixels; every picture's caption is this, made larger or smaller */
#define LAYOUT_HEIGHT_MAX 8000
#define FONT "DejaVu Sans,Noto Color Emoji Bold 92px"   /* families, then how all of them are drawn */
#define EDGE 24                         /* pixels of shadow around the letters of the layout */
#define FONT_COLOUR_LEAST 64            /* red over blue, somewhere in an emoji */
#define MARKS_MAX 2                     /* combining marks on one letter */
#define WIDTH_SHARE 0.9                 /* of the picture */
#define HEIGHT_SHARE 0.5
#define BELOW_SHARE 0.04                /* left free below */

struct caption {
	VipsImage *layer;               /* RGBA, in memory */
};

/* The words as they are drawn: valid, bounded, without what has no shape. */
static char *text_clean(const char *text, size_t length)
{
	GString *clean = g_string_new(NULL);
	size_t points = 0, marks = 0;

	for (const char *at = text, *end = text + length; at < end && points < CAPTION_POINTS_MAX;) {
		gunichar point = g_utf8_get_char_validated(at, end - at);

		if (point == (gunichar)-1 || point == (gunichar)-2) {
			at++;
			continue;
		}
		at += g_utf8_skip[(unsigned char)*at];
		marks = g_unichar_ismark(point) ? marks + 1 : 0;
		/* U+200D joins emoji, U+FE0F makes them coloured. */
		if (marks > MARKS_MAX || (!g_unichar_isprint(point) && point != '\n' && point != 0x200d && point != 0xfe0f))
			continue;
		g_string_append_unichar(clean, point);
		points++;
	}
	return g_strstrip(g_string_free(clean, FALSE));
}

/* Takes *next in place of *image; false, and nothing taken, when what should have made it failed. */
static bool step(VipsImage **image, VipsImage **next, int failed)
{
	if (failed != 0)
		return false;
	g_object_unref(*image);
	*image = *next;
	*next = NULL;
	return true;
}

/* White words, laid out by Pango; emoji keep their colours. Null when there is nothing to see. */
static VipsImage *words_new(const char *text)
{
	VipsImage *words = NULL;
	char *escaped = g_markup_escape_text(text, -1);
	char *markup = g_strdup_printf("<span foreground=\"#ffffff\">%s</span>", escaped);
	int failed = vips_text(&words, markup, "font", FONT, "width", LAYOUT_WIDTH, "rgba", TRUE, "dpi", 72,
		"align", VIPS_ALIGN_CENTRE, "wrap", VIPS_TEXT_WRAP_WORD_CHAR, NULL);

	g_free(markup);
	g_free(escaped);
	return failed == 0 ? words : NULL;
}

/* The width of what is drawn for a letter, or 0. */
static int letter_width(const char *letter)
{
	VipsImage *words = words_new(letter);
	int width = words == NULL ? 0 : vips_image_get_width(words);

	if (words != NULL)
		g_object_unref(words);
	return width;
}

/* Whether anything in it is coloured: how much red differs from blue. */
static bool is_coloured(VipsImage *words)
{
	VipsImage *red = NULL, *blue = NULL, *apart = NULL;
	double most = 0;

	if (vips_extract_band(words, &red, 0, NULL) == 0 && vips_extract_band(words, &blue, 2, NULL) == 0
		&& vips_subtract(red, blue, &apart, NULL) == 0)
		(void)vips_max(apart, &most, NULL);
	if (apart != NULL)
		g_object_unref(apart);
	if (blue != NULL)
		g_object_unref(blue);
	if (red != NULL)
		g_object_unref(red);
	return most > FONT_COLOUR_LEAST;
}

/* Pango draws boxes for letters that no font has, and says nothing. Boxes are all as wide as each other and have no
 * colour; letters and emoji are not so. */
static bool fonts_there(void)
{
	int wide = letter_width("Ш"), narrow = letter_width("І");
	VipsImage *emoji = words_new("😀");
	bool good = emoji != NULL && is_coloured(emoji) && narrow > 0 && wide * 2 > narrow * 3;

	if (emoji != NULL)
		g_object_unref(emoji);
	return good;
}

/* Black where the words are, spread a little and soft at its end: what makes white readable on white. */
static VipsImage *shadow_new(VipsImage *words)
{
	VipsImage *alpha = NULL, *next = NULL, *black = NULL, *layer = NULL;

	if (vips_extract_band(words, &alpha, 3, NULL) != 0)
		return NULL;
	VipsImage *parts[2];
	bool good = step(&alpha, &next, vips_gaussblur(alpha, &next, EDGE / 4.0, NULL))
		&& step(&alpha, &next, vips_linear1(alpha, &next, 4.0, 0.0, "uchar", TRUE, NULL))
		&& vips_black(&black, vips_image_get_width(alpha), vips_image_get_height(alpha), "bands", 3, NULL) == 0;

	if (good) {
		parts[0] = black;
		parts[1] = alpha;
		if (vips_bandjoin(parts, &layer, 2, NULL) == 0)
			layer->Type = VIPS_INTERPRETATION_sRGB;
		g_object_unref(black);
	}
	g_object_unref(alpha);
	return layer;
}

/* Over what is there, at a place; the result has an alpha, as the base had or not. */
static bool lay(VipsImage **base, VipsImage *over, int x, int y)
{
	VipsImage *next = NULL;

	return step(base, &next, vips_composite2(*base, over, &next, VIPS_BLEND_MODE_OVER, "x", x, "y", y, NULL));
}

/* Words over their shadow, in memory: whatever reads files has happened then. Null when memory ends. */
static VipsImage *layer_new(VipsImage **words)
{
	int width = vips_image_get_width(*words), height = vips_image_get_height(*words);
	VipsImage *next = NULL, *layer = NULL, *memory = NULL;

	if (!step(words, &next, vips_embed(*words, &next, EDGE, EDGE, width + 2 * EDGE, height + 2 * EDGE, NULL)))
		return NULL;
	layer = shadow_new(*words);
	if (layer != NULL && lay(&layer, *words, 0, 0)
		&& step(&layer, &next, vips_cast(layer, &next, VIPS_FORMAT_UCHAR, NULL)))
		memory = vips_image_copy_memory(layer);
	if (layer != NULL)
		g_object_unref(layer);
	return memory;
}

enum caption_end caption_new(const char *text, size_t length, struct caption **caption)
{
	if (!fonts_there())
		return CAPTION_NO_FONTS;
	char *clean = text_clean(text, length);
	/* With fonts there, what cannot be drawn is nothing but spaces of some kind. */
	VipsImage *words = *clean != '\0' ? words_new(clean) : NULL, *layer = NULL;
	enum caption_end end = CAPTION_EMPTY;

	g_free(clean);
	if (words == NULL)
		return end;
	if (vips_image_get_height(words) > LAYOUT_HEIGHT_MAX)
		end = CAPTION_TOO_LONG;
	else
		end = (layer = layer_new(&words)) != NULL ? CAPTION_MADE : CAPTION_FAILED;
	g_object_unref(words);
	if (end == CAPTION_MADE) {
		*caption = g_new(struct caption, 1);
		(*caption)->layer = layer;
	}
	return end;
}

bool caption_draw(const struct caption *caption, VipsImage **image)
{
	double width = vips_image_get_width(*image), height = vips_image_get_height(*image);
	double own_width = vips_image_get_width(caption->layer), own_height = vips_image_get_height(caption->layer);
	double scale = MIN(width * WIDTH_SHARE / LAYOUT_WIDTH, height * HEIGHT_SHARE / own_height);
	VipsImage *layer = NULL, *next = NULL;

	scale = MAX(scale, MAX(1 / own_width, 1 / own_height));
	if (vips_resize(caption->layer, &layer, scale, NULL) != 0)
		return false;
	int x = (int)((width - vips_image_get_width(layer)) / 2);
	int y = (int)(height - vips_image_get_height(layer) - height * BELOW_SHARE);
	bool good = lay(image, layer, x, y < 0 ? 0 : y)
		&& step(image, &next, vips_extract_band(*image, &next, 0, "n", 3, NULL))
		&& step(image, &next, vips_cast(*image, &next, VIPS_FORMAT_UCHAR, NULL));

	g_object_unref(layer);
	return good;
}
