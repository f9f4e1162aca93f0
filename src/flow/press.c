/* Buttons: every verb that data/button.h knows. */
#include "flow/own.h"

#include "base/str.h"

static void gone(struct flow *flow)
{
	flow->plan->toast = "toast.gone";
}

/* A press that starts, withdraws or checks something the database knows by number. */
static void order(struct flow *flow, enum plan_kind kind, int64_t number)
{
	struct plan_step *step = flow_step(flow, kind);
	step->number = number;
	step->message = flow->update->message_id;
}

static void press_mode(struct flow *flow, const char *word)
{
	enum mode mode;
	if (mode_from(word, &mode)) {
		gone(flow);
		return;
	}
	flow_leave(flow);
	ask_mode(flow, mode);
}

/* The first start asks about the terms. */
static void press_go(struct flow *flow, int64_t quote)
{
	if (!flow_terms_open(flow)) {
		order(flow, PLAN_ORDER, quote);
		return;
	}
	json *args = json_new();
	json_set_i64(args, "quote", quote);
	flow_say(flow, "terms_ask", args);
}

static void press_accept(struct flow *flow, int64_t quote)
{
	if (flow_terms_open(flow))
		flow_step(flow, PLAN_TERMS)->number = flow->setting->terms;
	if (quote)
		order(flow, PLAN_ORDER, quote);
	else
		pay_menu(flow);
}

/* ---- under a result ----------------------------------------------------------------------------------- */

static void press_again(struct flow *flow)
{
	const struct offer *offer = flow->views->job.found
		? catalog_find(flow->setting->catalog, flow->views->job.offer) : NULL;
	if (!offer) {
		gone(flow);
		return;
	}
	flow_leave(flow);
	talk_load(&flow->talk, flow->views->job.files, flow->arena);
	quote_propose(flow, offer, flow->views->job.prompt);
}

/* The result as what the next job is given. False: it is no picture, and that was told. */
static bool load_result(struct flow *flow)
{
	if (!flow->views->job.found || !flow->views->job.result) {
		gone(flow);
		return false;
	}
	if (str_equal(flow->views->job.mode, mode_name(MODE_VIDEO))) {
		flow->plan->toast = "toast.pictures_only";
		return false;
	}
	flow_leave(flow);
	return talk_add(&flow->talk, flow->views->job.result, "photo", 0);
}

/* ---- of the dialog: a button of another screen than the one in use is dead ---------------------------- */

static void press_use(struct flow *flow, const char *word)
{
	enum mode mode;
	if (flow->talk.state != DIALOG_CHOICE || mode_from(word, &mode) || mode == MODE_GENERATE || mode == MODE_MERGE)
		gone(flow);
	else
		ask_mode(flow, mode);
}

static void press_family(struct flow *flow, const char *word)
{
	const char *title, *id;
	for (size_t i = 0; flow->talk.state == DIALOG_VIDEO_MODEL &&
		(id = catalog_family(flow->setting->catalog, i, &title)); i++) {
		if (!str_equal(id, word))
			continue;
		flow->talk.family = id;
		ask(flow, DIALOG_VIDEO_LENGTH);
		return;
	}
	gone(flow);
}

/* The photo of a choice may be here already. */
static void press_length(struct flow *flow, const char *word)
{
	int64_t length;
	if (flow->talk.state != DIALOG_VIDEO_LENGTH || !str_to_i64(word, 5, 10, &length) || (length != 5 && length != 10)) {
		gone(flow);
		return;
	}
	flow->talk.length_s = (int)length;
	bool photo = flow->talk.count && quote_video(flow, flow->talk.family, TAKES_PHOTO, (int)length);
	if (!photo)
		flow->talk.count = 0;
	ask(flow, photo ? DIALOG_VIDEO_TEXT : DIALOG_VIDEO_INPUT);
}

static void press_done(struct flow *flow)
{
	if (flow->talk.state != DIALOG_MERGE_PHOTOS || flow->talk.count < 2)
		gone(flow);
	else if (flow->talk.text)
		quote_propose(flow, quote_pick(flow, MODE_MERGE), flow->talk.text);
	else
		ask(flow, DIALOG_MERGE_TEXT);
}

static void press_screen(struct flow *flow, const struct button *button)
{
	if (flow->talk.state == DIALOG_IDLE || flow->talk.screen != button->number) {
		gone(flow);
		return;
	}
	switch ((int)button->verb) {
	case BUTTON_DONE: press_done(flow); break;
	case BUTTON_USE: press_use(flow, button->word); break;
	case BUTTON_FAMILY: press_family(flow, button->word); break;
	case BUTTON_LENGTH: press_length(flow, button->word); break;
	case BUTTON_FORGET:
		if (flow->talk.state == DIALOG_FORGET) {
			flow_leave(flow);
			flow_step(flow, PLAN_FORGET);
		} else {
			gone(flow);
		}
		break;
	default:                /* «Отмена» */
		flow_leave(flow);
		flow_say(flow, "dialog_cancelled", NULL);
		break;
	}
}

static void press_album(struct flow *flow)
{
	if (!flow->views->album.found) {
		gone(flow);
		return;
	}
	flow_leave(flow);
	talk_load(&flow->talk, flow->views->album.files, flow->arena);
	if (flow->talk.count < 2)
		ask(flow, DIALOG_MERGE_PHOTOS);
	else if (*flow->views->album.caption)
		quote_propose(flow, quote_pick(flow, MODE_MERGE), flow->views->album.caption);
	else
		ask(flow, DIALOG_MERGE_TEXT);
}

static void press_lang(struct flow *flow, const char *word)
{
	if (!str_equal(word, "ru") && !str_equal(word, "en")) {
		gone(flow);
		return;
	}
	struct plan_step *step = flow_step(flow, PLAN_LANG);
	step->word = str_equal(word, "en") ? "en" : "ru";
	flow_say(flow, "language_set", NULL);
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

void press_take(struct flow *flow)
{
	struct button button;
	if (button_read(flow->update->data, &button)) {
		gone(flow);
		return;
	}
	switch (button.verb) {
	case BUTTON_MENU: command_menu(flow); break;
	case BUTTON_MODE: press_mode(flow, button.word); break;
	case BUTTON_PAY: pay_menu(flow); break;
	case BUTTON_TOPUP:
	case BUTTON_SUM:
	case BUTTON_PACKAGE: pay_press(flow, &button); break;
	case BUTTON_CHECK: order(flow, PLAN_PAY_CHECK, button.number); break;
	case BUTTON_STATEMENT: pay_statement(flow); break;
	case BUTTON_CSV: flow_step(flow, PLAN_STATEMENT_FILE); break;
	case BUTTON_GO: press_go(flow, button.number); break;
	case BUTTON_NO: order(flow, PLAN_QUOTE_CANCEL, button.number); break;
	case BUTTON_ACCEPT: press_accept(flow, button.number); break;
	case BUTTON_ACCEPT_PAY: press_accept(flow, 0); break;
	case BUTTON_TERMS: command_terms(flow); break;
	case BUTTON_AGAIN: press_again(flow); break;
	case BUTTON_UPSCALE:
		if (load_result(flow))
			quote_propose(flow, quote_pick(flow, MODE_UPSCALE), "");
		break;
	case BUTTON_CHANGE:
		if (load_result(flow))
			ask(flow, DIALOG_EDIT_TEXT);
		break;
	case BUTTON_ORIGINAL: order(flow, PLAN_ORIGINAL, button.number); break;
	case BUTTON_GET: order(flow, PLAN_RESEND, button.number); break;
	case BUTTON_JOBS: command_page(flow, PAGE_JOBS); break;
	case BUTTON_JOB_CANCEL: order(flow, PLAN_JOB_CANCEL, button.number); break;
	case BUTTON_HISTORY: command_page(flow, PAGE_HISTORY); break;
	case BUTTON_CANCEL:
	case BUTTON_DONE:
	case BUTTON_USE:
	case BUTTON_FAMILY:
	case BUTTON_LENGTH:
	case BUTTON_FORGET: press_screen(flow, &button); break;
	case BUTTON_ALBUM: press_album(flow); break;
	case BUTTON_MODELS:
	case BUTTON_OFFER:
	case BUTTON_RATIOS:
	case BUTTON_RATIO:
	case BUTTON_BACK: quote_press(flow, &button); break;
	case BUTTON_LANG: press_lang(flow, button.word); break;
	case BUTTON_ADMIN:
	case BUTTON_ADMIN_ON:
	case BUTTON_REFUND:
	case BUTTON_PRICE:
	case BUTTON_BROADCAST:
		if (admin_is(flow))
			admin_press(flow, &button);
		else
			gone(flow);
		break;
	case BUTTON_VERB_COUNT:
	default: fault("a verb without a case");
	}
}
