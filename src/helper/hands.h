/* The tasks in hand: from TASK until the ACK of their report. */
#ifndef HELPER_HANDS_H
#define HELPER_HANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "data/call.h"
#include "data/frame.h"
#include "data/task.h"

#define HANDS_ARENA_MAX (4u << 20)      /* bytes one task may need */

struct hand {
	uint64_t key;                   /* never reused: what callbacks know it by */
	size_t place;                   /* in the table */
	int64_t task_id;
	int32_t fence;
	int64_t taken_ms;               /* clock_mono_ms of its TASK */
	char *report;                   /* body of its REPORT; null while it is being worked on. Owned */
	/* The rest is gone once there is a report. */
	struct task task;
	struct arena *arena;
	json *note;
	int step;
	struct call call;
};

struct hands;

struct hands *hands_new(void);
void hands_free(struct hands *hands);

/* Takes the task's payload and memo over. Null when FRAME_HELD_MAX are held. */
struct hand *hands_take(struct hands *hands, struct task *task);
void hands_report(struct hand *hand, const char *body);         /* copies body, drops what the work needed */
void hands_drop(struct hands *hands, struct hand *hand);

size_t hands_count(const struct hands *hands);
struct hand *hands_at(const struct hands *hands, size_t i);     /* 0 … hands_count - 1, in no order */
struct hand *hands_of_key(const struct hands *hands, uint64_t key);     /* null: gone */
struct hand *hands_of_task(const struct hands *hands, int64_t task_id, int32_t fence);

/* Fills held (room for FRAME_HELD_MAX) with all of them; returns how many. */
size_t hands_held(const struct hands *hands, struct frame_held *held);

#endif
