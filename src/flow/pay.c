/* Payments: the menu, sums, packages, the statement. */
#include "flow/own.h"

#include <string.h>

#include "base/str.h"

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

void pay_menu(struct flow *flow)
{
	json *args = json_new();
	flow_leave(flow);
	flow_set_purses(flow->views, args);
	if (flow->setting->roubles)
		json_set_i64(args, "roubles", flow->setting->topup_max);
	if (flow->setting->packages && catalog_package_count(flow->setting->catalog))
		json_set(args, "packages", new_packages(flow->setting));
	bool any = json_at(args, "roubles") || json_at(args, "packages");
	flow_say(flow, any ? "pay_menu" : "pay_none", args);
}

void pay_sum_ask(struct flow *flow, const char *notice)
{
	json *args = json_new();
	flow->talk.state = DIALOG_SUM;
	flow->talk.screen = flow->update->id;
	json_set_i64(args, "screen", flow->talk.screen);
	json_set_i64(args, "min", FLOW_TOPUP_MIN);
	json_set_i64(args, "max", flow->setting->topup_max);
	flow_say(flow, notice, args);
}

static void pay_roubles(struct flow *flow, int64_t roubles)
{
	if (!flow->setting->roubles) {
		pay_menu(flow);
		return;
	}
	flow_leave(flow);
	struct plan_step *step = flow_step(flow, PLAN_PAY);
	step->pay.provider = "yookassa";
	step->pay.currency = "RUB";
	step->pay.amount = roubles * 100;
	step->pay.grant = (struct money){UNIT_RUB, roubles * 100};
}

/* The terms come before the first payment. True: they were asked about. */
static bool ask_terms(struct flow *flow)
{
	if (!flow_terms_open(flow))
		return false;
	json *args = json_new();
	json_set_i64(args, "pay", 1);
	flow_say(flow, "terms_ask", args);
	return true;
}

static void pay_package(struct flow *flow, const char *id)
{
	const struct package *package = catalog_package_find(flow->setting->catalog, id);
	if (!package || !flow->setting->packages) {
		flow->plan->toast = "toast.gone";
		return;
	}
	flow_leave(flow);
	struct plan_step *step = flow_step(flow, PLAN_PAY);
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
void pay_sum_take(struct flow *flow)
{
	char *text = arena_str(flow->arena, flow->update->text);
	int64_t roubles;
	str_trim(text);
	size_t digits = strspn(text, "0123456789");
	char *rest = arena_str(flow->arena, text + digits);
	text[digits] = '\0';
	str_trim(rest);
	if (!is_rouble(rest) || !str_to_i64(text, FLOW_TOPUP_MIN, flow->setting->topup_max, &roubles))
		pay_sum_ask(flow, "sum_wrong");
	else
		pay_roubles(flow, roubles);
}

void pay_statement(struct flow *flow)
{
	const char *text = flow->views->statement;
	json *args = text ? json_read(text, strlen(text)) : NULL;
	if (json_count(args, "rows")) {
		flow_say(flow, "statement", args);
		return;
	}
	json_drop(args);
	flow_say(flow, "statement_empty", NULL);
}

/* The number comes from the client: it is held to the same bounds as a typed one. An old menu may still offer what is
 * switched off now. */
void pay_press(struct flow *flow, const struct button *button)
{
	if (ask_terms(flow))
		return;
	if (button->verb == BUTTON_PACKAGE)
		pay_package(flow, button->word);
	else if (!flow->setting->roubles)
		pay_menu(flow);
	else if (button->verb == BUTTON_SUM)
		pay_sum_ask(flow, "ask_sum");
	else if (button->number < FLOW_TOPUP_MIN || button->number > flow->setting->topup_max)
		flow->plan->toast = "toast.gone";
	else
		pay_roubles(flow, button->number);
}
