/* What people sent comes from Telegram into the spool: getFile and download, one file after the other. */
#ifndef HELPER_TAKE_H
#define HELPER_TAKE_H

#include "provider/provider.h"

/* Next step of a take; shaped like an adapter. */
enum provider_next take_next(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena, struct call *call, struct report *report);

#endif
