/* atelierctl verify and status: whether all is well, and how much there is to do. */
#include <stdio.h>

#include "base/str.h"
#include "ctl/ctl.h"

static const struct db_statement verify = {"ctl.verify", "SELECT invariant, what FROM ctl.verify()", 0};
static const struct db_statement status = {
	"ctl.status", "SELECT metric, labels, value FROM ctl.status()", 0};

static const struct db_statement lanes = {
	"ctl.lanes", "SELECT lane, helpers, ready, leased, oldest_s, paused_s, looked_s FROM ctl.lanes()", 0};
static const struct db_statement work = {"ctl.open_work",
	"SELECT jobs_pending, jobs_processing, payments, review, reconciled, differences FROM ctl.open_work()", 0};
static const struct db_statement failures = {
	"ctl.failures", "SELECT at, task, kind, job, class, error FROM ctl.failures()", 0};

enum ctl_end check_verify(struct ctl *ctl)
{
	const struct db_rows *rows;

	/* It reads the whole ledger. */
	if (db_script(ctl->db, "SET statement_timeout = 0") != DB_OK)
		return ctl_fail("%s", db_error(ctl->db));
	if (!ctl_call(ctl, &verify, NULL, &rows))
		return CTL_FAILED;
	size_t count = rows_count(rows);

	for (size_t row = 0; row < count; row++)
		printf("%s: %s\n", rows_text(rows, row, 0), rows_text(rows, row, 1));
	db_done(ctl->db);
	if (count > 0)
		return ctl_fail("%zu invariants are broken", count);
	printf("every invariant holds\n");
	return CTL_DONE;
}

static bool lanes_print(struct ctl *ctl)
{
	const struct db_rows *rows;

	if (!ctl_call(ctl, &lanes, NULL, &rows))
		return false;
	bool seen = rows_count(rows) > 0 && !rows_null(rows, 0, 6) && rows_i64(rows, 0, 6) < CTL_LOOKED_S;

	printf("dispatcher %s\n\n", seen ? "running" : "away: systemctl status atelier");
	printf("lane    helpers  ready  leased  oldest_s\n");
	for (size_t row = 0; row < rows_count(rows); row++)
		printf("%-7s %7s %6s %7s %9s%s\n", rows_text(rows, row, 0), seen ? rows_text(rows, row, 1) : "?",
			rows_text(rows, row, 2), rows_text(rows, row, 3), rows_null(rows, row, 4) ? "-" : rows_text(rows, row, 4),
			rows_null(rows, row, 5) ? "" : "  paused: told to wait");
	db_done(ctl->db);
	return true;
}

static bool work_print(struct ctl *ctl)
{
	const struct db_rows *rows;

	if (!ctl_call(ctl, &work, NULL, &rows))
		return false;
	printf("\njobs        %s wait, %s under way\n", rows_text(rows, 0, 0), rows_text(rows, 0, 1));
	printf("payments    %s open, %s put aside for an admin\n", rows_text(rows, 0, 2), rows_text(rows, 0, 3));
	if (rows_null(rows, 0, 4))
		printf("reconciled  never\n");
	else
		printf("reconciled  %s UTC, %s differences not settled\n", rows_text(rows, 0, 4), rows_text(rows, 0, 5));
	db_done(ctl->db);
	return true;
}

static bool failures_print(struct ctl *ctl)
{
	const struct db_rows *rows;

	if (!ctl_call(ctl, &failures, NULL, &rows))
		return false;
	if (rows_count(rows) > 0)
		printf("\nlast errors (UTC)\n");
	for (size_t row = 0; row < rows_count(rows); row++)
		printf("%s  task %s  %s%s%s  %s: %s\n", rows_text(rows, row, 0), rows_text(rows, row, 1),
			rows_text(rows, row, 2), rows_null(rows, row, 3) ? "" : "  job ", rows_text(rows, row, 3),
			rows_text(rows, row, 4), rows_text(rows, row, 5));
	db_done(ctl->db);
	return true;
}

enum ctl_end check_status(struct ctl *ctl)
{
	const struct db_rows *rows;
	bool raw = ctl->count == 1 && str_equal(ctl->words[0], "--metrics");

	if (ctl->count == 1 && !raw)
		return ctl_fail("status [--metrics]"), CTL_USAGE;
	if (!raw)
		return lanes_print(ctl) && work_print(ctl) && failures_print(ctl) ? CTL_DONE : CTL_FAILED;
	if (!ctl_call(ctl, &status, NULL, &rows))
		return CTL_FAILED;
	for (size_t row = 0; row < rows_count(rows); row++)
		printf("%s%s %s\n", rows_text(rows, row, 0), rows_text(rows, row, 1), rows_text(rows, row, 2));
	db_done(ctl->db);
	return CTL_DONE;
}
