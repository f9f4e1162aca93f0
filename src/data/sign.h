/* Signatures and encodings that payment providers ask for. */
#ifndef DATA_SIGN_H
#define DATA_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "data/form.h"

#define SIGN_MD5_BYTES 33       /* lower-case hex and NUL */

/* MD5 of the texts one after the other. Weak, and all that Betatransfer offers: what it signs is asked for again. */
void sign_md5(const char *const *texts, size_t count, char out[SIGN_MD5_BYTES]);
char *sign_base64(const char *text, struct arena *arena);

/* Whether Betatransfer's callback carries the sign over its amount and order, in either case of letters and in
 * constant time. An empty secret never matches. It covers neither status nor currency nor id: a hint, no proof. */
bool betatransfer_callback_check(const char *secret, const struct form *form);

#endif
