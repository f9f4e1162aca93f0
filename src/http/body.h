/* A request's body put together while it is sent: texts, and files as base64 (RFC 4648) without line ends. */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "data/call.h"

#define BODY_CHUNK 3072         /* bytes of a file held at a time; a multiple of three */

struct body {
	const struct call_piece *pieces;
	size_t count;
	int64_t sizes[CALL_PIECES_MAX]; /* of the files, as they were counted */
	size_t at;                      /* the piece under way */
	size_t offset;                  /* of a text: bytes taken */
	int fd;                         /* of a file; -1: none is open */
	int64_t left;                   /* bytes of the file not yet read */
	char ready[BODY_CHUNK / 3 * 4]; /* encoded and not yet taken */
	size_t ready_count, ready_taken;
};

/* Looks at all files; *length is how many bytes there will be. False when one cannot be read. The pieces must outlive
 * the body. Free with body_close. */
MUST_CHECK bool body_open(struct body *body, const struct call_piece *pieces, size_t count, int64_t *length);
void body_close(struct body *body);

/* The next at most `room` bytes; 0 at the end, -1 when a file has changed or cannot be read. */
MUST_CHECK int64_t body_read(struct body *body, char *out, size_t room);

#endif
