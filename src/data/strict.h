/* JSON from those whose word is money: nothing in it can be read in two ways. */
#ifndef DATA_STRICT_H
#define DATA_STRICT_H

#include "data/json.h"

/* As json_read, and no object names a member twice. */
json *strict_read(const char *bytes, size_t length);

/* As json_text, and null when there is a NUL within: what stands behind it would not be seen. */
const char *strict_text(json *value, const char *path);

#endif
