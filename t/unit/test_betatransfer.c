/* The Betatransfer adapter: what it signs and sends, and what it makes of every answer. */
#include "pay_play.h"

#include "data/form.h"
#include "data/sign.h"

#define TOKEN "pub+test/0123456789abcdef"
#define SECRET "sec_test_fedcba9876543210"
#define API "https://merchant.betatransfer.io/api"

static const char settings[] = "WEBHOOK_BASE_URL=https://bot.example\nBETATRANSFER_API_KEY=" TOKEN "\n"
	"BETATRANSFER_SECRET_KEY=" SECRET "\nBETATRANSFER_PAYMENT_SYSTEM=Card4\n";
static const char order[] = "{\"payment\":17,\"provider\":\"betatransfer\",\"order\":\"a17\",\"key\":\"k\","
	"\"amount\":50000,\"currency\":\"RUB\",\"description\":\"d\",\"person\":777001}";
static const char known[] = "{\"payment\":17,\"provider\":\"betatransfer\",\"order\":\"a17\",\"ext_id\":\"9100001\"}";
static const char page[] = "{\"provider\":\"betatransfer\",\"what\":\"payments\",\"since\":1,"
	"\"until\":2,\"cursor\":null}";

static const char created[] = "{\"status\":\"success\",\"id\":9100001,\"url\":\"https://pay.example/9100001\","
	"\"urlPayment\":\"https://old.example/9100001\",\"orderId\":\"a17\",\"hash\":\"abc\"}";
static const char info[] = "{\"id\":9100001,\"type\":\"deposit\",\"orderId\":\"a17\",\"orderAmount\":\"500.00\","
	"\"amount\":\"455.00\",\"paidAmount\":\"500.00\",\"commission\":\"45.00\",\"currency\":\"RUB\","
	"\"paymentSystem\":\"Card4\",\"status\":\"success\",\"balanceAmount\":\"455.00\"}";

#define TRUTH(status, raw, paid, refunded) "{\"found\":true,\"ext_id\":\"9100001\",\"status\":\"" status \
	"\",\"raw\":\"" raw "\",\"amount\":50000,\"currency\":\"RUB\",\"paid\":" paid ",\"refunded\":" refunded
static const char success_truth[] = TRUTH("succeeded", "success", "50000", "0") ",\"order\":\"a17\"}";
static const char created_truth[] = TRUTH("pending", "new", "0", "0") ",\"order\":\"a17\","
	"\"url\":\"https://pay.example/9100001\"}";

/* --- what it asks for --------------------------------------------------------------------------- */

/* The sign made anew from the fields as they were sent. */
static void sign_check(const struct call *call)
{
	struct form form;
	const char *values[FORM_FIELDS_MAX];
	char sign[SIGN_MD5_BYTES];

	must(form_read(call->body, call->body_length, arena, &form) == 0 && form.count > 1);
	for (size_t i = 0; i + 1 < form.count; i++)
		values[i] = form.fields[i].value;
	values[form.count - 1] = SECRET;
	sign_md5(values, form.count, sign);
	is_str(form.fields[form.count - 1].name, "sign", "the sign comes last");
	is_str(form.fields[form.count - 1].value, sign, "over the values in the order sent");
}

static void test_calls(void)
{
	struct play play;

	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	is_str(play.call.verb, "POST", "create: verb");
	is_str(play.call.url, API "/payment?token=pub%2Btest%2F0123456789abcdef", "create: where");
	is_str(play.call.name, "betatransfer create", "create: what the log calls it");
	is_str(play.call.headers[0], "Content-Type: application/x-www-form-urlencoded", "create: a form");
	ok(str_starts(play.call.body, "amount=500.00&currency=RUB&orderId=a17&paymentSystem=Card4"
		"&urlResult=https%3A%2F%2Fbot.example%2Fbetatransfer%2Fcallback"
		"&urlSuccess=https%3A%2F%2Fbot.example%2Fpay%2Freturn&urlFail=https%3A%2F%2Fbot.example%2Fpay%2Freturn"
		"&locale=ru&redirect=0&payerId=777001&fullCallback=1&sign="), "create: the whole body");
	ok(play.call.fresh, "create: never on a kept connection");
	sign_check(&play.call);
	snprintf(play.task.lang, sizeof play.task.lang, "en");
	play_step(&play, NULL);
	ok(strstr(play.call.body, "&locale=en&") != NULL, "create: in English");
	play_end(&play);

	play_begin(&play, TASK_PAY_ASK, known, "{}");
	is_str(play.call.url, API "/info?token=pub%2Btest%2F0123456789abcdef", "ask: where");
	ok(str_starts(play.call.body, "id=9100001&orderId=a17&sign="), "ask: by both names");
	sign_check(&play.call);
	play_end(&play);
	play_begin(&play, TASK_PAY_ASK, with(known, "\"9100001\"", "null"), "{}");
	ok(str_starts(play.call.body, "orderId=a17&sign="), "ask: by the order");
	play_end(&play);
	play_begin(&play, TASK_PAY_ASK, "{\"ext_id\":\"9100001\"}", "{}");
	/* The vector of facts B4 for /info. */
	is_str(play.call.body, "id=9100001&sign=5b6a0d308ac4c0d2b494ab48ea2c99dd", "ask: by the id, known sign");
	play_end(&play);
	play_begin(&play, TASK_PAY_LIST, page, "{}");
	is_str(play.call.url, API "/history?token=pub%2Btest%2F0123456789abcdef", "list: where");
	ok(str_starts(play.call.body, "type=deposit&limit=100&sign="), "list: payments");
	sign_check(&play.call);
	play_end(&play);
}

static void test_no_call(void)
{
	static const struct {
		enum task_kind kind;
		const char *from, *to;
		enum report_class class;
	} rows[] = {
		{TASK_PAY_CREATE, "a17", "17", CLASS_OURS}, {TASK_PAY_CREATE, "a17", "a_17", CLASS_OURS},
		{TASK_PAY_CREATE, "a17", "a12345678901234567890123456789012345678901", CLASS_OURS},
		{TASK_PAY_CREATE, "\"a17\"", "null", CLASS_OURS}, {TASK_PAY_CREATE, "50000", "0", CLASS_OURS},
		{TASK_PAY_CREATE, "50000", "-5", CLASS_OURS}, {TASK_PAY_CREATE, "50000", "\"500\"", CLASS_OURS},
		{TASK_PAY_CREATE, "RUB", "Rub", CLASS_OURS}, {TASK_PAY_CREATE, "777001", "null", CLASS_OURS},
		{TASK_PAY_ASK, "9100001", "91 00001", CLASS_OURS}, {TASK_PAY_ASK, "a17", "a&id=1", CLASS_OURS},
		{TASK_PAY_ASK, "\"order\":\"a17\",\"ext_id\":\"9100001\"", "\"order\":null,\"ext_id\":null", CLASS_GONE},
		{TASK_PAY_REFUND, NULL, "", CLASS_GONE}, {TASK_PAY_REFUND_ASK, NULL, "", CLASS_GONE},
		{TASK_SAY, NULL, "", CLASS_OURS},
	};
	const struct conf *conf = setting.conf;
	struct conf *off = conf_of("WEBHOOK_BASE_URL=https://bot.example\nBETATRANSFER_API_KEY=" TOKEN "\n");
	struct play play;

	for (size_t i = 0; i < COUNT(rows); i++) {
		play_begin(&play, rows[i].kind, with(rows[i].kind == TASK_PAY_ASK ? known : order, rows[i].from,
			rows[i].to), "{}");
		ok(says(&play, REPORT_REFUSED, rows[i].class), "%s: %s", task_kind_name(rows[i].kind), rows[i].to);
		play_end(&play);
	}
	play_begin(&play, TASK_PAY_LIST, with(page, "payments", "refunds"), "{}");
	ok(says(&play, REPORT_DONE, CLASS_NONE), "list: there are no refunds");
	is_str(result(&play), "{\"items\":[]}", "an empty list of them");
	play_end(&play);
	setting.conf = off;
	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	ok(says(&play, REPORT_REFUSED, CLASS_FUNDS), "without a secret nothing is signed");
	play_end(&play);
	conf_free(off);
	setting.conf = conf;
}

/* --- what it makes of answers ------------------------------------------------------------------- */

static void test_created(void)
{
	static const struct { const char *from, *to, *truth; } rows[] = {
		{NULL, "", created_truth},
		{"9100001,", "\"9100001\",", created_truth},
		{"\"orderId\":\"a17\",", "", created_truth},
		{"\"url\":\"https://pay.example/9100001\",", "", TRUTH("pending", "new", "0", "0") ",\"order\":\"a17\","
			"\"url\":\"https://old.example/9100001\"}"},
		{"\"https://pay.example/9100001\"", "false", TRUTH("pending", "new", "0", "0") ",\"order\":\"a17\","
			"\"url\":\"https://old.example/9100001\"}"},
		{"\"a17\"", "\"a18\"", NULL}, {"9100001", "null", NULL}, {"9100001", "9.1", NULL},
		{"9100001", "\"a/b\"", NULL}, {"9100001", "{}", NULL}, {"success", "ok", NULL},
		{"\"id\":9100001", "\"id\":9100001,\"id\":9100002", NULL}, {"9100001", "99999999999999999999", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct play play;

		play_begin(&play, TASK_PAY_CREATE, order, "{}");
		play_answer(&play, 200, with(created, rows[i].from, rows[i].to));
		if (rows[i].truth == NULL) {
			ok(says(&play, REPORT_LATER, CLASS_BUSY), "create: not believed: %s", rows[i].to);
			is_str(result(&play), "{\"sent\":true,\"tries\":1}", "next time it is asked for first");
		} else {
			ok(says(&play, REPORT_DONE, CLASS_NONE), "create: row %zu", i);
			is_str(result(&play), rows[i].truth, "the truth");
		}
		play_end(&play);
	}
}

/* Answers to a call, the same for creation and question unless told otherwise. */
static void test_errors(void)
{
	static const struct {
		enum task_kind kind;    /* TASK_KIND_COUNT: all */
		long status;
		const char *body;
		enum report_outcome outcome;
		enum report_class class;
		int32_t wait;
	} rows[] = {
		{TASK_KIND_COUNT, 422, "{\"status\":\"error\",\"errors\":{\"amount\":[\"too small\"]}}",
			REPORT_REFUSED, CLASS_INPUT, 0},
		{TASK_KIND_COUNT, 200, "{\"status\":\"error\",\"errors\":{\"amount\":[\"too small\"]}}",
			REPORT_REFUSED, CLASS_INPUT, 0},
		{TASK_KIND_COUNT, 422, "{\"status\":\"error\",\"error\":\"no\"}", REPORT_REFUSED, CLASS_INPUT, 0},
		{TASK_KIND_COUNT, 200, "{\"status\":\"error\",\"message\":\"no\"}", REPORT_REFUSED, CLASS_INPUT, 0},
		{TASK_KIND_COUNT, 400, "<html>", REPORT_REFUSED, CLASS_INPUT, 0},
		{TASK_KIND_COUNT, 422, "{\"status\":\"error\",\"errors\":{\"sign\":[\"The sign is invalid\"]}}",
			REPORT_REFUSED, CLASS_FUNDS, 0},
		{TASK_KIND_COUNT, 422, "{\"status\":\"error\",\"errors\":{\"token\":[\"unknown\"]}}",
			REPORT_REFUSED, CLASS_FUNDS, 0},
		{TASK_KIND_COUNT, 401, "", REPORT_REFUSED, CLASS_FUNDS, 0},
		{TASK_KIND_COUNT, 403, "{\"message\":\"Forbidden\"}", REPORT_REFUSED, CLASS_FUNDS, 0},
		{TASK_PAY_CREATE, 404, "{}", REPORT_REFUSED, CLASS_OURS, 0},
		{TASK_PAY_ASK, 404, "{\"status\":\"error\",\"error\":\"Payment not found\"}", REPORT_DONE, CLASS_NONE, 0},
		{TASK_PAY_ASK, 404, "<html>", REPORT_LATER, CLASS_OURS, 2000},
		{TASK_KIND_COUNT, 405, "", REPORT_REFUSED, CLASS_OURS, 0},
		{TASK_KIND_COUNT, 302, "", REPORT_REFUSED, CLASS_OURS, 0},
		{TASK_KIND_COUNT, 429, "{}", REPORT_LATER, CLASS_RATE, 2000},
		{TASK_KIND_COUNT, 408, "", REPORT_LATER, CLASS_BUSY, 2000},
		{TASK_KIND_COUNT, 500, "", REPORT_LATER, CLASS_BUSY, 2000},
		{TASK_KIND_COUNT, 502, "<html>", REPORT_LATER, CLASS_BUSY, 2000},
		{TASK_KIND_COUNT, 201, "{}", REPORT_LATER, CLASS_BUSY, 2000},
		{TASK_KIND_COUNT, 0, "", REPORT_LATER, CLASS_BUSY, 2000},
		{TASK_KIND_COUNT, 200, "", REPORT_LATER, CLASS_BUSY, 2000},
		{TASK_KIND_COUNT, 200, "{}", REPORT_LATER, CLASS_BUSY, 2000},
		{TASK_KIND_COUNT, 200, "[]", REPORT_LATER, CLASS_BUSY, 2000},
		{TASK_KIND_COUNT, 200, "<html>", REPORT_LATER, CLASS_BUSY, 2000},
		{TASK_KIND_COUNT, 200, "{\"status\":\"success\"}", REPORT_LATER, CLASS_BUSY, 2000},
	};
	static const enum task_kind kinds[] = {TASK_PAY_CREATE, TASK_PAY_ASK};

	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t k = 0; k < COUNT(kinds); k++) {
			struct play play;

			if (rows[i].kind != TASK_KIND_COUNT && rows[i].kind != kinds[k])
				continue;
			play_begin(&play, kinds[k], kinds[k] == TASK_PAY_ASK ? known : order, "{}");
			play_answer(&play, rows[i].status, rows[i].body);
			ok(says(&play, rows[i].outcome, rows[i].class) && play.report.retry_ms == rows[i].wait,
				"%s %ld %.50s", task_kind_name(kinds[k]), rows[i].status, rows[i].body);
			if (rows[i].outcome == REPORT_DONE)
				is_str(result(&play), "{\"found\":false}", "it is not there");
			if (rows[i].outcome == REPORT_LATER)
				is_str(result(&play), kinds[k] == TASK_PAY_ASK ? "{\"tries\":1}" : "{\"sent\":true,\"tries\":1}",
					"what is remembered");
			play_end(&play);
		}
}

/* A creation whose fate is unknown: first the question, then perhaps once more. */
static void test_lost(void)
{
	static const char taken[] = "{\"status\":\"error\",\"errors\":{\"orderId\":[\"has already been taken\"]}}";
	static const char unknown[] = "{\"status\":\"error\",\"error\":\"Payment not found\"}";
	struct play play;

	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	play_silence(&play, ANSWER_UNKNOWN);
	ok(says(&play, REPORT_LATER, CLASS_BUSY), "lost: later");
	is_str(result(&play), "{\"sent\":true,\"tries\":1}", "lost: remembered");
	play_end(&play);
	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	play_silence(&play, ANSWER_NOT_SENT);
	ok(says(&play, REPORT_FAILED, CLASS_BUSY) && play.report.result == NULL, "not sent: a failure");
	play_end(&play);

	play_begin(&play, TASK_PAY_CREATE, order, "{\"sent\":true}");
	ok(play.then == PROVIDER_CALL && strstr(play.call.url, "/info?") != NULL, "then: the order is asked for");
	ok(str_starts(play.call.body, "orderId=a17&sign="), "then: by its name");
	play_answer(&play, 200, info);
	ok(says(&play, REPORT_DONE, CLASS_NONE), "then: it is there");
	is_str(result(&play), success_truth, "then: as the truth has it");
	play_end(&play);

	play_begin(&play, TASK_PAY_CREATE, order, "{\"sent\":true}");
	play_answer(&play, 404, unknown);
	ok(play.then == PROVIDER_CALL && strstr(play.call.url, "/payment?") != NULL, "unknown there: once more");
	sign_check(&play.call);
	play_answer(&play, 200, created);
	is_str(result(&play), created_truth, "unknown there: now it is made");
	play_end(&play);

	play_begin(&play, TASK_PAY_CREATE, order, "{\"sent\":true}");
	play_answer(&play, 500, "");
	ok(says(&play, REPORT_LATER, CLASS_BUSY), "no answer to the question: nothing is sent");
	play_end(&play);
	play_begin(&play, TASK_PAY_CREATE, order, "{\"sent\":true}");
	play_answer(&play, 404, "<html>");
	ok(says(&play, REPORT_LATER, CLASS_OURS), "a 404 of somebody else: nothing is sent");
	play_end(&play);
	play_begin(&play, TASK_PAY_CREATE, order, "{\"sent\":true}");
	play_answer(&play, 200, with(info, "\"a17\"", "\"a18\""));
	ok(says(&play, REPORT_LATER, CLASS_BUSY), "another order's payment: nothing is sent");
	play_end(&play);

	/* The helper died with it: no memo, a second attempt. */
	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	play.task.attempts = 2;
	play_step(&play, NULL);
	ok(strstr(play.call.url, "/info?") != NULL, "a second attempt asks first");
	play_end(&play);

	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	play_answer(&play, 422, taken);
	ok(play.then == PROVIDER_CALL && strstr(play.call.url, "/info?") != NULL, "taken: it is asked for");
	play_answer(&play, 200, info);
	ok(says(&play, REPORT_DONE, CLASS_NONE), "taken: it is ours");
	play_end(&play);
	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	play_answer(&play, 422, taken);
	play_answer(&play, 404, unknown);
	ok(says(&play, REPORT_REFUSED, CLASS_INPUT), "taken, and unknown: refused, no circle");
	play_end(&play);
}

static void test_statuses(void)
{
	static const struct { const char *theirs, *ours, *paid, *refunded; } rows[] = {
		{"success", "succeeded", "50000", "0"}, {"partial_payment", "partial", "50000", "0"},
		{"refund", "refunded", "50000", "50000"}, {"cancel", "canceled", "50000", "0"},
		{"error", "canceled", "50000", "0"}, {"blocked", "canceled", "50000", "0"},
		{"not_paid", "canceled", "50000", "0"}, {"not_paid_timeout", "canceled", "50000", "0"},
		{"not_paid_unavailable_country", "canceled", "50000", "0"}, {"not_paid_other", "canceled", "50000", "0"},
		{"new", "pending", "50000", "0"}, {"pending", "pending", "50000", "0"},
		{"processing", "pending", "50000", "0"}, {"checkPayment", "pending", "50000", "0"},
		{"entered_card_data", "pending", "50000", "0"}, {"hold_payment", "pending", "50000", "0"},
		{"awaiting_confirmation", "pending", "50000", "0"}, {"verification", "pending", "50000", "0"},
		{"never_seen", "pending", "50000", "0"}, {"SUCCESS", "pending", "50000", "0"},
		{"succeeded", "pending", "50000", "0"}, {"", "pending", "50000", "0"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct play play;

		play_begin(&play, TASK_PAY_ASK, known, "{}");
		play_answer(&play, 200, with(info, "\"success\"", arena_fmt(arena, "\"%s\"", rows[i].theirs)));
		ok(says(&play, REPORT_DONE, CLASS_NONE), "status %s", rows[i].theirs);
		is_str(result(&play), arena_fmt(arena, "{\"found\":true,\"ext_id\":\"9100001\",\"status\":\"%s\","
			"\"raw\":\"%s\",\"amount\":50000,\"currency\":\"RUB\",\"paid\":%s,"
			"\"refunded\":%s,\"order\":\"a17\"}", rows[i].ours,
			rows[i].theirs, rows[i].paid, rows[i].refunded), "the truth");
		play_end(&play);
	}
}

static void test_amounts(void)
{
	static const struct { const char *from, *to, *truth; } rows[] = {
		{"\"500.00\"", "\"500\"", success_truth}, {"\"500.00\"", "500", success_truth},
		{"\"500.00\"", "500.0", success_truth}, {"\"500.00\"", "500.00", success_truth},
		{"\"paidAmount\":\"500.00\",", "", success_truth}, {"\"paidAmount\":\"500.00\"", "\"paidAmount\":null",
			success_truth},
		{"\"paidAmount\":\"500.00\"", "\"paidAmount\":\"501.50\"", TRUTH("succeeded", "success", "50150", "0")
			",\"order\":\"a17\"}"},
		{"\"paidAmount\":\"500.00\",\"commission\":\"45.00\",\"currency\":\"RUB\",\"paymentSystem\":\"Card4\","
			"\"status\":\"success\"", "\"paidAmount\":300,\"currency\":\"RUB\",\"status\":\"partial_payment\"",
			TRUTH("partial", "partial_payment", "30000", "0") ",\"order\":\"a17\"}"},
		{"\"paidAmount\":\"500.00\",\"commission\":\"45.00\",\"currency\":\"RUB\",\"paymentSystem\":\"Card4\","
			"\"status\":\"success\"", "\"currency\":\"RUB\",\"status\":\"new\"",
			TRUTH("pending", "new", "0", "0") ",\"order\":\"a17\"}"},
		{"\"paidAmount\":\"500.00\",\"commission\":\"45.00\",\"currency\":\"RUB\",\"paymentSystem\":\"Card4\","
			"\"status\":\"success\"", "\"currency\":\"RUB\",\"status\":\"partial_payment\"", NULL},
		{"\"orderId\":\"a17\",", "", TRUTH("succeeded", "success", "50000", "0") "}"},
		{"\"500.00\"", "5e2", NULL}, {"\"500.00\"", "\"1e2\"", NULL}, {"\"500.00\"", "-5", NULL},
		{"\"500.00\"", "\"-5\"", NULL}, {"\"500.00\"", "500.001", NULL}, {"\"500.00\"", "\"٥٠٠\"", NULL},
		{"\"500.00\"", "\"1234567890123456789012345678901234567890\"", NULL},
		{"\"500.00\"", "1234567890123456789012345678901234567890", NULL}, {"\"500.00\"", "true", NULL},
		{"\"500.00\"", "\"NaN\"", NULL}, {"\"500.00\"", "{}", NULL}, {"\"500.00\"", "\"500.00\\u0000\"", NULL},
		{"\"orderAmount\":\"500.00\",", "", NULL},
		{"\"orderAmount\":\"500.00\"", "\"orderAmount\":\"1.00\",\"orderAmount\":\"500.00\"", NULL},
		{"\"status\":\"success\"", "\"status\":\"success\",\"status\":\"new\"", NULL},
		{"\"paidAmount\":\"500.00\"", "\"paidAmount\":\"\"", NULL},
		{"\"paidAmount\":\"500.00\"", "\"paidAmount\":\"5,00\"", NULL},
		{"\"RUB\"", "\"rub\"", NULL}, {"\"RUB\"", "null", NULL}, {"\"RUB\"", "\"RUB\\u0000\"", NULL},
		{"\"success\"", "null", NULL}, {"\"success\"", "1", NULL}, {"9100001", "9100002", NULL},
		{"9100001", "\"x y\"", NULL}, {"\"a17\"", "\"a18\"", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct play play;

		play_begin(&play, TASK_PAY_ASK, known, "{}");
		play_answer(&play, 200, with(info, rows[i].from, rows[i].to));
		ok(rows[i].truth != NULL ? says(&play, REPORT_DONE, CLASS_NONE) : says(&play, REPORT_LATER, CLASS_BUSY),
			"ask: %.50s for %.30s", rows[i].to, rows[i].from);
		is_str(result(&play), rows[i].truth != NULL ? rows[i].truth : "{\"tries\":1}", "the truth or nothing");
		play_end(&play);
	}
}

static void test_truncated(void)
{
	static const struct { enum task_kind kind; const char *payload, *body; } rows[] = {
		{TASK_PAY_CREATE, order, created}, {TASK_PAY_ASK, known, info},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t length = strlen(rows[i].body), wrong = 0;

		for (size_t cut = 0; cut < length; cut++) {
			struct play play;
			char *body = arena_text(arena, rows[i].body, cut);

			play_begin(&play, rows[i].kind, rows[i].payload, "{}");
			play_body(&play, 200, body, cut);
			wrong += play.then != PROVIDER_END || play.report.outcome != REPORT_LATER;
			play_end(&play);
		}
		is_i64((int64_t)wrong, 0, "%s: %zu truncations", task_kind_name(rows[i].kind), length);
	}
}

static void test_list(void)
{
	struct play play;

	play_begin(&play, TASK_PAY_LIST, page, "{}");
	play_answer(&play, 200, arena_fmt(arena, "{\"items\":[%s,{\"id\":9100001,\"type\":\"deposit\",\"amount\":500,"
		"\"paymentSystem\":\"Card\",\"currency\":\"RUB\",\"address\":null,\"status\":\"success\"},"
		"{\"id\":5,\"type\":\"withdraw\",\"amount\":\"5.00\",\"currency\":\"RUB\","
		"\"status\":\"success\"},7]}", info));
	ok(says(&play, REPORT_DONE, CLASS_NONE), "list: payments");
	is_str(result(&play), arena_fmt(arena, "{\"items\":[%s,%s],\"strange\":2}", success_truth,
		TRUTH("succeeded", "success", "50000", "0") "}"), "list: as the truth has them");
	play_end(&play);
	play_begin(&play, TASK_PAY_LIST, page, "{}");
	play_answer(&play, 200, "{\"items\":\"none\"}");
	ok(says(&play, REPORT_LATER, CLASS_BUSY), "list: none");
	play_end(&play);
}

static void test_secrets(void)
{
	static const char *const words[] = {SECRET, "token " TOKEN " is bad"};
	static const long statuses[] = {200, 400, 401, 405, 422, 429, 500};
	static const char *const shapes[] = {
		"{\"status\":\"error\",\"message\":\"%s\"}", "{\"status\":\"error\",\"errors\":{\"amount\":[\"%s\"]}}",
		"{\"status\":\"error\",\"errors\":{\"%s\":[\"x\"]}}", "{\"status\":\"error\",\"errors\":{\"x\":\"%s\"}}",
	};

	for (size_t i = 0; i < COUNT(words) * COUNT(statuses) * COUNT(shapes); i++) {
		const char *shape = shapes[i % COUNT(shapes)], *hole = strstr(shape, "%s");
		const char *word = words[i / COUNT(shapes) % COUNT(words)];
		struct play play;

		play_begin(&play, TASK_PAY_CREATE, order, "{}");
		ok(strstr(play.call.name, TOKEN) == NULL && strstr(play.call.body, SECRET) == NULL
			&& strstr(play.call.url, SECRET) == NULL, "the secret is sent nowhere");
		play_answer(&play, statuses[i / COUNT(shapes) / COUNT(words)],
			arena_fmt(arena, "%.*s%s%s", (int)(hole - shape), shape, word, hole + 2));
		ok(strstr(play.report.text, SECRET) == NULL && strstr(play.report.text, TOKEN) == NULL
			&& strstr(result(&play), TOKEN) == NULL, "no secret in the report: %s", play.report.text);
		play_end(&play);
	}
}

int main(void)
{
	struct conf *conf = conf_of(settings);

	arena = arena_new(8 << 20);
	adapter = &provider_betatransfer;
	setting = (struct provider_setting){.conf = conf, .spool = ""};
	test_calls();
	test_no_call();
	test_created();
	test_errors();
	test_lost();
	test_statuses();
	test_amounts();
	test_truncated();
	test_list();
	test_secrets();
	arena_free(arena);
	conf_free(conf);
	return tap_done();
}
