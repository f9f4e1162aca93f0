/* Clocks: monotonic for waits, wall only for logs. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/fault.h"

#define CLOCK_LAST_MS INT64_C(253402300799999)      /* the end of year 9999 */

static struct timespec clock_now(clockid_t id)
{
	struct timespec now;

	must(clock_gettime(id, &now) == 0);
	return now;
}

static int64_t clock_ms(clockid_t id)
{
	struct timespec now = clock_now(id);

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_us(void)
{
	struct timespec now = clock_now(CLOCK_MONOTONIC);

	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

void clock_iso(int64_t wall_ms, char out[CLOCK_ISO_BYTES])
{
	int64_t ms = wall_ms < 0 ? 0 : wall_ms > CLOCK_LAST_MS ? CLOCK_LAST_MS : wall_ms;
	time_t seconds = ms / 1000;
	struct tm parts;

	must(gmtime_r(&seconds, &parts) != NULL);
	size_t length = strftime(out, CLOCK_ISO_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);

	must(length == 19);
	snprintf(out + length, CLOCK_ISO_BYTES - length, ".%03uZ", (unsigned)(ms % 1000) % 1000u);
}
