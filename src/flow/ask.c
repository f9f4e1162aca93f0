/* The questions of the dialog: one for each state, said anew whenever somebody is lost. */
#include "flow/own.h"

#include "base/str.h"

static const char *const questions[DIALOG_COUNT] = {
	[DIALOG_IDLE] = "menu", [DIALOG_PROMPT] = "ask_prompt", [DIALOG_EDIT_PHOTO] = "ask_edit_photo",
	[DIALOG_EDIT_TEXT] = "ask_edit_text", [DIALOG_MERGE_PHOTOS] = "ask_merge_photos",
	[DIALOG_MERGE_TEXT] = "ask_merge_text", [DIALOG_FACE] = "ask_face", [DIALOG_FACE_TARGET] = "ask_face_target",
	[DIALOG_RETOUCH] = "ask_retouch", [DIALOG_UPSCALE] = "ask_upscale", [DIALOG_CAPTION_PHOTO] = "ask_caption_photo",
	[DIALOG_CAPTION_TEXT] = "ask_caption_text", [DIALOG_VIDEO_MODEL] = "ask_video_model",
	[DIALOG_VIDEO_LENGTH] = "ask_video_length", [DIALOG_VIDEO_INPUT] = "ask_video_input",
	[DIALOG_VIDEO_TEXT] = "ask_video_text", [DIALOG_VIDEO_PHOTO] = "ask_video_photo", [DIALOG_CHOICE] = "choice",
	[DIALOG_SUM] = "ask_sum", [DIALOG_FORGET] = "forget_ask", [DIALOG_BROADCAST] = "broadcast_ask",
};

static const char *title_of(const struct catalog *catalog, const char *family)
{
	const char *title, *id;
	for (size_t i = 0; (id = catalog_family(catalog, i, &title)); i++)
		if (str_equal(id, family))
			return title;
	return family;
}

/* The families that make something now, a button each. */
static json *new_families(struct flow *flow)
{
	json *list = json_new_array();
	const char *title, *id;
	for (size_t i = 0; (id = catalog_family(flow->setting->catalog, i, &title)); i++) {
		bool any = false;
		for (int takes = TAKES_TEXT; takes <= TAKES_MOTION; takes++)
			any |= quote_video(flow, id, (enum offer_takes)takes, 5) ||
				quote_video(flow, id, (enum offer_takes)takes, 10);
		if (!any)
			continue;
		json *item = json_new();
		json_set_text(item, "word", id);
		json_set_text(item, "title", title);
		json_push(list, item);
	}
	return list;
}

/* What the chosen family can be given, as flags of the words. */
static void set_takes(struct flow *flow, json *args)
{
	static const char *const names[] = {
		[TAKES_TEXT] = "text", [TAKES_PHOTO] = "photo", [TAKES_VIDEO] = "film", [TAKES_MOTION] = "motion",
	};
	for (int takes = TAKES_TEXT; takes <= TAKES_MOTION; takes++)
		if (quote_video(flow, flow->talk.family, (enum offer_takes)takes, flow->talk.length_s))
			json_set_i64(args, names[takes], 1);
}

static void set_args(struct flow *flow, enum dialog state, json *args)
{
	const struct talk *talk = &flow->talk;
	if (state == DIALOG_MERGE_PHOTOS || state == DIALOG_MERGE_TEXT)
		json_set_i64(args, "count", (int64_t)talk->count);
	if (state == DIALOG_MERGE_PHOTOS && talk->count >= 2)
		json_set_i64(args, "enough", 1);
	if (state == DIALOG_CAPTION_TEXT)
		json_set_i64(args, "max", FLOW_CAPTION_MAX);
	if (talk->text && (state == DIALOG_EDIT_PHOTO || state == DIALOG_CAPTION_PHOTO))
		json_set_i64(args, "kept", 1);
	if (talk->family)
		json_set_text(args, "model", title_of(flow->setting->catalog, talk->family));
	if (state == DIALOG_VIDEO_INPUT)
		set_takes(flow, args);
	if (state == DIALOG_VIDEO_TEXT && talk->clip_s)
		json_set_i64(args, "clip", 1);
	if (state == DIALOG_SUM) {
		json_set_i64(args, "min", FLOW_TOPUP_MIN);
		json_set_i64(args, "max", flow->setting->topup_max);
	}
	if (state == DIALOG_FORGET)
		flow_set_purses(flow->views, args);
}

void ask(struct flow *flow, enum dialog state)
{
	json *args = json_new();
	if (state == DIALOG_IDLE) {
		flow_leave(flow);
		flow_say(flow, questions[state], args);
		return;
	}
	flow->talk.state = state;
	flow->talk.screen = flow->update->id;
	json_set_i64(args, "screen", flow->talk.screen);
	set_args(flow, state, args);
	if (state == DIALOG_VIDEO_MODEL) {
		json *families = new_families(flow);
		if (json_count(families, "") == 0) {
			json_drop(families);
			json_drop(args);
			flow_leave(flow);
			flow_say(flow, "mode_none", NULL);
			return;
		}
		json_set(args, "families", families);
	}
	flow_say(flow, questions[state], args);
}

/* The state a mode begins in, and the one that follows its first photo. */
static const struct { enum dialog first, then; } begins[MODE_COUNT] = {
	[MODE_GENERATE] = {DIALOG_PROMPT, DIALOG_PROMPT}, [MODE_EDIT] = {DIALOG_EDIT_PHOTO, DIALOG_EDIT_TEXT},
	[MODE_MERGE] = {DIALOG_MERGE_PHOTOS, DIALOG_MERGE_PHOTOS}, [MODE_FACE_SWAP] = {DIALOG_FACE, DIALOG_FACE_TARGET},
	[MODE_RETOUCH] = {DIALOG_RETOUCH, DIALOG_IDLE}, [MODE_UPSCALE] = {DIALOG_UPSCALE, DIALOG_IDLE},
	[MODE_ADD_TEXT] = {DIALOG_CAPTION_PHOTO, DIALOG_CAPTION_TEXT},
	[MODE_VIDEO] = {DIALOG_VIDEO_MODEL, DIALOG_VIDEO_MODEL},
};

void ask_mode(struct flow *flow, enum mode mode)
{
	const struct offer *offer = mode == MODE_VIDEO ? NULL : quote_pick(flow, mode);
	if (mode != MODE_VIDEO && !offer) {
		flow_leave(flow);
		flow_say(flow, "mode_none", NULL);
	} else if (flow->talk.count && begins[mode].then == DIALOG_IDLE) {
		quote_propose(flow, offer, "");
	} else {
		ask(flow, flow->talk.count ? begins[mode].then : begins[mode].first);
	}
}
