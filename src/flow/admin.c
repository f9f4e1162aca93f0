/* What admins may do: their commands and buttons, read strictly, and left to one function of the database. */
#include "flow/own.h"

#include <string.h>

#include "base/str.h"

#define ADMIN_WHY_MAX 500               /* UTF-16 units of a reason */
#define ADMIN_BAD_MAX 100               /* UTF-16 units kept of arguments that could not be read */
#define ADMIN_ROWS_MAX 45               /* lines of the price list: a message holds no more */

bool admin_is(const struct flow *flow)
{
	for (size_t i = 0; i < flow->setting->admin_count; i++)
		if (flow->setting->admins[i] == flow->update->person_id)
			return true;
	return false;
}

/* Leaves it to the database, which also writes the audit; takes args over. */
static struct plan_step *act(struct flow *flow, const char *what, json *args)
{
	struct plan_step *step = flow_step(flow, PLAN_ADMIN);
	step->word = what;
	step->notice = arena_str(flow->arena, json_write(args));
	json_drop(args);
	return step;
}

/* The words that show how a command is written; its use is on record all the same. */
static void usage(struct flow *flow, const char *command)
{
	json *args = json_new(), *shown = json_new();
	json_set_text(args, "command", command);
	json_set_text(args, "bad", arena_text(flow->arena, flow->update->argument,
		str_cut_utf16(flow->update->argument, ADMIN_BAD_MAX)));
	act(flow, "usage", args);
	json_set_text(shown, "command", command);
	flow_say(flow, "admin_usage", shown);
}

/* ---- arguments ---------------------------------------------------------------------------------------- */

/* The next word of *rest, which moves behind it; null: there is none. */
static char *word_next(char **rest)
{
	char *at = *rest + strspn(*rest, " \t\n");
	if (!*at)
		return NULL;
	size_t length = strcspn(at, " \t\n");
	*rest = at + length + (at[length] != '\0');
	at[length] = '\0';
	return at;
}

static bool id_next(char **rest, json *args, const char *name)
{
	int64_t id;
	const char *word = word_next(rest);
	if (!word || !str_to_i64(word, 1, INT64_MAX, &id))
		return false;
	json_set_i64(args, name, id);
	return true;
}

static bool unit_of(const char *word, enum money_unit *unit)
{
	static const struct { const char *name; enum money_unit unit; } names[] = {
		{"rub", UNIT_RUB}, {"₽", UNIT_RUB}, {"р", UNIT_RUB}, {"руб", UNIT_RUB}, {"credit", UNIT_CREDIT},
		{"credits", UNIT_CREDIT}, {"кредит", UNIT_CREDIT}, {"кредита", UNIT_CREDIT}, {"кредитов", UNIT_CREDIT},
		{"free", UNIT_FREE},
	};
	for (size_t i = 0; word && i < sizeof names / sizeof *names; i++) {
		if (!str_equal(names[i].name, word))
			continue;
		*unit = names[i].unit;
		return true;
	}
	return false;
}

/* "100", and of roubles also "100.50" and "100,50"; not 0. */
static bool amount_read(char *word, enum money_unit unit, int64_t *amount)
{
	if (unit != UNIT_RUB)
		return str_to_i64(word, 1, MONEY_MAX, amount);
	char *comma = strchr(word, ',');
	if (comma)
		*comma = '.';
	return money_parse(word, amount) == 0 && *amount > 0;
}

/* What is left is why; true also when nothing is. */
static bool why_rest(struct flow *flow, char *rest, json *args)
{
	char *why = arena_str(flow->arena, rest);
	str_trim(why);
	if (str_utf16(why) > ADMIN_WHY_MAX)
		return false;
	if (*why)
		json_set_text(args, "why", why);
	return true;
}

/* ---- commands: each fills args, false when they cannot be read ------------------------------------------ */

static bool read_none(struct flow *flow, char *rest, json *args)
{
	(void)flow, (void)args;
	return !word_next(&rest);
}

static bool read_margin(struct flow *flow, char *rest, json *args)
{
	json_set_i64(args, "rate", flow->setting->dollar);
	return !word_next(&rest);
}

static bool read_person(struct flow *flow, char *rest, json *args)
{
	(void)flow;
	return id_next(&rest, args, "person") && !word_next(&rest);
}

static bool read_payment(struct flow *flow, char *rest, json *args)
{
	(void)flow;
	return id_next(&rest, args, "payment") && !word_next(&rest);
}

static bool read_job(struct flow *flow, char *rest, json *args)
{
	(void)flow;
	return id_next(&rest, args, "job") && !word_next(&rest);
}

static bool read_ban(struct flow *flow, char *rest, json *args)
{
	return id_next(&rest, args, "person") && why_rest(flow, rest, args);
}

/* ID AMOUNT [unit] [why]; roubles when no unit is named. */
static bool read_change(struct flow *flow, char *rest, json *args, int sign)
{
	enum money_unit unit = UNIT_RUB;
	int64_t amount;
	if (!id_next(&rest, args, "person"))
		return false;
	char *sum = word_next(&rest);
	char *ahead = arena_str(flow->arena, rest);
	if (unit_of(word_next(&ahead), &unit))
		(void)word_next(&rest);
	if (!sum || !amount_read(sum, unit, &amount) || !why_rest(flow, rest, args))
		return false;
	json_set_text(args, "unit", money_unit_name(unit));
	json_set_i64(args, "amount", sign * amount);
	return true;
}

static bool read_add(struct flow *flow, char *rest, json *args)
{
	return read_change(flow, rest, args, 1);
}

static bool read_sub(struct flow *flow, char *rest, json *args)
{
	return read_change(flow, rest, args, -1);
}

/* PAYMENT [roubles]; without a sum all that is left. */
static bool read_refund(struct flow *flow, char *rest, json *args)
{
	int64_t amount;
	(void)flow;
	if (!id_next(&rest, args, "payment"))
		return false;
	char *sum = word_next(&rest);
	if (sum && !amount_read(sum, UNIT_RUB, &amount))
		return false;
	if (sum)
		json_set_i64(args, "amount", amount);
	return !word_next(&rest);
}

static bool read_switch(struct flow *flow, char *rest, json *args)
{
	const char *word = word_next(&rest);
	(void)flow;
	json_set_bool(args, "on", str_equal(word, "on"));
	return (str_equal(word, "on") || str_equal(word, "off")) && !word_next(&rest);
}

/* OFFER AMOUNT [unit], or OFFER off, on, reset. An offer may have other prices only of the units it is sold for. */
static bool read_price(struct flow *flow, char *rest, json *args)
{
	char *id = word_next(&rest), *sum = word_next(&rest), *named = word_next(&rest);
	const struct offer *offer = id ? catalog_find(flow->setting->catalog, id) : NULL;
	enum money_unit unit = offer && !offer->rub ? UNIT_CREDIT : UNIT_RUB;
	int64_t amount;
	if (!offer || !sum || word_next(&rest) || (named && !unit_of(named, &unit)))
		return false;
	json_set_text(args, "offer", offer->id);
	if (str_equal(sum, "off") || str_equal(sum, "on") || str_equal(sum, "reset")) {
		json_set_text(args, "do", sum);
		return !named;
	}
	if ((unit == UNIT_RUB ? offer->rub : unit == UNIT_CREDIT ? offer->credit : 0) == 0 ||
		!amount_read(sum, unit, &amount))
		return false;
	json_set_text(args, "do", money_unit_name(unit));
	json_set_i64(args, "amount", amount);
	return true;
}

/* ---- pages that need no database ------------------------------------------------------------------------ */

static json *new_price_row(struct flow *flow, const struct offer *offer)
{
	struct offer now;
	json *row = json_new();
	enum offer_state state = offer_now(offer, flow->views->offers, &now);
	bool changed = now.rub != offer->rub || now.credit != offer->credit;
	json_set_text(row, "kind", state == OFFER_OFF ? "off" : state == OFFER_STOPPED ? "stopped"
		: changed ? "changed" : "sold");
	json_set_text(row, "word", offer->id);
	json_set_text(row, "title", str_equal(flow->views->lang, "en") ? offer->title_en : offer->title_ru);
	if (now.rub)
		json_set(row, "rub", money_json((struct money){UNIT_RUB, now.rub}));
	if (now.credit)
		json_set(row, "credit", money_json((struct money){UNIT_CREDIT, now.credit}));
	return row;
}

static void show_prices(struct flow *flow)
{
	json *args = json_new(), *rows = json_new_array();
	size_t count = catalog_count(flow->setting->catalog);
	for (size_t i = 0; i < count && i < ADMIN_ROWS_MAX; i++)
		json_push(rows, new_price_row(flow, catalog_offer(flow->setting->catalog, i)));
	json_set(args, "rows", rows);
	if (count > ADMIN_ROWS_MAX)
		json_set_i64(args, "more", (int64_t)(count - ADMIN_ROWS_MAX));
	flow_say(flow, "admin_prices", args);
}

static void ask_broadcast(struct flow *flow)
{
	flow_leave(flow);
	ask(flow, DIALOG_BROADCAST);
}

static const struct admin_command {
	const char *name;               /* of the command */
	const char *what;               /* for the database */
	bool (*read)(struct flow *flow, char *rest, json *args);
	void (*also)(struct flow *flow);        /* what is said beside; or null */
} commands[] = {
	{"admin", "admin", read_none, NULL}, {"admin_stats", "stats", read_none, NULL},
	{"add", "add", read_add, NULL}, {"sub", "sub", read_sub, NULL},
	{"ban", "ban", read_ban, NULL}, {"unban", "unban", read_ban, NULL},
	{"user", "user", read_person, NULL}, {"payment", "payment", read_payment, NULL},
	{"refund", "refund", read_refund, NULL}, {"job", "job", read_job, NULL},
	{"prices", "prices", read_none, show_prices}, {"price", "price", read_price, NULL},
	{"broadcast", "broadcast_ask", read_none, ask_broadcast}, {"maintenance", "maintenance", read_switch, NULL},
	{"export", "export", read_none, NULL}, {"margin", "margin", read_margin, NULL},
	{"weather", "weather", read_none, NULL}, {"audit", "audit", read_none, NULL},
};

static void run(struct flow *flow, const struct admin_command *command, const char *argument)
{
	json *args = json_new();
	if (!command->read(flow, arena_str(flow->arena, argument), args)) {
		json_drop(args);
		usage(flow, command->name);
		return;
	}
	act(flow, command->what, args);
	if (command->also)
		command->also(flow);
}

bool admin_command(struct flow *flow)
{
	for (size_t i = 0; admin_is(flow) && i < sizeof commands / sizeof *commands; i++) {
		if (!str_equal(commands[i].name, flow->update->command))
			continue;
		run(flow, &commands[i], flow->update->argument);
		return true;
	}
	return false;
}

void admin_take_message(struct flow *flow)
{
	json *args = json_new();
	flow_leave(flow);
	json_set_i64(args, "message", flow->update->message_id);
	act(flow, "draft", args);
}

/* ---- buttons ------------------------------------------------------------------------------------------ */

/* A page of the menu, by its word. */
static void press_page(struct flow *flow, const char *word)
{
	static const struct { const char *word, *command, *argument; } pages[] = {
		{"menu", "admin", ""}, {"stats", "admin_stats", ""}, {"margin", "margin", ""}, {"weather", "weather", ""},
		{"prices", "prices", ""}, {"broadcast", "broadcast", ""}, {"audit", "audit", ""}, {"export", "export", ""},
		{"close", "maintenance", "on"}, {"open", "maintenance", "off"},
	};
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		for (size_t c = 0; str_equal(pages[i].word, word) && c < sizeof commands / sizeof *commands; c++)
			if (str_equal(commands[c].name, pages[i].command)) {
				run(flow, &commands[c], pages[i].argument);
				return;
			}
	flow->plan->toast = "toast.gone";
}

/* Something done to one thing: what it is called in the arguments tells its kind. */
static void press_on(struct flow *flow, const char *word, int64_t number)
{
	static const struct { const char *what, *thing; } deeds[] = {
		{"user", "person"}, {"statement", "person"}, {"jobs", "person"}, {"payments", "person"}, {"ban", "person"},
		{"unban", "person"}, {"payment", "payment"}, {"payment_ask", "payment"}, {"refund", "payment"},
		{"job", "job"}, {"job_cancel", "job"},
	};
	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
		if (!str_equal(deeds[i].what, word))
			continue;
		json *args = json_new();
		json_set_i64(args, deeds[i].thing, number);
		act(flow, deeds[i].what, args);
		return;
	}
	flow->plan->toast = "toast.gone";
}

static void press_refund(struct flow *flow, const char *word, int64_t payment)
{
	int64_t amount;
	json *args = json_new();
	if (!str_to_i64(word, 1, MONEY_MAX, &amount)) {
		json_drop(args);
		flow->plan->toast = "toast.gone";
		return;
	}
	json_set_i64(args, "payment", payment);
	json_set_i64(args, "amount", amount);
	json_set_i64(args, "asked", flow->update->message_id);  /* a question is answered once */
	act(flow, "refund_go", args)->message = flow->update->message_id;
}

static void press_broadcast(struct flow *flow, const char *word, int64_t broadcast)
{
	static const char *const words[] = {"start", "pause", "resume", "cancel", "look", "all", "ru", "en", "paid",
		"unpaid", "active", "idle"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!str_equal(words[i], word))
			continue;
		json *args = json_new();
		json_set_i64(args, "broadcast", broadcast);
		json_set_text(args, "do", word);
		act(flow, "broadcast", args)->message = flow->update->message_id;
		return;
	}
	flow->plan->toast = "toast.gone";
}

static void press_price(struct flow *flow, const char *offer)
{
	if (!catalog_find(flow->setting->catalog, offer)) {
		flow->plan->toast = "toast.gone";
		return;
	}
	json *args = json_new();
	json_set_text(args, "offer", offer);
	json_set_text(args, "do", "reset");
	act(flow, "price", args);
}

void admin_press(struct flow *flow, const struct button *button)
{
	switch ((int)button->verb) {
	case BUTTON_ADMIN: press_page(flow, button->word); break;
	case BUTTON_ADMIN_ON: press_on(flow, button->word, button->number); break;
	case BUTTON_REFUND: press_refund(flow, button->word, button->number); break;
	case BUTTON_PRICE: press_price(flow, button->word); break;
	case BUTTON_BROADCAST: press_broadcast(flow, button->word, button->number); break;
	default: fault("not a button of admins");
	}
}
