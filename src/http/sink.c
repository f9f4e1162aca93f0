/* Answers as they arrive: never more than the bound in memory or on disk, never a half file under its name. */
#include "http/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

void sink_open(struct sink *sink, const char *path, size_t memory_max, size_t file_max)
{
	*sink = (struct sink){.file = -1, .file_max = file_max};
	buf_init(&sink->memory, memory_max);
	if (path != NULL)
		sink->path = mem_str(path);
}

static bool file_make(struct sink *sink)
{
	size_t length = strlen(sink->path);

	sink->path_new = mem_alloc(length + sizeof ".new");
	memcpy(sink->path_new, sink->path, length);
	memcpy(sink->path_new + length, ".new", sizeof ".new");
	sink->file = open(sink->path_new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (sink->file < 0) {
		/* It is somebody else's: not to be deleted by us. */
		mem_free(sink->path_new);
		sink->path_new = NULL;
	}
	return sink->file >= 0;
}

static enum sink_end file_add(struct sink *sink, const void *bytes, size_t count)
{
	if (sink->file < 0 && !file_make(sink))
		return SINK_DISK;
	if (count > sink->file_max - sink->written)
		return SINK_TOO_LARGE;
	if (fd_write_all(sink->file, bytes, count) != FD_OK)
		return SINK_DISK;
	sink->written += count;
	return SINK_OK;
}

enum sink_end sink_add(struct sink *sink, const void *bytes, size_t count, bool to_file)
{
	if (sink->end != SINK_OK)
		return sink->end;
	if (to_file && sink->path != NULL) {
		sink->end = file_add(sink, bytes, count);
		return sink->end;
	}
	buf_add(&sink->memory, bytes, count);
	if (sink->memory.full)
		sink->end = SINK_TOO_LARGE;
	return sink->end;
}

enum sink_end sink_keep(struct sink *sink)
{
	must(sink->path != NULL);
	if (sink->end == SINK_OK && sink->file < 0 && !file_make(sink))
		sink->end = SINK_DISK;
	if (sink->end != SINK_OK)
		return sink->end;
	/* A full disk may show only now. */
	bool closed = close(sink->file) == 0;

	sink->file = -1;
	if (!closed || rename(sink->path_new, sink->path) != 0) {
		sink->end = SINK_DISK;
		return sink->end;
	}
	mem_free(sink->path_new);
	sink->path_new = NULL;
	return SINK_OK;
}

void sink_close(struct sink *sink)
{
	fd_close(&sink->file);
	if (sink->path_new != NULL)
		(void)unlink(sink->path_new);
	mem_free(sink->path_new);
	mem_free(sink->path);
	buf_free(&sink->memory);
	*sink = (struct sink){.file = -1};
}

const char *sink_end_text(enum sink_end end)
{
	switch (end) {
	case SINK_OK:
		return "whole";
	case SINK_TOO_LARGE:
		return "the answer is too large";
	case SINK_DISK:
		return "the answer could not be written to disk";
	}
	fault("an end of enum sink_end");
}
