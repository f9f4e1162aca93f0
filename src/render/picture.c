/* Pictures through libvips: decode, turn upright, shrink, flatten, encode. */
#include "render/picture.h"

#include <string.h>
#include <vips/vips.h>
#include <vips/vector.h>

#include "render/caption.h"

#define QUALITY_LEAST 60
#define ROUNDS_MAX 12           /* each makes the sides shorter: no picture needs so many */

static const int qualities[] = {92, 85, 75, QUALITY_LEAST};

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

static void log_drop(const char *domain, GLogLevelFlags level, const char *text, void *unused)
{
	(void)domain;
	(void)level;
	(void)text;
	(void)unused;
}

bool picture_begin(const char *program)
{
	static const char *const loaders[] = {
		"VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp",
	};

	if (VIPS_INIT(program) != 0)
		return false;
	/* Descriptor 2 carries facts only. */
	g_log_set_default_handler(log_drop, NULL);
	vips_concurrency_set(1);
	vips_cache_set_max(0);
	/* Its compiler wants memory that can be run, through a file. */
	vips_vector_set_enabled(FALSE);
	/* heifload is not flagged as untrusted in 8.14: everything is blocked, then three are let in. */
	vips_block_untrusted_set(TRUE);
	vips_operation_block_set("VipsForeignLoad", TRUE);
	for (size_t i = 0; i < COUNT(loaders); i++)
		vips_operation_block_set(loaders[i], FALSE);
	return true;
}

/* Whether a JPEG goes on to its end. libvips looks at that only for sources it cannot map; one in memory it fills up
 * with grey. Before the scan markers tell their length; in it 0xff stands before a zero or a marker. */
static bool jpeg_ends(const unsigned char *at, size_t size)
{
	size_t place = 2;

	while (place + 4 <= size && at[place] == 0xff && at[place + 1] != 0xda)
		place += at[place + 1] == 0xff ? 1 : 2u + (unsigned)(at[place + 2] << 8 | at[place + 3]);
	for (; place + 2 <= size; place++)
		if (at[place] == 0xff && at[place + 1] == 0xd9)
			return true;
	return false;
}

/* The header alone; null when it can't be read. `known` is false for what is none of the three kinds. */
static VipsImage *header_read(void *bytes, size_t size, bool *known)
{
	static const unsigned char jpeg[] = {0xff, 0xd8, 0xff};
	static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
	const char *at = bytes;
	VipsImage *image = NULL;

	*known = true;
	if (size > sizeof jpeg && memcmp(at, jpeg, sizeof jpeg) == 0)
		return jpeg_ends(bytes, size) && vips_jpegload_buffer(bytes, size, &image, NULL) == 0 ? image : NULL;
	if (size > sizeof png && memcmp(at, png, sizeof png) == 0)
		return vips_pngload_buffer(bytes, size, &image, NULL) == 0 ? image : NULL;
	if (size > 12 && memcmp(at, "RIFF", 4) == 0 && memcmp(at + 8, "WEBP", 4) == 0)
		return vips_webpload_buffer(bytes, size, &image, NULL) == 0 ? image : NULL;
	*known = false;
	return NULL;
}

/* Takes *next in place of *image; false, and nothing taken, when the step that should have made it failed. */
static bool step(VipsImage **image, VipsImage **next, int failed)
{
	if (failed)
		return false;
	g_object_unref(*image);
	*image = *next;
	*next = NULL;
	return true;
}

/* Takes the image into memory, whole, where it is decoded once. */
static bool settle(VipsImage **image)
{
	VipsImage *next = vips_image_copy_memory(*image);

	return step(image, &next, next == NULL);
}

/* White beside what is too narrow, so that neither side is more than PICTURE_RATIO_MAX times the other. */
static bool widen(VipsImage **image)
{
	int width = vips_image_get_width(*image), height = vips_image_get_height(*image);
	int least_width = (height + PICTURE_RATIO_MAX - 1) / PICTURE_RATIO_MAX;
	int least_height = (width + PICTURE_RATIO_MAX - 1) / PICTURE_RATIO_MAX;
	int to_width = width < least_width ? least_width : width;
	int to_height = height < least_height ? least_height : height;
	VipsImage *next = NULL;

	if (to_width == width && to_height == height)
		return true;
	return step(image, &next, vips_embed(*image, &next, (to_width - width) / 2,
		(to_height - height) / 2, to_width, to_height, "extend", VIPS_EXTEND_WHITE, NULL));
}

/* Decodes into memory: upright, sRGB, 8 bits, no alpha, within the box. Only a picture that brings a profile is
 * converted: without one libvips 8.14 would take a way through XYZ on which white becomes 250. */
static VipsImage *decode(void *bytes, size_t size, int width, int height, bool profile)
{
	VipsImage *image = NULL, *next = NULL;

	if (vips_thumbnail_buffer(bytes, size, &image, width, "height", height, "size", VIPS_SIZE_DOWN,
		"fail_on", VIPS_FAIL_ON_TRUNCATED, profile ? "export_profile" : NULL, "srgb", NULL) != 0)
		return NULL;
	double white[] = {255, 255, 255};
	VipsArrayDouble *background = vips_array_double_new(white, COUNT(white));
	bool good = step(&image, &next, vips_colourspace(image, &next, VIPS_INTERPRETATION_sRGB, NULL))
		&& (!vips_image_hasalpha(image)
		|| step(&image, &next, vips_flatten(image, &next, "background", background, NULL)))
		&& settle(&image) && widen(&image);

	vips_area_unref(VIPS_AREA(background));
	if (good)
		return image;
	g_object_unref(image);
	return NULL;
}

/* Lowers the quality, then the size, until it fits. Takes image over. */
static enum picture_end encode(VipsImage *image, struct picture *picture)
{
	enum picture_end end = PICTURE_TOO_LARGE;

	for (int round = 0; round < ROUNDS_MAX; round++) {
		VipsImage *next = NULL;

		for (size_t i = 0; i < COUNT(qualities); i++) {
			picture_free(picture);
			if (vips_jpegsave_buffer(image, &picture->bytes, &picture->size, "Q", qualities[i],
				"strip", TRUE, "optimize_coding", TRUE, NULL) != 0) {
				g_object_unref(image);
				return PICTURE_BROKEN;
			}
			if (picture->size <= PICTURE_OUTPUT_MAX) {
				picture->width = vips_image_get_width(image);
				picture->height = vips_image_get_height(image);
				g_object_unref(image);
				return PICTURE_MADE;
			}
		}
		if (!step(&image, &next, vips_resize(image, &next, 0.75, NULL))) {
			end = PICTURE_BROKEN;
			break;
		}
	}
	g_object_unref(image);
	return end;
}

enum picture_end picture_make(const void *bytes, size_t size, struct picture *picture)
{
	return picture_make_captioned(bytes, size, NULL, picture);
}

enum picture_end picture_make_captioned(const void *bytes, size_t size, const struct caption *caption,
	struct picture *picture)
{
	/* libvips takes it without const and leaves it alone. */
	union { const void *given; void *taken; } input = {.given = bytes};
	bool known;
	VipsImage *header = header_read(input.taken, size, &known);

	*picture = (struct picture){0};
	if (header == NULL)
		return known ? PICTURE_BROKEN : PICTURE_NONE;
	int64_t width = vips_image_get_width(header), height = vips_image_get_height(header);
	bool swap = vips_image_get_orientation_swap(header);
	bool profile = vips_image_get_typeof(header, VIPS_META_ICC_NAME) != 0;

	g_object_unref(header);
	if (width * height > PICTURE_PIXELS_MAX)
		return PICTURE_TOO_LARGE;
	if (width + height > PICTURE_SIDES_MAX) {
		int64_t sum = width + height;

		width = width * PICTURE_SIDES_MAX / sum;
		height = height * PICTURE_SIDES_MAX / sum;
	}
	width = width < 1 ? 1 : width;
	height = height < 1 ? 1 : height;
	VipsImage *image = decode(input.taken, size, (int)(swap ? height : width),
		(int)(swap ? width : height), profile);

	if (image != NULL && caption != NULL && !caption_draw(caption, &image)) {
		g_object_unref(image);
		image = NULL;
	}
	return image == NULL ? PICTURE_BROKEN : encode(image, picture);
}

void picture_free(struct picture *picture)
{
	g_free(picture->bytes);
	picture->bytes = NULL;
	picture->size = 0;
}
