/* Fetch and sweep. A provider's word for what a file is or where it lies counts nothing here. */
#include "helper/files.h"

#include <inttypes.h>

#include "base/str.h"
#include "helper/spool.h"

#define FETCH_MS 120000
#define FETCH_FILES_MAX 16
#define FETCH_WAIT_ELSE_S 5
#define NOTE_FILES "files"

static int64_t job_of(const struct task *task)
{
	int64_t job = task->job_id;

	if (job <= 0 && !json_i64(task->payload, "job", &job))
		job = 0;
	return job > 0 ? job : 0;
}

struct spool_place files_place(const struct task *task)
{
	return (struct spool_place){job_of(task), task->id, task->fence};
}

bool files_begin(struct provider_work *work, const struct provider_setting *setting, struct report *report)
{
	size_t count = json_count(work->task->payload, "files");

	if (job_of(work->task) == 0 || count == 0 || count > FETCH_FILES_MAX) {
		(void)provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no job or no files");
		return false;
	}
	if (spool_make(setting->spool, files_place(work->task)) != SPOOL_OK) {
		(void)provider_end(report, REPORT_FAILED, CLASS_OURS, 0, "the spool: %m");
		return false;
	}
	json_set(work->note, NOTE_FILES, json_new_array());
	return true;
}

bool files_keep(struct provider_work *work, const struct provider_setting *setting, size_t n,
	enum report_class strange, struct arena *arena, struct report *report)
{
	struct sniff sniff;
	char *path;
	int64_t bytes;

	switch (spool_settle(setting->spool, files_place(work->task), n, arena, &path, &sniff, &bytes)) {
	case SPOOL_DISK:
		(void)provider_end(report, REPORT_FAILED, CLASS_OURS, 0, "the spool: %m");
		return false;
	case SPOOL_STRANGE:
		(void)provider_end(report, REPORT_REFUSED, strange, 0, "file %zu is no picture or film", n);
		return false;
	case SPOOL_OK:
		break;
	}
	json *file = json_new();

	json_set_text(file, "path", path);
	json_set_text(file, "type", sniff.type);
	json_set_i64(file, "bytes", bytes);
	if (sniff.width > 0) {
		json_set_i64(file, "width", sniff.width);
		json_set_i64(file, "height", sniff.height);
	}
	json_push(json_at(work->note, NOTE_FILES), file);
	return true;
}

enum provider_next files_done(const struct provider_work *work, struct report *report)
{
	report->result = json_new();
	json_set(report->result, "files", json_copy(json_at(work->note, NOTE_FILES)));
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%zu files", json_count(work->note, NOTE_FILES));
}

static enum provider_next one_ask(struct provider_work *work, size_t n,
	const struct provider_setting *setting, struct arena *arena, struct call *call,
	struct report *report)
{
	const struct task *task = work->task;
	const char *url = json_text(task->payload, arena_fmt(arena, "files.%zu.url", n));

	if (url == NULL)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "file %zu has no URL", n);
	*call = (struct call){
		.verb = "GET",
		.url = arena_str(arena, url),
		.name = "media",
		.save_path = spool_part(setting->spool, files_place(task), n, arena),
		.guarded = true,
		.total_ms = FETCH_MS,
		.answer_max = CALL_FILE_MAX,
	};
	return PROVIDER_CALL;
}

static enum provider_next begin(struct provider_work *work, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	if (!files_begin(work, setting, report))
		return PROVIDER_END;
	return one_ask(work, 0, setting, arena, call, report);
}

static enum provider_next not_fetched(const struct answer *answer, struct report *report)
{
	long status = answer->status;

	if (answer->end == ANSWER_REFUSED)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "%s", answer->text);
	if (answer->end != ANSWER_CAME)
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%s", answer->text);
	if (status == 429)
		return provider_end(report, REPORT_LATER, CLASS_RATE,
			provider_wait_ms(answer, FETCH_WAIT_ELSE_S), "%s", "429");
	if (status == 401 || status == 403 || status == 404 || status == 410)
		return provider_end(report, REPORT_REFUSED, CLASS_EMPTY, 0, "%ld: the file is not there",
			status);
	if (status >= 500 || status == 408)
		return provider_end(report, REPORT_FAILED, CLASS_BUSY, 0, "%ld", status);
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "%ld, not as expected", status);
}

enum provider_next files_fetch(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena,
	struct call *call, struct report *report)
{
	const struct task *task = work->task;
	size_t n = (size_t)work->step;          /* files done, the one just answered included */

	if (answer == NULL)
		return begin(work, setting, arena, call, report);
	if (answer->end != ANSWER_CAME || answer->status != 200)
		return not_fetched(answer, report);
	if (!files_keep(work, setting, n - 1, CLASS_OURS, arena, report))
		return PROVIDER_END;
	if (n < json_count(task->payload, "files"))
		return one_ask(work, n, setting, arena, call, report);
	return files_done(work, report);
}

/* A path that the payload wants kept. */
static bool keep(void *owner, const char *path)
{
	json *kept = owner;

	for (size_t i = 0; i < json_count(kept, ""); i++)
		if (str_equal(json_object_get_string(json_object_array_get_idx(kept, i)), path))
			return true;
	return false;
}

enum provider_next files_sweep(const struct provider_work *work,
	const struct provider_setting *setting, struct report *report)
{
	const struct task *task = work->task;
	int64_t job = job_of(task);
	size_t files;

	if (job == 0)
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "no job");
	switch (spool_sweep(setting->spool, job, keep, json_at(task->payload, "keep"), &files)) {
	case SPOOL_DISK:
		return provider_end(report, REPORT_FAILED, CLASS_OURS, 0, "the spool: %m");
	case SPOOL_STRANGE:
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0,
			"job %" PRId64 ": something in the spool is not ours", job);
	case SPOOL_OK:
		break;
	}
	return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%zu files", files);
}
