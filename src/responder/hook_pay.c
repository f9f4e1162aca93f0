/* Notifications of payments at the door: checked for form, kept as hints, never believed. */
#include "responder/hook_pay.h"

#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "data/form.h"
#include "data/sign.h"
#include "data/strict.h"
#include "store/pay.h"

static void answer(struct request *request, int status, const char *body)
{
	request_answer(request, status, "text/plain; charset=utf-8", status == 503 ? "Retry-After: 10" : NULL,
		body, strlen(body));
}

static bool is_type(const struct request *request, const char *type)
{
	const char *given = request_param(request, "CONTENT_TYPE");
	size_t length = strlen(type);
	return given && strncasecmp(given, type, length) == 0 && strchr("; \t", given[length]);
}

/* Reads the body; false when the request was answered. */
static bool read_body(struct request *request, const char *type, struct buf *body)
{
	enum request_end end = request_body(request, body);
	if (end != REQUEST_OK)
		answer(request, end == REQUEST_TOO_LARGE ? 413 : 400, "");
	else if (!is_type(request, type))
		answer(request, 415, "");
	else
		return true;
	return false;
}

/* A provider's id that may go into a URL later: letters, digits and dashes. */
static bool is_id(const char *text)
{
	size_t length = text ? strlen(text) : 0;
	return length >= 1 && length <= 64 && strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

/* Keeps the hint in a transaction of its own and answers. A lost connection shows only when it is used: hence twice. */
static void keep(struct responder *responder, struct request *request, const struct store_hint *hint)
{
	const char *outcome = "";
	struct arena *arena = arena_new(HOOK_PAY_ARENA_MAX);
	enum db_end end = DB_AWAY;
	for (int i = 0; i < 2 && (end == DB_AWAY || end == DB_AGAIN) && responder_database(responder); i++)
		end = store_payment_hint(responder->session.db, arena, hint, &outcome);
	if (end == DB_OK)
		log_info("payment hint: provider=%s kind=%s id=%s event=%s outcome=%s", hint->provider, hint->kind,
			hint->ext_id ? hint->ext_id : "", hint->event, outcome);
	/* What was dropped in a flood is not kept: the sender shall repeat it. */
	if (end == DB_OK && !str_equal(outcome, "dropped")) {
		answer(request, 200, "OK");
		responder_wake(responder);
	} else {
		answer(request, 503, "");
	}
	arena_free(arena);
}

/* Only object.id is taken from the body; the event says no more than what to ask about. */
static void take_notification(struct responder *responder, struct request *request, const struct buf *body)
{
	json *root = strict_read(buf_text(body), body->length);
	const char *event = strict_text(root, "event"), *id = strict_text(root, "object.id");
	bool payment = event && str_starts(event, "payment."), refund = event && str_equal(event, "refund.succeeded");
	if (!json_object_is_type(root, json_type_object) || !event || !is_id(id)) {
		answer(request, 400, "");
	} else if (!payment && !refund) {
		answer(request, 200, "");
	} else {
		struct store_hint hint = {.provider = "yookassa", .ext_id = id, .kind = payment ? "payment" : "refund",
			.event = payment ? "payment" : "refund"};
		keep(responder, request, &hint);
	}
	json_drop(root);
}

void hook_yookassa(struct responder *responder, struct turn *turn, struct request *request)
{
	(void)turn;
	if (!*conf_text(responder->conf, "YOOKASSA_SHOP_ID")) {
		answer(request, 503, "not configured\n");
		return;
	}
	struct buf body;
	buf_init(&body, HOOK_PAY_BODY_MAX);
	if (read_body(request, "application/json", &body))
		take_notification(responder, request, &body);
	buf_free(&body);
}

/* The sign covers amount and order only (facts: replay with another status is possible), hence still a hint. */
static void take_callback(struct responder *responder, struct request *request, const struct buf *body)
{
	struct arena *arena = arena_new(HOOK_PAY_ARENA_MAX);
	struct form form;
	int64_t amount;
	const char *secret = conf_text(responder->conf, "BETATRANSFER_SECRET_KEY");
	if (form_read(buf_text(body), body->length, arena, &form)) {
		answer(request, 400, "");
	} else if (!form_value(&form, "sign") || !form_value(&form, "amount") || !form_value(&form, "orderId")) {
		answer(request, 400, "");
	} else if (!betatransfer_callback_check(secret, &form)) {
		log_warn("betatransfer callback: wrong sign");
		answer(request, 403, "");
	} else if (money_parse(form_value(&form, "amount"), &amount) || !is_id(form_value(&form, "orderId")) ||
		(form_value(&form, "id") && !is_id(form_value(&form, "id")))) {
		answer(request, 400, "");
	} else {
		struct store_hint hint = {.provider = "betatransfer", .ext_id = form_value(&form, "id"),
			.order = form_value(&form, "orderId"), .kind = "payment", .event = "callback"};
		keep(responder, request, &hint);
	}
	arena_free(arena);
}

void hook_betatransfer(struct responder *responder, struct turn *turn, struct request *request)
{
	(void)turn;
	if (!*conf_text(responder->conf, "BETATRANSFER_SECRET_KEY")) {
		answer(request, 503, "not configured\n");
		return;
	}
	struct buf body;
	buf_init(&body, HOOK_PAY_BODY_MAX);
	if (read_body(request, "application/x-www-form-urlencoded", &body))
		take_callback(responder, request, &body);
	buf_free(&body);
}
