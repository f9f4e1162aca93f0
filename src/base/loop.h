/* One thread's event loop: descriptors, timers, an end. epoll underneath; its timeout serves the
 * timers. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdint.h>

#define LOOP_FDS_MAX 65536
#define LOOP_READ 1u
#define LOOP_WRITE 2u
#define LOOP_GONE 4u            /* told, never asked for: the other end hung up or failed */

struct loop;
typedef void loop_fd_f(void *owner, int fd, unsigned events);
typedef void loop_timer_f(void *owner);

struct loop *loop_new(void);
void loop_free(struct loop *loop);
void loop_run(struct loop *loop);              /* until loop_stop */
void loop_stop(struct loop *loop);

/* Watches fd for events (LOOP_READ | LOOP_WRITE, or 0 for LOOP_GONE alone); again with the same
 * fd replaces. Level-triggered. A callback may drop any descriptor, its own too; events already
 * collected for a dropped or replaced one are not delivered. */
void loop_watch(struct loop *loop, int fd, unsigned events, loop_fd_f *call, void *owner);
void loop_unwatch(struct loop *loop, int fd);  /* before closing it; an unknown one is ignored */

/* Calls once after at least wait_ms (0: in the next round). Returns an id > 0 that is never
 * reused, so a late loop_timer_drop misses instead of hitting another's. */
uint64_t loop_timer(struct loop *loop, int64_t wait_ms, loop_timer_f *call, void *owner);
void loop_timer_drop(struct loop *loop, uint64_t id);   /* 0, done and unknown ids are ignored */

#endif
