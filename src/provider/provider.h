/* Adapters: a task becomes a call, an answer becomes a report. Pure: no I/O, no clock, no memory beyond the arena. */
#ifndef PROVIDER_PROVIDER_H
#define PROVIDER_PROVIDER_H

#include "base/arena.h"
#include "base/conf.h"
#include "data/call.h"
#include "data/report.h"
#include "data/task.h"
#include "data/text.h"

struct provider_setting {               /* what every adapter may look at */
	const struct conf *conf;        /* the lane's own settings */
	const struct texts *texts;      /* chat lane only */
	const char *spool;              /* SPOOL_DIR */
};

/* Some tasks take several calls (poll: status, then result; photo: upload, then plain document). step starts at
 * 0 and grows by one per call; note is the adapter's own memory between the steps of one task. */
struct provider_work {
	const struct task *task;
	int step;
	json *note;                     /* an object; owned by the caller */
};

enum provider_next {
	PROVIDER_CALL,                  /* *call is filled: make it */
	PROVIDER_END,                   /* *report is filled: nothing (more) to call */
};

struct provider {
	const char *name;
	/* What to do first, or after the answer to the step before (answer is null for step 0). Fills call or
	 * report; texts of both live in the arena or are constant. */
	enum provider_next (*next)(struct provider_work *work, const struct answer *answer,
		const struct provider_setting *setting, struct arena *arena,
		struct call *call, struct report *report);
};

extern const struct provider provider_telegram;
extern const struct provider provider_fal;

#endif
