/* Where a job's files go in the request to a provider that takes addresses. */
#ifndef PROVIDER_PLACE_H
#define PROVIDER_PLACE_H

#include "provider/provider.h"

/* The address under which a provider may read file n of a task's payload; null when it has no token. In the arena. */
const char *place_url(const struct task *task, size_t n, const struct provider_setting *setting,
	struct arena *arena);

/* The payload's input with the addresses of its files in their places (data/task.h); null when they do not fit.
 * The caller drops it. */
json *place_input(const struct task *task, const struct provider_setting *setting, struct arena *arena);

#endif
