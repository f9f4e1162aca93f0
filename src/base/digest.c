/* Secrets compared in constant time, and randomness. */
#include "base/digest.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/fault.h"

bool digest_equal(const char *secret, const char *given)
{
	size_t secret_length = strlen(secret);
	size_t given_length = strlen(given);
	volatile unsigned char differ = secret_length != given_length;

	if (secret_length == 0)
		return false;
	/* The secret is gone round, so that each byte given costs the same whatever came before. */
	for (size_t i = 0; i < given_length; i++)
		differ |= (unsigned char)(given[i] ^ secret[i % secret_length]);
	return differ == 0;
}

void digest_random(void *bytes, size_t count)
{
	unsigned char *at = bytes;

	while (count > 0) {
		ssize_t got = getrandom(at, count, 0);

		if (got < 0) {
			must(errno == EINTR);
			continue;
		}
		at += got;
		count -= (size_t)got;
	}
}

void digest_hex(const void *bytes, size_t count, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *at = bytes;

	for (size_t i = 0; i < count; i++) {
		*out++ = digits[at[i] >> 4];
		*out++ = digits[at[i] & 15];
	}
	*out = '\0';
}
