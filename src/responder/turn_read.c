/* The first round trip of a turn: what is known of those who wrote. */
#include "responder/turn_own.h"

#include "base/str.h"
#include "store/pay.h"
#include "store/studio.h"

static enum flow_gate gate_of(const char *gate)
{
	return str_equal(gate, "limited") ? GATE_LIMITED : str_equal(gate, "limited_told") ? GATE_LIMITED_TOLD
		: str_equal(gate, "banned") ? GATE_BANNED : str_equal(gate, "closed") ? GATE_CLOSED : GATE_OPEN;
}

static void fill_views(struct item *item, const struct store_opened *opened)
{
	item->fresh = opened->fresh;
	item->views = (struct views){
		.gate = gate_of(opened->gate), .new_person = opened->new_person, .lang = opened->lang,
		.free = opened->free, .credit = opened->credit, .rub = opened->rub,
		.free_granted = opened->free_granted, .dialog = opened->dialog, .terms = opened->terms,
		.offers = opened->offers, .ban_reason = opened->ban_reason,
	};
}

static const char *const pages[] = {
	[PAGE_JOBS] = "jobs", [PAGE_HISTORY] = "history", [PAGE_STATS] = "stats",
};

/* What an update needs beside its person, in the order in which read_needs takes it. */
static void send_needs(struct turn *turn, const struct item *item)
{
	struct db *db = turn->responder->session.db;
	const struct needs *needs = &item->needs;
	int64_t person = item->update.person_id;
	if (needs->job)
		store_job_view_send(db, turn->arena, person, needs->job);
	if (needs->quote)
		store_quote_view_send(db, turn->arena, person, needs->quote);
	if (needs->album)
		store_album_view_send(db, turn->arena, person, needs->album);
	if (needs->statement)
		store_statement_send(db, turn->arena, person, needs->statement);
	if (needs->page != PAGE_NONE)
		store_page_send(db, turn->arena, person, pages[needs->page], needs->before);
}

static void read_needs(struct turn *turn, struct item *item)
{
	struct db *db = turn->responder->session.db;
	const struct needs *needs = &item->needs;
	struct views *views = &item->views;
	if (needs->job) {
		struct store_job job;
		store_job_view_read(db_take(db), turn->arena, &job);
		views->job.found = job.found;
		views->job.offer = job.offer;
		views->job.mode = job.mode;
		views->job.status = job.status;
		views->job.prompt = job.prompt;
		views->job.ratio = job.ratio;
		views->job.files = job.files;
		views->job.result = job.result;
		views->job.form = job.form;
	}
	if (needs->quote) {
		struct store_quote_view quote;
		store_quote_view_read(db_take(db), turn->arena, &quote);
		views->quote.found = quote.found;
		views->quote.offer = quote.offer;
		views->quote.prompt = quote.prompt;
		views->quote.ratio = quote.ratio;
		views->quote.files = quote.files;
		views->quote.clip_s = quote.clip_s;
	}
	if (needs->album) {
		struct store_album album;
		store_album_view_read(db_take(db), turn->arena, &album);
		views->album.found = album.found;
		views->album.files = album.files;
		views->album.caption = album.caption;
	}
	if (needs->statement)
		views->statement = store_statement_read(db_take(db), turn->arena);
	if (needs->page != PAGE_NONE)
		views->page = store_page_read(db_take(db), turn->arena);
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
		send_needs(turn, items[i]);
	enum turn_end end = turn_end_of(turn, db_sync(db));
	if (end == TURN_DONE) {
		db_take(db);
		must(store_update_open_read(db_take(db), count, turn->arena, opened) == 0);
		for (size_t i = 0; i < count; i++) {
			fill_views(items[i], &opened[i]);
			read_needs(turn, items[i]);
		}
	}
	db_done(db);
	return end;
}
