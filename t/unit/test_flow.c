/* Conversations: screens as input → plan, words, purses, and what follows refusals. */
#include "flow_play.h"

static void test_screens(void)
{
	static const struct {
		enum update_kind kind;
		const char *text;
		enum dialog dialog;
		enum flow_gate gate;
		const char *want;
	} cases[] = {
		{UPDATE_COMMAND, "start", DIALOG_IDLE, GATE_OPEN, "say=welcome"},
		{UPDATE_COMMAND, "start", DIALOG_PROMPT, GATE_OPEN, "say=welcome dialog=idle"},
		{UPDATE_COMMAND, "cancel", DIALOG_PROMPT, GATE_OPEN, "say=dialog_cancelled dialog=idle"},
		{UPDATE_COMMAND, "help", DIALOG_PROMPT, GATE_OPEN, "say=help"},
		{UPDATE_TEXT, "a fox", DIALOG_IDLE, GATE_OPEN, "quote=generate.standard:free:1"},
		{UPDATE_TEXT, "a fox", DIALOG_PROMPT, GATE_OPEN, "quote=generate.standard:free:1 dialog=idle"},
		{UPDATE_TEXT, " ", DIALOG_IDLE, GATE_OPEN, "say=menu"},
		{UPDATE_PRESS, "m:generate", DIALOG_IDLE, GATE_OPEN, "say=ask_prompt dialog=prompt"},
		{UPDATE_PRESS, "m:generate", DIALOG_PROMPT, GATE_OPEN, "say=ask_prompt dialog=prompt"},
		{UPDATE_COMMAND, "pay", DIALOG_SUM, GATE_OPEN, "say=pay_menu dialog=idle"},
		{UPDATE_PRESS, "pay", DIALOG_IDLE, GATE_OPEN, "say=pay_menu"},
		{UPDATE_PRESS, "sum", DIALOG_IDLE, GATE_OPEN, "say=ask_sum dialog=sum"},
		{UPDATE_PRESS, "sum", DIALOG_SUM, GATE_OPEN, "say=ask_sum dialog=sum"},
		{UPDATE_PRESS, "sum", DIALOG_PROMPT, GATE_OPEN, "say=ask_sum dialog=sum"},
		{UPDATE_PRESS, "x:7", DIALOG_SUM, GATE_OPEN, "say=dialog_cancelled dialog=idle"},
		{UPDATE_PRESS, "menu", DIALOG_SUM, GATE_OPEN, "say=menu dialog=idle"},
		{UPDATE_PRESS, "m:generate", DIALOG_SUM, GATE_OPEN, "say=ask_prompt dialog=prompt"},
		{UPDATE_PRESS, "m:edit", DIALOG_SUM, GATE_OPEN, "say=ask_edit_photo dialog=edit_photo"},
		{UPDATE_PHOTO, "250", DIALOG_SUM, GATE_OPEN, "say=sum_wrong dialog=sum"},
		{UPDATE_TEXT, "250", DIALOG_IDLE, GATE_OPEN, "quote=generate.standard:free:1"},
		{UPDATE_TEXT, "250", DIALOG_PROMPT, GATE_OPEN, "quote=generate.standard:free:1 dialog=idle"},
		{UPDATE_PRESS, "check:5", DIALOG_SUM, GATE_OPEN, "check=5"},
		{UPDATE_PRESS, "check:5", DIALOG_IDLE, GATE_LIMITED_TOLD, "toast.wait"},
		{UPDATE_PRESS, "top:100", DIALOG_IDLE, GATE_BANNED, ""},
		{UPDATE_PRESS, "csv", DIALOG_IDLE, GATE_OPEN, "file"},
		{UPDATE_COMMAND, "statement", DIALOG_PROMPT, GATE_OPEN, "say=statement"},
		{UPDATE_PRESS, "st:5", DIALOG_IDLE, GATE_OPEN, "say=statement"},
		{UPDATE_PRESS, "go:5", DIALOG_IDLE, GATE_OPEN, "order=5@9"},
		{UPDATE_PRESS, "no:5", DIALOG_IDLE, GATE_OPEN, "cancel=5@9"},
		{UPDATE_PRESS, "again:5", DIALOG_IDLE, GATE_OPEN, "quote=generate.standard:free:1"},
		{UPDATE_PRESS, "garbage", DIALOG_PROMPT, GATE_OPEN, "toast.gone"},
		{UPDATE_PRESS, "orig:5", DIALOG_IDLE, GATE_OPEN, "original=5"},
		{UPDATE_TEXT, "a fox", DIALOG_IDLE, GATE_LIMITED, "say=limit_rate"},
		{UPDATE_TEXT, "a fox", DIALOG_IDLE, GATE_LIMITED_TOLD, ""},
		{UPDATE_PRESS, "go:5", DIALOG_IDLE, GATE_LIMITED, "say=limit_rate toast.wait"},
		{UPDATE_PRESS, "go:5", DIALOG_IDLE, GATE_LIMITED_TOLD, "toast.wait"},
		{UPDATE_COMMAND, "start", DIALOG_IDLE, GATE_BANNED, "say=banned"},
		{UPDATE_PRESS, "go:5", DIALOG_IDLE, GATE_BANNED, ""},
		{UPDATE_BLOCKED, "", DIALOG_IDLE, GATE_LIMITED, "unreachable"},
		{UPDATE_CHECKOUT, "", DIALOG_IDLE, GATE_LIMITED_TOLD, "toast.checkout"},
		{UPDATE_PAYMENT, "stx1", DIALOG_IDLE, GATE_BANNED, "park=payment nobody ordered, charge stx1"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct views views = views_of(cases[i].dialog);

		views.gate = cases[i].gate;
		struct plan plan = decide(update_of(cases[i].kind, cases[i].text), &views);

		is_str(plan_text(&plan), cases[i].want, "%d %s in %s", cases[i].kind, cases[i].text,
			dialog_name(cases[i].dialog));
	}
	static const char *const strange[] = {"", "{}", "[]", "{\"state\":5}", "{\"state\":\"gone\"}", "{"};

	for (size_t i = 0; i < COUNT(strange); i++) {
		struct views views = views_of(DIALOG_IDLE);

		views.dialog = strange[i];
		struct plan plan = decide(update_of(UPDATE_COMMAND, "start"), &views);

		is_str(plan_text(&plan), "say=welcome", "the dialog \"%s\" is idle", strange[i]);
	}
}

/* A prompt of `count` times `piece`. */
static struct plan prompt_of(const char *piece, size_t count)
{
	struct views views = views_of(DIALOG_PROMPT);
	struct buf text;

	buf_init(&text, 65536);
	for (size_t i = 0; i < count; i++)
		buf_str(&text, piece);
	const char *prompt = arena_str(arena, buf_text(&text));

	buf_free(&text);
	return decide(update_of(UPDATE_TEXT, prompt), &views);
}

static void test_prompts(void)
{
	struct plan plan = prompt_of("a", 2000);

	is_str(plan_text(&plan), "quote=generate.standard:free:1 dialog=idle", "2000 units");
	is_i64((int64_t)strlen(plan.steps[0].prompt), 2000, "the whole prompt is ordered");
	json *args = json_read(plan.steps[0].notice, strlen(plan.steps[0].notice));

	is_i64((int64_t)str_utf16(json_text(args, "prompt")), FLOW_PREVIEW_MAX + 1, "its beginning is shown");
	json_drop(args);
	plan = prompt_of("a", 2001);
	is_str(plan_text(&plan), "say=prompt_long", "2001 units: the dialog waits for a shorter one");
	ok(strstr(plan.steps[0].notice, "2001") != NULL && is_renderable(&plan), "both numbers are told");
	plan = prompt_of("😀", 1000);
	is_str(plan_text(&plan), "quote=generate.standard:free:1 dialog=idle", "1000 pairs of surrogates");
	ok(is_renderable(&plan), "are shown");
	plan = prompt_of("😀", 1001);
	is_str(plan_text(&plan), "say=prompt_long", "1001 pairs");
	plan = prompt_of("😀", 4096);
	is_str(plan_text(&plan), "say=prompt_long", "the longest text there is");
	ok(strstr(plan.steps[0].notice, "8192") != NULL, "its length is told in UTF-16 units");
	plan = prompt_of(" \n", 2000);
	is_str(plan_text(&plan), "say=ask_prompt dialog=prompt", "nothing but white space");
	plan = prompt_of("<&\">", 500);
	ok(is_renderable(&plan), "markup is shown as words");
	char padded[2200];

	snprintf(padded, sizeof padded, "\n%*s%100s", 2000, "x", "");
	memset(padded + 1, 'y', 1999);
	struct views views = views_of(DIALOG_IDLE);

	plan = decide(update_of(UPDATE_TEXT, padded), &views);
	is_str(plan_text(&plan), "quote=generate.standard:free:1", "white space around 2000 units is not counted");
}

static void test_purses(void)
{
	static const struct {
		int64_t free, credit, rub;
		const char *want;
	} cases[] = {
		{1, 0, 0, "quote=generate.standard:free:1"}, {0, 0, 1000, "quote=generate.standard:rub:1000"},
		{0, 0, 999, "wait=generate.standard:rub:1000"},
		{0, 0, 0, "wait=generate.standard:rub:1000"}, {0, 0, -1050, "wait=generate.standard:rub:1000"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct views views = views_of(DIALOG_IDLE);

		views.free = cases[i].free;
		views.credit = cases[i].credit;
		views.rub = cases[i].rub;
		struct plan plan = decide(update_of(UPDATE_TEXT, "a fox"), &views);

		is_str(plan_text(&plan), cases[i].want, "%lld free, %lld credits, %lld kopecks",
			(long long)cases[i].free, (long long)cases[i].credit, (long long)cases[i].rub);
		plan = decide(update_of(UPDATE_PRESS, "again:5"), &views);
		is_str(plan_text(&plan), cases[i].want, "the same for again");
		ok(is_renderable(&plan), "and with words");
	}
	struct views views = views_of(DIALOG_IDLE);

	views.free = 0;
	views.credit = 100;
	struct plan paid = decide(update_of(UPDATE_TEXT, "a fox"), &views);

	is_str(plan_text(&paid), "quote=generate.ideogram:credit:1",
		"who has credits only is offered what they buy");
	views.credit = 0;
	views.rub = 250;
	struct plan plan = decide(update_of(UPDATE_TEXT, "a fox"), &views);

	ok(strstr(plan.steps[0].notice, "\"missing\":{\"unit\":\"rub\",\"amount\":750}") != NULL,
		"what is missing is counted");
}

static void test_again(void)
{
	struct views views = views_of(DIALOG_PROMPT);
	struct plan plan = decide(update_of(UPDATE_PRESS, "again:5"), &views);
	struct needs needs;
	struct update update = update_of(UPDATE_PRESS, "again:5");

	is_str(plan.steps[0].prompt, "an old prompt", "again: the prompt of that job");
	flow_needs(&update, &needs);
	is_i64(needs.job, 5, "the job is asked for");
	views.job.found = false;
	views.job.offer = views.job.prompt = NULL;
	plan = decide(update, &views);
	is_str(plan_text(&plan), "toast.gone", "another person's job");
	views.job.found = true;
	views.job.offer = "no.longer.sold";
	views.job.prompt = "x";
	plan = decide(update, &views);
	is_str(plan_text(&plan), "toast.gone", "an offer that is no longer sold");
	static const char *const others[] = {"go:5", "no:5", "orig:5", "menu", "again:0", "again:x", ""};

	for (size_t i = 0; i < COUNT(others); i++) {
		update = update_of(UPDATE_PRESS, others[i]);
		flow_needs(&update, &needs);
		is_i64(needs.job, 0, "\"%s\" asks for no job", others[i]);
	}
	update = update_of(UPDATE_TEXT, "again:5");
	flow_needs(&update, &needs);
	is_i64(needs.job, 0, "nor does a text");
}

static void test_refusable(void)
{
	static const bool want[] = {[PLAN_ORDER] = true, [PLAN_QUOTE_CANCEL] = true, [PLAN_PAY] = true,
		[PLAN_PAY_CHECK] = true, [PLAN_JOB_CANCEL] = true, [PLAN_RESEND] = true,
		[PLAN_ORIGINAL] = true, [PLAN_FORGET] = true, [PLAN_ADMIN] = true, [PLAN_PARK] = false};

	for (size_t i = 0; i < COUNT(want); i++)
		ok(flow_can_be_refused(&(struct plan_step){.kind = (enum plan_kind)i}) == want[i],
			"plan kind %zu can%s be refused", i, want[i] ? "" : "not");
}

static void test_answers(void)
{
	static const struct {
		enum plan_kind kind;
		struct refusal refusal;
		const char *want;       /* after the step itself */
	} cases[] = {
		{PLAN_ORDER, {.outcome = "ordered"}, "toast.started"}, {PLAN_ORDER,
		{.outcome = "already"}, "toast.already"},
		{PLAN_ORDER, {.outcome = "gone"}, "toast.gone"}, {PLAN_ORDER, {.outcome = ""}, "toast.gone"},
		{PLAN_ORDER, {.outcome = NULL}, "toast.gone"}, {PLAN_ORDER, {.outcome = "limit"}, "say=limit_jobs"},
		{PLAN_ORDER, {.outcome = "short", .price = {UNIT_RUB, 1000}, .rub = 1}, "say=short"},
		{PLAN_ORDER, {.outcome = "short", .price = {UNIT_CREDIT, 3}, .credit = 1}, "say=short"},
		{PLAN_ORDER, {.outcome = "short", .price = {UNIT_FREE, 1}}, "say=quote_changed"},
		{PLAN_QUOTE_CANCEL, {.outcome = "cancelled"}, "toast.cancelled"},
		{PLAN_QUOTE_CANCEL, {.outcome = "ordered"}, "toast.already"},
		{PLAN_QUOTE_CANCEL, {.outcome = "gone"}, "toast.gone"},
		{PLAN_ORDER, {.outcome = "debt", .debt = {UNIT_RUB, 5000}}, "say=debt"},
		{PLAN_ORDER, {.outcome = "debt", .debt = {UNIT_CREDIT, 1}}, "say=debt"},
		{PLAN_PAY, {.outcome = "opened"}, ""}, {PLAN_PAY, {.outcome = "again"}, ""},
		{PLAN_PAY, {.outcome = "limit"}, "say=pay_limit"},
		{PLAN_PAY_CHECK, {.outcome = "asked"}, "toast.asked"}, {PLAN_PAY_CHECK,
		{.outcome = "done"}, "toast.asked"},
		{PLAN_PAY_CHECK, {.outcome = "gone"}, "toast.gone"}, {PLAN_ORDER,
		{.outcome = "off"}, "say=offer_off"},
		{PLAN_JOB_CANCEL, {.outcome = "cancelled"}, "toast.cancelled"},
		{PLAN_JOB_CANCEL, {.outcome = "late"}, "say=cancel_late"}, {PLAN_JOB_CANCEL,
		{.outcome = "done"}, "toast.done"},
		{PLAN_JOB_CANCEL, {.outcome = "gone"}, "toast.gone"}, {PLAN_RESEND,
		{.outcome = "sent"}, "toast.sending"},
		{PLAN_RESEND, {.outcome = "gone"}, "say=get_none"}, {PLAN_ORIGINAL,
		{.outcome = "lost"}, "say=original_lost"},
		{PLAN_ORIGINAL, {.outcome = "sent"}, "toast.sending"}, {PLAN_ORIGINAL,
		{.outcome = "gone"}, "toast.gone"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct views views = views_of(DIALOG_IDLE);
		const char *data = cases[i].kind == PLAN_ORDER ? "go:5" : cases[i].kind == PLAN_PAY ? "top:100"
			: cases[i].kind == PLAN_PAY_CHECK ? "check:5" : cases[i].kind == PLAN_JOB_CANCEL ? "jc:5"
			: cases[i].kind == PLAN_RESEND ? "get:5" : cases[i].kind == PLAN_ORIGINAL ? "orig:5" : "no:5";
		struct plan plan = decide(update_of(UPDATE_PRESS, data), &views);
		const char *first = arena_str(arena, plan_text(&plan));

		flow_answer(&plan.steps[0], &cases[i].refusal, &setting, arena, &plan);
		const char *text = plan_text(&plan);

		ok(plan.steps[0].kind == cases[i].kind && str_equal(text, *cases[i].want
			? arena_fmt(arena, "%s %s", first, cases[i].want) : first)
			&& plan.count <= PLAN_STEPS_MAX && is_renderable(&plan), "%s answered with %s: %s", first,
			cases[i].refusal.outcome ? cases[i].refusal.outcome : "nothing", text);
	}
	struct views views = views_of(DIALOG_IDLE);
	struct plan plan = decide(update_of(UPDATE_PRESS, "go:5"), &views);
	struct refusal refusal = {.outcome = "debt", .debt = {UNIT_RUB, 5050}};

	flow_answer(&plan.steps[0], &refusal, &setting, arena, &plan);
	is_str(plan.steps[1].notice, "{\"notice\":\"debt\",\"args\":{\"debt\":{\"unit\":\"rub\",\"amount\":5050}}}",
		"the debt is told");
}

int main(void)
{
	if (play_begin()) {
		test_screens();
		test_prompts();
		test_purses();
		test_again();
		test_refusable();
		test_answers();
	}
	return play_end();
}
