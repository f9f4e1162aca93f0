/* SSRF rules: a list of hosts before, and a table of address ranges at the moment of connecting. */
#include "http/guard.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define HOST_MAX 256

struct guard {
	bool private_too;
	size_t count;
	char *hosts[GUARD_HOSTS_MAX];       /* lower case, always host:port */
};

/* Ours: open to a stand-in. Never: open to nobody. */
enum range_kind { RANGE_OURS, RANGE_NEVER };

struct range4 { uint32_t base; int bits; enum range_kind kind; };
static const struct range4 ranges4[] = {
	{0x00000000, 8, RANGE_NEVER},       /* 0.0.0.0/8 this network */
	{0x0a000000, 8, RANGE_OURS},        /* 10.0.0.0/8 private */
	{0x64400000, 10, RANGE_NEVER},      /* 100.64.0.0/10 carrier-grade NAT; cloud metadata of some */
	{0x7f000000, 8, RANGE_OURS},        /* 127.0.0.0/8 loopback */
	{0xa9fe0000, 16, RANGE_NEVER},      /* 169.254.0.0/16 link-local */
	{0xac100000, 12, RANGE_OURS},       /* 172.16.0.0/12 private */
	{0xc0000000, 24, RANGE_NEVER},      /* 192.0.0.0/24 IETF protocols */
	{0xc0000200, 24, RANGE_NEVER},      /* 192.0.2.0/24 examples */
	{0xc0586300, 24, RANGE_NEVER},      /* 192.88.99.0/24 6to4 relays */
	{0xc0a80000, 16, RANGE_OURS},       /* 192.168.0.0/16 private */
	{0xc6120000, 15, RANGE_NEVER},      /* 198.18.0.0/15 benchmarks */
	{0xc6336400, 24, RANGE_NEVER},      /* 198.51.100.0/24 examples */
	{0xcb007100, 24, RANGE_NEVER},      /* 203.0.113.0/24 examples */
	{0xe0000000, 4, RANGE_NEVER},       /* 224.0.0.0/4 multicast */
	{0xf0000000, 4, RANGE_NEVER},       /* 240.0.0.0/4 reserved, broadcast */
};

struct range6 { unsigned char base[16]; int bits; };
static const struct range6 public6 = {{0x20}, 3};
static const struct range6 holes6[] = {         /* within 2000::/3 */
	{{0x20, 0x01, 0x00}, 23},               /* 2001::/23 Teredo, ORCHID, benchmarks */
	{{0x20, 0x01, 0x0d, 0xb8}, 32},         /* 2001:db8::/32 examples */
	{{0x20, 0x02}, 16},                     /* 2002::/16 6to4: holds an IPv4 address */
	{{0x3f, 0xff, 0x00}, 20},               /* 3fff::/20 examples */
};
static const struct range6 ours6[] = {
	{{[15] = 1}, 128},                      /* ::1 loopback */
	{{0xfc}, 7},                            /* fc00::/7 unique local */
};
static const struct range6 mapped6 = {{[10] = 0xff, [11] = 0xff}, 96};  /* ::ffff:0:0/96 */

static bool within6(const unsigned char *address, const struct range6 *range)
{
	int whole = range->bits / 8;
	int rest = range->bits % 8;

	if (memcmp(address, range->base, (size_t)whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ range->base[whole]) >> (8 - rest) == 0;
}

static bool allowed4(const struct guard *guard, uint32_t address)
{
	for (size_t i = 0; i < sizeof ranges4 / sizeof ranges4[0]; i++)
		if ((address ^ ranges4[i].base) >> (32 - ranges4[i].bits) == 0)
			return ranges4[i].kind == RANGE_OURS && guard->private_too;
	return true;
}

static bool allowed6(const struct guard *guard, const unsigned char *address)
{
	if (within6(address, &mapped6))
		return allowed4(guard, (uint32_t)address[12] << 24 | (uint32_t)address[13] << 16
			| (uint32_t)address[14] << 8 | address[15]);
	for (size_t i = 0; i < sizeof ours6 / sizeof ours6[0]; i++)
		if (within6(address, &ours6[i]))
			return guard->private_too;
	for (size_t i = 0; i < sizeof holes6 / sizeof holes6[0]; i++)
		if (within6(address, &holes6[i]))
			return false;
	return within6(address, &public6);
}

bool guard_address(const struct guard *guard, const struct sockaddr *address, socklen_t length)
{
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	if (address->sa_family == AF_INET && length >= sizeof four) {
		memcpy(&four, address, sizeof four);
		return allowed4(guard, ntohl(four.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6 && length >= sizeof six) {
		memcpy(&six, address, sizeof six);
		return allowed6(guard, six.sin6_addr.s6_addr);
	}
	return false;
}

/* Lower case, with the port; false when it is no host. */
static bool host_add(struct guard *guard, const char *word, size_t length)
{
	char text[HOST_MAX];
	int64_t port;

	if (length == 0 || length >= sizeof text - sizeof ":443" || guard->count == GUARD_HOSTS_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		text[i] = (char)tolower((unsigned char)word[i]);
	text[length] = '\0';
	length = str_trim(text);
	if (length == 0 || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-:") != length)
		return false;
	char *colon = strchr(text, ':');

	if (colon == NULL)
		memcpy(text + length, ":443", sizeof ":443");
	else if (colon == text || !str_to_i64(colon + 1, 1, 65535, &port))
		return false;
	guard->hosts[guard->count++] = mem_str(text);
	return true;
}

struct guard *guard_new(const char *hosts, bool private_too)
{
	struct guard *guard = mem_alloc(sizeof *guard);

	guard->private_too = private_too;
	for (;;) {
		size_t length = strcspn(hosts, ",");

		if (!host_add(guard, hosts, length)) {
			guard_free(guard);
			return NULL;
		}
		if (hosts[length] == '\0')
			return guard;
		hosts += length + 1;
	}
}

void guard_free(struct guard *guard)
{
	if (guard == NULL)
		return;
	for (size_t i = 0; i < guard->count; i++)
		mem_free(guard->hosts[i]);
	mem_free(guard);
}

static bool listed(const struct guard *guard, const char *host, const char *port)
{
	char text[HOST_MAX];
	size_t length = strlen(host);
	size_t port_length = strlen(port);

	if (length + 1 + port_length >= sizeof text)
		return false;
	for (size_t i = 0; i < length; i++)
		text[i] = (char)tolower((unsigned char)host[i]);
	text[length] = ':';
	memcpy(text + length + 1, port, port_length + 1);
	for (size_t i = 0; i < guard->count; i++)
		if (str_equal(guard->hosts[i], text))
			return true;
	return false;
}

static enum guard_end parts_check(const struct guard *guard, CURLU *parsed)
{
	static const CURLUPart who[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS};
	char *host = NULL;
	char *port = NULL;
	char *text = NULL;
	bool secure = curl_url_get(parsed, CURLUPART_SCHEME, &text, 0) == CURLUE_OK
		&& str_equal(text, "https");

	curl_free(text);
	if (!secure)
		return GUARD_SCHEME;
	for (size_t i = 0; i < sizeof who / sizeof who[0]; i++) {
		text = NULL;
		bool there = curl_url_get(parsed, who[i], &text, 0) == CURLUE_OK;

		curl_free(text);
		if (there)
			return GUARD_USER;
	}
	bool good = curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK
		&& curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK
		&& listed(guard, host, port);

	curl_free(host);
	curl_free(port);
	return good ? GUARD_OK : GUARD_HOST;
}

enum guard_end guard_url(const struct guard *guard, const char *url)
{
	CURLU *parsed = curl_url();

	must(parsed != NULL);
	enum guard_end end = curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK
		? GUARD_MALFORMED : parts_check(guard, parsed);

	curl_url_cleanup(parsed);
	return end;
}

const char *guard_end_text(enum guard_end end)
{
	switch (end) {
	case GUARD_OK:
		return "allowed";
	case GUARD_MALFORMED:
		return "not a URL";
	case GUARD_SCHEME:
		return "not an https URL";
	case GUARD_USER:
		return "the URL carries a user";
	case GUARD_HOST:
		return "the host is not in MEDIA_HOSTS";
	}
	fault("an end of enum guard_end");
}
