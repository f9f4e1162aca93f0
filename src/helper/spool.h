/* The files of jobs under way: SPOOL_DIR/<job>/<task>.<fence>/<n>.<ending>, all names our own. */
#ifndef HELPER_SPOOL_H
#define HELPER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "provider/sniff.h"

enum spool_end {
	SPOOL_OK,
	SPOOL_DISK,             /* the disk or its rights stand in the way; errno says how */
	SPOOL_STRANGE,          /* not a file of ours, or not a picture or film */
};

/* One attempt at one task of a job. */
struct spool_place {
	int64_t job;
	int64_t task;
	int32_t fence;
};

/* Makes the directories of an attempt, 0750: nginx's group may read what providers are given. Both may be there. */
MUST_CHECK enum spool_end spool_make(const char *spool, struct spool_place place);

/* The path that file n of an attempt is downloaded to; in the arena. */
char *spool_part(const char *spool, struct spool_place place, size_t n, struct arena *arena);

/* Looks at what was downloaded and gives it the ending that its bytes deserve. On SPOOL_OK *path (in the arena) is
 * relative to the spool. A file that is STRANGE is deleted. */
MUST_CHECK enum spool_end spool_settle(const char *spool, struct spool_place place, size_t n,
	struct arena *arena, char **path, struct sniff *sniff, int64_t *bytes);

/* Writes bytes as file n of an attempt, to be settled. */
MUST_CHECK enum spool_end spool_write(const char *spool, struct spool_place place, size_t n, const void *bytes,
	size_t length, struct arena *arena);

/* Deletes a job's directory with all attempts, but for the files that keep(owner, path) wants (keep may be null); one
 * that is not there is fine. What has not a name of ours is left alone, and with it its directory: SPOOL_STRANGE. */
typedef bool spool_keep_f(void *owner, const char *path);
MUST_CHECK enum spool_end spool_sweep(const char *spool, int64_t job, spool_keep_f *keep, void *owner, size_t *files);

#endif
