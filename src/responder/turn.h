/* A turn: the updates that waited together, in one transaction of three round trips. */
#ifndef RESPONDER_TURN_H
#define RESPONDER_TURN_H

#include "responder/responder.h"
#include "web/request.h"

#define TURN_ARENA_MAX (64u << 20)      /* bytes for the arrays of a turn */
#define ITEM_ARENA_MAX (16u << 20)      /* bytes for one update and its plan */
#define ITEM_BODY_KEPT 65536            /* bytes of a body kept with an update that is parked */
#define TURN_AGAIN_MAX 5                /* tries after a serialization failure or deadlock */

/* One update on its way. Slots are reused; the arena is the update's own lifetime. */
struct item {
	struct request *request;        /* null: the slot is free */
	struct arena *arena;
	const char *body;               /* as it came, in the arena; the first ITEM_BODY_KEPT bytes */
	size_t body_length;
	struct update update;
	struct needs needs;
	struct views views;
	struct plan plan;
	bool fresh;
};

struct turn;
struct turn *turn_new(struct responder *responder);
void turn_free(struct turn *turn);

/* A free slot to read an update into; null when all are waiting. The caller sets request to take it. */
struct item *turn_slot(struct turn *turn);

/* How many items are waiting. */
size_t turn_waiting(const struct turn *turn);

/* Runs one turn over the waiting items, one per person (a person's next update waits for the next turn), and
 * answers them. Nothing it does can fail for its caller: what cannot be stored now is answered 503; what never can is
 * parked, and its person is told so in the answer. */
void turn_run(struct turn *turn);

#endif
