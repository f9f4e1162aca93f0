/* Settings: the responder knows which providers there are and holds none of their keys; what belongs together. */
#include "data/settings.h"

#include "base/str.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])
#define LEAST "BOT_TOKEN=7300112233:AAExampleExample\nTELEGRAM_SECRET_TOKEN=Example_of-a-long_word\n" \
	"WEBHOOK_BASE_URL=https://bot.example.org\n"
#define SECRET "zqKeyThatNobodyElseMayHold"

static struct conf *read_for(unsigned roles, const char *text, struct buf *errors)
{
	buf_clear(errors);
	return conf_read(settings_table, settings_count, roles, text, strlen(text), errors);
}

/* As the supervisor hands it over: all is read, what the role may know is printed, that is read by the role. */
static struct conf *handed(unsigned role, const char *text, struct buf *print, struct buf *errors)
{
	struct conf *all = read_for(SETTINGS_ALL, text, errors);

	buf_clear(print);
	if (all == NULL)
		return NULL;
	conf_print(all, role, print);
	conf_free(all);
	return read_for(role, buf_text(print), errors);
}

static const char *const keys[] = {"FAL_KEY", "NANO_BANANA_API_KEY", "KLING_API_KEY", "KLING_ACCESS_KEY"};

static void test_keys(struct buf *print, struct buf *errors)
{
	struct buf text;

	buf_init(&text, CONF_FILE_MAX);
	buf_str(&text, LEAST);
	for (size_t i = 0; i < COUNT(keys); i++)
		buf_fmt(&text, "%s=" SECRET "%zu\n", keys[i], i);
	buf_str(&text, "KLING_SECRET_KEY=" SECRET "9\n");
	struct conf *conf = handed(SETTINGS_RESPONDER, buf_text(&text), print, errors);

	is_str(buf_text(errors), "", "the responder reads what it is handed");
	ok(strstr(buf_text(print), SECRET) == NULL, "it is handed no provider's key");
	ok(strstr(buf_text(print), "KLING_SECRET_KEY") == NULL, "and nothing of a key it need not know of");
	for (size_t i = 0; conf != NULL && i < COUNT(keys); i++)
		is_str(conf_text(conf, keys[i]), "*", "it knows that %s is set", keys[i]);
	conf_free(conf);
	/* Even with the whole file before it. */
	conf = read_for(SETTINGS_RESPONDER, buf_text(&text), errors);
	for (size_t i = 0; conf != NULL && i < COUNT(keys); i++)
		is_str(conf_text(conf, keys[i]), "*", "and holds no %s", keys[i]);
	conf_free(conf);
	conf = handed(SETTINGS_MEDIA, buf_text(&text), print, errors);
	for (size_t i = 0; conf != NULL && i < COUNT(keys); i++)
		ok(str_starts(conf_text(conf, keys[i]), SECRET), "the helper of media holds %s", keys[i]);
	conf_free(conf);
	static const unsigned others[] = {SETTINGS_CHAT, SETTINGS_PAY, SETTINGS_DISPATCHER, SETTINGS_CTL,
		SETTINGS_SUPERVISOR};

	for (size_t i = 0; i < COUNT(others); i++) {
		conf_free(handed(others[i], buf_text(&text), print, errors));
		ok(strstr(buf_text(print), SECRET) == NULL && strstr(buf_text(print), "FAL_KEY") == NULL,
			"no other role is told anything: %zu", i);
	}
	buf_free(&text);
}

static void test_providers(struct buf *print, struct buf *errors)
{
	static const struct {
		const char *text;
		bool fal, gemini, kling;
	} cases[] = {
		{"", false, false, false}, {"FAL_KEY=\n", false, false, false}, {"FAL_KEY=k\n", true, false, false},
		{"NANO_BANANA_API_KEY=k\n", false, true, false}, {"KLING_API_KEY=k\n", false, false, true},
		{"KLING_ACCESS_KEY=k\nKLING_SECRET_KEY=s\n", false, false, true},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf text;

		buf_init(&text, 4096);
		buf_fmt(&text, LEAST "%s", cases[i].text);
		struct conf *conf = handed(SETTINGS_RESPONDER, buf_text(&text), print, errors);

		ok(conf != NULL && settings_has_provider(conf, "fal") == cases[i].fal
			&& settings_has_provider(conf, "gemini") == cases[i].gemini
			&& settings_has_provider(conf, "kling") == cases[i].kling && settings_has_provider(conf, "local")
			&& !settings_has_provider(conf, "other") && !settings_has_provider(conf, ""), "providers %zu", i);
		conf_free(conf);
		buf_free(&text);
	}
}

static void test_pairs(struct buf *errors)
{
	static const struct {
		const char *text, *why;         /* why null: good */
	} cases[] = {
		{"", NULL}, {"KLING_ACCESS_KEY=a\nKLING_SECRET_KEY=s\n", NULL}, {"KLING_API_KEY=k\n", NULL},
		{"KLING_ACCESS_KEY=zqValue\n", "KLING_SECRET_KEY: must be set when KLING_ACCESS_KEY is\n"},
		{"KLING_SECRET_KEY=zqValue\n", "KLING_ACCESS_KEY: must be set when KLING_SECRET_KEY is\n"},
		{"KLING_API_KEY=k\nKLING_SECRET_KEY=zqValue\n", "KLING_ACCESS_KEY: must be set when KLING_SECRET_KEY is\n"},
		{"LOG_LEVEL=loud\n", "LOG_LEVEL: is none of"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf text;

		buf_init(&text, 4096);
		buf_fmt(&text, LEAST "%s", cases[i].text);
		struct conf *conf = read_for(SETTINGS_ALL, buf_text(&text), errors);
		bool good = conf != NULL && settings_check(conf, errors);

		ok(conf != NULL && good == (cases[i].why == NULL) && strstr(buf_text(errors), cases[i].why ? cases[i].why : "")
			&& !strstr(buf_text(errors), "zqValue"), "together %zu: %s", i, cases[i].why ? "wrong" : "good");
		conf_free(conf);
		buf_free(&text);
	}
}

static void test_defaults(struct buf *errors)
{
	struct conf *conf = read_for(SETTINGS_RESPONDER, LEAST, errors);

	if (!ok(conf != NULL, "the least there is"))
		return;
	is_i64(conf_int(conf, "IMAGE_GENERATION_PRICE"), 50, "IMAGE_GENERATION_PRICE");
	is_i64(conf_int(conf, "IMAGE_EDIT_PRICE"), 30, "IMAGE_EDIT_PRICE");
	is_i64(conf_int(conf, "VIDEO_5SEC_PRICE"), 100, "VIDEO_5SEC_PRICE");
	is_i64(conf_int(conf, "VIDEO_10SEC_MULTIPLIER"), 2, "VIDEO_10SEC_MULTIPLIER");
	is_i64(conf_int(conf, "TERMS_VERSION"), 1, "TERMS_VERSION");
	is_str(conf_text(conf, "NANO_BANANA_MODEL"), "gemini-3-pro-image", "NANO_BANANA_MODEL");
	is_str(conf_text(conf, "KLING_MODELS"), "kling-3.0:Kling 3.0,kling-2.6:Kling 2.6,kling-1.5:Kling 1.5",
		"KLING_MODELS");
	conf_free(conf);
}

int main(void)
{
	struct buf print, errors;

	buf_init(&print, 2 * CONF_FILE_MAX);
	buf_init(&errors, CONF_FILE_MAX);
	test_keys(&print, &errors);
	test_providers(&print, &errors);
	test_pairs(&errors);
	test_defaults(&errors);
	buf_free(&print);
	buf_free(&errors);
	return tap_done();
}
