/* The first round trip of a turn: what is known of those who wrote. */
#include "responder/turn_own.h"

#include "base/str.h"
#include "store/pay.h"

static enum flow_gate gate_of(const char *gate)
{
	return str_equal(gate, "limited") ? GATE_LIMITED : str_equal(gate, "limited_told") ? GATE_LIMITED_TOLD
		: str_equal(gate, "banned") ? GATE_BANNED : GATE_OPEN;
}

static void fill_views(struct item *item, const struct store_opened *opened)
{
	item->fresh = opened->fresh;
	item->views = (struct views){
		.gate = gate_of(opened->gate), .new_person = opened->new_person, .lang = opened->lang,
		.free = opened->free, .credit = opened->credit, .rub = opened->rub,
		.free_granted = opened->free_granted, .dialog = opened->dialog,
	};
}

enum turn_end turn_read(struct turn *turn, struct item **items, size_t count)
{
	struct db *db = turn->responder->session.db;
	const struct conf *conf = turn->responder->conf;
	const struct update *updates[SETTINGS_TURN_LIMIT];
	struct store_opened opened[SETTINGS_TURN_LIMIT];
	for (size_t i = 0; i < count; i++)
		updates[i] = &items[i]->update;
	db_send(db, &db_begin, NULL);
	store_update_open_send(db, turn->arena, updates, count, conf_int(conf, "FREE_OPERATIONS_COUNT"),
		conf_int(conf, "RATE_LIMIT_PER_MINUTE"));
	for (size_t i = 0; i < count; i++)
		if (items[i]->needs.job)
			store_job_view_send(db, turn->arena, items[i]->update.person_id, items[i]->needs.job);
	for (size_t i = 0; i < count; i++)
		if (items[i]->needs.statement)
			store_statement_send(db, turn->arena, items[i]->update.person_id, items[i]->needs.statement);
	enum turn_end end = turn_end_of(turn, db_sync(db));
	if (end == TURN_DONE) {
		db_take(db);
		must(store_update_open_read(db_take(db), count, turn->arena, opened) == 0);
		for (size_t i = 0; i < count; i++) {
			struct store_job job = {0};
			fill_views(items[i], &opened[i]);
			if (items[i]->needs.job)
				store_job_view_read(db_take(db), turn->arena, &job);
			items[i]->views.job.found = job.found;
			items[i]->views.job.offer = job.offer;
			items[i]->views.job.prompt = job.prompt;
		}
		for (size_t i = 0; i < count; i++)
			if (items[i]->needs.statement)
				items[i]->views.statement = store_statement_read(db_take(db), turn->arena);
	}
	db_done(db);
	return end;
}
