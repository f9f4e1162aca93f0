/* Memory with one lifetime: a list of blocks, each filled from its start. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define ARENA_BLOCK_BYTES 8192
#define ARENA_ALIGN _Alignof(max_align_t)

struct block {
	struct block *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks;       /* the one being filled first */
	size_t total;
	size_t max;
};

struct arena *arena_new(size_t max_bytes)
{
	struct arena *arena = mem_alloc(sizeof *arena);

	arena->max = max_bytes;
	return arena;
}

/* Frees the list up to `keep`, which may be null. */
static void blocks_free(struct block *block, const struct block *keep)
{
	while (block != NULL) {
		struct block *next = block->next;

		if (block != keep)
			mem_free(block);
		block = next;
	}
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	blocks_free(arena->blocks, NULL);
	mem_free(arena);
}

void arena_reset(struct arena *arena)
{
	struct block *keep = NULL;

	/* A block of ordinary size is kept; a large one was for somebody's rare need. */
	for (struct block *block = arena->blocks; block != NULL && keep == NULL; block = block->next)
		if (block->size == ARENA_BLOCK_BYTES)
			keep = block;
	blocks_free(arena->blocks, keep);
	if (keep != NULL) {
		keep->next = NULL;
		keep->used = 0;
	}
	arena->blocks = keep;
	arena->total = 0;
}

static struct block *block_add(struct arena *arena, size_t need)
{
	size_t size = need > ARENA_BLOCK_BYTES / 4 ? need : ARENA_BLOCK_BYTES;
	struct block *block = mem_alloc(sizeof *block + size);

	block->size = size;
	if (size == need && arena->blocks != NULL) {
		/* Behind the one being filled, which may have room left. */
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	} else {
		block->next = arena->blocks;
		arena->blocks = block;
	}
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block = arena->blocks;

	must(size <= arena->max);
	size_t need = size == 0 ? ARENA_ALIGN : (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;

	must(size <= arena->max - arena->total);
	if (block == NULL || need > block->size - block->used)
		block = block_add(arena, need);
	void *memory = block->bytes + block->used;

	block->used += need;
	arena->total += size;
	return memset(memory, 0, need);
}

char *arena_text(struct arena *arena, const char *bytes, size_t length)
{
	must(length < SIZE_MAX);
	char *text = arena_alloc(arena, length + 1);

	if (length > 0)
		memcpy(text, bytes, length);
	return text;
}

char *arena_str(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_text(arena, text, strlen(text));
}

char *arena_fmt(struct arena *arena, const char *fmt, ...)
{
	va_list args;

	must(fmt != NULL);
	va_start(args, fmt);
	int length = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	must(length >= 0);
	char *text = arena_alloc(arena, (size_t)length + 1);

	va_start(args, fmt);
	vsnprintf(text, (size_t)length + 1, fmt, args);
	va_end(args);
	return text;
}
