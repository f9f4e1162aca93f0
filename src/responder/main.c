/* The responder: takes what nginx hands over, in turns, until its lifeline ends. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/proc.h"
#include "data/settings.h"
#include "responder/responder.h"
#include "responder/route.h"
#include "responder/turn.h"
#include "store/turn.h"
#include "web/accept.h"

#define DATABASE_PAUSE_MS 500           /* between attempts to reach a database that is away */

bool responder_database(struct responder *responder)
{
	if (responder->away && clock_mono_ms() < responder->retry_at)
		return false;
	enum session_end end = session_ready(&responder->session);
	if (end == SESSION_GOOD) {
		if (responder->away)
			log_info("database: back");
		responder->away = false;
		if (!responder->jailed && db_is_local(responder->session.db)) {
			responder->jailed = true;
			if (!proc_no_network())
				log_warn("no seccomp here: this process could reach the network");
		}
		return true;
	}
	if (!responder->away && end == SESSION_AWAY) {
		log_warn("database: away: %s", db_error(responder->session.db));
		metric_add(METRIC_DATABASE_LOST, PROGRAM_RESPONDER, 0);
	}
	responder->away = true;
	responder->retry_at = clock_mono_ms() + DATABASE_PAUSE_MS;
	return false;
}

void responder_wake(const struct responder *responder)
{
	/* A full queue means that the dispatcher has words enough waiting. */
	if (send(responder->wake_fd, "w", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		log_debug("wake-up not sent: %s", strerror(errno));
}

static struct conf *read_settings(void)
{
	struct buf text, errors;
	buf_init(&text, CONF_FILE_MAX);
	buf_init(&errors, CONF_FILE_MAX);
	struct conf *conf = NULL;
	if (proc_settings(&text))
		conf = conf_read(settings_table, settings_count, SETTINGS_RESPONDER, buf_text(&text), text.length, &errors);
	if (!conf)
		log_error("settings: %s", buf_text(&errors));
	if (text.data)
		mem_wipe(text.data, text.length);
	buf_free(&text);
	buf_free(&errors);
	return conf;
}

static const char *path_or(const struct conf *conf, const char *name, const char *installed)
{
	return *conf_text(conf, name) ? conf_text(conf, name) : installed;
}

/* Texts and catalogue; false when one of them is wrong. */
static bool read_data(struct responder *responder)
{
	struct buf errors;
	buf_init(&errors, CONF_FILE_MAX);
	responder->texts = texts_read(path_or(responder->conf, "TEXTS_DIR", PKGDATADIR "/texts"), &errors);
	responder->flow.catalog = catalog_read(path_or(responder->conf, "CATALOG_FILE", PKGDATADIR "/catalog.json"),
		responder->conf, &errors);
	responder->flow.jobs_max = conf_int(responder->conf, "MAX_ACTIVE_JOBS_PER_USER");
	responder->flow.roubles = *conf_text(responder->conf, "YOOKASSA_SHOP_ID") != '\0';
	responder->flow.packages = *conf_text(responder->conf, "BETATRANSFER_SECRET_KEY") != '\0';
	responder->flow.topup_max = conf_int(responder->conf, "PAYMENT_MAX_RUB");
	responder->flow.package_currency = conf_text(responder->conf, "BETATRANSFER_CURRENCY");
	responder->flow.block = block_read(conf_text(responder->conf, "BLOCKLIST_FILE"), &errors);
	responder->flow.terms = conf_int(responder->conf, "TERMS_VERSION");
	responder->flow.admins = responder->admins;
	responder->flow.admin_count = conf_ids(responder->conf, "ADMIN_IDS", responder->admins, SETTINGS_ADMINS_MAX);
	responder->flow.dollar = conf_int(responder->conf, "USD_RATE");
	responder->flow.support = conf_text(responder->conf, "SUPPORT_CONTACT");
	bool good = responder->texts && responder->flow.catalog && responder->flow.block;
	if (!good)
		log_error("%s", buf_text(&errors));
	buf_free(&errors);
	return good;
}

static void serve(struct responder *responder)
{
	struct web *web = web_new(PROC_FD_FASTCGI, PROC_FD_LIFELINE);
	struct turn *turn = turn_new(responder);
	size_t turn_max = (size_t)conf_int(responder->conf, "TURN_MAX");
	bool leave = false;
	proc_ready();
	while (!leave || turn_waiting(turn)) {
		struct request *taken[SETTINGS_TURN_LIMIT];
		size_t waiting = turn_waiting(turn), count = 0;
		if (!leave && waiting < turn_max)
			count = web_take(web, taken, turn_max - waiting, waiting == 0, &leave);
		for (size_t i = 0; i < count; i++)
			route_request(responder, turn, taken[i]);
		turn_run(turn);
	}
	turn_free(turn);
	web_free(web);
}

int main(int argc, char **argv)
{
	proc_options(argc, argv, 0, "responder", "Answers nginx for atelierd(8), which starts it.");
	proc_child_begin("responder");
	metric_open(PROC_FD_RESPONDER_METRICS);
	struct responder responder = {.conf = read_settings(), .wake_fd = PROC_FD_WAKE_SEND};
	if (!responder.conf || !read_data(&responder))
		return 78;
	enum log_level level;
	if (log_level_of(conf_text(responder.conf, "LOG_LEVEL"), &level))
		log_level_set(level);
	responder.session.db = db_new(conf_text(responder.conf, "DATABASE_URL"), "atelier_responder");
	responder.session.hello = &store_responder_hello;
	if (!responder_database(&responder))
		log_warn("database: not reached yet; answering 503 until it is");
	serve(&responder);
	log_info("left");
	db_free(responder.session.db);
	return 0;
}
