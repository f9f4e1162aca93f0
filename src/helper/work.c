/* The driver of adapters: their calls go to the client, their reports into the hand. */
#include "helper/work.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "helper/chart.h"
#include "helper/files.h"
#include "helper/inline.h"
#include "helper/renders.h"
#include "helper/take.h"
#include "http/client.h"
#include "provider/probe.h"

struct work {
	enum lane lane;
	const struct provider_setting *setting;
	struct hands *hands;
	work_ended_f *ended;
	void *owner;
	struct guard *guard;
	struct client *client;
	struct renders *renders;        /* media lane only */
};

/* By the name in the payload; null: none of this lane's. */
static const struct provider *adapter_of(enum lane lane, const struct task *task)
{
	static const struct provider *const of_pay[] = {&provider_yookassa, &provider_betatransfer, NULL};
	static const struct provider *const of_media[] = {&provider_fal, &provider_gemini, &provider_kling, NULL};
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
	if (task->kind == TASK_TAKE)
		return take_next(step, answer, setting, hand->arena, &hand->call, report);
	if (task->kind == TASK_SWEEP)
		return files_sweep(step, setting, report);
	if (task->kind == TASK_PROBE || task->kind == TASK_PAY_PROBE || task->kind == TASK_MEDIA_PROBE)
		return probe_next(step, answer, setting, hand->arena, &hand->call, report);
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

/* --- pictures for render ---------------------------------------------------------------------- */

static bool is_render(enum task_kind kind)
{
	return kind == TASK_CLEAN || kind == TASK_RENDER || kind == TASK_CHART;
}

static void render_end(struct work *work, struct hand *hand, enum report_outcome outcome, enum report_class class,
	const char *text)
{
	struct report report = {0};

	(void)provider_end(&report, outcome, class, 0, "%s", text);
	end(work, hand, &report);
}

/* One picture out of figures. */
static void chart_next(struct work *work, struct hand *hand)
{
	struct provider_work step = {.task = &hand->task, .step = hand->step, .note = hand->note};
	struct report report = {0};
	struct spool_place place = files_place(&hand->task);

	if (hand->step > 0) {
		(void)files_done(&step, &report);
		end(work, hand, &report);
		return;
	}
	const char *text = chart_text(&hand->task, work->setting->texts, hand->arena);

	if (text == NULL || place.job == 0) {
		render_end(work, hand, REPORT_REFUSED, CLASS_OURS, "not figures that can be drawn");
		return;
	}
	if (spool_make(work->setting->spool, place) != SPOOL_OK) {
		render_end(work, hand, REPORT_FAILED, CLASS_OURS, "the spool cannot be written to");
		return;
	}
	json_set(hand->note, "files", json_new_array());
	struct render_job job = {
		.what = "chart", .text = text, .output = spool_part(work->setting->spool, place, 0, hand->arena),
	};
	renders_start(work->renders, hand->key, &job);
}

/* The files of a clean or render one after the other, hand->step counts them; a film has nothing to be made anew. */
static void render_next(struct work *work, struct hand *hand)
{
	struct provider_work step = {.task = &hand->task, .step = hand->step, .note = hand->note};
	struct report report = {0};
	json *payload = hand->task.payload;
	bool text = hand->task.kind == TASK_RENDER;

	if (hand->task.kind == TASK_CHART) {
		chart_next(work, hand);
		return;
	}
	if (text && (!str_equal(json_text(payload, "do"), "add_text") || json_text(payload, "text") == NULL)) {
		render_end(work, hand, REPORT_REFUSED, CLASS_OURS, "not a work that render does");
		return;
	}
	if (hand->step == 0 && !files_begin(&step, work->setting, &report)) {
		end(work, hand, &report);
		return;
	}
	for (; hand->step < (int)json_count(payload, "files"); hand->step++) {
		json *file = json_object_array_get_idx(json_at(payload, "files"), (size_t)hand->step);
		const char *path = json_text(file, "path"), *type = json_text(file, "type");

		if (path == NULL || type == NULL || *path == '/' || strstr(path, "..") != NULL) {
			render_end(work, hand, REPORT_REFUSED, CLASS_OURS, "a file that is none");
			return;
		}
		if (!text && str_equal(type, "video/mp4")) {
			json_push(json_at(hand->note, "files"), json_copy(file));
			continue;
		}
		struct render_job job = {
			.what = text ? "text" : "picture", .text = text ? json_text(payload, "text") : NULL,
			.input = arena_fmt(hand->arena, "%s/%s", work->setting->spool, path),
			.output = spool_part(work->setting->spool, files_place(&hand->task), (size_t)hand->step, hand->arena),
		};
		renders_start(work->renders, hand->key, &job);
		return;
	}
	(void)files_done(&step, &report);
	end(work, hand, &report);
}

static void on_rendered(void *owner, uint64_t key, enum render_end ended, const char *text)
{
	struct work *work = owner;
	struct hand *hand = hands_of_key(work->hands, key);

	must(hand != NULL && hand->report == NULL);
	struct provider_work step = {.task = &hand->task, .step = hand->step, .note = hand->note};
	struct report report = {0};

	if (ended != RENDER_MADE) {
		render_end(work, hand, ended == RENDER_REFUSED ? REPORT_REFUSED : REPORT_FAILED,
			ended == RENDER_REFUSED ? CLASS_INPUT : CLASS_OURS, text);
		return;
	}
	if (!files_keep(&step, work->setting, (size_t)hand->step, CLASS_OURS, hand->arena, &report)) {
		end(work, hand, &report);
		return;
	}
	hand->step++;
	render_next(work, hand);
}

/* --- calls ------------------------------------------------------------------------------------ */

static void advance(struct work *work, struct hand *hand, const struct answer *answer)
{
	struct provider_work step = {
		.task = &hand->task, .step = hand->step, .note = hand->note, .now_s = clock_wall_ms() / 1000,
	};
	struct report report = {0};

	if (is_render(hand->task.kind)) {
		render_next(work, hand);
		return;
	}
	if (ask_adapter(work, &step, answer, hand, &report) == PROVIDER_END) {
		inline_keep(&hand->task, work->setting, hand->arena, &report);
		end(work, hand, &report);
		return;
	}
	inline_begin(&hand->task, work->setting, hand->arena, &hand->call);
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
	struct answer whole = *answer;
	struct buf body;

	buf_init(&body, INLINE_ANSWER_MAX);
	inline_answer(&hand->call, &whole, &body);
	advance(work, hand, &whole);
	buf_free(&body);
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
	if (lane == LANE_MEDIA)
		work->renders = renders_new(loop, on_rendered, work);
	return work;
}

void work_free(struct work *work)
{
	if (work == NULL)
		return;
	client_free(work->client);
	renders_free(work->renders);
	guard_free(work->guard);
	mem_free(work);
}

void work_begin(struct work *work, struct hand *hand)
{
	advance(work, hand, NULL);
}

static bool only_asks(enum task_kind kind)
{
	return kind == TASK_POLL || kind == TASK_LOOKUP || kind == TASK_FETCH || kind == TASK_TAKE || kind == TASK_PAY_ASK
		|| kind == TASK_PAY_REFUND_ASK || kind == TASK_PAY_LIST || kind == TASK_PROBE || kind == TASK_PAY_PROBE
		|| kind == TASK_MEDIA_PROBE;
}

void work_cancel(struct work *work, struct hand *hand)
{
	struct report report = {0};

	if (hand->report != NULL)
		return;
	if (client_stage(work->client, hand->key) == CLIENT_FLIES && !only_asks(hand->task.kind))
		return;
	client_drop(work->client, hand->key);
	if (work->renders != NULL)
		renders_drop(work->renders, hand->key);
	(void)provider_end(&report, REPORT_FAILED, CLASS_LATE, 0, "cancelled");
	end(work, hand, &report);
}
