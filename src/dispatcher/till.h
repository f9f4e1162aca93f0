/* What happens to money by itself: open payments are asked about, the night's reconciliation begins. */
#ifndef DISPATCHER_TILL_H
#define DISPATCHER_TILL_H

#include "base/conf.h"
#include "dispatcher/desk.h"

struct till;

/* conf outlives the till. Free with till_free. */
struct till *till_new(struct desk *desk, const struct conf *conf);
void till_free(struct till *till);

#endif
