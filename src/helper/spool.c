/* Files of jobs: made, recognised and deleted by names of our own, without following links. */
#include "helper/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define NAME_BYTES 32

/* Opens (and makes) the directory of an attempt; -1 with errno. */
static int attempt_open(const char *spool, struct spool_place place, bool make)
{
	char job_name[NAME_BYTES], own_name[2 * NAME_BYTES];
	int inner = -1;
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int root = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int outer = -1;

	snprintf(job_name, sizeof job_name, "%" PRId64, place.job);
	snprintf(own_name, sizeof own_name, "%" PRId64 ".%" PRId32, place.task, place.fence);
	if (root >= 0 && (!make || mkdirat(root, job_name, 0750) == 0 || errno == EEXIST))
		outer = openat(root, job_name, flags);
	if (outer >= 0 && (!make || mkdirat(outer, own_name, 0750) == 0 || errno == EEXIST))
		inner = openat(outer, own_name, flags);
	fd_close(&outer);
	fd_close(&root);
	return inner;
}

enum spool_end spool_make(const char *spool, struct spool_place place)
{
	must(place.job > 0 && place.task > 0 && place.fence > 0);
	int fd = attempt_open(spool, place, true);
	enum spool_end end = fd >= 0 ? SPOOL_OK : SPOOL_DISK;

	fd_close(&fd);
	return end;
}

char *spool_part(const char *spool, struct spool_place place, size_t n, struct arena *arena)
{
	return arena_fmt(arena, "%s/%" PRId64 "/%" PRId64 ".%" PRId32 "/%zu.part", spool, place.job, place.task,
		place.fence, n);
}

static bool start_read(int directory, const char *name, struct sniff *sniff, int64_t *bytes)
{
	struct stat about;
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	unsigned char *start = mem_alloc(SNIFF_BYTES);
	ssize_t count = fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode)
		? pread(fd, start, SNIFF_BYTES, 0) : -1;
	bool known = count > 0 && sniff_bytes(start, (size_t)count, sniff);

	if (known)
		*bytes = about.st_size;
	mem_free(start);
	fd_close(&fd);
	return known;
}

enum spool_end spool_settle(const char *spool, struct spool_place place, size_t n,
	struct arena *arena, char **path, struct sniff *sniff, int64_t *bytes)
{
	char *part = arena_fmt(arena, "%zu.part", n);
	int directory = attempt_open(spool, place, false);

	if (directory < 0)
		return SPOOL_DISK;
	enum spool_end end = SPOOL_STRANGE;

	if (start_read(directory, part, sniff, bytes)) {
		char *name = arena_fmt(arena, "%zu.%s", n, sniff->ending);

		*path = arena_fmt(arena, "%" PRId64 "/%" PRId64 ".%" PRId32 "/%s", place.job, place.task,
			place.fence, name);
		end = renameat(directory, part, directory, name) == 0 ? SPOOL_OK : SPOOL_DISK;
	} else {
		(void)unlinkat(directory, part, 0);
	}
	fd_close(&directory);
	return end;
}

/* "3.png", "0.part", "0.part.new". */
static bool is_file_name(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits > 0 && name[digits] == '.'
		&& strspn(name + digits, "abcdefghijklmnopqrstuvwxyz0123456789.") == strlen(name + digits);
}

/* "17.1": a task and its fence. */
static bool is_own_name(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits > 0 && strspn(name + digits, "0123456789.") == strlen(name + digits);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What a sweep is about. */
struct sweep {
	int64_t job;
	spool_keep_f *keep;
	void *owner;
	size_t files;           /* deleted so far */
	bool kept;              /* something was kept in the attempt under way */
	bool kept_any;
};

static bool is_kept(const struct sweep *sweep, const char *attempt, const char *name)
{
	char path[4 * NAME_BYTES];

	if (sweep->keep == NULL || strlen(name) >= NAME_BYTES)
		return false;
	snprintf(path, sizeof path, "%" PRId64 "/%.*s/%s", sweep->job, 2 * NAME_BYTES, attempt, name);
	return sweep->keep(sweep->owner, path);
}

/* Takes the descriptor over. Deletes the files of one attempt; the worst that was met is returned. */
static enum spool_end attempt_empty(int fd, const char *attempt, struct sweep *sweep)
{
	DIR *directory = fdopendir(fd);
	enum spool_end end = SPOOL_OK;

	sweep->kept = false;
	if (directory == NULL) {
		fd_close(&fd);
		return SPOOL_DISK;
	}
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		if (is_dots(entry->d_name))
			continue;
		if (!is_file_name(entry->d_name))
			end = SPOOL_STRANGE;
		else if (is_kept(sweep, attempt, entry->d_name))
			sweep->kept = sweep->kept_any = true;
		else if (unlinkat(dirfd(directory), entry->d_name, 0) == 0)
			sweep->files++;
		else if (errno != ENOENT)
			end = end == SPOOL_OK ? SPOOL_DISK : end;
	}
	closedir(directory);
	return end;
}

static enum spool_end attempt_remove(int job_fd, const char *name, struct sweep *sweep)
{
	int fd = is_own_name(name)
		? openat(job_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	enum spool_end end = fd >= 0 ? attempt_empty(fd, name, sweep) : SPOOL_STRANGE;

	if (end == SPOOL_OK && !sweep->kept && unlinkat(job_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		end = SPOOL_DISK;
	return end;
}

/* Takes the descriptor over. */
static enum spool_end job_empty(int fd, struct sweep *sweep)
{
	DIR *directory = fdopendir(fd);
	enum spool_end end = SPOOL_OK;

	if (directory == NULL) {
		fd_close(&fd);
		return SPOOL_DISK;
	}
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		enum spool_end one = is_dots(entry->d_name) ? SPOOL_OK
			: attempt_remove(dirfd(directory), entry->d_name, sweep);

		if (one != SPOOL_OK && end != SPOOL_STRANGE)
			end = one;
	}
	closedir(directory);
	return end;
}

enum spool_end spool_sweep(const char *spool, int64_t job, spool_keep_f *keep, void *owner, size_t *files)
{
	struct sweep sweep = {.job = job, .keep = keep, .owner = owner};
	char name[NAME_BYTES];
	int root = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*files = 0;
	if (root < 0)
		return SPOOL_DISK;
	snprintf(name, sizeof name, "%" PRId64, job);
	int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	enum spool_end end = fd >= 0 ? job_empty(fd, &sweep) : errno == ENOENT ? SPOOL_OK
		: errno == ENOTDIR || errno == ELOOP ? SPOOL_STRANGE : SPOOL_DISK;

	*files = sweep.files;
	if (end == SPOOL_OK && !sweep.kept_any && unlinkat(root, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		end = SPOOL_DISK;
	fd_close(&root);
	return end;
}

enum spool_end spool_write(const char *spool, struct spool_place place, size_t n, const void *bytes, size_t length,
	struct arena *arena)
{
	int fd = open(spool_part(spool, place, n, arena), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	enum spool_end end = fd >= 0 && fd_write_all(fd, bytes, length) == FD_OK ? SPOOL_OK : SPOOL_DISK;

	fd_close(&fd);
	return end;
}
