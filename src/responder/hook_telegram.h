/* POST /telegram: an update from Telegram. */
#ifndef RESPONDER_HOOK_TELEGRAM_H
#define RESPONDER_HOOK_TELEGRAM_H

#include "responder/responder.h"
#include "responder/turn.h"
#include "web/request.h"

/* Checks the secret, reads and parses the body. A proper update takes a slot of the turn; anything else is
 * answered here: 403 without the secret, 413 too large, 400 a body cut short, 200 authentic but not for us. */
void hook_telegram(struct responder *responder, struct turn *turn, struct request *request);

#endif
