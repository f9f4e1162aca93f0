/* YooKassa, API v3: payments, refunds and their lists. Rules: yookassa.ru/developers. */
#include "provider/pay.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "data/form.h"
#include "data/sign.h"

#define KEY_MAX 64
#define DESCRIPTION_MAX 128             /* characters, of a payment and of a receipt's line; refunds take more */
#define CURSOR_MAX 512
#define REASON_MAX 64
#define QUERY_MAX 4096
#define SECONDS_MAX INT64_C(4102444800) /* the year 2100 */
#define PROCESSING_MS 1800              /* for a 202 that names no time: what the official clients wait */
#define IDEMPOTENCE "Idempotence-Key"

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

#define KIND(kind) (1u << (kind))
#define ANY (~0u)

/* What a 3xx or 4xx means: the first row that fits; anything else is our own fault. */
static const struct row {
	unsigned kinds;
	int status;
	const char *parameter;          /* that the error names; null: any */
	enum report_outcome outcome;
	enum report_class class;
} rows[] = {
	/* Our key with other data: settings have changed between two tries, or worse. Never a new key by itself. */
	{ANY, 400, IDEMPOTENCE, REPORT_REFUSED, CLASS_OURS},
	{ANY, 400, NULL, REPORT_REFUSED, CLASS_INPUT},
	{ANY, 401, NULL, REPORT_REFUSED, CLASS_FUNDS},
	{ANY, 403, NULL, REPORT_REFUSED, CLASS_FUNDS},
	{KIND(TASK_PAY_REFUND), 404, NULL, REPORT_REFUSED, CLASS_GONE},
};

static const struct { const char *theirs, *ours; } statuses[] = {
	{"pending", "pending"}, {"waiting_for_capture", "waiting"}, {"succeeded", "succeeded"},
	{"canceled", "canceled"},
};

/* --- calls ------------------------------------------------------------------------------------ */

static const char *setting_text(const struct provider_setting *setting, const char *name)
{
	return conf_text(setting->conf, name);
}

/* path lives in the arena or is constant; key: null for a GET. body is taken over. */
static enum provider_next call_make(struct call *call, const struct provider_setting *setting,
	struct arena *arena, const char *path, const char *name, const char *key, json *body)
{
	*call = (struct call){
		.verb = body == NULL ? "GET" : "POST",
		.url = arena_fmt(arena, "%s/%s", setting_text(setting, "YOOKASSA_API_URL"), path),
		.name = name, .total_ms = PAY_CALL_MS,
	};
	call->headers[0] = arena_fmt(arena, "Authorization: Basic %s", sign_base64(arena_fmt(arena, "%s:%s",
		setting_text(setting, "YOOKASSA_SHOP_ID"), setting_text(setting, "YOOKASSA_SECRET_KEY")),
		arena));
	if (body == NULL)
		return PROVIDER_CALL;
	call->headers[1] = "Content-Type: application/json";
	call->headers[2] = arena_fmt(arena, IDEMPOTENCE ": %s", key);
	call->body = arena_str(arena, json_write(body));
	call->body_length = strlen(call->body);
	json_drop(body);
	return PROVIDER_CALL;
}

static bool is_key(const char *text)
{
	size_t length = text == NULL ? 0 : strlen(text);

	return length > 0 && length <= KEY_MAX && strspn(text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_.") == length;
}

/* What both orders of money are made of. */
struct sum {
	int64_t hundredths;
	const char *currency;
};

static json *sum_json(const struct sum *sum)
{
	char value[MONEY_TEXT_BYTES];
	json *amount = json_new();

	money_write(sum->hundredths, value);
	json_set_text(amount, "value", value);
	json_set_text(amount, "currency", sum->currency);
	return amount;
}

static bool sum_of_payload(json *payload, struct sum *sum)
{
	sum->currency = json_text(payload, "currency");
	return json_i64(payload, "amount", &sum->hundredths) && pay_is_sum(sum->hundredths)
		&& pay_is_currency(sum->currency);
}

/* Cut to what YooKassa takes. */
static const char *description_of(json *payload, struct arena *arena)
{
	const char *text = json_text_clean(payload, "description", arena);

	if (text == NULL || *text == '\0')
		return "Atelier";
	return arena_text(arena, text, str_cut_utf16(text, DESCRIPTION_MAX));
}

/* 54-ФЗ: one line, the whole sum; null when no receipts are wanted. */
static json *receipt_json(const struct provider_setting *setting, const struct sum *sum,
	const char *description)
{
	const char *email = setting_text(setting, "YOOKASSA_RECEIPT_EMAIL");
	int64_t tax_system = conf_int(setting->conf, "YOOKASSA_TAX_SYSTEM_CODE");

	if (*email == '\0')
		return NULL;
	json *receipt = json_new(), *customer = json_new(), *items = json_new_array(), *item = json_new();

	json_set_text(customer, "email", email);
	json_set_text(item, "description", description);
	json_set_text(item, "quantity", "1.00");
	json_set(item, "amount", sum_json(sum));
	json_set_i64(item, "vat_code", conf_int(setting->conf, "YOOKASSA_VAT_CODE"));
	json_set_text(item, "payment_subject", "service");
	json_set_text(item, "payment_mode", "full_prepayment");
	json_push(items, item);
	json_set(receipt, "customer", customer);
	json_set(receipt, "items", items);
	if (tax_system > 0)
		json_set_i64(receipt, "tax_system_code", tax_system);
	return receipt;
}

/* The same task gives the same bytes: the key stands for them, and every try repeats them. */
static enum provider_next create(const struct task *task, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	const char *key = json_text(task->payload, "key"), *order = json_text(task->payload, "order");
	const char *back = setting_text(setting, "YOOKASSA_RETURN_URL");
	struct sum sum;
	int64_t person;

	if (!is_key(key) || !pay_is_order(order) || !sum_of_payload(task->payload, &sum))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no key, order or amount");
	const char *description = description_of(task->payload, arena);
	json *body = json_new(), *confirmation = json_new(), *metadata = json_new();
	json *receipt = receipt_json(setting, &sum, description);

	json_set_text(confirmation, "type", "redirect");
	json_set_text(confirmation, "return_url", *back != '\0' ? back
		: arena_fmt(arena, "%s/pay/return", setting_text(setting, "WEBHOOK_BASE_URL")));
	json_set_text(metadata, "order_id", order);
	if (json_i64(task->payload, "person", &person))
		json_set_text(metadata, "person_id", arena_fmt(arena, "%" PRId64, person));
	json_set(body, "amount", sum_json(&sum));
	json_set_bool(body, "capture", true);
	json_set(body, "confirmation", confirmation);
	json_set_text(body, "description", description);
	json_set(body, "metadata", metadata);
	if (receipt != NULL)
		json_set(body, "receipt", receipt);
	return call_make(call, setting, arena, "payments", "yookassa create", key, body);
}

static enum provider_next refund(const struct task *task, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	const char *key = json_text(task->payload, "key"), *payment = json_text(task->payload, "ext_id");
	struct sum sum;

	if (!is_key(key) || !pay_is_id(payment) || !sum_of_payload(task->payload, &sum))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no key, payment or amount");
	const char *description = description_of(task->payload, arena);
	json *receipt = receipt_json(setting, &sum, description);
	json *body = json_new();

	json_set_text(body, "payment_id", payment);
	json_set(body, "amount", sum_json(&sum));
	json_set_text(body, "description", description);
	if (receipt != NULL)
		json_set(body, "receipt", receipt);
	return call_make(call, setting, arena, "refunds", "yookassa refund", key, body);
}

/* A payment or a refund by its id. There is no search by our own order: without an id the database repeats the
 * creation under its key. */
static enum provider_next ask(const struct task *task, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	bool refunds = task->kind == TASK_PAY_REFUND_ASK;
	const char *id = json_text(task->payload, refunds ? "refund_ext_id" : "ext_id");

	if (id == NULL)
		return provider_end(report, REPORT_REFUSED, CLASS_GONE, 0, "no id to ask for");
	if (!pay_is_id(id))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "an id that is none");
	return call_make(call, setting, arena, arena_fmt(arena, "%s/%s", refunds ? "refunds" : "payments", id),
		refunds ? "yookassa refund ask" : "yookassa ask", NULL, NULL);
}

static bool lists_refunds(const struct task *task)
{
	return str_equal(json_text(task->payload, "what"), "refunds");
}

static enum provider_next list(const struct task *task, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	const char *what = json_text(task->payload, "what"), *cursor = json_text(task->payload, "cursor");
	char since[CLOCK_ISO_BYTES], until[CLOCK_ISO_BYTES];
	int64_t from, to;
	struct buf query;

	if ((!lists_refunds(task) && !str_equal(what, "payments"))
		|| !json_i64(task->payload, "since", &from) || !json_i64(task->payload, "until", &to)
		|| from < 0 || from > to || to > SECONDS_MAX
		|| (cursor != NULL && strlen(cursor) > CURSOR_MAX))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no such list");
	clock_iso(from * 1000, since);
	clock_iso(to * 1000, until);
	buf_init(&query, QUERY_MAX);
	form_add(&query, "created_at.gte", since);
	form_add(&query, "created_at.lte", until);
	form_add(&query, "limit", "100");
	if (cursor != NULL)
		form_add(&query, "cursor", cursor);
	const char *path = arena_fmt(arena, "%s?%s", what, buf_text(&query));

	buf_free(&query);
	return call_make(call, setting, arena, path, "yookassa list", NULL, NULL);
}

/* --- what it says ----------------------------------------------------------------------------- */

static bool sum_read(json *body, const char *name, struct sum *sum)
{
	json *amount = json_at(body, name);
	const char *value = strict_text(amount, "value");

	sum->currency = strict_text(amount, "currency");
	return value != NULL && money_parse(value, &sum->hundredths) == 0
		&& pay_is_currency(sum->currency);
}

static const char *status_of(json *body)
{
	const char *status = strict_text(body, "status");

	for (size_t i = 0; i < COUNT(statuses); i++)
		if (str_equal(statuses[i].theirs, status))
			return statuses[i].ours;
	return NULL;
}

static bool flag_read(json *body, const char *name, bool *flag)
{
	json *value = json_at(body, name);

	*flag = json_true(body, name);
	return json_object_is_type(value, json_type_boolean);
}

/* What payments and refunds have alike; null when a part is not what it should be: nothing is guessed. */
static json *object_read(json *body, const struct sum *sum)
{
	const char *id = strict_text(body, "id");
	const char *status = status_of(body);
	const char *reason = strict_text(body, "cancellation_details.reason");

	if (!pay_is_id(id) || status == NULL)
		return NULL;
	json *truth = json_new();

	json_set_bool(truth, "found", true);
	json_set_text(truth, "ext_id", id);
	json_set_text(truth, "status", status);
	json_set_text(truth, "raw", strict_text(body, "status"));
	json_set_i64(truth, "amount", sum->hundredths);
	json_set_text(truth, "currency", sum->currency);
	if (reason != NULL && strlen(reason) <= REASON_MAX)
		json_set_text(truth, "reason", reason);
	return truth;
}

static json *payment_read(json *body)
{
	struct sum sum, refunded;
	const char *shop = strict_text(body, "recipient.account_id");
	const char *order = strict_text(body, "metadata.order_id");
	const char *url = strict_text(body, "confirmation.confirmation_url");
	bool paid, test, back = json_at(body, "refunded_amount") != NULL;

	if (!sum_read(body, "amount", &sum) || !flag_read(body, "paid", &paid)
		|| !flag_read(body, "test", &test) || !pay_is_id(shop)
		|| (back && (!sum_read(body, "refunded_amount", &refunded)
			|| !str_equal(refunded.currency, sum.currency)
			|| refunded.hundredths > sum.hundredths))
		|| (!paid && str_equal(strict_text(body, "status"), "succeeded")))
		return NULL;
	json *truth = object_read(body, &sum);

	if (truth == NULL)
		return NULL;
	json_set_i64(truth, "paid", paid ? sum.hundredths : 0);
	json_set_i64(truth, "refunded", back ? refunded.hundredths : 0);
	json_set_bool(truth, "test", test);
	json_set_text(truth, "shop", shop);
	if (pay_is_order(order))
		json_set_text(truth, "order", order);
	if (pay_is_url(url) && str_equal(strict_text(body, "status"), "pending"))
		json_set_text(truth, "url", url);
	return truth;
}

static json *refund_read(json *body)
{
	const char *payment = strict_text(body, "payment_id");
	struct sum sum;

	if (!sum_read(body, "amount", &sum) || !pay_is_id(payment)
		|| str_equal(strict_text(body, "status"), "waiting_for_capture"))
		return NULL;
	json *truth = object_read(body, &sum);

	if (truth != NULL)
		json_set_text(truth, "payment", payment);
	return truth;
}

/* One strange item, perhaps of another program in the same shop, does not hide the others. */
static json *list_read(const struct task *task, json *body)
{
	json *items = json_at(body, "items");
	size_t count = json_count(body, "items");
	const char *next = strict_text(body, "next_cursor");
	int64_t strange = 0;

	if (!json_object_is_type(items, json_type_array) || count > PAY_LIST_MAX
		|| (json_at(body, "next_cursor") != NULL
			&& (next == NULL || *next == '\0' || strlen(next) > CURSOR_MAX)))
		return NULL;
	json *truth = json_new(), *good = json_new_array();

	for (size_t i = 0; i < count; i++) {
		json *item = json_object_array_get_idx(items, i);
		json *one = lists_refunds(task) ? refund_read(item) : payment_read(item);

		if (one == NULL)
			strange++;
		else
			json_push(good, one);
	}
	json_set(truth, "items", good);
	json_set_text(truth, "next", next);
	if (strange > 0)
		json_set_i64(truth, "strange", strange);
	return truth;
}

/* Whether the answer is about what was asked. */
static bool is_of(const struct task *task, json *body, json *truth)
{
	const char *order = strict_text(body, "metadata.order_id");

	if (task->kind == TASK_PAY_ASK)
		return str_equal(json_text(truth, "ext_id"), json_text(task->payload, "ext_id"));
	if (task->kind == TASK_PAY_REFUND_ASK)
		return str_equal(json_text(truth, "ext_id"), json_text(task->payload, "refund_ext_id"));
	if (task->kind == TASK_PAY_REFUND)
		return str_equal(json_text(truth, "payment"), json_text(task->payload, "ext_id"));
	if (task->kind == TASK_PAY_CREATE)
		return order == NULL || str_equal(order, json_text(task->payload, "order"));
	return true;
}

static enum provider_next understood(const struct task *task, json *body, struct report *report)
{
	json *truth = task->kind == TASK_PAY_LIST ? list_read(task, body)
		: task->kind == TASK_PAY_CREATE || task->kind == TASK_PAY_ASK ? payment_read(body)
		: refund_read(body);
	int64_t strange = 0;

	if (truth == NULL)
		return pay_again(task, report, CLASS_BUSY, 0, NULL, "200, and not understood");
	if (!is_of(task, body, truth)) {
		json_drop(truth);
		return pay_again(task, report, CLASS_BUSY, 0, NULL, "200, and about something else");
	}
	report->result = truth;
	if (task->kind != TASK_PAY_LIST)
		return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%s %s", json_text(truth, "ext_id"),
			json_text(truth, "raw"));
	(void)json_i64(truth, "strange", &strange);
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%zu items, and %" PRId64 " not understood",
		json_count(truth, "items"), strange);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* The wait that the body or a header asks for; 0 when neither does. */
static int64_t wait_ms(const struct answer *answer, json *body)
{
	int64_t wait = 0;

	if (json_i64(body, "retry_after", &wait) && wait > 0)
		return wait;
	return answer->retry_after_s > 0 && answer->retry_after_s < INT32_MAX
		? answer->retry_after_s * 1000 : 0;
}

static enum provider_next refused(const struct task *task, const struct answer *answer, json *body,
	const char *words, struct report *report)
{
	const char *parameter = strict_text(body, "parameter");

	/* Only in YooKassa's own words: the 404 of something in between says nothing about a payment. */
	if (answer->status == 404 && (task->kind == TASK_PAY_ASK || task->kind == TASK_PAY_REFUND_ASK))
		return str_equal(strict_text(body, "code"), "not_found") ? pay_not_found(report)
			: pay_again(task, report, CLASS_OURS, 0, NULL, "404, and not in YooKassa's words");
	for (size_t i = 0; i < COUNT(rows); i++) {
		if ((rows[i].kinds & KIND(task->kind)) == 0 || rows[i].status != answer->status
			|| (rows[i].parameter != NULL && (parameter == NULL || strcasecmp(rows[i].parameter, parameter) != 0)))
			continue;
		return provider_end(report, rows[i].outcome, rows[i].class, 0, "%s%ld %s",
			rows[i].class == CLASS_FUNDS ? "YOOKASSA REFUSES THE SHOP'S KEY: " : "",
			answer->status, words);
	}
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "%ld %s", answer->status, words);
}

static enum provider_next answered(const struct task *task, const struct answer *answer, json *body,
	const struct provider_setting *setting, struct arena *arena, struct report *report)
{
	const char *secret = setting_text(setting, "YOOKASSA_SECRET_KEY");
	const char *words = pay_words(strict_text(body, "description"), secret,
		sign_base64(arena_fmt(arena, "%s:%s", setting_text(setting, "YOOKASSA_SHOP_ID"), secret), arena));
	long status = answer->status;

	if (answer->end != ANSWER_CAME)
		return pay_unanswered(task, answer, NULL, report);
	if (status == 200)
		return understood(task, body, report);
	if (status == 202 || status == 429) {
		int64_t wait = wait_ms(answer, body);

		return pay_again(task, report, CLASS_RATE, wait == 0 && status == 202 ? PROCESSING_MS : wait,
			NULL, "%ld %s", status, words);
	}
	/* It may have happened: the same key again tells, and can't do it twice. */
	if ((status / 100 != 3 && status / 100 != 4) || status == 408)
		return pay_again(task, report, CLASS_BUSY, 0, NULL, "%ld %s", status, words);
	return refused(task, answer, body, words, report);
}

static enum provider_next next(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena,
	struct call *call, struct report *report)
{
	const struct task *task = work->task;

	if (answer != NULL) {
		json *body = pay_body(answer);
		enum provider_next then = answered(task, answer, body, setting, arena, report);

		json_drop(body);
		return then;
	}
	if (*setting_text(setting, "YOOKASSA_SHOP_ID") == '\0'
		|| *setting_text(setting, "YOOKASSA_SECRET_KEY") == '\0')
		return provider_end(report, REPORT_REFUSED, CLASS_FUNDS, 0, "YooKassa is switched off");
	if (task->kind == TASK_PAY_CREATE)
		return create(task, setting, arena, call, report);
	if (task->kind == TASK_PAY_REFUND)
		return refund(task, setting, arena, call, report);
	if (task->kind == TASK_PAY_ASK || task->kind == TASK_PAY_REFUND_ASK)
		return ask(task, setting, arena, call, report);
	if (task->kind == TASK_PAY_LIST)
		return list(task, setting, arena, call, report);
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "not a task for YooKassa");
}

const struct provider provider_yookassa = {.name = "yookassa", .next = next};
