/* What systemd is told, by its datagram protocol; nothing when nobody asked. */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

/* Sends to $NOTIFY_SOCKET; a failure is logged, no more. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

#endif
