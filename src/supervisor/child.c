/* One place of a role: its states, its events and what each does to each. */
#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "supervisor/backoff.h"
#include "supervisor/spawn.h"

struct child {
	const struct child_world *world;
	const struct role *role;
	int n;
	bool wanted;                /* start it again when it ends */
	bool was_ready;
	enum child_state state;
	struct spawned process;     /* while it runs */
	uint64_t timer;             /* one at a time: the start, its limit, or the limit of leaving */
	enum child_event timer_event;
	int64_t started_ms;
	int64_t ready_ms;
	struct backoff backoff;
};

static void event(struct child *child, enum child_event what);

static void timer_rings(void *owner)
{
	struct child *child = owner;

	child->timer = 0;
	event(child, child->timer_event);
}

static void timer_set(struct child *child, int64_t wait_ms, enum child_event what)
{
	loop_timer_drop(child->world->loop, child->timer);
	child->timer_event = what;
	child->timer = loop_timer(child->world->loop, wait_ms, timer_rings, child);
}

static void timer_stop(struct child *child)
{
	loop_timer_drop(child->world->loop, child->timer);
	child->timer = 0;
}

static void status_close(struct child *child)
{
	loop_unwatch(child->world->loop, child->process.status);
	fd_close(&child->process.status);
}

/* Whether the ready byte has come. */
static bool status_take(struct child *child)
{
	char byte = 0;
	ssize_t got;

	if (child->process.status < 0)
		return false;
	do
		got = read(child->process.status, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return false;
	status_close(child);
	if (got == 1 && byte == 'R')
		return true;
	if (got == 1)
		log_warn("event=ready role=%s n=%d error=\"not the ready byte\"", child->role->name,
			child->n);
	return false;
}

static void status_readable(void *owner, int fd, unsigned events)
{
	struct child *child = owner;

	(void)fd;
	(void)events;
	if (status_take(child))
		event(child, CHILD_BYTE);
}

/* Takes the dead process and says how it ended. */
static void reap(struct child *child)
{
	int status = 0;
	int64_t lived = clock_mono_ms() - child->started_ms;
	pid_t pid;

	do
		pid = waitpid(child->process.pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	must(pid == child->process.pid);
	if (WIFSIGNALED(status))
		log_warn("event=exit role=%s n=%d pid=%ld signal=%d lived_ms=%" PRId64, child->role->name,
			child->n, (long)pid, WTERMSIG(status), lived);
	else if (WEXITSTATUS(status) != 0 || child->state != CHILD_LEAVING)
		log_warn("event=exit role=%s n=%d pid=%ld status=%d lived_ms=%" PRId64, child->role->name,
			child->n, (long)pid, WEXITSTATUS(status), lived);
	else
		log_info("event=exit role=%s n=%d pid=%ld status=0 lived_ms=%" PRId64, child->role->name,
			child->n, (long)pid, lived);
}

static void process_ended(void *owner, int fd, unsigned events)
{
	struct child *child = owner;

	(void)fd;
	(void)events;
	/* It may have become ready and ended in the same round. */
	if (status_take(child))
		event(child, CHILD_BYTE);
	reap(child);
	loop_unwatch(child->world->loop, child->process.pidfd);
	status_close(child);
	fd_close(&child->process.pidfd);
	fd_close(&child->process.lifeline);
	child->process.pid = 0;
	event(child, CHILD_EXIT);
}

/* ---- What events do. Each returns the next state. ---- */

static enum child_state down_for(struct child *child, bool worked)
{
	int64_t wait = backoff_wait(&child->backoff, worked, clock_mono_ms());

	if (wait > 0)
		log_info("event=backoff role=%s n=%d wait_ms=%" PRId64, child->role->name, child->n, wait);
	timer_set(child, wait, CHILD_START_DUE);
	return CHILD_DOWN;
}

static enum child_state act_start(struct child *child)
{
	const struct child_world *world = child->world;

	child->started_ms = clock_mono_ms();
	if (spawn(child->role, world->libexec, world->supply, world->conf, &child->process) != FD_OK) {
		log_error("event=start role=%s n=%d error=\"%m\"", child->role->name, child->n);
		return down_for(child, false);
	}
	log_info("event=start role=%s n=%d pid=%ld", child->role->name, child->n,
		(long)child->process.pid);
	must(fd_set_nonblocking(child->process.status) == FD_OK);
	loop_watch(world->loop, child->process.status, LOOP_READ, status_readable, child);
	loop_watch(world->loop, child->process.pidfd, LOOP_READ, process_ended, child);
	timer_set(child, CHILD_START_MS, CHILD_START_LATE);
	return CHILD_STARTING;
}

static enum child_state act_ready(struct child *child)
{
	timer_stop(child);
	child->was_ready = true;
	child->ready_ms = clock_mono_ms();
	log_info("event=ready role=%s n=%d pid=%ld took_ms=%" PRId64, child->role->name, child->n,
		(long)child->process.pid, child->ready_ms - child->started_ms);
	return CHILD_READY;
}

static enum child_state act_failed(struct child *child)
{
	return down_for(child, false);
}

static enum child_state act_died(struct child *child)
{
	return down_for(child, clock_mono_ms() - child->ready_ms >= BACKOFF_PROOF_MS);
}

static enum child_state act_late(struct child *child)
{
	log_error("event=start role=%s n=%d pid=%ld error=\"not ready in time, killed\"",
		child->role->name, child->n, (long)child->process.pid);
	child_kill(child);
	return CHILD_STARTING;
}

static enum child_state act_leave(struct child *child)
{
	int64_t drain_ms = conf_int(child->world->conf, "DRAIN_SECONDS") * 1000;

	fd_close(&child->process.lifeline);
	timer_set(child, drain_ms + CHILD_DRAIN_MORE_MS, CHILD_DRAIN_LATE);
	return CHILD_LEAVING;
}

/* Ordered to leave while not running: a wait before a new start is over, one way or the other. */
static enum child_state act_rest(struct child *child)
{
	child->backoff = (struct backoff){0};
	timer_stop(child);
	if (child->wanted)
		timer_set(child, 0, CHILD_START_DUE);
	return CHILD_DOWN;
}

static enum child_state act_left(struct child *child)
{
	return act_rest(child);
}

static enum child_state act_overdue(struct child *child)
{
	log_error("event=drain role=%s n=%d pid=%ld error=\"did not leave in time, killed\"",
		child->role->name, child->n, (long)child->process.pid);
	child_kill(child);
	return CHILD_LEAVING;
}

static enum child_state act_stay(struct child *child)
{
	return child->state;
}

static enum child_state act_never(struct child *child)
{
	(void)child;
	fault("an event that this state can have");
}

typedef enum child_state child_act_f(struct child *child);

/* A timer belongs to one state, and a process that is down has no descriptors: hence the nevers. */
static child_act_f *const acts[CHILD_STATES][CHILD_EVENTS] = {
	[CHILD_DOWN] = {
		[CHILD_START_DUE] = act_start,
		[CHILD_BYTE] = act_never,
		[CHILD_EXIT] = act_never,
		[CHILD_START_LATE] = act_never,
		[CHILD_DRAIN] = act_rest,
		[CHILD_DRAIN_LATE] = act_never,
	},
	[CHILD_STARTING] = {
		[CHILD_START_DUE] = act_never,
		[CHILD_BYTE] = act_ready,
		[CHILD_EXIT] = act_failed,
		[CHILD_START_LATE] = act_late,
		[CHILD_DRAIN] = act_leave,
		[CHILD_DRAIN_LATE] = act_never,
	},
	[CHILD_READY] = {
		[CHILD_START_DUE] = act_never,
		[CHILD_BYTE] = act_never,
		[CHILD_EXIT] = act_died,
		[CHILD_START_LATE] = act_never,
		[CHILD_DRAIN] = act_leave,
		[CHILD_DRAIN_LATE] = act_never,
	},
	[CHILD_LEAVING] = {
		[CHILD_START_DUE] = act_never,
		[CHILD_BYTE] = act_stay,        /* it was told to leave before it was ready */
		[CHILD_EXIT] = act_left,
		[CHILD_START_LATE] = act_never,
		[CHILD_DRAIN] = act_stay,
		[CHILD_DRAIN_LATE] = act_overdue,
	},
};

static void event(struct child *child, enum child_event what)
{
	enum child_state before = child->state;

	child->state = acts[before][what](child);
	if (child->state != before || child_is_gone(child))
		child->world->changed(child->world->owner);
}

struct child *child_new(const struct child_world *world, const struct role *role, int n)
{
	struct child *child = mem_alloc(sizeof *child);

	*child = (struct child){
		.world = world, .role = role, .n = n, .wanted = true, .state = CHILD_DOWN,
		.process = {.pidfd = -1, .lifeline = -1, .status = -1},
	};
	timer_set(child, 0, CHILD_START_DUE);
	return child;
}

void child_free(struct child *child)
{
	must(child_is_gone(child) && child->timer == 0);
	mem_free(child);
}

void child_drain(struct child *child, bool again)
{
	child->wanted = again;
	child->was_ready = false;
	event(child, CHILD_DRAIN);
}

void child_kill(struct child *child)
{
	if (child->process.pid <= 0)
		return;
	/* With all it started; before it has a group, itself. It is not reaped yet, so it is the
	 * one. */
	if (kill(-child->process.pid, SIGKILL) != 0)
		(void)kill(child->process.pid, SIGKILL);
}

bool child_was_ready(const struct child *child)
{
	return child->was_ready;
}

bool child_is_gone(const struct child *child)
{
	return child->state == CHILD_DOWN && !child->wanted;
}

bool child_is_wanted(const struct child *child)
{
	return child->wanted;
}

const struct role *child_role(const struct child *child)
{
	return child->role;
}
