/* Framed peers: what goes over, what closes them, and that they may be closed from anywhere. */
#include "wire/peer.h"

#include "tap.h"

#include <sys/socket.h>

/* One end with what it was told. */
struct end {
	struct loop *loop;
	struct peer *peer;
	int frames;
	enum frame_type last;
	size_t length;
	int gone;
	enum peer_gone why;
	enum { NOTHING, CLOSE, DROP } at_frame, at_gone;
};

static unsigned char body[FRAME_BYTES_MAX];

static void act(struct end *end, int what)
{
	if (what == CLOSE)
		peer_close(end->peer);
	if (what == DROP) {
		peer_drop(end->peer);
		end->peer = NULL;
	}
}

static void on_frame(void *owner, const struct frame_head *head, const unsigned char *bytes, size_t length)
{
	struct end *end = owner;

	(void)bytes;
	end->frames++;
	end->last = (enum frame_type)head->type;
	end->length = length;
	act(end, end->at_frame);
}

static void on_gone(void *owner, enum peer_gone why)
{
	struct end *end = owner;

	end->gone++;
	end->why = why;
	act(end, end->at_gone);
	end->peer = NULL;
}

static void stop(void *owner)
{
	loop_stop(owner);
}

/* Lets everything happen that can happen without anybody else. */
static void settle(struct loop *loop)
{
	for (int i = 0; i < 4; i++) {
		loop_timer(loop, 0, stop, loop);
		loop_run(loop);
	}
}

static void pair(struct loop *loop, struct end *a, struct end *b)
{
	int fds[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	*a = (struct end){.loop = loop};
	*b = (struct end){.loop = loop};
	a->peer = peer_new(loop, fds[0], FRAME_DISPATCHER, on_frame, on_gone, a);
	b->peer = peer_new(loop, fds[1], FRAME_HELPER, on_frame, on_gone, b);
}

static void hello(struct end *helper)
{
	struct frame_hello who = {0, 10, (uint32_t)getpid()};
	unsigned char bytes[FRAME_HELLO_BYTES];

	must(peer_send(helper->peer, FRAME_HELLO, 0, 0, bytes, frame_hello_write(&who, bytes)));
	settle(helper->loop);
}


static void test_talk(struct loop *loop)
{
	struct end a, b;

	pair(loop, &a, &b);
	is_i64(peer_pid(a.peer), getpid(), "the pid of the other end");
	hello(&b);
	ok(a.frames == 1 && a.last == FRAME_HELLO && a.length == FRAME_HELLO_BYTES, "HELLO arrives");
	is_i64(peer_state(a.peer), FRAME_OPEN, "and opens this end");
	is_i64(peer_state(b.peer), FRAME_OPEN, "and that");
	ok(peer_send(a.peer, FRAME_TASK, 1, 1, body, FRAME_BYTES_MAX - FRAME_HEAD_BYTES), "the longest frame");
	settle(loop);
	ok(b.last == FRAME_TASK && b.length == FRAME_BYTES_MAX - FRAME_HEAD_BYTES, "arrives whole");
	ok(!peer_send(a.peer, FRAME_TASK, 1, 1, body, FRAME_BYTES_MAX - FRAME_HEAD_BYTES + 1) && peer_open(a.peer),
		"a longer one is not sent, and harms nobody");
	ok(peer_send(b.peer, FRAME_BYE, 0, 0, NULL, 0) && peer_send(a.peer, FRAME_ACK, 1, 1, NULL, 0),
		"BYE and an ACK cross");
	settle(loop);
	ok(a.last == FRAME_BYE && b.last == FRAME_ACK && peer_open(b.peer), "both arrive");
	peer_close(a.peer);
	peer_close(a.peer);
	ok(a.gone == 0 && !peer_open(a.peer), "closing does not call back");
	ok(!peer_send(a.peer, FRAME_ACK, 1, 1, NULL, 0), "nothing is sent any more");
	settle(loop);
	ok(a.gone == 1 && a.why == PEER_GONE_OURS, "gone is told once, from the loop");
	ok(b.gone == 1 && b.why == PEER_GONE_CLOSED, "and at the other end");
}

static void test_queue(struct loop *loop)
{
	struct end a, b;
	int sent = 0;

	pair(loop, &a, &b);
	hello(&b);
	while (sent < 64 && peer_send(a.peer, FRAME_TASK, 1 + sent, 1, body, 60000))
		sent++;
	ok(sent == 64 && peer_queued(a.peer) > 0, "what the socket does not take is kept");
	settle(loop);
	settle(loop);
	for (int i = 0; i < 100 && b.frames < 64; i++)
		settle(loop);
	ok(b.frames == 64 && peer_queued(a.peer) == 0, "and goes when it does");
	sent = 0;
	while (sent < 10000 && peer_send(a.peer, FRAME_TASK, 1, 1, body, 60000))
		sent++;
	ok(sent > 100 && sent < 200 && !peer_open(a.peer), "a peer that takes nothing is closed");
	is_i64(a.gone, 0, "not under our hands");
	peer_drop(b.peer);
	settle(loop);
	ok(a.gone == 1 && a.why == PEER_GONE_STUCK, "but soon");
}

static void test_callbacks(struct loop *loop)
{
	static const char *const names[] = {"nothing", "closing", "dropping"};
	struct end a, b;

	for (int at_frame = NOTHING; at_frame <= DROP; at_frame++)
		for (int at_gone = NOTHING; at_gone <= DROP; at_gone++) {
			pair(loop, &a, &b);
			a.at_frame = at_frame;
			a.at_gone = at_gone;
			hello(&b);
			peer_drop(b.peer);
			settle(loop);
			ok(a.frames == 1 && a.peer == NULL && a.gone == (at_frame != DROP),
				"%s at a frame, %s at the end", names[at_frame], names[at_gone]);
		}
}

/* The other end closes with a frame of ours unread: the kernel says ECONNRESET before its last words. */
static void test_last_words(struct loop *loop)
{
	struct end a, b;

	pair(loop, &a, &b);
	hello(&b);
	must(peer_send(a.peer, FRAME_TASK, 1, 1, body, 100));
	must(peer_send(b.peer, FRAME_REPORT, 1, 1, body, 100));
	must(peer_send(b.peer, FRAME_REPORT, 2, 1, body, 100));
	peer_drop(b.peer);
	settle(loop);
	ok(a.frames == 3 && a.last == FRAME_REPORT, "what was sent before the end arrives");
	ok(a.gone == 1 && a.why == PEER_GONE_CLOSED, "then the end");
}

static void test_forbidden(struct loop *loop)
{
	struct end a, b;
	int fds[2];

	pair(loop, &a, &b);
	peer_drop(b.peer);
	settle(loop);
	is_i64(a.gone, 1, "a peer without HELLO goes");
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	a = (struct end){.loop = loop};
	a.peer = peer_new(loop, fds[0], FRAME_DISPATCHER, on_frame, on_gone, &a);
	must(send(fds[1], "\0\6\0\1", 4, 0) == 4);
	settle(loop);
	ok(a.gone == 1 && a.why == PEER_GONE_FORBIDDEN && a.frames == 0, "what is no frame closes");
	close(fds[1]);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	a = (struct end){.loop = loop};
	a.peer = peer_new(loop, fds[0], FRAME_HELPER, on_frame, on_gone, &a);
	must(send(fds[1], "\0\3\0\1\0\0\0\1\0\0\0\0\0\0\0\1{}", 18, 0) == 18);
	settle(loop);
	ok(a.gone == 1 && a.why == PEER_GONE_FORBIDDEN, "a TASK before our HELLO closes");
	close(fds[1]);
}

static void send_too_early(void)
{
	struct loop *loop = loop_new();
	struct end a, b;

	pair(loop, &a, &b);
	(void)peer_send(a.peer, FRAME_TASK, 1, 1, body, 2);
}

int main(void)
{
	struct loop *loop = loop_new();

	test_talk(loop);
	test_queue(loop);
	test_callbacks(loop);
	test_last_words(loop);
	test_forbidden(loop);
	faults(send_too_early, "sending what may not be sent is a fault");
	loop_free(loop);
	return tap_done();
}
