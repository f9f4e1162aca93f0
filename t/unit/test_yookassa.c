/* The YooKassa adapter: what it asks for, and what it makes of every answer. */
#include "pay_play.h"

#define KEY "test_secret-key-0123456789"
#define BASIC "NTA2NzUxOnRlc3Rfc2VjcmV0LWtleS0wMTIzNDU2Nzg5"
#define API "https://api.yookassa.ru/v3"
#define ID "2f3a1b20-000f-5000-8000-1aa0b0c0d001"
#define REFUND_ID "2f3a1b20-0015-5000-8000-1aa0b0c0e001"

static const char settings[] =
	"WEBHOOK_BASE_URL=https://bot.example\nYOOKASSA_SHOP_ID=506751\nYOOKASSA_SECRET_KEY=" KEY "\n";
static const char order[] = "{\"payment\":17,\"provider\":\"yookassa\",\"order\":\"a17\",\"key\":\"pay-17.x_Y+Z\","
	"\"amount\":29900,\"currency\":\"RUB\",\"description\":\"Пополнение №17\",\"person\":777001}";
static const char known[] = "{\"payment\":17,\"provider\":\"yookassa\",\"order\":\"a17\",\"ext_id\":\"" ID "\"}";
static const char back[] = "{\"refund\":3,\"payment\":17,\"provider\":\"yookassa\",\"ext_id\":\"" ID "\","
	"\"key\":\"refund-3\",\"amount\":10000,\"currency\":\"RUB\",\"description\":\"Возврат\"}";
static const char asked_back[] = "{\"provider\":\"yookassa\",\"refund_ext_id\":\"" REFUND_ID "\"}";
static const char page[] = "{\"provider\":\"yookassa\",\"what\":\"payments\",\"since\":1700000000,"
	"\"until\":1700003600,\"cursor\":null}";
static const char refunds_page[] = "{\"provider\":\"yookassa\",\"what\":\"refunds\",\"since\":1700000000,"
	"\"until\":1700003600,\"cursor\":null}";

/* As the documentation shows them. */
static const char pending[] = "{\"id\":\"" ID "\",\"status\":\"pending\",\"paid\":false,"
	"\"amount\":{\"value\":\"299.00\",\"currency\":\"RUB\"},\"confirmation\":{\"type\":\"redirect\","
	"\"return_url\":\"https://bot.example/pay/return\","
	"\"confirmation_url\":\"https://yoomoney.ru/payments/external/confirmation?orderId=" ID "\"},"
	"\"created_at\":\"2026-11-20T10:53:29.072Z\",\"description\":\"Пополнение №17\","
	"\"metadata\":{\"order_id\":\"a17\",\"person_id\":\"777001\"},"
	"\"recipient\":{\"account_id\":\"506751\",\"gateway_id\":\"1506751\"},\"refundable\":false,\"test\":true}";
static const char succeeded[] = "{\"id\":\"" ID "\",\"status\":\"succeeded\",\"paid\":true,"
	"\"amount\":{\"value\":\"299.00\",\"currency\":\"RUB\"},"
	"\"income_amount\":{\"value\":\"288.53\",\"currency\":\"RUB\"},"
	"\"captured_at\":\"2026-11-20T10:54:01.123Z\",\"created_at\":\"2026-11-20T10:53:29.072+03:00\","
	"\"metadata\":{\"order_id\":\"a17\"},\"payment_method\":{\"type\":\"bank_card\",\"id\":\"" ID "\","
	"\"saved\":false,\"card\":{\"first6\":\"555555\",\"last4\":\"4477\"}},"
	"\"recipient\":{\"account_id\":\"506751\",\"gateway_id\":\"1506751\"},\"refundable\":true,"
	"\"refunded_amount\":{\"value\":\"0.00\",\"currency\":\"RUB\"},\"test\":false}";
static const char canceled[] = "{\"id\":\"" ID "\",\"status\":\"canceled\",\"paid\":false,"
	"\"amount\":{\"value\":\"299.00\",\"currency\":\"RUB\"},\"metadata\":{},"
	"\"cancellation_details\":{\"party\":\"yoo_money\",\"reason\":\"expired_on_confirmation\"},"
	"\"recipient\":{\"account_id\":\"506751\"},\"refundable\":false,\"test\":true}";
static const char refunded[] = "{\"id\":\"" REFUND_ID "\",\"payment_id\":\"" ID "\",\"status\":\"succeeded\","
	"\"amount\":{\"value\":\"100.00\",\"currency\":\"RUB\"},\"created_at\":\"2026-11-20T11:00:00.000Z\"}";

#define TRUTH(status, amount) "{\"found\":true,\"ext_id\":\"" ID "\",\"status\":\"" status "\",\"raw\":\"" status \
	"\",\"amount\":" amount ",\"currency\":\"RUB\""
#define REFUND_TRUTH(status) "{\"found\":true,\"ext_id\":\"" REFUND_ID "\",\"status\":\"" status \
	"\",\"raw\":\"" status "\",\"amount\":10000,\"currency\":\"RUB\""
static const char pending_truth[] = TRUTH("pending", "29900") ",\"paid\":0,\"refunded\":0,\"test\":true,"
	"\"shop\":\"506751\",\"order\":\"a17\","
	"\"url\":\"https://yoomoney.ru/payments/external/confirmation?orderId=" ID "\"}";
static const char succeeded_truth[] = TRUTH("succeeded", "29900") ",\"paid\":29900,\"refunded\":0,\"test\":false,"
	"\"shop\":\"506751\",\"order\":\"a17\"}";
static const char canceled_truth[] = TRUTH("canceled", "29900") ",\"reason\":\"expired_on_confirmation\",\"paid\":0,"
	"\"refunded\":0,\"test\":true,\"shop\":\"506751\"}";

/* --- what it asks for --------------------------------------------------------------------------- */

static void test_create_call(void)
{
	struct play play;

	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	is_i64(play.then, PROVIDER_CALL, "create: a call");
	is_str(play.call.verb, "POST", "create: verb");
	is_str(play.call.url, API "/payments", "create: where");
	is_str(play.call.name, "yookassa create", "create: what the log calls it");
	is_str(play.call.headers[0], "Authorization: Basic " BASIC, "create: who");
	is_str(play.call.headers[1], "Content-Type: application/json", "create: JSON");
	is_str(play.call.headers[2], "Idempotence-Key: pay-17.x_Y+Z", "create: the stored key");
	is_str(play.call.body, "{\"amount\":{\"value\":\"299.00\",\"currency\":\"RUB\"},\"capture\":true,"
		"\"confirmation\":{\"type\":\"redirect\",\"return_url\":\"https://bot.example/pay/return\"},"
		"\"description\":\"Пополнение №17\",\"metadata\":{\"order_id\":\"a17\",\"person_id\":\"777001\"}}",
		"create: the whole body");
	is_i64((int64_t)play.call.body_length, (int64_t)strlen(play.call.body), "create: its length");
	char *first = mem_str(play.call.body);

	play_end(&play);
	play_begin(&play, TASK_PAY_CREATE, order, "{\"tries\":5,\"other\":true}");
	play.task.attempts = 9;
	snprintf(play.task.lang, sizeof play.task.lang, "en");
	play_step(&play, NULL);
	is_str(play.call.body, first, "create: the same bytes whatever went before");
	mem_free(first);
	play_end(&play);
}

static void test_receipt(void)
{
	struct conf *mail = conf_of(with(settings, NULL, "YOOKASSA_RECEIPT_EMAIL=a@b.example\nYOOKASSA_VAT_CODE=4\n"
		"YOOKASSA_TAX_SYSTEM_CODE=2\nYOOKASSA_RETURN_URL=https://t.me/bot\n"));
	const struct conf *conf = setting.conf;
	struct play play;

	setting.conf = mail;
	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	ok(strstr(play.call.body, "\"return_url\":\"https://t.me/bot\"") != NULL, "the return address that is set");
	ok(strstr(play.call.body, "\"receipt\":{\"customer\":{\"email\":\"a@b.example\"},\"items\":[{\"description\":"
		"\"Пополнение №17\",\"quantity\":\"1.00\",\"amount\":{\"value\":\"299.00\",\"currency\":\"RUB\"},"
		"\"vat_code\":4,\"payment_subject\":\"service\",\"payment_mode\":\"full_prepayment\"}],"
		"\"tax_system_code\":2}}") != NULL, "create: the receipt");
	play_end(&play);
	play_begin(&play, TASK_PAY_REFUND, back, "{}");
	ok(strstr(play.call.body, "\"receipt\":{\"customer\"") != NULL, "refund: the receipt");
	play_end(&play);
	conf_free(mail);
	mail = conf_of(with(settings, NULL, "YOOKASSA_RECEIPT_EMAIL=a@b.example\n"));
	setting.conf = mail;
	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	ok(strstr(play.call.body, "tax_system_code") == NULL, "no tax system is named unless set");
	play_end(&play);
	conf_free(mail);
	setting.conf = conf;
}

static void test_description(void)
{
	struct play play;
	struct buf long_words;

	buf_init(&long_words, 4096);
	for (int i = 0; i < 200; i++)
		buf_str(&long_words, "ж");
	play_begin(&play, TASK_PAY_CREATE, with(order, "Пополнение №17", buf_text(&long_words)), "{}");
	json *body = read_json(play.call.body);

	is_i64((int64_t)str_points(json_text(body, "description")), 128, "a long description is cut");
	json_drop(body);
	play_end(&play);
	play_begin(&play, TASK_PAY_CREATE, with(order, "Пополнение №17", ""), "{}");
	ok(strstr(play.call.body, "\"description\":\"Atelier\"") != NULL, "and never empty");
	play_end(&play);
	buf_free(&long_words);
}

static void test_other_calls(void)
{
	struct play play;

	play_begin(&play, TASK_PAY_ASK, known, "{}");
	is_str(play.call.verb, "GET", "ask: verb");
	is_str(play.call.url, API "/payments/" ID, "ask: where");
	is_str(play.call.headers[0], "Authorization: Basic " BASIC, "ask: who");
	ok(play.call.headers[1] == NULL && play.call.body == NULL, "ask: nothing else");
	play_end(&play);
	play_begin(&play, TASK_PAY_REFUND, back, "{}");
	is_str(play.call.url, API "/refunds", "refund: where");
	is_str(play.call.headers[2], "Idempotence-Key: refund-3", "refund: its own key");
	is_str(play.call.body, "{\"payment_id\":\"" ID "\",\"amount\":{\"value\":\"100.00\",\"currency\":\"RUB\"},"
		"\"description\":\"Возврат\"}", "refund: the whole body");
	play_end(&play);
	play_begin(&play, TASK_PAY_REFUND_ASK, asked_back, "{}");
	is_str(play.call.url, API "/refunds/" REFUND_ID, "refund ask: where");
	play_end(&play);
	play_begin(&play, TASK_PAY_LIST, page, "{}");
	is_str(play.call.url, API "/payments?created_at.gte=2023-11-14T22%3A13%3A20.000Z"
		"&created_at.lte=2023-11-14T23%3A13%3A20.000Z&limit=100", "list: where");
	play_end(&play);
	play_begin(&play, TASK_PAY_LIST, with(page, "null", "\"37a5&x=1 \""), "{}");
	ok(strstr(play.call.url, "&limit=100&cursor=37a5%26x%3D1%20") != NULL, "list: from the cursor on");
	play_end(&play);
	play_begin(&play, TASK_PAY_LIST, refunds_page, "{}");
	ok(str_starts(play.call.url, API "/refunds?created_at.gte="), "list: of refunds");
	play_end(&play);
}

/* Payloads that make no call. */
static void test_no_call(void)
{
	static const struct {
		enum task_kind kind;
		const char *from, *to;
		enum report_class class;
	} rows[] = {
		{TASK_PAY_CREATE, "\"pay-17.x_Y+Z\"", "null", CLASS_OURS},
		{TASK_PAY_CREATE, "pay-17.x_Y+Z", "", CLASS_OURS},
		{TASK_PAY_CREATE, "pay-17.x_Y+Z", "a\\r\\nX: y", CLASS_OURS},
		{TASK_PAY_CREATE, "pay-17.x_Y+Z", "12345678901234567890123456789012345678901234567890123456789012345",
			CLASS_OURS},
		{TASK_PAY_CREATE, "29900", "0", CLASS_OURS}, {TASK_PAY_CREATE, "29900", "-1", CLASS_OURS},
		{TASK_PAY_CREATE, "29900", "100000000000", CLASS_OURS},
		{TASK_PAY_CREATE, "29900", "\"299.00\"", CLASS_OURS}, {TASK_PAY_CREATE, "29900", "299.5", CLASS_OURS},
		{TASK_PAY_CREATE, "\"RUB\"", "\"rub\"", CLASS_OURS}, {TASK_PAY_CREATE, "\"RUB\"", "null", CLASS_OURS},
		{TASK_PAY_CREATE, "a17", "17", CLASS_OURS}, {TASK_PAY_CREATE, "a17", "a-17", CLASS_OURS},
		{TASK_PAY_ASK, "\"" ID "\"", "null", CLASS_GONE},
		{TASK_PAY_ASK, ID, "", CLASS_OURS}, {TASK_PAY_ASK, ID, "../me", CLASS_OURS},
		{TASK_PAY_ASK, ID, "a?b", CLASS_OURS}, {TASK_PAY_ASK, ID, "a%2fb", CLASS_OURS},
		{TASK_PAY_ASK, ID, "12345678901234567890123456789012345678901234567890123456789012345", CLASS_OURS},
		{TASK_PAY_REFUND, ID, "a/b", CLASS_OURS}, {TASK_PAY_REFUND, "10000", "0", CLASS_OURS},
		{TASK_PAY_REFUND, "refund-3", "", CLASS_OURS},
		{TASK_PAY_REFUND_ASK, REFUND_ID, "a/b", CLASS_OURS},
		{TASK_PAY_LIST, "payments", "payouts", CLASS_OURS}, {TASK_PAY_LIST, "1700000000", "-1", CLASS_OURS},
		{TASK_PAY_LIST, "1700000000", "1700009999", CLASS_OURS},
		{TASK_PAY_LIST, "1700003600", "9999999999999", CLASS_OURS},
		{TASK_SAY, NULL, "", CLASS_OURS}, {TASK_SUBMIT, NULL, "", CLASS_OURS},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		enum task_kind kind = rows[i].kind;
		const char *payload = kind == TASK_PAY_ASK ? known : kind == TASK_PAY_REFUND ? back
			: kind == TASK_PAY_REFUND_ASK ? asked_back : kind == TASK_PAY_LIST ? page : order;
		struct play play;

		play_begin(&play, kind, with(payload, rows[i].from, rows[i].to), "{}");
		ok(says(&play, REPORT_REFUSED, rows[i].class), "%s: %s", task_kind_name(kind), rows[i].to);
		play_end(&play);
	}
}

static void test_switched_off(void)
{
	static const char *const offs[] = {
		"WEBHOOK_BASE_URL=https://bot.example\n",
		"WEBHOOK_BASE_URL=https://bot.example\nYOOKASSA_SHOP_ID=506751\n",
		"WEBHOOK_BASE_URL=https://bot.example\nYOOKASSA_SECRET_KEY=" KEY "\n",
	};
	const struct conf *conf = setting.conf;

	for (size_t i = 0; i < COUNT(offs); i++) {
		struct conf *off = conf_of(offs[i]);
		struct play play;

		setting.conf = off;
		play_begin(&play, TASK_PAY_CREATE, order, "{}");
		ok(says(&play, REPORT_REFUSED, CLASS_FUNDS), "without its keys nothing is asked");
		play_end(&play);
		conf_free(off);
	}
	setting.conf = conf;
}

/* --- what it makes of answers ------------------------------------------------------------------- */

static const enum task_kind kinds[] = {
	TASK_PAY_CREATE, TASK_PAY_ASK, TASK_PAY_REFUND, TASK_PAY_REFUND_ASK, TASK_PAY_LIST,
};
static const char *const payloads[] = {order, known, back, asked_back, page};

#define ERROR(code, more) "{\"type\":\"error\",\"id\":\"" ID "\",\"code\":\"" code "\"" more "}"

/* The decision table; every kind of task unless one is named. */
static void test_errors(void)
{
	static const struct {
		unsigned kinds;         /* 1: all */
		long status;
		const char *body;
		enum report_outcome outcome;
		enum report_class class;
		int32_t wait;
	} rows[] = {
		{1, 202, "{\"type\":\"processing\",\"retry_after\":700}", REPORT_LATER, CLASS_RATE, 700},
		{1, 202, "{\"type\":\"processing\"}", REPORT_LATER, CLASS_RATE, 1800},
		{1, 202, "", REPORT_LATER, CLASS_RATE, 1800},
		{1, 202, "{\"retry_after\":99999999999}", REPORT_LATER, CLASS_RATE, 3600000},
		{1, 202, "{\"retry_after\":-5}", REPORT_LATER, CLASS_RATE, 1800},
		{1, 202, "{\"retry_after\":\"5\"}", REPORT_LATER, CLASS_RATE, 1800},
		{1, 429, ERROR("too_many_requests", ",\"retry_after\":1500"), REPORT_LATER, CLASS_RATE, 1500},
		{1, 429, "<html>", REPORT_LATER, CLASS_RATE, 2000},
		{1, 400, ERROR("invalid_request", ",\"parameter\":\"Idempotence-Key\","
			"\"description\":\"Idempotence key duplicated\""), REPORT_REFUSED, CLASS_OURS, 0},
		{1, 400, ERROR("invalid_request", ",\"parameter\":\"idempotence-key\""), REPORT_REFUSED, CLASS_OURS, 0},
		{1, 400, ERROR("invalid_request", ",\"parameter\":\"amount.value\""), REPORT_REFUSED, CLASS_INPUT, 0},
		{1, 400, ERROR("not_supported", ""), REPORT_REFUSED, CLASS_INPUT, 0},
		{1, 400, ERROR("invalid_request", ",\"description\":\"The payment has already been refunded\""),
			REPORT_REFUSED, CLASS_INPUT, 0},
		{1, 400, "<html>", REPORT_REFUSED, CLASS_INPUT, 0},
		{1, 401, ERROR("invalid_credentials", ""), REPORT_REFUSED, CLASS_FUNDS, 0},
		{1, 403, ERROR("forbidden", ""), REPORT_REFUSED, CLASS_FUNDS, 0},
		{1u << TASK_PAY_REFUND, 404, ERROR("not_found", ""), REPORT_REFUSED, CLASS_GONE, 0},
		{1u << TASK_PAY_CREATE | 1u << TASK_PAY_LIST, 404, ERROR("not_found", ""), REPORT_REFUSED, CLASS_OURS, 0},
		{1u << TASK_PAY_ASK | 1u << TASK_PAY_REFUND_ASK, 404, ERROR("not_found", ""),
			REPORT_DONE, CLASS_NONE, 0},
		{1u << TASK_PAY_ASK | 1u << TASK_PAY_REFUND_ASK, 404, "<html>", REPORT_LATER, CLASS_OURS, 2000},
		{1u << TASK_PAY_ASK | 1u << TASK_PAY_REFUND_ASK, 404, "{\"code\":\"not_found\",\"code\":\"x\"}",
			REPORT_LATER, CLASS_OURS, 2000},
		{1, 405, "{\"type\":\"error\"}", REPORT_REFUSED, CLASS_OURS, 0},
		{1, 415, "", REPORT_REFUSED, CLASS_OURS, 0}, {1, 302, "", REPORT_REFUSED, CLASS_OURS, 0},
		{1, 410, ERROR("gone", ""), REPORT_REFUSED, CLASS_OURS, 0},
		{1, 408, "", REPORT_LATER, CLASS_BUSY, 2000},
		{1, 500, ERROR("internal_server_error", ""), REPORT_LATER, CLASS_BUSY, 2000},
		{1, 502, "<html>", REPORT_LATER, CLASS_BUSY, 2000}, {1, 503, "", REPORT_LATER, CLASS_BUSY, 2000},
		{1, 504, "", REPORT_LATER, CLASS_BUSY, 2000}, {1, 201, "{}", REPORT_LATER, CLASS_BUSY, 2000},
		{1, 204, "", REPORT_LATER, CLASS_BUSY, 2000}, {1, 0, "", REPORT_LATER, CLASS_BUSY, 2000},
		{1, 600, "", REPORT_LATER, CLASS_BUSY, 2000},
		{1, 200, "", REPORT_LATER, CLASS_BUSY, 2000}, {1, 200, "{}", REPORT_LATER, CLASS_BUSY, 2000},
		{1, 200, "[]", REPORT_LATER, CLASS_BUSY, 2000}, {1, 200, "<html>", REPORT_LATER, CLASS_BUSY, 2000},
		{1, 200, "null", REPORT_LATER, CLASS_BUSY, 2000},
		{1, 200, "{\"type\":\"processing\",\"retry_after\":1800}", REPORT_LATER, CLASS_BUSY, 2000},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t k = 0; k < COUNT(kinds); k++) {
			struct play play;

			if (rows[i].kinds != 1 && (rows[i].kinds & 1u << kinds[k]) == 0)
				continue;
			play_begin(&play, kinds[k], payloads[k], "{}");
			play_answer(&play, rows[i].status, rows[i].body);
			ok(says(&play, rows[i].outcome, rows[i].class) && play.report.retry_ms == rows[i].wait,
				"%s %ld %.50s", task_kind_name(kinds[k]), rows[i].status, rows[i].body);
			if (rows[i].outcome == REPORT_DONE)
				is_str(result(&play), "{\"found\":false}", "it is not there");
			play_end(&play);
		}
}

static void test_silence(void)
{
	for (size_t k = 0; k < COUNT(kinds); k++) {
		static const struct {
			enum answer_end end;
			enum report_outcome outcome;
			enum report_class class;
		} ends[] = {
			{ANSWER_NOT_SENT, REPORT_FAILED, CLASS_BUSY}, {ANSWER_UNKNOWN, REPORT_LATER, CLASS_BUSY},
			{ANSWER_REFUSED, REPORT_LATER, CLASS_OURS},
		};

		for (size_t i = 0; i < COUNT(ends); i++) {
			struct play play;

			play_begin(&play, kinds[k], payloads[k], "{}");
			play_silence(&play, ends[i].end);
			ok(says(&play, ends[i].outcome, ends[i].class), "%s: silence %zu", task_kind_name(kinds[k]), i);
			play_end(&play);
		}
	}
}

static void test_waits(void)
{
	static const struct { const char *memo; int32_t wait; const char *then; } rows[] = {
		{"{}", 2000, "{\"tries\":1}"}, {"{\"tries\":1}", 3000, "{\"tries\":2}"},
		{"{\"tries\":6}", 34000, "{\"tries\":7}"}, {"{\"tries\":7}", 60000, "{\"tries\":8}"},
		{"{\"tries\":8}", 60000, "{\"tries\":8}"}, {"{\"tries\":900000}", 60000, "{\"tries\":8}"},
		{"{\"tries\":-3}", 2000, "{\"tries\":1}"}, {"{\"tries\":\"x\"}", 2000, "{\"tries\":1}"},
	};
	struct play play;

	for (size_t i = 0; i < COUNT(rows); i++) {
		play_begin(&play, TASK_PAY_CREATE, order, rows[i].memo);
		play_answer(&play, 500, "");
		is_i64(play.report.retry_ms, rows[i].wait, "%s waits", rows[i].memo);
		is_str(result(&play), rows[i].then, "and is counted");
		play_end(&play);
	}
	struct answer answer = {.end = ANSWER_CAME, .status = 429, .body = "", .retry_after_s = 7};

	play_begin(&play, TASK_PAY_ASK, known, "{}");
	play_step(&play, &answer);
	is_i64(play.report.retry_ms, 7000, "the wait of a header");
	play_end(&play);
}

static void test_truth(void)
{
	static const struct {
		enum task_kind kind;
		const char *payload, *body, *from, *to, *truth;
	} rows[] = {
		{TASK_PAY_CREATE, order, pending, NULL, "", pending_truth},
		{TASK_PAY_CREATE, order, succeeded, NULL, "", succeeded_truth},
		{TASK_PAY_CREATE, order, canceled, NULL, "", canceled_truth},
		{TASK_PAY_ASK, known, pending, NULL, "", pending_truth},
		{TASK_PAY_ASK, known, succeeded, NULL, "", succeeded_truth},
		{TASK_PAY_ASK, known, canceled, NULL, "", canceled_truth},
		{TASK_PAY_ASK, known, succeeded, "\"0.00\"", "\"100.50\"", TRUTH("succeeded", "29900")
			",\"paid\":29900,\"refunded\":10050,\"test\":false,\"shop\":\"506751\",\"order\":\"a17\"}"},
		{TASK_PAY_ASK, known, succeeded, "\"succeeded\"", "\"waiting_for_capture\"",
			"{\"found\":true,\"ext_id\":\"" ID "\",\"status\":\"waiting\",\"raw\":\"waiting_for_capture\","
			"\"amount\":29900,\"currency\":\"RUB\",\"paid\":29900,\"refunded\":0,\"test\":false,"
			"\"shop\":\"506751\",\"order\":\"a17\"}"},
		/* What differs from our order is told as it is: the database compares. */
		{TASK_PAY_ASK, known, succeeded, "\"299.00\",\"currency\":\"RUB\"},\"income",
			"\"1\",\"currency\":\"RUB\"},\"income", TRUTH("succeeded", "100")
			",\"paid\":100,\"refunded\":0,\"test\":false,\"shop\":\"506751\",\"order\":\"a17\"}"},
		{TASK_PAY_ASK, known, succeeded, "\"account_id\":\"506751\"", "\"account_id\":\"999\"",
			TRUTH("succeeded", "29900")
			",\"paid\":29900,\"refunded\":0,\"test\":false,\"shop\":\"999\",\"order\":\"a17\"}"},
		{TASK_PAY_ASK, known, succeeded, "{\"order_id\":\"a17\"}", "{}", TRUTH("succeeded", "29900")
			",\"paid\":29900,\"refunded\":0,\"test\":false,\"shop\":\"506751\"}"},
		{TASK_PAY_ASK, known, succeeded, "\"a17\"", "\"ord-1001\"", TRUTH("succeeded", "29900")
			",\"paid\":29900,\"refunded\":0,\"test\":false,\"shop\":\"506751\"}"},
		{TASK_PAY_REFUND, back, refunded, NULL, "", REFUND_TRUTH("succeeded") ",\"payment\":\"" ID "\"}"},
		{TASK_PAY_REFUND, back, refunded, "succeeded", "pending",
			REFUND_TRUTH("pending") ",\"payment\":\"" ID "\"}"},
		{TASK_PAY_REFUND_ASK, asked_back, refunded, NULL, "",
			REFUND_TRUTH("succeeded") ",\"payment\":\"" ID "\"}"},
		{TASK_PAY_REFUND_ASK, asked_back, refunded, "\"succeeded\"", "\"canceled\",\"cancellation_details\":"
			"{\"party\":\"refund_network\",\"reason\":\"rejected_by_payee\"}",
			REFUND_TRUTH("canceled") ",\"reason\":\"rejected_by_payee\",\"payment\":\"" ID "\"}"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct play play;

		play_begin(&play, rows[i].kind, rows[i].payload, "{}");
		play_answer(&play, 200, with(rows[i].body, rows[i].from, rows[i].to));
		ok(says(&play, REPORT_DONE, CLASS_NONE), "%s: %zu", task_kind_name(rows[i].kind), i);
		is_str(result(&play), rows[i].truth, "the truth");
		play_end(&play);
	}
}

/* Each is asked again, and nothing of it is believed. */
static void test_hostile(void)
{
	static const struct { const char *from, *to; } rows[] = {
		{"\"299.00\"", "299.00"}, {"\"299.00\"", "299"}, {"\"299.00\"", "\"1e2\""}, {"\"299.00\"", "\"-5\""},
		{"\"299.00\"", "\"-0.00\""}, {"\"299.00\"", "\"+5\""}, {"\"299.00\"", "\" 5\""}, {"\"299.00\"", "\"\""},
		{"\"299.00\"", "\"1234567890123456789012345678901234567890\""}, {"\"299.00\"", "\"٢٩٩.٠٠\""},
		{"\"299.00\"", "\"299.001\""}, {"\"299.00\"", "\"299,00\""}, {"\"299.00\"", "\"NaN\""},
		{"\"299.00\"", "null"}, {"\"299.00\"", "true"}, {"\"299.00\"", "[\"299.00\"]"},
		{"\"299.00\"", "\"299.00\\u00009\""}, {"\"299.00\"", "\"0x10\""},
		{"\"value\":\"299.00\"", "\"value\":\"1.00\",\"value\":\"299.00\""},
		{"\"value\":\"299.00\"", "\"value\":\"1.00\",\"\\u0076alue\":\"299.00\""},
		{"\"paid\":true", "\"paid\":true,\"amount\":{\"value\":\"1.00\",\"currency\":\"RUB\"}"},
		{"\"paid\":true", "\"paid\":true,\"status\":\"succeeded\""},
		{"\"paid\":true", "\"paid\":\"true\""}, {"\"paid\":true", "\"paid\":1"}, {"\"paid\":true", "\"paid\":null"},
		{"\"paid\":true,", ""}, {"\"paid\":true", "\"paid\":false"},
		{"\"currency\":\"RUB\"", "\"currency\":\"rub\""}, {"\"currency\":\"RUB\"", "\"currency\":\"RUBL\""},
		{"\"currency\":\"RUB\"", "\"currency\":\"\""}, {"\"currency\":\"RUB\"", "\"currency\":643"},
		{",\"currency\":\"RUB\"", ""}, {"{\"value\":\"299.00\",\"currency\":\"RUB\"}", "\"299.00\""},
		{"\"succeeded\"", "\"paid\""}, {"\"succeeded\"", "\"SUCCEEDED\""}, {"\"succeeded\"", "7"},
		{"\"succeeded\"", "null"}, {"\"succeeded\"", "\"succeeded\\u0000\""}, {"\"status\":\"succeeded\",", ""},
		{"\"" ID "\"", "\"2f3a1b20-000f-5000-8000-000000000000\""}, {"\"" ID "\"", "\"../me\""},
		{"\"" ID "\"", "17"}, {"\"" ID "\"", "\"\""}, {"\"id\":\"" ID "\",", ""},
		{"\"test\":false", "\"test\":\"false\""}, {"\"test\":false", "\"test\":0"}, {",\"test\":false", ""},
		{"\"account_id\":\"506751\"", "\"account_id\":506751"}, {"\"account_id\":\"506751\"", "\"account_id\":\"\""},
		{"\"recipient\":{\"account_id\":\"506751\",\"gateway_id\":\"1506751\"},", ""},
		{"\"0.00\"", "\"-1.00\""}, {"\"0.00\"", "0"}, {"\"0.00\"", "\"299.01\""},
		{"{\"value\":\"0.00\",\"currency\":\"RUB\"}", "{\"value\":\"0.00\",\"currency\":\"USD\"}"},
		{"{\"value\":\"0.00\",\"currency\":\"RUB\"}", "\"0.00\""},
		{"\"id\":\"" ID "\",\"status\"", "'id':\"" ID "\",\"status\""},
	};
	struct play play;

	for (size_t i = 0; i < COUNT(rows); i++) {
		play_begin(&play, TASK_PAY_ASK, known, "{}");
		play_answer(&play, 200, with(succeeded, rows[i].from, rows[i].to));
		ok(says(&play, REPORT_LATER, CLASS_BUSY), "hostile: %.50s for %.40s", rows[i].to, rows[i].from);
		is_str(result(&play), "{\"tries\":1}", "nothing is taken from it");
		play_end(&play);
	}
	play_begin(&play, TASK_PAY_CREATE, order, "{}");
	play_answer(&play, 200, with(pending, "\"order_id\":\"a17\"", "\"order_id\":\"a18\""));
	ok(says(&play, REPORT_LATER, CLASS_BUSY), "create: somebody else's payment");
	play_end(&play);
	play_begin(&play, TASK_PAY_REFUND, back, "{}");
	play_answer(&play, 200, with(refunded, "\"payment_id\":\"" ID, "\"payment_id\":\"x" ID));
	ok(says(&play, REPORT_LATER, CLASS_BUSY), "refund: of another payment");
	play_end(&play);
	play_begin(&play, TASK_PAY_REFUND_ASK, asked_back, "{}");
	play_answer(&play, 200, with(refunded, REFUND_ID, ID));
	ok(says(&play, REPORT_LATER, CLASS_BUSY), "refund ask: another refund");
	play_end(&play);
	play_begin(&play, TASK_PAY_REFUND, back, "{}");
	play_answer(&play, 200, with(refunded, "succeeded", "waiting_for_capture"));
	ok(says(&play, REPORT_LATER, CLASS_BUSY), "refund: a status that refunds do not have");
	play_end(&play);
}

static void test_url(void)
{
	static const struct { const char *url; bool good; } rows[] = {
		{"https://yoomoney.ru/x?y=z&w=%20", true}, {"http://127.0.0.1:8080/checkout/1", true},
		{"http://127.0.0.1/x", true},
		{"http://yoomoney.ru/x", false}, {"http://127.0.0.1.evil.example/x", false},
		{"javascript:alert(1)", false},
		{"https://", false}, {"https:///x", false}, {"https://a@b.example/x", false},
		{"http://127.0.0.1:80@b.example/", false}, {"https://a.example/\\u0022x", false},
		{"https://a.example/ x", false}, {"https://a.example/<x>", false}, {"HTTPS://a.example/", false}, {"", false},
	};
	static const char url[] = "https://yoomoney.ru/payments/external/confirmation?orderId=" ID;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct play play;

		play_begin(&play, TASK_PAY_CREATE, order, "{}");
		play_answer(&play, 200, with(pending, url, rows[i].url));
		ok(says(&play, REPORT_DONE, CLASS_NONE)
			&& (json_text(play.report.result, "url") != NULL) == rows[i].good, "the payer is %s to %s",
			rows[i].good ? "sent" : "not sent", rows[i].url);
		play_end(&play);
	}
}

static void test_truncated(void)
{
	static const struct { enum task_kind kind; const char *payload, *body; } rows[] = {
		{TASK_PAY_CREATE, order, pending}, {TASK_PAY_ASK, known, succeeded}, {TASK_PAY_REFUND, back, refunded},
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
	play_answer(&play, 200, arena_fmt(arena, "{\"type\":\"list\",\"items\":[%s,%s],\"next_cursor\":\"37a5-87\"}",
		succeeded, canceled));
	ok(says(&play, REPORT_DONE, CLASS_NONE), "list: payments");
	is_str(result(&play), arena_fmt(arena, "{\"items\":[%s,%s],\"next\":\"37a5-87\"}", succeeded_truth,
		canceled_truth), "list: as the truth has them");
	play_end(&play);

	play_begin(&play, TASK_PAY_LIST, refunds_page, "{}");
	play_answer(&play, 200, arena_fmt(arena, "{\"items\":[%s]}", refunded));
	is_str(result(&play), "{\"items\":[" REFUND_TRUTH("succeeded") ",\"payment\":\"" ID "\"}]}", "list: refunds");
	play_end(&play);

	play_begin(&play, TASK_PAY_LIST, page, "{}");
	play_answer(&play, 200, arena_fmt(arena, "{\"items\":[%s,{\"id\":7},null,%s]}", refunded, succeeded));
	is_str(result(&play), arena_fmt(arena, "{\"items\":[%s],\"strange\":3}", succeeded_truth),
		"list: strange ones hide no others");
	play_end(&play);

	play_begin(&play, TASK_PAY_LIST, page, "{}");
	play_answer(&play, 200, "{\"items\":[]}");
	is_str(result(&play), "{\"items\":[]}", "list: nothing");
	play_end(&play);

	static const char *const wrong[] = {
		"{\"items\":{}}", "{\"items\":null}", "{\"items\":[],\"next_cursor\":5}", "{\"items\":[],\"next_cursor\":\"\"}",
		"{\"items\":[],\"items\":[]}", "{\"items\":[",
	};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		play_begin(&play, TASK_PAY_LIST, page, "{}");
		play_answer(&play, 200, wrong[i]);
		ok(says(&play, REPORT_LATER, CLASS_BUSY), "list: %s", wrong[i]);
		play_end(&play);
	}
}

static void test_secrets(void)
{
	static const char *const words[] = {
		"the key " KEY " is wrong", "Basic " BASIC, KEY, "506751:" KEY,
	};
	static const long statuses[] = {400, 401, 403, 404, 405, 429, 500};

	for (size_t i = 0; i < COUNT(words); i++)
		for (size_t s = 0; s < COUNT(statuses); s++) {
			struct play play;

			play_begin(&play, TASK_PAY_CREATE, order, "{}");
			ok(strstr(play.call.url, KEY) == NULL && strstr(play.call.name, KEY) == NULL
				&& strstr(play.call.body, KEY) == NULL, "the key is in the header only");
			play_answer(&play, statuses[s], arena_fmt(arena, "{\"description\":\"%s\"}", words[i]));
			ok(strstr(play.report.text, KEY) == NULL && strstr(play.report.text, BASIC) == NULL,
				"%ld: no secret in the report", statuses[s]);
			ok(strstr(result(&play), KEY) == NULL, "nor in the result");
			play_end(&play);
		}
}

int main(void)
{
	struct conf *conf = conf_of(settings);

	arena = arena_new(8 << 20);
	adapter = &provider_yookassa;
	setting = (struct provider_setting){.conf = conf, .spool = ""};
	test_create_call();
	test_receipt();
	test_description();
	test_other_calls();
	test_no_call();
	test_switched_off();
	test_errors();
	test_silence();
	test_waits();
	test_truth();
	test_hostile();
	test_url();
	test_truncated();
	test_list();
	test_secrets();
	arena_free(arena);
	conf_free(conf);
	return tap_done();
}
