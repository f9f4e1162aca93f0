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
	int64_t now_s;                  /* unix seconds: what is signed must be dated */
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

/* Fills a report whose text is made from fmt (cut to fit, made valid UTF-8) and returns PROVIDER_END. */
enum provider_next provider_end(struct report *report, enum report_outcome outcome,
	enum report_class class, int64_t retry_ms, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* The wait that a 429 asked for, in milliseconds, or else_s seconds when it named none. */
int64_t provider_wait_ms(const struct answer *answer, int64_t else_s);

extern const struct provider provider_telegram;
extern const struct provider provider_fal;
extern const struct provider provider_gemini;
extern const struct provider provider_kling;
extern const struct provider provider_yookassa;
extern const struct provider provider_betatransfer;

#endif
