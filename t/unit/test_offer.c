/* The catalogue: our own is right, every mistake has its reason, and which purse pays. */
#include "data/offer.h"

#include "data/settings.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])
#define SETTINGS "TELEGRAM_SECRET_TOKEN=0123456789abcdef\nPRICE_PER_OPERATION=12\n" \
	"FAL_KEY=*\nNANO_BANANA_API_KEY=*\nKLING_API_KEY=*\nNANO_BANANA_MODEL=banana-9\n"

static struct conf *conf;
static char path[] = "/tmp/atelier-offer-XXXXXX";

/* Reads a catalogue whose text is given; null with the reasons in errors. */
static struct catalog *catalog_of(const char *text, struct buf *errors)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
	buf_clear(errors);
	return catalog_read(path, conf, errors);
}

/* An offer with one member replaced (JSON text; null: left out). */
static struct catalog *catalog_with(const char *name, const char *value, struct buf *errors)
{
	static const char whole[] = "{\"id\":\"a.b\",\"mode\":\"generate\",\"title\":{\"ru\":\"А\",\"en\":\"A\"},"
		"\"provider\":\"fal\",\"model\":\"fal-ai/x\",\"price\":{\"rub\":10},\"free\":true,\"seconds\":60,"
		"\"input\":{}}";
	struct buf text;
	json *offer = json_read(whole, strlen(whole));

	buf_init(&text, 65536);
	if (value == NULL)
		json_object_object_del(offer, name);
	else
		json_set(offer, name, json_read(value, strlen(value)));
	buf_fmt(&text, "{\"offers\":[%s]}", json_write(offer));
	json_drop(offer);
	struct catalog *catalog = catalog_of(buf_text(&text), errors);

	buf_free(&text);
	return catalog;
}

static void test_members(struct buf *errors)
{
	static const struct {
		const char *name, *value, *why;         /* why null: good */
	} cases[] = {
		{"seed_field", "\"seed\"", NULL}, {"other", "1 ", NULL}, {"free", NULL, NULL},
		{"seconds", "1 ", NULL}, {"seconds", "3600 ", NULL},
		{"price", "{\"rub\":\"PRICE_PER_OPERATION\"}", NULL}, {"price", "{\"credit\":2}", NULL},
		{"price", "{\"rub\":1,\"credit\":2}", NULL}, {"price", "{\"rub\":0,\"credit\":2}", NULL},
		{"price", "{\"rub\":10000000000}", NULL},
		{"price", "{\"rub\":\"VIDEO_5SEC_PRICE*VIDEO_10SEC_MULTIPLIER\"}", NULL},
		{"ratio", "{\"field\":\"size\",\"values\":{\"1x1\":\"square\"}}", NULL},
		{"prompt_field", "null", NULL},
		{"mode", "\"video\"", "family is missing"}, {"mode", "\"edit\"", "places does not say"},
		{"family", "\"kling-3.0\"", "family, takes and length"},
		{"places", "[\"image_url\"]", "places does not say"},
		{"places", "5 ", "places is not a list"}, {"places", "[1]", "places is not a list"},
		{"ratio", "{\"field\":\"size\"}", "ratio needs"},
		{"ratio", "{\"values\":{\"1x1\":\"a\"}}", "ratio needs"},
		{"ratio", "{\"field\":\"s\",\"values\":{\"1:1\":\"a\"}}", "ratio.values"},
		{"ratio", "{\"field\":\"s\",\"values\":{\"1x1\":5}}", "ratio.values"},
		{"price", "{\"rub\":\"VIDEO_5SEC_PRICE*\"}", "names no price"},
		{"price", "{\"rub\":\"FAL_KEY\"}", "names no price"},
		{"price", "{\"rub\":\"VIDEO_5SEC_PRICE*2\"}", "names no price"},
		{"provider", "\"local\"", "is local"},
		{"mode", "\"add_text\"", "is local"}, {"id", "\"A b\"", "id is no word"},
		{"id", NULL, "is missing"}, {"id", "5 ", "is missing"}, {"title", NULL, "is missing"},
		{"title", "{\"ru\":\"А\"}", "is missing"}, {"title", "{\"en\":\"A\"}", "is missing"},
		{"title", "\"A\"", "is missing"}, {"model", NULL, "is missing"}, {"model", "[]", "is missing"},
		{"mode", NULL, "mode is unknown"}, {"mode", "\"Generate\"", "mode is unknown"},
		{"mode", "1 ", "mode is unknown"}, {"provider", NULL, "provider is none of"},
		{"provider", "\"kling9\"", "provider is none of"}, {"provider", "1 ", "provider is none of"},
		{"input", NULL, "input is not an object"}, {"input", "[]", "input is not an object"},
		{"input", "\"x\"", "input is not an object"}, {"seconds", NULL, "seconds is not"},
		{"seconds", "0 ", "seconds is not"}, {"seconds", "3601 ", "seconds is not"},
		{"seconds", "1.5 ", "seconds is not"}, {"seconds", "\"60\"", "seconds is not"},
		{"price", NULL, "it has no price"}, {"price", "{}", "it has no price"},
		{"price", "10 ", "it has no price"},
		{"price", "{\"rub\":0}", "it has no price"}, {"price", "{\"rub\":-1}", "price.rub is out of range"},
		{"price", "{\"rub\":10000000001}", "price.rub is out of range"},
		{"price", "{\"rub\":9223372036854775807}", "price.rub is out of range"},
		{"price", "{\"rub\":1.5}", "price.rub is neither"},
		{"price", "{\"rub\":true}", "price.rub is neither"},
		{"price", "{\"rub\":\"10\"}", "price.rub names no"},
		{"price", "{\"rub\":\"BOT_TOKEN\"}", "price.rub names no"},
		{"price", "{\"rub\":\"\"}", "price.rub names no"},
		{"price", "{\"credit\":0}", "price.credit is not"},
		{"price", "{\"credit\":-2}", "price.credit is not"},
		{"price", "{\"credit\":1.5}", "price.credit is not"},
		{"price", "{\"credit\":1000000000001}", "price.credit is not"},
		{"price", "{\"rub\":5,\"credit\":\"2\"}", "price.credit is not"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct catalog *catalog = catalog_with(cases[i].name, cases[i].value, errors);
		bool told = cases[i].why == NULL ? errors->length == 0
			: strstr(buf_text(errors), cases[i].why) != NULL;

		if (!ok((catalog != NULL) == (cases[i].why == NULL) && told, "%s %s: %s", cases[i].name,
			cases[i].value ? cases[i].value : "left out", cases[i].why ? cases[i].why : "good"))
			tap_show("errors", buf_text(errors));
		catalog_free(catalog);
	}
}

static void test_whole(struct buf *errors)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "line 1: is not JSON"}, {"{", "line 1: is not JSON"}, {"{}", "must be a list"},
		{"[]", "must be a list"}, {"{\"offers\":{}}", "must be a list"},
		{"{\"offers\":[]}", "must be a list"},
		{"{\"offers\":[5]}", "offer without id"}, {"{\"offers\":[null]}", "offer without id"},
		{"{\"offers\":[{\"id\":\"q\"}]}", "offer q: "},
	};
	struct buf text;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct catalog *catalog = catalog_of(cases[i].text, errors);

		if (!ok(catalog == NULL && strstr(buf_text(errors), cases[i].why), "%s: %s",
			cases[i].text, cases[i].why))
			tap_show("errors", buf_text(errors));
		catalog_free(catalog);
	}
	buf_init(&text, 1 << 20);
	for (size_t count = OFFER_COUNT_MAX; count <= OFFER_COUNT_MAX + 1; count++) {
		buf_clear(&text);
		for (size_t i = 0; i < count; i++)
			buf_fmt(&text,
				"%s{\"id\":\"o%zu\",\"mode\":\"generate\",\"title\":{\"ru\":\"А\",\"en\":\"A\"},"
				"\"provider\":\"fal\",\"model\":\"m\",\"price\":{\"rub\":1},\"seconds\":1,\"input\":{}}",
				i == 0 ? "{\"offers\":[" : ",", i);
		buf_str(&text, "]}");
		struct catalog *catalog = catalog_of(buf_text(&text), errors);

		ok((catalog != NULL) == (count == OFFER_COUNT_MAX), "%zu offers", count);
		if (catalog != NULL) {
			is_i64((int64_t)catalog_count(catalog), (int64_t)count, "all are there");
			is_str(catalog_offer(catalog, count - 1)->id, "o127", "the last by place");
			ok(catalog_find(catalog, "o5") == catalog_offer(catalog, 5) && !catalog_find(catalog, "o")
				&& !catalog_find(catalog, NULL), "one by id");
			ok(catalog_first(catalog, MODE_GENERATE) == catalog_offer(catalog, 0)
				&& catalog_first(catalog, MODE_VIDEO) == NULL, "the first of a mode");
		}
		catalog_free(catalog);
	}
	buf_clear(&text);
	buf_str(&text, "{\"offers\":[");
	for (int i = 0; i < 2; i++)
		buf_fmt(&text, "%s{\"id\":\"twin\",\"mode\":\"generate\",\"title\":{\"ru\":\"А\",\"en\":\"A\"},"
			"\"provider\":\"fal\",\"model\":\"m\",\"price\":{\"rub\":1},\"seconds\":1,\"input\":{}}",
			i == 0 ? "" : ",");
	buf_str(&text, "]}");
	ok(catalog_of(buf_text(&text), errors) == NULL && strstr(buf_text(errors), "offer twin: the id is taken"),
		"two offers of one id");
	buf_clear(&text);
	buf_str(&text, "{\"offers\":[");
	for (int i = 0; i < 2; i++)
		buf_fmt(&text, "%s{\"id\":\"twin\",\"mode\":\"generate\",\"title\":{\"ru\":\"А\",\"en\":\"A\"},"
			"\"provider\":\"gemini\",\"model\":\"m\",\"price\":{\"rub\":1},\"seconds\":1,\"input\":{}}",
			i == 0 ? "" : ",");
	buf_str(&text, "]}");
	struct conf *whole = conf;

	conf = conf_read(settings_table, settings_count, SETTINGS_RESPONDER, "TELEGRAM_SECRET_TOKEN=0123456789abcdef\n", 39,
		errors);
	ok(conf != NULL && catalog_of(buf_text(&text), errors) == NULL && strstr(buf_text(errors), "the id is taken"),
		"two offers of one id that nobody could sell yet");
	conf_free(conf);
	conf = whole;
	buf_free(&text);
}

/* A catalogue with one good offer and these packages. */
static struct catalog *catalog_packages(const char *packages, struct buf *errors)
{
	struct buf text;

	buf_init(&text, 65536);
	buf_fmt(&text, "{\"offers\":[{\"id\":\"o\",\"mode\":\"generate\",\"title\":{\"ru\":\"А\",\"en\":\"A\"},"
		"\"provider\":\"fal\",\"model\":\"m\",\"price\":{\"rub\":1},\"seconds\":1,\"input\":{}}],"
		"\"packages\":%s}", packages);
	struct catalog *catalog = catalog_of(buf_text(&text), errors);

	buf_free(&text);
	return catalog;
}

static void test_packages(struct buf *errors)
{
	static const struct {
		const char *packages, *why;     /* why null: good */
	} cases[] = {
		{"[]", NULL}, {"null", NULL}, {"[{\"id\":\"a\",\"credits\":1,\"price\":\"0.01\"}]", NULL},
		{"[{\"id\":\"aaaaaaaaaaaaaaaaaaaaa_a\",\"credits\":1000000000000,\"price\":\"999999999.99\"}]", NULL},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"7\",\"discount\":0}]", NULL},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"7\",\"discount\":99}]", NULL},
		{"{}", "must be a list"}, {"5", "must be a list"}, {"\"a\"", "must be a list"},
		{"[5]", "package without id: id is"},
		{"[{\"credits\":1,\"price\":\"7\"}]", "package without id: id is"},
		{"[{\"id\":\"\",\"credits\":1,\"price\":\"7\"}]", "package : id is"},
		{"[{\"id\":\"Small\",\"credits\":1,\"price\":\"7\"}]", "package Small: id is"},
		{"[{\"id\":\"p1\",\"credits\":1,\"price\":\"7\"}]", NULL},
		{"[{\"id\":\"a:b\",\"credits\":1,\"price\":\"7\"}]", "package a:b: id is"},
		{"[{\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"credits\":1,\"price\":\"7\"}]", "id is"},
		{"[{\"id\":\"a\",\"price\":\"7\"}]", "credits is"},
		{"[{\"id\":\"a\",\"credits\":0,\"price\":\"7\"}]", "credits is"},
		{"[{\"id\":\"a\",\"credits\":-1,\"price\":\"7\"}]", "credits is"},
		{"[{\"id\":\"a\",\"credits\":1.5,\"price\":\"7\"}]", "credits is"},
		{"[{\"id\":\"a\",\"credits\":\"1\",\"price\":\"7\"}]", "credits is"},
		{"[{\"id\":\"a\",\"credits\":1000000000001,\"price\":\"7\"}]", "credits is"},
		{"[{\"id\":\"a\",\"credits\":1}]", "price is"},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":7}]", "price is"},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"0.00\"}]", "price is"},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"-7\"}]", "price is"},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"7.001\"}]", "price is"},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"$7\"}]", "price is"},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"1e3\"}]", "price is"},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"7\",\"discount\":-1}]", "discount is"},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"7\",\"discount\":100}]", "discount is"},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"7\",\"discount\":\"14\"}]", "discount is"},
		{"[{\"id\":\"a\",\"credits\":1,\"price\":\"7\"},{\"id\":\"a\",\"credits\":2,\"price\":\"8\"}]",
			"package a: the id is taken"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct catalog *catalog = catalog_packages(cases[i].packages, errors);
		bool told = cases[i].why == NULL ? errors->length == 0 : strstr(buf_text(errors),
			cases[i].why) != NULL;

		if (!ok((catalog != NULL) == (cases[i].why == NULL) && told, "packages %s: %s", cases[i].packages,
			cases[i].why ? cases[i].why : "good"))
			tap_show("errors", buf_text(errors));
		catalog_free(catalog);
	}
	for (size_t count = PACKAGE_COUNT_MAX; count <= PACKAGE_COUNT_MAX + 1; count++) {
		struct buf text;

		buf_init(&text, 4096);
		for (size_t i = 0; i < count; i++)
			buf_fmt(&text,
				"%s{\"id\":\"p_%c\",\"credits\":5,\"price\":\"7.50\",\"discount\":14}",
					i ? "," : "[",
				(char)('a' + i));
		buf_str(&text, "]");
		struct catalog *catalog = catalog_packages(buf_text(&text), errors);

		ok((catalog != NULL) == (count == PACKAGE_COUNT_MAX), "%zu packages", count);
		if (catalog != NULL) {
			const struct package *last = catalog_package(catalog, count - 1);

			is_i64((int64_t)catalog_package_count(catalog), (int64_t)count, "all are there");
			ok(!strcmp(last->id, "p_h") && last->credits == 5 && last->price == 750
				&& last->discount == 14, "the last");
			ok(catalog_package_find(catalog, "p_h") == last && !catalog_package_find(catalog, "p_")
				&& !catalog_package_find(catalog, NULL), "one by id");
		}
		catalog_free(catalog);
		buf_free(&text);
	}
}

/* Defect found here: packages in a currency that the ledger does not keep were offered, and shown as dollars. */
static void test_currency(struct buf *errors)
{
	static const struct {
		const char *currency;
		bool good, bare;                /* with packages, without */
	} cases[] = {{"USD", true, true}, {"RUB", true, true}, {"EUR", false, true}, {"usd", false, true}};
	struct conf *whole = conf;

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[256];

		snprintf(text, sizeof text, SETTINGS "BETATRANSFER_CURRENCY=%s\n", cases[i].currency);
		buf_clear(errors);
		conf = conf_read(settings_table, settings_count, SETTINGS_RESPONDER, text, strlen(text), errors);
		if (conf == NULL)
			abort();
		struct catalog *catalog = catalog_packages("[{\"id\":\"a\",\"credits\":1,\"price\":\"7\"}]", errors);
		struct catalog *bare = catalog_packages("[]", errors);

		ok((catalog != NULL) == cases[i].good && (bare != NULL) == cases[i].bare, "packages in %s are %s",
			cases[i].currency, cases[i].good ? "sold" : "refused");
		catalog_free(catalog);
		catalog_free(bare);
		conf_free(conf);
	}
	conf = whole;
}

static void test_price(void)
{
	static const struct {
		struct offer offer;
		int64_t free, credit, rub;
		bool pays;
		struct money want;
		const char *what;
	} cases[] = {
		{{.free = true, .rub = 1000, .credit = 2}, 1, 5, 5000, true, {UNIT_FREE, 1}, "free first"},
		{{.free = true, .rub = 1000, .credit = 2}, 0, 2, 5000, true, {UNIT_CREDIT, 2}, "then credits"},
		{{.free = true, .rub = 1000, .credit = 2}, 0, 1, 5000, true, {UNIT_RUB, 1000}, "then roubles"},
		{{.free = true, .rub = 1000, .credit = 2}, 0, 1, 999, false, {UNIT_RUB, 1000}, "none suffices"},
		{{.free = true, .rub = 1000}, 0, 1000, 1000, true, {UNIT_RUB, 1000}, "no credit price"},
		{{.free = true, .rub = 1000}, 0, 0, 0, false, {UNIT_RUB, 1000}, "nothing at all"},
		{{.rub = 1000}, 4, 0, 999, false, {UNIT_RUB, 1000}, "free operations do not fit"},
		{{.rub = 1000}, 4, 0, 1000, true, {UNIT_RUB, 1000}, "to the kopeck"},
		{{.credit = 3}, 4, 2, 100000, false, {UNIT_CREDIT, 3}, "only for credits, and too few"},
		{{.credit = 3}, 4, 3, 0, true, {UNIT_CREDIT, 3}, "only for credits"},
		{{.free = true, .credit = 3}, 1, 0, 0, true, {UNIT_FREE, 1}, "free or credits"},
		{{.free = true, .rub = 1000}, -1, 0, 1000, true,
		{UNIT_RUB, 1000}, "a purse below zero pays nothing"},
		{{.rub = 1000, .credit = 2}, 0, -5, -5, false, {UNIT_RUB, 1000}, "debts pay nothing"},
		{{.free = true, .rub = MONEY_MAX}, 0, 0, INT64_MAX, true, {UNIT_RUB, MONEY_MAX}, "the largest"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct money price = {UNIT_USD, -1};
		bool pays = offer_price(&cases[i].offer, cases[i].free, cases[i].credit, cases[i].rub, &price);

		ok(pays == cases[i].pays && price.unit == cases[i].want.unit
			&& price.amount == cases[i].want.amount, "price: %s", cases[i].what);
	}
}

static void test_input(struct buf *errors)
{
	struct catalog *catalog = catalog_with("input",
		"{\"size\":\"s\",\"prompt\":\"not this\",\"list\":[1]}", errors);
	struct offer offer = *catalog_offer(catalog, 0);
	json *input = offer_input(&offer, "a \"fox\"\n", NULL, 77);

	is_str(json_write(input), "{\"size\":\"s\",\"prompt\":\"a \\\"fox\\\"\\n\",\"list\":[1]}",
		"the prompt is put in, no seed where none is taken");
	json_drop(input);
	offer.seed_field = "seed";
	input = offer_input(&offer, "x", NULL, 77);
	int64_t seed = 0;

	ok(json_i64(input, "seed", &seed) && seed == 77, "the seed is put in");
	json_drop(input);
	is_str(json_text(offer.input, "prompt"), "not this", "the catalogue stays as it was");
	catalog_free(catalog);
	catalog = catalog_with("ratio",
		"{\"field\":\"size\",\"values\":{\"1x1\":\"square\",\"16x9\":\"wide\"}}", errors);
	static const struct { const char *word, *want; } ratios[] = {
		{NULL, "square"}, {"16x9", "wide"}, {"9x9", "square"}, {"", "square"},
	};

	for (size_t i = 0; i < COUNT(ratios); i++) {
		input = offer_input(catalog_offer(catalog, 0), "x", ratios[i].word, 1);
		is_str(json_text(input, "size"), ratios[i].want, "the format %s",
			ratios[i].word ? ratios[i].word : "of its own");
		json_drop(input);
	}
	catalog_free(catalog);
}

/* Only what can be sold is kept, and settings change prices and names. */
static void test_sold(struct buf *errors)
{
	static const struct { const char *settings; size_t fal, gemini, kling, local; } cases[] = {
		{"FAL_KEY=*\n", 12, 0, 0, 1}, {"NANO_BANANA_API_KEY=*\n", 0, 3, 0, 1},
		{"KLING_API_KEY=*\n", 0, 0, 14, 1},
		{"KLING_ACCESS_KEY=*\n", 0, 0, 2, 1}, {"", 0, 0, 0, 1},
		{"KLING_API_KEY=*\nKLING_MODELS=kling-2.6:Two\n", 0, 0, 6, 1},
		{"KLING_API_KEY=*\nKLING_MODELS=\n", 0, 0, 0, 1},
	};
	char ours[512], text[512];

	snprintf(ours, sizeof ours, "%s/etc/catalog.json", getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t found[4] = {0};

		snprintf(text, sizeof text, "TELEGRAM_SECRET_TOKEN=0123456789abcdef\n%s", cases[i].settings);
		buf_clear(errors);
		struct conf *own = conf_read(settings_table, settings_count, SETTINGS_RESPONDER, text,
			strlen(text), errors);
		struct catalog *catalog = own ? catalog_read(ours, own, errors) : NULL;

		is_str(buf_text(errors), "", "%s: is right", cases[i].settings);
		for (size_t n = 0; catalog && n < catalog_count(catalog); n++) {
			const char *provider = catalog_offer(catalog, n)->provider;

			found[*provider == 'f' ? 0 : *provider == 'g' ? 1 : *provider == 'k' ? 2 : 3]++;
		}
		ok(found[0] == cases[i].fal && found[1] == cases[i].gemini && found[2] == cases[i].kling
			&& found[3] == cases[i].local,
				"%s: %zu of fal, %zu of Gemini, %zu of Kling, %zu of our own", cases[i].settings,
			found[0], found[1], found[2], found[3]);
		catalog_free(catalog);
		conf_free(own);
	}
	static const char *const wrong[] = {"x", ":x", "x:", "kling-3.0:A,,kling-2.6:B", "a b:C"};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(text, sizeof text, "TELEGRAM_SECRET_TOKEN=0123456789abcdef\nKLING_MODELS=%s\n", wrong[i]);
		buf_clear(errors);
		struct conf *own = conf_read(settings_table, settings_count, SETTINGS_RESPONDER, text,
			strlen(text), errors);
		struct catalog *catalog = catalog_read(ours, own, errors);

		ok(catalog == NULL && strstr(buf_text(errors), "KLING_MODELS"),
			"KLING_MODELS=%s is refused", wrong[i]);
		catalog_free(catalog);
		conf_free(own);
	}
	struct catalog *catalog = catalog_read(ours, conf, errors);

	is_str(catalog_find(catalog, "edit.banana")->model, "banana-9", "the model of a setting");
	is_i64(catalog_find(catalog, "video.kling-3.0.text.10")->rub, 20000, "a product of two settings");
	ok(catalog_video(catalog, "kling-2.6", TAKES_MOTION, 10) != NULL && !catalog_video(catalog,
		"kling-1.5", TAKES_TEXT, 5),
		"films by what they are given");
	catalog_free(catalog);
}

/* A catalogue that is no JSON is told by its line. */
static void test_line(struct buf *errors)
{
	ok(catalog_of("{\n\"offers\": [\n{\"id\": }\n]}", errors) == NULL && strstr(buf_text(errors), "line 3"),
		"where it is wrong: %s", buf_text(errors));
}

static void test_modes(void)
{
	for (size_t i = 0; i < MODE_COUNT; i++) {
		enum mode mode = MODE_COUNT;

		ok(mode_from(mode_name((enum mode)i), &mode) == 0 && mode == (enum mode)i, "%s",
			mode_name((enum mode)i));
	}
	enum mode mode;

	ok(mode_from("", &mode) != 0 && mode_from("GENERATE", &mode) != 0, "no modes");
}

static void test_ours(struct buf *errors)
{
	char ours[512];

	snprintf(ours, sizeof ours, "%s/etc/catalog.json",
		getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	buf_clear(errors);
	struct catalog *catalog = catalog_read(ours, conf, errors);

	is_str(buf_text(errors), "", "our own catalogue is right");
	ok(catalog != NULL && catalog_first(catalog, MODE_GENERATE) != NULL, "and sells pictures");
	if (catalog != NULL) {
		is_i64(catalog_find(catalog, "generate.standard")->rub, 1200, "at the price of the setting");
		ok(catalog_package_count(catalog) > 0, "and packages of credits");
	}
	catalog_free(catalog);
	buf_clear(errors);
	ok(catalog_read("/nonexistent", conf, errors) == NULL && errors->length > 0, "a file that is not there");
	catalog_free(NULL);
}

int main(void)
{
	struct buf errors;
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	buf_init(&errors, 65536);
	conf = conf_read(settings_table, settings_count, SETTINGS_RESPONDER, SETTINGS, strlen(SETTINGS), &errors);
	is_str(buf_text(&errors), "", "settings");
	if (conf != NULL) {
		test_modes();
		test_price();
		test_members(&errors);
		test_whole(&errors);
		test_packages(&errors);
		test_currency(&errors);
		test_input(&errors);
		test_sold(&errors);
		test_line(&errors);
		test_ours(&errors);
	}
	conf_free(conf);
	buf_free(&errors);
	unlink(path);
	return tap_done();
}
