/* What the bytes of a file really are, whatever anybody says of them. */
#ifndef PROVIDER_SNIFF_H
#define PROVIDER_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

#define SNIFF_BYTES (256u << 10)        /* of a file's start: a JPEG's size may stand behind its profile */

struct sniff {
	const char *type;       /* "image/png", "image/jpeg", "image/webp" or "video/mp4" */
	const char *ending;     /* "png", "jpg", "webp" or "mp4" */
	int32_t width;          /* pixels; 0: not said at the start (a film's) */
	int32_t height;
};

/* Reads the start of a file; false when it is none of these, or a picture without a size. */
MUST_CHECK bool sniff_bytes(const unsigned char *bytes, size_t length, struct sniff *sniff);

#endif
