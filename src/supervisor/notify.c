/* What systemd is told: sd_notify(3) by hand, so that nothing but the C library is linked. */
#include "supervisor/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/log.h"

#define NOTIFY_GRACE_MS 5000     /* to gather the dead and leave */

static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (path == NULL || *path == '\0')
		return;
	size_t length = strlen(path);

	if (length >= sizeof address.sun_path) {
		log_warn("event=notify error=\"NOTIFY_SOCKET is too long\"");
		return;
	}
	memcpy(address.sun_path, path, length);
	if (*path == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);

	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL,
		(const struct sockaddr *)&address, size) < 0)
		log_warn("event=notify error=\"%m\"");
	fd_close(&fd);
}

void notify_ready(void)
{
	notify("READY=1\nSTATUS=All roles are ready");
}

void notify_reloading(void)
{
	char text[100];
	struct timespec now;

	must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify(text);
}

void notify_stopping(int64_t within_ms)
{
	char text[100];

	snprintf(text, sizeof text, "STOPPING=1\nSTATUS=Finishing what was begun\nEXTEND_TIMEOUT_USEC=%" PRId64,
		(within_ms + NOTIFY_GRACE_MS) * 1000);
	notify(text);
}
