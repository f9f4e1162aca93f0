/* How long to wait before a role that ended is started again: by evidence of work done. */
#ifndef SUPERVISOR_BACKOFF_H
#define SUPERVISOR_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FIRST_MS 200
#define BACKOFF_LAST_MS 30000
#define BACKOFF_WORKED_MS 100
#define BACKOFF_PROOF_MS 1000   /* ready for less than this is a failed start too */
#define BACKOFF_FORGET_MS 60000 /* a death this long after the one before it is the first again */

struct backoff {
	unsigned failures;          /* failed starts in a row */
	int64_t died_ms;            /* when it died after work; 0: never */
};

/* The wait after a death now; worked: it had been ready for BACKOFF_PROOF_MS. */
int64_t backoff_wait(struct backoff *backoff, bool worked, int64_t now_ms);

#endif
