/* The helpers at the other ends of the lane sockets. */
#include "dispatcher/helpers.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "dispatcher/held.h"
#include "dispatcher/lanes.h"
#include "dispatcher/settle.h"
#include "dispatcher/vigil.h"

#define ACCEPT_ROUND 32

struct helpers {
	struct desk *desk;
	int listeners[LANE_COUNT];
	struct helper *first;
	uint64_t ids;
	struct frame_held beat[FRAME_HELD_MAX];     /* of the frame being read */
};

struct helper *helpers_first(struct helpers *helpers)
{
	return helpers->first;
}

struct helper *helpers_find(struct helpers *helpers, uint64_t id)
{
	struct helper *helper = helpers->first;

	while (helper != NULL && helper->id != id)
		helper = helper->next;
	return helper;
}

void helpers_remove(struct helpers *helpers, struct helper *helper)
{
	struct helper **at = &helpers->first;

	must(helper->peer == NULL);
	while (*at != helper)
		at = &(*at)->next;
	*at = helper->next;
	loop_unwatch(helper->desk->loop, helper->pidfd);
	fd_close(&helper->pidfd);
	mem_free(helper);
}

void helper_forbid(struct helper *helper, const char *why)
{
	log_warn("event=helper_forbidden lane=%s helper=%" PRIu64 " pid=%ld why=\"%s\"",
		lane_name(helper->lane), helper->id, (long)helper->pid, why);
	peer_close(helper->peer);
}

static void on_hello(struct helper *helper, const unsigned char *body, size_t length)
{
	struct frame_hello hello;

	if (frame_hello_read(body, length, &hello) != 0 || hello.lane != (uint32_t)helper->lane) {
		helper_forbid(helper, "not a HELLO of this lane");
		return;
	}
	/* The kernel knows who it is; another number would let it take over what others hold. */
	if ((pid_t)hello.pid != helper->pid) {
		helper_forbid(helper, "the pid of HELLO is not its own");
		return;
	}
	helper->known = true;
	helper->capacity = hello.capacity;
	helper->pidfd = pidfd_open(helper->pid, 0);
	helper->dead = helper->pidfd < 0 && errno == ESRCH;
	log_info("event=helper_came lane=%s helper=%" PRIu64 " pid=%ld capacity=%" PRIu32,
		lane_name(helper->lane), helper->id, (long)helper->pid, helper->capacity);
	vigil_hello(helper);
}

static void on_credit(struct helper *helper, const unsigned char *body, size_t length)
{
	if (frame_credit_read(body, length, &helper->credit) != 0) {
		helper_forbid(helper, "not a CREDIT");
		return;
	}
	if (helper->credit > 0)
		lanes_soon(helper->desk->lanes);
}

/* The report's task: whose it is, and that it is no longer to be beaten. */
static void report_of(struct helper *helper, const struct report *report)
{
	struct desk *desk = helper->desk;
	struct held_entry *entry = held_find(desk->held, report->task_id);
	const char *kind = "?";
	int64_t job = 0;

	if (entry != NULL && entry->lease.fence == report->fence) {
		struct helper *holder = helpers_find(desk->helpers, entry->helper);

		if (holder != NULL && holder != helper && holder->pid != helper->pid) {
			helper_forbid(helper, "a REPORT on what another helper holds");
			return;
		}
		kind = entry->kind;
		job = entry->job;
		if (entry->since_ms > 0)
			metric_observe(METRIC_TASK_SECONDS, helper->lane, (clock_mono_ms() - entry->since_ms) * 1000);
		if (holder != NULL)
			holder->holding--;
		held_drop(desk->held, report->task_id);
	}
	size_t bytes = settle_take(desk->settle, helper->id, lane_name(helper->lane), report, kind, job);

	helper->in_hand += bytes > 0;
	helper->in_hand_bytes += bytes;
	if (helper->in_hand > FRAME_HELD_MAX || helper->in_hand_bytes > HELPERS_IN_HAND_MAX)
		helper_forbid(helper, "more REPORTs than it can hold tasks");
}

static void on_report(struct helper *helper, const struct frame_head *head, const unsigned char *body,
	size_t length)
{
	struct report report = {0};
	json *value = json_read((const char *)body, length);

	if (report_read(value, &report) != 0 || (uint64_t)report.task_id != head->task
		|| (uint32_t)report.fence != head->fence)
		helper_forbid(helper, "not a REPORT");
	else
		report_of(helper, &report);
	report_drop(&report);
	json_drop(value);
}

static void on_beat(struct helper *helper, const unsigned char *body, size_t length)
{
	struct frame_held *held = helper->desk->helpers->beat;
	size_t count;

	if (frame_held_read(body, length, held, &count) != 0)
		helper_forbid(helper, "not a BEAT");
	else
		vigil_beat(helper, held, count);
}

static void on_frame(void *owner, const struct frame_head *head, const unsigned char *body, size_t length)
{
	struct helper *helper = owner;

	helper->heard_ms = clock_mono_ms();
	helper->lost = 0;
	switch ((enum frame_type)head->type) {
	case FRAME_HELLO:
		on_hello(helper, body, length);
		break;
	case FRAME_CREDIT:
		on_credit(helper, body, length);
		break;
	case FRAME_REPORT:
		on_report(helper, head, body, length);
		break;
	case FRAME_BEAT:
		on_beat(helper, body, length);
		break;
	case FRAME_BYE:
		/* Tasks that crossed it on the way are dropped over there. */
		helper->credit = 0;
		helper->left = true;
		peer_close(helper->peer);
		break;
	case FRAME_TASK:
	case FRAME_CANCEL:
	case FRAME_ACK:
	case FRAME_TYPE_COUNT:
		fault("a frame that helpers may not send came through");
	}
}

static void on_gone(void *owner, enum peer_gone why)
{
	struct helper *helper = owner;

	if (why == PEER_GONE_FORBIDDEN || why == PEER_GONE_STUCK || why == PEER_GONE_FAILED)
		log_warn("event=helper_gone lane=%s helper=%" PRIu64 " pid=%ld why=%s",
			lane_name(helper->lane), helper->id, (long)helper->pid, peer_gone_name(why));
	else
		log_info("event=helper_gone lane=%s helper=%" PRIu64 " pid=%ld why=%s",
			lane_name(helper->lane), helper->id, (long)helper->pid, peer_gone_name(why));
	helper->peer = NULL;
	vigil_gone(helper);
}

static void take_in(struct helpers *helpers, enum lane lane, int fd)
{
	struct helper *helper = mem_alloc(sizeof *helper);
	size_t count = 0;

	for (const struct helper *other = helpers->first; other != NULL; other = other->next)
		count += other->lane == lane && other->peer != NULL;
	if (count >= HELPERS_LANE_MAX) {
		log_warn("event=helper_refused lane=%s why=\"too many\"", lane_name(lane));
		fd_close(&fd);
		mem_free(helper);
		return;
	}
	*helper = (struct helper){
		.next = helpers->first, .desk = helpers->desk, .id = ++helpers->ids, .lane = lane,
		.pidfd = -1, .heard_ms = clock_mono_ms(),
	};
	helper->peer = peer_new(helpers->desk->loop, fd, FRAME_DISPATCHER, on_frame, on_gone, helper);
	helper->pid = peer_pid(helper->peer);
	helpers->first = helper;
}

static void on_listener(void *owner, int fd, unsigned events)
{
	struct helpers *helpers = owner;
	int lane = 0;

	(void)events;
	while (helpers->listeners[lane] != fd)
		lane++;
	for (int i = 0; i < ACCEPT_ROUND; i++) {
		int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (got >= 0) {
			take_in(helpers, (enum lane)lane, got);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			log_error("event=accept_failed lane=%s error=\"%s\"", lane_name((enum lane)lane),
				strerror(errno));
			return;
		}
	}
}

struct helpers *helpers_new(struct desk *desk, const int listeners[LANE_COUNT])
{
	struct helpers *helpers = mem_alloc(sizeof *helpers);

	helpers->desk = desk;
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		helpers->listeners[lane] = listeners[lane];
		must(fd_set_nonblocking(listeners[lane]) == FD_OK);
		loop_watch(desk->loop, listeners[lane], LOOP_READ, on_listener, helpers);
	}
	return helpers;
}

void helpers_free(struct helpers *helpers)
{
	for (int lane = 0; lane < LANE_COUNT; lane++)
		loop_unwatch(helpers->desk->loop, helpers->listeners[lane]);
	while (helpers->first != NULL) {
		struct helper *helper = helpers->first;

		peer_drop(helper->peer);
		helper->peer = NULL;
		helpers_remove(helpers, helper);
	}
	mem_free(helpers);
}

static bool reachable(const struct helper *helper)
{
	return helper->peer != NULL && peer_open(helper->peer) && peer_state(helper->peer) == FRAME_OPEN;
}

/* CREDIT was written before it knew of the tasks on the way: its capacity bounds both. */
static size_t room(const struct helper *helper)
{
	if (!reachable(helper) || peer_queued(helper->peer) > HELPERS_QUEUE_MAX
		|| helper->holding >= helper->capacity)
		return 0;
	size_t left = helper->capacity - helper->holding;

	return helper->credit < left ? helper->credit : left;
}

void helpers_lanes(struct helpers *helpers, struct helpers_lane lanes[LANE_COUNT])
{
	int64_t now = clock_mono_ms();

	memset(lanes, 0, LANE_COUNT * sizeof *lanes);
	for (const struct helper *helper = helpers->first; helper != NULL; helper = helper->next) {
		lanes[helper->lane].helpers += reachable(helper) && helper->known
			&& now - helper->heard_ms < HELPERS_SILENT_MS;
		lanes[helper->lane].holding += helper->holding;
	}
}

size_t helpers_free_credit(struct helpers *helpers, enum lane lane)
{
	size_t sum = 0;

	for (const struct helper *helper = helpers->first; helper != NULL; helper = helper->next)
		if (helper->lane == lane)
			sum += room(helper);
	return sum;
}

static struct helper *most_room(struct helpers *helpers, enum lane lane)
{
	struct helper *best = NULL;

	for (struct helper *helper = helpers->first; helper != NULL; helper = helper->next)
		if (helper->lane == lane && room(helper) > 0 && (best == NULL || room(helper) > room(best)))
			best = helper;
	return best;
}

void helper_hold(struct helper *helper, struct lease lease, const char *kind, int64_t job, int64_t since_ms)
{
	struct held_entry *old = held_find(helper->desk->held, lease.task);
	struct helper *before = old != NULL ? helpers_find(helper->desk->helpers, old->helper) : NULL;

	if (before != NULL) {
		before->holding--;
		before->lost += before != helper;
	}
	held_put(helper->desk->held, &(struct held_entry){
		.lease = lease, .helper = helper->id, .job = job, .kind = kind, .since_ms = since_ms,
		.seen_ms = clock_mono_ms(),
	});
	helper->holding++;
}

enum helpers_give helpers_give(struct helpers *helpers, enum lane lane, const struct task *task)
{
	struct helper *helper;

	if (task->payload == NULL || task_kind_lane(task->kind) != lane)
		return GIVE_UNFIT;
	json *body = task_write(task);
	const char *text = json_write(body);
	enum helpers_give end = strlen(text) <= FRAME_BYTES_MAX - FRAME_HEAD_BYTES ? GIVE_NOBODY : GIVE_UNFIT;

	while (end == GIVE_NOBODY && (helper = most_room(helpers, lane)) != NULL) {
		if (peer_send(helper->peer, FRAME_TASK, task->id, task->fence, text, strlen(text))) {
			helper_hold(helper, (struct lease){task->id, task->fence}, task_kind_name(task->kind),
				task->job_id, clock_mono_ms());
			helper->credit--;
			end = GIVE_DONE;
		} else {
			helper->credit = 0;
		}
	}
	json_drop(body);
	return end;
}

void helpers_ack(struct helpers *helpers, uint64_t id, struct lease lease, size_t bytes)
{
	struct helper *helper = helpers_find(helpers, id);

	if (helper == NULL)
		return;
	helper->in_hand -= helper->in_hand > 0;
	helper->in_hand_bytes -= bytes < helper->in_hand_bytes ? bytes : helper->in_hand_bytes;
	if (reachable(helper))
		(void)peer_send(helper->peer, FRAME_ACK, lease.task, lease.fence, NULL, 0);
}

bool helpers_finishing(struct helpers *helpers)
{
	bool finishing = false;

	for (const struct helper *helper = helpers->first; helper != NULL; helper = helper->next) {
		if (reachable(helper) && helper->credit > 0)
			return false;
		finishing = finishing || (reachable(helper) && helper->holding > 0);
	}
	return finishing;
}
