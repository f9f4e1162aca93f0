/* Leasing: claims as much as the helpers of each lane would take. */
#ifndef DISPATCHER_LANES_H
#define DISPATCHER_LANES_H

#include "dispatcher/desk.h"

struct lanes;

struct lanes *lanes_new(struct desk *desk);
void lanes_free(struct lanes *lanes);
void lanes_soon(struct lanes *lanes);          /* claims at the end of this round of the loop */

#endif
