/* Betatransfer, API v1: signed forms. Rules: btr-kassa.net/en/api, and what its integrators have met. */
#include "provider/pay.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "data/form.h"
#include "data/sign.h"

#define FIELDS_MAX 12
#define BODY_MAX 16384
#define RAW_MAX 64
#define WORDS_MAX 200

/* Between the steps of a creation. */
#define NOTE_POSTED "posted"
#define NOTE_ASKS "asks"
/* For later tries: the payment may be there. There is no idempotence key, only our order's name, which is unique. */
#define MEMO_SENT "sent"

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

/* What its status words mean for money. One that is not here says nothing yet. */
static const struct { const char *theirs, *ours; } statuses[] = {
	{"success", "succeeded"}, {"partial_payment", "partial"}, {"refund", "refunded"},
	{"cancel", "canceled"}, {"error", "canceled"}, {"blocked", "canceled"},
	{"new", "pending"}, {"pending", "pending"}, {"processing", "pending"}, {"checkPayment", "pending"},
	{"entered_card_data", "pending"}, {"hold_payment", "pending"},
	{"awaiting_confirmation", "pending"}, {"verification", "pending"},
};

/* --- calls ------------------------------------------------------------------------------------ */

static const char *setting_text(const struct provider_setting *setting, const char *name)
{
	return conf_text(setting->conf, name);
}

/* The sign goes over the values in the order in which they are sent: one list for both. */
static enum provider_next call_make(struct call *call, const struct provider_setting *setting,
	struct arena *arena, const char *method, const char *name, const struct form_field *fields, size_t count)
{
	const char *values[FIELDS_MAX + 1];
	char sign[SIGN_MD5_BYTES];
	struct buf body, token;

	must(count <= FIELDS_MAX);
	buf_init(&body, BODY_MAX);
	buf_init(&token, BODY_MAX);
	for (size_t i = 0; i < count; i++) {
		values[i] = fields[i].value;
		form_add(&body, fields[i].name, fields[i].value);
	}
	values[count] = setting_text(setting, "BETATRANSFER_SECRET_KEY");
	sign_md5(values, count + 1, sign);
	form_add(&body, "sign", sign);
	form_add(&token, "token", setting_text(setting, "BETATRANSFER_API_KEY"));
	must(!body.full && !token.full);
	*call = (struct call){
		.verb = "POST",
		.url = arena_fmt(arena, "%s/%s?%s", setting_text(setting, "BETATRANSFER_API_URL"), method,
			buf_text(&token)),
		.name = name,
		.headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"},
		.body = arena_str(arena, buf_text(&body)), .body_length = body.length,
		.total_ms = PAY_CALL_MS,
	};
	buf_free(&body);
	buf_free(&token);
	return PROVIDER_CALL;
}

static enum provider_next create(struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	json *payload = work->task->payload;
	const char *order = json_text(payload, "order"), *currency = json_text(payload, "currency");
	const char *base = setting_text(setting, "WEBHOOK_BASE_URL");
	const char *back = arena_fmt(arena, "%s/pay/return", base);
	char amount[MONEY_TEXT_BYTES];
	int64_t hundredths, person;

	if (!json_i64(payload, "amount", &hundredths) || !pay_is_sum(hundredths)
		|| !pay_is_currency(currency) || !pay_is_order(order)
		|| !json_i64(payload, "person", &person))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no order, amount or person");
	money_write(hundredths, amount);
	const struct form_field fields[] = {
		{"amount", amount}, {"currency", currency}, {"orderId", order},
		{"paymentSystem", setting_text(setting, "BETATRANSFER_PAYMENT_SYSTEM")},
		{"urlResult", arena_fmt(arena, "%s/betatransfer/callback", base)},
		{"urlSuccess", back}, {"urlFail", back},
		{"locale", str_equal(work->task->lang, "en") ? "en" : "ru"},
		{"redirect", "0"}, {"payerId", arena_fmt(arena, "%" PRId64, person)}, {"fullCallback", "1"},
	};

	json_set_bool(work->note, NOTE_POSTED, true);
	json_set_bool(work->note, NOTE_ASKS, false);
	(void)call_make(call, setting, arena, "payment", "betatransfer create", fields, COUNT(fields));
	call->fresh = true;
	return PROVIDER_CALL;
}

static enum provider_next ask(struct provider_work *work, const char *id, const char *order,
	const struct provider_setting *setting, struct arena *arena, struct call *call,
	struct report *report)
{
	struct form_field fields[2];
	size_t count = 0;

	if (id == NULL && order == NULL)
		return provider_end(report, REPORT_REFUSED, CLASS_GONE, 0, "no id to ask for");
	if ((id != NULL && !pay_is_id(id)) || (order != NULL && !pay_is_order(order)))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "an id that is none");
	if (id != NULL)
		fields[count++] = (struct form_field){"id", id};
	if (order != NULL)
		fields[count++] = (struct form_field){"orderId", order};
	json_set_bool(work->note, NOTE_ASKS, true);
	return call_make(call, setting, arena, "info", "betatransfer ask", fields, count);
}

static enum provider_next ask_order(struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	return ask(work, NULL, json_text(work->task->payload, "order"), setting, arena, call, report);
}

static enum provider_next list(const struct task *task, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	static const struct form_field fields[] = {{"type", "deposit"}, {"limit", "100"}};

	if (str_equal(json_text(task->payload, "what"), "refunds")) {
		report->result = json_new();
		json_set(report->result, "items", json_new_array());
		return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "it has no refunds");
	}
	return call_make(call, setting, arena, "history", "betatransfer list", fields, COUNT(fields));
}

/* --- what it says ----------------------------------------------------------------------------- */

/* A text, or a whole number that json-c has not clamped. */
static const char *plain_text(json *body, const char *name)
{
	int64_t number;

	return json_i64(body, name, &number) ? json_object_get_string(json_at(body, name))
		: strict_text(body, name);
}

/* Also a number with a point, in the digits it came in: json-c keeps them. */
static bool amount_read(json *body, const char *name, int64_t *hundredths)
{
	json *value = json_at(body, name);
	const char *text = json_object_is_type(value, json_type_double) ? json_object_get_string(value)
		: plain_text(body, name);

	return text != NULL && money_parse(text, hundredths) == 0;
}

static const char *status_of(const char *theirs)
{
	for (size_t i = 0; i < COUNT(statuses); i++)
		if (str_equal(statuses[i].theirs, theirs))
			return statuses[i].ours;
	/* not_paid, not_paid_timeout, not_paid_unavailable_country, … */
	return str_starts(theirs, "not_paid") ? "canceled" : "pending";
}

/* What was paid: said, or certain by the status. */
static bool paid_read(json *body, const char *status, int64_t amount, int64_t *paid)
{
	if (json_at(body, "paidAmount") != NULL)
		return amount_read(body, "paidAmount", paid);
	*paid = str_equal(status, "succeeded") || str_equal(status, "refunded") ? amount : 0;
	return !str_equal(status, "partial");
}

static json *truth_new(const char *id, const char *status, const char *raw, int64_t amount,
	const char *currency, int64_t paid)
{
	json *truth = json_new();

	json_set_bool(truth, "found", true);
	json_set_text(truth, "ext_id", id);
	json_set_text(truth, "status", status);
	json_set_text(truth, "raw", raw);
	json_set_i64(truth, "amount", amount);
	json_set_text(truth, "currency", currency);
	json_set_i64(truth, "paid", paid);
	json_set_i64(truth, "refunded", str_equal(status, "refunded") ? paid : 0);
	return truth;
}

/* The page for the payer: the newer name first. */
static void url_copy(json *body, json *truth)
{
	const char *url = strict_text(body, "url");

	if (!pay_is_url(url))
		url = strict_text(body, "urlPayment");
	if (pay_is_url(url))
		json_set_text(truth, "url", url);
}

/* A payment of /info, where "amount" is what is left after the fee, or of /history, which may know no other (then
 * listed). Null when a part is not what it should be: nothing is guessed. */
static json *payment_read(json *body, bool listed)
{
	const char *amount_name = listed && json_at(body, "orderAmount") == NULL ? "amount" : "orderAmount";
	const char *id = plain_text(body, "id"), *raw = strict_text(body, "status");
	const char *currency = strict_text(body, "currency"), *order = strict_text(body, "orderId");
	int64_t amount, paid;

	if (!pay_is_id(id) || raw == NULL || strlen(raw) > RAW_MAX || !pay_is_currency(currency)
		|| !amount_read(body, amount_name, &amount))
		return NULL;
	const char *status = status_of(raw);

	if (!paid_read(body, status, amount, &paid))
		return NULL;
	json *truth = truth_new(id, status, raw, amount, currency, paid);

	if (pay_is_order(order))
		json_set_text(truth, "order", order);
	if (str_equal(status, "pending"))
		url_copy(body, truth);
	return truth;
}

static bool is_of(const struct task *task, json *truth)
{
	const char *order = json_text(task->payload, "order"), *theirs = json_text(truth, "order");
	const char *id = task->kind == TASK_PAY_ASK ? json_text(task->payload, "ext_id") : NULL;

	if (id != NULL && !str_equal(id, json_text(truth, "ext_id")))
		return false;
	return (id != NULL && theirs == NULL) || order == NULL || str_equal(order, theirs);
}

static json *list_read(json *body)
{
	json *items = json_at(body, "items");
	size_t count = json_count(body, "items");
	int64_t strange = 0;

	if (!json_object_is_type(items, json_type_array) || count > PAY_LIST_MAX)
		return NULL;
	json *truth = json_new(), *good = json_new_array();

	for (size_t i = 0; i < count; i++) {
		json *item = json_object_array_get_idx(items, i);
		json *one = str_equal(strict_text(item, "type"), "deposit") ? payment_read(item, true) : NULL;

		if (one == NULL)
			strange++;
		else
			json_push(good, one);
	}
	json_set(truth, "items", good);
	if (strange > 0)
		json_set_i64(truth, "strange", strange);
	return truth;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Words of an error, whichever of its three shapes it has; null when it has none. */
static const char *error_words(json *body, struct arena *arena)
{
	json *errors = json_at(body, "errors");

	if (json_object_is_type(errors, json_type_object)) {
		json_object_object_foreach(errors, field, texts) {
			const char *text = strict_text(texts, "0");

			if (text == NULL)
				text = strict_text(texts, "");
			return arena_fmt(arena, "%.*s: %.*s", WORDS_MAX / 2, field, WORDS_MAX, text == NULL ? "" : text);
		}
	}
	const char *text = strict_text(body, "error");

	return text != NULL ? text : strict_text(body, "message");
}

/* An answer, and what all that judge it need. */
struct said {
	const struct task *task;
	const struct answer *answer;
	json *body;
	const char *words;
	bool asked;             /* the call was /info */
};

static json *sent_note(const struct task *task)
{
	json *note = json_new();

	if (task->kind == TASK_PAY_CREATE)
		json_set_bool(note, MEMO_SENT, true);
	return note;
}

static enum provider_next again(const struct said *said, const char *why, struct report *report)
{
	return pay_again(said->task, report, CLASS_BUSY, 0, sent_note(said->task), "%ld %s",
		said->answer->status, why);
}

/* Token or sign were not accepted. */
static bool is_about_us(const struct said *said)
{
	return said->answer->status == 401 || said->answer->status == 403
		|| json_at(said->body, "errors.token") != NULL || json_at(said->body, "errors.sign") != NULL;
}

static bool is_error(const struct said *said)
{
	return said->answer->status == 422 || said->answer->status == 400 || (said->answer->status == 200
		&& json_at(said->body, "id") == NULL && str_equal(strict_text(said->body, "status"), "error"));
}

/* 3xx and 4xx, and errors that came with 200. */
static enum provider_next refused(const struct said *said, struct report *report)
{
	long status = said->answer->status;

	if (is_about_us(said))
		return provider_end(report, REPORT_REFUSED, CLASS_FUNDS, 0,
			"BETATRANSFER REFUSES THE KEY: %ld %s", status, said->words);
	if (is_error(said))
		return provider_end(report, REPORT_REFUSED, CLASS_INPUT, 0, "%ld %s", status, said->words);
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "%ld %s", status, said->words);
}

/* What both calls have in common: no answer, told to wait, something broken there. False: none of that. */
static bool is_no_word(const struct said *said, struct report *report)
{
	const struct answer *answer = said->answer;
	long status = answer->status;

	if (answer->end != ANSWER_CAME) {
		(void)pay_unanswered(said->task, answer, sent_note(said->task), report);
		return true;
	}
	if (status == 429) {
		(void)pay_again(said->task, report, CLASS_RATE, answer->retry_after_s > 0
			&& answer->retry_after_s < INT32_MAX ? answer->retry_after_s * 1000 : 0,
			sent_note(said->task), "429 %s", said->words);
		return true;
	}
	if ((status / 100 != 3 && status / 100 != 4 && status != 200) || status == 408) {
		(void)again(said, said->words, report);
		return true;
	}
	return false;
}

static enum provider_next asked(const struct said *said, struct report *report)
{
	long status = said->answer->status;

	if (status == 404)
		return said->body != NULL ? pay_not_found(report) : pay_again(said->task, report, CLASS_OURS, 0,
			sent_note(said->task), "404, and not in Betatransfer's words");
	if (status != 200 || is_error(said))
		return refused(said, report);
	json *truth = said->task->kind == TASK_PAY_LIST ? list_read(said->body)
		: payment_read(said->body, false);

	if (truth == NULL)
		return again(said, "and not understood", report);
	if (said->task->kind != TASK_PAY_LIST && !is_of(said->task, truth)) {
		json_drop(truth);
		return again(said, "and about something else", report);
	}
	report->result = truth;
	if (said->task->kind == TASK_PAY_LIST)
		return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%zu items", json_count(truth, "items"));
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%s %s", json_text(truth, "ext_id"),
		json_text(truth, "raw"));
}

/* The new payment. Its answer holds no amount: it is the one we asked for. */
static enum provider_next created(const struct said *said, struct report *report)
{
	json *payload = said->task->payload;
	const char *id = plain_text(said->body, "id"), *order = json_text(payload, "order");
	int64_t amount = 0;

	if (!str_equal(strict_text(said->body, "status"), "success") || !pay_is_id(id)
		|| (json_at(said->body, "orderId") != NULL
			&& !str_equal(plain_text(said->body, "orderId"), order)))
		return again(said, "and not understood", report);
	(void)json_i64(payload, "amount", &amount);
	report->result = truth_new(id, "pending", "new", amount, json_text(payload, "currency"), 0);
	json_set_text(report->result, "order", order);
	url_copy(said->body, report->result);
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%s new", id);
}

/* A creation whose answer was lost left a payment or did not: the order's name tells. It is sent once more only when
 * that name is not known there, and refused there if it is known after all. */
static enum provider_next creation_answered(struct provider_work *work, const struct said *said,
	const struct provider_setting *setting, struct arena *arena, struct call *call,
	struct report *report)
{
	bool posted = json_true(work->note, NOTE_POSTED);
	long status = said->answer->status;

	if (said->asked) {
		bool unknown = (status == 404 && said->body != NULL) || (is_error(said) && !is_about_us(said));

		if (unknown && !posted)
			return create(work, setting, arena, call, report);
		return unknown ? provider_end(report, REPORT_REFUSED, CLASS_INPUT, 0, "%s",
			"the order's name is taken, and unknown") : asked(said, report);
	}
	if (is_error(said) && !is_about_us(said) && json_at(said->body, "errors.orderId") != NULL)
		return ask_order(work, setting, arena, call, report);
	return status == 200 && !is_error(said) ? created(said, report) : refused(said, report);
}

static enum provider_next answered(struct provider_work *work, const struct answer *answer, json *body,
	const struct provider_setting *setting, struct arena *arena, struct call *call,
	struct report *report)
{
	const struct said said = {
		.task = work->task, .answer = answer, .body = body,
		.words = pay_words(error_words(body, arena), setting_text(setting, "BETATRANSFER_SECRET_KEY"),
			setting_text(setting, "BETATRANSFER_API_KEY")),
		.asked = json_true(work->note, NOTE_ASKS),
	};

	if (is_no_word(&said, report))
		return PROVIDER_END;
	return work->task->kind == TASK_PAY_CREATE
		? creation_answered(work, &said, setting, arena, call, report) : asked(&said, report);
}

static enum provider_next next(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena,
	struct call *call, struct report *report)
{
	const struct task *task = work->task;

	if (answer != NULL) {
		json *body = pay_body(answer);
		enum provider_next then = answered(work, answer, body, setting, arena, call, report);

		json_drop(body);
		return then;
	}
	if (*setting_text(setting, "BETATRANSFER_API_KEY") == '\0'
		|| *setting_text(setting, "BETATRANSFER_SECRET_KEY") == '\0')
		return provider_end(report, REPORT_REFUSED, CLASS_FUNDS, 0, "Betatransfer is switched off");
	if (task->kind == TASK_PAY_CREATE)
		return task->attempts > 1 || json_true(task->memo, MEMO_SENT)
			? ask_order(work, setting, arena, call, report)
			: create(work, setting, arena, call, report);
	if (task->kind == TASK_PAY_ASK)
		return ask(work, json_text(task->payload, "ext_id"), json_text(task->payload, "order"),
			setting, arena, call, report);
	if (task->kind == TASK_PAY_LIST)
		return list(task, setting, arena, call, report);
	if (task->kind == TASK_PAY_REFUND || task->kind == TASK_PAY_REFUND_ASK)
		return provider_end(report, REPORT_REFUSED, CLASS_GONE, 0, "no API for refunds");
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "not a task for Betatransfer");
}

const struct provider provider_betatransfer = {.name = "betatransfer", .next = next};
