/* A task as it travels: leased by the dispatcher, done by a helper. */
#ifndef DATA_TASK_H
#define DATA_TASK_H

#include <stdint.h>

#include "data/json.h"
#include "data/lane.h"

/* payload by kind:
 *   say, edit      {"notice": name, "args": {...}}                          (data/notice)
 *   photo          {"notice": "result", "args": {...}, "files": [{"path","type","bytes","width","height"}]}
 *   document       {"notice", "args", "file_name", "text"}       (the file's content, UTF-8, at most 48 KiB)
 *   pay_create     {"payment", "provider", "order", "key", "amount", "currency", "description", "person"}
 *   pay_ask        {"payment" or null, "provider", "order" or null, "ext_id" or null}
 *   pay_refund     {"refund", "payment", "provider", "ext_id", "key", "amount", "currency", "description"}
 *   pay_refund_ask {"provider", "refund_ext_id"}
 *   pay_list       {"provider", "what": "payments" | "refunds", "since", "until" (unix seconds), "cursor" or null}
 *                  amounts in minor units of the currency (kopecks, cents)
 *   probe, pay_probe, media_probe  {"provider"}
 *   webhook        {"do": "set" | "info" | "delete"}
 *   take           {"job", "files": [{"file_id"}]}; result {"files": [FILE]}
 *   resend         {"notice", "args", "form": "photo" | "video" | "document", and "file_id" or "file": FILE};
 *                  result {"message_id", "file_id"}
 *   copy           {"from": chat, "message": message id there}; result {"message_id"}
 *   clean          {"job", "files": [FILE]}; result {"files": [FILE]}: pictures made anew as JPEG, films as they are
 *   render         {"job", "do": "add_text", "text", "files": [FILE]}; result {"files": [FILE]}
 *   chart          {"job": a number that is no job's, for the spool, "lang", "chart": {"title", "days": [text],
 *                  "panels": [{"title", "unit", "series": [{"name", "values": [number]}]}]}}, titles and names being
 *                  keys of texts; result {"files": [FILE]}
 *   submit         {"job", "provider", "model", "order": our own name of the order (letters, digits, -; the same when
 *                  it is made again), "input": {...}, "places": [field, ...], "files": [FILE with "token"]};
 *                  result: the provider's {"request_id", ...}, or {"files": [FILE]} where the answer is the result
 *   poll, cancel   {"job", "provider", "model", "request": what submit answered}
 *   fetch          {"job", "provider", "files": [{"url"}]}; result {"files": [FILE]}
 *   lookup         as submit, and "since": unix seconds, "taken": [request ids of other jobs]
 *   sweep          {"job", "keep": [path, ...] or absent}
 * FILE: {"path": relative to the spool, "type", "bytes", "width", "height"}, sides only of pictures; with "token" it
 * can be read at WEBHOOK_BASE_URL/media/TOKEN while the job is open.
 * places: where the files go in the request, in order: "image_url" takes one, "image_urls[]" all that are left.
 * memo: what earlier attempts left for later ones. */
struct task {
	int64_t id;
	int32_t fence;          /* grows with every claim; a report counts only with the current one */
	enum task_kind kind;
	int64_t chat_id;        /* 0: none */
	int64_t message_id;     /* 0: none; the message that an edit changes */
	int64_t job_id;         /* 0: none */
	int attempts;           /* claims so far, this one included */
	char lang[3];           /* of the person spoken to: "ru", "en" */
	json *payload;          /* an object, never null after task_read */
	json *memo;             /* an object, never null after task_read */
};

/* The body of a TASK frame and back; it repeats task and fence of the head. task_write makes an object to
 * drop; task_read copies what it keeps. */
json *task_write(const struct task *task);
MUST_CHECK int task_read(json *body, struct task *task);       /* 0, or -1 when it is not a task */
void task_drop(struct task *task);                             /* its payload and memo */

#endif
