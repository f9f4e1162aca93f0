/* callback_data: what is written is read back, and what we never wrote is refused. */
#include "data/button.h"

#include "base/digest.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static void verb_beyond(void)
{
	char out[BUTTON_BYTES];

	button_write(&(struct button){.verb = BUTTON_VERB_COUNT}, out);
}

static void test_round(void)
{
	static const struct {
		struct button button;
		const char *want;
	} cases[] = {
		{{BUTTON_ADMIN, "stats", 0}, "a:stats"}, {{BUTTON_ADMIN_ON, "payment_ask", INT64_MAX},
			"ao:9223372036854775807:payment_ask"},
		{{BUTTON_REFUND, "1000000000000", 7}, "arf:7:1000000000000"},
		{{BUTTON_PRICE, "generate.standard", 0}, "apr:generate.standard"},
		{{BUTTON_BROADCAST, "resume", 3}, "abc:3:resume"},
		{{BUTTON_MENU, "", 0}, "menu"}, {{BUTTON_MODE, "generate", 0}, "m:generate"},
		{{BUTTON_MODE, "aaaaaaaaaaaaaaaaaaaaaaa", 0}, "m:aaaaaaaaaaaaaaaaaaaaaaa"},
		{{BUTTON_PAY, "", 0}, "pay"}, {{BUTTON_TOPUP, "", 100}, "top:100"},
		{{BUTTON_TOPUP, "", INT64_MAX}, "top:9223372036854775807"}, {{BUTTON_SUM, "", 0}, "sum"},
		{{BUTTON_PACKAGE, "small", 0}, "pack:small"},
		{{BUTTON_PACKAGE, "zzzzzzzzzzzzzzzzzzzzz_z", 0}, "pack:zzzzzzzzzzzzzzzzzzzzz_z"},
		{{BUTTON_CHECK, "", 17}, "check:17"}, {{BUTTON_CHECK, "", INT64_MAX}, "check:9223372036854775807"},
		{{BUTTON_STATEMENT, "", 1}, "st:1"}, {{BUTTON_STATEMENT, "", INT64_MAX}, "st:9223372036854775807"},
		{{BUTTON_CSV, "", 0}, "csv"}, {{BUTTON_CANCEL, "", 5}, "x:5"}, {{BUTTON_GO, "", 1}, "go:1"},
		{{BUTTON_GO, "", INT64_MAX}, "go:9223372036854775807"}, {{BUTTON_NO, "", 42}, "no:42"},
		{{BUTTON_AGAIN, "", INT64_MAX}, "again:9223372036854775807"}, {{BUTTON_UPSCALE, "", 7}, "up:7"},
		{{BUTTON_CHANGE, "", 7}, "ch:7"}, {{BUTTON_ORIGINAL, "", 7}, "orig:7"},
		{{BUTTON_DONE, "", 9}, "ok:9"}, {{BUTTON_USE, "edit", 9}, "use:9:edit"},
		{{BUTTON_FAMILY, "kling-3.0", INT64_MAX}, "vm:9223372036854775807:kling-3.0"},
		{{BUTTON_LENGTH, "10", 1}, "vl:1:10"}, {{BUTTON_FORGET, "", 2}, "forget:2"},
		{{BUTTON_ALBUM, "", 3}, "al:3"},
		{{BUTTON_MODELS, "", 4}, "mod:4"}, {{BUTTON_RATIOS, "", 4}, "rats:4"},
		{{BUTTON_RATIO, "16x9", 4}, "ra:4:16x9"},
		{{BUTTON_OFFER, "video.kling-3.0.photo.10.aaaaaaaaaaaaaa", INT64_MAX},
			"of:9223372036854775807:video.kling-3.0.photo.10.aaaaaaaaaaaaaa"},
		{{BUTTON_BACK, "", 4}, "back:4"}, {{BUTTON_TERMS, "", 0}, "terms"},
		{{BUTTON_ACCEPT, "", 4}, "yes:4"},
		{{BUTTON_ACCEPT_PAY, "", 0}, "yespay"}, {{BUTTON_LANG, "en", 0}, "lang:en"},
		{{BUTTON_JOBS, "", 0}, "jobs"},
		{{BUTTON_JOB_CANCEL, "", 6}, "jc:6"}, {{BUTTON_HISTORY, "", INT64_MAX}, "hist:9223372036854775807"},
		{{BUTTON_GET, "", 6}, "get:6"},
	};
	bool seen[BUTTON_VERB_COUNT] = {false};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[BUTTON_BYTES];
		struct button back = {0};

		button_write(&cases[i].button, out);
		is_str(out, cases[i].want, "written: %s", cases[i].want);
		ok(button_read(out, &back) == 0 && back.verb == cases[i].button.verb
			&& strcmp(back.word, cases[i].button.word) == 0 && back.number == cases[i].button.number
			&& strlen(out) <= 64, "read back: %s", cases[i].want);
		seen[cases[i].button.verb] = true;
	}
	for (size_t i = 0; i < BUTTON_VERB_COUNT; i++)
		ok(seen[i], "verb %zu is in this test", i);
	faults(verb_beyond, "a verb beyond the last is a fault");
}

static void test_garbage(void)
{
	static const char *const cases[] = {
		"", ":", "menu:", "menu:1", "pay:x", "x:", "M:generate", "m", "m:", "go", "go:", "go:0", "go:-1",
		"go:1:2", "go: 1", "go:1 ", "go:+1", "go:0x1", "go:1.0", "go:9223372036854775808", "go:\xff",
		"m:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "m:gen:erate", "m:Generate",
			"m:gen erate", "m:\xd1\x8f", "go:007",
		"v1:gen:42:sq", "menu\n", " menu", "again:", "orig:1e3", "upp:1", "u:1", "top", "top:", "top:0",
		"top:-100", "top:1e3", "top:250.00", "top:\xd9\xa2\xd9\xa5\xd9\xa0", "top:0100",
			"top:100:1", "TOP:100",
		"sum:", "sum:100", "pack", "pack:", "pack:Small", "pack:small:1", "pack:P1",
			"pack:../x", "x", "x:0", "of:5", "of:5:",
		"of:x:a", "of:0:a", "of::a", "use:5:edit:x", "of:05:a", "vl:5", "lang:", "lang:5:en",
			"ok:5:x", "yespay:1",
		"pack:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "check", "check:", "check:0",
			"check:-1", "check:9223372036854775808", "st",
		"st:", "st:0", "st:-1", "st:all", "csv:", "csv:1", "checks:1", "to:1", "topp:1", "s:1",
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct button button;

		ok(button_read(cases[i], &button) != 0, "none of ours: [%zu] %s", i, cases[i]);
	}
	ok(button_is_word("a") && button_is_word("face_swap") && button_is_word("kling-2.6")
		&& button_is_word("aaaaaaaaaaaaaaaaaaaaaaa"), "words");
	ok(!button_is_word("") && !button_is_word("A") && !button_is_word("a:") && !button_is_word("a ") &&
		!button_is_word("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "no words");
}

/* Random bytes: whatever is taken is what we would have written. */
static void test_random(void)
{
	static const char letters[] = "menupayxgoainrchdltsuckv:0123456789_\xff \n";
	bool good = true;
	int taken = 0;

	for (int round = 0; round < 20000; round++) {
		static const char *const heads[] = {"", "m:", "go:", "orig:", "menu", "x", "top:", "pack:",
			"check:", "st:", "csv", "sum", "of:7:", "vm:", "x:", "lang:"};
		unsigned char dice[70];
		char data[80], again[BUTTON_BYTES];
		struct button button;

		digest_random(dice, sizeof dice);
		size_t at = (size_t)snprintf(data, sizeof data, "%s", heads[dice[0] % COUNT(heads)]);

		for (size_t i = 0; i < dice[1] % 30u; i++)
			data[at++] = letters[dice[i + 2] % (sizeof letters - 1)];
		data[at] = '\0';
		if (button_read(data, &button) != 0)
			continue;
		button_write(&button, again);
		good = good && strcmp(data, again) == 0;
		taken++;
	}
	ok(good && taken > 0, "whatever is taken is what we would have written (%d)", taken);
}

int main(void)
{
	test_round();
	test_garbage();
	test_random();
	return tap_done();
}
