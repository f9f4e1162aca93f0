/* Results that come within an answer: a large answer goes through a file, and what is in it becomes a file of the
 * spool. Adapters see neither: they read a body and report base64. */
#ifndef HELPER_INLINE_H
#define HELPER_INLINE_H

#include "base/buf.h"
#include "provider/provider.h"

#define INLINE_ANSWER_MAX (49u << 20)   /* bytes of an answer read back at once, one task at a time */

/* Before a call: a submit whose answer may be larger than memory should hold is saved to the spool. */
void inline_begin(const struct task *task, const struct provider_setting *setting, struct arena *arena,
	struct call *call);

/* After it: the saved answer is read into body, which the answer then points to, and deleted. */
void inline_answer(const struct call *call, struct answer *answer, struct buf *body);

/* A report's files that stand in it as {"data": base64} go into the spool; the report then tells where, or what went
 * wrong. */
void inline_keep(const struct task *task, const struct provider_setting *setting, struct arena *arena,
	struct report *report);

#endif
