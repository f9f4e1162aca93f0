/* A framed SOCK_SEQPACKET peer on the loop. */
#include "wire/peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define PEER_ROUND_FRAMES 64    /* frames read in a row, so that one peer cannot keep the loop */

struct unsent {
	struct unsent *next;
	size_t length;
	unsigned char bytes[];
};

struct peer {
	struct loop *loop;
	int fd;                 /* -1: closed */
	enum frame_side side;
	enum frame_state state;
	enum peer_gone why;
	bool dropped;
	bool inside;            /* its callback is on the stack: it must not be freed yet */
	pid_t pid;
	uint64_t farewell;      /* timer of the gone callback */
	peer_frame_f *frame;
	peer_gone_f *gone;
	void *owner;
	struct unsent *first;
	struct unsent *last;
	size_t queued;
};

static void on_ready(void *owner, int fd, unsigned events);

static void unsent_free(struct peer *peer)
{
	while (peer->first != NULL) {
		struct unsent *next = peer->first->next;

		mem_free(peer->first);
		peer->first = next;
	}
	peer->last = NULL;
	peer->queued = 0;
}

static void peer_free(struct peer *peer)
{
	loop_timer_drop(peer->loop, peer->farewell);
	unsent_free(peer);
	mem_free(peer);
}

static void say_gone(void *owner)
{
	struct peer *peer = owner;

	peer->farewell = 0;
	peer->inside = true;
	peer->gone(peer->owner, peer->why);
	peer_free(peer);
}

/* The callback comes later, from the loop, so that no caller finds its peer freed under its hands. */
static void shut(struct peer *peer, enum peer_gone why)
{
	if (peer->fd < 0)
		return;
	loop_unwatch(peer->loop, peer->fd);
	fd_close(&peer->fd);
	unsent_free(peer);
	peer->why = why;
	peer->farewell = loop_timer(peer->loop, 0, say_gone, peer);
}

static void watch(struct peer *peer)
{
	loop_watch(peer->loop, peer->fd, LOOP_READ | (peer->first != NULL ? LOOP_WRITE : 0u), on_ready, peer);
}

/* Whether it is a process of ours; also learns its pid. */
static bool is_ours(struct peer *peer)
{
	struct ucred who;
	socklen_t length = sizeof who;

	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0 || length != sizeof who)
		return false;
	peer->pid = who.pid;
	return who.uid == 0 || who.uid == geteuid();
}

struct peer *peer_new(struct loop *loop, int fd, enum frame_side side, peer_frame_f *frame, peer_gone_f *gone,
	void *owner)
{
	struct peer *peer = mem_alloc(sizeof *peer);

	*peer = (struct peer){
		.loop = loop, .fd = fd, .side = side, .frame = frame, .gone = gone, .owner = owner,
	};
	if (fd_set_nonblocking(fd) != FD_OK)
		shut(peer, PEER_GONE_FAILED);
	else if (!is_ours(peer))
		shut(peer, PEER_GONE_FORBIDDEN);
	else
		watch(peer);
	return peer;
}

/* One frame was read, of `length` bytes before any cut. */
static void take(struct peer *peer, const unsigned char *bytes, size_t length)
{
	struct frame_head head;
	enum frame_side other = peer->side == FRAME_HELPER ? FRAME_DISPATCHER : FRAME_HELPER;

	if (frame_head_read(bytes, length, &head) != 0
		|| !frame_allowed(other, peer->state, (enum frame_type)head.type)) {
		shut(peer, PEER_GONE_FORBIDDEN);
		return;
	}
	peer->state = frame_next(peer->state, (enum frame_type)head.type);
	peer->frame(peer->owner, &head, bytes + FRAME_HEAD_BYTES, length - FRAME_HEAD_BYTES);
}

static void read_some(struct peer *peer)
{
	/* One byte more than a frame, so that a longer one is known by its length. */
	unsigned char bytes[FRAME_BYTES_MAX + 1];

	for (int i = 0; i < PEER_ROUND_FRAMES && peer->fd >= 0; i++) {
		ssize_t got = recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);

		if (got > 0)
			take(peer, bytes, (size_t)got);
		else if (got == 0)
			shut(peer, PEER_GONE_CLOSED);   /* or an empty message, which is no frame either */
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		else if (errno != EINTR && errno != ECONNRESET)
			shut(peer, PEER_GONE_FAILED);
		/* ECONNRESET is told once, before what the other end had sent: its last reports follow. */
	}
}

/* Offers one frame to the socket: 1 taken, 0 not now, -1 failed. */
static int offer(struct peer *peer, const unsigned char *bytes, size_t length)
{
	for (;;) {
		ssize_t put = send(peer->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put >= 0)
			return 1;
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

static int flush(struct peer *peer)
{
	int went = 1;

	while (peer->first != NULL && (went = offer(peer, peer->first->bytes, peer->first->length)) > 0) {
		struct unsent *sent = peer->first;

		peer->first = sent->next;
		if (peer->first == NULL)
			peer->last = NULL;
		peer->queued -= sent->length;
		mem_free(sent);
	}
	return went;
}

/* Broken for writing says nothing of what the other end sent before: read that first. */
static void on_ready(void *owner, int fd, unsigned events)
{
	struct peer *peer = owner;

	(void)fd;
	peer->inside = true;
	if ((events & (LOOP_READ | LOOP_GONE)) != 0)
		read_some(peer);
	peer->inside = false;
	if (peer->dropped) {
		peer_free(peer);
		return;
	}
	if (peer->fd >= 0 && (events & LOOP_WRITE) != 0) {
		/* A failed write comes back as LOOP_GONE or end of file once all is read. */
		if (flush(peer) < 0)
			unsent_free(peer);
		watch(peer);
	}
}

static void append(struct peer *peer, struct unsent *frame)
{
	if (peer->last != NULL)
		peer->last->next = frame;
	else
		peer->first = frame;
	peer->last = frame;
	peer->queued += frame->length;
}

bool peer_send(struct peer *peer, enum frame_type type, int64_t task, int32_t fence, const void *body, size_t length)
{
	struct frame_head head = {
		.type = (uint16_t)type, .version = FRAME_VERSION, .fence = (uint32_t)fence, .task = (uint64_t)task,
	};
	struct frame_head check;

	if (peer->fd < 0 || length > FRAME_BYTES_MAX - FRAME_HEAD_BYTES)
		return false;
	struct unsent *frame = mem_alloc(sizeof *frame + FRAME_HEAD_BYTES + length);

	frame->length = FRAME_HEAD_BYTES + length;
	frame_head_write(&head, frame->bytes);
	if (length > 0)
		memcpy(frame->bytes + FRAME_HEAD_BYTES, body, length);
	must(frame_head_read(frame->bytes, frame->length, &check) == 0);
	must(frame_allowed(peer->side, peer->state, type));
	must(peer->side == FRAME_HELPER || peer->state == FRAME_OPEN);
	int went = peer->first == NULL ? offer(peer, frame->bytes, frame->length) : 0;

	if (went == 0 && peer->queued + frame->length <= PEER_QUEUE_MAX) {
		append(peer, frame);
		watch(peer);
	} else {
		mem_free(frame);
		if (went == 0)
			shut(peer, PEER_GONE_STUCK);
	}
	if (went < 0 || peer->fd < 0)
		return false;
	peer->state = frame_next(peer->state, type);
	return true;
}

void peer_close(struct peer *peer)
{
	if (peer->fd >= 0)
		(void)flush(peer);
	shut(peer, PEER_GONE_OURS);
}

void peer_drop(struct peer *peer)
{
	if (peer == NULL)
		return;
	loop_unwatch(peer->loop, peer->fd);
	fd_close(&peer->fd);
	/* A closed one may have its farewell timer running. */
	loop_timer_drop(peer->loop, peer->farewell);
	peer->farewell = 0;
	peer->dropped = true;
	if (!peer->inside)
		peer_free(peer);
}

bool peer_open(const struct peer *peer)
{
	return peer->fd >= 0;
}

enum frame_state peer_state(const struct peer *peer)
{
	return peer->state;
}

size_t peer_queued(const struct peer *peer)
{
	return peer->queued;
}

pid_t peer_pid(const struct peer *peer)
{
	return peer->pid;
}

const char *peer_gone_name(enum peer_gone why)
{
	static const char *const names[] = {
		[PEER_GONE_CLOSED] = "closed", [PEER_GONE_FAILED] = "failed", [PEER_GONE_FORBIDDEN] = "forbidden",
		[PEER_GONE_STUCK] = "stuck", [PEER_GONE_OURS] = "ours",
	};

	return names[why];
}
