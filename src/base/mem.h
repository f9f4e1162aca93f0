/* Heap memory: the only callers of malloc. Out of memory is a fault: the supervisor starts us
 * again. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                 /* zeroed; never null; free with mem_free */
void *mem_grow(void *old, size_t size);       /* realloc; never null; new bytes are not zeroed */
char *mem_str(const char *text);              /* a copy; free with mem_free */
void mem_free(void *memory);                  /* null is allowed */
void mem_wipe(void *memory, size_t size);     /* zeroes secrets in a way the compiler keeps */

#endif
