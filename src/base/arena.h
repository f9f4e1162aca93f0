/* Memory with one lifetime: a request's or a task's. Freed whole, never piece by piece. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/fault.h"

struct arena;

/* max_bytes bounds the sum of all allocations. Inputs are bounded before they are copied here, so
 * reaching the bound is a fault of the program. The caller frees with arena_free. */
struct arena *arena_new(size_t max_bytes);
void arena_free(struct arena *arena);         /* null is allowed */
void arena_reset(struct arena *arena);        /* forgets all, keeps one block for reuse */

/* zeroed, aligned; never null */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_str(struct arena *arena, const char *text);                   /* null gives null */
char *arena_text(struct arena *arena, const char *bytes, size_t length);  /* adds the NUL */
char *arena_fmt(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
