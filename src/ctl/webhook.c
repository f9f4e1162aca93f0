/* atelierctl webhook: an errand for the chat helper, which alone may speak to Telegram. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ctl/doctor.h"
#include "ctl/webhook.h"
#include "data/json.h"

#define WEBHOOK_WAIT_MS 30000
#define WEBHOOK_LOOK_MS 100
#define WEBHOOK_ERROR_S 3600     /* an error longer ago is over: Telegram never takes it back */
#define WEBHOOK_PENDING_MANY 100

static const struct db_statement put = {
	"ctl.task_put", "SELECT ctl.task_put($1, $2, $3::jsonb)", 3};
static const struct db_statement get = {
	"ctl.task_get", "SELECT state, class, error, result FROM ctl.task_get($1::bigint)", 1};

const char *errand_put(struct ctl *ctl, const char *lane, const char *kind, const char *payload)
{
	const char *what[] = {lane, kind, payload};
	const struct db_rows *rows;

	if (!ctl_call(ctl, &put, what, &rows))
		return NULL;
	const char *id = arena_str(ctl->arena, rows_text(rows, 0, 0));

	db_done(ctl->db);
	return id;
}

const struct db_rows *errand_wait(struct ctl *ctl, const char *id, int64_t end_ms)
{
	const char *args[] = {id};
	const struct db_rows *rows;

	while (id != NULL) {
		if (!ctl_call(ctl, &get, args, &rows))
			return NULL;
		if (rows_count(rows) == 1 && (str_equal(rows_text(rows, 0, 0), "done")
			|| str_equal(rows_text(rows, 0, 0), "dead")))
			return rows;
		db_done(ctl->db);
		if (clock_mono_ms() >= end_ms)
			return NULL;
		(void)poll(NULL, 0, WEBHOOK_LOOK_MS);
	}
	return NULL;
}

/* Telegram's words for what it met at our door, and what mends it. */
static const struct { const char *words, *meaning, *cure; } troubles[] = {
	{"certificate", "Telegram does not trust our certificate",
		"let nginx send the whole chain (fullchain.pem) of a certificate for this name, and reload it"},
	{"timed out", "our answers took too long, or nobody answered",
		"is the port open to Telegram, and the database quick? atelierctl status"},
	{"403", "our secret is not the one Telegram has", "run atelierctl webhook set: it tells Telegram ours"},
	{"404", "nginx has no place for /telegram",
		"include atelier.locations in the server block of this name and reload nginx"},
	{"502", "nginx could not reach the responders", "is atelierd running? systemctl status atelier"},
	{"503", "the responders had no database, or were away", "is PostgreSQL running? atelierctl doctor"},
	{"refused", "nobody listens at our address", "is nginx running, and port 443 open?"},
	{"resolve", "the name of our address is not in DNS", "enter it there, or mend WEBHOOK_BASE_URL"},
};

static const char *item_text(json *value, const char *list, size_t i)
{
	return json_object_get_string(json_object_array_get_idx(json_at(value, list), i));
}

/* The first kind of update that we use and Telegram does not send; null: it sends them all. Without a list it sends all
 * that a bot gets if it asks for nothing, and those are among them. */
static const char *kind_missing(json *info)
{
	size_t count = json_count(info, "wanted.allowed_updates"), sent = json_count(info, "allowed_updates");

	for (size_t i = 0; sent > 0 && i < count; i++) {
		const char *kind = item_text(info, "wanted.allowed_updates", i);
		bool found = false;

		for (size_t j = 0; j < sent && !found; j++)
			found = str_equal(kind, item_text(info, "allowed_updates", j));
		if (!found)
			return kind;
	}
	return NULL;
}

/* What Telegram met at our door of late; null: nothing. */
static const char *error_trouble(json *info, int64_t pending, struct arena *arena, const char **cure)
{
	const char *error = json_text(info, "last_error_message");
	int64_t at = 0;

	(void)json_i64(info, "last_error_date", &at);
	if (error == NULL || clock_wall_ms() / 1000 - at > WEBHOOK_ERROR_S)
		return NULL;
	for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++)
		if (strcasestr(error, troubles[i].words) != NULL) {
			*cure = troubles[i].cure;
			return arena_fmt(arena, "%s (\"%s\", %lld updates wait)", troubles[i].meaning, error, (long long)pending);
		}
	*cure = "journalctl -u atelier, and nginx's error log, of that time";
	return arena_fmt(arena, "\"%s\", %lld updates wait", error, (long long)pending);
}

const char *webhook_trouble(json *info, const char *wanted, struct arena *arena, const char **cure)
{
	const char *url = json_text(info, "url"), *words, *kind = kind_missing(info);
	int64_t pending = 0, most = 0, most_wanted = 0;

	*cure = "run atelierctl webhook set";
	if (url == NULL || *url == '\0')
		return "Telegram sends updates nowhere";
	if (wanted != NULL && !str_equal(url, wanted))
		return arena_fmt(arena, "updates go to %s, not to %s", url, wanted);
	(void)json_i64(info, "pending_update_count", &pending);
	words = error_trouble(info, pending, arena, cure);
	if (words != NULL)
		return words;
	if (kind != NULL)
		return arena_fmt(arena, "Telegram does not send updates of the kind %s", kind);
	if (json_i64(info, "max_connections", &most) && json_i64(info, "wanted.max_connections", &most_wanted)
		&& most != most_wanted)
		return arena_fmt(arena, "Telegram opens up to %lld connections, not %lld", (long long)most,
			(long long)most_wanted);
	if (pending < WEBHOOK_PENDING_MANY)
		return NULL;
	*cure = "atelierctl status; if the machine has room, raise RESPONDERS and WEBHOOK_MAX_CONNECTIONS";
	return arena_fmt(arena, "%lld updates wait at Telegram, though none was refused", (long long)pending);
}

/* What Telegram says, and what that means. */
static void info_print(json *result)
{
	struct arena *arena = arena_new(65536);
	const char *cure, *words = webhook_trouble(result, json_text(result, "wanted.url"), arena, &cure);

	json_object_object_del(result, "wanted");
	printf("%s\n", json_object_to_json_string_ext(result, JSON_C_TO_STRING_PRETTY
		| JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
	printf("%s\n", words != NULL ? words : "all is well");
	if (words != NULL)
		printf("→ %s\n", cure);
	arena_free(arena);
}

/* What came of it, as Telegram said it. */
static enum ctl_end ended(const char *what, const struct db_rows *rows)
{
	if (!str_equal(rows_text(rows, 0, 0), "done"))
		return ctl_fail("webhook %s: %s %s", what, rows_text(rows, 0, 1), rows_text(rows, 0, 2));
	const char *text = rows_text(rows, 0, 3);
	json *result = json_read(text, strlen(text));

	if (result != NULL && json_object_object_length(result) > 0)
		info_print(result);
	else
		printf("webhook %s: done\n", what);
	json_drop(result);
	return CTL_DONE;
}

enum ctl_end webhook_run(struct ctl *ctl)
{
	const char *what = ctl->words[0];
	const struct db_rows *rows;

	if (!str_equal(what, "set") && !str_equal(what, "info") && !str_equal(what, "delete"))
		return ctl_fail("webhook: set, info or delete"), CTL_USAGE;
	const char *id = errand_put(ctl, "chat", "webhook", arena_fmt(ctl->arena, "{\"do\": \"%s\"}", what));

	rows = errand_wait(ctl, id, clock_mono_ms() + WEBHOOK_WAIT_MS);
	if (rows == NULL)
		return ctl_fail("webhook %s: no answer in %d s; is atelierd running?", what, WEBHOOK_WAIT_MS / 1000);
	enum ctl_end end = ended(what, rows);

	db_done(ctl->db);
	return end;
}
