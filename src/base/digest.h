/* Secrets compared in constant time, and randomness. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

/* Whether two texts are equal; the time depends only on the length of `given`. An empty `secret`
 * never equals. */
bool digest_equal(const char *secret, const char *given);
void digest_random(void *bytes, size_t count);            /* from the kernel; failure is a fault */
void digest_hex(const void *bytes, size_t count, char *out);  /* out holds 2 * count + 1 */

#endif
