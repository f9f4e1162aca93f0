/* Where a URL from outside may lead: hosts before, addresses at the moment of connecting. */
#include "http/guard.h"

#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct {
	const char *url;
	enum guard_end end;
} urls[] = {
	{"https://v3b.fal.media/files/x/1.png", GUARD_OK},
	{"https://V3B.FAL.MEDIA/files/x/1.png", GUARD_OK},
	{"https://v3b.fal.media:443/x", GUARD_OK},
	{"https://v3b.fal.media:8443/x", GUARD_HOST},
	{"https://127.0.0.1:9443/x", GUARD_OK},
	{"https://127.0.0.1/x", GUARD_HOST},
	{"https://0x7f.1:9443/x", GUARD_OK},            /* the same address: libcurl makes them one */
	{"https://v3b.fal.media.evil.example/x", GUARD_HOST},
	{"https://evil.example/v3b.fal.media", GUARD_HOST},
	{"https://evil.example#@v3b.fal.media/", GUARD_HOST},
	{"https://v3b.fal.media@evil.example/", GUARD_USER},
	{"https://user:password@v3b.fal.media/", GUARD_USER},
	{"https://@v3b.fal.media/", GUARD_USER},
	{"https://v3b.fal.media./x", GUARD_HOST},
	{"http://v3b.fal.media/x", GUARD_SCHEME},
	{"ftp://v3b.fal.media/x", GUARD_SCHEME},
	{"file:///etc/passwd", GUARD_SCHEME},
	{"v3b.fal.media/x", GUARD_MALFORMED},
	{"//v3b.fal.media/x", GUARD_MALFORMED},
	{"https:///x", GUARD_HOST},                      /* libcurl takes x for the host */
	{"https://v3b.fal.media:99999/x", GUARD_MALFORMED},
	{"https://v3b .fal.media/x", GUARD_MALFORMED},
	{"https://v3b.fal.media\r\nHost: x/", GUARD_MALFORMED},
	{"", GUARD_MALFORMED},
};

/* Who may be reached: with MEDIA_PRIVATE off, and on. */
static const struct {
	const char *address;
	bool outside;
	bool stand_in;
} addresses[] = {
	{"8.8.8.8", true, true}, {"1.1.1.1", true, true}, {"172.32.0.1", true, true}, {"172.15.255.255", true, true},
	{"100.63.255.255", true, true}, {"100.128.0.1", true, true}, {"223.255.255.255", true, true},
	{"127.0.0.1", false, true}, {"127.255.255.255", false, true}, {"10.0.0.1", false, true},
	{"172.16.0.1", false, true}, {"172.31.255.255", false, true}, {"192.168.1.1", false, true},
	{"0.0.0.0", false, false}, {"0.1.2.3", false, false}, {"100.64.0.1", false, false},
	{"100.100.100.200", false, false}, {"169.254.169.254", false, false}, {"192.0.0.192", false, false},
	{"192.0.2.1", false, false}, {"192.88.99.1", false, false}, {"198.18.0.1", false, false},
	{"198.19.255.255", false, false}, {"198.51.100.1", false, false}, {"203.0.113.1", false, false},
	{"224.0.0.1", false, false}, {"239.255.255.255", false, false}, {"240.0.0.1", false, false},
	{"255.255.255.255", false, false},
	{"2606:4700:4700::1111", true, true}, {"2a00:1450::1", true, true}, {"2400:cb00::1", true, true},
	{"::1", false, true}, {"fc00::1", false, true}, {"fd12:3456::1", false, true},
	{"::", false, false}, {"fe80::1", false, false}, {"febf::1", false, false}, {"fec0::1", false, false},
	{"ff02::1", false, false}, {"64:ff9b::7f00:1", false, false}, {"64:ff9b:1::1", false, false},
	{"100::1", false, false}, {"2001::1", false, false}, {"2001:db8::1", false, false},
	{"2002:7f00:1::", false, false}, {"3fff::1", false, false}, {"5f00::1", false, false},
	{"::ffff:8.8.8.8", true, true}, {"::ffff:127.0.0.1", false, true}, {"::ffff:169.254.169.254", false, false},
	{"::ffff:10.1.2.3", false, true}, {"::127.0.0.1", false, false}, {"::ffff:0:127.0.0.1", false, false},
};

static bool reaches(const struct guard *guard, const char *text)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return guard_address(guard, (const struct sockaddr *)(const void *)&four, sizeof four);
	must(inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
	return guard_address(guard, (const struct sockaddr *)(const void *)&six, sizeof six);
}

static void test_lists(void)
{
	static const char *const bad[] = {"", ",", "a,", ",a", "a,,b", "a b", "a:0", "a:65536", "a:b", ":443", "a/b", "a@b",
		"[::1]:443", "a:1:2"};
	struct guard *spaces = guard_new(" A.example , b.example:8443 ", false);

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ok(guard_new(bad[i], false) == NULL, "not a list: \"%s\"", bad[i]);
	ok(spaces != NULL, "spaces and capitals");
	is_i64(guard_url(spaces, "https://a.example/"), GUARD_OK, "are dropped and folded");
	is_i64(guard_url(spaces, "https://b.example:8443/"), GUARD_OK, "a port");
	is_i64(guard_url(spaces, "https://b.example/"), GUARD_HOST, "is that port only");
	guard_free(spaces);
}

int main(void)
{
	struct guard *guard = guard_new("v3b.fal.media,127.0.0.1:9443", false);
	struct guard *open = guard_new("v3b.fal.media", true);
	struct sockaddr local = {.sa_family = AF_UNIX};

	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
		is_i64(guard_url(guard, urls[i].url), urls[i].end, "%s", urls[i].url);
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		is_i64(reaches(guard, addresses[i].address), addresses[i].outside, "%s", addresses[i].address);
		is_i64(reaches(open, addresses[i].address), addresses[i].stand_in, "%s, private too",
			addresses[i].address);
	}
	ok(!guard_address(open, &local, sizeof local), "no other family");
	test_lists();
	guard_free(guard);
	guard_free(open);
	guard_free(NULL);
	return tap_done();
}
