/* Shared by the two files of the fal adapter: names, addresses, and what an error answer means. */
#ifndef PROVIDER_FAL_H
#define PROVIDER_FAL_H

#include "provider/provider.h"

#define FAL_CALL_MS 30000
#define FAL_WAIT_ELSE_S 5               /* for a 429 that names no time */
#define FAL_ID_MAX 128                  /* bytes of a request id */

/* Letters, digits, - _ . only, and / where path is true; never ".." . */
bool fal_is_plain(const char *text, size_t max, bool path);

void fal_call_begin(struct call *call, const struct provider_setting *setting, struct arena *arena,
	const char *verb, const char *url, const char *name);

/* {request_id, status_url, response_url, cancel_url} for a request, URLs by the rule that they have the first two
 * segments of the model only (facts: fal's docs, checked with its client). */
json *fal_request_new(const struct provider_setting *setting, const char *model, const char *id,
	struct arena *arena);

/* An answer of a call that may be repeated and that is neither a success nor one that the caller treats itself. */
enum provider_next fal_unsuccessful(const struct answer *answer, struct report *report);

/* The lookup of an order whose fate is unknown. */
enum provider_next fal_lookup(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena, struct call *call,
	struct report *report);

#endif
