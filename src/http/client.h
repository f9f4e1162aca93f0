/* Calls to the outside: libcurl's multi interface on our loop, many at once in one thread. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "data/call.h"
#include "http/guard.h"

#define CLIENT_CONNECT_MS 10000         /* for calls that name no time-out of their own */
#define CLIENT_TOTAL_MS 60000
#define CLIENT_KEEP_SECONDS 30          /* a kept connection older than this is not used again */

struct client;

struct client_setting {
	const char *ca_file;            /* PEM; "": the system's */
	const char *agent;              /* User-Agent */
	const struct guard *guard;      /* for guarded calls; null: all of them are refused. Must outlive the client */
	size_t per_host;                /* most calls in flight to one host and port */
};

/* Told once for each client_start that was not dropped, from the loop and never from inside client_start. The
 * answer is valid during the call only. The owner may start and drop calls from here. */
typedef void client_done_f(void *owner, uint64_t id, const struct answer *answer);

/* ca_file and agent are copied. Free with client_free, which forgets all calls without telling. */
struct client *client_new(struct loop *loop, const struct client_setting *setting, client_done_f *done, void *owner);
void client_free(struct client *client);        /* null is allowed; not from `done` */

/* Starts a call, or queues it behind others to its host. id is the caller's and not one that is under way. All that
 * the call points at must live until `done`; the struct itself is copied.
 *
 * ends: ANSWER_NOT_SENT only when not one byte of the request can have left (libcurl counted none); whatever
 * else went wrong outside is ANSWER_UNKNOWN. An answer beyond its bound is ANSWER_REFUSED although it was sent. */
void client_start(struct client *client, uint64_t id, const struct call *call);

enum client_stage { CLIENT_NONE, CLIENT_WAITS, CLIENT_FLIES };
enum client_stage client_stage(const struct client *client, uint64_t id);
void client_drop(struct client *client, uint64_t id);   /* forgets a call without telling; unknown ids are ignored */
size_t client_count(const struct client *client);       /* calls under way, waiting ones too */

#endif
