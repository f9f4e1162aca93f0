/* All children together: started by the settings, replaced on reload, sent home at the end. */
#ifndef SUPERVISOR_CREW_H
#define SUPERVISOR_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/fault.h"
#include "base/loop.h"
#include "supervisor/supply.h"

struct crew;

/* Starts what the settings say as soon as the loop runs; conf is kept by reference until
 * crew_reload gives another. Free with crew_free, after the loop was stopped by crew_stop's end. */
struct crew *crew_new(struct loop *loop, const struct conf *conf, const char *libexec,
	const struct supply *supply);
void crew_free(struct crew *crew);

/* Everybody by the new settings: others than the exclusive start at once while the old ones leave.
 * Refused while too many are still leaving. */
/* false: nothing changed */
MUST_CHECK bool crew_reload(struct crew *crew, const struct conf *conf);
void crew_stop(struct crew *crew);      /* all leave, then the loop is stopped; again: at once */

/* How long crew_stop may take by the settings, in milliseconds. */
int64_t crew_stop_ms(const struct crew *crew);

#endif
