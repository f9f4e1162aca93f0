/* Signatures by their known vectors, and Betatransfer's callback with every part of it changed. */
#include "data/sign.h"

#include "tap.h"

#define SECRET "sec_test_fedcba9876543210"
#define SIGN "8c16d525f9a4b0f146cd9c8cb1857455"
#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static struct arena *arena;

static void test_md5(void)
{
	static const struct {
		const char *texts[13];
		const char *sign;
	} rows[] = {
		{{"500.00", "RUB", "BT1001", "Card4", "https://bot.example/cb/bt", "https://t.me/example_bot",
			"https://t.me/example_bot", "ru", "0", "777001", "1", SECRET},
			"0ff7f47c100dd46ababe82a6ce75afa7"},
		{{"9100001", SECRET}, "5b6a0d308ac4c0d2b494ab48ea2c99dd"},
		{{"9100001", "BT1001", SECRET}, "2ece471c4c41e38466aee63df1c3bfcd"},
		{{"pub_test_0123456789abcdef", SECRET}, "fe8bace89e4121bb1504ae23d2e7381f"},
		{{"455.00", "BT1001", SECRET}, SIGN},
		{{"455.00", "", "BT1001", SECRET}, SIGN},
		{{""}, "d41d8cd98f00b204e9800998ecf8427e"}, {{NULL}, "d41d8cd98f00b204e9800998ecf8427e"},
		{{"a", "bc"}, "900150983cd24fb0d6963f7d28e17f72"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char sign[SIGN_MD5_BYTES];
		size_t count = 0;

		while (rows[i].texts[count] != NULL)
			count++;
		sign_md5(rows[i].texts, count, sign);
		is_str(sign, rows[i].sign, "md5 %zu", i);
	}
}

static void test_base64(void)
{
	static const struct { const char *text, *base64; } rows[] = {
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"},
		{"506751:test_key", "NTA2NzUxOnRlc3Rfa2V5"}, {"\xff\xfe", "//4="},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		is_str(sign_base64(rows[i].text, arena), rows[i].base64, "base64 %zu", i);
	/* No line ends in a header, however long. */
	char text[301];

	memset(text, 'x', 300);
	text[300] = '\0';
	char *base64 = sign_base64(text, arena);

	ok(strlen(base64) == 400 && strpbrk(base64, "\r\n") == NULL, "base64 of a long text is one line");
}

static void test_callback(void)
{
	static const struct {
		const char *name, *secret, *text;
		bool good;
	} rows[] = {
		{"as it should be", SECRET, "amount=455.00&orderId=BT1001&sign=" SIGN, true},
		{"in any order, with more", SECRET, "status=success&sign=" SIGN "&orderId=BT1001&id=1&amount=455.00", true},
		{"capital letters", SECRET, "amount=455.00&orderId=BT1001&sign=8C16D525F9A4B0F146CD9C8CB1857455", true},
		{"mixed letters", SECRET, "amount=455.00&orderId=BT1001&sign=8C16d525f9a4b0f146cd9c8cb1857455", true},
		{"escaped", SECRET, "amount=455%2E00&orderId=BT1001&sign=" SIGN, true},
		{"another amount", SECRET, "amount=455.01&orderId=BT1001&sign=" SIGN, false},
		{"another form of the amount", SECRET, "amount=455.0&orderId=BT1001&sign=" SIGN, false},
		{"another order", SECRET, "amount=455.00&orderId=BT1002&sign=" SIGN, false},
		{"another secret", "sec_test_fedcba9876543211", "amount=455.00&orderId=BT1001&sign=" SIGN, false},
		{"one letter", SECRET, "amount=455.00&orderId=BT1001&sign=8c16d525f9a4b0f146cd9c8cb1857454", false},
		{"cut", SECRET, "amount=455.00&orderId=BT1001&sign=8c16d525f9a4b0f146cd9c8cb185745", false},
		{"longer", SECRET, "amount=455.00&orderId=BT1001&sign=" SIGN "0", false},
		{"twice as long", SECRET, "amount=455.00&orderId=BT1001&sign=" SIGN SIGN, false},
		{"empty sign", SECRET, "amount=455.00&orderId=BT1001&sign=", false},
		{"no sign", SECRET, "amount=455.00&orderId=BT1001", false},
		{"no amount", SECRET, "orderId=BT1001&sign=" SIGN, false},
		{"no order", SECRET, "amount=455.00&sign=" SIGN, false},
		/* md5("455.00BT1001") */
		{"an empty secret", "", "amount=455.00&orderId=BT1001&sign=" SIGN, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct form form;

		must(form_read(rows[i].text, strlen(rows[i].text), arena, &form) == 0);
		ok(betatransfer_callback_check(rows[i].secret, &form) == rows[i].good, "callback: %s", rows[i].name);
	}
	/* What anybody can compute. */
	char sign[SIGN_MD5_BYTES], text[128];
	struct form form;

	sign_md5((const char *const[]){"455.00", "BT1001"}, 2, sign);
	snprintf(text, sizeof text, "amount=455.00&orderId=BT1001&sign=%s", sign);
	must(form_read(text, strlen(text), arena, &form) == 0);
	ok(!betatransfer_callback_check("", &form), "callback: signed with the empty secret that is set");
	for (size_t i = 0; i < sizeof SIGN - 1; i++) {
		snprintf(text, sizeof text, "amount=455.00&orderId=BT1001&sign=" SIGN);
		text[strlen(text) - 1 - i] ^= 1;
		if (form_read(text, strlen(text), arena, &form) == 0)
			ok(!betatransfer_callback_check(SECRET, &form), "callback: place %zu is changed", i);
	}
}

int main(void)
{
	arena = arena_new(1 << 20);
	test_md5();
	test_base64();
	test_callback();
	arena_free(arena);
	return tap_done();
}
