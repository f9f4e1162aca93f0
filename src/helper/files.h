/* Tasks that touch the disk: download a job's results into the spool, and delete them. Shaped like an adapter. */
#ifndef HELPER_FILES_H
#define HELPER_FILES_H

#include <stdbool.h>

#include "helper/spool.h"
#include "provider/provider.h"

struct spool_place files_place(const struct task *task);

/* A task that brings payload.files into the spool: makes the place, keeps each file when it is there, reports all.
 * False: the report is filled. strange: the class of a file that is no picture or film. */
MUST_CHECK bool files_begin(struct provider_work *work, const struct provider_setting *setting, struct report *report);
MUST_CHECK bool files_keep(struct provider_work *work, const struct provider_setting *setting, size_t n,
	enum report_class strange, struct arena *arena, struct report *report);
enum provider_next files_done(const struct provider_work *work, struct report *report);

/* Next step of a fetch: one guarded download after the other, each looked at before it counts. */
enum provider_next files_fetch(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena,
	struct call *call, struct report *report);

/* The whole of a sweep. */
enum provider_next files_sweep(const struct provider_work *work,
	const struct provider_setting *setting, struct report *report);

#endif
