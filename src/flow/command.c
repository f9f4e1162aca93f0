/* Commands, and the pages they show. */
#include "flow/own.h"

#include <string.h>

#include "base/str.h"

static void say_welcome(struct flow *flow)
{
	json *args = json_new();
	flow_leave(flow);
	if (*flow->update->first_name)
		json_set_text(args, "name", flow->update->first_name);
	if (flow->views->free > 0)
		json_set(args, "free", money_json((struct money){UNIT_FREE, flow->views->free}));
	flow_say(flow, "welcome", args);
}

static void say_help(struct flow *flow)
{
	flow_say(flow, "help", NULL);
}

static void say_balance(struct flow *flow)
{
	json *args = json_new();
	flow_set_purses(flow->views, args);
	flow_say(flow, "balance", args);
}

void command_menu(struct flow *flow)
{
	flow_leave(flow);
	flow_say(flow, "menu", NULL);
}

static void cancel(struct flow *flow)
{
	flow_leave(flow);
	flow_say(flow, "dialog_cancelled", NULL);
}

/* A page as the database wrote it; one without rows has a notice of its own. */
void command_page(struct flow *flow, enum flow_page page)
{
	static const char *const names[] = {[PAGE_JOBS] = "jobs", [PAGE_HISTORY] = "history", [PAGE_STATS] = "stats"};
	const char *text = flow->views->page;
	json *args = text ? json_read(text, strlen(text)) : NULL;
	if (!args || (page != PAGE_STATS && json_count(args, "rows") == 0)) {
		json_drop(args);
		flow_say(flow, page == PAGE_JOBS ? "jobs_none" : "history_none", NULL);
		return;
	}
	flow_say(flow, names[page], args);
}

static void say_jobs(struct flow *flow)
{
	command_page(flow, PAGE_JOBS);
}

static void say_history(struct flow *flow)
{
	command_page(flow, PAGE_HISTORY);
}

static void say_stats(struct flow *flow)
{
	command_page(flow, PAGE_STATS);
}

/* /get 17; without a number there is the history to choose from. */
static void get(struct flow *flow)
{
	int64_t job;
	if (str_to_i64(flow->update->argument, 1, INT64_MAX, &job))
		flow_step(flow, PLAN_RESEND)->number = job;
	else
		command_page(flow, PAGE_HISTORY);
}

static void say_language(struct flow *flow)
{
	flow_say(flow, "language", NULL);
}

void command_terms(struct flow *flow)
{
	flow_say(flow, "terms", NULL);
}

static void say_support(struct flow *flow)
{
	json *args = json_new();
	if (*flow->setting->support)
		json_set_text(args, "contact", flow->setting->support);
	json_set_i64(args, "person", flow->update->person_id);
	flow_say(flow, "support", args);
}

static void send_mydata(struct flow *flow)
{
	flow_step(flow, PLAN_MYDATA);
}

static void ask_forget(struct flow *flow)
{
	flow_leave(flow);
	ask(flow, DIALOG_FORGET);
}

void command_take(struct flow *flow)
{
	static const struct {
		const char *name;
		void (*act)(struct flow *flow);
	} commands[] = {
		{"start", say_welcome}, {"help", say_help}, {"balance", say_balance}, {"pay", pay_menu},
		{"statement", pay_statement}, {"history", say_history}, {"jobs", say_jobs}, {"get", get},
		{"stats", say_stats}, {"language", say_language}, {"terms", command_terms}, {"support", say_support},
		{"mydata", send_mydata}, {"deleteme", ask_forget}, {"cancel", cancel},
	};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (str_equal(commands[i].name, flow->update->command)) {
			commands[i].act(flow);
			return;
		}
	}
	if (!admin_command(flow))
		flow_say(flow, "unknown_command", NULL);
}
