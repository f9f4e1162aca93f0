/* The end of a process whose own code is wrong. */
#include "base/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void fault_at(const char *file, int line, const char *what)
{
	char text[512];
	int length = snprintf(text, sizeof text, "fault pid=%ld at=%s:%d expected=\"%s\"\n",
		(long)getpid(), file, line, what);
	size_t count = length < 0 ? 0 : (size_t)length;

	if (count >= sizeof text) {
		count = sizeof text;
		text[count - 1] = '\n';
	}
	/* Nothing can be done about a stderr that does not take it. */
	ssize_t written = write(STDERR_FILENO, text, count);
	(void)written;
	abort();
}
