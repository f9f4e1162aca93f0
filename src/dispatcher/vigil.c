/* Signs of life, and what becomes of the tasks of those who give none. */
#include "dispatcher/vigil.h"

#include <inttypes.h>
#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatcher/database.h"
#include "dispatcher/held.h"
#include "dispatcher/lanes.h"
#include "dispatcher/settle.h"

/* The helper does not hold it any more. */
static void let_go(struct helper *helper, struct lease lease)
{
	struct held *held = helper->desk->held;
	const struct held_entry *entry = held_find(held, lease.task);

	if (entry == NULL || entry->helper != helper->id || entry->lease.fence != lease.fence)
		return;
	held_drop(held, lease.task);
	helper->holding--;
}

static void cancel(struct helper *helper, struct lease lease)
{
	log_info("event=task_cancelled task=%" PRId64 " fence=%" PRId32 " helper=%" PRIu64,
		lease.task, lease.fence, helper->id);
	let_go(helper, lease);
	if (helper->peer != NULL && peer_open(helper->peer) && peer_state(helper->peer) == FRAME_OPEN)
		(void)peer_send(helper->peer, FRAME_CANCEL, lease.task, lease.fence, NULL, 0);
}

/* Prolongs the leases in the database and cancels those it no longer knows; kept is as many bools. False
 * when the database did not answer. */
static bool prolong(struct helper *helper, const struct lease *leases, size_t count, bool *kept)
{
	struct desk *desk = helper->desk;
	struct db *db = database_db(desk->database);

	if (db == NULL)
		return false;
	arena_reset(desk->arena);
	enum db_end end = lease_beat(db, desk->arena, helper->lane, leases, count, desk->lease_s, kept);

	if (!database_good(desk->database, end, "beat"))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!kept[i])
			cancel(helper, leases[i]);
	return true;
}

/* Whether it speaks of a lease that another process is known to hold. */
static bool usurps(struct helper *helper, const struct frame_held *held, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct held_entry *entry = held_find(helper->desk->held, (int64_t)held[i].task);
		const struct helper *holder;

		if (entry == NULL || (uint32_t)entry->lease.fence != held[i].fence)
			continue;
		holder = helpers_find(helper->desk->helpers, entry->helper);
		if (holder != NULL && holder->pid != helper->pid)
			return true;
	}
	return false;
}

static void hold(struct helper *helper, struct lease lease)
{
	const struct held_entry *entry = held_find(helper->desk->held, lease.task);
	bool same = entry != NULL && entry->lease.fence == lease.fence;

	helper_hold(helper, lease, same ? entry->kind : "?", same ? entry->job : 0, same ? entry->since_ms : 0);
}

void vigil_beat(struct helper *helper, const struct frame_held *held, size_t count)
{
	struct lease *leases = mem_alloc((count + 1) * sizeof *leases);
	bool *kept = mem_alloc(count + 1);
	size_t beaten = 0;

	if (usurps(helper, held, count)) {
		helper_forbid(helper, "a BEAT of what another helper holds");
		count = 0;
	}
	for (size_t i = 0; i < count; i++) {
		struct lease lease = {(int64_t)held[i].task, (int32_t)held[i].fence};

		/* What is reported and not yet settled needs no longer lease, and is no longer held. */
		if (!settle_holds(helper->desk->settle, lease))
			leases[beaten++] = lease;
	}
	/* Without a database it is believed until there is one again: vigil_beat_all asks then. */
	if (beaten > 0 && !prolong(helper, leases, beaten, kept))
		for (size_t i = 0; i < beaten; i++)
			kept[i] = true;
	for (size_t i = 0; i < beaten; i++)
		if (kept[i])
			hold(helper, leases[i]);
	mem_free(kept);
	mem_free(leases);
}

void vigil_hello(struct helper *helper)
{
	struct helper *next;

	for (struct helper *old = helpers_first(helper->desk->helpers); old != NULL; old = next) {
		next = old->next;
		if (old->peer != NULL || old->pid != helper->pid || old->lane != helper->lane)
			continue;
		held_move(helper->desk->held, old->id, helper->id);
		helpers_remove(helper->desk->helpers, old);
	}
	helper->holding = held_count(helper->desk->held, helper->id);
}

/* One that said BYE will not come back. What it still holds, it either never saw or could not finish in time:
 * whether it was begun is not known. */
static bool is_dead(struct helper *helper)
{
	struct pollfd watch = {.fd = helper->pidfd, .events = POLLIN};

	if (!helper->dead && helper->pidfd >= 0)
		helper->dead = poll(&watch, 1, 0) == 1;
	return helper->dead || helper->left;
}

/* Gives up what a dead helper held; frees it when that is done. */
static void bury(struct helper *helper)
{
	struct desk *desk = helper->desk;
	struct db *db = database_db(desk->database);
	size_t most = helper->holding < LEASE_HELD_MAX ? helper->holding : LEASE_HELD_MAX;

	if (helper->holding == 0) {
		helpers_remove(desk->helpers, helper);
		return;
	}
	if (db == NULL)
		return;         /* vigil_sweep comes back to it */
	struct lease *leases = mem_alloc(most * sizeof *leases);
	size_t count = held_of(desk->held, helper->id, leases, most);

	arena_reset(desk->arena);
	enum db_end end = lease_abandon(db, desk->arena, lane_name(helper->lane), leases, count,
		desk->unknown_s);

	if (database_good(desk->database, end, "abandon")) {
		log_warn("event=tasks_abandoned lane=%s helper=%" PRIu64 " pid=%ld count=%zu",
			lane_name(helper->lane), helper->id, (long)helper->pid, count);
		for (size_t i = 0; i < count; i++)
			held_drop(desk->held, leases[i].task);
		helper->holding -= count;
		lanes_soon(desk->lanes);
		if (helper->holding == 0)
			helpers_remove(desk->helpers, helper);
	}
	mem_free(leases);
}

static void on_death(void *owner, int fd, unsigned events)
{
	struct helper *helper = owner;

	(void)events;
	loop_unwatch(helper->desk->loop, fd);
	helper->dead = true;
	bury(helper);
}

void vigil_gone(struct helper *helper)
{
	if (helper->holding == 0 || is_dead(helper))
		bury(helper);
	else if (helper->pidfd >= 0)
		loop_watch(helper->desk->loop, helper->pidfd, LOOP_READ, on_death, helper);
}

void vigil_beat_all(struct desk *desk)
{
	struct lease *leases = mem_alloc(LEASE_HELD_MAX * sizeof *leases);
	bool *kept = mem_alloc(LEASE_HELD_MAX);

	for (struct helper *helper = helpers_first(desk->helpers); helper != NULL; helper = helper->next) {
		size_t count = held_of(desk->held, helper->id, leases, LEASE_HELD_MAX);

		if (count > 0 && !is_dead(helper) && !prolong(helper, leases, count, kept))
			break;
	}
	mem_free(kept);
	mem_free(leases);
}

static void look_at(struct helper *helper, int64_t now)
{
	struct desk *desk = helper->desk;
	int64_t lease_ms = INT64_C(1000) * desk->lease_s;
	bool open = helper->peer != NULL && peer_open(helper->peer);
	size_t lost = held_expire(desk->held, helper->id, now - lease_ms);

	if (lost > 0)
		log_warn("event=leases_over lane=%s helper=%" PRIu64 " pid=%ld count=%zu",
			lane_name(helper->lane), helper->id, (long)helper->pid, lost);
	helper->lost += lost;
	if (open && !helper->known && now - helper->heard_ms > HELPERS_HELLO_MS)
		helper_forbid(helper, "no HELLO");
	else if (open && helper->lost > 0 && now - helper->heard_ms > lease_ms)
		helper_forbid(helper, "no sign of life");
	helper->holding -= lost;
	if (helper->peer == NULL && (helper->holding == 0 || is_dead(helper)))
		bury(helper);
}

void vigil_sweep(struct desk *desk)
{
	int64_t now = clock_mono_ms();
	struct helper *next;

	for (struct helper *helper = helpers_first(desk->helpers); helper != NULL; helper = next) {
		next = helper->next;
		look_at(helper, now);
	}
}
