/* atelierctl export: the operator's views as CSV files, all of one moment. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "ctl/ctl.h"

#define EXPORT_ARENA_LINES 1000         /* rows of one round trip */

/* Of schema report. */
static const char *const views[] = {
	"users", "balances", "payments", "operations", "ledger", "jobs", "user_credits", "credit_transactions",
};

static const struct db_statement head = {"ctl.export_head", "SELECT ctl.export_head($1)", 1};
static const struct db_statement more = {"ctl.export_more", "FETCH 1000 FROM export", 0};

static bool script(struct ctl *ctl, const char *sql)
{
	if (db_script(ctl->db, sql) == DB_OK)
		return true;
	ctl_fail("%s", db_error(ctl->db));
	return false;
}

static bool write_text(int fd, const char *path, const char *text)
{
	if (fd_write_all(fd, text, strlen(text)) == FD_OK)
		return true;
	ctl_fail("%s: %s", path, strerror(errno));
	return false;
}

/* The rows of the cursor; how many, or -1. */
static int64_t rows_write(struct ctl *ctl, int fd, const char *path)
{
	const struct db_rows *rows;
	int64_t count = 0;

	for (;;) {
		if (!ctl_call(ctl, &more, NULL, &rows))
			return -1;
		size_t got = rows_count(rows);
		bool good = true;

		for (size_t row = 0; good && row < got; row++)
			good = write_text(fd, path, rows_text(rows, row, 0));
		db_done(ctl->db);
		if (!good)
			return -1;
		count += (int64_t)got;
		if (got < EXPORT_ARENA_LINES)
			return count;
	}
}

/* A view under its columns' names; how many rows, or -1. path: of the messages. */
static int64_t view_write(struct ctl *ctl, const char *view, int fd, const char *path)
{
	const char *args[] = {view};
	const struct db_rows *rows;

	if (!ctl_call(ctl, &head, args, &rows))
		return -1;
	bool good = write_text(fd, path, rows_text(rows, 0, 0));

	db_done(ctl->db);
	if (!good || !script(ctl, arena_fmt(ctl->arena, "DECLARE export NO SCROLL CURSOR FOR "
		"SELECT ctl.export_line('%s', to_jsonb(v)) FROM report.%s v ORDER BY v.id", view, view)))
		return -1;
	int64_t count = rows_write(ctl, fd, path);

	return count >= 0 && script(ctl, "CLOSE export") ? count : -1;
}

/* What could not be written whole is not there. */
static bool file_write(struct ctl *ctl, const char *directory, const char *view)
{
	const char *path = arena_fmt(ctl->arena, "%s/%s.csv", directory, view);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return ctl_fail("%s: %s", path, strerror(errno)), false;
	int64_t count = view_write(ctl, view, fd, path);

	if (count >= 0 && fsync(fd) != 0) {
		ctl_fail("%s: %s", path, strerror(errno));
		count = -1;
	}
	fd_close(&fd);
	if (count < 0)
		return (void)unlink(path), false;
	printf("%s: %lld rows\n", path, (long long)count);
	return true;
}

static const char *view_of(const char *name)
{
	for (size_t i = 0; i < sizeof views / sizeof *views; i++)
		if (str_equal(views[i], name))
			return views[i];
	return NULL;
}

enum ctl_end export_run(struct ctl *ctl)
{
	bool pipe = str_equal(ctl->words[0], "-");
	const char *view = ctl->count > 1 ? view_of(ctl->words[1]) : NULL;

	if (pipe != (ctl->count > 1))
		return ctl_fail("export DIRECTORY, or export - VIEW"), CTL_USAGE;
	if (pipe && view == NULL)
		return ctl_fail("export: there is no view %s", ctl->words[1]), CTL_USAGE;
	/* It reads everything, and whoever takes it may be slow. */
	bool good = script(ctl, "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; "
		"SET TimeZone = 'UTC'") && script(ctl, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");

	if (pipe)
		good = good && view_write(ctl, view, STDOUT_FILENO, view) >= 0;
	for (size_t i = 0; good && !pipe && i < sizeof views / sizeof *views; i++)
		good = file_write(ctl, ctl->words[0], views[i]);
	return good && script(ctl, "COMMIT") ? CTL_DONE : CTL_FAILED;
}
