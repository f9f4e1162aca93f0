/* The sentences people see, in two languages, with named holes. */
#ifndef DATA_TEXT_H
#define DATA_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/fault.h"
#include "data/json.h"

struct texts;

/* Reads DIR/ru.json and DIR/en.json: one flat object each, key → sentence. Null when a file is missing, not JSON
 * or the two differ in keys or holes; why is told in errors. Free with texts_free. */
struct texts *texts_read(const char *directory, struct buf *errors);
void texts_free(struct texts *texts);

/* Adds the sentence `key` in the language to out, holes filled from args:
 *   {name}              the argument, HTML-escaped; an amount object is written through the money.* keys
 *   {name|one|few|many} the plural form for the whole number `name` (English: one and the last)
 *   {?name:words}       the words (with holes of their own, not nested) only when the argument is there
 *   {*name:key}         a line for each object in the array `name`: the sentence "key.<its kind>" filled from it
 * A key or argument that is missing is our fault and shows up as the bare key, and false is returned. */
bool text_add(const struct texts *texts, const char *lang, const char *key, json *args, struct buf *out);
bool text_has(const struct texts *texts, const char *key);

#endif
