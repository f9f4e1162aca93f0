/* atelierctl user, payment, job, ban, unban, offers: what administrators can do in the chat, done here. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

#include "base/digest.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "data/json.h"
#include "data/offer.h"

#define ADMIN_WHY_MAX 500               /* bytes */
#define ADMIN_CATALOG PKGDATADIR "/catalog.json"

static const struct db_statement act = {"ctl.admin", "SELECT ctl.admin($1, $2, $3::jsonb)", 3};
static const struct db_statement changes = {"ctl.offer_changes", "SELECT ctl.offer_changes()", 0};

/* What the database says instead of doing it. */
static const struct { const char *outcome, *words; } refusals[] = {
	{"user", "nobody of that id has ever written"}, {"payment", "there is no such payment"},
	{"job", "there is no such job"}, {"ban_admin", "an administrator: take him out of ADMIN_IDS first"},
};

/* "rub 100.50", "credit 3"; a text as it is. */
static void value_print(const char *name, json *value)
{
	char hundredths[MONEY_TEXT_BYTES];
	struct money money;

	if (json_object_is_type(value, json_type_array))
		return;
	if (money_read(value, &money) != 0) {
		printf("%-14s %s\n", name, json_object_get_string(value));
	} else if (money.unit == UNIT_RUB || money.unit == UNIT_USD) {
		money_write(money.amount < 0 ? -money.amount : money.amount, hundredths);
		printf("%-14s %s%s %s\n", name, money.amount < 0 ? "-" : "", hundredths, money_unit_name(money.unit));
	} else {
		printf("%-14s %" PRId64 " %s\n", name, money.amount, money_unit_name(money.unit));
	}
}

/* One deed, its answer printed a value a line. Takes args over. */
static enum ctl_end act_print(struct ctl *ctl, const char *what, json *args)
{
	unsigned char bytes[12];
	char hex[2 * sizeof bytes + 1];
	const struct db_rows *rows;

	digest_random(bytes, sizeof bytes);
	digest_hex(bytes, sizeof bytes, hex);
	const char *all[] = {arena_fmt(ctl->arena, "ctl:%s", hex), what, arena_str(ctl->arena, json_write(args))};

	json_drop(args);
	if (!ctl_call(ctl, &act, all, &rows))
		return CTL_FAILED;
	json *answer = json_read(rows_text(rows, 0, 0), strlen(rows_text(rows, 0, 0)));

	db_done(ctl->db);
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		if (!str_equal(json_text(answer, "outcome"), refusals[i].outcome))
			continue;
		json_drop(answer);
		return ctl_fail("%s %s: %s", what, ctl->words[0], refusals[i].words);
	}
	printf("%-14s %s\n", "outcome", json_text(answer, "outcome"));
	json *values = json_at(answer, "args");

	json_object_object_foreach(values, name, value)
		if (!str_equal(name, "what"))
			value_print(name, value);
	json_drop(answer);
	return CTL_DONE;
}

static enum ctl_end about(struct ctl *ctl, const char *what, const char *thing)
{
	int64_t id;

	if (!str_to_i64(ctl->words[0], 1, INT64_MAX, &id))
		return ctl_fail("%s: is no number of a %s", ctl->words[0], thing), CTL_USAGE;
	json *args = json_new();

	json_set_i64(args, thing, id);
	if (ctl->count > 1)
		json_set_text(args, "why", ctl->words[1]);
	return act_print(ctl, what, args);
}

enum ctl_end admin_user(struct ctl *ctl)
{
	return about(ctl, "user", "person");
}

enum ctl_end admin_payment(struct ctl *ctl)
{
	return about(ctl, "payment", "payment");
}

enum ctl_end admin_job(struct ctl *ctl)
{
	return about(ctl, "job", "job");
}

enum ctl_end admin_ban(struct ctl *ctl)
{
	if (ctl->count > 1 && (strlen(ctl->words[1]) > ADMIN_WHY_MAX
		|| !str_is_utf8(ctl->words[1], strlen(ctl->words[1]))))
		return ctl_fail("why: at most %d bytes of text", ADMIN_WHY_MAX), CTL_USAGE;
	return about(ctl, "ban", "person");
}

enum ctl_end admin_unban(struct ctl *ctl)
{
	return about(ctl, "unban", "person");
}

/* ---- offers ---- */

static void offer_print(const struct offer *offer, const char *changed)
{
	struct offer now;
	static const char *const states[] = {[OFFER_SOLD] = "sold", [OFFER_OFF] = "off", [OFFER_STOPPED] = "stopped"};
	const char *state = states[offer_now(offer, changed, &now)];
	char price[MONEY_TEXT_BYTES];

	money_write(now.rub, price);
	printf("%-28s %-8s %9s rub %4" PRId64 " credit  %s\n", offer->id, state, now.rub ? price : "-", now.credit,
		offer->model);
}

static enum ctl_end offers_print(struct ctl *ctl, const struct catalog *catalog)
{
	const struct db_rows *rows;

	if (!ctl_call(ctl, &changes, NULL, &rows))
		return CTL_FAILED;
	const char *changed = rows_null(rows, 0, 0) ? NULL : arena_str(ctl->arena, rows_text(rows, 0, 0));

	db_done(ctl->db);
	for (size_t i = 0; i < catalog_count(catalog); i++)
		offer_print(catalog_offer(catalog, i), changed);
	return CTL_DONE;
}

/* OFFER off, on, reset, or AMOUNT [UNIT]. */
static enum ctl_end offer_set(struct ctl *ctl, const struct catalog *catalog)
{
	const struct offer *offer = catalog_find(catalog, ctl->words[0]);
	const char *what = ctl->words[1], *unit = ctl->count > 2 ? ctl->words[2] : offer && !offer->rub ? "credit" : "rub";
	bool plain = ctl->count == 2 && (str_equal(what, "off") || str_equal(what, "on") || str_equal(what, "reset"));
	int64_t amount = 0;

	if (offer == NULL)
		return ctl_fail("%s: is no offer of the catalogue, see atelierctl offers", ctl->words[0]), CTL_USAGE;
	bool rub = str_equal(unit, "rub") && offer->rub && money_parse(plain ? "1" : what, &amount) == 0;
	bool credit = str_equal(unit, "credit") && offer->credit && str_to_i64(plain ? "1" : what, 1, MONEY_MAX, &amount);

	if (!plain && ((!rub && !credit) || amount < 1))
		return ctl_fail("%s %s: is no price this offer can have", what, unit), CTL_USAGE;
	json *args = json_new();

	json_set_text(args, "offer", offer->id);
	json_set_text(args, "do", plain ? what : unit);
	if (!plain)
		json_set_i64(args, "amount", amount);
	return act_print(ctl, "price", args);
}

enum ctl_end admin_offers(struct ctl *ctl)
{
	const char *path = conf_text(ctl->conf, "CATALOG_FILE");
	struct buf errors;

	if (ctl->count == 1)
		return ctl_fail("offers OFFER off|on|reset, or offers OFFER AMOUNT [UNIT]"), CTL_USAGE;
	buf_init(&errors, CONF_FILE_MAX);
	struct catalog *catalog = catalog_read(*path != '\0' ? path : ADMIN_CATALOG, ctl->conf, &errors);
	enum ctl_end end = catalog == NULL ? ctl_fail("%s", buf_text(&errors))
		: ctl->count == 0 ? offers_print(ctl, catalog) : offer_set(ctl, catalog);

	catalog_free(catalog);
	buf_free(&errors);
	return end;
}
