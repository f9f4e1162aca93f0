/* Admins' commands and buttons: read strictly, for admins only, with the way to write them when they are wrong. */
#include "flow_play.h"

static struct plan command(const char *text)
{
	struct views views = views_of(DIALOG_IDLE);
	char *name = arena_str(arena, text);
	size_t length = strcspn(name, " ");
	struct update update = update_of(UPDATE_COMMAND, name);

	update.argument = name[length] ? name + length + 1 : "";
	name[length] = '\0';
	return decide(update, &views);
}

static void test_commands(void)
{
	static const struct { const char *text, *want; } cases[] = {
		{"admin", "admin=admin:{}"}, {"admin_stats", "admin=stats:{}"}, {"export", "admin=export:{}"},
		{"weather", "admin=weather:{}"}, {"audit", "admin=audit:{}"}, {"margin", "admin=margin:{\"rate\":9000}"},
		{"add 5 100", "admin=add:{\"person\":5,\"unit\":\"rub\",\"amount\":10000}"},
		{"add 5 100.50 rub", "admin=add:{\"person\":5,\"unit\":\"rub\",\"amount\":10050}"},
		{"add 5 99,5", "admin=add:{\"person\":5,\"unit\":\"rub\",\"amount\":9950}"},
		{"add 5 3 credit for  patience",
			"admin=add:{\"person\":5,\"why\":\"for  patience\",\"unit\":\"credit\",\"amount\":3}"},
		{"add 5 3 for patience", "admin=add:{\"person\":5,\"why\":\"for patience\",\"unit\":\"rub\",\"amount\":300}"},
		{"sub 5 1 free", "admin=sub:{\"person\":5,\"unit\":\"free\",\"amount\":-1}"},
		{"ban 5", "admin=ban:{\"person\":5}"}, {"ban 5 spam", "admin=ban:{\"person\":5,\"why\":\"spam\"}"},
		{"unban 5", "admin=unban:{\"person\":5}"}, {"user 5", "admin=user:{\"person\":5}"},
		{"payment 7", "admin=payment:{\"payment\":7}"}, {"job 9", "admin=job:{\"job\":9}"},
		{"refund 7", "admin=refund:{\"payment\":7}"},
		{"refund 7 12.30", "admin=refund:{\"payment\":7,\"amount\":1230}"},
		{"prices", "admin=prices:{} say=admin_prices"},
		{"price generate.standard 15",
			"admin=price:{\"offer\":\"generate.standard\",\"do\":\"rub\",\"amount\":1500}"},
		{"price generate.ideogram 2",
			"admin=price:{\"offer\":\"generate.ideogram\",\"do\":\"credit\",\"amount\":2}"},
		{"price generate.standard off", "admin=price:{\"offer\":\"generate.standard\",\"do\":\"off\"}"},
		{"price generate.standard reset", "admin=price:{\"offer\":\"generate.standard\",\"do\":\"reset\"}"},
		{"broadcast", "admin=broadcast_ask:{} say=broadcast_ask dialog=broadcast"},
		{"maintenance on", "admin=maintenance:{\"on\":true}"},
		{"maintenance off", "admin=maintenance:{\"on\":false}"},
	};
	/* Nothing of it may reach a purse or a person. */
	static const char *const bad[] = {
		"admin now", "admin_stats 7", "add", "add 5", "add x 100", "add 5 -100", "add 5 0", "add 5 1e3",
		"add 5 1.5 credit",
		"add 5 100.123", "add 99999999999999999999 1", "add 5 99999999999999", "sub 5 x", "ban", "ban x", "ban -5",
		"unban", "user", "user @name", "user 5 6", "payment", "payment 0", "refund", "refund 7 x", "refund 7 1 2",
		"refund 7 0", "job", "job 1.5", "prices all", "price", "price none 5", "price generate.standard",
		"price generate.standard 0", "price generate.standard 5 credit", "price generate.ideogram 5 rub",
		"price generate.standard off now", "broadcast hello", "maintenance", "maintenance maybe", "export all",
		"margin 5", "weather x", "audit 1",
	};

	setting.admin_count = 1;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct plan plan = command(cases[i].text);

		is_str(plan_text(&plan), cases[i].want, "/%s", cases[i].text);
		ok(is_renderable(&plan), "has its words");
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct plan plan = command(bad[i]);
		const char *text = plan_text(&plan);

		ok(str_starts(text, "admin=usage:") && strstr(text, " say=admin_usage") != NULL && plan.count == 2
			&& is_renderable(&plan), "/%s shows how it is written: %s", bad[i], text);
	}
	setting.admin_count = 0;
	for (size_t i = 0; i < COUNT(cases) + COUNT(bad); i++) {
		const char *text = i < COUNT(cases) ? cases[i].text : bad[i - COUNT(cases)];
		struct plan plan = command(text);

		is_str(plan_text(&plan), "say=unknown_command", "to a stranger /%s is unknown", text);
	}
}

static void test_presses(void)
{
	static const struct { const char *data, *want; } cases[] = {
		{"a:stats", "admin=stats:{}"}, {"a:close", "admin=maintenance:{\"on\":true}"}, {"a:nothing", "toast.gone"},
		{"ao:5:user", "admin=user:{\"person\":5}"}, {"ao:5:ban", "admin=ban:{\"person\":5}"},
		{"ao:7:refund", "admin=refund:{\"payment\":7}"}, {"ao:7:delete", "toast.gone"},
		{"arf:7:1230", "admin=refund_go:{\"payment\":7,\"amount\":1230,\"asked\":9}:edit"}, {"arf:7:0", "toast.gone"},
		{"arf:7:1.5", "toast.gone"}, {"apr:generate.standard",
			"admin=price:{\"offer\":\"generate.standard\",\"do\":\"reset\"}"}, {"apr:none", "toast.gone"},
		{"abc:3:start", "admin=broadcast:{\"broadcast\":3,\"do\":\"start\"}:edit"},
		{"abc:3:idle", "admin=broadcast:{\"broadcast\":3,\"do\":\"idle\"}:edit"}, {"abc:3:drop", "toast.gone"},
	};

	for (int admin = 1; admin >= 0; admin--) {
		setting.admin_count = (size_t)admin;
		for (size_t i = 0; i < COUNT(cases); i++) {
			struct views views = views_of(DIALOG_IDLE);
			struct plan plan = decide(update_of(UPDATE_PRESS, cases[i].data), &views);

			is_str(plan_text(&plan), admin ? cases[i].want : "toast.gone", "%s pressed by %s", cases[i].data,
				admin ? "an admin" : "a stranger");
		}
	}
}

/* Whatever an admin sends after /broadcast is the draft; for one who is none any more the dialog is over. */
static void test_draft(void)
{
	static const enum update_kind kinds[] = {UPDATE_TEXT, UPDATE_PHOTO, UPDATE_VIDEO, UPDATE_IMAGE_FILE, UPDATE_OTHER};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct views views = views_of(DIALOG_BROADCAST);

		setting.admin_count = 1;
		struct plan plan = decide(update_of(kinds[i], "words"), &views);
		is_str(plan_text(&plan), "admin=draft:{\"message\":9} dialog=idle", "kind %d is a draft", kinds[i]);
		setting.admin_count = 0;
		plan = decide(update_of(kinds[i], "words"), &views);
		ok(strstr(plan_text(&plan), "draft") == NULL && strstr(plan_text(&plan), "dialog=broadcast") == NULL,
			"not of a stranger: %s", plan_text(&plan));
	}
}

/* The database has the words: they come as a message of their own, or in place of the pressed one. */
static void test_answers(void)
{
	static const struct { int64_t message; const char *outcome, *want; } cases[] = {
		{0, "{\"notice\":\"admin_done\",\"args\":{\"what\":\"maintenance_on\"}}", "say=admin_done"},
		{9, "{\"notice\":\"admin_done\",\"args\":{\"what\":\"maintenance_on\"}}", "edit=admin_done"},
		{0, "{\"notice\":null,\"args\":{}}", ""}, {0, "gone", "say=unknown_command"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct plan plan = {.count = 0};
		struct plan_step step = {.kind = PLAN_ADMIN, .word = "maintenance", .message = cases[i].message};

		flow_answer(&step, &(struct refusal){.outcome = cases[i].outcome}, &setting, arena, &plan);
		is_str(plan_text(&plan), cases[i].want, "answer %zu", i);
		ok(is_renderable(&plan), "has its words");
	}
}

int main(void)
{
	if (play_begin()) {
		test_commands();
		test_presses();
		test_draft();
		test_answers();
	}
	return play_end();
}
