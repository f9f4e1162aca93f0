/* One thing that is sold: what it costs, what it needs, and how it is asked for. */
#include "data/offer.h"

#include <string.h>

#include "base/str.h"

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

bool offer_price(const struct offer *offer, int64_t free, int64_t credit, int64_t rub, struct money *price)
{
	if (!offer->rub && !offer->credit) {
		*price = (struct money){UNIT_RUB, 0};
		return true;
	}
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

const struct offer_ratio *offer_ratio(const struct offer *offer, const char *word)
{
	for (size_t i = 0; word && i < offer->ratio_count; i++)
		if (str_equal(offer->ratios[i].word, word))
			return &offer->ratios[i];
	return NULL;
}

json *offer_input(const struct offer *offer, const char *prompt, const char *ratio, int64_t seed)
{
	json *input = json_copy(offer->input);
	const struct offer_ratio *chosen = offer_ratio(offer, ratio);
	if (offer->prompt_field && prompt)
		json_set_text(input, offer->prompt_field, prompt);
	if (!chosen && offer->ratio_count)
		chosen = &offer->ratios[0];
	if (chosen)
		json_set_text(input, offer->ratio_field, chosen->value);
	if (offer->seed_field)
		json_set_i64(input, offer->seed_field, seed);
	return input;
}

void offer_needs(const struct offer *offer, size_t *photos_min, size_t *photos_max, bool *film)
{
	static const struct { size_t min, max; } photos[MODE_COUNT] = {
		[MODE_GENERATE] = {0, 0}, [MODE_EDIT] = {1, 1}, [MODE_MERGE] = {2, OFFER_FILES_MAX},
		[MODE_FACE_SWAP] = {2, 2}, [MODE_RETOUCH] = {1, 1}, [MODE_UPSCALE] = {1, 1}, [MODE_ADD_TEXT] = {1, 1},
	};
	bool video = offer->mode == MODE_VIDEO;
	size_t one = video && (offer->takes == TAKES_PHOTO || offer->takes == TAKES_MOTION);
	*photos_min = video ? one : photos[offer->mode].min;
	*photos_max = video ? one : photos[offer->mode].max;
	*film = video && (offer->takes == TAKES_VIDEO || offer->takes == TAKES_MOTION);
}

/* Whether all of the provider's, or this model, is not sold just now: "@fal", "@fal/MODEL". */
static bool is_stopped(json *all, const struct offer *offer)
{
	struct buf name;
	json *found = NULL;
	buf_init(&name, 512);
	buf_fmt(&name, "@%s", offer->provider);
	bool stopped = json_object_object_get_ex(all, buf_text(&name), &found);
	buf_fmt(&name, "/%s", offer->model);
	stopped = stopped || json_object_object_get_ex(all, buf_text(&name), &found);
	buf_free(&name);
	return stopped;
}

enum offer_state offer_now(const struct offer *offer, const char *changes, struct offer *now)
{
	*now = *offer;
	json *all = changes ? json_read(changes, strlen(changes)) : NULL;
	json *change = NULL;
	/* An id has dots: it is no path. */
	if (all && !json_object_object_get_ex(all, offer->id, &change))
		change = NULL;
	if (json_at(change, "rub") && offer->rub)
		(void)json_i64(change, "rub", &now->rub);
	if (json_at(change, "credit") && offer->credit)
		(void)json_i64(change, "credit", &now->credit);
	enum offer_state state = json_true(change, "off") ? OFFER_OFF
		: is_stopped(all, offer) ? OFFER_STOPPED : OFFER_SOLD;
	json_drop(all);
	return state;
}
