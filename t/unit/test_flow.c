/* Conversations: every input in every state has an answer, and each screen is input → plan. */
#include "flow/flow.h"

#include "base/str.h"
#include "data/notice.h"
#include "data/settings.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])
#define SETTINGS "TELEGRAM_SECRET_TOKEN=0123456789abcdef\n"
#define PERSON 77

static struct arena *arena;
static struct texts *texts;
static struct flow_setting setting = {.jobs_max = 3, .roubles = true, .packages = true, .topup_max = 15000,
	.package_currency = "USD"};

#define ROW "{\"kind\":\"topup\",\"at\":\"21.11.2026 10:00\",\"sign\":\"+\"," \
	"\"amount\":{\"unit\":\"rub\",\"amount\":25000},\"after\":{\"unit\":\"rub\",\"amount\":25000},\"payment\":3}"

/* A person with 4 free operations and an open gate; a job of theirs is known. */
static struct views views_of(enum dialog dialog)
{
	struct views views = {.gate = GATE_OPEN, .lang = "ru", .free = 4, .free_granted = 4,
		.dialog = arena_fmt(arena, "{\"state\":\"%s\"}", dialog_name(dialog)),
		.job = {true, "generate.standard", "an old prompt"},
		.statement = "{\"rows\":[" ROW "],\"older\":12}"};

	return views;
}

static struct update update_of(enum update_kind kind, const char *text)
{
	struct update update = {.id = 1, .kind = kind, .person_id = PERSON, .message_id = 9,
		.first_name = "Лада", .lang = "ru", .text = "", .command = "", .argument = "", .data = "",
		.charge_id = ""};

	switch (kind) {
	case UPDATE_COMMAND: update.command = text; break;
	case UPDATE_PRESS: update.data = text; update.query_id = "q"; break;
	case UPDATE_CHECKOUT: update.query_id = "q"; break;
	case UPDATE_PAYMENT: update.charge_id = text; break;
	case UPDATE_PHOTO:
	case UPDATE_VIDEO:
	case UPDATE_IMAGE_FILE: update.file_id = "f"; update.text = text; break;
	case UPDATE_IGNORED:
	case UPDATE_TEXT:
	case UPDATE_OTHER:
	case UPDATE_BLOCKED:
	case UPDATE_UNBLOCKED:
	case UPDATE_KIND_COUNT:
	default: update.text = text;
	}
	return update;
}

static struct plan decide(struct update update, const struct views *views)
{
	struct plan plan;

	flow_decide(&update, views, &setting, arena, &plan);
	return plan;
}

/* The plan in one line: "dialog=prompt say=ask_prompt toast=…". */
static const char *plan_text(const struct plan *plan)
{
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];
		bool park = step->kind == PLAN_PARK;
		json *notice = step->notice && !park ? json_read(step->notice, strlen(step->notice)) : NULL;
		const char *name = json_text(notice, "notice");

		buf_str(&out, out.length ? " " : "");
		switch (step->kind) {
		case PLAN_SAY: buf_fmt(&out, "say=%s", name); break;
		case PLAN_EDIT: buf_fmt(&out, "edit=%s", name); break;
		case PLAN_DIALOG: buf_fmt(&out, "dialog=%s", dialog_name(step->dialog)); break;
		case PLAN_QUOTE: buf_fmt(&out, "%s=%s:%s:%lld", step->waits ? "wait" : "quote", step->offer->id,
			money_unit_name(step->price.unit), (long long)step->price.amount); break;
		case PLAN_QUOTE_CANCEL: buf_fmt(&out, "cancel=%lld@%lld", (long long)step->number,
			(long long)step->message); break;
		case PLAN_ORDER: buf_fmt(&out, "order=%lld@%lld", (long long)step->number,
			(long long)step->message); break;
		case PLAN_PAY: buf_fmt(&out, "pay=%s:%lld:%s:%s:%lld:%s", step->pay.provider,
			(long long)step->pay.amount, step->pay.currency, money_unit_name(step->pay.grant.unit),
			(long long)step->pay.grant.amount, step->pay.package ? step->pay.package : ""); break;
		case PLAN_PAY_CHECK: buf_fmt(&out, "check=%lld", (long long)step->number); break;
		case PLAN_STATEMENT_FILE: buf_str(&out, "file"); break;
		case PLAN_UNREACHABLE: buf_str(&out, "unreachable"); break;
		case PLAN_PARK: buf_fmt(&out, "park=%s", step->notice); break;
		default: buf_str(&out, "?");
		}
		json_drop(notice);
	}
	if (plan->toast)
		buf_fmt(&out, "%s%s", out.length ? " " : "", plan->toast);
	const char *text = arena_str(arena, buf_text(&out));

	buf_free(&out);
	return text;
}

/* Whether every notice of the plan renders whole, in both languages, and its toast has words. */
static bool is_renderable(const struct plan *plan)
{
	bool good = plan->toast == NULL || text_has(texts, plan->toast);

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];
		bool park = step->kind == PLAN_PARK;
		json *notice = step->notice && !park ? json_read(step->notice, strlen(step->notice)) : NULL;

		if (step->kind == PLAN_QUOTE) {
			json_set_i64(notice, "quote", 5);
			notice = notice_new(step->waits ? "short" : "confirm", notice);
		}
		for (int en = 0; notice != NULL && en < 2; en++) {
			struct reply reply;

			good = notice_render(texts, en ? "en" : "ru", notice, arena, &reply) == NOTICE_OK && good;
			json_drop(reply.keyboard);
		}
		good = good && (notice != NULL || (step->kind != PLAN_SAY && step->kind != PLAN_EDIT));
		json_drop(notice);
	}
	return good;
}

/* One cell: the plan is whole, bounded, and answers whoever is to be answered. */
static void check_cell(const struct update *update, const struct views *views, const char *what)
{
	struct plan plan;
	bool silent = update->kind == UPDATE_IGNORED || update->kind == UPDATE_UNBLOCKED;
	bool must_answer = !silent && (views->gate == GATE_OPEN || views->gate == GATE_LIMITED);
	size_t words = 0, refusable = 0;

	flow_decide(update, views, &setting, arena, &plan);
	for (size_t i = 0; i < plan.count; i++) {
		words += plan.steps[i].kind != PLAN_DIALOG;
		refusable += flow_can_be_refused(&plan.steps[i]);
	}
	bool answers = words > 0 || plan.toast != NULL;

	ok(plan.count < PLAN_STEPS_MAX && refusable <= 1 && is_renderable(&plan) && (answers || !must_answer)
		&& (!silent || (plan.count == 0 && plan.toast == NULL))
		&& (plan.toast == NULL || update->kind == UPDATE_PRESS || update->kind == UPDATE_CHECKOUT)
		&& (refusable == 0 || views->gate == GATE_OPEN), "%s: %s", what, plan_text(&plan));
}

/* Every gate in every dialog. */
static void check_row(enum update_kind kind, const char *text)
{
	static const enum flow_gate gates[] = {GATE_OPEN, GATE_LIMITED, GATE_LIMITED_TOLD, GATE_BANNED};
	static const char *const gate_names[] = {"open", "limited", "told", "banned"};

	for (size_t g = 0; g < COUNT(gates); g++)
		for (size_t d = 0; d < DIALOG_COUNT; d++) {
			struct views views = views_of((enum dialog)d);
			struct update update = update_of(kind, text);
			char what[120];

			views.gate = gates[g];
			snprintf(what, sizeof what, "%d %s, %s, %s, %s, %s", kind, text, gate_names[g],
				dialog_name((enum dialog)d), setting.roubles ? "roubles" : "no roubles",
				setting.packages ? "packages" : "no packages");
			check_cell(&update, &views, what);
		}
}

static void test_matrix(void)
{
	static const struct {
		enum update_kind kind;
		const char *text;
	} inputs[] = {
		{UPDATE_IGNORED, ""}, {UPDATE_TEXT, "a fox"}, {UPDATE_TEXT, ""}, {UPDATE_TEXT, " \n "},
		{UPDATE_COMMAND, "start"}, {UPDATE_COMMAND, "help"}, {UPDATE_COMMAND, "balance"},
		{UPDATE_COMMAND, "pay"}, {UPDATE_COMMAND, "cancel"}, {UPDATE_COMMAND, "nonsense"},
		{UPDATE_COMMAND, "statement"}, {UPDATE_TEXT, "250"}, {UPDATE_TEXT, "250.00"},
		{UPDATE_COMMAND, ""}, {UPDATE_PHOTO, ""}, {UPDATE_PHOTO, "caption"}, {UPDATE_VIDEO, ""},
		{UPDATE_IMAGE_FILE, ""}, {UPDATE_OTHER, ""}, {UPDATE_PRESS, ""}, {UPDATE_PRESS, "menu"},
		{UPDATE_PRESS, "m:generate"}, {UPDATE_PRESS, "m:edit"}, {UPDATE_PRESS, "m:merge"},
		{UPDATE_PRESS, "m:face_swap"}, {UPDATE_PRESS, "m:retouch"}, {UPDATE_PRESS, "m:upscale"},
		{UPDATE_PRESS, "m:add_text"}, {UPDATE_PRESS, "m:video"}, {UPDATE_PRESS, "m:none"},
		{UPDATE_PRESS, "pay"}, {UPDATE_PRESS, "x"}, {UPDATE_PRESS, "go:5"}, {UPDATE_PRESS, "no:5"},
		{UPDATE_PRESS, "again:5"}, {UPDATE_PRESS, "up:5"}, {UPDATE_PRESS, "ch:5"},
		{UPDATE_PRESS, "orig:5"}, {UPDATE_PRESS, "v1:gen:42:sq"}, {UPDATE_BLOCKED, ""},
		{UPDATE_PRESS, "top:100"}, {UPDATE_PRESS, "top:9"}, {UPDATE_PRESS, "top:9223372036854775807"},
		{UPDATE_PRESS, "sum"}, {UPDATE_PRESS, "pack:small"}, {UPDATE_PRESS, "pack:none"},
		{UPDATE_PRESS, "check:5"}, {UPDATE_PRESS, "st:5"}, {UPDATE_PRESS, "st:9223372036854775807"},
		{UPDATE_PRESS, "csv"},
		{UPDATE_UNBLOCKED, ""}, {UPDATE_CHECKOUT, ""}, {UPDATE_PAYMENT, "charge"},
	};
	bool seen[UPDATE_KIND_COUNT] = {false};

	for (size_t i = 0; i < COUNT(inputs); i++) {
		seen[inputs[i].kind] = true;
		for (int sold = 0; sold < 4; sold++) {
			setting.roubles = sold & 1;
			setting.packages = sold & 2;
			check_row(inputs[i].kind, inputs[i].text);
		}
	}
	setting.roubles = setting.packages = true;
	for (size_t i = 0; i < UPDATE_KIND_COUNT; i++)
		ok(seen[i], "update kind %zu is in this test", i);
}

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
		{UPDATE_COMMAND, "start", DIALOG_PROMPT, GATE_OPEN, "dialog=idle say=welcome"},
		{UPDATE_COMMAND, "cancel", DIALOG_PROMPT, GATE_OPEN, "dialog=idle say=dialog_cancelled"},
		{UPDATE_COMMAND, "help", DIALOG_PROMPT, GATE_OPEN, "say=help"},
		{UPDATE_TEXT, "a fox", DIALOG_IDLE, GATE_OPEN, "quote=generate.standard:free:1"},
		{UPDATE_TEXT, "a fox", DIALOG_PROMPT, GATE_OPEN, "dialog=idle quote=generate.standard:free:1"},
		{UPDATE_TEXT, " ", DIALOG_IDLE, GATE_OPEN, "say=menu"},
		{UPDATE_PRESS, "m:generate", DIALOG_IDLE, GATE_OPEN, "dialog=prompt say=ask_prompt"},
		{UPDATE_PRESS, "m:generate", DIALOG_PROMPT, GATE_OPEN, "say=ask_prompt"},
		{UPDATE_COMMAND, "pay", DIALOG_SUM, GATE_OPEN, "dialog=idle say=pay_menu"},
		{UPDATE_PRESS, "pay", DIALOG_IDLE, GATE_OPEN, "say=pay_menu"},
		{UPDATE_PRESS, "sum", DIALOG_IDLE, GATE_OPEN, "dialog=sum say=ask_sum"},
		{UPDATE_PRESS, "sum", DIALOG_SUM, GATE_OPEN, "say=ask_sum"},
		{UPDATE_PRESS, "sum", DIALOG_PROMPT, GATE_OPEN, "dialog=sum say=ask_sum"},
		{UPDATE_PRESS, "x", DIALOG_SUM, GATE_OPEN, "dialog=idle say=dialog_cancelled"},
		{UPDATE_PRESS, "menu", DIALOG_SUM, GATE_OPEN, "dialog=idle say=menu"},
		{UPDATE_PRESS, "m:generate", DIALOG_SUM, GATE_OPEN, "dialog=prompt say=ask_prompt"},
		{UPDATE_PRESS, "m:edit", DIALOG_SUM, GATE_OPEN, "say=mode_soon"},
		{UPDATE_PHOTO, "250", DIALOG_SUM, GATE_OPEN, "say=media_soon"},
		{UPDATE_TEXT, "250", DIALOG_IDLE, GATE_OPEN, "quote=generate.standard:free:1"},
		{UPDATE_TEXT, "250", DIALOG_PROMPT, GATE_OPEN, "dialog=idle quote=generate.standard:free:1"},
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
		{UPDATE_PRESS, "orig:5", DIALOG_IDLE, GATE_OPEN, "toast.soon"},
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

	is_str(plan_text(&plan), "dialog=idle quote=generate.standard:free:1", "2000 units");
	is_i64((int64_t)strlen(plan.steps[1].prompt), 2000, "the whole prompt is ordered");
	json *args = json_read(plan.steps[1].notice, strlen(plan.steps[1].notice));

	is_i64((int64_t)str_utf16(json_text(args, "prompt")), FLOW_PREVIEW_MAX + 1, "its beginning is shown");
	json_drop(args);
	plan = prompt_of("a", 2001);
	is_str(plan_text(&plan), "say=prompt_long", "2001 units: the dialog waits for a shorter one");
	ok(strstr(plan.steps[0].notice, "2001") != NULL && is_renderable(&plan), "both numbers are told");
	plan = prompt_of("😀", 1000);
	is_str(plan_text(&plan), "dialog=idle quote=generate.standard:free:1", "1000 pairs of surrogates");
	ok(is_renderable(&plan), "are shown");
	plan = prompt_of("😀", 1001);
	is_str(plan_text(&plan), "say=prompt_long", "1001 pairs");
	plan = prompt_of("😀", 4096);
	is_str(plan_text(&plan), "say=prompt_long", "the longest text there is");
	ok(strstr(plan.steps[0].notice, "8192") != NULL, "its length is told in UTF-16 units");
	plan = prompt_of(" \n", 2000);
	is_str(plan_text(&plan), "say=menu", "nothing but white space");
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
		{0, 0, 999, "wait=generate.standard:rub:1000"}, {0, 100, 0, "wait=generate.standard:rub:1000"},
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

	is_str(plan.steps[1].prompt, "an old prompt", "again: the prompt of that job");
	flow_needs(&update, &needs);
	is_i64(needs.job, 5, "the job is asked for");
	views.job.found = false;
	views.job.offer = views.job.prompt = NULL;
	plan = decide(update, &views);
	is_str(plan_text(&plan), "toast.gone", "another person's job");
	views.job = (struct views){.job = {true, "no.longer.sold", "x"}}.job;
	plan = decide(update, &views);
	is_str(plan_text(&plan), "toast.gone", "an offer that is no longer sold");
	static const char *const others[] = {"go:5", "no:5", "up:5", "menu", "again:0", "again:x", ""};

	for (size_t i = 0; i < COUNT(others); i++) {
		update = update_of(UPDATE_PRESS, others[i]);
		flow_needs(&update, &needs);
		is_i64(needs.job, 0, "\"%s\" asks for no job", others[i]);
	}
	update = update_of(UPDATE_TEXT, "again:5");
	flow_needs(&update, &needs);
	is_i64(needs.job, 0, "nor does a text");
}

static void test_albums(void)
{
	struct views views = views_of(DIALOG_IDLE);
	struct update update = update_of(UPDATE_PHOTO, "");
	struct plan plan = decide(update, &views);

	is_str(plan.steps[0].dedup, NULL, "one photo is answered each time");
	update.group_id = "14999000111222333";
	plan = decide(update, &views);
	is_str(plan.steps[0].dedup, "album:77:14999000111222333", "an album is answered once");
	update = update_of(UPDATE_VIDEO, "");
	update.file_size = FLOW_VIDEO_MAX;
	plan = decide(update, &views);
	is_str(plan_text(&plan), "say=media_soon", "a video of 20 MB");
	update.file_size = FLOW_VIDEO_MAX + 1;
	plan = decide(update, &views);
	is_str(plan_text(&plan), "say=video_large", "a larger one");
}

#define PAY_250 "dialog=idle pay=yookassa:25000:RUB:rub:25000:"

/* What is written where a sum is asked for. */
static void test_sums(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"250", PAY_250}, {" 250 ", PAY_250}, {"250 ₽", PAY_250}, {"250₽", PAY_250}, {"250 р", PAY_250},
		{"250 р.", PAY_250}, {"250р", PAY_250}, {"250 руб", PAY_250}, {"250 руб.", PAY_250}, {"250 рублей", PAY_250},
		{"250 rub", PAY_250}, {"250 RUB", PAY_250}, {"250\n", PAY_250},
		{"10", "dialog=idle pay=yookassa:1000:RUB:rub:1000:"},
		{"15000", "dialog=idle pay=yookassa:1500000:RUB:rub:1500000:"},
		{"21 рубль", "dialog=idle pay=yookassa:2100:RUB:rub:2100:"},
		{"102 рубля", "dialog=idle pay=yookassa:10200:RUB:rub:10200:"},
		{"9", "say=sum_wrong"}, {"15001", "say=sum_wrong"}, {"0", "say=sum_wrong"}, {"1e3", "say=sum_wrong"},
		{"-5", "say=sum_wrong"}, {"-250", "say=sum_wrong"}, {"+250", "say=sum_wrong"}, {"٢٥٠", "say=sum_wrong"},
		{"２５０", "say=sum_wrong"}, {"250.00", "say=sum_wrong"}, {"250,50", "say=sum_wrong"}, {"", "say=sum_wrong"},
		{" ", "say=sum_wrong"}, {"₽", "say=sum_wrong"}, {"руб", "say=sum_wrong"}, {"1 000", "say=sum_wrong"},
		{"250 300", "say=sum_wrong"}, {"0x100", "say=sum_wrong"}, {"250 $", "say=sum_wrong"},
		{"250 USD", "say=sum_wrong"},
		{"250 кредитов", "say=sum_wrong"}, {"250 рубашек", "say=sum_wrong"}, {"250 руб. или 300", "say=sum_wrong"},
		{"9223372036854775807", "say=sum_wrong"}, {"92233720368547758070", "say=sum_wrong"},
		{"18446744073709551866", "say=sum_wrong"}, {"лису в лесу", "say=sum_wrong"}, {"top:250", "say=sum_wrong"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct views views = views_of(DIALOG_SUM);
		struct plan plan = decide(update_of(UPDATE_TEXT, cases[i].text), &views);

		is_str(plan_text(&plan), cases[i].want, "the sum \"%s\"", cases[i].text);
	}
	struct views views = views_of(DIALOG_SUM);
	struct plan plan = decide(update_of(UPDATE_TEXT, "1"), &views);

	ok(strstr(plan.steps[0].notice, "\"min\":10") && strstr(plan.steps[0].notice, "\"max\":15000"),
		"both bounds are told");
	setting.roubles = false;
	plan = decide(update_of(UPDATE_TEXT, "250"), &views);
	is_str(plan_text(&plan), "dialog=idle say=pay_menu", "roubles switched off while a sum was asked for");
	setting.roubles = true;
}

/* The numbers and words of buttons come from the client. */
static void test_topups(void)
{
	static const struct {
		const char *data;
		bool roubles, packages;
		const char *want;
	} cases[] = {
		{"top:100", true, true, "dialog=idle pay=yookassa:10000:RUB:rub:10000:"},
		{"top:10", true, false, "dialog=idle pay=yookassa:1000:RUB:rub:1000:"},
		{"top:15000", true, true, "dialog=idle pay=yookassa:1500000:RUB:rub:1500000:"},
		{"top:1", true, true, "toast.gone"}, {"top:9", true, true, "toast.gone"},
		{"top:15001", true, true, "toast.gone"}, {"top:9223372036854775807", true, true, "toast.gone"},
		{"top:92233720368547759", true, true, "toast.gone"}, {"top:-100", true, true, "toast.gone"},
		{"top:100", false, true, "dialog=idle say=pay_menu"}, {"top:100", false, false, "dialog=idle say=pay_none"},
		{"sum", false, true, "dialog=idle say=pay_menu"}, {"sum", false, false, "dialog=idle say=pay_none"},
		{"pay", true, false, "dialog=idle say=pay_menu"}, {"pay", false, true, "dialog=idle say=pay_menu"},
		{"pay", false, false, "dialog=idle say=pay_none"},
		{"pack:small", true, true, "dialog=idle pay=betatransfer:700:USD:credit:1000:small"},
		{"pack:large", false, true, "dialog=idle pay=betatransfer:5000:USD:credit:10000:large"},
		{"pack:small", true, false, "toast.gone"}, {"pack:none", true, true, "toast.gone"},
		{"pack:", true, true, "toast.gone"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct views views = views_of(DIALOG_SUM);

		setting.roubles = cases[i].roubles;
		setting.packages = cases[i].packages;
		struct plan plan = decide(update_of(UPDATE_PRESS, cases[i].data), &views);

		is_str(plan_text(&plan), cases[i].want, "%s, %s, %s", cases[i].data,
			setting.roubles ? "roubles" : "no roubles", setting.packages ? "packages" : "no packages");
	}
	setting.roubles = setting.packages = true;
}

/* The menu offers what is sold, in the currency it is sold for. */
static void test_pay_menu(void)
{
	static const struct {
		bool roubles, packages;
		int64_t max;
		const char *currency;
		const char *there, *missing;
	} cases[] = {
		{true, true, 15000, "USD", "\"roubles\":15000,\"packages\":[{\"word\":\"small\",\"credits\":1000,"
			"\"price\":{\"unit\":\"usd\",\"amount\":700}}", "\"state\""},
		{true, true, 200, "RUB", "\"price\":{\"unit\":\"rub\",\"amount\":3000},\"discount\":14", "\"usd\""},
		{true, false, 10, "USD", "\"roubles\":10}", "packages"}, {false, true, 10, "USD", "packages", "roubles"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct views views = views_of(DIALOG_IDLE);

		views.rub = -1050;
		views.credit = 7;
		setting.roubles = cases[i].roubles;
		setting.packages = cases[i].packages;
		setting.topup_max = cases[i].max;
		setting.package_currency = cases[i].currency;
		struct plan plan = decide(update_of(UPDATE_COMMAND, "pay"), &views);
		const char *notice = plan.steps[0].notice;

		is_str(plan_text(&plan), "say=pay_menu", "the menu of payments");
		if (!ok(is_renderable(&plan) && strstr(notice, cases[i].there) && !strstr(notice, cases[i].missing)
			&& strstr(notice, "\"rub\":{\"unit\":\"rub\",\"amount\":-1050},\"credit\":7"), "has %s", cases[i].there))
			tap_show("notice", notice);
	}
	setting.roubles = setting.packages = true;
	setting.topup_max = 15000;
	setting.package_currency = "USD";
}

static void test_statement(void)
{
	static const struct {
		const char *statement, *want;
	} cases[] = {
		{NULL, "say=statement_empty"}, {"", "say=statement_empty"}, {"{", "say=statement_empty"},
		{"{}", "say=statement_empty"}, {"[]", "say=statement_empty"}, {"{\"rows\":[]}", "say=statement_empty"},
		{"{\"rows\":[],\"older\":5}", "say=statement_empty"}, {"{\"rows\":[" ROW "]}", "say=statement"},
		{"{\"rows\":[" ROW "," ROW "],\"older\":9223372036854775807}", "say=statement"},
	};
	static const struct {
		enum update_kind kind;
		const char *text;
		int64_t want;
	} needed[] = {
		{UPDATE_COMMAND, "statement", INT64_MAX}, {UPDATE_PRESS, "st:12", 12},
		{UPDATE_PRESS, "st:9223372036854775807", INT64_MAX}, {UPDATE_PRESS, "st:0", 0}, {UPDATE_PRESS, "st:-1", 0},
		{UPDATE_PRESS, "st", 0}, {UPDATE_PRESS, "csv", 0}, {UPDATE_PRESS, "check:5", 0}, {UPDATE_TEXT, "st:12", 0},
		{UPDATE_TEXT, "statement", 0}, {UPDATE_COMMAND, "balance", 0}, {UPDATE_PRESS, "again:5", 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct views views = views_of(DIALOG_IDLE);

		views.statement = cases[i].statement;
		struct plan plan = decide(update_of(UPDATE_PRESS, "st:12"), &views);

		is_str(plan_text(&plan), cases[i].want, "%.60s", cases[i].statement ? cases[i].statement : "no page");
		ok(is_renderable(&plan), "with words");
	}
	for (size_t i = 0; i < COUNT(needed); i++) {
		struct update update = update_of(needed[i].kind, needed[i].text);
		struct needs needs;

		flow_needs(&update, &needs);
		is_i64(needs.statement, needed[i].want, "the page that %d %s needs", needed[i].kind, needed[i].text);
		is_i64(needs.job, strcmp(needed[i].text, "again:5") ? 0 : 5, "and the job");
	}
}

static void test_refusable(void)
{
	static const bool want[] = {[PLAN_ORDER] = true, [PLAN_QUOTE_CANCEL] = true, [PLAN_PAY] = true,
		[PLAN_PAY_CHECK] = true, [PLAN_PARK] = false};

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
		{PLAN_ORDER, {.outcome = "ordered"}, "toast.started"}, {PLAN_ORDER, {.outcome = "already"}, "toast.already"},
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
		{PLAN_PAY_CHECK, {.outcome = "asked"}, "toast.asked"}, {PLAN_PAY_CHECK, {.outcome = "done"}, "toast.asked"},
		{PLAN_PAY_CHECK, {.outcome = "gone"}, "toast.gone"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct views views = views_of(DIALOG_IDLE);
		const char *data = cases[i].kind == PLAN_ORDER ? "go:5" : cases[i].kind == PLAN_PAY ? "top:100"
			: cases[i].kind == PLAN_PAY_CHECK ? "check:5" : "no:5";
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
	char path[512];
	const char *top = getenv("top_srcdir") ? getenv("top_srcdir") : ".";
	struct buf errors;

	arena = arena_new(64 << 20);
	buf_init(&errors, 65536);
	struct conf *conf = conf_read(settings_table, settings_count, SETTINGS_RESPONDER, SETTINGS,
		strlen(SETTINGS), &errors);

	snprintf(path, sizeof path, "%s/etc/texts", top);
	texts = texts_read(path, &errors);
	snprintf(path, sizeof path, "%s/etc/catalog.json", top);
	struct catalog *catalog = conf ? catalog_read(path, conf, &errors) : NULL;

	setting.catalog = catalog;
	is_str(buf_text(&errors), "", "settings, texts and catalogue");
	if (catalog != NULL && texts != NULL) {
		test_matrix();
		test_screens();
		test_prompts();
		test_purses();
		test_again();
		test_albums();
		test_sums();
		test_topups();
		test_pay_menu();
		test_statement();
		test_refusable();
		test_answers();
	}
	catalog_free(catalog);
	texts_free(texts);
	conf_free(conf);
	buf_free(&errors);
	arena_free(arena);
	return tap_done();
}
