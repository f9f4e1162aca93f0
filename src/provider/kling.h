/* Kling's adapter; what of it is tested by itself. */
#ifndef PROVIDER_KLING_H
#define PROVIDER_KLING_H

#include "provider/provider.h"

/* A token for the pair of keys (RFC 7519, HS256): valid from 5 s before now for half an hour. In the arena. */
const char *kling_token(const char *access, const char *secret, int64_t now_s, struct arena *arena);

#endif
