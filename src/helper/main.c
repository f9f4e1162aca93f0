/* The helper: takes tasks of one lane from the dispatcher, does them outside, and answers for each of them. */
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "data/settings.h"
#include "helper/hands.h"
#include "helper/link.h"
#include "helper/work.h"

#define BEAT_MS 10000
#define PATH_BYTES 108                  /* of a Unix socket's name */
#define EXIT_CONFIG 78                  /* sysexits.h */

#ifndef PKGDATADIR
#define PKGDATADIR "/usr/local/share/atelier"
#endif

/* How many tasks each lane takes at once. */
static const uint32_t capacities[LANE_COUNT] = {
	[LANE_CHAT] = 64, [LANE_PAY] = 64, [LANE_MEDIA] = 1000,
};
static const unsigned roles[LANE_COUNT] = {
	[LANE_CHAT] = SETTINGS_CHAT, [LANE_PAY] = SETTINGS_PAY, [LANE_MEDIA] = SETTINGS_MEDIA,
};

struct helper {
	enum lane lane;
	struct loop *loop;
	struct conf *conf;
	struct texts *texts;
	struct provider_setting setting;
	struct hands *hands;
	struct work *work;
	struct link *link;
	uint32_t believed;              /* credit that the dispatcher may still think it has */
	uint64_t credit_timer;
	uint64_t beat_timer;
	bool draining;
};

/* --- what goes to the dispatcher -------------------------------------------------------------- */

static void report_send(struct helper *helper, const struct hand *hand)
{
	(void)link_send(helper->link, FRAME_REPORT, hand->task_id, hand->fence, hand->report,
		strlen(hand->report));
}

static void beat(struct helper *helper)
{
	struct frame_held *held = mem_alloc(FRAME_HELD_MAX * sizeof *held);
	unsigned char *body = mem_alloc(FRAME_HELD_MAX * FRAME_HELD_BYTES);
	size_t length = frame_held_write(held, hands_held(helper->hands, held), body);

	(void)link_send(helper->link, FRAME_BEAT, 0, 0, body, length);
	mem_free(body);
	mem_free(held);
}

static void on_beat(void *owner)
{
	struct helper *helper = owner;

	helper->beat_timer = loop_timer(helper->loop, BEAT_MS, on_beat, helper);
	beat(helper);
}

static void credit_send(struct helper *helper)
{
	size_t held = hands_count(helper->hands);
	uint32_t capacity = capacities[helper->lane];
	uint32_t credit = helper->draining || held >= capacity ? 0 : capacity - (uint32_t)held;
	unsigned char body[FRAME_CREDIT_BYTES];
	size_t length = frame_credit_write(credit, body);

	if (link_send(helper->link, FRAME_CREDIT, 0, 0, body, length))
		helper->believed = credit;
}

/* Once for all that changes in a round, and only when there is more than the dispatcher knows of. */
static void on_credit(void *owner)
{
	struct helper *helper = owner;

	helper->credit_timer = 0;
	if (!helper->draining
		&& hands_count(helper->hands) + helper->believed < capacities[helper->lane])
		credit_send(helper);
}

static void credit_later(struct helper *helper)
{
	if (helper->credit_timer == 0)
		helper->credit_timer = loop_timer(helper->loop, 0, on_credit, helper);
}

static void leave_if_done(struct helper *helper)
{
	if (helper->draining && hands_count(helper->hands) == 0)
		link_leave(helper->link);
}

static void on_ended(void *owner, struct hand *hand)
{
	report_send(owner, hand);
}

/* --- what comes from it ----------------------------------------------------------------------- */

static bool on_task(struct helper *helper, const struct frame_head *head, const unsigned char *body,
	size_t length)
{
	struct task task;
	json *value = json_read((const char *)body, length);
	bool good = value != NULL && task_read(value, &task) == 0;

	json_drop(value);
	if (!good)
		return false;
	if (task.id != (int64_t)head->task || task.fence != (int32_t)head->fence) {
		task_drop(&task);
		return false;
	}
	if (helper->believed > 0)
		helper->believed--;
	if (hands_of_task(helper->hands, task.id, task.fence) != NULL) {
		task_drop(&task);
		return true;
	}
	struct hand *hand = hands_take(helper->hands, &task);

	if (hand == NULL) {
		task_drop(&task);
		return false;
	}
	work_begin(helper->work, hand);
	return true;
}

static bool on_frame(void *owner, const struct frame_head *head, const unsigned char *body,
	size_t length)
{
	struct helper *helper = owner;
	struct hand *hand = hands_of_task(helper->hands, (int64_t)head->task, (int32_t)head->fence);

	if (head->type == FRAME_TASK)
		return on_task(helper, head, body, length);
	if (head->type == FRAME_CANCEL) {
		if (hand != NULL)
			work_cancel(helper->work, hand);
		return true;
	}
	if (head->type != FRAME_ACK)
		return false;
	/* An ACK of what has no report yet is about another life of the connection. */
	if (hand != NULL && hand->report != NULL) {
		hands_drop(helper->hands, hand);
		credit_later(helper);
		leave_if_done(helper);
	}
	return true;
}

/* A new connection: the other side knows nothing of us. */
static void on_up(void *owner)
{
	struct helper *helper = owner;

	beat(helper);
	for (size_t i = 0; i < hands_count(helper->hands); i++)
		if (hands_at(helper->hands, i)->report != NULL)
			report_send(helper, hands_at(helper->hands, i));
	helper->believed = 0;
	credit_send(helper);
}

static void on_tried(void *owner)
{
	(void)owner;
	proc_ready();
}

static void on_left(void *owner)
{
	struct helper *helper = owner;

	loop_stop(helper->loop);
}

/* --- the way out ------------------------------------------------------------------------------ */

static void on_late(void *owner)
{
	struct helper *helper = owner;

	log_warn("event=drain_late held=%zu", hands_count(helper->hands));
	link_leave(helper->link);
}

static void on_lifeline(void *owner, int fd, unsigned events)
{
	struct helper *helper = owner;

	(void)events;
	loop_unwatch(helper->loop, fd);
	log_info("event=drain held=%zu", hands_count(helper->hands));
	helper->draining = true;
	credit_send(helper);
	(void)loop_timer(helper->loop, conf_int(helper->conf, "DRAIN_SECONDS") * 1000, on_late, helper);
	leave_if_done(helper);
}

/* --- birth ------------------------------------------------------------------------------------ */

static bool settings_read(struct helper *helper)
{
	struct buf text, errors;

	buf_init(&text, CONF_FILE_MAX);
	buf_init(&errors, CONF_FILE_MAX);
	if (!proc_settings(&text))
		buf_str(&errors, "descriptor 5 cannot be read");
	else
		helper->conf = conf_read(settings_table, settings_count, roles[helper->lane],
			buf_text(&text), text.length, &errors);
	if (helper->conf == NULL)
		log_error("event=settings why=\"%s\"", buf_text(&errors));
	if (text.data != NULL)
		mem_wipe(text.data, text.length);
	buf_free(&text);
	buf_free(&errors);
	return helper->conf != NULL;
}

static bool texts_load(struct helper *helper)
{
	const char *directory = conf_text(helper->conf, "TEXTS_DIR");
	struct buf errors;

	buf_init(&errors, CONF_FILE_MAX);
	helper->texts = texts_read(*directory == '\0' ? PKGDATADIR "/texts" : directory, &errors);
	if (helper->texts == NULL)
		log_error("event=texts why=\"%s\"", buf_text(&errors));
	buf_free(&errors);
	return helper->texts != NULL;
}

/* The loop counts descriptors up to its own maximum; the system's usual soft limit is 1024. */
static void descriptors_allow(void)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max < LOOP_FDS_MAX ? limit.rlim_max : LOOP_FDS_MAX;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static bool helper_prepare(struct helper *helper)
{
	enum log_level level = LOG_INFO;

	if (!settings_read(helper))
		return false;
	if (log_level_of(conf_text(helper->conf, "LOG_LEVEL"), &level))
		log_level_set(level);
	if (helper->lane != LANE_PAY && !texts_load(helper))
		return false;
	helper->setting = (struct provider_setting){
		.conf = helper->conf,
		.texts = helper->texts,
		.spool = helper->lane == LANE_PAY ? "" : conf_text(helper->conf, "SPOOL_DIR"),
	};
	helper->loop = loop_new();
	helper->hands = hands_new();
	helper->work = work_new(helper->loop, helper->lane, &helper->setting, helper->hands, on_ended,
		helper);
	if (helper->work == NULL)
		log_error("event=settings why=\"MEDIA_HOSTS is not a list of hosts\"");
	return helper->work != NULL;
}

static void helper_serve(struct helper *helper)
{
	static const struct link_calls calls = {
		.tried = on_tried, .up = on_up, .left = on_left, .frame = on_frame,
	};
	struct buf path;

	buf_init(&path, PATH_BYTES);
	buf_fmt(&path, "%s/%s.sock", conf_text(helper->conf, "RUN_DIR"), lane_name(helper->lane));
	helper->link = link_new(helper->loop, buf_text(&path), helper->lane, capacities[helper->lane],
		&calls, helper);
	buf_free(&path);
	helper->beat_timer = loop_timer(helper->loop, BEAT_MS, on_beat, helper);
	loop_watch(helper->loop, PROC_FD_LIFELINE, LOOP_READ, on_lifeline, helper);
	loop_run(helper->loop);
}

static void helper_end(struct helper *helper)
{
	link_free(helper->link);
	work_free(helper->work);
	hands_free(helper->hands);
	loop_free(helper->loop);
	texts_free(helper->texts);
	conf_free(helper->conf);
}

int main(int argc, char **argv)
{
	static const char *const names[LANE_COUNT] = {
		[LANE_CHAT] = "helper-chat", [LANE_PAY] = "helper-pay", [LANE_MEDIA] = "helper-media",
	};
	struct helper helper = {0};

	proc_options(argc, argv, 1, "helper chat|pay|media",
		"Does a lane's work outside for atelierd(8), which starts it.");
	if (argc != 2 || lane_from(argv[1], &helper.lane) != 0) {
		log_open("helper");
		log_error("event=usage why=\"helper chat|pay|media\"");
		return 64;
	}
	proc_child_begin(names[helper.lane]);
	descriptors_allow();
	if (!helper_prepare(&helper))
		return EXIT_CONFIG;
	helper_serve(&helper);
	log_info("event=left");
	helper_end(&helper);
	return 0;
}
