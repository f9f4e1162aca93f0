/* Words to be drawn over a picture: laid out once, at a width of its own, then fitted to any picture. */
#ifndef RENDER_CAPTION_H
#define RENDER_CAPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <vips/vips.h>

#include "base/fault.h"

#define CAPTION_BYTES_MAX 4096
#define CAPTION_POINTS_MAX 200          /* code points; more take seconds and hundreds of megabytes to lay out */

struct caption;

enum caption_end {
	CAPTION_MADE,
	CAPTION_EMPTY,          /* nothing in it can be seen */
	CAPTION_TOO_LONG,       /* more lines than a picture has room for */
	CAPTION_NO_FONTS,       /* this machine cannot draw Cyrillic and emoji */
	CAPTION_FAILED,
};

/* Opens fonts, so it is called before the cage. White words with a dark edge, readable on anything. What is no UTF-8, a
 * control character or a mark too many on one letter is dropped. */
MUST_CHECK enum caption_end caption_new(const char *text, size_t length, struct caption **caption);

/* Puts it over the lower part of the image (sRGB, 8 bits, three bands), at most half its height. Takes no files. */
MUST_CHECK bool caption_draw(const struct caption *caption, VipsImage **image);

#endif
