/* The table of tasks in hand: at most FRAME_HELD_MAX, packed, so that walking it is walking an array. */
#include "helper/hands.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct hands {
	struct hand *table[FRAME_HELD_MAX];
	size_t count;
	uint64_t keys;          /* given out so far */
};

struct hands *hands_new(void)
{
	return mem_alloc(sizeof(struct hands));
}

/* What only the work needs. */
static void work_drop(struct hand *hand)
{
	if (hand->arena == NULL)
		return;
	task_drop(&hand->task);
	json_drop(hand->note);
	arena_free(hand->arena);
	hand->note = NULL;
	hand->arena = NULL;
}

void hands_free(struct hands *hands)
{
	if (hands == NULL)
		return;
	while (hands->count > 0)
		hands_drop(hands, hands->table[0]);
	mem_free(hands);
}

struct hand *hands_take(struct hands *hands, struct task *task)
{
	if (hands->count == FRAME_HELD_MAX)
		return NULL;
	struct hand *hand = mem_alloc(sizeof *hand);

	*hand = (struct hand){
		.key = ++hands->keys, .place = hands->count, .task_id = task->id, .fence = task->fence,
		.taken_ms = clock_mono_ms(), .task = *task, .arena = arena_new(HANDS_ARENA_MAX),
		.note = json_new(),
	};
	*task = (struct task){0};
	hands->table[hands->count++] = hand;
	return hand;
}

void hands_report(struct hand *hand, const char *body)
{
	must(hand->report == NULL);
	hand->report = mem_str(body);
	work_drop(hand);
}

void hands_drop(struct hands *hands, struct hand *hand)
{
	struct hand *last = hands->table[--hands->count];

	hands->table[hand->place] = last;
	last->place = hand->place;
	work_drop(hand);
	mem_free(hand->report);
	mem_free(hand);
}

size_t hands_count(const struct hands *hands)
{
	return hands->count;
}

struct hand *hands_at(const struct hands *hands, size_t i)
{
	must(i < hands->count);
	return hands->table[i];
}

struct hand *hands_of_key(const struct hands *hands, uint64_t key)
{
	for (size_t i = 0; i < hands->count; i++)
		if (hands->table[i]->key == key)
			return hands->table[i];
	return NULL;
}

struct hand *hands_of_task(const struct hands *hands, int64_t task_id, int32_t fence)
{
	for (size_t i = 0; i < hands->count; i++)
		if (hands->table[i]->task_id == task_id && hands->table[i]->fence == fence)
			return hands->table[i];
	return NULL;
}

size_t hands_held(const struct hands *hands, struct frame_held *held)
{
	for (size_t i = 0; i < hands->count; i++)
		held[i] = (struct frame_held){
			.task = (uint64_t)hands->table[i]->task_id, .fence = (uint32_t)hands->table[i]->fence,
		};
	return hands->count;
}
