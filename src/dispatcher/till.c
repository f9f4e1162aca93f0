/* Keeps the database informed of the settings that judge payments, and winds its clocks of money. */
#include "dispatcher/till.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "data/json.h"
#include "data/settings.h"
#include "dispatcher/database.h"
#include "dispatcher/lanes.h"
#include "store/lease.h"

#define DUE_MS 2000             /* between two looks for payments to be asked about */
#define DUE_BATCH 64
#define NIGHT_MS 60000          /* between two looks at the clock of the reconciliation */
#define TELL_MS 500             /* until the database has been told what it must know */

struct till {
	struct desk *desk;
	const struct conf *conf;
	bool told;
};

static void due(void *owner);
static void night(void *owner);

static void tell(void *owner)
{
	struct till *till = owner;
	struct desk *desk = till->desk;
	struct db *db = database_db(desk->database);
	int64_t ids[SETTINGS_ADMINS_MAX];

	if (db != NULL) {
		json *settings = json_new();

		json_set_text(settings, "yookassa_shop_id", conf_text(till->conf, "YOOKASSA_SHOP_ID"));
		json_set_text(settings, "yookassa_test", conf_bool(till->conf, "YOOKASSA_TEST_MODE") ? "true" : "false");
		json_set_text(settings, "betatransfer_test",
			conf_bool(till->conf, "BETATRANSFER_TEST_MODE") ? "true" : "false");
		arena_reset(desk->arena);
		enum db_end end = lease_settings_set(db, json_write(settings));

		if (end == DB_OK)
			end = lease_admins_set(db, desk->arena, ids,
				conf_ids(till->conf, "ADMIN_IDS", ids, SETTINGS_ADMINS_MAX));
		till->told = database_good(desk->database, end, "settings");
		json_drop(settings);
	}
	loop_timer(desk->loop, till->told ? DUE_MS : TELL_MS, till->told ? due : tell, till);
	if (till->told)
		loop_timer(desk->loop, NIGHT_MS, night, till);
}

static void due(void *owner)
{
	struct till *till = owner;
	struct desk *desk = till->desk;
	struct db *db = database_db(desk->database);
	int64_t count = 0;

	if (db != NULL && !desk->leaving) {
		arena_reset(desk->arena);
		enum db_end end = lease_pay_due(db, desk->arena, DUE_BATCH, &count);

		if (database_good(desk->database, end, "pay_due") && count > 0)
			lanes_soon(desk->lanes);
	}
	loop_timer(desk->loop, count >= DUE_BATCH ? 0 : DUE_MS, due, till);
}

static void night(void *owner)
{
	struct till *till = owner;
	struct desk *desk = till->desk;
	struct db *db = database_db(desk->database);
	int64_t count = 0;

	if (db != NULL && !desk->leaving && database_good(desk->database, lease_reconcile_due(db, &count), "reconcile")
		&& count > 0) {
		log_info("event=reconciliation run=%" PRId64, count);
		lanes_soon(desk->lanes);
	}
	loop_timer(desk->loop, NIGHT_MS, night, till);
}

struct till *till_new(struct desk *desk, const struct conf *conf)
{
	struct till *till = mem_alloc(sizeof *till);

	*till = (struct till){.desk = desk, .conf = conf};
	loop_timer(desk->loop, 0, tell, till);
	return till;
}

void till_free(struct till *till)
{
	mem_free(till);
}
