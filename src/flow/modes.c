/* What arrives for the modes: words, photos, films, and what is none of them, in every state. */
#include "flow/own.h"

#include <string.h>

#include "base/str.h"

/* ---- words -------------------------------------------------------------------------------------------- */

static void propose_mode(struct flow *flow, enum mode mode, const char *words)
{
	quote_propose(flow, quote_pick(flow, mode), words);
}

/* The offer of the film that is talked about; null: there is none of that kind. */
static const struct offer *film_offer(struct flow *flow)
{
	const struct talk *talk = &flow->talk;
	enum offer_takes takes = talk->clip_s ? talk->count > 1 ? TAKES_MOTION : TAKES_VIDEO
		: talk->count ? TAKES_PHOTO : TAKES_TEXT;
	int length_s = talk->clip_s ? talk->clip_s <= 5 ? 5 : 10 : talk->length_s;
	return quote_video(flow, talk->family, takes, length_s);
}

/* Words before the photo they are about: kept, and the photo is asked for. */
static void keep_words(struct flow *flow, const char *words, bool caption, enum dialog state)
{
	if (!quote_words(flow, words, caption))
		return;
	flow->talk.text = words;
	ask(flow, state);
}

static void take_film_words(struct flow *flow, const char *words)
{
	const struct offer *offer = film_offer(flow);
	if (offer)
		quote_propose(flow, offer, words);
	else
		keep_words(flow, words, false, DIALOG_VIDEO_INPUT);
}

void take_text(struct flow *flow)
{
	char *words = arena_str(flow->arena, flow->update->text);
	enum dialog state = flow->talk.state;
	if (str_trim(words) == 0) {
		ask(flow, state);
		return;
	}
	switch (state) {
	case DIALOG_SUM: pay_sum_take(flow); break;
	case DIALOG_IDLE:
	case DIALOG_PROMPT: propose_mode(flow, MODE_GENERATE, words); break;
	case DIALOG_CHOICE:
	case DIALOG_EDIT_TEXT: propose_mode(flow, MODE_EDIT, words); break;
	case DIALOG_EDIT_PHOTO: keep_words(flow, words, false, state); break;
	case DIALOG_CAPTION_PHOTO: keep_words(flow, words, true, state); break;
	case DIALOG_CAPTION_TEXT: propose_mode(flow, MODE_ADD_TEXT, words); break;
	case DIALOG_MERGE_TEXT: propose_mode(flow, MODE_MERGE, words); break;
	case DIALOG_MERGE_PHOTOS:
		if (flow->talk.count >= 2)
			propose_mode(flow, MODE_MERGE, words);
		else
			keep_words(flow, words, false, state);
		break;
	case DIALOG_VIDEO_INPUT:
	case DIALOG_VIDEO_TEXT: take_film_words(flow, words); break;
	case DIALOG_VIDEO_PHOTO: keep_words(flow, words, false, state); break;
	case DIALOG_FACE:
	case DIALOG_FACE_TARGET:
	case DIALOG_RETOUCH:
	case DIALOG_UPSCALE:
		flow_say(flow, "want_photo", NULL);
		ask(flow, state);
		break;
	case DIALOG_VIDEO_MODEL:
	case DIALOG_VIDEO_LENGTH:
		flow_say(flow, "want_button", NULL);
		ask(flow, state);
		break;
	case DIALOG_FORGET:
		flow_leave(flow);
		propose_mode(flow, MODE_GENERATE, words);
		break;
	case DIALOG_BROADCAST:          /* flow/admin.c takes what arrives then */
	case DIALOG_COUNT:
	default: fault("a state without a case");
	}
}

/* ---- photos ------------------------------------------------------------------------------------------- */

static bool add_file(struct flow *flow, const char *form)
{
	return talk_add(&flow->talk, flow->update->file_id, form, flow->update->message_id);
}

/* The photo in the place of those there were. */
static void set_photo(struct flow *flow)
{
	flow->talk.count = 0;
	flow->talk.clip_s = 0;
	must(add_file(flow, "photo"));
}

/* The words that came with the photo, or before it. */
static const char *words_with(struct flow *flow)
{
	char *words = arena_str(flow->arena, flow->update->text);
	return str_trim(words) ? words : flow->talk.text ? flow->talk.text : "";
}

/* A part of an album: the database gathers them, and asks when they are all there. */
static void add_album(struct flow *flow)
{
	struct talk one = {.state = DIALOG_IDLE};
	must(talk_add(&one, flow->update->file_id, "photo", 0));
	json *files = json_read(talk_files(&one, flow->arena), strlen(talk_files(&one, flow->arena)));
	struct plan_step *step = flow_step(flow, PLAN_ALBUM);
	step->group = flow->update->group_id;
	step->message = flow->update->message_id;
	step->files = arena_str(flow->arena, json_write(json_at(files, "0")));
	step->prompt = flow->update->text;
	json_drop(files);
}

/* A photo that was not asked for: one with words is edited, one alone is asked about. */
static void take_stray_photo(struct flow *flow)
{
	flow->talk = (struct talk){.state = DIALOG_IDLE};
	set_photo(flow);
	const char *words = words_with(flow);
	if (!*words)
		ask(flow, DIALOG_CHOICE);
	else if (quote_words(flow, words, false))
		propose_mode(flow, MODE_EDIT, words);
	else
		ask(flow, DIALOG_EDIT_TEXT);
}

/* One more of the photos to be merged. What follows at once is answered together. */
static void take_merge_photo(struct flow *flow)
{
	const char *words = words_with(flow);
	bool added = add_file(flow, "photo");
	if (*words && !quote_words(flow, words, false))
		return;
	flow->talk.text = *words ? words : NULL;
	json *args = json_new();
	json_set_i64(args, "screen", flow->talk.screen);
	json_set_i64(args, "count", (int64_t)flow->talk.count);
	if (flow->talk.count >= 2)
		json_set_i64(args, "enough", 1);
	if (!added)
		json_set_i64(args, "full", 1);
	flow_say(flow, "merge_photos", args)->topic = arena_fmt(flow->arena, "merge:%lld",
		(long long)flow->talk.screen);
}

static void take_film_photo(struct flow *flow)
{
	struct talk *talk = &flow->talk;
	if (talk->state == DIALOG_VIDEO_PHOTO) {
		/* The photo goes before the film. */
		struct talk_file film = talk->files[talk->count - 1];
		talk->files[0] = (struct talk_file){flow->update->file_id, "photo", 0};
		talk->files[1] = film;
		talk->count = 2;
		quote_propose(flow, film_offer(flow), words_with(flow));
		return;
	}
	set_photo(flow);
	const char *words = words_with(flow);
	if (!film_offer(flow)) {
		talk->count = 0;
		flow_say(flow, "video_no_photo", NULL);
		ask(flow, DIALOG_VIDEO_INPUT);
	} else if (*words) {
		quote_propose(flow, film_offer(flow), words);
	} else {
		ask(flow, DIALOG_VIDEO_TEXT);
	}
}

static void take_photo_for_words(struct flow *flow, enum mode mode, enum dialog then)
{
	set_photo(flow);
	const char *words = words_with(flow);
	flow->talk.text = NULL;
	/* Words that will not do are told to be so, and asked for again: the photo is kept. */
	if (*words && quote_words(flow, words, mode == MODE_ADD_TEXT))
		propose_mode(flow, mode, words);
	else
		ask(flow, then);
}

/* What stands in the way of a picture that came as a file; null: nothing. */
static const char *picture_problem(const struct update *update)
{
	static const char *const kinds[] = {"image/jpeg", "image/jpg", "image/png", "image/webp"};
	bool known = update->kind == UPDATE_PHOTO;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		known |= str_equal(update->mime, kinds[i]);
	return !known ? "image_kind" : update->file_size > FLOW_FILE_MAX ? "image_large" : NULL;
}

void take_photo(struct flow *flow)
{
	const char *problem = picture_problem(flow->update);
	const char *group = flow->update->group_id;
	enum dialog state = flow->talk.state;
	bool merges = state == DIALOG_MERGE_PHOTOS || state == DIALOG_MERGE_TEXT;
	if (problem) {
		flow_say(flow, problem, NULL);
		if (state != DIALOG_IDLE)
			ask(flow, state);
		return;
	}
	/* Several at once where one is wanted: which is meant, nobody can tell. */
	if (group && strlen(group) <= 64 && !merges && state != DIALOG_SUM) {
		add_album(flow);
		return;
	}
	switch (state) {
	case DIALOG_IDLE:
	case DIALOG_PROMPT:
	case DIALOG_CHOICE:
	case DIALOG_VIDEO_MODEL:
	case DIALOG_VIDEO_LENGTH:
	case DIALOG_FORGET: take_stray_photo(flow); break;
	case DIALOG_SUM: pay_sum_ask(flow, "sum_wrong"); break;
	case DIALOG_EDIT_PHOTO:
	case DIALOG_EDIT_TEXT: take_photo_for_words(flow, MODE_EDIT, DIALOG_EDIT_TEXT); break;
	case DIALOG_CAPTION_PHOTO:
	case DIALOG_CAPTION_TEXT: take_photo_for_words(flow, MODE_ADD_TEXT, DIALOG_CAPTION_TEXT); break;
	case DIALOG_MERGE_PHOTOS:
	case DIALOG_MERGE_TEXT:
		flow->talk.state = DIALOG_MERGE_PHOTOS;
		take_merge_photo(flow);
		break;
	case DIALOG_FACE:
		set_photo(flow);
		ask(flow, DIALOG_FACE_TARGET);
		break;
	case DIALOG_FACE_TARGET:
		flow->talk.files[1] = (struct talk_file){flow->update->file_id, "photo", 0};
		flow->talk.count = 2;
		propose_mode(flow, MODE_FACE_SWAP, "");
		break;
	case DIALOG_RETOUCH:
		set_photo(flow);
		propose_mode(flow, MODE_RETOUCH, "");
		break;
	case DIALOG_UPSCALE:
		set_photo(flow);
		propose_mode(flow, MODE_UPSCALE, "");
		break;
	case DIALOG_VIDEO_INPUT:
	case DIALOG_VIDEO_TEXT:
	case DIALOG_VIDEO_PHOTO: take_film_photo(flow); break;
	case DIALOG_BROADCAST:          /* as above */
	case DIALOG_COUNT:
	default: fault("a state without a case");
	}
}

/* ---- films -------------------------------------------------------------------------------------------- */

/* Whether a film can be worked on; else it has been said why not. */
static bool is_film_good(struct flow *flow)
{
	const struct update *update = flow->update;
	json *args = json_new();
	const char *problem = update->file_size > FLOW_FILE_MAX ? "video_large" : update->length_s == 0 ? "video_as_file"
		: update->length_s < FLOW_CLIP_MIN || update->length_s > FLOW_CLIP_MAX ? "clip_length"
		: NULL;
	json_set_i64(args, "length", update->length_s);
	json_set_i64(args, "min", FLOW_CLIP_MIN);
	json_set_i64(args, "max", FLOW_CLIP_MAX);
	if (problem)
		flow_say(flow, problem, args);
	else
		json_drop(args);
	return !problem;
}

/* The first family that takes films as they are. */
static const char *film_family(struct flow *flow, int length_s)
{
	const char *title, *id;
	for (size_t i = 0; (id = catalog_family(flow->setting->catalog, i, &title)); i++)
		if (quote_video(flow, id, TAKES_VIDEO, length_s))
			return id;
	return NULL;
}

static void set_film(struct flow *flow)
{
	flow->talk.count = 0;
	flow->talk.clip_s = flow->update->length_s;
	must(add_file(flow, "video"));
}

/* A film for the family that is talked about, or (as a shortcut) for the first that takes one. */
static void use_film(struct flow *flow)
{
	struct talk *talk = &flow->talk;
	int length_s = flow->update->length_s <= 5 ? 5 : 10;
	const char *words = words_with(flow);
	struct talk_file photo = talk->files[0];
	bool has_photo = talk->count && !str_equal(photo.form, "video");
	set_film(flow);
	talk->text = *words ? words : NULL;
	if (!talk->length_s)
		talk->length_s = length_s;
	if (*words && !quote_words(flow, words, false)) {
		talk->text = NULL;
		ask(flow, DIALOG_VIDEO_TEXT);
	} else if (quote_video(flow, talk->family, TAKES_VIDEO, length_s)) {
		if (*words)
			quote_propose(flow, film_offer(flow), words);
		else
			ask(flow, DIALOG_VIDEO_TEXT);
	} else if (quote_video(flow, talk->family, TAKES_MOTION, length_s)) {
		if (has_photo) {
			talk->files[1] = talk->files[0];
			talk->files[0] = photo;
			talk->count = 2;
			quote_propose(flow, film_offer(flow), words);
		} else {
			ask(flow, DIALOG_VIDEO_PHOTO);
		}
	} else {
		talk->count = 0;
		talk->clip_s = 0;
		flow_say(flow, "video_no_film", NULL);
		ask(flow, DIALOG_VIDEO_INPUT);
	}
}

/* What a state makes of a film. */
enum film { FILM_STRAY, FILM_WANTED, FILM_NO_PHOTO /* a photo is wanted */, FILM_NO_TEXT /* words are */ };

static enum film film_in(enum dialog state)
{
	switch (state) {
	case DIALOG_VIDEO_LENGTH:
	case DIALOG_VIDEO_INPUT:
	case DIALOG_VIDEO_TEXT:
	case DIALOG_VIDEO_PHOTO: return FILM_WANTED;
	case DIALOG_EDIT_PHOTO:
	case DIALOG_MERGE_PHOTOS:
	case DIALOG_FACE:
	case DIALOG_FACE_TARGET:
	case DIALOG_RETOUCH:
	case DIALOG_UPSCALE:
	case DIALOG_CAPTION_PHOTO: return FILM_NO_PHOTO;
	case DIALOG_EDIT_TEXT:
	case DIALOG_MERGE_TEXT:
	case DIALOG_CAPTION_TEXT: return FILM_NO_TEXT;
	case DIALOG_IDLE:
	case DIALOG_PROMPT:
	case DIALOG_VIDEO_MODEL:
	case DIALOG_CHOICE:
	case DIALOG_SUM:
	case DIALOG_FORGET: return FILM_STRAY;
	case DIALOG_BROADCAST:          /* as above */
	case DIALOG_COUNT:
	default: fault("a state without a case");
	}
}

void take_film(struct flow *flow)
{
	enum dialog state = flow->talk.state;
	enum film film = film_in(state);
	if (state == DIALOG_SUM) {
		pay_sum_ask(flow, "sum_wrong");
	} else if (flow->update->group_id && film != FILM_WANTED) {
		flow_say(flow, "album_film", NULL);
	} else if (film == FILM_NO_PHOTO || film == FILM_NO_TEXT) {
		flow_say(flow, film == FILM_NO_PHOTO ? "want_photo" : "want_text", NULL);
		ask(flow, state);
	} else if (!is_film_good(flow)) {
		if (state != DIALOG_IDLE)
			ask(flow, state);
	} else if (film == FILM_WANTED) {
		use_film(flow);
	} else {
		const char *family = film_family(flow, flow->update->length_s <= 5 ? 5 : 10);
		flow->talk = (struct talk){.state = DIALOG_IDLE, .family = family};
		if (family)
			use_film(flow);
		else
			flow_say(flow, "video_none", NULL);
	}
}

/* ---- anything else ------------------------------------------------------------------------------------ */

void take_other(struct flow *flow)
{
	static const struct { const char *what, *words; } kinds[] = {
		{"voice", "voice"}, {"audio", "voice"}, {"video_note", "voice"}, {"sticker", "sticker"},
		{"animation", "sticker"},
		{"dice", "sticker"}, {"game", "sticker"}, {"document", "document"},
	};
	const char *words = "thing";
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (str_equal(kinds[i].what, flow->update->what))
			words = kinds[i].words;
	json *args = json_new();
	json_set_text(args, "what", words);
	flow_say(flow, "other", args);
	if (flow->talk.state != DIALOG_IDLE)
		ask(flow, flow->talk.state);
}
