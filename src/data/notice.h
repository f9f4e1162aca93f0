/* Notices: what is to be said to a person, by name. The outbox keeps notices; the chat lane gives them words. */
#ifndef DATA_NOTICE_H
#define DATA_NOTICE_H

#include "base/arena.h"
#include "base/fault.h"
#include "data/reply.h"
#include "data/text.h"

enum notice_end { NOTICE_OK, NOTICE_STRANGE };  /* STRANGE: no such notice, or an argument is missing */

/* Renders {"notice": name, "args": {...}} in a language: text from texts[name], keyboard from the table of
 * notice.c. Text and keyboard are complete even when STRANGE is returned for a missing argument. */
MUST_CHECK enum notice_end notice_render(const struct texts *texts, const char *lang, json *notice,
	struct arena *arena, struct reply *reply);

/* Makes {"notice": name, "args": args}; takes args over (null: none). */
json *notice_new(const char *name, json *args);

/* Walks the table: the name of notice i, or null past the end (tests). */
const char *notice_name(size_t i);

#endif
