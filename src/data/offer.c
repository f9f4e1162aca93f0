/* The catalogue of offers: data that an operator edits. */
#include "data/offer.h"

#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/button.h"

#define CATALOG_FILE_MAX (1u << 20)

static const char *const modes[MODE_COUNT] = {
	"generate", "edit", "merge", "face_swap", "retouch", "upscale", "add_text", "video",
};

const char *mode_name(enum mode mode)
{
	must(mode < MODE_COUNT);
	return modes[mode];
}

int mode_from(const char *name, enum mode *mode)
{
	for (size_t i = 0; i < MODE_COUNT; i++) {
		if (str_equal(name, modes[i])) {
			*mode = (enum mode)i;
			return 0;
		}
	}
	return -1;
}

struct catalog {
	json *root;
	struct offer offers[OFFER_COUNT_MAX];
	size_t count;
	struct package packages[PACKAGE_COUNT_MAX];
	size_t package_count;
};

/* A price: a whole number of roubles or the name of a setting that holds one. Absent is 0. */
static const char *read_rub(json *entry, const struct conf *conf, int64_t *kopecks)
{
	int64_t roubles = 0;
	const char *setting = json_text(entry, "price.rub");
	if (setting) {
		if (!str_equal(setting, "PRICE_PER_OPERATION"))
			return "price.rub names no price setting";
		roubles = conf_int(conf, setting);
	} else if (json_at(entry, "price.rub") && !json_i64(entry, "price.rub", &roubles)) {
		return "price.rub is neither a whole number nor a setting";
	}
	return money_times(roubles, 100, kopecks) ? "price.rub is out of range" : NULL;
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
	return offer->rub || offer->credit ? NULL : "it has no price";
}

/* Null when the entry is good, else the reason. */
static const char *read_offer(json *entry, const struct conf *conf, struct offer *offer)
{
	int64_t seconds;
	offer->id = json_text(entry, "id");
	offer->title_ru = json_text(entry, "title.ru");
	offer->title_en = json_text(entry, "title.en");
	offer->provider = json_text(entry, "provider");
	offer->model = json_text(entry, "model");
	offer->seed_field = json_text(entry, "seed_field");
	offer->input = json_at(entry, "input");
	const char *mode = json_text(entry, "mode");
	if (!offer->id || !offer->title_ru || !offer->title_en || !offer->model)
		return "id, title.ru, title.en or model is missing";
	if (!mode || mode_from(mode, &offer->mode))
		return "mode is unknown";
	if (!str_equal(offer->provider, "fal"))
		return "provider is unknown";
	if (!json_object_is_type(offer->input, json_type_object))
		return "input is not an object";
	if (!json_i64(entry, "seconds", &seconds) || seconds < 1 || seconds > OFFER_SECONDS_MAX)
		return "seconds is not between 1 and 3600";
	offer->deadline_s = (int)seconds;
	return read_price(entry, conf, offer);
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
		if (!wrong && catalog_find(catalog, offer->id))
			wrong = "the id is taken";
		if (wrong)
			buf_fmt(errors, "offer %s: %s\n", offer->id ? offer->id : "without id", wrong);
		else
			catalog->count++;
	}
	return errors->length == before;
}

static const char *read_package(json *entry, struct package *package)
{
	package->id = json_text(entry, "id");
	if (!package->id || !button_is_word(package->id))
		return "id is no word of small letters and _, 23 at most";
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

struct catalog *catalog_read(const char *path, const struct conf *conf, struct buf *errors)
{
	struct buf text;
	buf_init(&text, CATALOG_FILE_MAX);
	struct catalog *catalog = mem_alloc(sizeof *catalog);
	if (fd_read_path(path, &text) == FD_OK)
		catalog->root = json_read(buf_text(&text), text.length);
	buf_free(&text);
	if (!catalog->root)
		buf_fmt(errors, "catalogue %s: cannot be read as JSON\n", path);
	else if (read_offers(catalog, conf, errors) && read_packages(catalog, conf, errors))
		return catalog;
	catalog_free(catalog);
	return NULL;
}

void catalog_free(struct catalog *catalog)
{
	if (!catalog)
		return;
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

bool offer_price(const struct offer *offer, int64_t free, int64_t credit, int64_t rub, struct money *price)
{
	if (offer->free && free > 0) {
		*price = (struct money){UNIT_FREE, 1};
		return true;
	}
	if (offer->credit && credit >= offer->credit) {
		*price = (struct money){UNIT_CREDIT, offer->credit};
		return true;
	}
	if (offer->rub) {
		*price = (struct money){UNIT_RUB, offer->rub};
		return rub >= offer->rub;
	}
	*price = (struct money){UNIT_CREDIT, offer->credit};
	return false;
}

json *offer_input(const struct offer *offer, const char *prompt, const char *ratio, int64_t seed)
{
	(void)ratio;
	json *input = json_copy(offer->input);
	json_set_text(input, "prompt", prompt);
	if (offer->seed_field)
		json_set_i64(input, offer->seed_field, seed);
	return input;
}
