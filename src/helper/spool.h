/* The files of jobs under way: SPOOL_DIR/<job>/<fence>/<n>.<ending>, all names our own. */
#ifndef HELPER_SPOOL_H
#define HELPER_SPOOL_H

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

/* Makes the directories of a job's attempt, 0700; both may be there already. */
MUST_CHECK enum spool_end spool_make(const char *spool, int64_t job, int32_t fence);

/* The path that file n of an attempt is downloaded to; in the arena. */
char *spool_part(const char *spool, int64_t job, int32_t fence, size_t n, struct arena *arena);

/* Looks at what was downloaded and gives it the ending that its bytes deserve. On SPOOL_OK *path (in the arena) is
 * relative to the spool. A file that is STRANGE is deleted. */
MUST_CHECK enum spool_end spool_settle(const char *spool, int64_t job, int32_t fence, size_t n,
	struct arena *arena, char **path, struct sniff *sniff, int64_t *bytes);

/* Deletes a job's directory with all attempts; one that is not there is fine. What has not a name of ours is left
 * alone, and with it its directory: SPOOL_STRANGE. */
MUST_CHECK enum spool_end spool_sweep(const char *spool, int64_t job, size_t *files);

#endif
