/* What is sold: modes of the menu and the offers of the catalogue. */
#ifndef DATA_OFFER_H
#define DATA_OFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/conf.h"
#include "data/json.h"
#include "data/money.h"

#define OFFER_COUNT_MAX 128
#define OFFER_SECONDS_MAX 3600

enum mode {
	MODE_GENERATE, MODE_EDIT, MODE_MERGE, MODE_FACE_SWAP, MODE_RETOUCH, MODE_UPSCALE, MODE_ADD_TEXT, MODE_VIDEO,
	MODE_COUNT,
};

const char *mode_name(enum mode mode);                          /* "generate", … */
MUST_CHECK int mode_from(const char *name, enum mode *mode);    /* 0, or -1 */

#define OFFER_FILES_MAX 10      /* photos one order may bring */
#define OFFER_RATIOS_MAX 12
#define OFFER_PLACES_MAX 4

/* What an offer of mode video is given; other modes are told by their name. */
enum offer_takes { TAKES_TEXT, TAKES_PHOTO, TAKES_VIDEO, TAKES_MOTION /* a photo, and the film it is to move like */ };

struct offer_ratio {
	const char *word;       /* "16x9" */
	const char *value;      /* as the provider calls it */
};

/* Texts belong to the catalogue. */
struct offer {
	const char *id;                 /* "generate.standard" */
	enum mode mode;
	const char *title_ru;
	const char *title_en;
	const char *provider;           /* "fal" */
	const char *model;              /* as the provider calls it */
	bool free;                      /* may be paid with a free operation */
	int64_t rub;                    /* kopecks; 0: not sold for roubles. add_text alone has no price at all */
	int64_t credit;                 /* 0: not sold for credits */
	int deadline_s;                 /* from order to result */
	int64_t cost;                   /* what the provider takes for it, in millionths of a dollar; 0: not known */
	const char *family;             /* of mode video: the id in KLING_MODELS; else null */
	enum offer_takes takes;         /* of mode video */
	int length_s;                   /* of the film; 0: no film */
	const char *places[OFFER_PLACES_MAX];   /* where the files go in the request, see data/task.h; null ends it */
	const char *prompt_field;       /* where the words go; null: it takes none */
	const char *ratio_field;        /* where the format goes; null: it has none */
	struct offer_ratio ratios[OFFER_RATIOS_MAX];    /* the first is the usual one */
	size_t ratio_count;
	const char *seed_field;         /* where a random number goes, by which a lost order is found; or null */
	json *input;                    /* the provider's request, without the prompt */
};

/* Credits sold together. */
struct package {
	const char *id;                 /* fits a button's word */
	int64_t credits;
	int64_t price;                  /* hundredths of BETATRANSFER_CURRENCY */
	int64_t discount;               /* per cent off, for the label; 0: none */
};
#define PACKAGE_COUNT_MAX 8

struct catalog;

/* Reads and checks a catalogue. Prices may name settings (whole roubles). All of it is checked; kept is what can be
 * sold: providers with a key, video models of KLING_MODELS. Null when anything is wrong, told as
 * "offer ID: reason\n" in errors. Free with catalog_free. */
struct catalog *catalog_read(const char *path, const struct conf *conf, struct buf *errors);
void catalog_free(struct catalog *catalog);

size_t catalog_count(const struct catalog *catalog);
const struct offer *catalog_offer(const struct catalog *catalog, size_t i);
const struct offer *catalog_find(const struct catalog *catalog, const char *id);        /* or null */
const struct offer *catalog_first(const struct catalog *catalog, enum mode mode);       /* or null */

/* Video models that are shown, in their order: the family's id and its title; null past the end. */
const char *catalog_family(const struct catalog *catalog, size_t i, const char **title);
const struct offer *catalog_video(const struct catalog *catalog, const char *family, enum offer_takes takes,
	int length_s);          /* or null */

size_t catalog_package_count(const struct catalog *catalog);
const struct package *catalog_package(const struct catalog *catalog, size_t i);
const struct package *catalog_package_find(const struct catalog *catalog, const char *id);      /* or null */

/* Which purse pays: a free operation if the offer allows it, else credits if they suffice, else roubles if they
 * suffice. False when none does; then price is what it would cost (credits only when it has no rouble price). */
bool offer_price(const struct offer *offer, int64_t free, int64_t credit, int64_t rub, struct money *price);

/* The provider's request but for the files; ratio is a word of the offer or null for the usual one; seed is put where
 * the model takes one. The caller drops it. */
json *offer_input(const struct offer *offer, const char *prompt, const char *ratio, int64_t seed);
const struct offer_ratio *offer_ratio(const struct offer *offer, const char *word);    /* or null */

enum offer_state {
	OFFER_SOLD,
	OFFER_OFF,              /* switched off, see store.offer_change */
	OFFER_STOPPED,          /* its model or all of its provider's fail just now, see store.breaker */
};

/* The offer as it is sold now: changes is views.offers (flow/flow.h) or null. */
enum offer_state offer_now(const struct offer *offer, const char *changes, struct offer *now);

/* Files the offer needs: least and most photos, and whether a film. */
void offer_needs(const struct offer *offer, size_t *photos_min, size_t *photos_max, bool *film);

#endif
