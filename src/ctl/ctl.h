/* What the commands of atelierctl share. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/arena.h"
#include "base/conf.h"
#include "data/money.h"
#include "db/conn.h"

/* How a command ends; also the exit status of the program. */
enum ctl_end { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 64, CTL_SETTINGS = 78 };

#define CTL_LOOKED_S 20         /* the dispatcher looks every few seconds: one that has not for so long is away */

struct ctl {
	const struct conf *conf;        /* what the command may know: ctl's own, or all of a responder's too */
	struct db *db;
	struct arena *arena;            /* lives as long as the command */
	char **words;                   /* what stands after the command; null at the end */
	int count;
	const char *sql_dir;            /* -d of migrate and doctor */
	const char *file;               /* the settings */
};

/* The commands. Each says on stderr what failed. */
MUST_CHECK enum ctl_end migrate_run(struct ctl *ctl);
MUST_CHECK enum ctl_end check_verify(struct ctl *ctl);
MUST_CHECK enum ctl_end check_status(struct ctl *ctl);
MUST_CHECK enum ctl_end purse_statement(struct ctl *ctl);
MUST_CHECK enum ctl_end purse_credit(struct ctl *ctl);
MUST_CHECK enum ctl_end purse_chargeback(struct ctl *ctl);
MUST_CHECK enum ctl_end admin_user(struct ctl *ctl);
MUST_CHECK enum ctl_end admin_payment(struct ctl *ctl);
MUST_CHECK enum ctl_end admin_job(struct ctl *ctl);
MUST_CHECK enum ctl_end admin_ban(struct ctl *ctl);
MUST_CHECK enum ctl_end admin_unban(struct ctl *ctl);
MUST_CHECK enum ctl_end admin_offers(struct ctl *ctl);
MUST_CHECK enum ctl_end webhook_run(struct ctl *ctl);
MUST_CHECK enum ctl_end doctor_run(struct ctl *ctl);

/* Whether the file of a migration here has that digest (doctor). */
bool migrate_is_same(struct ctl *ctl, const char *name, const char *sha256);
MUST_CHECK enum ctl_end export_run(struct ctl *ctl);
MUST_CHECK enum ctl_end reconcile_run(struct ctl *ctl);

/* Says on stderr that something could not be done, and returns CTL_FAILED. */
enum ctl_end ctl_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* One statement; false when it failed, with the reason said. rows as for db_call: db_done after use. */
MUST_CHECK bool ctl_call(struct ctl *ctl, const struct db_statement *statement, const char *const *args,
	const struct db_rows **rows);

#endif
