/* One thread's event loop over epoll; timers in a heap that serve as its timeout. */
#include "base/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"

#define LOOP_ROUND_EVENTS 256
#define TIMER_SLOT_BITS 20
#define LOOP_TIMERS_MAX (1u << TIMER_SLOT_BITS)
#define LOOP_WAIT_US_MAX (INT64_C(3600) * 1000000)
#define LOOP_WAIT_MS_MAX (INT64_C(366) * 86400 * 1000)

struct watch {
	loop_fd_f *call;            /* null: not watched */
	void *owner;
	/* changes with each watch and unwatch, so that old events are known */
	uint32_t turn;
};

/* A slot lives on in the table when its timer is done; the id holds the slot and the count. */
struct timer {
	loop_timer_f *call;
	void *owner;
	int64_t due_us;
	uint64_t count;             /* of all timers ever made: order among equals, and identity */
	size_t place;               /* in the heap */
};

struct loop {
	int epoll;
	bool stopped;
	struct watch *watches;      /* by descriptor */
	size_t watches_size;
	struct timer *timers;
	uint32_t *spare;            /* free slots, a stack */
	uint32_t *heap;             /* slots, the next due first */
	size_t timers_size;
	size_t spare_count;
	size_t heap_count;
	uint64_t timers_made;
};

static int64_t now_us(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct loop *loop_new(void)
{
	struct loop *loop = mem_alloc(sizeof *loop);

	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	must(loop->epoll >= 0);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	close(loop->epoll);
	mem_free(loop->watches);
	mem_free(loop->timers);
	mem_free(loop->spare);
	mem_free(loop->heap);
	mem_free(loop);
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

static void watches_grow(struct loop *loop, size_t need)
{
	size_t size = loop->watches_size > 0 ? loop->watches_size : 64;

	while (size < need)
		size *= 2;
	loop->watches = mem_grow(loop->watches, size * sizeof *loop->watches);
	memset(loop->watches + loop->watches_size, 0,
		(size - loop->watches_size) * sizeof *loop->watches);
	loop->watches_size = size;
}

void loop_watch(struct loop *loop, int fd, unsigned events, loop_fd_f *call, void *owner)
{
	must(fd >= 0 && fd < LOOP_FDS_MAX && call != NULL);
	must((events & ~(LOOP_READ | LOOP_WRITE)) == 0);
	if ((size_t)fd >= loop->watches_size)
		watches_grow(loop, (size_t)fd + 1);
	struct watch *watch = &loop->watches[fd];

	watch->turn++;
	watch->call = call;
	watch->owner = owner;
	struct epoll_event event = {
		.events = ((events & LOOP_READ) != 0 ? (uint32_t)EPOLLIN : 0u)
			| ((events & LOOP_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0u),
		.data.u64 = (uint64_t)watch->turn << 32 | (uint32_t)fd,
	};

	/* Which of the two is right depends on whether fd was closed and opened behind our back. */
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		return;
	must(errno == EEXIST);
	must(epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event) == 0);
}

void loop_unwatch(struct loop *loop, int fd)
{
	if (fd < 0 || (size_t)fd >= loop->watches_size || loop->watches[fd].call == NULL)
		return;
	loop->watches[fd].call = NULL;
	loop->watches[fd].turn++;
	/* It fails when fd was closed before; then it is out already. */
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static bool sooner(const struct loop *loop, uint32_t a, uint32_t b)
{
	const struct timer *one = &loop->timers[a];
	const struct timer *two = &loop->timers[b];

	return one->due_us != two->due_us ? one->due_us < two->due_us : one->count < two->count;
}

static void heap_put(struct loop *loop, size_t place, uint32_t slot)
{
	loop->heap[place] = slot;
	loop->timers[slot].place = place;
}

/* Moves the slot, wanted at place, up or down to where it belongs. */
static void heap_sift(struct loop *loop, size_t place, uint32_t slot)
{
	while (place > 0 && sooner(loop, slot, loop->heap[(place - 1) / 2])) {
		heap_put(loop, place, loop->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (;;) {
		size_t below = 2 * place + 1;

		if (below + 1 < loop->heap_count && sooner(loop, loop->heap[below + 1], loop->heap[below]))
			below++;
		if (below >= loop->heap_count || !sooner(loop, loop->heap[below], slot))
			break;
		heap_put(loop, place, loop->heap[below]);
		place = below;
	}
	heap_put(loop, place, slot);
}

static void timers_grow(struct loop *loop)
{
	size_t size = loop->timers_size > 0 ? loop->timers_size * 2 : 64;

	must(size <= LOOP_TIMERS_MAX);
	loop->timers = mem_grow(loop->timers, size * sizeof *loop->timers);
	loop->spare = mem_grow(loop->spare, size * sizeof *loop->spare);
	loop->heap = mem_grow(loop->heap, size * sizeof *loop->heap);
	for (size_t slot = loop->timers_size; slot < size; slot++) {
		loop->timers[slot] = (struct timer){0};
		loop->spare[loop->spare_count++] = (uint32_t)slot;
	}
	loop->timers_size = size;
}

uint64_t loop_timer(struct loop *loop, int64_t wait_ms, loop_timer_f *call, void *owner)
{
	must(call != NULL);
	if (wait_ms < 0)
		wait_ms = 0;
	if (wait_ms > LOOP_WAIT_MS_MAX)
		wait_ms = LOOP_WAIT_MS_MAX;
	if (loop->spare_count == 0)
		timers_grow(loop);
	uint32_t slot = loop->spare[--loop->spare_count];
	uint64_t count = ++loop->timers_made;

	loop->timers[slot] = (struct timer){
		.call = call, .owner = owner, .due_us = now_us() + wait_ms * 1000, .count = count,
	};
	heap_sift(loop, loop->heap_count++, slot);
	return count << TIMER_SLOT_BITS | slot;
}

static void timer_out(struct loop *loop, uint32_t slot)
{
	size_t place = loop->timers[slot].place;
	uint32_t last = loop->heap[--loop->heap_count];

	if (last != slot)
		heap_sift(loop, place, last);
	loop->timers[slot].call = NULL;
	loop->timers[slot].count = 0;
	loop->spare[loop->spare_count++] = slot;
}

void loop_timer_drop(struct loop *loop, uint64_t id)
{
	uint32_t slot = (uint32_t)id & ((1u << TIMER_SLOT_BITS) - 1);
	uint64_t count = id >> TIMER_SLOT_BITS;

	if (count > 0 && slot < loop->timers_size && loop->timers[slot].count == count)
		timer_out(loop, slot);
}

/* Calls what is due, but not the timers that these calls make. */
static void timers_run(struct loop *loop)
{
	int64_t now = now_us();
	uint64_t made = loop->timers_made;

	while (!loop->stopped && loop->heap_count > 0) {
		uint32_t slot = loop->heap[0];
		struct timer timer = loop->timers[slot];

		if (timer.due_us > now || timer.count > made)
			return;
		timer_out(loop, slot);
		timer.call(timer.owner);
	}
}

static int wait_ms_next(const struct loop *loop)
{
	if (loop->heap_count == 0)
		return -1;
	int64_t wait = loop->timers[loop->heap[0]].due_us - now_us();

	if (wait <= 0)
		return 0;
	if (wait > LOOP_WAIT_US_MAX)
		wait = LOOP_WAIT_US_MAX;
	return (int)((wait + 999) / 1000);
}

void loop_run(struct loop *loop)
{
	struct epoll_event events[LOOP_ROUND_EVENTS];

	loop->stopped = false;
	while (!loop->stopped) {
		int count = epoll_wait(loop->epoll, events, LOOP_ROUND_EVENTS, wait_ms_next(loop));

		must(count >= 0 || errno == EINTR);
		for (int i = 0; i < count && !loop->stopped; i++) {
			uint32_t fd = (uint32_t)events[i].data.u64;
			struct watch watch = loop->watches[fd];
			unsigned told = 0;

			if (watch.call == NULL || watch.turn != (uint32_t)(events[i].data.u64 >> 32))
				continue;
			if ((events[i].events & EPOLLIN) != 0)
				told |= LOOP_READ;
			if ((events[i].events & EPOLLOUT) != 0)
				told |= LOOP_WRITE;
			if ((events[i].events & (EPOLLHUP | EPOLLERR)) != 0)
				told |= LOOP_GONE;
			watch.call(watch.owner, (int)fd, told);
		}
		timers_run(loop);
	}
}
