/* Turns: take together, decide each, store together, answer each; and one by one when together fails. */
#include "responder/turn.h"

#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/settings.h"
#include "store/pay.h"
#include "store/turn.h"

#define SENT_MAX (STORE_TURN_MAX + 8)

enum turn_end {
	TURN_DONE,
	TURN_AWAY,              /* no database: Telegram repeats */
	TURN_AGAIN,             /* lost a race: do it again */
	TURN_BROKEN,            /* this data, or this code, cannot be stored */
};

/* A statement whose rows matter: what it was for. */
struct sent {
	struct item *item;
	const struct plan_step *step;
};

struct turn {
	struct responder *responder;
	struct arena *arena;            /* reset at each try */
	struct item items[SETTINGS_TURN_LIMIT];
	struct sent sent[SENT_MAX];
	size_t sent_count;
};

struct turn *turn_new(struct responder *responder)
{
	struct turn *turn = mem_alloc(sizeof *turn);
	turn->responder = responder;
	turn->arena = arena_new(TURN_ARENA_MAX);
	for (size_t i = 0; i < SETTINGS_TURN_LIMIT; i++)
		turn->items[i].arena = arena_new(ITEM_ARENA_MAX);
	return turn;
}

void turn_free(struct turn *turn)
{
	if (!turn)
		return;
	for (size_t i = 0; i < SETTINGS_TURN_LIMIT; i++)
		arena_free(turn->items[i].arena);
	arena_free(turn->arena);
	mem_free(turn);
}

struct item *turn_slot(struct turn *turn)
{
	for (size_t i = 0; i < SETTINGS_TURN_LIMIT; i++) {
		if (!turn->items[i].request) {
			arena_reset(turn->items[i].arena);
			return &turn->items[i];
		}
	}
	return NULL;
}

size_t turn_waiting(const struct turn *turn)
{
	size_t count = 0;
	for (size_t i = 0; i < SETTINGS_TURN_LIMIT; i++)
		count += turn->items[i].request != NULL;
	return count;
}

/* ---- answers ------------------------------------------------------------------------------------------ */

static void answer(struct item *item, int status, const char *header, const char *body, size_t length)
{
	request_answer(item->request, status, "application/json", header, body, length);
	item->request = NULL;
}

/* Only what may be lost rides in the answer: the toast that stops a pressed button's spinner, the refusal of a
 * payment we know nothing of, and the apology for what could not be taken (the outbox could not take that either). */
static json *new_call(const struct item *item, const char *words)
{
	json *call = json_new();
	if (item->update.kind == UPDATE_CHECKOUT) {
		json_set_text(call, "method", "answerPreCheckoutQuery");
		json_set_text(call, "pre_checkout_query_id", item->update.query_id);
		json_set_bool(call, "ok", false);
		json_set_text(call, "error_message", words);
	} else if (item->update.kind == UPDATE_PRESS) {
		json_set_text(call, "method", "answerCallbackQuery");
		json_set_text(call, "callback_query_id", item->update.query_id);
		json_set_text(call, "text", words);
	} else {
		json_set_text(call, "method", "sendMessage");
		json_set_i64(call, "chat_id", item->update.person_id);
		json_set_text(call, "text", words);
	}
	return call;
}

/* Answers 200 with a call; key names its words, null: none. */
static void answer_call(struct turn *turn, struct item *item, const char *lang, const char *key)
{
	struct buf words;
	buf_init(&words, 800);
	if (key && !text_add(turn->responder->texts, lang, key, NULL, &words))
		log_error("texts: no %s", key);
	json *call = new_call(item, key ? buf_text(&words) : NULL);
	const char *body = arena_str(item->arena, json_write(call));
	buf_free(&words);
	json_drop(call);
	answer(item, 200, NULL, body, strlen(body));
}

static void answer_done(struct turn *turn, struct item *item)
{
	bool calls = item->update.kind == UPDATE_PRESS || item->update.kind == UPDATE_CHECKOUT;
	if (calls && item->fresh)
		answer_call(turn, item, item->views.lang, item->plan.toast);
	else
		answer(item, 200, NULL, "", 0);
}

/* Nobody is left in silence, but for who sent nothing. */
static void answer_sorry(struct turn *turn, struct item *item)
{
	enum update_kind kind = item->update.kind;
	if (kind == UPDATE_BLOCKED || kind == UPDATE_UNBLOCKED || kind == UPDATE_PAYMENT)
		answer(item, 200, NULL, "", 0);
	else
		answer_call(turn, item, item->update.lang, kind == UPDATE_CHECKOUT ? "toast.checkout" : "toast.sorry");
}

static void answer_away(struct item *item)
{
	answer(item, 503, "Retry-After: 2", "", 0);
}

/* ---- round trip 1: what is known ---------------------------------------------------------------------- */

static enum turn_end end_of(struct turn *turn, enum db_end end)
{
	switch (end) {
	case DB_OK: return TURN_DONE;
	case DB_AWAY: return TURN_AWAY;
	case DB_AGAIN: return TURN_AGAIN;
	case DB_BROKEN:
		log_warn("turn: state=%s %s", db_state(turn->responder->session.db),
			db_error(turn->responder->session.db));
		return TURN_BROKEN;
	default: fault("a database end without a case");
	}
}

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

static enum turn_end open_updates(struct turn *turn, struct item **items, size_t count)
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
	enum turn_end end = end_of(turn, db_sync(db));
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

/* ---- round trip 2: what is intended ------------------------------------------------------------------- */

static void send_quote(struct turn *turn, struct item *item, const struct plan_step *step)
{
	uint32_t seed;
	digest_random(&seed, sizeof seed);
	json *input = offer_input(step->offer, step->prompt, step->ratio, (int64_t)(seed & INT32_MAX));
	bool english = str_equal(item->views.lang, "en");
	struct store_quote quote = {
		.person = item->update.person_id, .offer = step->offer->id, .mode = mode_name(step->offer->mode),
		.title = english ? step->offer->title_en : step->offer->title_ru,
		.provider = step->offer->provider, .model = step->offer->model, .prompt = step->prompt,
		.input = json_write(input), .price = step->price, .deadline_s = step->offer->deadline_s,
		.args = step->notice, .waits = step->waits,
	};
	store_quote_open_send(turn->responder->session.db, turn->arena, &quote);
	json_drop(input);
}

static void send_pay(struct turn *turn, struct item *item, const struct plan_step *step)
{
	bool test = str_equal(step->pay.provider, "betatransfer") &&
		conf_bool(turn->responder->conf, "BETATRANSFER_TEST_MODE");
	struct store_payment payment = {
		.person = item->update.person_id, .provider = step->pay.provider, .amount = step->pay.amount,
		.currency = step->pay.currency, .grant = step->pay.grant, .package = step->pay.package, .test = test,
		.description = arena_fmt(turn->arena, "Atelier, %" PRId64, item->update.person_id),
	};
	store_payment_open_send(turn->responder->session.db, turn->arena, &payment);
}

static void send_step(struct turn *turn, struct item *item, const struct plan_step *step)
{
	struct db *db = turn->responder->session.db;
	int64_t person = item->update.person_id;
	switch (step->kind) {
	case PLAN_QUOTE:
		send_quote(turn, item, step);
		break;
	case PLAN_QUOTE_CANCEL:
		store_quote_cancel_send(db, turn->arena, person, step->number, step->message);
		break;
	case PLAN_ORDER:
		store_job_order_send(db, turn->arena, person, step->number, step->message,
			turn->responder->flow.jobs_max);
		break;
	case PLAN_UNREACHABLE:
		store_unreachable_send(db, turn->arena, person);
		break;
	case PLAN_PAY:
		send_pay(turn, item, step);
		break;
	case PLAN_PAY_CHECK:
		store_payment_check_send(db, turn->arena, person, step->number);
		break;
	case PLAN_STATEMENT_FILE:
		store_statement_csv_send(db, turn->arena, person);
		break;
	case PLAN_PARK:
		store_park_send(db, turn->arena, &(struct store_parked){item->update.id, "", step->notice, item->body,
			item->body_length});
		log_error("update kept for the operator: update=%" PRId64 " person=%" PRId64 " %s", item->update.id,
			person, step->notice);
		break;
	case PLAN_SAY:
	case PLAN_EDIT:
	case PLAN_DIALOG:
		return;                 /* these go together, see send_together */
	default:
		fault("a step without a case");
	}
	must(turn->sent_count < SENT_MAX);
	turn->sent[turn->sent_count++] = (struct sent){item, step};
}

/* All words and all dialog moves of the turn: one statement each. Steps before `from` were sent before. */
static void send_together(struct turn *turn, struct item **items, size_t count, const size_t *from)
{
	size_t room = count * PLAN_STEPS_MAX, says = 0, moves = 0;
	struct store_say *say = arena_alloc(turn->arena, room * sizeof *say);
	int64_t *persons = arena_alloc(turn->arena, room * sizeof *persons);
	const char **dialogs = arena_alloc(turn->arena, room * sizeof *dialogs);
	for (size_t i = 0; i < count; i++) {
		for (size_t n = from[i]; n < items[i]->plan.count; n++) {
			const struct plan_step *step = &items[i]->plan.steps[n];
			int64_t person = items[i]->update.person_id;
			if (step->kind == PLAN_SAY || step->kind == PLAN_EDIT) {
				say[says++] = (struct store_say){person, step->message, step->notice, step->dedup};
			} else if (step->kind == PLAN_DIALOG) {
				persons[moves] = person;
				dialogs[moves++] = step->dialog;
			}
		}
	}
	struct db *db = turn->responder->session.db;
	if (says) {
		store_say_send(db, turn->arena, say, says);
		turn->sent[turn->sent_count++] = (struct sent){NULL, NULL};
	}
	if (moves) {
		store_dialog_set_send(db, turn->arena, persons, dialogs, moves);
		turn->sent[turn->sent_count++] = (struct sent){NULL, NULL};
	}
	must(turn->sent_count < SENT_MAX);
}

static void read_answer(struct turn *turn, const struct sent *sent, const struct db_rows *rows)
{
	struct item *item = sent->item;
	struct refusal refusal = {.outcome = "gone"};
	if (sent->step->kind == PLAN_ORDER) {
		struct store_order order;
		store_job_order_read(rows, turn->arena, &order);
		refusal = (struct refusal){order.outcome, order.price, order.free, order.credit, order.rub, order.debt};
		log_info("order: person=%" PRId64 " quote=%" PRId64 " outcome=%s job=%" PRId64, item->update.person_id,
			sent->step->number, order.outcome, order.job);
	} else {
		refusal.outcome = store_outcome_read(rows, turn->arena);
	}
	flow_answer(sent->step, &refusal, &turn->responder->flow, item->arena, &item->plan);
}

static bool can_be_refused(const struct sent *sent)
{
	return sent->step && flow_can_be_refused(sent->step);
}

/* Sends COMMIT with whatever is queued and makes sure that it was one. */
static enum turn_end commit(struct turn *turn, size_t before)
{
	struct db *db = turn->responder->session.db;
	db_send(db, &db_commit, NULL);
	enum turn_end end = end_of(turn, db_sync(db));
	if (end == TURN_DONE) {
		for (size_t i = 0; i < before; i++)
			db_take(db);
		if (!db_committed(db_take(db)))
			end = TURN_BROKEN;
	}
	db_done(db);
	return end;
}

static enum turn_end store_plans(struct turn *turn, struct item **items, size_t count)
{
	struct db *db = turn->responder->session.db;
	size_t from[SETTINGS_TURN_LIMIT] = {0};
	bool refusable = false;
	turn->sent_count = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t n = 0; n < items[i]->plan.count; n++)
			send_step(turn, items[i], &items[i]->plan.steps[n]);
	send_together(turn, items, count, from);
	for (size_t i = 0; i < turn->sent_count; i++)
		refusable |= can_be_refused(&turn->sent[i]);
	if (!refusable)
		return commit(turn, turn->sent_count);
	enum turn_end end = end_of(turn, db_sync(db));
	for (size_t i = 0; i < count; i++)
		from[i] = items[i]->plan.count;
	for (size_t i = 0; end == TURN_DONE && i < turn->sent_count; i++) {
		const struct db_rows *rows = db_take(db);
		if (can_be_refused(&turn->sent[i]))
			read_answer(turn, &turn->sent[i], rows);
	}
	db_done(db);
	if (end != TURN_DONE)
		return end;
	turn->sent_count = 0;
	send_together(turn, items, count, from);
	return commit(turn, turn->sent_count);
}

/* ---- one try, and what follows a failed one ----------------------------------------------------------- */

static enum turn_end try(struct turn *turn, struct item **items, size_t count)
{
	struct item *fresh[SETTINGS_TURN_LIMIT];
	size_t fresh_count = 0;
	arena_reset(turn->arena);
	if (!responder_database(turn->responder))
		return TURN_AWAY;
	enum turn_end end = open_updates(turn, items, count);
	if (end != TURN_DONE)
		return end;
	for (size_t i = 0; i < count; i++) {
		if (!items[i]->fresh)
			continue;
		flow_decide(&items[i]->update, &items[i]->views, &turn->responder->flow, items[i]->arena,
			&items[i]->plan);
		fresh[fresh_count++] = items[i];
	}
	return store_plans(turn, fresh, fresh_count);
}

static enum turn_end try_again(struct turn *turn, struct item **items, size_t count)
{
	enum turn_end end = TURN_AGAIN;
	for (int i = 0; i < TURN_AGAIN_MAX && end == TURN_AGAIN; i++)
		end = try(turn, items, count);
	return end;
}

/* Authentic, yet it cannot be stored: kept for the operator and answered 200, so that it does not block its chat.
 * Unless the schema has become another's since we connected: then it is for the next program, and Telegram repeats. */
static void park(struct turn *turn, struct item *item)
{
	struct session *session = &turn->responder->session;
	const char *state = arena_str(item->arena, db_state(session->db));
	const char *reason = arena_str(item->arena, db_error(session->db));
	if (session_ping(session) != SESSION_GOOD) {
		answer_away(item);
		return;
	}
	log_error("update parked: update=%" PRId64 " person=%" PRId64 " state=%s %s", item->update.id,
		item->update.person_id, state, reason);
	struct store_parked parked = {item->update.id, state, reason, item->body, item->body_length};
	if (store_update_park(session->db, item->arena, &parked) == DB_OK)
		answer_sorry(turn, item);
	else
		answer_away(item);
}

static void finish(struct turn *turn, struct item *item, enum turn_end end)
{
	if (end == TURN_DONE)
		answer_done(turn, item);
	else if (end == TURN_BROKEN)
		park(turn, item);
	else
		answer_away(item);
}

/* The oldest waiting item of each person, in order of person: the order in which rows are locked everywhere. */
static size_t choose(struct turn *turn, struct item **items)
{
	size_t count = 0;
	for (size_t i = 0; i < SETTINGS_TURN_LIMIT; i++) {
		struct item *item = &turn->items[i];
		size_t at = 0;
		if (!item->request)
			continue;
		while (at < count && items[at]->update.person_id < item->update.person_id)
			at++;
		if (at < count && items[at]->update.person_id == item->update.person_id) {
			if (item->update.id < items[at]->update.id)
				items[at] = item;
			continue;
		}
		memmove(&items[at + 1], &items[at], (count - at) * sizeof *items);
		items[at] = item;
		count++;
	}
	return count;
}

void turn_run(struct turn *turn)
{
	struct item *items[SETTINGS_TURN_LIMIT + 1];
	size_t count = choose(turn, items);
	if (count == 0)
		return;
	enum turn_end end = try_again(turn, items, count);
	/* A broken one is tried once more even if it was alone: a plan of the session may have been stale, and after
	 * an error none is kept. */
	bool together = end == TURN_DONE || (count == 1 && end != TURN_BROKEN) ||
		(end == TURN_AWAY && !responder_database(turn->responder));
	for (size_t i = 0; i < count; i++)
		finish(turn, items[i], together ? end : try_again(turn, &items[i], 1));
	responder_wake(turn->responder);
}
