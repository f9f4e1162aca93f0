/* atelierctl verify and status: whether all is well, and how much there is to do. */
#include <stdio.h>

#include "ctl/ctl.h"

static const struct db_statement verify = {"ctl.verify", "SELECT invariant, what FROM ctl.verify()", 0};
static const struct db_statement status = {
	"ctl.status", "SELECT metric, labels, value FROM ctl.status()", 0};

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

enum ctl_end check_status(struct ctl *ctl)
{
	const struct db_rows *rows;

	if (!ctl_call(ctl, &status, NULL, &rows))
		return CTL_FAILED;
	for (size_t row = 0; row < rows_count(rows); row++)
		printf("%s%s %s\n", rows_text(rows, row, 0), rows_text(rows, row, 1), rows_text(rows, row, 2));
	db_done(ctl->db);
	return CTL_DONE;
}
