/* What a helper says of a task: how it ended. */
#ifndef DATA_REPORT_H
#define DATA_REPORT_H

#include <stdint.h>

#include "data/json.h"

#define REPORT_TEXT_MAX 240     /* bytes of the explanation kept for the operator */

enum report_outcome {
	REPORT_DONE,            /* it is done; result says what came of it */
	REPORT_LATER,           /* not an attempt: ask again after retry_ms; result is kept in memo */
	REPORT_REFUSED,         /* for good; class says why */
	REPORT_FAILED,          /* nothing happened outside; may be tried again */
	REPORT_UNKNOWN,         /* it may or may not have happened outside */
	REPORT_OUTCOME_COUNT,
};

/* Why; one table turns it into words, retry and money (SQL store.job_fail, texts job_failed). */
enum report_class {
	CLASS_NONE,             /* nothing to explain */
	CLASS_INPUT,            /* what the person gave cannot be used */
	CLASS_POLICY,           /* refused by the provider's rules */
	CLASS_BUSY,             /* provider down or overloaded */
	CLASS_RATE,             /* told to wait */
	CLASS_FUNDS,            /* our account there: key, money */
	CLASS_GONE,             /* the model, message or order is no longer there */
	CLASS_EMPTY,            /* it ended without a result */
	CLASS_OURS,             /* our own fault */
	CLASS_UNREACHABLE,      /* the person blocked the bot */
	CLASS_MARKUP,           /* Telegram could not read our markup */
	CLASS_LOST,             /* the holder of the task went away */
	CLASS_LATE,             /* past the deadline */
	CLASS_KEY,              /* of a probe: the key is refused, where funds says that money is missing */
	REPORT_CLASS_COUNT,
};

struct report {
	int64_t task_id;
	int32_t fence;
	enum report_outcome outcome;
	enum report_class class;
	int32_t retry_ms;               /* LATER, and a floor for FAILED; 0: no wish */
	char text[REPORT_TEXT_MAX];     /* for log and operator, never for the person; no secrets */
	json *result;                   /* an object or null; owned */
};

const char *report_outcome_name(enum report_outcome outcome);   /* "done", "later", … as in the database */
const char *report_class_name(enum report_class class);         /* "input", … ; "" for CLASS_NONE */

/* The body of a REPORT frame and back. It repeats task and fence of the head; the reader of the frame compares.
 * report_write makes an object to drop. report_read copies what it keeps, and makes result and text fit for
 * PostgreSQL; a text that is too long is cut. */
json *report_write(const struct report *report);
MUST_CHECK int report_read(json *body, struct report *report);  /* 0, or -1 when it is not a report */
void report_drop(struct report *report);

#endif
