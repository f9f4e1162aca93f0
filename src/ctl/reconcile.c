/* atelierctl reconcile: our payments against the providers' lists, our jobs against the ledger. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ctl/ctl.h"

#define RECONCILE_WAIT_MS 300000
#define RECONCILE_LOOK_MS 200

static const struct db_statement start = {
	"ctl.reconcile", "SELECT ctl.reconcile(coalesce($1::timestamptz, now() - interval '4 days'))", 1};
static const struct db_statement look = {
	"ctl.reconcile_result", "SELECT finished, kind, provider, ext_id, payment, what, repaired "
	"FROM ctl.reconcile_result($1::bigint)", 1};

/* One difference in a line, its kind first. */
static void difference_print(const struct db_rows *rows, size_t row)
{
	printf("%s:", rows_text(rows, row, 1));
	if (!rows_null(rows, row, 4))
		printf(" payment %s", rows_text(rows, row, 4));
	if (!rows_null(rows, row, 2))
		printf(" %s %s", rows_text(rows, row, 2), rows_text(rows, row, 3));
	printf(" %s%s\n", rows_text(rows, row, 5), rows_bool(rows, row, 6) ? " (settled)" : "");
}

static enum ctl_end differences_print(const struct db_rows *rows)
{
	size_t open = 0;

	for (size_t row = 0; row < rows_count(rows); row++) {
		if (rows_null(rows, row, 1))
			continue;
		difference_print(rows, row);
		open += !rows_bool(rows, row, 6);
	}
	if (open > 0)
		return ctl_fail("%zu differences", open);
	printf("no differences\n");
	return CTL_DONE;
}

enum ctl_end reconcile_run(struct ctl *ctl)
{
	const char *args[1] = {NULL};
	const struct db_rows *rows;

	if (ctl->count > 0 && (ctl->count != 2 || !str_equal(ctl->words[0], "--since")))
		return ctl_fail("reconcile [--since DATE]"), CTL_USAGE;
	if (ctl->count == 2)
		args[0] = ctl->words[1];
	/* It reads the whole ledger. */
	if (db_script(ctl->db, "SET statement_timeout = 0") != DB_OK)
		return ctl_fail("%s", db_error(ctl->db));
	if (!ctl_call(ctl, &start, args, &rows))
		return CTL_FAILED;
	args[0] = arena_str(ctl->arena, rows_text(rows, 0, 0));
	db_done(ctl->db);
	for (int64_t end_ms = clock_mono_ms() + RECONCILE_WAIT_MS; clock_mono_ms() < end_ms;) {
		if (!ctl_call(ctl, &look, args, &rows))
			return CTL_FAILED;
		if (rows_count(rows) > 0 && rows_bool(rows, 0, 0)) {
			enum ctl_end end = differences_print(rows);

			db_done(ctl->db);
			return end;
		}
		db_done(ctl->db);
		(void)poll(NULL, 0, RECONCILE_LOOK_MS);
	}
	return ctl_fail("reconcile: run %s is not through after %d s; is atelierd running?", args[0],
		RECONCILE_WAIT_MS / 1000);
}
