/* What a person's message or press leads to: what is needed, the gate, the plan, and the words for refusals. */
#include "flow/own.h"

#include <string.h>

#include "base/str.h"
#include "data/notice.h"

/* ---- shared ------------------------------------------------------------------------------------------- */

static struct plan_step *add_step(struct plan *plan, enum plan_kind kind)
{
	must(plan->count < PLAN_STEPS_MAX);
	struct plan_step *step = &plan->steps[plan->count++];
	*step = (struct plan_step){.kind = kind};
	return step;
}

struct plan_step *flow_step(struct flow *flow, enum plan_kind kind)
{
	return add_step(flow->plan, kind);
}

/* The notice as text in the arena; takes args over. */
static const char *write_notice(struct arena *arena, const char *name, json *args)
{
	json *notice = notice_new(name, args);
	const char *text = arena_str(arena, json_write(notice));
	json_drop(notice);
	return text;
}

struct plan_step *flow_say(struct flow *flow, const char *notice, json *args)
{
	struct plan_step *step = flow_step(flow, PLAN_SAY);
	step->notice = write_notice(flow->arena, notice, args);
	return step;
}

void flow_edit(struct flow *flow, const char *notice, json *args)
{
	struct plan_step *step = flow_step(flow, PLAN_EDIT);
	step->notice = write_notice(flow->arena, notice, args);
	step->message = flow->update->message_id;
}

void flow_leave(struct flow *flow)
{
	flow->talk = (struct talk){.state = DIALOG_IDLE};
}

int64_t flow_purse(const struct views *views, enum money_unit unit)
{
	return unit == UNIT_FREE ? views->free : unit == UNIT_CREDIT ? views->credit : views->rub;
}

void flow_set_purses(const struct views *views, json *args)
{
	json_set(args, "rub", money_json((struct money){UNIT_RUB, views->rub}));
	json_set_i64(args, "credit", views->credit);
	json_set_i64(args, "free", views->free);
	json_set_i64(args, "free_total", views->free_granted);
}

bool flow_terms_open(const struct flow *flow)
{
	return flow->views->terms < flow->setting->terms;
}

json *flow_short(struct money price, int64_t have)
{
	json *args = json_new();
	json_set(args, "price", money_json(price));
	json_set(args, "have", money_json((struct money){price.unit, have}));
	json_set(args, "missing", money_json((struct money){price.unit, price.amount - have}));
	return args;
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

static void command_needs(const struct update *update, struct needs *needs)
{
	int64_t job;
	if (str_equal(update->command, "statement"))
		needs->statement = INT64_MAX;
	else if (str_equal(update->command, "jobs"))
		needs->page = PAGE_JOBS;
	else if (str_equal(update->command, "stats"))
		needs->page = PAGE_STATS;
	else if (str_equal(update->command, "history") ||
		(str_equal(update->command, "get") && !str_to_i64(update->argument, 1, INT64_MAX, &job)))
		needs->page = PAGE_HISTORY;
	needs->before = INT64_MAX;
}

void flow_needs(const struct update *update, struct needs *needs)
{
	struct button button;
	*needs = (struct needs){0};
	if (update->kind == UPDATE_COMMAND)
		command_needs(update, needs);
	if (update->kind != UPDATE_PRESS || button_read(update->data, &button))
		return;
	switch ((int)button.verb) {
	case BUTTON_AGAIN:
	case BUTTON_UPSCALE:
	case BUTTON_CHANGE: needs->job = button.number; break;
	case BUTTON_MODELS:
	case BUTTON_OFFER:
	case BUTTON_RATIOS:
	case BUTTON_RATIO:
	case BUTTON_BACK: needs->quote = button.number; break;
	case BUTTON_ALBUM: needs->album = button.number; break;
	case BUTTON_STATEMENT: needs->statement = button.number; break;
	case BUTTON_JOBS: needs->page = PAGE_JOBS; break;
	case BUTTON_HISTORY:
		needs->page = PAGE_HISTORY;
		needs->before = button.number;
		break;
	default: break;
	}
}

static void say_banned(struct flow *flow)
{
	json *args = json_new();
	json_set_text(args, "reason", flow->views->ban_reason);
	flow_say(flow, "banned", args);
}

/* A closed gate still gets an answer: the first refusal in words, later ones as a toast for presses only. */
static bool pass_gate(struct flow *flow)
{
	bool press = flow->update->kind == UPDATE_PRESS;
	switch (flow->views->gate) {
	case GATE_OPEN:
		return true;
	case GATE_LIMITED:
		flow_say(flow, "limit_rate", NULL);
		break;
	case GATE_LIMITED_TOLD:
		break;
	case GATE_BANNED:
		if (flow->update->kind == UPDATE_COMMAND)
			say_banned(flow);
		return false;
	case GATE_CLOSED:
		flow_say(flow, "maintenance", NULL);
		break;
	default:
		fault("a gate without a case");
	}
	if (press)
		flow->plan->toast = "toast.wait";
	return false;
}

static void take(struct flow *flow)
{
	bool command = flow->update->kind == UPDATE_COMMAND || flow->update->kind == UPDATE_PRESS;
	if (flow->talk.state == DIALOG_BROADCAST && !admin_is(flow))
		flow_leave(flow);
	if (flow->talk.state == DIALOG_BROADCAST && !command) {
		admin_take_message(flow);
		return;
	}
	switch (flow->update->kind) {
	case UPDATE_TEXT: take_text(flow); break;
	case UPDATE_COMMAND: command_take(flow); break;
	case UPDATE_PHOTO:
	case UPDATE_IMAGE_FILE: take_photo(flow); break;
	case UPDATE_VIDEO: take_film(flow); break;
	case UPDATE_OTHER: take_other(flow); break;
	case UPDATE_PRESS: press_take(flow); break;
	case UPDATE_IGNORED:
	case UPDATE_BLOCKED:
	case UPDATE_UNBLOCKED:
	case UPDATE_CHECKOUT:
	case UPDATE_PAYMENT:
	case UPDATE_KIND_COUNT: break;
	default: fault("an update without a case");
	}
}

void flow_decide(const struct update *update, const struct views *views, const struct flow_setting *setting,
	struct arena *arena, struct plan *plan)
{
	struct flow flow = {.update = update, .views = views, .setting = setting, .arena = arena, .plan = plan};
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
	talk_read(views->dialog, arena, &flow.talk);
	const char *before = talk_write(&flow.talk, arena);
	take(&flow);
	const char *after = talk_write(&flow.talk, arena);
	if (!str_equal(before, after))
		add_step(plan, PLAN_DIALOG)->dialog = after;
}

/* ---- refusals ----------------------------------------------------------------------------------------- */

static void add_notice(struct plan *plan, struct arena *arena, const char *name, json *args)
{
	add_step(plan, PLAN_SAY)->notice = write_notice(arena, name, args);
}

bool flow_can_be_refused(const struct plan_step *step)
{
	switch ((int)step->kind) {
	case PLAN_QUOTE: return step->number != 0;
	case PLAN_ORDER:
	case PLAN_QUOTE_CANCEL:
	case PLAN_PAY:
	case PLAN_PAY_CHECK:
	case PLAN_JOB_CANCEL:
	case PLAN_RESEND:
	case PLAN_ORIGINAL:
	case PLAN_ADMIN:
	case PLAN_FORGET: return true;
	default: return false;
	}
}

static void answer_short(const struct refusal *refusal, struct arena *arena, struct plan *plan)
{
	if (refusal->price.unit == UNIT_FREE) {
		add_notice(plan, arena, "quote_changed", NULL);
		return;
	}
	int64_t have = refusal->price.unit == UNIT_CREDIT ? refusal->credit : refusal->rub;
	add_notice(plan, arena, "short", flow_short(refusal->price, have));
}

/* An order or its withdrawal. */
static void answer_order(const struct plan_step *step, const struct refusal *refusal,
	const struct flow_setting *setting, struct arena *arena, struct plan *plan)
{
	const char *outcome = refusal->outcome;
	json *args = json_new();
	if (str_equal(outcome, "debt")) {
		json_set(args, "debt", money_json(refusal->debt));
		add_notice(plan, arena, "debt", json_copy(args));
	} else if (str_equal(outcome, "ordered")) {
		plan->toast = step->kind == PLAN_ORDER ? "toast.started" : "toast.already";
	} else if (str_equal(outcome, "cancelled")) {
		plan->toast = "toast.cancelled";
	} else if (str_equal(outcome, "already")) {
		plan->toast = "toast.already";
	} else if (str_equal(outcome, "limit")) {
		json_set_i64(args, "max", setting->jobs_max);
		add_notice(plan, arena, "limit_jobs", json_copy(args));
	} else if (str_equal(outcome, "short")) {
		answer_short(refusal, arena, plan);
	} else if (str_equal(outcome, "off") || str_equal(outcome, "weather")) {
		add_notice(plan, arena, str_equal(outcome, "off") ? "offer_off" : "offer_weather", NULL);
	} else {
		plan->toast = "toast.gone";
	}
	json_drop(args);
}

/* The database has chosen the notice; in place of the message whose button was pressed, where the step says so. */
static void answer_admin(const struct plan_step *step, const struct refusal *refusal, struct arena *arena,
	struct plan *plan)
{
	json *answer = json_read(refusal->outcome, strlen(refusal->outcome));
	const char *notice = json_text(answer, "notice");
	if (!json_object_is_type(answer, json_type_object)) {
		add_notice(plan, arena, "unknown_command", NULL);
	} else if (notice) {
		struct plan_step *said = add_step(plan, step->message ? PLAN_EDIT : PLAN_SAY);
		said->notice = write_notice(arena, notice, json_copy(json_at(answer, "args")));
		said->message = step->message;
	}
	json_drop(answer);
}

/* What there is to say of the others by outcome; a key that begins with "toast." is one. */
static const struct {
	enum plan_kind kind;
	const char *outcome;
	const char *words;
} answers[] = {
	{PLAN_QUOTE, "gone", "toast.gone"},
	{PLAN_PAY, "limit", "pay_limit"},
	{PLAN_PAY_CHECK, "gone", "toast.gone"}, {PLAN_PAY_CHECK, "asked", "toast.asked"},
	{PLAN_PAY_CHECK, "done", "toast.asked"},
	{PLAN_JOB_CANCEL, "cancelled", "toast.cancelled"}, {PLAN_JOB_CANCEL, "late", "cancel_late"},
	{PLAN_JOB_CANCEL, "done", "toast.done"}, {PLAN_JOB_CANCEL, "gone", "toast.gone"},
	{PLAN_RESEND, "sent", "toast.sending"}, {PLAN_RESEND, "gone", "get_none"},
	{PLAN_ORIGINAL, "sent", "toast.sending"}, {PLAN_ORIGINAL, "gone", "toast.gone"},
	{PLAN_ORIGINAL, "lost", "original_lost"},
	{PLAN_FORGET, "forgotten", "forgotten"}, {PLAN_FORGET, "busy", "forget_busy"},
};

void flow_answer(const struct plan_step *step, const struct refusal *refusal, const struct flow_setting *setting,
	struct arena *arena, struct plan *plan)
{
	if (step->kind == PLAN_ADMIN) {
		answer_admin(step, refusal, arena, plan);
		return;
	}
	if (step->kind == PLAN_ORDER || step->kind == PLAN_QUOTE_CANCEL) {
		answer_order(step, refusal, setting, arena, plan);
		return;
	}
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		if (answers[i].kind != step->kind || !str_equal(answers[i].outcome, refusal->outcome))
			continue;
		if (str_starts(answers[i].words, "toast."))
			plan->toast = answers[i].words;
		else
			add_notice(plan, arena, answers[i].words, NULL);
	}
}
