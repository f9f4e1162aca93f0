/* What a person's message or press leads to: a table of dialog state × input, every cell filled. */
#include "flow/flow.h"

#include <string.h>

#include "base/str.h"
#include "data/button.h"
#include "data/notice.h"

/* What one decision looks at and fills. */
struct flow {
	const struct update *update;
	const struct views *views;
	const struct flow_setting *setting;
	struct arena *arena;
	struct plan *plan;
};

static const char *const dialog_names[DIALOG_COUNT] = {
	"idle", "prompt", "edit_photo", "edit_text", "merge_photos", "merge_text", "face", "face_target", "retouch",
	"upscale", "caption_photo", "caption_text", "video_model", "video_length", "video_input", "video_text",
	"video_photo", "choice", "sum", "forget",
};

const char *dialog_name(enum dialog dialog)
{
	must(dialog < DIALOG_COUNT);
	return dialog_names[dialog];
}

static enum dialog dialog_of(const char *text)
{
	enum dialog dialog = DIALOG_IDLE;
	json *stored = json_read(text, strlen(text));
	const char *name = json_text(stored, "state");
	for (size_t i = 0; name && i < DIALOG_COUNT; i++)
		if (str_equal(name, dialog_names[i]))
			dialog = (enum dialog)i;
	json_drop(stored);
	return dialog;
}

static struct plan_step *add_step(struct plan *plan, enum plan_kind kind)
{
	must(plan->count < PLAN_STEPS_MAX);
	struct plan_step *step = &plan->steps[plan->count++];
	*step = (struct plan_step){.kind = kind};
	return step;
}

/* The notice as text in the arena; takes args over. */
static const char *write_notice(struct arena *arena, const char *name, json *args)
{
	json *notice = notice_new(name, args);
	const char *text = arena_str(arena, json_write(notice));
	json_drop(notice);
	return text;
}

static struct plan_step *say(struct flow *flow, const char *name, json *args)
{
	struct plan_step *step = add_step(flow->plan, PLAN_SAY);
	step->notice = write_notice(flow->arena, name, args);
	return step;
}

static void set_dialog(struct flow *flow, enum dialog dialog)
{
	if (dialog_of(flow->views->dialog) != dialog)
		add_step(flow->plan, PLAN_DIALOG)->dialog =
			arena_fmt(flow->arena, "{\"state\":\"%s\"}", dialog_name(dialog));
}

static int64_t purse_of(const struct views *views, enum money_unit unit)
{
	return unit == UNIT_FREE ? views->free : unit == UNIT_CREDIT ? views->credit : views->rub;
}

static void set_purses(const struct views *views, json *args)
{
	json_set(args, "rub", money_json((struct money){UNIT_RUB, views->rub}));
	json_set_i64(args, "credit", views->credit);
	json_set_i64(args, "free", views->free);
	json_set_i64(args, "free_total", views->free_granted);
}

/* What the "short" notice says: price, what is there, what is missing. */
static json *new_short(struct money price, int64_t have)
{
	json *args = json_new();
	json_set(args, "price", money_json(price));
	json_set(args, "have", money_json((struct money){price.unit, have}));
	json_set(args, "missing", money_json((struct money){price.unit, price.amount - have}));
	return args;
}

/* ---- offers ------------------------------------------------------------------------------------------- */

static const char *preview_of(struct arena *arena, const char *prompt)
{
	size_t length = str_cut_utf16(prompt, FLOW_PREVIEW_MAX);
	if (!prompt[length])
		return prompt;
	return arena_fmt(arena, "%.*s…", (int)length, prompt);
}

/* The confirm screen with model, price and purse; nothing is charged before «Запустить». */
static void propose(struct flow *flow, const struct offer *offer, const char *prompt)
{
	struct money price;
	set_dialog(flow, DIALOG_IDLE);
	bool enough = offer_price(offer, flow->views->free, flow->views->credit, flow->views->rub, &price);
	json *args = new_short(price, purse_of(flow->views, price.unit));
	if (enough) {
		bool english = str_equal(flow->views->lang, "en");
		json_set_text(args, "prompt", preview_of(flow->arena, prompt));
		json_set_text(args, "model", english ? offer->title_en : offer->title_ru);
	}
	struct plan_step *step = add_step(flow->plan, PLAN_QUOTE);
	step->offer = offer;
	step->prompt = prompt;
	step->price = price;
	step->waits = !enough;
	step->notice = arena_str(flow->arena, json_write(args));
	json_drop(args);
}

static void take_prompt(struct flow *flow)
{
	char *prompt = arena_str(flow->arena, flow->update->text);
	const struct offer *offer = catalog_first(flow->setting->catalog, MODE_GENERATE);
	size_t length = str_trim(prompt), units = str_utf16(prompt);
	if (length == 0 || !offer) {
		say(flow, "menu", NULL);
	} else if (units > FLOW_PROMPT_MAX) {
		json *args = json_new();
		json_set_i64(args, "length", (int64_t)units);
		json_set_i64(args, "max", FLOW_PROMPT_MAX);
		say(flow, "prompt_long", args);
	} else {
		propose(flow, offer, prompt);
	}
}

/* ---- commands ----------------------------------------------------------------------------------------- */

static void say_welcome(struct flow *flow)
{
	json *args = json_new();
	set_dialog(flow, DIALOG_IDLE);
	if (*flow->update->first_name)
		json_set_text(args, "name", flow->update->first_name);
	if (flow->views->free > 0)
		json_set(args, "free", money_json((struct money){UNIT_FREE, flow->views->free}));
	say(flow, "welcome", args);
}

static void say_help(struct flow *flow)
{
	say(flow, "help", NULL);
}

static void say_balance(struct flow *flow)
{
	json *args = json_new();
	set_purses(flow->views, args);
	say(flow, "balance", args);
}

/* ---- payments ----------------------------------------------------------------------------------------- */

static json *new_packages(const struct flow_setting *setting)
{
	json *list = json_new_array();
	for (size_t i = 0; i < catalog_package_count(setting->catalog); i++) {
		const struct package *package = catalog_package(setting->catalog, i);
		enum money_unit unit = str_equal(setting->package_currency, "RUB") ? UNIT_RUB : UNIT_USD;
		json *item = json_new();
		json_set_text(item, "word", package->id);
		json_set_i64(item, "credits", package->credits);
		json_set(item, "price", money_json((struct money){unit, package->price}));
		if (package->discount)
			json_set_i64(item, "discount", package->discount);
		json_push(list, item);
	}
	return list;
}

static void say_pay(struct flow *flow)
{
	json *args = json_new();
	set_dialog(flow, DIALOG_IDLE);
	set_purses(flow->views, args);
	if (flow->setting->roubles)
		json_set_i64(args, "roubles", flow->setting->topup_max);
	if (flow->setting->packages && catalog_package_count(flow->setting->catalog))
		json_set(args, "packages", new_packages(flow->setting));
	bool any = json_at(args, "roubles") || json_at(args, "packages");
	say(flow, any ? "pay_menu" : "pay_none", args);
}

static void say_sum(struct flow *flow, const char *notice)
{
	json *args = json_new();
	json_set_i64(args, "min", FLOW_TOPUP_MIN);
	json_set_i64(args, "max", flow->setting->topup_max);
	say(flow, notice, args);
}

static void pay_roubles(struct flow *flow, int64_t roubles)
{
	if (!flow->setting->roubles) {
		say_pay(flow);
		return;
	}
	set_dialog(flow, DIALOG_IDLE);
	struct plan_step *step = add_step(flow->plan, PLAN_PAY);
	step->pay.provider = "yookassa";
	step->pay.currency = "RUB";
	step->pay.amount = roubles * 100;
	step->pay.grant = (struct money){UNIT_RUB, roubles * 100};
}

static void pay_package(struct flow *flow, const char *id)
{
	const struct package *package = catalog_package_find(flow->setting->catalog, id);
	if (!package || !flow->setting->packages) {
		flow->plan->toast = "toast.gone";
		return;
	}
	set_dialog(flow, DIALOG_IDLE);
	struct plan_step *step = add_step(flow->plan, PLAN_PAY);
	step->pay.provider = "betatransfer";
	step->pay.currency = flow->setting->package_currency;
	step->pay.amount = package->price;
	step->pay.grant = (struct money){UNIT_CREDIT, package->credits};
	step->pay.package = package->id;
}

static bool is_rouble(const char *name)
{
	static const char *const names[] = {"", "₽", "р", "р.", "Р", "Р.", "руб", "руб.", "Руб", "Руб.", "рубль", "рубля",
		"рублей", "rub", "RUB"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_equal(name, names[i]))
			return true;
	return false;
}

/* "250", "250 ₽", "250 руб.": a whole number of roubles and perhaps its name. */
static void take_sum(struct flow *flow)
{
	char *text = arena_str(flow->arena, flow->update->text);
	int64_t roubles;
	str_trim(text);
	size_t digits = strspn(text, "0123456789");
	char *rest = arena_str(flow->arena, text + digits);
	text[digits] = '\0';
	str_trim(rest);
	if (!is_rouble(rest) || !str_to_i64(text, FLOW_TOPUP_MIN, flow->setting->topup_max, &roubles))
		say_sum(flow, "sum_wrong");
	else
		pay_roubles(flow, roubles);
}

static void say_statement(struct flow *flow)
{
	const char *text = flow->views->statement;
	json *args = text ? json_read(text, strlen(text)) : NULL;
	if (json_count(args, "rows")) {
		say(flow, "statement", args);
		return;
	}
	json_drop(args);
	say(flow, "statement_empty", NULL);
}

static void check_payment(struct flow *flow, int64_t payment)
{
	add_step(flow->plan, PLAN_PAY_CHECK)->number = payment;
}

static void cancel_dialog(struct flow *flow)
{
	set_dialog(flow, DIALOG_IDLE);
	say(flow, "dialog_cancelled", NULL);
}

static void take_command(struct flow *flow)
{
	static const struct {
		const char *name;
		void (*act)(struct flow *flow);
	} commands[] = {
		{"start", say_welcome}, {"help", say_help}, {"balance", say_balance},
		{"pay", say_pay}, {"statement", say_statement}, {"cancel", cancel_dialog},
	};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (str_equal(commands[i].name, flow->update->command)) {
			commands[i].act(flow);
			return;
		}
	}
	say(flow, "unknown_command", NULL);
}

/* ---- buttons ------------------------------------------------------------------------------------------ */

static void press_mode(struct flow *flow, const char *word)
{
	enum mode mode;
	if (mode_from(word, &mode)) {
		flow->plan->toast = "toast.gone";
	} else if (mode == MODE_GENERATE) {
		set_dialog(flow, DIALOG_PROMPT);
		say(flow, "ask_prompt", NULL);
	} else {
		say(flow, "mode_soon", NULL);
	}
}

static void press_again(struct flow *flow)
{
	const struct offer *offer = catalog_find(flow->setting->catalog, flow->views->job.offer);
	if (flow->views->job.found && offer)
		propose(flow, offer, flow->views->job.prompt);
	else
		flow->plan->toast = "toast.gone";
}

static void press_quote(struct flow *flow, enum plan_kind kind, int64_t quote)
{
	struct plan_step *step = add_step(flow->plan, kind);
	step->number = quote;
	step->message = flow->update->message_id;
}

/* The number comes from the client: it is held to the same bounds as a typed one. */
static void press_topup(struct flow *flow, int64_t roubles)
{
	if (roubles < FLOW_TOPUP_MIN || roubles > flow->setting->topup_max)
		flow->plan->toast = "toast.gone";
	else
		pay_roubles(flow, roubles);
}

/* An old menu may still offer what is switched off now. */
static void press_sum(struct flow *flow)
{
	if (!flow->setting->roubles) {
		say_pay(flow);
		return;
	}
	set_dialog(flow, DIALOG_SUM);
	say_sum(flow, "ask_sum");
}

static void take_press(struct flow *flow)
{
	struct button button;
	if (button_read(flow->update->data, &button)) {
		flow->plan->toast = "toast.gone";
		return;
	}
	switch (button.verb) {
	case BUTTON_MENU: set_dialog(flow, DIALOG_IDLE); say(flow, "menu", NULL); break;
	case BUTTON_MODE: press_mode(flow, button.word); break;
	case BUTTON_PAY: say_pay(flow); break;
	case BUTTON_TOPUP: press_topup(flow, button.number); break;
	case BUTTON_SUM: press_sum(flow); break;
	case BUTTON_PACKAGE: pay_package(flow, button.word); break;
	case BUTTON_CHECK: check_payment(flow, button.number); break;
	case BUTTON_STATEMENT: say_statement(flow); break;
	case BUTTON_CSV: add_step(flow->plan, PLAN_STATEMENT_FILE); break;
	case BUTTON_CANCEL: cancel_dialog(flow); break;
	case BUTTON_GO: press_quote(flow, PLAN_ORDER, button.number); break;
	case BUTTON_NO: press_quote(flow, PLAN_QUOTE_CANCEL, button.number); break;
	case BUTTON_AGAIN: press_again(flow); break;
	case BUTTON_UPSCALE:
	case BUTTON_CHANGE:
	case BUTTON_ORIGINAL: flow->plan->toast = "toast.soon"; break;
	case BUTTON_VERB_COUNT:
	default: flow->plan->toast = "toast.soon"; break;
	}
}

/* ---- files -------------------------------------------------------------------------------------------- */

/* An album arrives as several updates: one answer for all of them. */
static void take_file(struct flow *flow)
{
	const struct update *update = flow->update;
	bool large = update->kind == UPDATE_VIDEO && update->file_size > FLOW_VIDEO_MAX;
	struct plan_step *step = say(flow, large ? "video_large" : "media_soon", NULL);
	if (update->group_id && strlen(update->group_id) <= 64)
		step->dedup = arena_fmt(flow->arena, "album:%lld:%s", (long long)update->person_id, update->group_id);
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

void flow_needs(const struct update *update, struct needs *needs)
{
	struct button button;
	*needs = (struct needs){0};
	if (update->kind == UPDATE_COMMAND && str_equal(update->command, "statement"))
		needs->statement = INT64_MAX;
	if (update->kind != UPDATE_PRESS || button_read(update->data, &button))
		return;
	if (button.verb == BUTTON_AGAIN)
		needs->job = button.number;
	if (button.verb == BUTTON_STATEMENT)
		needs->statement = button.number;
}

/* A closed gate still gets an answer: the first refusal in words, later ones as a toast for presses only. */
static bool pass_gate(struct flow *flow)
{
	bool press = flow->update->kind == UPDATE_PRESS;
	switch (flow->views->gate) {
	case GATE_OPEN:
		return true;
	case GATE_LIMITED:
		say(flow, "limit_rate", NULL);
		break;
	case GATE_LIMITED_TOLD:
		break;
	case GATE_BANNED:
		if (flow->update->kind == UPDATE_COMMAND)
			say(flow, "banned", NULL);
		return false;
	default:
		fault("a gate without a case");
	}
	if (press)
		flow->plan->toast = "toast.wait";
	return false;
}

void flow_decide(const struct update *update, const struct views *views, const struct flow_setting *setting,
	struct arena *arena, struct plan *plan)
{
	struct flow flow = {update, views, setting, arena, plan};
	*plan = (struct plan){.count = 0};
	if (update->kind == UPDATE_BLOCKED) {
		add_step(plan, PLAN_UNREACHABLE);
		return;
	}
	if (update->kind == UPDATE_PAYMENT) {
		/* We issue no invoices in Telegram: money that nobody ordered goes to the operator, never to a purse. */
		add_step(plan, PLAN_PARK)->notice = arena_fmt(arena, "payment nobody ordered, charge %s",
			update->charge_id);
		return;
	}
	if (update->kind == UPDATE_CHECKOUT) {
		plan->toast = "toast.checkout";
		return;
	}
	if (update->kind == UPDATE_UNBLOCKED || update->kind == UPDATE_IGNORED || !pass_gate(&flow))
		return;
	switch (update->kind) {
	case UPDATE_TEXT:
		if (dialog_of(views->dialog) == DIALOG_SUM)
			take_sum(&flow);
		else
			take_prompt(&flow);
		break;
	case UPDATE_COMMAND: take_command(&flow); break;
	case UPDATE_PHOTO:
	case UPDATE_VIDEO:
	case UPDATE_IMAGE_FILE:
	case UPDATE_OTHER: take_file(&flow); break;
	case UPDATE_PRESS: take_press(&flow); break;
	case UPDATE_IGNORED:
	case UPDATE_BLOCKED:
	case UPDATE_UNBLOCKED:
	case UPDATE_CHECKOUT:
	case UPDATE_PAYMENT:
	case UPDATE_KIND_COUNT: break;
	default: fault("an update without a case");
	}
}

static void add_notice(struct plan *plan, struct arena *arena, const char *name, json *args)
{
	add_step(plan, PLAN_SAY)->notice = write_notice(arena, name, args);
}

static void answer_short(const struct refusal *refusal, struct arena *arena, struct plan *plan)
{
	if (refusal->price.unit == UNIT_FREE) {
		add_notice(plan, arena, "quote_changed", NULL);
		return;
	}
	int64_t have = refusal->price.unit == UNIT_CREDIT ? refusal->credit : refusal->rub;
	add_notice(plan, arena, "short", new_short(refusal->price, have));
}

bool flow_can_be_refused(const struct plan_step *step)
{
	return step->kind == PLAN_ORDER || step->kind == PLAN_QUOTE_CANCEL || step->kind == PLAN_PAY ||
		step->kind == PLAN_PAY_CHECK;
}

/* A payment: what there is to say the database has said itself. */
static void answer_pay(const struct plan_step *step, const char *outcome, struct arena *arena, struct plan *plan)
{
	if (str_equal(outcome, "limit"))
		add_notice(plan, arena, "pay_limit", NULL);
	else if (step->kind == PLAN_PAY_CHECK)
		plan->toast = str_equal(outcome, "gone") ? "toast.gone" : "toast.asked";
}

void flow_answer(const struct plan_step *step, const struct refusal *refusal, const struct flow_setting *setting,
	struct arena *arena, struct plan *plan)
{
	const char *outcome = refusal->outcome;
	bool order = step->kind == PLAN_ORDER;
	if (step->kind == PLAN_PAY || step->kind == PLAN_PAY_CHECK) {
		answer_pay(step, outcome, arena, plan);
	} else if (str_equal(outcome, "debt")) {
		json *args = json_new();
		json_set(args, "debt", money_json(refusal->debt));
		add_notice(plan, arena, "debt", args);
	} else if (str_equal(outcome, "ordered")) {
		plan->toast = order ? "toast.started" : "toast.already";
	} else if (str_equal(outcome, "cancelled")) {
		plan->toast = "toast.cancelled";
	} else if (str_equal(outcome, "already")) {
		plan->toast = "toast.already";
	} else if (str_equal(outcome, "limit")) {
		json *args = json_new();
		json_set_i64(args, "max", setting->jobs_max);
		add_notice(plan, arena, "limit_jobs", args);
	} else if (str_equal(outcome, "short")) {
		answer_short(refusal, arena, plan);
	} else {
		plan->toast = "toast.gone";
	}
}
