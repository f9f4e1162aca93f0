/* The dialog table: every state × every input has an answer, every button leads somewhere, nobody gets stuck. */
#include "flow_play.h"

#include "data/button.h"

/* Presses a button as it was rendered: it is understood, and handled. */
static bool is_live(const char *data)
{
	struct views views = views_of(DIALOG_IDLE);
	struct button button;
	struct plan plan = decide(update_of(UPDATE_PRESS, data), &views);

	return strlen(data) <= 64 && button_read(data, &button) == 0 && (plan.count > 0 || plan.toast != NULL);
}

/* All callback_data of what the plan says. */
static bool buttons_live(const struct plan *plan, int64_t id)
{
	bool good = true;

	(void)id;
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];
		bool said = step->kind == PLAN_SAY || step->kind == PLAN_EDIT || step->kind == PLAN_QUOTE;
		json *notice = said && step->notice ? json_read(step->notice, strlen(step->notice)) : NULL;
		struct reply reply = {0};

		if (step->kind == PLAN_QUOTE) {
			json_set_i64(notice, "quote", INT64_MAX);
			notice = notice_new(step->waits ? "short" : "confirm", notice);
		}
		if (notice != NULL)
			good = notice_render(texts, "ru", notice, arena, &reply) == NOTICE_OK && good;
		for (size_t r = 0; r < json_count(reply.keyboard, "inline_keyboard"); r++) {
			json *row = json_object_array_get_idx(json_at(reply.keyboard, "inline_keyboard"), r);

			for (size_t b = 0; b < json_count(row, ""); b++) {
				const char *data = json_text(json_object_array_get_idx(row, b), "callback_data");

				good = good && (data == NULL || is_live(data));
			}
		}
		json_drop(reply.keyboard);
		json_drop(notice);
	}
	return good;
}

/* One cell: the plan is whole, bounded, and answers whoever is to be answered. */
static void check_cell(const struct update *update, const struct views *views, const char *what)
{
	struct plan plan;
	bool silent = update->kind == UPDATE_IGNORED || update->kind == UPDATE_UNBLOCKED;
	bool must_answer = !silent && (views->gate == GATE_OPEN || views->gate == GATE_LIMITED
		|| views->gate == GATE_CLOSED);
	size_t words = 0, refusable = 0;

	flow_decide(update, views, &setting, arena, &plan);
	for (size_t i = 0; i < plan.count; i++) {
		words += plan.steps[i].kind != PLAN_DIALOG;
		refusable += flow_can_be_refused(&plan.steps[i]);
	}
	bool answers = words > 0 || plan.toast != NULL;

	ok(plan.count < PLAN_STEPS_MAX && refusable <= 1 && buttons_live(&plan, update->id)
		&& is_renderable(&plan) && (answers || !must_answer)
		&& (!silent || (plan.count == 0 && plan.toast == NULL))
		&& (plan.toast == NULL || update->kind == UPDATE_PRESS || update->kind == UPDATE_CHECKOUT)
		&& (refusable == 0 || views->gate == GATE_OPEN), "%s: %s", what, plan_text(&plan));
}

/* Every gate in every dialog. */
static void check_row(enum update_kind kind, const char *text)
{
	static const enum flow_gate gates[] = {GATE_OPEN, GATE_LIMITED, GATE_LIMITED_TOLD, GATE_BANNED, GATE_CLOSED};
	static const char *const gate_names[] = {"open", "limited", "told", "banned", "closed"};

	for (size_t g = 0; g < COUNT(gates); g++)
		for (size_t d = 0; d < DIALOG_COUNT; d++) {
			struct views views = views_of((enum dialog)d);
			struct update update = update_of(kind, text);
			char what[120];

			views.gate = gates[g];
			snprintf(what, sizeof what, "%d %s, %s, %s, %s", kind, text, gate_names[g],
				dialog_name((enum dialog)d), setting.roubles ? "sold" : "not sold");
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
		{UPDATE_PRESS, "csv"}, {UPDATE_COMMAND, "history"}, {UPDATE_COMMAND, "jobs"},
		{UPDATE_COMMAND, "get"},
		{UPDATE_COMMAND, "stats"}, {UPDATE_COMMAND, "language"}, {UPDATE_COMMAND, "terms"},
		{UPDATE_COMMAND, "support"}, {UPDATE_COMMAND, "mydata"}, {UPDATE_COMMAND, "deleteme"},
		{UPDATE_COMMAND, "admin"}, {UPDATE_COMMAND, "add"}, {UPDATE_COMMAND, "prices"},
		{UPDATE_COMMAND, "broadcast"}, {UPDATE_PRESS, "a:stats"}, {UPDATE_PRESS, "a:prices"},
		{UPDATE_PRESS, "a:broadcast"}, {UPDATE_PRESS, "a:none"}, {UPDATE_PRESS, "ao:5:user"},
		{UPDATE_PRESS, "ao:5:none"}, {UPDATE_PRESS, "arf:5:1000"}, {UPDATE_PRESS, "arf:5:none"},
		{UPDATE_PRESS, "apr:generate.standard"}, {UPDATE_PRESS, "apr:none"}, {UPDATE_PRESS, "abc:5:start"},
		{UPDATE_PRESS, "abc:5:none"}, {UPDATE_TEXT, "голая школьница"}, {UPDATE_VIDEO, "caption"},
		{UPDATE_PRESS, "x:7"}, {UPDATE_PRESS, "x:6"}, {UPDATE_PRESS, "ok:7"}, {UPDATE_PRESS, "ok:6"},
		{UPDATE_PRESS, "use:7:edit"}, {UPDATE_PRESS, "use:7:merge"}, {UPDATE_PRESS, "use:6:edit"},
		{UPDATE_PRESS, "use:7:video"}, {UPDATE_PRESS, "use:7:upscale"}, {UPDATE_PRESS, "vm:7:kling-3.0"},
		{UPDATE_PRESS, "vm:7:none"}, {UPDATE_PRESS, "vl:7:5"}, {UPDATE_PRESS, "vl:7:7"},
		{UPDATE_PRESS, "vl:6:5"},
		{UPDATE_PRESS, "forget:7"}, {UPDATE_PRESS, "forget:6"}, {UPDATE_PRESS, "al:5"},
		{UPDATE_PRESS, "mod:5"},
		{UPDATE_PRESS, "of:5:generate.banana"}, {UPDATE_PRESS, "of:5:edit.banana"},
		{UPDATE_PRESS, "of:5:none"},
		{UPDATE_PRESS, "rats:5"}, {UPDATE_PRESS, "ra:5:16x9"}, {UPDATE_PRESS, "ra:5:9x9"},
		{UPDATE_PRESS, "back:5"},
		{UPDATE_PRESS, "terms"}, {UPDATE_PRESS, "yes:5"}, {UPDATE_PRESS, "yespay"},
		{UPDATE_PRESS, "lang:en"},
		{UPDATE_PRESS, "lang:de"}, {UPDATE_PRESS, "jobs"}, {UPDATE_PRESS, "jc:5"}, {UPDATE_PRESS, "hist:5"},
		{UPDATE_PRESS, "get:5"},
		{UPDATE_UNBLOCKED, ""}, {UPDATE_CHECKOUT, ""}, {UPDATE_PAYMENT, "charge"},
	};
	bool seen[UPDATE_KIND_COUNT] = {false};

	for (size_t i = 0; i < COUNT(inputs); i++) {
		seen[inputs[i].kind] = true;
		for (int sold = 0; sold < 2; sold++) {
			setting.roubles = setting.packages = sold;
			setting.admin_count = (size_t)sold;     /* what is an admin's is a stranger's too */
			check_row(inputs[i].kind, inputs[i].text);
		}
	}
	setting.roubles = setting.packages = true;
	setting.admin_count = 0;
	for (size_t i = 0; i < UPDATE_KIND_COUNT; i++)
		ok(seen[i], "update kind %zu is in this test", i);
}

/* The dialog after a plan; as it was when the plan does not move it. */
static const char *dialog_after(const struct plan *plan, const char *before)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == PLAN_DIALOG)
			before = plan->steps[i].dialog;
	return before;
}

/* From every state there are ways out, and what is dead stays dead. */
static void test_exits(void)
{
	static const struct {
		enum update_kind kind;
		const char *text;
	} exits[] = {{UPDATE_COMMAND, "cancel"}, {UPDATE_COMMAND, "start"}, {UPDATE_PRESS, "menu"},
		{UPDATE_PRESS, "x:7"}};
	static const char *const dead[] = {"x:6", "ok:6", "use:6:edit", "vm:6:kling-3.0", "vl:6:10", "forget:6"};

	setting.admin_count = 1;        /* only an admin stays where a broadcast is awaited */
	for (size_t d = 0; d < DIALOG_COUNT; d++) {
		struct views views = views_of((enum dialog)d);

		for (size_t i = 0; i < COUNT(exits); i++) {
			struct plan plan = decide(update_of(exits[i].kind, exits[i].text), &views);

			is_str(state_of(dialog_after(&plan, views.dialog)), "idle", "%s leaves %s", exits[i].text,
				dialog_name((enum dialog)d));
		}
		for (size_t i = 0; i < COUNT(dead); i++) {
			struct plan plan = decide(update_of(UPDATE_PRESS, dead[i]), &views);

			is_str(plan_text(&plan), "toast.gone", "an old %s in %s does nothing", dead[i],
				dialog_name((enum dialog)d));
		}
	}
	setting.admin_count = 0;
}

/* Plays a way through a mode and says where it ends. Each word is an input: text, +photo, +film, =button. */
static const char *walk(const char *const *inputs, struct plan *plan)
{
	struct views views = views_of(DIALOG_IDLE);
	int64_t id = 100;

	for (; *inputs != NULL; inputs++) {
		const char *input = *inputs;
		enum update_kind kind = *input == '=' ? UPDATE_PRESS : str_starts(input, "+photo") ? UPDATE_PHOTO
			: str_starts(input, "+film") ? UPDATE_VIDEO : UPDATE_TEXT;
		const char *text = kind == UPDATE_TEXT ? input : kind == UPDATE_PRESS ? input + 1
			: strchr(input, ' ') ? strchr(input, ' ') + 1 : "";

		/* "@" stands for the number of the screen in use. */
		if (strchr(text, '@') != NULL) {
			json *dialog = json_read(views.dialog, strlen(views.dialog));
			int64_t screen = 0;

			(void)json_i64(dialog, "screen", &screen);
			json_drop(dialog);
			text = arena_fmt(arena, "%.*s%lld%s", (int)(strchr(text, '@') - text), text,
				(long long)screen,
				strchr(text, '@') + 1);
		}
		struct update update = update_of(kind, text);

		update.id = update.message_id = id++;
		*plan = decide(update, &views);
		views.dialog = dialog_after(plan, views.dialog);
	}
	return plan_text(plan);
}

#define TEN "caption, a "
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void test_ways(void)
{
	static const struct {
		const char *want;
		const char *inputs[9];
	} ways[] = {
		{"quote=generate.standard:free:1 dialog=idle", {"=m:generate", "a fox"}},
		{"quote=edit.standard:free:1 dialog=idle", {"=m:edit", "+photo", "snow"}},
		{"quote=edit.standard:free:1 dialog=idle", {"=m:edit", "snow", "+photo"}},
		{"quote=edit.standard:free:1 dialog=idle", {"=m:edit", "+photo snow"}},
		{"quote=edit.standard:free:1", {"+photo snow"}},
		{"quote=edit.standard:free:1 dialog=idle", {"+photo", "snow"}},
		{"say=choice dialog=choice", {"+photo"}},
		{"quote=upscale.standard:free:1 dialog=idle", {"+photo", "=use:@:upscale"}},
		{"say=ask_face_target dialog=face_target", {"+photo", "=use:@:face_swap"}},
		{"quote=merge.standard:free:1 dialog=idle", {"=m:merge", "+photo", "+photo", "=ok:@", "together"}},
		{"quote=merge.standard:free:1 dialog=idle", {"=m:merge", "+photo together", "+photo", "=ok:@"}},
		{"quote=merge.standard:free:1 dialog=idle", {"=m:merge", "+photo", "+photo", "together"}},
		{"say=ask_merge_photos dialog=merge_photos", {"=m:merge", "+photo", "together"}},
		{"quote=face_swap.standard:free:1 dialog=idle", {"=m:face_swap", "+photo", "+photo"}},
		{"quote=retouch.standard:free:1 dialog=idle", {"=m:retouch", "+photo"}},
		{"quote=upscale.standard:free:1 dialog=idle", {"=m:upscale", "+photo"}},
		{"quote=add_text.local:rub:0 dialog=idle", {"=m:add_text", "+photo", "happy birthday"}},
		{"quote=add_text.local:rub:0 dialog=idle", {"=m:add_text", "happy birthday", "+photo"}},
		{"wait=video.kling-3.0.text.5:rub:10000 dialog=idle",
		{"=m:video", "=vm:@:kling-3.0", "=vl:@:5", "a wave"}},
		{"wait=video.kling-3.0.photo.10:rub:20000 dialog=idle",
		{"=m:video", "=vm:@:kling-3.0", "=vl:@:10", "+photo", "wind"}},
		{"wait=video.kling-3.0.photo.5:rub:10000 dialog=idle",
		{"+photo", "=use:@:video", "=vm:@:kling-3.0", "=vl:@:5", "wind"}},
		{"wait=video.kling-3.0.video.5:rub:10000 dialog=idle",
		{"=m:video", "=vm:@:kling-3.0", "=vl:@:10", "+film", "winter"}},
		{"wait=video.kling-3.0.video.5:rub:10000 dialog=idle", {"+film", "winter"}},
		{"wait=video.kling-3.0.video.5:rub:10000", {"+film winter"}},
		{"wait=video.kling-2.6.motion.5:rub:10000 dialog=idle",
		{"=m:video", "=vm:@:kling-2.6", "=vl:@:5", "+film", "+photo"}},
		{"say=video_no_film say=ask_video_input dialog=video_input",
		{"=m:video", "=vm:@:kling-1.5", "=vl:@:5", "+film"}},
		{"say=ask_video_input dialog=video_input", {"=m:video", "=vm:@:kling-1.5", "=vl:@:5", "a wave"}},
		{"wait=video.kling-1.5.photo.5:rub:10000 dialog=idle",
		{"=m:video", "=vm:@:kling-1.5", "=vl:@:5", "a wave", "+photo"}},
		{"say=want_photo say=ask_retouch dialog=retouch", {"=m:retouch", "please"}},
		{"say=want_button say=ask_video_model dialog=video_model", {"=m:video", "a wave"}},
		{"quote=merge.standard:free:1 dialog=idle", {"=al:5", "together"}},
		/* a caption that is too long must not lose its photo */
		{"quote=add_text.local:rub:0 dialog=idle", {"=m:add_text", "+photo " LONG, "short"}},
		{"quote=edit.standard:free:1 dialog=idle", {"+photo голая школьница", "snow"}},
		/* a film where words are wanted must not drop the photos */
		{"say=want_text say=ask_merge_text dialog=merge_text", {"=al:5", "+film"}},
		{"say=want_text say=ask_edit_text dialog=edit_text", {"=m:edit", "+photo", "+film"}},
		/* the model that was chosen is the one that is used */
		{"say=ask_video_photo dialog=video_photo", {"=m:video", "=vm:@:kling-2.6", "+film"}},
		{"wait=video.kling-2.6.motion.5:rub:10000 dialog=idle",
			{"=m:video", "=vm:@:kling-2.6", "=vl:@:5", "+photo", "+film"}},
		{"wait=video.kling-2.6.motion.5:rub:10000 dialog=idle",
			{"=m:video", "=vm:@:kling-2.6", "=vl:@:5", "+film dance", "+photo"}},
	};

	for (size_t i = 0; i < COUNT(ways); i++) {
		struct plan plan;

		is_str(walk(ways[i].inputs, &plan), ways[i].want, "way %zu: %s %s …", i, ways[i].inputs[0],
			ways[i].inputs[1] ? ways[i].inputs[1] : "");
		ok(is_renderable(&plan), "has its words");
	}
}

/* A price that is shown is a price of the catalogue as it is now; what is off is not shown. */
static void test_changes(void)
{
	struct views views = views_of(DIALOG_IDLE);
	static const struct { const char *offers, *want; } cases[] = {
		{"{\"generate.standard\":{\"off\":true}}", "quote=generate.banana:free:1"},
		{"{\"edit.standard\":{\"off\":true}}", "quote=generate.standard:free:1"},
		{"{\"generate.standard\":{\"off\":true},\"generate.banana\":{\"off\":true}}",
			"quote=generate.ideogram:free:1"},
		{"", "quote=generate.standard:free:1"}, {"[]", "quote=generate.standard:free:1"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		views.offers = cases[i].offers;
		struct plan plan = decide(update_of(UPDATE_TEXT, "a fox"), &views);

		is_str(plan_text(&plan), cases[i].want, "with %s", cases[i].offers);
	}
	/* Once more by a model that is not sold: the words tell which of the two it is. */
	static const struct { const char *offers, *want; } again[] = {
		{"{\"generate.standard\":{\"off\":true}}", "say=offer_off"},
		{"{\"@fal\":{\"off\":true}}", "say=offer_weather"},
		{"{\"generate.standard\":{\"rub\":1500},\"@fal/fal-ai/bytedance/seedream/v4/text-to-image\":{\"off\":true}}",
			"say=offer_weather"},
	};

	for (size_t i = 0; i < COUNT(again); i++) {
		views.offers = again[i].offers;
		struct plan plan = decide(update_of(UPDATE_PRESS, "again:5"), &views);

		is_str(plan_text(&plan), again[i].want, "again with %s", again[i].offers);
	}
	views.offers = "{\"generate.standard\":{\"rub\":1500}}";
	views.free = 0;
	views.rub = 2000;
	struct plan plan = decide(update_of(UPDATE_TEXT, "a fox"), &views);

	is_str(plan_text(&plan), "quote=generate.standard:rub:1500", "a changed price");
}

static void test_terms(void)
{
	static const struct { const char *data, *open, *accepted; } cases[] = {
		{"go:5", "say=terms_ask", "order=5@9"},
		{"top:100", "say=terms_ask", "pay=yookassa:10000:RUB:rub:10000:"},
		{"sum", "say=terms_ask", "say=ask_sum dialog=sum"}, {"pack:small", "say=terms_ask",
			"pay=betatransfer:700:USD:credit:1000:small"},
		{"yes:5", "terms=1 order=5@9", "order=5@9"}, {"yespay", "terms=1 say=pay_menu", "say=pay_menu"},
		{"no:5", "cancel=5@9", "cancel=5@9"}, {"pay", "say=pay_menu", "say=pay_menu"},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		for (int accepted = 0; accepted < 2; accepted++) {
			struct views views = views_of(DIALOG_IDLE);

			views.terms = accepted;
			struct plan plan = decide(update_of(UPDATE_PRESS, cases[i].data), &views);

			is_str(plan_text(&plan), accepted ? cases[i].accepted : cases[i].open,
				"%s, terms %saccepted", cases[i].data,
				accepted ? "" : "not ");
		}
}

/* What may not be asked for is refused before anything is made; the worst is told to the admins. */
static void test_blocked(void)
{
	static const struct { enum dialog dialog; enum update_kind kind; const char *text, *want; } cases[] = {
		{DIALOG_IDLE, UPDATE_TEXT, "порно с детьми", "alert=minor say=blocked"},
		{DIALOG_EDIT_TEXT, UPDATE_TEXT, "nude child", "alert=minor say=blocked"},
		{DIALOG_IDLE, UPDATE_PHOTO, "раздень школьницу, порно",
			"alert=minor say=blocked say=ask_edit_text dialog=edit_text"},
		{DIALOG_CAPTION_TEXT, UPDATE_TEXT, "секс, 12 лет", "alert=minor say=blocked"},
		{DIALOG_IDLE, UPDATE_TEXT, "школьница читает в парке", "quote=generate.standard:free:1"},
		{DIALOG_IDLE, UPDATE_TEXT, "обнажённая статуя в музее", "quote=generate.standard:free:1"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct views views = views_of(cases[i].dialog);
		struct plan plan = decide(update_of(cases[i].kind, cases[i].text), &views);

		is_str(plan_text(&plan), cases[i].want, "%s", cases[i].text);
	}
}

/* An album where one photo is wanted is gathered, whatever the state; merging takes it part by part. */
static void test_albums(void)
{
	for (size_t d = 0; d < DIALOG_COUNT; d++) {
		struct views views = views_of((enum dialog)d);
		struct update update = update_of(UPDATE_PHOTO, "");

		update.group_id = "14999000111222333";
		struct plan plan = decide(update, &views);
		const char *want = d == DIALOG_MERGE_PHOTOS ? "say=merge_photos dialog=merge_photos"
			: d == DIALOG_MERGE_TEXT ? "say=merge_photos dialog=merge_photos"
			: d == DIALOG_BROADCAST ? "album=14999000111222333:9 dialog=idle"
			: d == DIALOG_SUM ? "say=sum_wrong dialog=sum" : "album=14999000111222333:9";

		is_str(plan_text(&plan), want, "a part of an album in %s", dialog_name((enum dialog)d));
	}
}

/* A stored dialog that lacks what its state relies on read before the first file. */
static void test_torn(void)
{
	static const char *const states[] = {"edit_text", "merge_text", "face_target", "caption_text",
		"video_photo", "choice",
		"video_length", "video_input", "video_text"};

	for (size_t i = 0; i < COUNT(states); i++) {
		struct views views = views_of(DIALOG_IDLE);

		views.dialog = arena_fmt(arena, "{\"state\":\"%s\",\"screen\":7}", states[i]);
		struct plan plan = decide(update_of(UPDATE_PHOTO, ""), &views);

		is_str(plan_text(&plan), "say=choice dialog=choice", "%s without what it needs is idle", states[i]);
	}
}

int main(void)
{
	if (play_begin()) {
		test_matrix();
		test_exits();
		test_ways();
		test_changes();
		test_terms();
		test_blocked();
		test_albums();
		test_torn();
	}
	return play_end();
}
