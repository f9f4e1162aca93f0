/* Conversations, pure: what an update needs to be read, then what to say and what to order. No I/O, no clock,
 * no database: every screen is tested as input → plan. */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "data/block.h"
#include "data/money.h"
#include "data/offer.h"
#include "data/update.h"

#define FLOW_PROMPT_MAX 2000            /* UTF-16 units of a description */
#define FLOW_CAPTION_MAX 200            /* code points of a text to be drawn: longer ones take seconds to lay out */
#define FLOW_PREVIEW_MAX 600            /* UTF-16 units of it repeated on the confirm screen */
#define FLOW_FILE_MAX (20 << 20)        /* bytes; the Bot API hands bots no larger file (getFile) */
#define FLOW_VIDEO_MAX FLOW_FILE_MAX
#define FLOW_CLIP_MIN 3                 /* seconds of a film that is given (Kling omni-video: 3 to 15) */
#define FLOW_CLIP_MAX 10
#define PLAN_STEPS_MAX 6

enum flow_gate { GATE_OPEN, GATE_LIMITED, GATE_LIMITED_TOLD, GATE_BANNED, GATE_CLOSED /* maintenance */ };

/* What the database said of the person, and what the update needed beside. JSON texts are null when not asked for. */
struct views {
	enum flow_gate gate;
	bool new_person;
	const char *lang;               /* "ru" or "en" */
	int64_t free, credit, rub;      /* what the purses hold; rub in kopecks */
	int64_t free_granted;
	int64_t terms;                  /* version of the terms accepted; 0: none */
	const char *ban_reason;         /* of GATE_BANNED; or null */
	const char *dialog;             /* JSON object, as dialog_set stored it */
	const char *offers;             /* what has been changed of the catalogue: {"ID": {"off": true, "rub": kopecks,
	                                 * "credit": n}}, each absent when as in the catalogue; or null */
	struct {                        /* of flow_needs.job; found is false when it is not that person's */
		bool found;
		const char *offer;
		const char *mode;
		const char *status;             /* pending, processing, completed, failed, cancelled */
		const char *prompt;
		const char *ratio;              /* "" for the usual one */
		const char *files;              /* [{"file_id", "form": "photo" | "video"}], what it was given */
		const char *result;             /* file_id of what was delivered; null: nothing */
		const char *form;               /* of it: "photo", "video", "document" */
	} job;
	struct {                        /* of flow_needs.quote; found only while it is open and that person's */
		bool found;
		const char *offer;
		const char *prompt;
		const char *ratio;
		const char *files;
		int64_t clip_s;                 /* of the film given; 0: none */
	} quote;
	struct {                        /* of flow_needs.album */
		bool found;
		const char *files;              /* in the order of the messages */
		const char *caption;            /* "" */
	} album;
	const char *statement;          /* of flow_needs.statement: JSON {"rows": [...], "older": id or absent} */
	const char *page;               /* of flow_needs.page: JSON, arguments of its notice */
};

/* What stays the same between updates. */
struct flow_setting {
	const struct catalog *catalog;  /* only what can be sold: providers with a key, KLING_MODELS */
	const struct block *block;      /* what may not be asked for */
	int64_t jobs_max;
	bool roubles;                   /* ЮKassa is configured */
	bool packages;                  /* Betatransfer is configured */
	int64_t topup_max;              /* roubles */
	const char *package_currency;   /* of the packages' prices */
	int64_t terms;                  /* version of the terms in force; 0: nobody is asked */
	const char *support;            /* how to reach the operator, or "" */
	const int64_t *admins;          /* ADMIN_IDS; the database asks its own list again */
	size_t admin_count;
	int64_t dollar;                 /* kopecks; 0: not known */
};
#define FLOW_TOPUP_MIN 10               /* roubles (SPEC: whole roubles, at least 10) */

enum flow_page { PAGE_NONE, PAGE_JOBS, PAGE_HISTORY, PAGE_STATS };

struct needs {
	int64_t job;            /* 0: none, as in the next two */
	int64_t quote;
	int64_t album;
	int64_t statement;      /* 0: none; the movement the page begins before (INT64_MAX: the newest) */
	enum flow_page page;
	int64_t before;         /* of PAGE_HISTORY: the job it begins before (INT64_MAX: the newest) */
};

/* The dialog states: what is awaited. Kept as {"state": name, "screen": number, …}, see flow/dialog.h. */
enum dialog {
	DIALOG_IDLE,
	DIALOG_PROMPT,          /* generate: words */
	DIALOG_EDIT_PHOTO, DIALOG_EDIT_TEXT,
	DIALOG_MERGE_PHOTOS, DIALOG_MERGE_TEXT,
	DIALOG_FACE, DIALOG_FACE_TARGET,
	DIALOG_RETOUCH, DIALOG_UPSCALE,
	DIALOG_CAPTION_PHOTO, DIALOG_CAPTION_TEXT,      /* add_text */
	DIALOG_VIDEO_MODEL, DIALOG_VIDEO_LENGTH, DIALOG_VIDEO_INPUT, DIALOG_VIDEO_TEXT,
	DIALOG_VIDEO_PHOTO,     /* the film is there, the photo that is to move like it is not */
	DIALOG_CHOICE,          /* a photo came alone: what is to be done with it? */
	DIALOG_SUM,
	DIALOG_FORGET,
	DIALOG_BROADCAST,       /* of an admin: the message that is to go to many */
	DIALOG_COUNT,
};
const char *dialog_name(enum dialog dialog);

enum plan_kind {
	PLAN_SAY,               /* notice; with topic: only the last of the topic is said, when it is quiet */
	PLAN_EDIT,              /* notice, in place of message */
	PLAN_DIALOG,            /* dialog: JSON */
	PLAN_QUOTE,             /* offer, prompt, ratio, files, clip_s, price, waits, notice = arguments of "confirm", or
	                         * "short" if it waits; number = the open quote it takes the place of, or 0, and then
	                         * message is edited; can be refused when number is set */
	PLAN_QUOTE_CANCEL,      /* number = quote, message; can be refused */
	PLAN_ORDER,             /* number = quote, message; can be refused */
	PLAN_PAY,               /* payment; can be refused */
	PLAN_PAY_CHECK,         /* number = payment; can be refused */
	PLAN_STATEMENT_FILE,    /* the statement as a file */
	PLAN_ALBUM,             /* files: the one file of this update, group, prompt = caption, message = where it stood */
	PLAN_TERMS,             /* number = version that was accepted */
	PLAN_LANG,              /* word: ru or en */
	PLAN_JOB_CANCEL,        /* number = job; can be refused */
	PLAN_RESEND,            /* number = job; can be refused */
	PLAN_ORIGINAL,          /* number = job; can be refused */
	PLAN_MYDATA,            /* what we hold about the person, as a file */
	PLAN_FORGET,            /* can be refused */
	PLAN_ALERT,             /* word = what, notice = arguments: to the admins */
	PLAN_ADMIN,             /* word = what, notice = arguments, message = to be edited, or 0; can be refused */
	PLAN_UNREACHABLE,       /* the person stopped the bot */
	PLAN_PARK,              /* kept for the operator; notice = why, plain words */
};

struct plan_step {
	enum plan_kind kind;
	const char *notice;     /* JSON, in the arena */
	const char *dedup;      /* said once per key; or null */
	const char *topic;      /* or null */
	int64_t message;
	int64_t number;
	const char *word;
	const struct offer *offer;      /* its prices are not looked at again: price counts */
	const char *prompt;
	const char *ratio;      /* a word of the offer, or null */
	const char *files;      /* JSON [{"file_id", "form"}], or null for none */
	const char *group;
	int64_t clip_s;
	struct money price;     /* amount 0: free of any charge */
	bool waits;             /* of PLAN_QUOTE: the purse does not suffice */
	struct {                /* of PLAN_PAY */
		const char *provider;
		int64_t amount;         /* hundredths of currency */
		const char *currency;
		struct money grant;
		const char *package;    /* or null */
	} pay;
	const char *dialog;
};

struct plan {
	struct plan_step steps[PLAN_STEPS_MAX];
	size_t count;
	const char *toast;      /* key of the words for a pressed button; null: none */
};

/* How the database answered a step that can be refused (responder.job_order, quote_open, quote_cancel, payment_open,
 * payment_check, job_cancel, result_send, forget). */
struct refusal {
	const char *outcome;    /* order: ordered, already, gone, limit, short, debt, off; quote: ok, gone, off;
	                         * quote_cancel: cancelled, ordered, gone; payment: opened, again, limit; asked, done, gone;
	                         * job_cancel: cancelled, late (the provider has it), done, gone;
	                         * resend, original: sent, gone, lost (the file is no longer kept);
	                         * forget: forgotten, busy (jobs or payments are open);
	                         * admin: what to say, JSON {"notice", "args"}; gone: he is none any more */
	struct money price;
	int64_t free, credit, rub;
	struct money debt;      /* with outcome debt */
};

/* Whether the database may refuse a step, so that flow_answer is to hear what it said. */
bool flow_can_be_refused(const struct plan_step *step);

void flow_needs(const struct update *update, struct needs *needs);
void flow_decide(const struct update *update, const struct views *views, const struct flow_setting *setting,
	struct arena *arena, struct plan *plan);

/* What follows the answer to a step that can be refused: more to say, and the toast. The plan is
 * added to; only PLAN_SAY and PLAN_EDIT steps are. */
void flow_answer(const struct plan_step *step, const struct refusal *refusal, const struct flow_setting *setting,
	struct arena *arena, struct plan *plan);

#endif
