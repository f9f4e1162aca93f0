/* What is looked after beside tasks: broadcasts go on, models that fail and lanes that stand still are noticed. */
#ifndef DISPATCHER_LOOKOUT_H
#define DISPATCHER_LOOKOUT_H

#include "dispatcher/desk.h"

struct lookout;

/* per_second: messages of a broadcast. Free with lookout_free, before the desk's parts. */
struct lookout *lookout_new(struct desk *desk, int per_second);
void lookout_free(struct lookout *lookout);

#endif
