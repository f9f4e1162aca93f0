/* atelierctl export: the operator's views as CSV files, all of one moment. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "ctl/ctl.h"

#define EXPORT_PATH_MAX 4096
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

static bool view_write(struct ctl *ctl, const char *directory, const char *view)
{
	char path[EXPORT_PATH_MAX];
	const char *args[] = {view};
	const struct db_rows *rows;

	if (snprintf(path, sizeof path, "%s/%s.csv", directory, view) >= (int)sizeof path)
		return ctl_fail("%s: too long", directory), false;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return ctl_fail("%s: %s", path, strerror(errno)), false;
	bool good = ctl_call(ctl, &head, args, &rows);

	if (good) {
		good = write_text(fd, path, rows_text(rows, 0, 0));
		db_done(ctl->db);
	}
	good = good && script(ctl, arena_fmt(ctl->arena,
		"DECLARE export NO SCROLL CURSOR FOR SELECT ctl.export_line('%s', to_jsonb(v)) FROM report.%s v ORDER BY v.id",
		view, view));
	int64_t count = good ? rows_write(ctl, fd, path) : -1;

	good = count >= 0 && script(ctl, "CLOSE export");
	if (fsync(fd) != 0 && good)
		good = (ctl_fail("%s: %s", path, strerror(errno)), false);
	fd_close(&fd);
	if (good)
		printf("%s: %lld rows\n", path, (long long)count);
	return good;
}

enum ctl_end export_run(struct ctl *ctl)
{
	bool good = script(ctl, "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
		&& script(ctl, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");

	for (size_t i = 0; good && i < sizeof views / sizeof *views; i++)
		good = view_write(ctl, ctl->words[0], views[i]);
	return good && script(ctl, "COMMIT") ? CTL_DONE : CTL_FAILED;
}
