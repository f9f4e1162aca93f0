/* Conversations about money: sums, packages, the menu, the statement. */
#include "flow_play.h"

#define PAY_250 "pay=yookassa:25000:RUB:rub:25000: dialog=idle"

/* What is written where a sum is asked for. */
static void test_sums(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"250", PAY_250}, {" 250 ", PAY_250}, {"250 ₽", PAY_250}, {"250₽", PAY_250}, {"250 р", PAY_250},
		{"250 р.", PAY_250}, {"250р", PAY_250}, {"250 руб", PAY_250}, {"250 руб.", PAY_250},
		{"250 рублей", PAY_250},
		{"250 rub", PAY_250}, {"250 RUB", PAY_250}, {"250\n", PAY_250},
		{"10", "pay=yookassa:1000:RUB:rub:1000: dialog=idle"},
		{"15000", "pay=yookassa:1500000:RUB:rub:1500000: dialog=idle"},
		{"21 рубль", "pay=yookassa:2100:RUB:rub:2100: dialog=idle"},
		{"102 рубля", "pay=yookassa:10200:RUB:rub:10200: dialog=idle"},
		{"9", "say=sum_wrong dialog=sum"}, {"15001", "say=sum_wrong dialog=sum"},
		{"0", "say=sum_wrong dialog=sum"}, {"1e3", "say=sum_wrong dialog=sum"},
		{"-5", "say=sum_wrong dialog=sum"}, {"-250", "say=sum_wrong dialog=sum"},
		{"+250", "say=sum_wrong dialog=sum"}, {"٢٥٠", "say=sum_wrong dialog=sum"},
		{"２５０", "say=sum_wrong dialog=sum"}, {"250.00", "say=sum_wrong dialog=sum"},
		{"250,50", "say=sum_wrong dialog=sum"}, {"", "say=ask_sum dialog=sum"},
		{" ", "say=ask_sum dialog=sum"}, {"₽", "say=sum_wrong dialog=sum"},
		{"руб", "say=sum_wrong dialog=sum"}, {"1 000", "say=sum_wrong dialog=sum"},
		{"250 300", "say=sum_wrong dialog=sum"}, {"0x100", "say=sum_wrong dialog=sum"},
		{"250 $", "say=sum_wrong dialog=sum"},
		{"250 USD", "say=sum_wrong dialog=sum"},
		{"250 кредитов", "say=sum_wrong dialog=sum"},
		{"250 рубашек", "say=sum_wrong dialog=sum"}, {"250 руб. или 300", "say=sum_wrong dialog=sum"},
		{"9223372036854775807", "say=sum_wrong dialog=sum"},
		{"92233720368547758070", "say=sum_wrong dialog=sum"},
		{"18446744073709551866", "say=sum_wrong dialog=sum"},
		{"лису в лесу", "say=sum_wrong dialog=sum"}, {"top:250", "say=sum_wrong dialog=sum"},
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
	is_str(plan_text(&plan), "say=pay_menu dialog=idle", "roubles switched off while a sum was asked for");
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
		{"top:100", true, true, "pay=yookassa:10000:RUB:rub:10000: dialog=idle"},
		{"top:10", true, false, "pay=yookassa:1000:RUB:rub:1000: dialog=idle"},
		{"top:15000", true, true, "pay=yookassa:1500000:RUB:rub:1500000: dialog=idle"},
		{"top:1", true, true, "toast.gone"}, {"top:9", true, true, "toast.gone"},
		{"top:15001", true, true, "toast.gone"}, {"top:9223372036854775807", true, true, "toast.gone"},
		{"top:92233720368547759", true, true, "toast.gone"}, {"top:-100", true, true, "toast.gone"},
		{"top:100", false, true, "say=pay_menu dialog=idle"},
		{"top:100", false, false, "say=pay_none dialog=idle"},
		{"sum", false, true, "say=pay_menu dialog=idle"}, {"sum", false, false, "say=pay_none dialog=idle"},
		{"pay", true, false, "say=pay_menu dialog=idle"}, {"pay", false, true, "say=pay_menu dialog=idle"},
		{"pay", false, false, "say=pay_none dialog=idle"},
		{"pack:small", true, true, "pay=betatransfer:700:USD:credit:1000:small dialog=idle"},
		{"pack:large", false, true, "pay=betatransfer:5000:USD:credit:10000:large dialog=idle"},
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
		{true, false, 10, "USD", "\"roubles\":10}", "packages"},
		{false, true, 10, "USD", "packages", "roubles"},
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
			&& strstr(notice, "\"rub\":{\"unit\":\"rub\",\"amount\":-1050},\"credit\":7"),
				"has %s", cases[i].there))
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
		{"{}", "say=statement_empty"}, {"[]", "say=statement_empty"},
		{"{\"rows\":[]}", "say=statement_empty"},
		{"{\"rows\":[],\"older\":5}", "say=statement_empty"}, {"{\"rows\":[" ROW "]}", "say=statement"},
		{"{\"rows\":[" ROW "," ROW "],\"older\":9223372036854775807}", "say=statement"},
	};
	static const struct {
		enum update_kind kind;
		const char *text;
		int64_t want;
	} needed[] = {
		{UPDATE_COMMAND, "statement", INT64_MAX}, {UPDATE_PRESS, "st:12", 12},
		{UPDATE_PRESS, "st:9223372036854775807", INT64_MAX}, {UPDATE_PRESS, "st:0", 0},
		{UPDATE_PRESS, "st:-1", 0},
		{UPDATE_PRESS, "st", 0}, {UPDATE_PRESS, "csv", 0}, {UPDATE_PRESS, "check:5", 0},
		{UPDATE_TEXT, "st:12", 0},
		{UPDATE_TEXT, "statement", 0}, {UPDATE_COMMAND, "balance", 0}, {UPDATE_PRESS, "again:5", 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct views views = views_of(DIALOG_IDLE);

		views.statement = cases[i].statement;
		struct plan plan = decide(update_of(UPDATE_PRESS, "st:12"), &views);

		is_str(plan_text(&plan), cases[i].want, "%.60s",
			cases[i].statement ? cases[i].statement : "no page");
		ok(is_renderable(&plan), "with words");
	}
	for (size_t i = 0; i < COUNT(needed); i++) {
		struct update update = update_of(needed[i].kind, needed[i].text);
		struct needs needs;

		flow_needs(&update, &needs);
		is_i64(needs.statement, needed[i].want, "the page that %d %s needs", needed[i].kind,
			needed[i].text);
		is_i64(needs.job, strcmp(needed[i].text, "again:5") ? 0 : 5, "and the job");
	}
}

int main(void)
{
	if (play_begin()) {
		test_sums();
		test_topups();
		test_pay_menu();
		test_statement();
	}
	return play_end();
}
