/* Taking requests from the shared listening socket, and leaving without hanging. */
#ifndef WEB_ACCEPT_H
#define WEB_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "web/request.h"

#define WEB_SLOTS_MAX 64        /* requests open at once in one process */

struct web;

/* listen_fd: the FastCGI socket, already listening and non-blocking; lifeline_fd: readable or closed means leave.
 * Free with web_free. */
struct web *web_new(int listen_fd, int lifeline_fd);
void web_free(struct web *web);

/* Takes what is waiting, at most max requests (and as slots are free), into requests; waits for the first one if
 * wait is true. Returns how many; *leave becomes true when the lifeline asks us to go. */
size_t web_take(struct web *web, struct request **requests, size_t max, bool wait, bool *leave);

#endif
