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

/* Opens fonts, so it is called before the cage. White words with a dark edge, readable on anything. What is no UTF-8, a
 * control character or a mark too many on one letter is dropped. Null when nothing is left, or no font is there. */
struct caption *caption_new(const char *text, size_t length);

/* Puts it over the lower part of the image (sRGB, 8 bits, three bands), at most half its height. Takes no files. */
MUST_CHECK bool caption_draw(const struct caption *caption, VipsImage **image);

#endif
