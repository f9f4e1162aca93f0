/* Tasks that touch the disk: download a job's results into the spool, and delete them. Shaped like an adapter. */
#ifndef HELPER_FILES_H
#define HELPER_FILES_H

#include "provider/provider.h"

/* Next step of a fetch: one guarded download after the other, each looked at before it counts. */
enum provider_next files_fetch(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena,
	struct call *call, struct report *report);

/* The whole of a sweep. */
enum provider_next files_sweep(const struct provider_work *work,
	const struct provider_setting *setting, struct report *report);

#endif
