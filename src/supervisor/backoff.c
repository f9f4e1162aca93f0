/* How long to wait before a role that ended is started again. */
#include "supervisor/backoff.h"

int64_t backoff_wait(struct backoff *backoff, bool worked, int64_t now_ms)
{
	int64_t wait = BACKOFF_FIRST_MS;

	if (worked) {
		bool first = backoff->died_ms == 0 || now_ms - backoff->died_ms > BACKOFF_FORGET_MS;

		backoff->failures = 0;
		backoff->died_ms = now_ms;
		return first ? 0 : BACKOFF_WORKED_MS;
	}
	for (unsigned i = 0; i < backoff->failures && wait < BACKOFF_LAST_MS; i++)
		wait *= 2;
	backoff->failures++;
	return wait < BACKOFF_LAST_MS ? wait : BACKOFF_LAST_MS;
}
