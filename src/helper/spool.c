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

/* Opens (and makes) SPOOL/<job>/<fence>; -1 with errno. */
static int attempt_open(const char *spool, int64_t job, int32_t fence, bool make)
{
	char job_name[NAME_BYTES], fence_name[NAME_BYTES];
	int inner = -1;
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int root = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int outer = -1;

	snprintf(job_name, sizeof job_name, "%" PRId64, job);
	snprintf(fence_name, sizeof fence_name, "%" PRId32, fence);
	if (root >= 0 && (!make || mkdirat(root, job_name, 0700) == 0 || errno == EEXIST))
		outer = openat(root, job_name, flags);
	if (outer >= 0 && (!make || mkdirat(outer, fence_name, 0700) == 0 || errno == EEXIST))
		inner = openat(outer, fence_name, flags);
	fd_close(&outer);
	fd_close(&root);
	return inner;
}

enum spool_end spool_make(const char *spool, int64_t job, int32_t fence)
{
	must(job > 0 && fence > 0);
	int fd = attempt_open(spool, job, fence, true);
	enum spool_end end = fd >= 0 ? SPOOL_OK : SPOOL_DISK;

	fd_close(&fd);
	return end;
}

char *spool_part(const char *spool, int64_t job, int32_t fence, size_t n, struct arena *arena)
{
	return arena_fmt(arena, "%s/%" PRId64 "/%" PRId32 "/%zu.part", spool, job, fence, n);
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

enum spool_end spool_settle(const char *spool, int64_t job, int32_t fence, size_t n,
	struct arena *arena, char **path, struct sniff *sniff, int64_t *bytes)
{
	char *part = arena_fmt(arena, "%zu.part", n);
	int directory = attempt_open(spool, job, fence, false);

	if (directory < 0)
		return SPOOL_DISK;
	enum spool_end end = SPOOL_STRANGE;

	if (start_read(directory, part, sniff, bytes)) {
		char *name = arena_fmt(arena, "%zu.%s", n, sniff->ending);

		*path = arena_fmt(arena, "%" PRId64 "/%" PRId32 "/%s", job, fence, name);
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

static bool is_fence_name(const char *name)
{
	return *name != '\0' && strspn(name, "0123456789") == strlen(name);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Takes the descriptor over. Deletes the files of one attempt; the worst that was met is returned. */
static enum spool_end attempt_empty(int fd, size_t *files)
{
	DIR *directory = fdopendir(fd);
	enum spool_end end = SPOOL_OK;

	if (directory == NULL) {
		fd_close(&fd);
		return SPOOL_DISK;
	}
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		if (is_dots(entry->d_name))
			continue;
		if (!is_file_name(entry->d_name))
			end = SPOOL_STRANGE;
		else if (unlinkat(dirfd(directory), entry->d_name, 0) == 0)
			(*files)++;
		else if (errno != ENOENT)
			end = end == SPOOL_OK ? SPOOL_DISK : end;
	}
	closedir(directory);
	return end;
}

static enum spool_end attempt_remove(int job_fd, const char *name, size_t *files)
{
	int fd = is_fence_name(name)
		? openat(job_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	enum spool_end end = fd >= 0 ? attempt_empty(fd, files) : SPOOL_STRANGE;

	if (end == SPOOL_OK && unlinkat(job_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		end = SPOOL_DISK;
	return end;
}

/* Takes the descriptor over. */
static enum spool_end job_empty(int fd, size_t *files)
{
	DIR *directory = fdopendir(fd);
	enum spool_end end = SPOOL_OK;

	if (directory == NULL) {
		fd_close(&fd);
		return SPOOL_DISK;
	}
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		enum spool_end one = is_dots(entry->d_name) ? SPOOL_OK
			: attempt_remove(dirfd(directory), entry->d_name, files);

		if (one != SPOOL_OK && end != SPOOL_STRANGE)
			end = one;
	}
	closedir(directory);
	return end;
}

enum spool_end spool_sweep(const char *spool, int64_t job, size_t *files)
{
	char name[NAME_BYTES];
	int root = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*files = 0;
	if (root < 0)
		return SPOOL_DISK;
	snprintf(name, sizeof name, "%" PRId64, job);
	int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	enum spool_end end = fd >= 0 ? job_empty(fd, files) : errno == ENOENT ? SPOOL_OK
		: errno == ENOTDIR || errno == ELOOP ? SPOOL_STRANGE : SPOOL_DISK;

	if (end == SPOOL_OK && unlinkat(root, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		end = SPOOL_DISK;
	fd_close(&root);
	return end;
}
