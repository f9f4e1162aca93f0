/* Heap memory that never runs out: the process does instead. */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

void *mem_alloc(size_t size)
{
	void *memory = calloc(1, size > 0 ? size : 1);

	must(memory != NULL);
	return memory;
}

void *mem_grow(void *old, size_t size)
{
	void *memory = realloc(old, size > 0 ? size : 1);

	must(memory != NULL);
	return memory;
}

char *mem_str(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(mem_alloc(size), text, size);
}

void mem_free(void *memory)
{
	free(memory);
}

void mem_wipe(void *memory, size_t size)
{
	if (size > 0)
		explicit_bzero(memory, size);
}
