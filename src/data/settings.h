/* The settings of Atelier: one table for the parser, the manual, the sample file and the checks. */
#ifndef DATA_SETTINGS_H
#define DATA_SETTINGS_H

#include <stddef.h>

#include "base/conf.h"

/* Who may know a setting. */
enum settings_role {
	SETTINGS_SUPERVISOR = 1u << 0,
	SETTINGS_RESPONDER = 1u << 1,
	SETTINGS_DISPATCHER = 1u << 2,
	SETTINGS_CHAT = 1u << 3,
	SETTINGS_PAY = 1u << 4,
	SETTINGS_MEDIA = 1u << 5,
	SETTINGS_CTL = 1u << 6,
	SETTINGS_HELPERS = SETTINGS_CHAT | SETTINGS_PAY | SETTINGS_MEDIA,
	SETTINGS_ALL = (1u << 7) - 1,
};

/* The standing bounds of one turn and one body; nginx/ repeats the body's. */
#define SETTINGS_TURN_LIMIT 32          /* most requests in one turn */
#define SETTINGS_ADMINS_MAX 64          /* ADMIN_IDS; a text of 1024 bytes holds about as many */
#define SETTINGS_BODY_BYTES_MAX 1048576 /* an update is at most 512 KiB (facts: tdlib TQueue.cpp) */

extern const struct conf_entry settings_table[];
extern const size_t settings_count;

/* What one entry alone cannot say: settings that belong together, words out of a list. conf holds all roles'
 * settings. False when anything is wrong, told as "NAME: reason\n" in errors, never with a secret's value. */
MUST_CHECK bool settings_check(const struct conf *conf, struct buf *errors);

/* Whether there is a key for a provider of the catalogue ("fal", "gemini", "kling", "local"); the responder is told
 * that much of keys it may not read. */
bool settings_has_provider(const struct conf *conf, const char *provider);

#endif
