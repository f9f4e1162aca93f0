/* A growing byte buffer that is born with its maximum. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* data is NUL-terminated once anything was added; full stays true after the first refused addition,
 * so a writer may add many pieces and ask once at the end. */
struct buf {
	char *data;
	size_t length;
	size_t capacity;
	size_t max;
	bool full;
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_free(struct buf *buf);                 /* leaves it empty and usable again */
void buf_clear(struct buf *buf);                /* keeps the memory, clears full */

/* Each adds whole or not at all; when it does not fit, nothing is added and full becomes true. */
void buf_add(struct buf *buf, const void *bytes, size_t length);
void buf_str(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_i64(struct buf *buf, int64_t value);
void buf_fmt(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);

const char *buf_text(const struct buf *buf);    /* never null; "" when empty */
/* hands the bytes over (free with mem_free); never null */
char *buf_take(struct buf *buf);

#endif
