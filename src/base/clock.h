/* Clocks: monotonic for waits, wall only for logs. Lease arithmetic is the database's alone. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_ISO_BYTES 25

int64_t clock_mono_us(void);
int64_t clock_mono_ms(void);
int64_t clock_boot_ms(void);                                /* monotonic, and counts sleep too */
int64_t clock_wall_ms(void);                                /* since 1970, UTC */
void clock_iso(int64_t wall_ms, char out[CLOCK_ISO_BYTES]); /* 2026-11-20T23:35:01.123Z */

#endif
