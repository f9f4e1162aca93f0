/* The table of settings. Order: as an operator meets them; t/00-settings.t holds manual and sample against it. */
#include "data/settings.h"

#include <string.h>

#include "base/log.h"
#include "base/str.h"

#define R SETTINGS_RESPONDER
#define D SETTINGS_DISPATCHER
#define S SETTINGS_SUPERVISOR
#define CHAT SETTINGS_CHAT
#define MEDIA SETTINGS_MEDIA
#define PAY SETTINGS_PAY
#define HELPERS SETTINGS_HELPERS
#define CTL SETTINGS_CTL

const struct conf_entry settings_table[] = {
	/* Telegram */
	{"BOT_TOKEN", CONF_KEY, NULL, 10, 128, "", CHAT, true,
		"Token of the bot, as BotFather gave it."},
	{"TELEGRAM_SECRET_TOKEN", CONF_KEY, NULL, 16, 256, "", R | CHAT, true,
		"Secret that Telegram repeats in a header of every update; letters, digits, _ and -."},
	{"WEBHOOK_BASE_URL", CONF_URL, NULL, 1, 512, "", CHAT | PAY | MEDIA, false,
		"Public https address of this machine; Telegram posts to its path /telegram."},
	{"WEBHOOK_MAX_CONNECTIONS", CONF_INT, "40", 1, 100, "connections", CHAT, false,
		"Most updates that Telegram sends at the same time; webhook set tells it."},
	{"ADMIN_IDS", CONF_IDS, "", 0, 1024, "", R | D, false,
		"Telegram ids of the administrators, commas between."},
	{"TELEGRAM_API_URL", CONF_URL, "https://api.telegram.org", 1, 512, "", CHAT, false,
		"Address of the Bot API."},
	/* the database */
	{"DATABASE_URL", CONF_TEXT, "postgresql:///atelier", 1, 1024, "", R | D | CTL, false,
		"Where PostgreSQL is, as libpq reads it, without a user: each process adds its own role."},
	/* what is sold, and limits */
	{"PRICE_PER_OPERATION", CONF_INT, "10", 1, 1000000, "roubles", R, false,
		"Price of an operation with a standard picture model."},
	{"IMAGE_GENERATION_PRICE", CONF_INT, "50", 1, 1000000, "roubles", R, false,
		"Price of a picture made by Nano Banana Pro."},
	{"IMAGE_EDIT_PRICE", CONF_INT, "30", 1, 1000000, "roubles", R, false,
		"Price of a picture changed or merged by Nano Banana Pro."},
	{"VIDEO_5SEC_PRICE", CONF_INT, "100", 1, 1000000, "roubles", R, false,
		"Price of a film of 5 seconds."},
	{"VIDEO_10SEC_MULTIPLIER", CONF_INT, "2", 1, 100, "times", R, false,
		"How many times the price of 5 seconds a film of 10 seconds costs."},
	{"KLING_MODELS", CONF_TEXT, "kling-3.0:Kling 3.0,kling-2.6:Kling 2.6,kling-1.5:Kling 1.5", 0, 512, "", R, false,
		"Video models that are shown, as id:Title with commas between; ids are the families of the catalogue."},
	{"FREE_OPERATIONS_COUNT", CONF_INT, "4", 0, 1000, "operations", R, false,
		"Free operations granted on first contact, once for ever per person."},
	{"MAX_ACTIVE_JOBS_PER_USER", CONF_INT, "3", 1, 100, "jobs", R, false,
		"Jobs one person may have under way."},
	{"RATE_LIMIT_PER_MINUTE", CONF_INT, "10", 1, 10000, "requests", R, false,
		"Requests a minute one person may make."},
	{"CATALOG_FILE", CONF_PATH, "", 0, 1024, "", R, false,
		"The catalogue of offers; empty: the one installed with the program."},
	{"TEXTS_DIR", CONF_PATH, "", 0, 1024, "", R | CHAT | MEDIA, false,
		"Directory of ru.json and en.json; empty: the one installed with the program."},
	{"BLOCKLIST_FILE", CONF_PATH, "", 0, 1024, "", R, false,
		"Words and phrases nobody may ask for, one a line, * at the end for all that begin so; empty: none."},
	{"TERMS_VERSION", CONF_INT, "1", 0, 1000000, "version", R, false,
		"Version of the terms people accept before they first pay or start; 0 asks nobody."},
	{"SUPPORT_CONTACT", CONF_TEXT, "", 0, 200, "", R, false,
		"Where people reach you, as /support shows it."},
	{"USD_RATE", CONF_INT, "0", 0, 100000, "kopecks", R, false,
		"What a dollar costs you, for /margin only; 0: not known."},
	{"PAYMENT_MAX_RUB", CONF_INT, "15000", 10, 350000, "roubles", R, false,
		"Largest top-up in roubles."},
	/* ЮKassa */
	{"YOOKASSA_SHOP_ID", CONF_KEY, "", 0, 32, "", R | D | PAY, false,
		"Number of the shop; empty switches ЮKassa off."},
	{"YOOKASSA_SECRET_KEY", CONF_KEY, "", 0, 256, "", PAY, true,
		"Secret key of the shop; a test shop's begins with test_."},
	{"YOOKASSA_API_URL", CONF_URL, "https://api.yookassa.ru/v3", 1, 512, "", PAY, false,
		"Address of ЮKassa's API."},
	{"YOOKASSA_RETURN_URL", CONF_URL, "", 0, 512, "", PAY, false,
		"Where the payer's browser goes after paying; empty: WEBHOOK_BASE_URL and /pay/return."},
	{"YOOKASSA_WEBHOOK_URL", CONF_URL, "", 0, 512, "", PAY, false,
		"Address entered in ЮKassa's cabinet for notifications: a note to yourself, no program uses it."},
	{"YOOKASSA_CURRENCY", CONF_TEXT, "RUB", 3, 3, "", R | PAY, false,
		"Currency of the shop; only RUB is sold."},
	{"YOOKASSA_TEST_MODE", CONF_BOOL, "no", 0, 0, "", D, false,
		"Whether the shop is a test shop: a payment whose test flag differs is never credited."},
	{"YOOKASSA_RECEIPT_EMAIL", CONF_TEXT, "", 0, 128, "", PAY, false,
		"E-mail put into receipts (54-ФЗ); empty sends no receipt."},
	{"YOOKASSA_VAT_CODE", CONF_INT, "1", 1, 12, "", PAY, false,
		"VAT code of the receipt's line (1: without VAT)."},
	{"YOOKASSA_TAX_SYSTEM_CODE", CONF_INT, "0", 0, 6, "", PAY, false,
		"Tax system code of the receipt; 0 leaves it out."},
	/* Betatransfer */
	{"BETATRANSFER_API_KEY", CONF_KEY, "", 0, 256, "", PAY, true,
		"Public key (token) of the merchant; empty switches Betatransfer off."},
	{"BETATRANSFER_SECRET_KEY", CONF_KEY, "", 0, 256, "", R | PAY, true,
		"Secret key that requests and callbacks are signed with."},
	{"BETATRANSFER_TEST_MODE", CONF_BOOL, "no", 0, 0, "", R | D, false,
		"Marks new payments as test; a test payment never credits anybody."},
	{"BETATRANSFER_API_URL", CONF_URL, "https://merchant.betatransfer.io/api", 1, 512, "", PAY, false,
		"Address of Betatransfer's API."},
	{"BETATRANSFER_PAYMENT_SYSTEM", CONF_KEY, "Card", 1, 64, "", PAY, false,
		"Payment system code as the manager gave it."},
	{"BETATRANSFER_CURRENCY", CONF_TEXT, "USD", 3, 3, "", R | PAY, false,
		"Currency of the packages: USD or RUB."},
	/* AI providers */
	{"FAL_KEY", CONF_KEY, "", 0, 256, "", MEDIA | CONF_KNOWN(R), true,
		"Key of fal.ai; empty switches its models off."},
	{"FAL_QUEUE_URL", CONF_URL, "https://queue.fal.run", 1, 512, "", MEDIA, false,
		"Address of fal's queue."},
	{"FAL_API_URL", CONF_URL, "https://api.fal.ai", 1, 512, "", MEDIA, false,
		"Address of fal's platform API, asked about requests whose fate is unknown."},
	{"NANO_BANANA_API_KEY", CONF_KEY, "", 0, 256, "", MEDIA | CONF_KNOWN(R), true,
		"Key of the Gemini API for Nano Banana Pro; empty switches it off."},
	{"NANO_BANANA_API_URL", CONF_URL, "https://generativelanguage.googleapis.com", 1, 512, "", MEDIA, false,
		"Address of the Gemini API."},
	{"NANO_BANANA_MODEL", CONF_KEY, "gemini-3-pro-image", 1, 128, "", R, false,
		"Name of the model Nano Banana Pro at the Gemini API."},
	{"KLING_API_KEY", CONF_KEY, "", 0, 512, "", MEDIA | CONF_KNOWN(R), true,
		"Key of the Kling API; empty, with no KLING_ACCESS_KEY either, switches its models off."},
	{"KLING_ACCESS_KEY", CONF_KEY, "", 0, 512, "", MEDIA | CONF_KNOWN(R), true,
		"Access key of the Kling API, for its older models only; KLING_API_KEY goes before it."},
	{"KLING_SECRET_KEY", CONF_KEY, "", 0, 512, "", MEDIA, true,
		"Secret key that goes with KLING_ACCESS_KEY."},
	{"KLING_API_URL", CONF_URL, "https://api-singapore.klingai.com", 1, 512, "", MEDIA, false,
		"Address of the Kling API in the key's region."},
	{"MEDIA_HOSTS", CONF_TEXT, "v3b.fal.media,v3.fal.media,fal.media", 1, 1024, "", MEDIA, false,
		"Hosts that results may be fetched from, commas between; a port may follow after a colon."},
	{"MEDIA_PRIVATE", CONF_BOOL, "no", 0, 0, "", MEDIA, false,
		"Whether results may be fetched from loopback and private addresses: for a stand-in provider only."},
	{"CA_FILE", CONF_PATH, "", 0, 1024, "", HELPERS, false,
		"Certificate authorities for outgoing calls; empty: those of the system."},
	/* places and processes */
	{"RUN_DIR", CONF_PATH, "/run/atelier", 1, 80, "", S | HELPERS, false,
		"Directory of the sockets."},
	{"SPOOL_DIR", CONF_PATH, "/var/spool/atelier", 1, 512, "", CHAT | MEDIA, false,
		"Directory of the files of jobs under way."},
	{"RESPONDERS", CONF_INT, "2", 1, 64, "processes", S, false,
		"How many responders answer nginx."},
	{"HELPERS_CHAT", CONF_INT, "1", 1, 16, "processes", S, false,
		"How many helpers speak to Telegram."},
	{"HELPERS_PAY", CONF_INT, "1", 1, 16, "processes", S, false,
		"How many helpers speak to payment providers."},
	{"HELPERS_MEDIA", CONF_INT, "1", 1, 16, "processes", S, false,
		"How many helpers speak to AI providers."},
	{"TURN_MAX", CONF_INT, "32", 1, SETTINGS_TURN_LIMIT, "requests", R, false,
		"Most requests a responder takes into one transaction."},
	{"LEASE_SECONDS", CONF_INT, "30", 3, 600, "seconds", D, false,
		"How long a helper may hold a task without a sign of life."},
	{"UNKNOWN_SECONDS", CONF_INT, "300", 5, 86400, "seconds", D, false,
		"How long an order of unknown fate is looked for at the provider before one more is sent."},
	{"CHAT_PER_SECOND", CONF_INT, "25", 1, 1000, "messages", D, false,
		"Most messages a second to all chats together; Telegram allows about 30."},
	{"BROADCAST_PER_SECOND", CONF_INT, "15", 1, 1000, "messages", D, false,
		"Most messages a second of a broadcast; the rest of CHAT_PER_SECOND is everybody else's."},
	{"DRAIN_SECONDS", CONF_INT, "20", 1, 600, "seconds", S | HELPERS | D, false,
		"How long a process may finish what it has begun when told to leave."},
	{"LOG_LEVEL", CONF_TEXT, "info", 4, 5, "", SETTINGS_ALL, false,
		"Least level that is logged: debug, info, warn or error."},
};
const size_t settings_count = sizeof settings_table / sizeof settings_table[0];

static bool is_set(const struct conf *conf, const char *name)
{
	return *conf_text(conf, name) != '\0';
}

/* A key without its partner would start and then fail on the first payment; an empty secret can be signed with by
 * anyone. */
static void check_pair(const struct conf *conf, const char *one, const char *other, struct buf *errors)
{
	if (is_set(conf, one) && !is_set(conf, other))
		buf_fmt(errors, "%s: must be set when %s is\n", other, one);
	if (is_set(conf, other) && !is_set(conf, one))
		buf_fmt(errors, "%s: must be set when %s is\n", one, other);
}

static void check_yookassa(const struct conf *conf, struct buf *errors)
{
	const char *email = conf_text(conf, "YOOKASSA_RECEIPT_EMAIL"), *at = strchr(email, '@');
	check_pair(conf, "YOOKASSA_SHOP_ID", "YOOKASSA_SECRET_KEY", errors);
	if (!str_equal(conf_text(conf, "YOOKASSA_CURRENCY"), "RUB"))
		buf_str(errors, "YOOKASSA_CURRENCY: only RUB is sold\n");
	/* Keys of test shops begin so (yookassa.ru/developers/using-api/testing). */
	bool test_key = str_starts(conf_text(conf, "YOOKASSA_SECRET_KEY"), "test_");
	if (is_set(conf, "YOOKASSA_SECRET_KEY") && test_key != conf_bool(conf, "YOOKASSA_TEST_MODE"))
		buf_str(errors, "YOOKASSA_TEST_MODE: must be yes with a test shop's key, and only then\n");
	if (*email && (!at || at == email || !strchr(at, '.') || strchr(email, ' ')))
		buf_str(errors, "YOOKASSA_RECEIPT_EMAIL: is not an e-mail address\n");
	if (*email && !is_set(conf, "YOOKASSA_SHOP_ID"))
		buf_str(errors, "YOOKASSA_RECEIPT_EMAIL: has no use without YOOKASSA_SHOP_ID\n");
}

bool settings_check(const struct conf *conf, struct buf *errors)
{
	size_t before = errors->length;
	enum log_level level;
	const char *secret = conf_text(conf, "TELEGRAM_SECRET_TOKEN");
	if (secret[strspn(secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")])
		buf_str(errors, "TELEGRAM_SECRET_TOKEN: may hold letters, digits, _ and - only\n");
	if (!log_level_of(conf_text(conf, "LOG_LEVEL"), &level))
		buf_str(errors, "LOG_LEVEL: is none of debug, info, warn, error\n");
	check_yookassa(conf, errors);
	check_pair(conf, "BETATRANSFER_API_KEY", "BETATRANSFER_SECRET_KEY", errors);
	check_pair(conf, "KLING_ACCESS_KEY", "KLING_SECRET_KEY", errors);
	const char *currency = conf_text(conf, "BETATRANSFER_CURRENCY");
	if (!str_equal(currency, "USD") && !str_equal(currency, "RUB"))
		buf_str(errors, "BETATRANSFER_CURRENCY: is neither USD nor RUB\n");
	return errors->length == before;
}

bool settings_has_provider(const struct conf *conf, const char *provider)
{
	if (str_equal(provider, "fal"))
		return is_set(conf, "FAL_KEY");
	if (str_equal(provider, "gemini"))
		return is_set(conf, "NANO_BANANA_API_KEY");
	if (str_equal(provider, "kling"))
		return is_set(conf, "KLING_API_KEY") || is_set(conf, "KLING_ACCESS_KEY");
	return str_equal(provider, "local");
}
