/* Turns: take together, decide each, store together, answer each; and one by one when together fails. */
#include "responder/turn.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/str.h"
#include "responder/turn_own.h"

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
	if (item->fresh)
		metric_add(METRIC_UPDATES, item->update.kind, 0);
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

/* ---- one try, and what follows a failed one ----------------------------------------------------------- */

enum turn_end turn_end_of(struct turn *turn, enum db_end end)
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

static enum turn_end try(struct turn *turn, struct item **items, size_t count)
{
	struct item *fresh[SETTINGS_TURN_LIMIT];
	size_t fresh_count = 0;
	arena_reset(turn->arena);
	if (!responder_database(turn->responder))
		return TURN_AWAY;
	enum turn_end end = turn_read(turn, items, count);
	if (end != TURN_DONE)
		return end;
	for (size_t i = 0; i < count; i++) {
		if (!items[i]->fresh)
			continue;
		flow_decide(&items[i]->update, &items[i]->views, &turn->responder->flow, items[i]->arena,
			&items[i]->plan);
		fresh[fresh_count++] = items[i];
	}
	return turn_write(turn, fresh, fresh_count);
}

static void count_failure(enum turn_end end)
{
	metric_add(METRIC_TURN_FAILURES, end == TURN_AWAY ? FAILURE_AWAY : end == TURN_AGAIN ? FAILURE_AGAIN
		: FAILURE_BROKEN, 0);
}

static enum turn_end try_again(struct turn *turn, struct item **items, size_t count)
{
	enum turn_end end = TURN_AGAIN;
	for (int i = 0; i < TURN_AGAIN_MAX && end == TURN_AGAIN; i++) {
		end = try(turn, items, count);
		if (end != TURN_DONE)
			count_failure(end);
	}
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
	if (store_update_park(session->db, item->arena, &parked) == DB_OK) {
		metric_add(METRIC_UPDATES_PARKED, 0, 0);
		answer_sorry(turn, item);
	} else {
		answer_away(item);
	}
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
	metric_observe(METRIC_TURN_SIZE, 0, (int64_t)count);
	enum turn_end end = try_again(turn, items, count);
	/* A broken one is tried once more even if it was alone: a plan of the session may have been stale, and after
	 * an error none is kept. */
	bool together = end == TURN_DONE || (count == 1 && end != TURN_BROKEN) ||
		(end == TURN_AWAY && !responder_database(turn->responder));
	for (size_t i = 0; i < count; i++)
		finish(turn, items[i], together ? end : try_again(turn, &items[i], 1));
	responder_wake(turn->responder);
}
