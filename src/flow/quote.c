/* Confirm screens: what would be made, by which model, in what format, for how much. */
#include "flow/own.h"

#include <string.h>

#include "base/str.h"

#define MODELS_MAX 16           /* shown together */
#define ALERT_WORDS_MAX 200     /* UTF-16 units of a prompt that admins are told */

static bool is_sold(const struct flow *flow, const struct offer *offer, struct offer *now)
{
	return offer_now(offer, flow->views->offers, now) == OFFER_SOLD;
}

/* Whether one of the purses suffices for it. */
static bool can_pay(const struct flow *flow, const struct offer *offer)
{
	struct money price;
	return offer_price(offer, flow->views->free, flow->views->credit, flow->views->rub, &price);
}

const struct offer *quote_pick(struct flow *flow, enum mode mode)
{
	const struct catalog *catalog = flow->setting->catalog;
	const struct offer *first = NULL;
	for (size_t i = 0; i < catalog_count(catalog); i++) {
		const struct offer *offer = catalog_offer(catalog, i);
		struct offer now;
		if (offer->mode != mode || !is_sold(flow, offer, &now))
			continue;
		if (can_pay(flow, &now))
			return offer;
		if (!first)
			first = offer;
	}
	return first;
}

const struct offer *quote_video(struct flow *flow, const char *family, enum offer_takes takes, int length_s)
{
	struct offer now;
	const struct offer *offer = family ? catalog_video(flow->setting->catalog, family, takes, length_s) : NULL;
	return offer && is_sold(flow, offer, &now) ? offer : NULL;
}

/* ---- words -------------------------------------------------------------------------------------------- */

static void say_long(struct flow *flow, const char *notice, size_t length, int64_t max)
{
	json *args = json_new();
	json_set_i64(args, "length", (int64_t)length);
	json_set_i64(args, "max", max);
	flow_say(flow, notice, args);
}

bool quote_words(struct flow *flow, const char *words, bool caption)
{
	size_t units = str_utf16(words), points = str_points(words);
	enum block_end block = block_match(flow->setting->block, words);
	if (block == BLOCK_MINOR) {
		json *args = json_new();
		size_t length = str_cut_utf16(words, ALERT_WORDS_MAX);
		json_set_i64(args, "person", flow->update->person_id);
		json_set_text(args, "prompt", arena_fmt(flow->arena, "%.*s", (int)length, words));
		struct plan_step *step = flow_step(flow, PLAN_ALERT);
		step->word = "minor";
		step->notice = arena_str(flow->arena, json_write(args));
		json_drop(args);
	}
	if (block != BLOCK_FREE)
		flow_say(flow, "blocked", NULL);
	else if (caption && points > FLOW_CAPTION_MAX)
		say_long(flow, "caption_long", points, FLOW_CAPTION_MAX);
	else if (units > FLOW_PROMPT_MAX)
		say_long(flow, "prompt_long", units, FLOW_PROMPT_MAX);
	else
		return true;
	return false;
}

/* ---- the confirm screen ------------------------------------------------------------------------------- */

/* What may stand in for an offer: the same mode, and for a film the same to be given and to be made. */
static bool is_other(const struct offer *offer, const struct offer *like)
{
	return offer->mode == like->mode && (like->mode != MODE_VIDEO ||
		(offer->takes == like->takes && offer->length_s == like->length_s));
}

static size_t count_models(const struct flow *flow, const struct offer *like)
{
	size_t count = 0;
	struct offer now;
	for (size_t i = 0; i < catalog_count(flow->setting->catalog); i++) {
		const struct offer *offer = catalog_offer(flow->setting->catalog, i);
		count += is_other(offer, like) && is_sold(flow, offer, &now);
	}
	return count;
}

static const char *preview_of(struct arena *arena, const char *words)
{
	size_t length = str_cut_utf16(words, FLOW_PREVIEW_MAX);
	return words[length] ? arena_fmt(arena, "%.*s…", (int)length, words) : words;
}

/* "16x9" → "16:9". */
static const char *ratio_title(struct arena *arena, const char *word)
{
	char *title = arena_str(arena, word), *x = strchr(title, 'x');
	if (x)
		*x = ':';
	return title;
}

static void set_confirm(struct flow *flow, const struct offer *offer, const char *words, const char *ratio, json *args)
{
	const struct talk *talk = &flow->talk;
	bool english = str_equal(flow->views->lang, "en");
	const struct offer_ratio *format = offer_ratio(offer, ratio);
	size_t photos = 0;
	for (size_t i = 0; i < talk->count; i++)
		photos += !str_equal(talk->files[i].form, "video");
	json_set_text(args, "mode", mode_name(offer->mode));
	json_set_text(args, "model", english ? offer->title_en : offer->title_ru);
	if (*words)
		json_set_text(args, "prompt", preview_of(flow->arena, words));
	if (photos)
		json_set_i64(args, "photos", (int64_t)photos);
	if (talk->clip_s)
		json_set_i64(args, "clip", talk->clip_s);
	if (count_models(flow, offer) > 1)
		json_set_i64(args, "models", 1);
	if (!format && offer->ratio_count)
		format = &offer->ratios[0];
	if (format)
		json_set_text(args, "format", ratio_title(flow->arena, format->word));
	if (offer->ratio_count > 1)
		json_set_i64(args, "formats", 1);
}

/* Shows what would be started; nothing is charged before «Запустить». replaces: an open quote, whose message it
 * takes; 0: none. */
static void propose(struct flow *flow, const struct offer *offer, const char *words, const char *ratio,
	int64_t replaces)
{
	struct offer now;
	struct money price;
	enum offer_state state = offer_now(offer, flow->views->offers, &now);
	if (state != OFFER_SOLD) {
		flow_say(flow, state == OFFER_OFF ? "offer_off" : "offer_weather", NULL);
		return;
	}
	bool enough = offer_price(&now, flow->views->free, flow->views->credit, flow->views->rub, &price);
	int64_t have = flow_purse(flow->views, price.unit);
	json *args = price.amount ? flow_short(price, have) : json_new();
	if (!price.amount)
		json_set_i64(args, "gratis", 1);
	set_confirm(flow, offer, words, ratio, args);
	struct plan_step *step = flow_step(flow, PLAN_QUOTE);
	step->offer = offer;
	step->prompt = words;
	step->ratio = ratio;
	step->files = talk_files(&flow->talk, flow->arena);
	step->clip_s = flow->talk.clip_s;
	step->price = price;
	step->waits = !enough;
	step->number = replaces;
	step->message = replaces ? flow->update->message_id : 0;
	step->notice = arena_str(flow->arena, json_write(args));
	json_drop(args);
	flow_leave(flow);
}

void quote_propose(struct flow *flow, const struct offer *offer, const char *words)
{
	if (!offer) {
		flow_leave(flow);
		flow_say(flow, "mode_none", NULL);
	} else if (quote_words(flow, words, offer->mode == MODE_ADD_TEXT)) {
		propose(flow, offer, words, NULL, 0);
	}
}

/* ---- its buttons -------------------------------------------------------------------------------------- */

static json *new_models(struct flow *flow, const struct offer *like)
{
	bool english = str_equal(flow->views->lang, "en");
	json *list = json_new_array();
	for (size_t i = 0; i < catalog_count(flow->setting->catalog) && json_count(list, "") < MODELS_MAX; i++) {
		const struct offer *offer = catalog_offer(flow->setting->catalog, i);
		struct offer now;
		struct money price;
		if (!is_other(offer, like) || !is_sold(flow, offer, &now))
			continue;
		(void)offer_price(&now, flow->views->free, flow->views->credit, flow->views->rub, &price);
		json *item = json_new();
		json_set_text(item, "word", offer->id);
		json_set_text(item, "title", english ? offer->title_en : offer->title_ru);
		json_set(item, "price", money_json(price));
		if (offer == like)
			json_set_i64(item, "own", 1);
		json_push(list, item);
	}
	return list;
}

static json *new_formats(struct flow *flow, const struct offer *offer)
{
	json *list = json_new_array();
	for (size_t i = 0; i < offer->ratio_count; i++) {
		json *item = json_new();
		json_set_text(item, "word", offer->ratios[i].word);
		json_set_text(item, "title", ratio_title(flow->arena, offer->ratios[i].word));
		json_push(list, item);
	}
	return list;
}

/* The quote whose buttons were pressed, as it was asked for, by another offer or in another format. */
static void change(struct flow *flow, int64_t quote, const struct offer *offer, const char *ratio)
{
	struct talk kept = flow->talk;          /* whatever else is under way goes on */
	talk_load(&flow->talk, flow->views->quote.files, flow->arena);
	flow->talk.clip_s = flow->views->quote.clip_s;
	propose(flow, offer, flow->views->quote.prompt, offer_ratio(offer, ratio) ? ratio : NULL, quote);
	flow->talk = kept;
}

void quote_press(struct flow *flow, const struct button *button)
{
	const struct offer *offer = flow->views->quote.found
		? catalog_find(flow->setting->catalog, flow->views->quote.offer) : NULL, *other;
	if (!offer || !flow->update->message_id) {
		flow->plan->toast = "toast.gone";
		return;
	}
	json *args = json_new();
	json_set_i64(args, "quote", button->number);
	switch ((int)button->verb) {
	case BUTTON_MODELS:
		json_set(args, "list", new_models(flow, offer));
		flow_edit(flow, "models", args);
		return;
	case BUTTON_RATIOS:
		json_set(args, "list", new_formats(flow, offer));
		flow_edit(flow, "formats", args);
		return;
	case BUTTON_OFFER:
		other = catalog_find(flow->setting->catalog, button->word);
		if (other && is_other(other, offer))
			change(flow, button->number, other, flow->views->quote.ratio);
		else
			flow->plan->toast = "toast.gone";
		break;
	case BUTTON_RATIO:
		if (offer_ratio(offer, button->word))
			change(flow, button->number, offer, arena_str(flow->arena, button->word));
		else
			flow->plan->toast = "toast.gone";
		break;
	default:
		change(flow, button->number, offer, flow->views->quote.ratio);
		break;
	}
	json_drop(args);
}
