/* A chart task's figures as the lines that render reads. */
#ifndef HELPER_CHART_H
#define HELPER_CHART_H

#include "base/arena.h"
#include "data/task.h"
#include "data/text.h"

/* In the arena, in the form of render/chart.h, with words in the payload's language; null when the payload is not as
 * data/task.h says. */
char *chart_text(const struct task *task, const struct texts *texts, struct arena *arena);

#endif
