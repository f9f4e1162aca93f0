/* Results within answers: base64 that becomes files of the spool. */
#include "helper/inline.h"

#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "helper/files.h"

#define ANSWER_FILE 99                  /* its number in the attempt; no result has so many files */

void inline_begin(const struct task *task, const struct provider_setting *setting, struct arena *arena,
	struct call *call)
{
	if (task->kind != TASK_SUBMIT || call->answer_max <= CALL_ANSWER_MAX || call->save_path != NULL)
		return;
	/* Without a place the answer is too large for memory, and refused: the spool is broken, and told elsewhere. */
	if (spool_make(setting->spool, files_place(task)) == SPOOL_OK)
		call->save_path = spool_part(setting->spool, files_place(task), ANSWER_FILE, arena);
}

void inline_answer(const struct call *call, struct answer *answer, struct buf *body)
{
	if (call->save_path == NULL || call->answer_max <= CALL_ANSWER_MAX || !str_equal(call->verb, "POST")
		|| answer->end != ANSWER_CAME || answer->status != 200)
		return;
	if (fd_read_path(call->save_path, body) == FD_OK) {
		answer->body = buf_text(body);
		answer->body_length = body->length;
	} else {
		answer->end = ANSWER_UNKNOWN;
	}
	(void)unlink(call->save_path);
}

/* Decodes one; -1 when it is no base64. The bytes are the caller's. */
static int64_t decode(const char *text, unsigned char **bytes)
{
	size_t length = strlen(text), padding = 0;

	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	*bytes = mem_alloc(length / 4 * 3 + 3);
	int count = length % 4 != 0 || length > INLINE_ANSWER_MAX ? -1
		: EVP_DecodeBlock(*bytes, (const unsigned char *)text, (int)length);

	return count < (int64_t)padding ? -1 : count - (int64_t)padding;
}

static bool one_keep(struct provider_work *work, size_t n, const char *data, const struct provider_setting *setting,
	struct arena *arena, struct report *report)
{
	unsigned char *bytes;
	int64_t length = decode(data, &bytes);
	bool written = length > 0
		&& spool_write(setting->spool, files_place(work->task), n, bytes, (size_t)length, arena) == SPOOL_OK;

	mem_free(bytes);
	if (length <= 0)
		(void)provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "file %zu is no base64", n);
	else if (!written)
		/* It was made, and paid for; that it cannot be kept is not for a second order to mend. */
		(void)provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "the spool: %m");
	return written && files_keep(work, setting, n, CLASS_OURS, arena, report);
}

void inline_keep(const struct task *task, const struct provider_setting *setting, struct arena *arena,
	struct report *report)
{
	json *found = report->outcome == REPORT_DONE ? json_at(report->result, "files") : NULL;
	json *note = json_new();
	struct provider_work work = {.task = task, .note = note};

	if (task->kind == TASK_SUBMIT && json_text(found, "0.data") != NULL) {
		json *given = report->result;
		bool good = spool_make(setting->spool, files_place(task)) == SPOOL_OK;

		report->result = NULL;
		json_set(note, "files", json_new_array());
		if (!good)
			(void)provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "the spool: %m");
		for (size_t i = 0; good && i < json_count(found, ""); i++) {
			const char *data = json_text(json_object_array_get_idx(found, i), "data");

			good = data != NULL && one_keep(&work, i, data, setting, arena, report);
		}
		if (good)
			(void)files_done(&work, report);
		json_drop(given);
	}
	json_drop(note);
}
