/* The dispatcher's end may go away at any time; ours stays and tries again. */
#include "helper/link.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/peer.h"

struct link {
	struct loop *loop;
	char *path;
	enum lane lane;
	uint32_t capacity;
	const struct link_calls *calls;
	void *owner;
	struct peer *peer;              /* null: down */
	uint64_t timer;                 /* of the next attempt */
	int64_t wait_ms;                /* before it */
	bool tried;
	bool told_down;                 /* the log knows: not a line for each attempt */
	bool leaving;
};

static void on_attempt(void *owner);

static void attempt_later(struct link *link)
{
	link->timer = loop_timer(link->loop, link->wait_ms, on_attempt, link);
	link->wait_ms = link->wait_ms == 0 ? LINK_BACKOFF_FIRST_MS : link->wait_ms * 2;
	if (link->wait_ms > LINK_BACKOFF_MAX_MS)
		link->wait_ms = LINK_BACKOFF_MAX_MS;
}

static void on_frame(void *owner, const struct frame_head *head, const unsigned char *body,
	size_t length)
{
	struct link *link = owner;

	/* It speaks: what follows a loss now is a new story. */
	link->wait_ms = LINK_BACKOFF_FIRST_MS;
	if (!link->calls->frame(link->owner, head, body, length)) {
		log_error("event=link_close why=\"the dispatcher sent what is no %s for us\"",
			frame_type_name((enum frame_type)head->type));
		peer_close(link->peer);
	}
}

static void on_left(void *owner)
{
	struct link *link = owner;

	link->timer = 0;
	link->calls->left(link->owner);
}

static void on_gone(void *owner, enum peer_gone why)
{
	struct link *link = owner;

	link->peer = NULL;
	if (link->leaving) {
		link->timer = loop_timer(link->loop, 0, on_left, link);
		return;
	}
	log_warn("event=link_down why=\"%s\"", peer_gone_name(why));
	link->told_down = true;
	attempt_later(link);
}

static void say_hello(struct link *link)
{
	struct frame_hello hello = {
		.lane = (uint32_t)link->lane, .capacity = link->capacity, .pid = (uint32_t)getpid(),
	};
	unsigned char body[FRAME_HELLO_BYTES];
	size_t length = frame_hello_write(&hello, body);

	(void)peer_send(link->peer, FRAME_HELLO, 0, 0, body, length);
}

static void on_attempt(void *owner)
{
	struct link *link = owner;
	bool first = !link->tried;
	int fd;

	link->timer = 0;
	link->tried = true;
	if (fd_unix_connect(link->path, SOCK_SEQPACKET, &fd) == FD_OK) {
		link->peer = peer_new(link->loop, fd, FRAME_HELPER, on_frame, on_gone, link);
		if (peer_open(link->peer)) {
			log_info("event=link_up");
			link->told_down = false;
			say_hello(link);
			link->calls->up(link->owner);
		}
	} else {
		if (!link->told_down)
			log_warn("event=link_down why=\"%m\"");
		link->told_down = true;
		attempt_later(link);
	}
	if (first)
		link->calls->tried(link->owner);
}

struct link *link_new(struct loop *loop, const char *path, enum lane lane, uint32_t capacity,
	const struct link_calls *calls, void *owner)
{
	struct link *link = mem_alloc(sizeof *link);

	*link = (struct link){
		.loop = loop, .path = mem_str(path), .lane = lane, .capacity = capacity,
		.calls = calls, .owner = owner,
	};
	attempt_later(link);
	return link;
}

void link_free(struct link *link)
{
	if (link == NULL)
		return;
	loop_timer_drop(link->loop, link->timer);
	peer_drop(link->peer);
	mem_free(link->path);
	mem_free(link);
}

bool link_is_up(const struct link *link)
{
	return link->peer != NULL && peer_open(link->peer) && peer_state(link->peer) == FRAME_OPEN;
}

bool link_send(struct link *link, enum frame_type type, int64_t task, int32_t fence, const void *body,
	size_t length)
{
	return link_is_up(link) && peer_send(link->peer, type, task, fence, body, length);
}

void link_leave(struct link *link)
{
	if (link->leaving)
		return;
	link->leaving = true;
	loop_timer_drop(link->loop, link->timer);
	link->timer = 0;
	if (link->peer == NULL) {
		link->timer = loop_timer(link->loop, 0, on_left, link);
		return;
	}
	(void)link_send(link, FRAME_BYE, 0, 0, NULL, 0);
	peer_close(link->peer);
}
