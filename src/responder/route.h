/* Which request goes where. nginx names the route (fastcgi_param ROUTE); URI and Host are never looked at. */
#ifndef RESPONDER_ROUTE_H
#define RESPONDER_ROUTE_H

#include "responder/responder.h"
#include "responder/turn.h"
#include "web/request.h"

/* Takes the request over: puts it into a slot of the turn, or answers it at once. */
void route_request(struct responder *responder, struct turn *turn, struct request *request);

#endif
