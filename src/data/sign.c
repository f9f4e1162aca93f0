/* MD5 and base64 by libcrypto, and the check of Betatransfer's callbacks. */
#include "data/sign.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/digest.h"

void sign_md5(const char *const *texts, size_t count, char out[SIGN_MD5_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	must(context != NULL && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1);
	for (size_t i = 0; i < count; i++)
		must(EVP_DigestUpdate(context, texts[i], strlen(texts[i])) == 1);
	must(EVP_DigestFinal_ex(context, digest, &length) == 1 && length * 2 + 1 == SIGN_MD5_BYTES);
	EVP_MD_CTX_free(context);
	digest_hex(digest, length, out);
}

char *sign_base64(const char *text, struct arena *arena)
{
	size_t length = strlen(text);

	must(length < INT_MAX / 2);
	char *out = arena_alloc(arena, (length + 2) / 3 * 4 + 1);

	(void)EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)length);
	return out;
}

bool betatransfer_callback_check(const char *secret, const struct form *form)
{
	const char *amount = form_value(form, "amount");
	const char *order = form_value(form, "orderId");
	const char *sign = form_value(form, "sign");
	char want[SIGN_MD5_BYTES], given[SIGN_MD5_BYTES];

	if (*secret == '\0' || amount == NULL || order == NULL || sign == NULL
		|| strlen(sign) != sizeof given - 1)
		return false;
	for (size_t i = 0; i < sizeof given; i++)
		given[i] = (char)(sign[i] >= 'A' && sign[i] <= 'F' ? sign[i] - 'A' + 'a' : sign[i]);
	sign_md5((const char *const[]){amount, order, secret}, 3, want);
	return digest_equal(want, given);
}
