/* The helpers at the other ends of the lane sockets: who they are, what they take, what they say. */
#ifndef DISPATCHER_HELPERS_H
#define DISPATCHER_HELPERS_H

#include "data/lane.h"
#include "data/task.h"
#include "dispatcher/desk.h"
#include "store/lease.h"
#include "wire/peer.h"

#define HELPERS_LANE_MAX 64             /* connections of one lane; more are refused */
#define HELPERS_QUEUE_MAX (1u << 20)    /* bytes waiting for a helper beyond which it gets no new task */
#define HELPERS_IN_HAND_MAX (32u << 20) /* bytes of one helper's unsettled reports */
#define HELPERS_HELLO_MS 5000           /* time to say HELLO */
#define HELPERS_SILENT_MS 25000         /* two BEATs and a half: one that says nothing for so long is not well */

/* One connection, or, with peer null, a helper that went away holding tasks. */
struct helper {
	struct helper *next;
	struct desk *desk;
	uint64_t id;                    /* never reused */
	enum lane lane;
	struct peer *peer;
	bool known;                     /* it said HELLO */
	bool left;                      /* it said BYE */
	bool dead;                      /* its process has ended */
	pid_t pid;
	int pidfd;                      /* readable when the process has ended; -1: none */
	uint32_t capacity;
	uint32_t credit;
	size_t holding;                 /* entries of desk->held */
	size_t lost;                    /* leases that ran out since its last frame */
	size_t in_hand;                 /* reports taken and not answered, and their bytes */
	size_t in_hand_bytes;
	int64_t heard_ms;               /* its last frame, or when it came */
};

struct helpers;

/* Watches the three listening lane sockets; does not own them. */
struct helpers *helpers_new(struct desk *desk, const int listeners[LANE_COUNT]);
void helpers_free(struct helpers *helpers);

struct helper *helpers_first(struct helpers *helpers);
struct helper *helpers_find(struct helpers *helpers, uint64_t id);      /* null when it is gone */
void helpers_remove(struct helpers *helpers, struct helper *helper);    /* one without a peer; frees it */

/* A lane as it stands: helpers that are connected and not silent, and tasks that helpers hold. */
struct helpers_lane { size_t helpers, holding; };
void helpers_lanes(struct helpers *helpers, struct helpers_lane lanes[LANE_COUNT]);

/* How many tasks a lane's helpers would take now. */
size_t helpers_free_credit(struct helpers *helpers, enum lane lane);

enum helpers_give { GIVE_DONE, GIVE_NOBODY, GIVE_UNFIT };

/* Sends a claimed task to the helper with most room. GIVE_NOBODY: none would take it; GIVE_UNFIT: it is no
 * task that can be sent. */
enum helpers_give helpers_give(struct helpers *helpers, enum lane lane, const struct task *task);

/* A report is settled: answers it when its helper is still there. bytes as given to settle. */
void helpers_ack(struct helpers *helpers, uint64_t helper, struct lease lease, size_t bytes);

/* Whether all of them are being drained, with us: none wants more, and some have yet to report. */
bool helpers_finishing(struct helpers *helpers);

/* Notes that a helper holds a task, now; since_ms as in struct held_entry. */
void helper_hold(struct helper *helper, struct lease lease, const char *kind, int64_t job, int64_t since_ms);

/* Closes a helper that broke the rules, with a line of log. */
void helper_forbid(struct helper *helper, const char *why);

#endif
