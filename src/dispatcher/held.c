/* Who holds which task: a hash table by task with open addressing. */
#include "dispatcher/held.h"

#include "base/mem.h"

#define SIZE_FIRST 256          /* a power of two */

struct held {
	struct held_entry *slots;
	size_t size;
	size_t count;
};

static struct held_entry *slots_new(size_t size)
{
	return mem_alloc(size * sizeof(struct held_entry));
}

struct held *held_new(void)
{
	struct held *held = mem_alloc(sizeof *held);

	held->size = SIZE_FIRST;
	held->slots = slots_new(held->size);
	return held;
}

void held_free(struct held *held)
{
	mem_free(held->slots);
	mem_free(held);
}

static size_t home(const struct held *held, int64_t task)
{
	return (size_t)((uint64_t)task * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (held->size - 1);
}

/* The task's slot, or the empty one where it would be. */
static size_t place(const struct held *held, int64_t task)
{
	size_t at = home(held, task);

	while (held->slots[at].lease.task != 0 && held->slots[at].lease.task != task)
		at = (at + 1) & (held->size - 1);
	return at;
}

struct held_entry *held_find(struct held *held, int64_t task)
{
	size_t at = place(held, task);

	return held->slots[at].lease.task != 0 ? &held->slots[at] : NULL;
}

static void grow(struct held *held)
{
	struct held_entry *old = held->slots;
	size_t old_size = held->size;

	held->size *= 2;
	held->slots = slots_new(held->size);
	for (size_t i = 0; i < old_size; i++)
		if (old[i].lease.task != 0)
			held->slots[place(held, old[i].lease.task)] = old[i];
	mem_free(old);
}

void held_put(struct held *held, const struct held_entry *entry)
{
	struct held_entry copy = *entry;        /* it may be one of ours, and the table may move */

	must(copy.lease.task > 0);
	if ((held->count + 1) * 2 > held->size)
		grow(held);
	size_t at = place(held, copy.lease.task);

	held->count += held->slots[at].lease.task == 0;
	held->slots[at] = copy;
}

void held_drop(struct held *held, int64_t task)
{
	size_t hole = place(held, task);

	if (held->slots[hole].lease.task == 0)
		return;
	held->count--;
	/* Whoever was pushed past the hole by it moves up, so that no search ends too early. */
	for (size_t at = (hole + 1) & (held->size - 1); held->slots[at].lease.task != 0;
		at = (at + 1) & (held->size - 1)) {
		size_t from = home(held, held->slots[at].lease.task);

		if (((at - from) & (held->size - 1)) >= ((at - hole) & (held->size - 1))) {
			held->slots[hole] = held->slots[at];
			hole = at;
		}
	}
	held->slots[hole] = (struct held_entry){0};
}

size_t held_of(struct held *held, uint64_t helper, struct lease *leases, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < held->size && count < max; i++)
		if (held->slots[i].lease.task != 0 && held->slots[i].helper == helper)
			leases[count++] = held->slots[i].lease;
	return count;
}

size_t held_count(const struct held *held, uint64_t helper)
{
	size_t count = 0;

	for (size_t i = 0; i < held->size; i++)
		count += held->slots[i].lease.task != 0 && held->slots[i].helper == helper;
	return count;
}

void held_move(struct held *held, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < held->size; i++)
		if (held->slots[i].lease.task != 0 && held->slots[i].helper == from)
			held->slots[i].helper = to;
}

size_t held_expire(struct held *held, uint64_t helper, int64_t before_ms)
{
	size_t dropped = 0;

	for (size_t i = 0; i < held->size; ) {
		const struct held_entry *entry = &held->slots[i];

		if (entry->lease.task != 0 && entry->helper == helper && entry->seen_ms < before_ms) {
			/* Another may have moved into this slot: look at it again. */
			held_drop(held, entry->lease.task);
			dropped++;
		} else {
			i++;
		}
	}
	return dropped;
}
