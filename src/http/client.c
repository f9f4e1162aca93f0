/* libcurl on the loop: sockets and the one timer are libcurl's wishes, the queue in front is ours. */
#include "http/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/body.h"
#include "http/gate.h"
#include "http/sink.h"

#define KEPT_CONNECTIONS 256
#define HOST_TEXT_MAX 280
#define HEADER_TEXT_MAX 64

/* A record is used again and again; `used` tells whether it carries a call. So are easy handles, which are large:
 * only what flies has one. */
struct flight {
	struct client *client;
	size_t place;                   /* in client->flights: what the gate knows it by */
	CURL *easy;                     /* null: does not fly */
	bool used;
	enum client_stage stage;
	bool added;                     /* to the multi handle */
	bool told;                      /* its end is being told: the id is the caller's again */
	uint64_t id;
	uint64_t timer;                 /* of an end without a flight; 0: none */
	struct call call;
	char host[HOST_TEXT_MAX];       /* "" when it never got to the gate */
	struct curl_slist *headers;
	curl_mime *mime;
	struct sink sink;
	size_t body_read;               /* bytes of the body that libcurl has taken */
	struct body *pieces;            /* of a body in pieces; else null. Owned */
	bool address_refused;
	enum answer_end end;            /* of an end without a flight */
	bool late;
	const char *why;
};

struct client {
	struct loop *loop;
	CURLM *multi;
	struct gate *gate;
	char *ca_file;
	char *agent;
	const struct guard *guard;
	client_done_f *done;
	void *owner;
	struct flight **flights;
	size_t size;
	size_t count;
	CURL **spare;                   /* easy handles that nobody uses; room for `made` */
	size_t spare_count;
	size_t made;                    /* easy handles that there are */
	uint64_t timer;                 /* libcurl's */
};

/* A refused option is our own fault: libcurl was built without what we need. */
#define set(easy, option, value) must(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)
#define set_multi(multi, option, value) must(curl_multi_setopt((multi), (option), (value)) == CURLM_OK)

static void flights_collect(struct client *client);
static void flight_launch(struct flight *flight);

/* --- libcurl's wishes ------------------------------------------------------------------------- */

static void act(struct client *client, curl_socket_t fd, int events)
{
	int running;

	must(curl_multi_socket_action(client->multi, fd, events, &running) == CURLM_OK);
	flights_collect(client);
}

static void on_fd(void *owner, int fd, unsigned told)
{
	int events = 0;

	if ((told & LOOP_READ) != 0)
		events |= CURL_CSELECT_IN;
	if ((told & LOOP_WRITE) != 0)
		events |= CURL_CSELECT_OUT;
	/* It finds out by itself what is wrong with the socket when it reads and writes. */
	if ((told & LOOP_GONE) != 0)
		events |= CURL_CSELECT_IN | CURL_CSELECT_OUT | CURL_CSELECT_ERR;
	act(owner, fd, events);
}

static void on_timer(void *owner)
{
	struct client *client = owner;

	client->timer = 0;
	act(client, CURL_SOCKET_TIMEOUT, 0);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *unused)
{
	struct client *client = owner;
	unsigned events = 0;

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE) {
		loop_unwatch(client->loop, fd);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= LOOP_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= LOOP_WRITE;
	loop_watch(client->loop, fd, events, on_fd, client);
	return 0;
}

static int want_timer(CURLM *multi, long wait_ms, void *owner)
{
	struct client *client = owner;

	(void)multi;
	loop_timer_drop(client->loop, client->timer);
	client->timer = wait_ms < 0 ? 0 : loop_timer(client->loop, wait_ms, on_timer, client);
	return 0;
}

/* --- one transfer ----------------------------------------------------------------------------- */

static size_t on_body_wanted(char *out, size_t size, size_t count, void *owner)
{
	struct flight *flight = owner;
	size_t room = size * count;

	if (flight->pieces != NULL) {
		int64_t got = body_read(flight->pieces, out, room);

		flight->body_read += got > 0 ? (size_t)got : 0;
		return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
	}
	size_t left = flight->call.body_length - flight->body_read;

	if (room > left)
		room = left;
	memcpy(out, flight->call.body + flight->body_read, room);
	flight->body_read += room;
	return room;
}

static size_t on_answer(char *bytes, size_t size, size_t count, void *owner)
{
	struct flight *flight = owner;
	long status = 0;

	curl_easy_getinfo(flight->easy, CURLINFO_RESPONSE_CODE, &status);
	return sink_add(&flight->sink, bytes, size * count, status == 200) == SINK_OK ? size * count : 0;
}

static curl_socket_t on_open(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct flight *flight = owner;

	(void)purpose;
	if (flight->call.guarded
		&& !guard_address(flight->client->guard, &address->addr, address->addrlen)) {
		flight->address_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_rules(struct flight *flight)
{
	const struct client *client = flight->client;
	const struct call *call = &flight->call;
	CURL *easy = flight->easy;

	set(easy, CURLOPT_PRIVATE, (void *)flight);
	set(easy, CURLOPT_URL, call->url);
	set(easy, CURLOPT_PROTOCOLS_STR, "https");
	set(easy, CURLOPT_FOLLOWLOCATION, 0L);
	set(easy, CURLOPT_PROXY, "");
	set(easy, CURLOPT_NOSIGNAL, 1L);
	set(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* With many slow requests at once HTTP/2 costs libcurl several times the CPU of HTTP/1.1. */
	set(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	set(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(call->connect_ms > 0 ? call->connect_ms : CLIENT_CONNECT_MS));
	set(easy, CURLOPT_TIMEOUT_MS, (long)(call->total_ms > 0 ? call->total_ms : CLIENT_TOTAL_MS));
	set(easy, CURLOPT_MAXAGE_CONN, (long)CLIENT_KEEP_SECONDS);
	set(easy, CURLOPT_USERAGENT, client->agent);
	if (*client->ca_file != '\0')
		set(easy, CURLOPT_CAINFO, client->ca_file);
	set(easy, CURLOPT_WRITEFUNCTION, on_answer);
	set(easy, CURLOPT_WRITEDATA, flight);
	set(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	set(easy, CURLOPT_OPENSOCKETDATA, flight);
	/* A kept connection was not checked by the guard's rules when it was opened for somebody else. */
	if (call->fresh || call->guarded)
		set(easy, CURLOPT_FRESH_CONNECT, 1L);
	if (call->guarded)
		set(easy, CURLOPT_FORBID_REUSE, 1L);
}

static void header_add(struct flight *flight, const char *line)
{
	struct curl_slist *list = curl_slist_append(flight->headers, line);

	must(list != NULL);
	flight->headers = list;
}

static bool parts_add(struct flight *flight)
{
	const struct call *call = &flight->call;

	flight->mime = curl_mime_init(flight->easy);
	must(flight->mime != NULL);
	for (size_t i = 0; i < call->part_count; i++) {
		const struct call_part *from = &call->parts[i];
		curl_mimepart *part = curl_mime_addpart(flight->mime);

		must(part != NULL && curl_mime_name(part, from->name) == CURLE_OK);
		if (from->path == NULL)
			must(curl_mime_data(part, from->value, CURL_ZERO_TERMINATED) == CURLE_OK);
		else if (curl_mime_filedata(part, from->path) != CURLE_OK)
			return false;
		if (from->file_name != NULL)
			must(curl_mime_filename(part, from->file_name) == CURLE_OK);
		if (from->type != NULL)
			must(curl_mime_type(part, from->type) == CURLE_OK);
	}
	set(flight->easy, CURLOPT_MIMEPOST, flight->mime);
	return true;
}

/* The body is read by a function that cannot go back: on a kept connection that turns out dead libcurl would send
 * the request again on another by itself, and this way it can't once a byte of the body was sent. */
static bool set_body(struct flight *flight)
{
	const struct call *call = &flight->call;
	CURL *easy = flight->easy;

	header_add(flight, "Expect:");
	for (size_t i = 0; i < CALL_HEADERS_MAX && call->headers[i] != NULL; i++)
		header_add(flight, call->headers[i]);
	set(easy, CURLOPT_HTTPHEADER, flight->headers);
	if (call->part_count > 0) {
		set(easy, CURLOPT_FRESH_CONNECT, 1L);   /* a form can go back, so it never rides a kept one */
		return parts_add(flight);
	}
	if (str_equal(call->verb, "GET")) {
		set(easy, CURLOPT_HTTPGET, 1L);
		return true;
	}
	set(easy, CURLOPT_POST, 1L);
	if (!str_equal(call->verb, "POST"))
		set(easy, CURLOPT_CUSTOMREQUEST, call->verb);
	int64_t length = (int64_t)call->body_length;

	if (call->pieces != NULL) {
		flight->pieces = mem_alloc(sizeof *flight->pieces);
		if (!body_open(flight->pieces, call->pieces, call->piece_count, &length))
			return false;
	}
	set(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
	if (length == 0) {
		set(easy, CURLOPT_POSTFIELDS, "");
		return true;
	}
	set(easy, CURLOPT_READFUNCTION, on_body_wanted);
	set(easy, CURLOPT_READDATA, flight);
	return true;
}

/* --- flights ---------------------------------------------------------------------------------- */

static CURL *easy_take(struct client *client)
{
	if (client->spare_count > 0)
		return client->spare[--client->spare_count];
	CURL *easy = curl_easy_init();

	must(easy != NULL);
	client->spare = mem_grow(client->spare, (client->made + 1) * sizeof *client->spare);
	client->made++;
	return easy;
}

static void easy_give(struct client *client, CURL *easy)
{
	curl_easy_reset(easy);
	client->spare[client->spare_count++] = easy;
}

static struct flight *flight_take(struct client *client)
{
	size_t at = 0;

	while (at < client->size && client->flights[at]->used)
		at++;
	if (at == client->size) {
		client->flights = mem_grow(client->flights, (client->size + 1) * sizeof *client->flights);
		client->flights[at] = mem_alloc(sizeof **client->flights);
		client->flights[at]->client = client;
		client->flights[at]->place = at;
		client->size++;
	}
	client->flights[at]->used = true;
	client->count++;
	return client->flights[at];
}

/* Ends whatever it is doing and gives back what it holds. */
static void flight_strip(struct flight *flight)
{
	struct client *client = flight->client;

	if (flight->added)
		must(curl_multi_remove_handle(client->multi, flight->easy) == CURLM_OK);
	loop_timer_drop(client->loop, flight->timer);
	if (flight->easy != NULL)
		easy_give(client, flight->easy);
	curl_mime_free(flight->mime);
	if (flight->pieces != NULL)
		body_close(flight->pieces);
	mem_free(flight->pieces);
	curl_slist_free_all(flight->headers);
	if (flight->used)
		sink_close(&flight->sink);
}

/* Makes it ready for another call; the gate's next one is launched. */
static void flight_release(struct flight *flight)
{
	struct client *client = flight->client;
	bool entered = flight->stage == CLIENT_FLIES && flight->host[0] != '\0';
	uint64_t next;

	if (flight->stage == CLIENT_WAITS && flight->host[0] != '\0')
		(void)gate_forget(client->gate, flight->host, flight->place);
	flight_strip(flight);
	bool more = entered && gate_leave(client->gate, flight->host, &next);

	*flight = (struct flight){.client = client, .place = flight->place};
	client->count--;
	if (more)
		flight_launch(client->flights[next]);
}

static void answer_tell(struct flight *flight, struct answer *answer)
{
	struct client *client = flight->client;

	answer->body = buf_text(&flight->sink.memory);
	answer->body_length = flight->sink.memory.length + flight->sink.written;
	flight->told = true;
	client->done(client->owner, flight->id, answer);
	flight_release(flight);
}

static void on_early_end(void *owner)
{
	struct flight *flight = owner;
	struct answer answer = {.end = flight->end, .late = flight->late, .retry_after_s = -1};

	flight->timer = 0;
	snprintf(answer.text, sizeof answer.text, "%s", flight->why);
	answer_tell(flight, &answer);
}

/* An end without a flight; told from the loop like all others. */
static void flight_end_early(struct flight *flight, enum answer_end end, const char *why)
{
	flight->end = end;
	flight->why = why;
	flight->timer = loop_timer(flight->client->loop, 0, on_early_end, flight);
}

static void flight_launch(struct flight *flight)
{
	flight->stage = CLIENT_FLIES;
	if (flight->call.start_by != 0 && clock_mono_ms() > flight->call.start_by) {
		flight->late = true;
		flight_end_early(flight, ANSWER_NOT_SENT, "it waited too long for its turn");
		return;
	}
	flight->easy = easy_take(flight->client);
	set_rules(flight);
	if (!set_body(flight)) {
		flight_end_early(flight, ANSWER_REFUSED, "a file to send cannot be read");
		return;
	}
	must(curl_multi_add_handle(flight->client->multi, flight->easy) == CURLM_OK);
	flight->added = true;
}

/* "host:port", or false when it is no URL. */
static bool host_of(const char *url, char out[HOST_TEXT_MAX])
{
	CURLU *parsed = curl_url();
	char *host = NULL;
	char *port = NULL;

	must(parsed != NULL);
	bool good = curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK
		&& curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK
		&& curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK
		&& snprintf(out, HOST_TEXT_MAX, "%s:%s", host, port) < HOST_TEXT_MAX;

	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parsed);
	return good;
}

void client_start(struct client *client, uint64_t id, const struct call *call)
{
	struct flight *flight = flight_take(client);

	flight->id = id;
	flight->call = *call;
	flight->stage = CLIENT_WAITS;
	sink_open(&flight->sink, call->save_path,
		call->answer_max > 0 && call->save_path == NULL ? call->answer_max : CALL_ANSWER_MAX,
		call->answer_max > 0 ? call->answer_max : CALL_FILE_MAX);
	if (call->guarded) {
		enum guard_end end = client->guard == NULL ? GUARD_HOST : guard_url(client->guard, call->url);

		if (end != GUARD_OK) {
			flight_end_early(flight, ANSWER_REFUSED, guard_end_text(end));
			return;
		}
	}
	if (!host_of(call->url, flight->host)) {
		flight->host[0] = '\0';
		flight_end_early(flight, ANSWER_REFUSED, "not a URL");
		return;
	}
	if (gate_enter(client->gate, flight->host, flight->place))
		flight_launch(flight);
}

/* --- ends ------------------------------------------------------------------------------------- */

static const char *header_text(CURL *easy, const char *name, char out[HEADER_TEXT_MAX])
{
	struct curl_header *header;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	snprintf(out, HEADER_TEXT_MAX, "%s", header->value);
	return out;
}

static bool sent_any(const struct flight *flight)
{
	long request = 0;
	curl_off_t upload = 0;

	curl_easy_getinfo(flight->easy, CURLINFO_REQUEST_SIZE, &request);
	curl_easy_getinfo(flight->easy, CURLINFO_SIZE_UPLOAD_T, &upload);
	return request > 0 || upload > 0 || flight->body_read > 0;
}

static void answer_judge(struct flight *flight, CURLcode code, struct answer *answer)
{
	const char *why = curl_easy_strerror(code);     /* constant words: no address in them */

	curl_easy_getinfo(flight->easy, CURLINFO_RESPONSE_CODE, &answer->status);
	if (code == CURLE_OK) {
		answer->end = ANSWER_CAME;
		if (answer->status == 200 && flight->sink.path != NULL && sink_keep(&flight->sink) != SINK_OK) {
			answer->end = ANSWER_REFUSED;
			why = sink_end_text(flight->sink.end);
		}
	} else if (flight->sink.end != SINK_OK) {
		answer->end = ANSWER_REFUSED;
		why = sink_end_text(flight->sink.end);
	} else if (sent_any(flight)) {
		answer->end = ANSWER_UNKNOWN;
	} else if (flight->address_refused) {
		answer->end = ANSWER_REFUSED;
		why = "the address is private or reserved";
	} else {
		answer->end = ANSWER_NOT_SENT;
	}
	answer->disk = answer->end == ANSWER_REFUSED && flight->sink.end == SINK_DISK;
	snprintf(answer->text, sizeof answer->text, "%s", why);
}

static void flight_end(struct flight *flight, CURLcode code)
{
	struct answer answer = {.retry_after_s = -1};
	char retry_after[HEADER_TEXT_MAX], retryable[HEADER_TEXT_MAX];
	char error_type[HEADER_TEXT_MAX], timeout_type[HEADER_TEXT_MAX];
	const char *after = header_text(flight->easy, "Retry-After", retry_after);

	if (after == NULL || !str_to_i64(after, 0, INT32_MAX, &answer.retry_after_s))
		answer.retry_after_s = -1;
	answer.fal_retryable = header_text(flight->easy, "x-fal-retryable", retryable);
	answer.fal_error_type = header_text(flight->easy, "x-fal-error-type", error_type);
	answer.fal_timeout_type = header_text(flight->easy, "X-Fal-Request-Timeout-Type", timeout_type);
	answer_judge(flight, code, &answer);
	if (answer.end != ANSWER_CAME)
		log_debug("call=\"%s\" failed: %s", flight->call.name, answer.text);
	answer_tell(flight, &answer);
}

static void flights_collect(struct client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
		char *flight = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;   /* the message dies with the handle's removal */

		must(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flight) == CURLE_OK);
		flight_end((struct flight *)(void *)flight, code);
	}
}

/* --- the whole -------------------------------------------------------------------------------- */

struct client *client_new(struct loop *loop, const struct client_setting *setting, client_done_f *done, void *owner)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	struct client *client = mem_alloc(sizeof *client);

	client->loop = loop;
	client->done = done;
	client->owner = owner;
	client->guard = setting->guard;
	client->ca_file = mem_str(setting->ca_file);
	client->agent = mem_str(setting->agent);
	client->gate = gate_new(setting->per_host);
	client->multi = curl_multi_init();
	must(client->multi != NULL);
	set_multi(client->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	set_multi(client->multi, CURLMOPT_SOCKETDATA, client);
	set_multi(client->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	set_multi(client->multi, CURLMOPT_TIMERDATA, client);
	set_multi(client->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
	return client;
}

void client_free(struct client *client)
{
	if (client == NULL)
		return;
	for (size_t i = 0; i < client->size; i++) {
		flight_strip(client->flights[i]);
		mem_free(client->flights[i]);
	}
	while (client->spare_count > 0)
		curl_easy_cleanup(client->spare[--client->spare_count]);
	mem_free(client->spare);
	mem_free(client->flights);
	must(curl_multi_cleanup(client->multi) == CURLM_OK);
	loop_timer_drop(client->loop, client->timer);
	gate_free(client->gate);
	mem_free(client->ca_file);
	mem_free(client->agent);
	mem_free(client);
}

static struct flight *flight_find(const struct client *client, uint64_t id)
{
	for (size_t i = 0; i < client->size; i++)
		if (client->flights[i]->used && !client->flights[i]->told && client->flights[i]->id == id)
			return client->flights[i];
	return NULL;
}

enum client_stage client_stage(const struct client *client, uint64_t id)
{
	const struct flight *flight = flight_find(client, id);

	return flight == NULL ? CLIENT_NONE : flight->stage;
}

void client_drop(struct client *client, uint64_t id)
{
	struct flight *flight = flight_find(client, id);

	if (flight != NULL)
		flight_release(flight);
}

size_t client_count(const struct client *client)
{
	return client->count;
}
