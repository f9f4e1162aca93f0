/* The other round trips of a turn: what is intended, what was refused, and COMMIT. */
#include "responder/turn_own.h"

#include <inttypes.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/str.h"
#include "store/pay.h"
#include "store/studio.h"

static const char *places_of(const struct offer *offer, struct arena *arena)
{
	json *places = json_new_array();
	for (size_t i = 0; i < OFFER_PLACES_MAX && offer->places[i]; i++)
		json_push(places, json_object_new_string(offer->places[i]));
	const char *text = arena_str(arena, json_write(places));
	json_drop(places);
	return text;
}

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
		.ratio = step->ratio ? step->ratio : "", .files = step->files, .clip_s = step->clip_s,
		.places = places_of(step->offer, turn->arena), .input = json_write(input), .price = step->price,
		.deadline_s = step->offer->deadline_s, .cost = step->offer->cost, .args = step->notice, .waits = step->waits,
		.replaces = step->number, .message = step->message,
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
	case PLAN_ALBUM:
		store_album_add_send(db, turn->arena, person, step->group, step->message, step->files, step->prompt);
		break;
	case PLAN_TERMS:
		store_terms_accept_send(db, turn->arena, person, step->number);
		break;
	case PLAN_LANG:
		store_lang_set_send(db, turn->arena, person, step->word);
		break;
	case PLAN_JOB_CANCEL:
		store_job_cancel_send(db, turn->arena, person, step->number);
		break;
	case PLAN_RESEND:
	case PLAN_ORIGINAL:
		store_result_send_send(db, turn->arena, person, step->number, step->kind == PLAN_ORIGINAL);
		break;
	case PLAN_MYDATA:
		store_mydata_send(db, turn->arena, person);
		break;
	case PLAN_FORGET:
		store_forget_send(db, turn->arena, person);
		break;
	case PLAN_ADMIN:
		store_admin_send(db, turn->arena, person, item->update.id, step->word, step->notice);
		log_info("admin: update=%" PRId64 " person=%" PRId64 " command=%s", item->update.id, person, step->word);
		break;
	case PLAN_ALERT:
		store_alert_send(db, step->word, step->notice);
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
				say[says++] = (struct store_say){person, step->message, step->notice, step->dedup,
					step->topic};
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
	enum turn_end end = turn_end_of(turn, db_sync(db));
	if (end == TURN_DONE) {
		for (size_t i = 0; i < before; i++)
			db_take(db);
		if (!db_committed(db_take(db)))
			end = TURN_BROKEN;
	}
	db_done(db);
	return end;
}

enum turn_end turn_write(struct turn *turn, struct item **items, size_t count)
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
	enum turn_end end = turn_end_of(turn, db_sync(db));
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
