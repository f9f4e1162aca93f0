/* A picture from bytes that nobody vouches for, made fit for sendPhoto of the Bot API. */
#ifndef RENDER_PICTURE_H
#define RENDER_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

#define PICTURE_INPUT_MAX (64u << 20)           /* bytes */
#define PICTURE_PIXELS_MAX 100000000            /* judged from the header, before anything is decoded */
#define PICTURE_SIDES_MAX 10000                 /* width and height together */
#define PICTURE_RATIO_MAX 20
#define PICTURE_OUTPUT_MAX 10000000u            /* bytes */

enum picture_end {
	PICTURE_MADE,
	PICTURE_NONE,           /* not a JPEG, PNG or WebP */
	PICTURE_TOO_LARGE,
	PICTURE_BROKEN,         /* cut, damaged, or of a kind that can't be decoded */
};

struct picture {
	void *bytes;            /* a JPEG: sRGB, upright, nothing but the picture; free with picture_free */
	size_t size;
	int width;
	int height;
};

/* Loads libvips and blocks every loader that is not needed; false when that fails. */
MUST_CHECK bool picture_begin(const char *program);

enum picture_end picture_make(const void *bytes, size_t size, struct picture *picture);
void picture_free(struct picture *picture);

/* The same, with a caption drawn over its lower part. */
struct caption;
enum picture_end picture_make_captioned(const void *bytes, size_t size, const struct caption *caption,
	struct picture *picture);

#endif
