/* What a process that reads untrusted pictures can't do any more: limits and system calls. */
#ifndef RENDER_CAGE_H
#define RENDER_CAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

#define CAGE_MEMORY_MAX (UINT64_C(2) << 30)     /* bytes of address space */
#define CAGE_CPU_SECONDS 30
#define CAGE_OUTPUT_MAX (UINT64_C(16) << 20)    /* bytes, when the output is a file */

/* Closes all descriptors above `last`, sets up memory for what cage_enter takes away, and limits memory, time and
 * output: words and figures are drawn before cage_enter. False when the limits can't be set. Called first. */
MUST_CHECK bool cage_begin(int last);

/* No more files, then the filter: reading, writing, memory and threads of our own; no opening, no network, no other
 * programs, no executable memory. Anything else kills the process. For ever; false when the kernel has none of it.
 * Called when all libraries are ready and before the first byte is read. */
MUST_CHECK bool cage_enter(void);

#endif
