/* A growing byte buffer that is born with its maximum. */
#include "base/buf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define BUF_FIRST_BYTES 256

void buf_init(struct buf *buf, size_t max_bytes)
{
	must(max_bytes < SIZE_MAX / 4);
	*buf = (struct buf){.max = max_bytes};
}

void buf_free(struct buf *buf)
{
	mem_free(buf->data);
	*buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
	buf->length = 0;
	buf->full = false;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

/* Makes room for count more bytes and the NUL; false marks the buffer full. */
static bool buf_room(struct buf *buf, size_t count)
{
	if (buf->full || count > buf->max - buf->length) {
		buf->full = true;
		return false;
	}
	size_t need = buf->length + count + 1;

	if (need > buf->capacity) {
		size_t capacity = buf->capacity > 0 ? buf->capacity : BUF_FIRST_BYTES;

		while (capacity < need)
			capacity *= 2;
		if (capacity > buf->max + 1)
			capacity = buf->max + 1;
		buf->data = mem_grow(buf->data, capacity);
		buf->capacity = capacity;
	}
	return true;
}

void buf_add(struct buf *buf, const void *bytes, size_t length)
{
	if (!buf_room(buf, length))
		return;
	if (length > 0)
		memcpy(buf->data + buf->length, bytes, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void buf_str(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_i64(struct buf *buf, int64_t value)
{
	buf_fmt(buf, "%" PRId64, value);
}

void buf_fmt(struct buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int length = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	must(length >= 0);
	if (!buf_room(buf, (size_t)length))
		return;
	va_start(args, fmt);
	vsnprintf(buf->data + buf->length, (size_t)length + 1, fmt, args);
	va_end(args);
	buf->length += (size_t)length;
}

const char *buf_text(const struct buf *buf)
{
	return buf->data == NULL ? "" : buf->data;
}

char *buf_take(struct buf *buf)
{
	char *text = buf->data == NULL ? mem_str("") : buf->data;

	*buf = (struct buf){.max = buf->max};
	return text;
}
