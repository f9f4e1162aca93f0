/* What payment providers tell us: hints only. The truth is asked of the provider by the pay lane. */
#ifndef RESPONDER_HOOK_PAY_H
#define RESPONDER_HOOK_PAY_H

#include "responder/responder.h"
#include "responder/turn.h"
#include "web/request.h"

#define HOOK_PAY_BODY_MAX 65536         /* bytes; a real notification is about 1 KiB */
#define HOOK_PAY_ARENA_MAX (1u << 20)

/* POST /yookassa/webhook (docs: using-api/webhooks): 200 when the hint is durable or not for us, 400 for what is no
 * notification, 413, 415, 503 when it was not kept: no database, or a flood (ЮKassa repeats for 24 h). */
void hook_yookassa(struct responder *responder, struct turn *turn, struct request *request);

/* POST /betatransfer/callback: the sign is checked over the raw text; 200 "OK" when durable, 403 for a wrong sign. */
void hook_betatransfer(struct responder *responder, struct turn *turn, struct request *request);

#endif
