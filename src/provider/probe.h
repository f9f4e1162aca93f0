/* Whether those we call know our keys: one cheap reading call each, for the operator's doctor. */
#ifndef PROVIDER_PROBE_H
#define PROVIDER_PROBE_H

#include "provider/provider.h"

/* Shaped like an adapter. payload.provider says who: telegram, yookassa, betatransfer, fal, gemini, kling. Done: the
 * key is taken; refused, class key: it is not; class funds: there is no money; failed: no answer that says anything. */
enum provider_next probe_next(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena, struct call *call, struct report *report);

#endif
