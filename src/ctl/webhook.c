/* atelierctl webhook: an errand for the chat helper, which alone may speak to Telegram. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "data/json.h"

#define WEBHOOK_WAIT_MS 30000
#define WEBHOOK_LOOK_MS 100

static const struct db_statement put = {
	"ctl.task_put", "SELECT ctl.task_put('chat', 'webhook', $1::jsonb)", 1};
static const struct db_statement get = {
	"ctl.task_get", "SELECT state, class, error, result FROM ctl.task_get($1::bigint)", 1};

/* What came of it, as Telegram said it. */
static enum ctl_end ended(const char *what, const struct db_rows *rows)
{
	if (!str_equal(rows_text(rows, 0, 0), "done"))
		return ctl_fail("webhook %s: %s %s", what, rows_text(rows, 0, 1), rows_text(rows, 0, 2));
	const char *text = rows_text(rows, 0, 3);
	json *result = json_read(text, strlen(text));

	if (result != NULL && json_object_object_length(result) > 0)
		printf("%s\n", json_object_to_json_string_ext(result, JSON_C_TO_STRING_PRETTY
			| JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		printf("webhook %s: done\n", what);
	json_drop(result);
	return CTL_DONE;
}

enum ctl_end webhook_run(struct ctl *ctl)
{
	const char *what = ctl->words[0];
	const char *args[1];
	const struct db_rows *rows;

	if (!str_equal(what, "set") && !str_equal(what, "info") && !str_equal(what, "delete"))
		return ctl_fail("webhook: set, info or delete"), CTL_USAGE;
	args[0] = arena_fmt(ctl->arena, "{\"do\": \"%s\"}", what);
	if (!ctl_call(ctl, &put, args, &rows))
		return CTL_FAILED;
	args[0] = arena_str(ctl->arena, rows_text(rows, 0, 0));
	db_done(ctl->db);
	for (int64_t end_ms = clock_mono_ms() + WEBHOOK_WAIT_MS; clock_mono_ms() < end_ms;) {
		if (!ctl_call(ctl, &get, args, &rows))
			return CTL_FAILED;
		if (rows_count(rows) == 1 && (str_equal(rows_text(rows, 0, 0), "done")
			|| str_equal(rows_text(rows, 0, 0), "dead"))) {
			enum ctl_end end = ended(what, rows);

			db_done(ctl->db);
			return end;
		}
		db_done(ctl->db);
		(void)poll(NULL, 0, WEBHOOK_LOOK_MS);
	}
	return ctl_fail("webhook %s: no answer in %d s; is atelierd running?", what, WEBHOOK_WAIT_MS / 1000);
}
