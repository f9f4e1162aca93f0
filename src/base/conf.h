/* Settings: one table that parses, checks, prints itself and says who may know what. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"

#define CONF_FILE_MAX 65536     /* bytes of a settings file */
#define CONF_VALUE_MAX 4096     /* bytes of one value */

enum conf_type {
	CONF_TEXT,      /* min and max are bytes */
	CONF_INT,       /* min and max are values */
	CONF_BOOL,      /* true, false, yes, no, on, off, 1, 0 */
	CONF_URL,       /* https:// and a host, no user, no query; "" allowed when min is 0 */
	CONF_PATH,      /* absolute; "" allowed when min is 0 */
	CONF_IDS,       /* decimal ids with commas between; "" is none */
	CONF_KEY,       /* text of printable ASCII without spaces; min and max are bytes */
};

/* In the roles of an entry: who is only told whether it is set, and reads "*" or "". */
#define CONF_KNOWN(roles) ((unsigned)(roles) << 16)

struct conf_entry {
	const char *name;
	enum conf_type type;
	const char *fallback;       /* the default as it would be written; null: must be set */
	int64_t min;
	int64_t max;
	const char *unit;           /* "seconds", "kopecks", … or "" */
	unsigned roles;             /* bit set of who is handed it; the lower 16 bits are the caller's, see CONF_KNOWN */
	bool secret;                /* never printed; registered with log_secret on reading */
	const char *help;           /* one sentence; the manual and the sample are held against it */
};

struct conf;

/* Reads NAME=value lines ('#' starts a comment line; blank lines; LF or CRLF; no quotes; spaces
 * around name and value are dropped). Names outside the table (of count entries), repeated names
 * and bad values are errors, each told as "line N: NAME: reason\n" in errors; a missing one as
 * "NAME: must be set\n". A value is never shown, nor is a word that is no name. Returns null
 * when there was any error. Entries whose roles do not meet `roles` are neither required nor
 * kept, yet checked when present. The table must outlive the result; free with conf_free, which
 * wipes it. */
struct conf *conf_read(const struct conf_entry *table, size_t count, unsigned roles,
	const char *text, size_t length, struct buf *errors);
void conf_free(struct conf *conf);

/* The value of a name that is in the table and within our roles; anything else is a fault. */
const char *conf_text(const struct conf *conf, const char *name);
int64_t conf_int(const struct conf *conf, const char *name);
bool conf_bool(const struct conf *conf, const char *name);
/* The ids of a CONF_IDS setting, `max` at most; returns how many. */
size_t conf_ids(const struct conf *conf, const char *name, int64_t *ids, size_t max);

/* Writes the settings `roles` may know as NAME=value lines; NAME=* for what they may only know to be set. */
void conf_print(const struct conf *conf, unsigned roles, struct buf *out);

#endif
