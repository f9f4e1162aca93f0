/* Rules for addresses that came from outside (SSRF): which host may be asked, and where it may really be. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/fault.h"

#define GUARD_HOSTS_MAX 32

enum guard_end {
	GUARD_OK,
	GUARD_MALFORMED,        /* not a URL as libcurl reads it */
	GUARD_SCHEME,           /* not https */
	GUARD_USER,             /* carries a user or password */
	GUARD_HOST,             /* host and port are not in the list */
};

struct guard;

/* hosts: "host" (port 443) or "host:port", commas between; letters of any case, spaces around are dropped.
 * private_too: addresses of this machine and of private networks are allowed as well, for a stand-in of the
 * outside; link-local ones (cloud metadata) never are. Null when the list is malformed or too long.
 * Free with guard_free. */
struct guard *guard_new(const char *hosts, bool private_too);
void guard_free(struct guard *guard);                       /* null is allowed */

/* Read by libcurl's own parser, so that nobody can be of two minds about where a URL leads. */
MUST_CHECK enum guard_end guard_url(const struct guard *guard, const char *url);
const char *guard_end_text(enum guard_end end);             /* for a report; holds nothing of the URL */

/* Whether a socket may be connected there. Ranges: the IANA special-purpose registries (RFC 6890 and its
 * successors); of IPv6 only 2000::/3 without its tunnels and examples. */
MUST_CHECK bool guard_address(const struct guard *guard, const struct sockaddr *address, socklen_t length);

#endif
