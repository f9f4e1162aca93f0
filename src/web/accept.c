/* libfcgi as a taker of turns: its public calls only, no kept connections (nginx: fastcgi_keep_conn off). */
#include "web/accept.h"

#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

struct request {
	FCGX_Request fcgi;
	bool busy;
	enum metric_route route;
	int64_t since_us;       /* when it was taken, monotonic */
};

struct web {
	int listen_fd;
	int lifeline_fd;
	struct request slots[WEB_SLOTS_MAX];
};

struct web *web_new(int listen_fd, int lifeline_fd)
{
	must(FCGX_Init() == 0);
	struct web *web = mem_alloc(sizeof *web);
	web->listen_fd = listen_fd;
	web->lifeline_fd = lifeline_fd;
	for (size_t i = 0; i < WEB_SLOTS_MAX; i++)
		must(FCGX_InitRequest(&web->slots[i].fcgi, listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) == 0);
	return web;
}

void web_free(struct web *web)
{
	if (!web)
		return;
	for (size_t i = 0; i < WEB_SLOTS_MAX; i++)
		if (web->slots[i].busy)
			FCGX_Free(&web->slots[i].fcgi, 1);
	mem_free(web);
}

/* Waits for a connection or the lifeline. The socket is non-blocking, so a connection that another responder took
 * first shows as EAGAIN at accept; and the lifeline is polled with it, so there is no gap to hang in. */
static bool wait_for_work(struct web *web, bool wait, bool *leave)
{
	struct pollfd fds[2] = {
		{.fd = web->lifeline_fd, .events = POLLIN},
		{.fd = web->listen_fd, .events = POLLIN},
	};
	int ready = poll(fds, 2, wait ? -1 : 0);
	if (ready < 0)
		return false;
	if (fds[0].revents)
		*leave = true;
	return fds[1].revents != 0 && !*leave;
}

static struct request *free_slot(struct web *web)
{
	for (size_t i = 0; i < WEB_SLOTS_MAX; i++)
		if (!web->slots[i].busy)
			return &web->slots[i];
	return NULL;
}

size_t web_take(struct web *web, struct request **requests, size_t max, bool wait, bool *leave)
{
	size_t count = 0;
	if (!wait_for_work(web, wait, leave))
		return 0;
	while (count < max) {
		struct request *slot = free_slot(web);
		if (!slot)
			break;
		int end = FCGX_Accept_r(&slot->fcgi);
		if (end < 0) {
			if (end != -EAGAIN && end != -EINTR && end != -ECONNABORTED)
				log_warn("fastcgi accept failed: %s", strerror(-end));
			break;
		}
		slot->busy = true;
		slot->route = ROUTE_NONE;
		slot->since_us = clock_mono_us();
		requests[count++] = slot;
	}
	return count;
}

void request_route(struct request *request, enum metric_route route)
{
	request->route = route;
}

const char *request_param(const struct request *request, const char *name)
{
	return FCGX_GetParam(name, request->fcgi.envp);
}

size_t request_param_count(const struct request *request, const char *name)
{
	size_t count = 0, length = strlen(name);
	for (char **param = request->fcgi.envp; param && *param; param++)
		count += strncmp(*param, name, length) == 0 && (*param)[length] == '=';
	return count;
}

enum request_end request_body(struct request *request, struct buf *body)
{
	const char *told = request_param(request, "CONTENT_LENGTH");
	int64_t length = 0;
	if (told && *told && !str_to_i64(told, 0, INT32_MAX, &length))
		return REQUEST_SHORT;
	if ((uint64_t)length > body->max)
		return REQUEST_TOO_LARGE;
	char piece[8192];
	int got;
	while ((got = FCGX_GetStr(piece, (int)sizeof piece, request->fcgi.in)) > 0) {
		buf_add(body, piece, (size_t)got);
		if (body->full)
			return REQUEST_TOO_LARGE;
	}
	return body->length == (size_t)length ? REQUEST_OK : REQUEST_SHORT;
}

void request_answer(struct request *request, int status, const char *type, const char *header,
	const char *body, size_t length)
{
	FCGX_Stream *out = request->fcgi.out;
	FCGX_FPrintF(out, "Status: %d\r\n", status);
	if (length)
		FCGX_FPrintF(out, "Content-Type: %s\r\n", type ? type : "text/plain; charset=utf-8");
	if (header)
		FCGX_FPrintF(out, "%s\r\n", header);
	FCGX_FPrintF(out, "Content-Length: %d\r\n\r\n", (int)length);
	if (length)
		FCGX_PutStr(body, (int)length, out);
	FCGX_Finish_r(&request->fcgi);
	request->busy = false;
	metric_add(METRIC_REQUESTS, request->route, metric_status(status));
	metric_observe(METRIC_REQUEST_SECONDS, request->route, clock_mono_us() - request->since_us);
}
