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
 *   webhook        {"do": "set" | "info" | "delete"}
 *   submit         {"job", "provider", "model", "input": {...}}
 *   poll, cancel   {"job", "provider", "model", "request": {"request_id","status_url","response_url","cancel_url"}}
 *   fetch          {"job", "files": [{"url"}]}
 *   lookup         {"job", "provider", "model", "input": {...}, "since": unix seconds}
 *   sweep          {"job"}
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
