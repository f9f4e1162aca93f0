/* What the adapters of payment providers share. */
#ifndef PROVIDER_PAY_H
#define PROVIDER_PAY_H

#include "data/money.h"
#include "data/strict.h"
#include "provider/provider.h"

#define PAY_CALL_MS 35000       /* YooKassa gives up after 30 s and says 500 */
#define PAY_LIST_MAX 100        /* items of one page */

/* What goes into URLs, headers and signatures unescaped. Null is none of them. */
bool pay_is_id(const char *text);               /* a provider's id: letters, digits, '-', at most 64 */
bool pay_is_order(const char *text);            /* an order name: letters and digits, a letter first, at most 40 */
bool pay_is_currency(const char *text);         /* three capital letters */
bool pay_is_url(const char *text);              /* where a payer may be sent */
bool pay_is_sum(int64_t hundredths);            /* above zero and within what money_parse reads */

/* The body of an answer that came; null when it is no JSON object or can be read in two ways. To be dropped. */
json *pay_body(const struct answer *answer);

/* A provider's words for the operator, unless one of our two secrets is in them. Never null. */
const char *pay_words(const char *words, const char *secret, const char *other);

/* Not now: the same call once more. The wait is wait_ms, or grows with each time when that is 0. note (or null) is
 * remembered in the memo; taken over. */
enum provider_next pay_again(const struct task *task, struct report *report, enum report_class class,
	int64_t wait_ms, json *note, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* The answer of which nothing is known beyond how it ended: NOT_SENT is a failure, anything else may have been
 * heard and is asked again. */
enum provider_next pay_unanswered(const struct task *task, const struct answer *answer, json *note,
	struct report *report);

/* DONE with {"found": false}. */
enum provider_next pay_not_found(struct report *report);

#endif
