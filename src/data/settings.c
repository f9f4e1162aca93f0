/* The table of settings. Order: as an operator meets them; t/00-settings.t holds manual and sample against it. */
#include "data/settings.h"

#define R SETTINGS_RESPONDER
#define D SETTINGS_DISPATCHER
#define S SETTINGS_SUPERVISOR
#define CHAT SETTINGS_CHAT
#define MEDIA SETTINGS_MEDIA
#define HELPERS SETTINGS_HELPERS
#define CTL SETTINGS_CTL

const struct conf_entry settings_table[] = {
	/* Telegram */
	{"BOT_TOKEN", CONF_KEY, NULL, 10, 128, "", CHAT, true,
		"Token of the bot, as BotFather gave it."},
	{"TELEGRAM_SECRET_TOKEN", CONF_KEY, NULL, 16, 256, "", R | CHAT, true,
		"Secret that Telegram repeats in a header of every update; letters, digits, _ and -."},
	{"WEBHOOK_BASE_URL", CONF_URL, NULL, 1, 512, "", CHAT, false,
		"Public https address of this machine; Telegram posts to its path /telegram."},
	{"ADMIN_IDS", CONF_IDS, "", 0, 1024, "", R, false,
		"Telegram ids of the administrators, commas between."},
	{"TELEGRAM_API_URL", CONF_URL, "https://api.telegram.org", 1, 512, "", CHAT, false,
		"Address of the Bot API."},
	/* the database */
	{"DATABASE_URL", CONF_TEXT, "postgresql:///atelier", 1, 1024, "", R | D | CTL, false,
		"Where PostgreSQL is, as libpq reads it, without a user: each process adds its own role."},
	/* what is sold, and limits */
	{"PRICE_PER_OPERATION", CONF_INT, "10", 1, 1000000, "roubles", R, false,
		"Price of an operation with a standard picture model."},
	{"FREE_OPERATIONS_COUNT", CONF_INT, "4", 0, 1000, "operations", R, false,
		"Free operations granted on first contact, once for ever per person."},
	{"MAX_ACTIVE_JOBS_PER_USER", CONF_INT, "3", 1, 100, "jobs", R, false,
		"Jobs one person may have under way."},
	{"RATE_LIMIT_PER_MINUTE", CONF_INT, "10", 1, 10000, "requests", R, false,
		"Requests a minute one person may make."},
	{"CATALOG_FILE", CONF_PATH, "", 0, 1024, "", R, false,
		"The catalogue of offers; empty: the one installed with the program."},
	{"TEXTS_DIR", CONF_PATH, "", 0, 1024, "", R | CHAT, false,
		"Directory of ru.json and en.json; empty: the one installed with the program."},
	/* AI providers */
	{"FAL_KEY", CONF_KEY, "", 0, 256, "", MEDIA, true,
		"Key of fal.ai; empty switches its models off."},
	{"FAL_QUEUE_URL", CONF_URL, "https://queue.fal.run", 1, 512, "", MEDIA, false,
		"Address of fal's queue."},
	{"FAL_API_URL", CONF_URL, "https://api.fal.ai", 1, 512, "", MEDIA, false,
		"Address of fal's platform API, asked about requests whose fate is unknown."},
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
	{"DRAIN_SECONDS", CONF_INT, "20", 1, 600, "seconds", S | HELPERS | D, false,
		"How long a process may finish what it has begun when told to leave."},
	{"LOG_LEVEL", CONF_TEXT, "info", 4, 5, "", SETTINGS_ALL, false,
		"Least level that is logged: debug, info, warn or error."},
};
const size_t settings_count = sizeof settings_table / sizeof settings_table[0];
