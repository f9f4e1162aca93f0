/* Forms as browsers and Betatransfer send them (application/x-www-form-urlencoded), strict when read. */
#ifndef DATA_FORM_H
#define DATA_FORM_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"

#define FORM_FIELDS_MAX 64
#define FORM_NAME_BYTES 64      /* of one decoded name */
#define FORM_VALUE_BYTES 4096   /* of one decoded value */

struct form_field {
	const char *name;
	const char *value;      /* never null; decoded bytes, perhaps no UTF-8, without NUL */
};

struct form {
	struct form_field fields[FORM_FIELDS_MAX];
	size_t count;           /* in the order sent */
};

/* 0, or -1: a bad escape, a NUL, an empty or a repeated name, or beyond the bounds above. No bytes are a form
 * without fields. The texts live in the arena. */
MUST_CHECK int form_read(const char *bytes, size_t length, struct arena *arena, struct form *form);
const char *form_value(const struct form *form, const char *name);      /* null when absent */

/* Adds name=value to a form or the query of a URL; an '&' before it unless out is empty. */
void form_add(struct buf *out, const char *name, const char *value);

#endif
