/* What the parts of the dispatcher share. */
#ifndef DISPATCHER_DESK_H
#define DISPATCHER_DESK_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/loop.h"

struct desk {
	struct loop *loop;
	struct arena *arena;            /* of one database call; whoever makes the call resets it first */
	struct database *database;
	struct held *held;
	struct helpers *helpers;
	struct lanes *lanes;
	struct settle *settle;
	int lease_s;
	int unknown_s;
	int chat_per_second;
	bool leaving;                   /* no new task leaves us */
};

#endif
