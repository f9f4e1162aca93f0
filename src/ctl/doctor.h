/* What the parts of the doctor share: how a finding is told, and what was found so far. */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "ctl/ctl.h"

struct doctor {
	struct ctl *ctl;                /* conf: all roles' settings; db: as atelier_ctl, or null when it is away */
	size_t bad;
};

/* One line a check: well, or what was found and, in a line of its own, how it is mended. */
void doctor_good(const char *fmt, ...) PRINTF_LIKE(1, 2);
void doctor_bad(struct doctor *doctor, const char *cure, const char *fmt, ...) PRINTF_LIKE(3, 4);

void doctor_database(struct doctor *doctor);    /* doctor_database.c: roles, schema, ledger, whether commits last */
void doctor_errands(struct doctor *doctor);     /* doctor_errands.c: atelierd, helpers, keys, the webhook */
void doctor_web(struct doctor *doctor);         /* doctor_web.c: nginx, TLS and the certificate, from outside */

/* An errand for a helper: its number, in the arena; null, and told, when it could not be put. */
const char *errand_put(struct ctl *ctl, const char *lane, const char *kind, const char *payload);
/* Waits for its end, until clock_mono_ms says so: null when nobody was through with it by then, else its rows (state,
 * class, error, result) as for ctl_call: db_done after use. */
const struct db_rows *errand_wait(struct ctl *ctl, const char *id, int64_t end_ms);

#endif
