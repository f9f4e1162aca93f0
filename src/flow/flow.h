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
};

/* What stays the same between updates. */
struct flow_setting {
	const struct catalog *catalog;
	int64_t jobs_max;
};

struct needs {
	int64_t job;            /* 0: none */
};

/* The dialog states, kept as {"state": name}. */
enum dialog { DIALOG_IDLE, DIALOG_PROMPT, DIALOG_COUNT };
const char *dialog_name(enum dialog dialog);

enum plan_kind {
	PLAN_SAY,               /* notice */
	PLAN_EDIT,              /* notice, in place of message */
	PLAN_DIALOG,            /* dialog */
	PLAN_QUOTE,             /* offer, prompt, price, notice = the confirm screen's arguments */
	PLAN_QUOTE_CANCEL,      /* number = quote, message; can be refused */
	PLAN_ORDER,             /* number = quote, message; can be refused */
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
	enum dialog dialog;
};

struct plan {
	struct plan_step steps[PLAN_STEPS_MAX];
	size_t count;
	const char *toast;      /* key of the words for a pressed button; null: none */
};

/* How the database answered a step that can be refused (responder.job_order, quote_cancel). */
struct refusal {
	const char *outcome;    /* ordered, already, gone, limit, short; cancelled, ordered, gone */
	struct money price;
	int64_t free, credit, rub;
};

void flow_needs(const struct update *update, struct needs *needs);
void flow_decide(const struct update *update, const struct views *views, const struct flow_setting *setting,
	struct arena *arena, struct plan *plan);

/* What follows the answer to a step of PLAN_ORDER or PLAN_QUOTE_CANCEL: more to say, and the toast. The plan is
 * added to; only PLAN_SAY and PLAN_EDIT steps are. */
void flow_answer(const struct plan_step *step, const struct refusal *refusal, const struct flow_setting *setting,
	struct arena *arena, struct plan *plan);

#endif
