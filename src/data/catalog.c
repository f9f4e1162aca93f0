/* The catalogue of offers: data that an operator edits. */
#include "data/offer.h"

#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/button.h"
#include "data/settings.h"

#define CATALOG_FILE_MAX (1u << 20)
#define FAMILIES_MAX 16
#define MODEL_SETTING "NANO_BANANA_MODEL"       /* may stand for the model of an offer */

/* A video model that is shown: its id in the catalogue, and how people call it. */
struct family {
	char *id;
	char *title;
};

struct catalog {
	json *root;
	struct offer offers[OFFER_COUNT_MAX];
	size_t count;
	struct package packages[PACKAGE_COUNT_MAX];
	size_t package_count;
	struct family families[FAMILIES_MAX];
	size_t family_count;
};

/* ---- prices ------------------------------------------------------------------------------------------- */

static const char *const price_settings[] = {
	"PRICE_PER_OPERATION", "IMAGE_GENERATION_PRICE", "IMAGE_EDIT_PRICE", "VIDEO_5SEC_PRICE", "VIDEO_10SEC_MULTIPLIER",
};

/* The value of a setting named by the first `length` bytes; false when it is none of a price. */
static bool read_setting(const char *name, size_t length, const struct conf *conf, int64_t *value)
{
	for (size_t i = 0; i < sizeof price_settings / sizeof *price_settings; i++) {
		if (strlen(price_settings[i]) == length && memcmp(price_settings[i], name, length) == 0) {
			*value = conf_int(conf, price_settings[i]);
			return true;
		}
	}
	return false;
}

/* A price: a whole number of roubles, the name of a setting that holds one, or two of them with * between. */
static const char *read_rub(json *entry, const struct conf *conf, int64_t *kopecks)
{
	int64_t roubles = 0, times = 1;
	const char *text = json_text(entry, "price.rub"), *star = text ? strchr(text, '*') : NULL;
	if (text) {
		size_t length = star ? (size_t)(star - text) : strlen(text);
		if (!read_setting(text, length, conf, &roubles) ||
			(star && !read_setting(star + 1, strlen(star + 1), conf, &times)))
			return "price.rub names no price setting";
	} else if (json_at(entry, "price.rub") && !json_i64(entry, "price.rub", &roubles)) {
		return "price.rub is neither a whole number nor a setting";
	}
	return money_times(roubles, times, kopecks) || money_times(*kopecks, 100, kopecks) ? "price.rub is out of range"
		: NULL;
}

static const char *read_price(json *entry, const struct conf *conf, struct offer *offer)
{
	const char *wrong = read_rub(entry, conf, &offer->rub);
	if (wrong)
		return wrong;
	if (json_at(entry, "price.credit") &&
		(!json_i64(entry, "price.credit", &offer->credit) || offer->credit < 1 || offer->credit > MONEY_MAX))
		return "price.credit is not a positive whole number";
	offer->free = json_true(entry, "free");
	bool priced = offer->rub || offer->credit;
	if (offer->mode == MODE_ADD_TEXT)
		return priced || offer->free ? "add_text has no price: it is done on this machine" : NULL;
	return priced ? NULL : "it has no price";
}

/* ---- offers ------------------------------------------------------------------------------------------- */

static const char *read_ratios(json *entry, struct offer *offer)
{
	json *values = json_at(entry, "ratio.values");
	if (!json_at(entry, "ratio"))
		return NULL;
	offer->ratio_field = json_text(entry, "ratio.field");
	if (!offer->ratio_field || !json_object_is_type(values, json_type_object) || !json_object_object_length(values))
		return "ratio needs a field and values";
	json_object_object_foreach(values, word, value) {
		if (offer->ratio_count == OFFER_RATIOS_MAX)
			return "ratio has too many values";
		if (!button_is_word(word) || !json_object_is_type(value, json_type_string))
			return "ratio.values are not like \"16x9\": \"…\"";
		offer->ratios[offer->ratio_count++] = (struct offer_ratio){word, json_object_get_string(value)};
	}
	return NULL;
}

static const char *read_places(json *entry, struct offer *offer)
{
	size_t count = json_count(entry, "places"), min, max;
	bool film;
	if (json_at(entry, "places") && !json_object_is_type(json_at(entry, "places"), json_type_array))
		return "places is not a list";
	if (count > OFFER_PLACES_MAX)
		return "places has too many fields";
	for (size_t i = 0; i < count; i++) {
		json *place = json_object_array_get_idx(json_at(entry, "places"), i);
		if (!json_object_is_type(place, json_type_string) || !json_object_get_string_len(place))
			return "places is not a list of fields";
		offer->places[i] = json_object_get_string(place);
	}
	offer_needs(offer, &min, &max, &film);
	size_t needed = min + film;
	size_t last = count ? strlen(offer->places[count - 1]) : 0;
	bool list = last > 2 && str_equal(offer->places[count - 1] + last - 2, "[]");
	if (offer->mode != MODE_ADD_TEXT && (list ? count > needed : count != needed || max > min))
		return "places does not say where the files go";
	return NULL;
}

static const char *read_video(json *entry, struct offer *offer)
{
	static const char *const takes[] = {
		[TAKES_TEXT] = "text", [TAKES_PHOTO] = "photo", [TAKES_VIDEO] = "video", [TAKES_MOTION] = "motion",
	};
	int64_t length;
	if (offer->mode != MODE_VIDEO)
		return json_at(entry, "family") || json_at(entry, "takes") || json_at(entry, "length")
			? "family, takes and length are a video's" : NULL;
	offer->family = json_text(entry, "family");
	if (!offer->family || !button_is_word(offer->family))
		return "family is missing or no word for a button";
	const char *word = json_text(entry, "takes");
	size_t i = 0;
	while (i < sizeof takes / sizeof *takes && !str_equal(word, takes[i]))
		i++;
	if (i == sizeof takes / sizeof *takes)
		return "takes is none of text, photo, video, motion";
	offer->takes = (enum offer_takes)i;
	if (!json_i64(entry, "length", &length) || (length != 5 && length != 10))
		return "length is neither 5 nor 10";
	offer->length_s = (int)length;
	return NULL;
}

static const char *read_request(json *entry, const struct conf *conf, struct offer *offer)
{
	json *prompt;
	offer->provider = json_text(entry, "provider");
	offer->model = json_text(entry, "model");
	offer->seed_field = json_text(entry, "seed_field");
	offer->input = json_at(entry, "input");
	if (!offer->model)
		return "model is missing";
	if (!str_equal(offer->provider, "fal") && !str_equal(offer->provider, "gemini") &&
		!str_equal(offer->provider, "kling") && !str_equal(offer->provider, "local"))
		return "provider is none of fal, gemini, kling, local";
	if (str_equal(offer->provider, "local") != (offer->mode == MODE_ADD_TEXT))
		return "add_text, and nothing else, is local";
	if (str_equal(offer->model, MODEL_SETTING))
		offer->model = conf_text(conf, MODEL_SETTING);
	if (!json_object_is_type(offer->input, json_type_object))
		return "input is not an object";
	offer->prompt_field = "prompt";
	if (json_object_object_get_ex(entry, "prompt_field", &prompt))
		offer->prompt_field = json_object_is_type(prompt, json_type_string) ? json_object_get_string(prompt) : NULL;
	return NULL;
}

/* What the provider takes for one: dollars as decimal text, with up to six decimals. It may be left out. */
static const char *read_cost(json *entry, struct offer *offer)
{
	static const char wrong[] = "cost is no text like \"0.039\": dollars, up to 6 decimals, below 1000";
	char digits[10] = "000000000";
	json *value = json_at(entry, "cost");
	const char *text = value ? json_text(entry, "cost") : "0", *point = text ? strchr(text, '.') : NULL;
	size_t whole = point ? (size_t)(point - text) : text ? strlen(text) : 0, rest = point ? strlen(point + 1) : 0;
	if (whole < 1 || whole > 3 || rest > 6 || (point && rest == 0))
		return wrong;
	memcpy(digits + 3 - whole, text, whole);
	if (point)
		memcpy(digits + 3, point + 1, rest);
	return str_to_i64(digits, 0, INT64_C(999999999), &offer->cost) ? NULL : wrong;
}

/* Null when the entry is good, else the reason. */
static const char *read_offer(json *entry, const struct conf *conf, struct offer *offer)
{
	int64_t seconds;
	*offer = (struct offer){.id = json_text(entry, "id"), .title_ru = json_text(entry, "title.ru"),
		.title_en = json_text(entry, "title.en")};
	const char *mode = json_text(entry, "mode"), *wrong;
	if (!offer->id || !offer->title_ru || !offer->title_en)
		return "id, title.ru or title.en is missing";
	if (!button_is_word(offer->id))
		return "id is no word for a button: small letters, digits, _ . and -, 39 at most";
	if (!mode || mode_from(mode, &offer->mode))
		return "mode is unknown";
	if (!json_i64(entry, "seconds", &seconds) || seconds < 1 || seconds > OFFER_SECONDS_MAX)
		return "seconds is not between 1 and 3600";
	offer->deadline_s = (int)seconds;
	if ((wrong = read_request(entry, conf, offer)) || (wrong = read_video(entry, offer)) ||
		(wrong = read_places(entry, offer)) || (wrong = read_ratios(entry, offer)) ||
		(wrong = read_cost(entry, offer)))
		return wrong;
	return read_price(entry, conf, offer);
}

static bool is_family(const struct catalog *catalog, const char *id)
{
	for (size_t i = 0; i < catalog->family_count; i++)
		if (str_equal(catalog->families[i].id, id))
			return true;
	return false;
}

/* Kling's pair of keys opens only the older models, which are named so (provider/kling.c). */
static bool has_key(const struct conf *conf, const struct offer *offer)
{
	bool pair_only = !*conf_text(conf, "KLING_API_KEY");
	if (str_equal(offer->provider, "kling") && pair_only && !str_starts(offer->model, "kling-v"))
		return false;
	return settings_has_provider(conf, offer->provider);
}

/* What is right but not sold here: a provider without a key, a video model that is not in KLING_MODELS. */
static bool is_sold(const struct catalog *catalog, const struct conf *conf, const struct offer *offer)
{
	return has_key(conf, offer) && (!offer->family || is_family(catalog, offer->family));
}

/* Whether an entry before has the id, sold or not: a key that is set later must not make a catalogue wrong. */
static bool is_taken(json *offers, size_t before, const char *id)
{
	for (size_t i = 0; i < before; i++)
		if (str_equal(json_text(json_object_array_get_idx(offers, i), "id"), id))
			return true;
	return false;
}

static bool read_offers(struct catalog *catalog, const struct conf *conf, struct buf *errors)
{
	size_t before = errors->length;
	size_t count = json_count(catalog->root, "offers");
	if (count == 0 || count > OFFER_COUNT_MAX)
		buf_fmt(errors, "catalogue: \"offers\" must be a list of 1 to %d\n", OFFER_COUNT_MAX);
	for (size_t i = 0; i < count && i < OFFER_COUNT_MAX; i++) {
		struct offer *offer = &catalog->offers[catalog->count];
		const char *wrong = read_offer(json_object_array_get_idx(json_at(catalog->root, "offers"), i), conf, offer);
		if (!wrong && is_taken(json_at(catalog->root, "offers"), i, offer->id))
			wrong = "the id is taken";
		if (wrong)
			buf_fmt(errors, "offer %s: %s\n", offer->id ? offer->id : "without id", wrong);
		else if (is_sold(catalog, conf, offer))
			catalog->count++;
	}
	return errors->length == before;
}

/* KLING_MODELS: id:Title with commas between. */
static bool read_families(struct catalog *catalog, const struct conf *conf, struct buf *errors)
{
	size_t before = errors->length;
	const char *at = conf_text(conf, "KLING_MODELS");
	while (*at) {
		size_t length = strcspn(at, ","), colon = strcspn(at, ":,");
		struct family *family = &catalog->families[catalog->family_count];
		if (catalog->family_count == FAMILIES_MAX || colon == 0 || colon + 1 >= length || at[colon] != ':') {
			buf_fmt(errors, "KLING_MODELS: is no list of id:Title, %d at most\n", FAMILIES_MAX);
			break;
		}
		char *id = mem_alloc(colon + 1), *title = mem_alloc(length - colon);
		memcpy(id, at, colon);
		memcpy(title, at + colon + 1, length - colon - 1);
		(void)str_trim(id);
		(void)str_trim(title);
		*family = (struct family){id, title};
		catalog->family_count++;
		if (!button_is_word(id))
			buf_fmt(errors, "KLING_MODELS: %s: is no word for a button\n", id);
		at += length + (at[length] == ',');
	}
	return errors->length == before;
}

/* ---- packages ----------------------------------------------------------------------------------------- */

static const char *read_package(json *entry, struct package *package)
{
	package->id = json_text(entry, "id");
	if (!package->id || !button_is_word(package->id))
		return "id is no word of small letters, digits, _ . and -, 39 at most";
	if (!json_i64(entry, "credits", &package->credits) || package->credits < 1 || package->credits > MONEY_MAX)
		return "credits is not a positive whole number";
	if (!json_text(entry, "price") || money_parse(json_text(entry, "price"), &package->price) || !package->price)
		return "price is not an amount like \"7.00\"";
	if (json_at(entry, "discount") && (!json_i64(entry, "discount", &package->discount) ||
		package->discount < 0 || package->discount > 99))
		return "discount is not a whole number of 0 to 99 per cent";
	return NULL;
}

/* Packages are optional: without them no credits are sold. The ledger keeps no other currency. */
static bool read_packages(struct catalog *catalog, const struct conf *conf, struct buf *errors)
{
	size_t before = errors->length, count = json_count(catalog->root, "packages");
	const char *currency = conf_text(conf, "BETATRANSFER_CURRENCY");
	if (json_at(catalog->root, "packages") && !json_object_is_type(json_at(catalog->root, "packages"), json_type_array))
		buf_str(errors, "catalogue: \"packages\" must be a list\n");
	if (count && !str_equal(currency, "USD") && !str_equal(currency, "RUB"))
		buf_fmt(errors, "packages: BETATRANSFER_CURRENCY is neither USD nor RUB: %s\n", currency);
	if (count > PACKAGE_COUNT_MAX)
		buf_fmt(errors, "catalogue: more than %d packages\n", PACKAGE_COUNT_MAX);
	for (size_t i = 0; i < count && i < PACKAGE_COUNT_MAX; i++) {
		struct package *package = &catalog->packages[catalog->package_count];
		const char *wrong = read_package(json_object_array_get_idx(json_at(catalog->root, "packages"), i), package);
		if (!wrong && catalog_package_find(catalog, package->id))
			wrong = "the id is taken";
		if (wrong)
			buf_fmt(errors, "package %s: %s\n", package->id ? package->id : "without id", wrong);
		else
			catalog->package_count++;
	}
	return errors->length == before;
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

/* JSON that tells where it is wrong. */
static json *read_root(const char *path, struct buf *errors)
{
	struct buf text;
	json *root = NULL;
	buf_init(&text, CATALOG_FILE_MAX);
	if (fd_read_path(path, &text) != FD_OK) {
		buf_fmt(errors, "catalogue %s: cannot be read\n", path);
	} else if (!(root = json_read(buf_text(&text), text.length))) {
		size_t line = 1, wrong = json_wrong_at(buf_text(&text), text.length);
		for (size_t i = 0; i < wrong; i++)
			line += buf_text(&text)[i] == '\n';
		buf_fmt(errors, "catalogue %s: line %zu: is not JSON\n", path, line);
	}
	buf_free(&text);
	return root;
}

struct catalog *catalog_read(const char *path, const struct conf *conf, struct buf *errors)
{
	struct catalog *catalog = mem_alloc(sizeof *catalog);
	*catalog = (struct catalog){.root = read_root(path, errors)};
	if (catalog->root && read_families(catalog, conf, errors) && read_offers(catalog, conf, errors) &&
		read_packages(catalog, conf, errors))
		return catalog;
	catalog_free(catalog);
	return NULL;
}

void catalog_free(struct catalog *catalog)
{
	if (!catalog)
		return;
	for (size_t i = 0; i < catalog->family_count; i++) {
		mem_free(catalog->families[i].id);
		mem_free(catalog->families[i].title);
	}
	json_drop(catalog->root);
	mem_free(catalog);
}

size_t catalog_count(const struct catalog *catalog)
{
	return catalog->count;
}

const struct offer *catalog_offer(const struct catalog *catalog, size_t i)
{
	must(i < catalog->count);
	return &catalog->offers[i];
}

const struct offer *catalog_find(const struct catalog *catalog, const char *id)
{
	for (size_t i = 0; i < catalog->count; i++)
		if (str_equal(catalog->offers[i].id, id))
			return &catalog->offers[i];
	return NULL;
}

const struct offer *catalog_first(const struct catalog *catalog, enum mode mode)
{
	for (size_t i = 0; i < catalog->count; i++)
		if (catalog->offers[i].mode == mode)
			return &catalog->offers[i];
	return NULL;
}

size_t catalog_package_count(const struct catalog *catalog)
{
	return catalog->package_count;
}

const struct package *catalog_package(const struct catalog *catalog, size_t i)
{
	must(i < catalog->package_count);
	return &catalog->packages[i];
}

const struct package *catalog_package_find(const struct catalog *catalog, const char *id)
{
	for (size_t i = 0; i < catalog->package_count; i++)
		if (str_equal(catalog->packages[i].id, id))
			return &catalog->packages[i];
	return NULL;
}

const char *catalog_family(const struct catalog *catalog, size_t i, const char **title)
{
	if (i >= catalog->family_count)
		return NULL;
	*title = catalog->families[i].title;
	return catalog->families[i].id;
}

const struct offer *catalog_video(const struct catalog *catalog, const char *family, enum offer_takes takes,
	int length_s)
{
	for (size_t i = 0; i < catalog->count; i++) {
		const struct offer *offer = &catalog->offers[i];
		if (offer->family && str_equal(offer->family, family) && offer->takes == takes && offer->length_s == length_s)
			return offer;
	}
	return NULL;
}
