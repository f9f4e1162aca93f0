/* The driver of adapters: their calls go to the client, their reports into the hand. */
#include "helper/work.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "helper/files.h"
#include "http/client.h"

struct work {
	enum lane lane;
	const struct provider_setting *setting;
	struct hands *hands;
	work_ended_f *ended;
	void *owner;
	struct guard *guard;
	struct client *client;
};

/* By the name in the payload; null: none of this lane's. */
static const struct provider *adapter_of(enum lane lane, const struct task *task)
{
	static const struct provider *const of_pay[] = {&provider_yookassa, &provider_betatransfer, NULL};
	static const struct provider *const of_media[] = {&provider_fal, NULL};
	const char *name = json_text(task->payload, "provider");
	const struct provider *const *at = lane == LANE_PAY ? of_pay : of_media;

	if (lane == LANE_CHAT)
		return &provider_telegram;
	if (name == NULL)
		return lane == LANE_MEDIA ? &provider_fal : NULL;
	while (*at != NULL && !str_equal((*at)->name, name))
		at++;
	return *at;
}

static enum provider_next ask_adapter(const struct work *work, struct provider_work *step,
	const struct answer *answer, struct hand *hand, struct report *report)
{
	const struct task *task = step->task;
	const struct provider_setting *setting = work->setting;

	if (task_kind_lane(task->kind) != work->lane)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "not a task of this lane");
	if (task->kind == TASK_FETCH)
		return files_fetch(step, answer, setting, hand->arena, &hand->call, report);
	if (task->kind == TASK_SWEEP)
		return files_sweep(step, setting, report);
	const struct provider *adapter = adapter_of(work->lane, task);

	if (adapter == NULL)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "an unknown provider");
	return adapter->next(step, answer, setting, hand->arena, &hand->call, report);
}

/* A line for each end. Polls that bring nothing new are many. */
static void end_log(const struct hand *hand, const struct report *report)
{
	const struct task *task = &hand->task;
	int64_t took = clock_mono_ms() - hand->taken_ms;
	const char *class = report_class_name(report->class);

#define END_FORMAT "task=%" PRId64 " kind=%s job=%" PRId64 " outcome=%s class=%s ms=%" PRId64 "%s%s%s"
#define END_VALUES task->id, task_kind_name(task->kind), task->job_id, \
	report_outcome_name(report->outcome), *class == '\0' ? "-" : class, took, \
	*report->text == '\0' ? "" : " text=\"", report->text, *report->text == '\0' ? "" : "\""
	if (report->class == CLASS_FUNDS || report->class == CLASS_OURS)
		log_error(END_FORMAT, END_VALUES);
	else if (report->outcome == REPORT_LATER)
		log_debug(END_FORMAT, END_VALUES);
	else if (report->outcome == REPORT_DONE)
		log_info(END_FORMAT, END_VALUES);
	else
		log_warn(END_FORMAT, END_VALUES);
#undef END_FORMAT
#undef END_VALUES
}

static void end(struct work *work, struct hand *hand, struct report *report)
{
	report->task_id = hand->task_id;
	report->fence = hand->fence;
	json *body = report_write(report);

	if (strlen(json_write(body)) > FRAME_BYTES_MAX - FRAME_HEAD_BYTES) {
		json_drop(body);
		json_drop(report->result);
		report->result = NULL;
		/* Whatever happened outside has happened: not to be tried again. */
		(void)provider_end(report, REPORT_UNKNOWN, CLASS_OURS, 0, "the report is too long");
		body = report_write(report);
	}
	end_log(hand, report);
	hands_report(hand, json_write(body));
	json_drop(body);
	report_drop(report);
	work->ended(work->owner, hand);
}

static void advance(struct work *work, struct hand *hand, const struct answer *answer)
{
	struct provider_work step = {.task = &hand->task, .step = hand->step, .note = hand->note};
	struct report report = {0};

	if (ask_adapter(work, &step, answer, hand, &report) == PROVIDER_END) {
		end(work, hand, &report);
		return;
	}
	hand->step++;
	if (hand->task.kind == TASK_SUBMIT)
		hand->call.start_by = hand->taken_ms + WORK_SUBMIT_MS;
	client_start(work->client, hand->key, &hand->call);
}

static void on_answer(void *owner, uint64_t id, const struct answer *answer)
{
	struct work *work = owner;
	struct hand *hand = hands_of_key(work->hands, id);

	must(hand != NULL && hand->report == NULL);
	if (answer->late) {
		struct report report = {0};

		/* Our own queue was too long: it was no attempt. */
		(void)provider_end(&report, REPORT_LATER, CLASS_BUSY, WORK_LATE_MS, "%s", answer->text);
		end(work, hand, &report);
		return;
	}
	advance(work, hand, answer);
}

struct work *work_new(struct loop *loop, enum lane lane, const struct provider_setting *setting,
	struct hands *hands, work_ended_f *ended, void *owner)
{
	struct guard *guard = NULL;

	if (lane == LANE_MEDIA) {
		guard = guard_new(conf_text(setting->conf, "MEDIA_HOSTS"),
			conf_bool(setting->conf, "MEDIA_PRIVATE"));
		if (guard == NULL)
			return NULL;
	}
	struct client_setting client = {
		.ca_file = conf_text(setting->conf, "CA_FILE"), .agent = "Atelier", .guard = guard,
		.per_host = WORK_PER_HOST,
	};
	struct work *work = mem_alloc(sizeof *work);

	*work = (struct work){
		.lane = lane, .setting = setting, .hands = hands, .ended = ended, .owner = owner,
		.guard = guard,
	};
	work->client = client_new(loop, &client, on_answer, work);
	return work;
}

void work_free(struct work *work)
{
	if (work == NULL)
		return;
	client_free(work->client);
	guard_free(work->guard);
	mem_free(work);
}

void work_begin(struct work *work, struct hand *hand)
{
	advance(work, hand, NULL);
}

static bool only_asks(enum task_kind kind)
{
	return kind == TASK_POLL || kind == TASK_LOOKUP || kind == TASK_FETCH || kind == TASK_PAY_ASK
		|| kind == TASK_PAY_REFUND_ASK || kind == TASK_PAY_LIST;
}

void work_cancel(struct work *work, struct hand *hand)
{
	struct report report = {0};

	if (hand->report != NULL)
		return;
	if (client_stage(work->client, hand->key) == CLIENT_FLIES && !only_asks(hand->task.kind))
		return;
	client_drop(work->client, hand->key);
	(void)provider_end(&report, REPORT_FAILED, CLASS_LATE, 0, "cancelled");
	end(work, hand, &report);
}
