/* What may not be asked for: the operator's words, and anything sexual about minors whatever the settings. */
#ifndef DATA_BLOCK_H
#define DATA_BLOCK_H

#include "base/buf.h"
#include "base/fault.h"

#define BLOCK_FILE_MAX (1u << 20)       /* bytes of a list */
#define BLOCK_WORDS_MAX 10000

enum block_end { BLOCK_FREE, BLOCK_LISTED, BLOCK_MINOR };

struct block;

/* Reads a list: a word or phrase a line, '#' begins a comment; path "" for none. A word with * at its end stands
 * for all that begin so. Null when it can't be read, why in errors. Free with block_free. */
struct block *block_read(const char *path, struct buf *errors);
void block_free(struct block *block);

/* Looks for them in a text, whatever the case (Latin and Cyrillic), ё as е, look-alike letters and spaces between
 * letters folded as far as that harms no honest text. Whole words. block may be null: only minors are looked for. */
enum block_end block_match(const struct block *block, const char *text);

#endif
