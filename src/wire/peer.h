/* A framed SOCK_SEQPACKET peer on the loop, for both ends: dispatcher and helper. */
#ifndef WIRE_PEER_H
#define WIRE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fault.h"
#include "base/loop.h"
#include "data/frame.h"

#define PEER_QUEUE_MAX (8u << 20)       /* bytes of frames not yet taken by the socket */

struct peer;

enum peer_gone {
	PEER_GONE_CLOSED,       /* the other end closed, or its process ended */
	PEER_GONE_FAILED,       /* the socket failed */
	PEER_GONE_FORBIDDEN,    /* it sent what is no frame, or what it may not send now; or it is another user's */
	PEER_GONE_STUCK,        /* it took nothing until the queue was full */
	PEER_GONE_OURS,         /* peer_close was called */
};

/* A frame that the other end was allowed to send. body is valid during the call only, and is not
 * NUL-terminated; length may be 0. HELLO and BEAT still have to be read with data/frame. */
typedef void peer_frame_f(void *owner, const struct frame_head *head, const unsigned char *body, size_t length);

/* Told exactly once for each peer unless peer_drop was called, always from the loop and never from inside
 * another function of this header. The peer is freed when it returns: forget the pointer. */
typedef void peer_gone_f(void *owner, enum peer_gone why);

/* Takes over a connected descriptor (made non-blocking) and watches it. `side` is who we are. A process of
 * another user (SO_PEERCRED: neither ours nor root's) is closed before anything is read. Never null. */
struct peer *peer_new(struct loop *loop, int fd, enum frame_side side, peer_frame_f *frame, peer_gone_f *gone,
	void *owner);

/* Sends or queues one frame. task and fence are 0 for types that have none. false: it was not, and never will
 * be, sent, because the peer is closed, its queue is full (which closes it), or the frame is longer than
 * FRAME_BYTES_MAX (which does not). Sending what `side` may not send now is a fault: the helper says HELLO
 * first and nothing after BYE; the dispatcher answers only a HELLO and sends nothing after a BYE. */
bool peer_send(struct peer *peer, enum frame_type type, int64_t task, int32_t fence, const void *body, size_t length);

/* Closes after what is queued was offered to the socket once more; gone (PEER_GONE_OURS) follows from the loop.
 * May be called anywhere, from the peer's own callbacks too; a second time does nothing. */
void peer_close(struct peer *peer);

/* Closes and frees without telling `gone`. Also from its own callbacks; null is allowed. */
void peer_drop(struct peer *peer);

bool peer_open(const struct peer *peer);            /* whether sending makes sense */
enum frame_state peer_state(const struct peer *peer);
size_t peer_queued(const struct peer *peer);        /* bytes the socket has not taken yet */
pid_t peer_pid(const struct peer *peer);            /* by SO_PEERCRED; on the connecting side the listener's */
const char *peer_gone_name(enum peer_gone why);     /* for the log */

#endif
