/* Tasks done step by step: adapter, call, adapter, … until there is a report. */
#ifndef HELPER_WORK_H
#define HELPER_WORK_H

#include <stdbool.h>

#include "base/loop.h"
#include "helper/hands.h"
#include "provider/provider.h"

#define WORK_SUBMIT_MS 10000            /* a paid order is not begun later than this after it was received */
#define WORK_LATE_MS 2000               /* after this it may be tried again */
#define WORK_PER_HOST 128               /* calls in flight to one host and port */

struct work;

/* A task has ended: the hand has its report. The hand may be dropped from here. */
typedef void work_ended_f(void *owner, struct hand *hand);

/* setting and hands must outlive the work. Null when MEDIA_HOSTS is malformed. Free with work_free. */
struct work *work_new(struct loop *loop, enum lane lane, const struct provider_setting *setting,
	struct hands *hands, work_ended_f *ended, void *owner);
void work_free(struct work *work);

void work_begin(struct work *work, struct hand *hand);  /* `ended` may be called before it returns */

/* The work is not wanted: it ends with a report unless something may already have happened outside. */
void work_cancel(struct work *work, struct hand *hand);

#endif
