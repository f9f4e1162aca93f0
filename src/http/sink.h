/* Where the bytes of an answer go: bounded memory, or for a 200 that is to be saved, a bounded new file. */
#ifndef HTTP_SINK_H
#define HTTP_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/fault.h"

enum sink_end { SINK_OK, SINK_TOO_LARGE, SINK_DISK };

struct sink {
	struct buf memory;
	int file;               /* -1: none */
	char *path;             /* where the file is to be at the end; null: memory only. Owned */
	char *path_new;         /* its name while it is being written; null: not made yet. Owned */
	size_t written;
	size_t file_max;
	enum sink_end end;
};

/* path: of the file to make, or null. Both maxima are bytes. sink_close must follow. */
void sink_open(struct sink *sink, const char *path, size_t memory_max, size_t file_max);

/* Takes bytes; to_file says where these go (only with a path). Not SINK_OK: the transfer is to be ended. */
MUST_CHECK enum sink_end sink_add(struct sink *sink, const void *bytes, size_t count, bool to_file);

/* The answer is whole: what was written (an empty file when nothing was) gets its name. */
MUST_CHECK enum sink_end sink_keep(struct sink *sink);

void sink_close(struct sink *sink);     /* an unkept file is deleted */
const char *sink_end_text(enum sink_end end);

#endif
