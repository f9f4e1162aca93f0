/* The dispatcher: leases tasks from the database to helpers and settles what they report. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/proc.h"
#include "data/settings.h"
#include "dispatcher/clockwork.h"
#include "dispatcher/database.h"
#include "dispatcher/held.h"
#include "dispatcher/helpers.h"
#include "dispatcher/lanes.h"
#include "dispatcher/lookout.h"
#include "dispatcher/settle.h"
#include "dispatcher/till.h"

#define EXIT_CONFIG 78                  /* sysexits.h */
#define ARENA_BYTES_MAX (32u << 20)     /* the arguments of one call: 64 reports, or 4096 leases */

static const char usage[] = "dispatcher";
static const char help[] = "Part of Atelier; started by atelierd, which hands it its sockets and settings.\n";

static struct conf *settings_take(void)
{
	struct buf text, errors;

	buf_init(&text, CONF_FILE_MAX);
	buf_init(&errors, CONF_FILE_MAX);
	if (!proc_settings(&text)) {
		log_error("event=no_settings why=\"atelierd starts this program\"");
		exit(EXIT_CONFIG);
	}
	struct conf *conf = conf_read(settings_table, settings_count, SETTINGS_DISPATCHER, buf_text(&text),
		text.length, &errors);

	if (conf == NULL) {
		log_error("event=bad_settings why=\"%s\"", buf_text(&errors));
		exit(EXIT_CONFIG);
	}
	buf_free(&text);
	buf_free(&errors);
	return conf;
}

int main(int argc, char **argv)
{
	static const int listeners[LANE_COUNT] = {
		[LANE_CHAT] = PROC_FD_LANE_CHAT, [LANE_PAY] = PROC_FD_LANE_PAY,
		[LANE_MEDIA] = PROC_FD_LANE_MEDIA,
	};

	proc_options(argc, argv, 0, usage, help);
	proc_child_begin("dispatcher");
	metric_open(PROC_FD_DISPATCHER_METRICS);
	struct conf *conf = settings_take();
	enum log_level level;

	if (log_level_of(conf_text(conf, "LOG_LEVEL"), &level))
		log_level_set(level);
	struct desk desk = {
		.loop = loop_new(),
		.arena = arena_new(ARENA_BYTES_MAX),
		.held = held_new(),
		.lease_s = (int)conf_int(conf, "LEASE_SECONDS"),
		.unknown_s = (int)conf_int(conf, "UNKNOWN_SECONDS"),
		.chat_per_second = (int)conf_int(conf, "CHAT_PER_SECOND"),
	};

	desk.settle = settle_new(&desk);
	desk.lanes = lanes_new(&desk);
	desk.helpers = helpers_new(&desk, listeners);
	desk.database = database_new(&desk, conf_text(conf, "DATABASE_URL"), clockwork_database_up);
	struct clockwork *clockwork = clockwork_new(&desk, PROC_FD_WAKE_TAKE, PROC_FD_LIFELINE,
		(int)conf_int(conf, "DRAIN_SECONDS"));
	struct till *till = till_new(&desk, conf);
	struct lookout *lookout = lookout_new(&desk, (int)conf_int(conf, "BROADCAST_PER_SECOND"));

	loop_run(desk.loop);
	log_info("event=leaving");
	lookout_free(lookout);
	till_free(till);
	clockwork_free(clockwork);
	helpers_free(desk.helpers);
	database_free(desk.database);
	lanes_free(desk.lanes);
	settle_free(desk.settle);
	held_free(desk.held);
	arena_free(desk.arena);
	loop_free(desk.loop);
	conf_free(conf);
	return 0;
}
