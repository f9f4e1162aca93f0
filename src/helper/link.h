/* The connection to the dispatcher: kept up for ever, and told apart from what is done in between. */
#ifndef HELPER_LINK_H
#define HELPER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "data/frame.h"
#include "data/lane.h"

#define LINK_BACKOFF_FIRST_MS 50
#define LINK_BACKOFF_MAX_MS 2000

struct link;

struct link_calls {
	void (*tried)(void *owner);             /* the first attempt to connect is over, however it ended */
	void (*up)(void *owner);                /* HELLO was said: BEAT is due, then what the other side missed */
	void (*left)(void *owner);              /* after link_leave: gone for good */
	/* false: it is no frame for us, the connection is to be closed. body as in wire/peer.h. */
	bool (*frame)(void *owner, const struct frame_head *head, const unsigned char *body, size_t length);
};

/* Connects to the lane's socket at path, and again and again when it is gone; the first attempt is made from the
 * loop. calls must outlive the link. Free with link_free. */
struct link *link_new(struct loop *loop, const char *path, enum lane lane, uint32_t capacity,
	const struct link_calls *calls, void *owner);
void link_free(struct link *link);

bool link_is_up(const struct link *link);

/* As peer_send; false also when the link is down. */
bool link_send(struct link *link, enum frame_type type, int64_t task, int32_t fence, const void *body,
	size_t length);

void link_leave(struct link *link);     /* BYE when it is up; `left` follows from the loop */

#endif
