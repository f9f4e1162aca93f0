/* The lanes of work that is done outside, and the kinds of task each knows. */
#ifndef DATA_LANE_H
#define DATA_LANE_H

#include "base/fault.h"

enum lane { LANE_CHAT, LANE_PAY, LANE_MEDIA, LANE_COUNT };

enum task_kind {
	/* chat */
	TASK_SAY,       /* a new message */
	TASK_EDIT,      /* a message we know gets other words */
	TASK_PHOTO,     /* a job's result from the spool */
	TASK_WEBHOOK,   /* set, or ask about, the webhook */
	TASK_DOCUMENT,  /* a file that stands in the payload as text */
	TASK_TAKE,      /* what a person sent, from Telegram into the spool */
	TASK_RESEND,    /* a result once more, or its original as a file */
	TASK_COPY,      /* a message of an admin's to somebody else, as it stands */
	TASK_PROBE,     /* whether those of this lane take our key; the next two for the other lanes */
	/* pay */
	TASK_PAY_PROBE,
	TASK_PAY_CREATE,        /* open a payment at the provider, under the stored key */
	TASK_PAY_ASK,           /* what the provider says of a payment: the truth */
	TASK_PAY_REFUND,        /* give money back, under the stored key */
	TASK_PAY_REFUND_ASK,    /* what the provider says of a refund */
	TASK_PAY_LIST,          /* a page of the provider's payments, for reconciliation */
	/* media */
	TASK_SUBMIT,    /* order from the provider: paid, never repeated blindly */
	TASK_POLL,      /* ask how the order is getting on */
	TASK_FETCH,     /* download the result into the spool */
	TASK_LOOKUP,    /* find an order whose fate is unknown */
	TASK_CANCEL,    /* tell the provider we no longer want it */
	TASK_SWEEP,     /* delete a job's files */
	TASK_CLEAN,     /* a stranger's pictures decoded and made anew, in a cage */
	TASK_RENDER,    /* a job done on our own machine */
	TASK_CHART,     /* figures as a picture, for admins */
	TASK_MEDIA_PROBE,
	TASK_KIND_COUNT,
};

const char *lane_name(enum lane lane);                              /* "chat", "pay", "media" */
MUST_CHECK int lane_from(const char *name, enum lane *lane);        /* 0, or -1 for an unknown name */
const char *task_kind_name(enum task_kind kind);                    /* "say", … as in the database */
MUST_CHECK int task_kind_from(const char *name, enum task_kind *kind);
enum lane task_kind_lane(enum task_kind kind);

#endif
