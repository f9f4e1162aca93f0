/* JSON by path: json-c underneath, with bounds when reading and no nested null checks. */
#ifndef DATA_JSON_H
#define DATA_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"

#define JSON_DEPTH_MAX 64

typedef struct json_object json;

/* Parses exactly one value that fills the bytes (white space around allowed), at most JSON_DEPTH_MAX deep.
 * Null for anything else. The caller drops the result with json_drop. */
json *json_read(const char *bytes, size_t length);
size_t json_wrong_at(const char *bytes, size_t length);        /* where json_read stopped understanding: an offset */
void json_drop(json *value);                                   /* null is allowed */

/* A member by path: names and array indices with dots between ("message.photo.0.file_id"). "" is the value
 * itself. Null when absent, null or not a container on the way. Borrowed from `value`. */
json *json_at(json *value, const char *path);

/* Typed reading: null / false when absent or of another type (a number in quotes is a text). */
const char *json_text(json *value, const char *path);          /* borrowed; may hold NUL: see json_text_clean */
bool json_i64(json *value, const char *path, int64_t *out);    /* whole, above INT64_MIN */
bool json_true(json *value, const char *path);                 /* true only for the boolean true */
size_t json_count(json *value, const char *path);              /* elements of an array; 0 for anything else */

/* A text copied into the arena and made fit for PostgreSQL and the Bot API (str_clean); null when absent. */
char *json_text_clean(json *value, const char *path, struct arena *arena);

/* Building. Each takes over the child it is given. */
json *json_new(void);                                           /* an empty object */
json *json_new_array(void);
void json_set(json *object, const char *name, json *child);
void json_set_text(json *object, const char *name, const char *text);   /* null text sets nothing */
void json_set_i64(json *object, const char *name, int64_t number);
void json_set_bool(json *object, const char *name, bool truth);
void json_push(json *array, json *child);
json *json_copy(json *value);                                    /* deep; null gives null */
const char *json_write(json *value);                             /* compact; valid until the value changes */

#endif
