/* What systemd is told, by its datagram protocol; nothing when nobody asked. */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

#include <stdint.h>

/* Sends to $NOTIFY_SOCKET; a failure is logged, no more. */
void notify_ready(void);
void notify_reloading(void);
/* within_ms: how long the end may take; systemd waits as long, whatever its own limit is. */
void notify_stopping(int64_t within_ms);

#endif
