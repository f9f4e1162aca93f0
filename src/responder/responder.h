/* What the files of the responder share: its settings and machinery, made once by main. */
#ifndef RESPONDER_RESPONDER_H
#define RESPONDER_RESPONDER_H

#include <stdbool.h>

#include "base/conf.h"
#include "data/offer.h"
#include "data/settings.h"
#include "data/text.h"
#include "flow/flow.h"
#include "store/session.h"

struct responder {
	const struct conf *conf;
	const struct texts *texts;
	struct flow_setting flow;
	int64_t admins[SETTINGS_ADMINS_MAX];
	struct session session;
	int wake_fd;                    /* datagrams to the dispatcher */
	bool jailed;                    /* the network has been given up */
	bool away;                      /* the database was not to be had last time */
	int64_t retry_at;               /* monotonic ms: not asked again before */
};

/* Whether the database may be used now; logs why not, once per outage. */
MUST_CHECK bool responder_database(struct responder *responder);

/* Tells the dispatcher that there is something to do. Losing the word costs a second at most: it polls. */
void responder_wake(const struct responder *responder);

#endif
