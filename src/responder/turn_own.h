/* What the files of a turn share, and nobody else. */
#ifndef RESPONDER_TURN_OWN_H
#define RESPONDER_TURN_OWN_H

#include "data/settings.h"
#include "responder/turn.h"
#include "store/turn.h"

#define SENT_MAX (SETTINGS_TURN_LIMIT * PLAN_STEPS_MAX + 8)

enum turn_end {
	TURN_DONE,
	TURN_AWAY,              /* no database: Telegram repeats */
	TURN_AGAIN,             /* lost a race: do it again */
	TURN_BROKEN,            /* this data, or this code, cannot be stored */
};

/* A statement whose rows matter: what it was for. */
struct sent {
	struct item *item;
	const struct plan_step *step;
};

struct turn {
	struct responder *responder;
	struct arena *arena;            /* reset at each try */
	struct item items[SETTINGS_TURN_LIMIT];
	struct sent sent[SENT_MAX];
	size_t sent_count;
};

/* How a round trip ended, as the turn sees it. */
enum turn_end turn_end_of(struct turn *turn, enum db_end end);

/* Round trip 1: begins the transaction, takes the updates, reads what each needs. */
enum turn_end turn_read(struct turn *turn, struct item **items, size_t count);

/* Round trips 2 and 3: what the plans intend, what the refusals have to say, and COMMIT. */
enum turn_end turn_write(struct turn *turn, struct item **items, size_t count);

#endif
