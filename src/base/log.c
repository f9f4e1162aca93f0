/* One line an event to stderr, with secrets and control bytes taken out. */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define LOG_SECRET_MIN 6
#define LOG_RAW_MAX 16384
#define LOG_WAIT_MS 100

static const char *const log_levels[] = {"debug", "info", "warn", "error"};
static const char *log_role = "-";
static enum log_level log_least = LOG_INFO;
static char *log_secrets[LOG_SECRETS_MAX];
static unsigned log_secret_next;        /* the oldest, when the table is full */
static unsigned long log_dropped;

void log_open(const char *role)
{
	log_role = role;
}

void log_level_set(enum log_level least)
{
	log_least = least;
}

bool log_level_of(const char *word, enum log_level *level)
{
	for (enum log_level i = LOG_DEBUG; i <= LOG_ERROR; i++)
		if (str_equal(word, log_levels[i])) {
			*level = i;
			return true;
		}
	return false;
}

void log_secret(const char *secret)
{
	if (strlen(secret) < LOG_SECRET_MIN)
		return;
	for (unsigned i = 0; i < LOG_SECRETS_MAX; i++)
		if (str_equal(log_secrets[i], secret))
			return;
	char **slot = &log_secrets[log_secret_next++ % LOG_SECRETS_MAX];

	if (*slot != NULL)
		mem_wipe(*slot, strlen(*slot));
	mem_free(*slot);
	*slot = mem_str(secret);
}

/* Length of the longest secret that text starts with, or 0. */
static size_t secret_at(const char *text)
{
	size_t longest = 0;

	for (unsigned i = 0; i < LOG_SECRETS_MAX; i++) {
		const char *secret = log_secrets[i];
		size_t length = secret == NULL ? 0 : strlen(secret);

		if (length > longest && text[0] == secret[0] && strncmp(text, secret, length) == 0)
			longest = length;
	}
	return longest;
}

static size_t secret_longest(void)
{
	size_t longest = 0;

	for (unsigned i = 0; i < LOG_SECRETS_MAX; i++)
		if (log_secrets[i] != NULL && strlen(log_secrets[i]) > longest)
			longest = strlen(log_secrets[i]);
	return longest;
}

/* Copies raw to line (of size bytes, NUL included) with secrets replaced; returns the length. */
static size_t without_secrets(const char *raw, char *line, size_t size)
{
	size_t length = 0;

	while (*raw != '\0' && length + 1 < size) {
		size_t hidden = secret_at(raw);

		if (hidden == 0) {
			line[length++] = *raw++;
			continue;
		}
		for (int i = 0; i < 3 && length + 1 < size; i++)
			line[length++] = '*';
		raw += hidden;
	}
	line[length] = '\0';
	return length;
}

static void line_write(const char *line, size_t length)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	/* Who reads us may be stuck: wait once, and not again until it takes a line. */
	if (poll(&out, 1, log_dropped > 0 ? 0 : LOG_WAIT_MS) != 1 || (out.revents & POLLOUT) == 0) {
		log_dropped++;
		return;
	}
	ssize_t written = send(STDERR_FILENO, line, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (written < 0 && errno == ENOTSOCK)
		written = write(STDERR_FILENO, line, length);
	if (written < 0)
		log_dropped++;
	else
		log_dropped = 0;
}

__attribute__((format(printf, 2, 0)))
static void line_log(enum log_level level, const char *fmt, va_list args)
{
	static char raw[LOG_RAW_MAX];
	char line[LOG_LINE_MAX];
	char now[CLOCK_ISO_BYTES];
	int saved = errno;

	if (level < log_least)
		return;
	clock_iso(clock_wall_ms(), now);
	int head = snprintf(line, sizeof line, "%s %s %s[%ld]: ", now, log_levels[level], log_role,
		(long)getpid());

	if (head < 0 || head > LOG_LINE_MAX / 2)
		head = 0;
	if (log_dropped > 0)
		head += snprintf(line + head, sizeof line - (size_t)head, "lines_lost=%lu ", log_dropped);
	errno = saved;                      /* for %m */
	int length = vsnprintf(raw, sizeof raw, fmt, args);

	if (length < 0)
		raw[0] = '\0';
	/* A secret cut in two by the end would not be known: drop as much as the longest. */
	if (length >= LOG_RAW_MAX) {
		size_t drop = secret_longest();

		raw[drop < LOG_RAW_MAX - 1 ? LOG_RAW_MAX - 1 - drop : 0] = '\0';
	}
	size_t used = (size_t)head;

	used += without_secrets(raw, line + used, sizeof line - used);
	used = str_clean(line, used);
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[used++] = '\n';               /* in the place of the NUL */
	line_write(line, used);
	errno = saved;
}

void log_debug(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line_log(LOG_DEBUG, fmt, args);
	va_end(args);
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line_log(LOG_INFO, fmt, args);
	va_end(args);
}

void log_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line_log(LOG_WARN, fmt, args);
	va_end(args);
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line_log(LOG_ERROR, fmt, args);
	va_end(args);
}
