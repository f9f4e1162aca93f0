/* One line an event to stderr, key=value words. Control bytes and bad UTF-8 are neutralised for
 * every line, a line is cut at LOG_LINE_MAX bytes, and logging can neither block for long nor
 * fail its caller. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/fault.h"

#define LOG_LINE_MAX 2048

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_open(const char *role);              /* the word shown on each line; kept by reference */
void log_level_set(enum log_level least);
MUST_CHECK bool log_level_of(const char *word, enum log_level *level);  /* debug, info, warn, error */
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* A secret that must never be shown: each later line has it replaced by ***. Copied; at most
 * LOG_SECRETS_MAX of them; those shorter than 6 bytes are ignored. */
#define LOG_SECRETS_MAX 16
void log_secret(const char *secret);

#endif
