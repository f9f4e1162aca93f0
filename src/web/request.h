/* One FastCGI request: what nginx says of it, its body, its answer. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stddef.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/metric.h"

struct request;         /* lives from web_take to request_answer */

/* What it is counted as; ROUTE_NONE until this is called. */
void request_route(struct request *request, enum metric_route route);

/* A FastCGI parameter, or null. Headers of the client are HTTP_…; ROUTE, REQUEST_METHOD and CONTENT_LENGTH are
 * set by our own nginx location, never by the client. */
const char *request_param(const struct request *request, const char *name);
size_t request_param_count(const struct request *request, const char *name);    /* how often it occurs */

enum request_end { REQUEST_OK, REQUEST_TOO_LARGE, REQUEST_SHORT };

/* Reads the whole body into body (whose max is the limit). SHORT: fewer or more bytes than CONTENT_LENGTH says. */
MUST_CHECK enum request_end request_body(struct request *request, struct buf *body);

/* Answers and ends the request; the pointer is dead afterwards. type and header ("Name: value", for example
 * Retry-After) may be null; body may be empty. */
void request_answer(struct request *request, int status, const char *type, const char *header,
	const char *body, size_t length);

#endif
