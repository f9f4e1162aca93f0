/* Pictures given to `render`: a child for each, two at a time, the others wait for their turn. */
#ifndef HELPER_RENDERS_H
#define HELPER_RENDERS_H

#include <stdint.h>

#include "base/fault.h"
#include "base/loop.h"

#define RENDERS_MAX 2                   /* children at once: each may take a processor and 200 MB */
#define RENDERS_WAIT_MAX 4096           /* in the queue */
#define RENDERS_MS_MAX 40000            /* a child is killed after that */

enum render_end {
	RENDER_MADE,
	RENDER_REFUSED,         /* the picture cannot be used; the text says why */
	RENDER_FAILED,          /* ours: the child could not run, or died */
};

/* What is to be done; the texts must live until the end. */
struct render_job {
	const char *what;       /* "picture", "text" or "chart" */
	const char *input;      /* path of the picture; null: none */
	const char *output;     /* path of the file to make */
	const char *text;       /* words to be drawn, or a chart as render/chart.h has it; or null */
};

struct renders;

/* Told once for each renders_start that was not dropped, from the loop. text is valid during the call only. */
typedef void renders_done_f(void *owner, uint64_t key, enum render_end end, const char *text);

/* The program is looked for beside our own. Free with renders_free, which kills what runs. */
struct renders *renders_new(struct loop *loop, renders_done_f *done, void *owner);
void renders_free(struct renders *renders);

void renders_start(struct renders *renders, uint64_t key, const struct render_job *job);
void renders_drop(struct renders *renders, uint64_t key);       /* forgets one without telling; unknown is ignored */

#endif
