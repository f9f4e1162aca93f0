/* The settings file: read whole, checked, and refused when too many can read it. */
#include "data/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/settings.h"

#define FILE_READERS 0007           /* others may do nothing at all */

static void owner_check(const struct stat *st, struct buf *warnings)
{
	if ((st->st_mode & FILE_READERS) != 0)
		buf_fmt(warnings, "its mode is %04o: others must not reach it (chmod o= it)\n",
			(unsigned)(st->st_mode & 07777));
	if (st->st_uid != 0 && st->st_uid != geteuid())
		buf_fmt(warnings, "it is owned by user %lu: must be root or who runs atelierd\n",
			(unsigned long)st->st_uid);
}

/* Reads the bytes; what fails is told in errors. */
static bool bytes_read(const char *path, struct buf *text, struct buf *errors,
	struct buf *warnings)
{
	struct stat st;
	/* Not blocking, lest a pipe in its place stops us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool good = false;

	if (fd < 0 || fstat(fd, &st) != 0)
		buf_fmt(errors, "%m\n");
	else if (!S_ISREG(st.st_mode))
		buf_str(errors, "is not a file\n");
	else if (fd_read_all(fd, text) != FD_OK)
		buf_fmt(errors, "%m\n");
	else
		good = true;
	if (good)
		owner_check(&st, warnings);
	fd_close(&fd);
	return good;
}

struct conf *settings_file_read(const char *path, struct buf *errors, struct buf *warnings)
{
	struct conf *conf = NULL;
	struct buf text;

	buf_init(&text, CONF_FILE_MAX);
	if (bytes_read(path, &text, errors, warnings))
		conf = conf_read(settings_table, settings_count, SETTINGS_ALL, buf_text(&text), text.length,
			errors);
	if (text.data != NULL)
		mem_wipe(text.data, text.capacity);
	buf_free(&text);
	if (conf != NULL && !settings_check(conf, errors)) {
		conf_free(conf);
		return NULL;
	}
	return conf;
}
