/* What getWebhookInfo complains of, in plain words. */
#ifndef CTL_WEBHOOK_H
#define CTL_WEBHOOK_H

#include "base/arena.h"
#include "data/json.h"

/* What is wrong, in the arena, and the cure; null when nothing is. info: the result of getWebhookInfo
 * (core.telegram.org/bots/api#webhookinfo), with the helper's "wanted" beside it; wanted: where updates should go, or
 * null. */
const char *webhook_trouble(json *info, const char *wanted, struct arena *arena, const char **cure);

#endif
