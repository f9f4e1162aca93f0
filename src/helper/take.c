/* Files that people sent: two calls each, as an adapter makes them. */
#include "helper/take.h"

#include "helper/files.h"
#include "provider/telegram.h"

static enum provider_next ask(const struct provider_work *work, size_t n, const struct provider_setting *setting,
	struct arena *arena, struct call *call, struct report *report)
{
	const char *id = json_text(work->task->payload, arena_fmt(arena, "files.%zu.file_id", n));

	if (!telegram_file_ask(id, setting, arena, call))
		return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "file %zu has no id", n);
	return PROVIDER_CALL;
}

enum provider_next take_next(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena, struct call *call, struct report *report)
{
	/* Two calls a file: where it is, and the file itself. */
	size_t n = (size_t)(work->step - 1) / 2;

	if (answer == NULL)
		return files_begin(work, setting, report) ? ask(work, 0, setting, arena, call, report) : PROVIDER_END;
	if (work->step % 2 == 1) {
		const char *part = spool_part(setting->spool, files_place(work->task), n, arena);

		return telegram_file_get(answer, part, setting, arena, call, report) ? PROVIDER_CALL : PROVIDER_END;
	}
	if (!telegram_file_came(answer, report)
		|| !files_keep(work, setting, n, CLASS_INPUT, arena, report))
		return PROVIDER_END;
	if (n + 1 < json_count(work->task->payload, "files"))
		return ask(work, n + 1, setting, arena, call, report);
	return files_done(work, report);
}
