/* Conversations, pure: what an update needs to be read, then what to say and what to order. No I/O, no clock,
 * no database: every screen is tested as input → plan. */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "data/money.h"
#include "data/offer.h"
#include "data/update.h"

#define FLOW_PROMPT_MAX 2000            /* UTF-16 units of a description */
#define FLOW_PREVIEW_MAX 600            /* UTF-16 units of it repeated on the confirm screen */
#define FLOW_VIDEO_MAX (20 << 20)       /* bytes; the Bot API hands bots no larger file (getFile) */
#define PLAN_STEPS_MAX 6

enum flow_gate { GATE_OPEN, GATE_LIMITED, GATE_LIMITED_TOLD, GATE_BANNED };

/* What the database said of the person, and what the update needed beside. */
struct views {
	enum flow_gate gate;
	bool new_person;
	const char *lang;               /* "ru" or "en" */
	int64_t free, credit, rub;      /* what the purses hold; rub in kopecks */
	int64_t free_granted;
	const char *dialog;             /* JSON object, as dialog_set stored it */
	struct {                        /* of flow_needs.job; found is false when it is not that person's */
		bool found;
		const char *offer;
		const char *prompt;
	} job;
	const char *statement;          /* of flow_needs.statement: JSON {"rows": [...], "older": id or absent}; or null */
};

/* What stays the same between updates. */
struct flow_setting {
	const struct catalog *catalog;
	int64_t jobs_max;
	bool roubles;                   /* ЮKassa is configured */
	bool packages;                  /* Betatransfer is configured */
	int64_t topup_max;              /* roubles */
	const char *package_currency;   /* of the packages' prices */
};
#define FLOW_TOPUP_MIN 10               /* roubles (SPEC: whole roubles, at least 10) */

struct needs {
	int64_t job;            /* 0: none */
	int64_t statement;      /* 0: none; the movement the page begins before (INT64_MAX: the newest) */
};

/* The dialog states, kept as {"state": name}. */
enum dialog { DIALOG_IDLE, DIALOG_PROMPT, DIALOG_SUM, DIALOG_COUNT };
const char *dialog_name(enum dialog dialog);

enum plan_kind {
	PLAN_SAY,               /* notice */
	PLAN_EDIT,              /* notice, in place of message */
	PLAN_DIALOG,            /* dialog */
	PLAN_QUOTE,             /* offer, prompt, price, waits, notice = arguments of "confirm", or "short" if it waits */
	PLAN_QUOTE_CANCEL,      /* number = quote, message; can be refused */
	PLAN_ORDER,             /* number = quote, message; can be refused */
	PLAN_PAY,               /* payment; can be refused */
	PLAN_PAY_CHECK,         /* number = payment; can be refused */
	PLAN_STATEMENT_FILE,    /* the statement as a file */
	PLAN_UNREACHABLE,       /* the person stopped the bot */
	PLAN_PARK,              /* kept for the operator; notice = why, plain words */
};

struct plan_step {
	enum plan_kind kind;
	const char *notice;     /* JSON, in the arena */
	const char *dedup;      /* said once per key; or null */
	int64_t message;
	int64_t number;
	const struct offer *offer;
	const char *prompt;
	struct money price;
	bool waits;             /* of PLAN_QUOTE: the purse does not suffice */
	struct {                /* of PLAN_PAY */
		const char *provider;
		int64_t amount;         /* hundredths of currency */
		const char *currency;
		struct money grant;
		const char *package;    /* or null */
	} pay;
	enum dialog dialog;
};

struct plan {
	struct plan_step steps[PLAN_STEPS_MAX];
	size_t count;
	const char *toast;      /* key of the words for a pressed button; null: none */
};

/* How the database answered a step that can be refused (responder.job_order, quote_cancel, payment_open,
 * payment_check). */
struct refusal {
	const char *outcome;    /* ordered, already, gone, limit, short, debt; cancelled; opened, again; asked, done */
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
