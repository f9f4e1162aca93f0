/* What only the running programs can tell: helpers and their work, keys that are taken, where Telegram sends to. */
#include "ctl/doctor.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "ctl/webhook.h"
#include "data/json.h"

#define ERRAND_MS 20000
#define LANES_LOOK_MS 200

static const struct db_statement lanes = {
	"doctor.lanes", "SELECT lane, helpers, looked_s FROM ctl.lanes()", 0};

/* atelierd holds a lock while it runs. */
static bool is_running(struct doctor *doctor)
{
	const char *path = arena_fmt(doctor->ctl->arena, "%s/atelierd.lock", conf_text(doctor->ctl->conf, "RUN_DIR"));
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool running = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;

	fd_close(&fd);
	if (running)
		doctor_good("atelierd: running");
	else
		doctor_bad(doctor, "systemctl start atelier; its log: journalctl -u atelier", "atelierd: not running");
	return running;
}

static const struct key {
	const char *provider, *lane, *kind, *setting, *or;
	const char *cure, *money;       /* of a key that is refused; of an account that is empty */
} keys[] = {        /* Telegram first */
	{"telegram", "chat", "probe", "BOT_TOKEN", NULL, "set BOT_TOKEN to what BotFather shows", ""},
	{"yookassa", "pay", "pay_probe", "YOOKASSA_SHOP_ID", NULL,
		"set YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY as the cabinet shows them under «Ключи API»", ""},
	{"betatransfer", "pay", "pay_probe", "BETATRANSFER_API_KEY", NULL,
		"set BETATRANSFER_API_KEY and BETATRANSFER_SECRET_KEY as the merchant's cabinet shows them", ""},
	{"fal", "media", "media_probe", "FAL_KEY", NULL, "set FAL_KEY to one of fal.ai/dashboard/keys",
		"top up the balance: fal.ai/dashboard/billing"},
	{"gemini", "media", "media_probe", "NANO_BANANA_API_KEY", NULL,
		"set NANO_BANANA_API_KEY to one of aistudio.google.com, with billing on",
		"look at billing: aistudio.google.com"},
	{"kling", "media", "media_probe", "KLING_API_KEY", "KLING_ACCESS_KEY",
		"set KLING_API_KEY (or KLING_ACCESS_KEY and KLING_SECRET_KEY); is the clock right?",
		"buy a resource pack in Kling's console"},
};

#define KEYS (sizeof keys / sizeof *keys)

static bool is_set(const struct conf *conf, const struct key *key)
{
	return *conf_text(conf, key->setting) != '\0' || (key->or != NULL && *conf_text(conf, key->or) != '\0');
}

/* Whether the key is taken. */
static bool key_look(struct doctor *doctor, const struct key *key, const char *errand, int64_t end_ms)
{
	const struct db_rows *rows = errand_wait(doctor->ctl, errand, end_ms);

	if (rows == NULL) {
		doctor_bad(doctor, "journalctl -u atelier tells why its helper is away; systemctl restart atelier",
			"%s: no helper of lane %s took the question", key->provider, key->lane);
		return false;
	}
	const char *class = rows_text(rows, 0, 1), *words = rows_text(rows, 0, 2);
	bool taken = str_equal(rows_text(rows, 0, 0), "done");

	if (taken)
		doctor_good("%s: takes our key", key->provider);
	else if (str_equal(class, "key"))
		doctor_bad(doctor, arena_fmt(doctor->ctl->arena, "%s, then systemctl reload atelier", key->cure),
			"%s: refuses the key: %s", key->provider, words);
	else if (str_equal(class, "funds"))
		doctor_bad(doctor, key->money, "%s: no money of ours is left: %s", key->provider, words);
	else
		doctor_bad(doctor, "is the network open to it, and its address in the settings right?",
			"%s: gave no answer: %s", key->provider, words);
	db_done(doctor->ctl->db);
	return taken;
}

static void webhook_look(struct doctor *doctor, const char *errand, int64_t end_ms)
{
	struct ctl *ctl = doctor->ctl;
	const struct db_rows *rows = errand_wait(ctl, errand, end_ms);

	if (rows == NULL || !str_equal(rows_text(rows, 0, 0), "done")) {
		if (rows != NULL)
			db_done(ctl->db);
		doctor_bad(doctor, "see what was found of telegram's key and of its helper",
			"webhook: Telegram could not be asked");
		return;
	}
	json *info = json_read(rows_text(rows, 0, 3), strlen(rows_text(rows, 0, 3)));
	const char *wanted = arena_fmt(ctl->arena, "%s/telegram", conf_text(ctl->conf, "WEBHOOK_BASE_URL"));
	const char *cure = NULL, *words = webhook_trouble(info, wanted, ctl->arena, &cure);

	db_done(ctl->db);
	if (words == NULL)
		doctor_good("webhook: %s", wanted);
	else
		doctor_bad(doctor, cure, "webhook: %s", words);
	json_drop(info);
}

/* A lane whose provider has no key is asked nothing: its helpers are counted like the others'. */
static void lanes_look(struct doctor *doctor, int64_t end_ms)
{
	const struct db_rows *rows;
	bool seen = false;

	while (!seen) {
		if (!ctl_call(doctor->ctl, &lanes, NULL, &rows))
			return;
		seen = rows_count(rows) > 0 && !rows_null(rows, 0, 2) && rows_i64(rows, 0, 2) < CTL_LOOKED_S;
		if (seen || clock_mono_ms() >= end_ms)
			break;
		db_done(doctor->ctl->db);
		(void)poll(NULL, 0, LANES_LOOK_MS);     /* one that has just begun will look */
	}
	for (size_t row = 0; seen && row < rows_count(rows); row++)
		if (rows_i64(rows, row, 1) == 0)
			doctor_bad(doctor, "journalctl -u atelier tells why it is away; systemctl restart atelier",
				"helpers: none of lane %s", rows_text(rows, row, 0));
		else
			doctor_good("helpers: %s of lane %s", rows_text(rows, row, 1), rows_text(rows, row, 0));
	db_done(doctor->ctl->db);
	if (!seen)
		doctor_bad(doctor, "journalctl -u atelier tells why; can it reach the database?",
			"dispatcher: it looks after nothing");
}

/* All are put at once, and waited for one after the other, together not longer than one. */
void doctor_errands(struct doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;
	const char *errands[KEYS] = {NULL}, *webhook;

	if (!is_running(doctor) || ctl->db == NULL)
		return;
	for (size_t i = 0; i < KEYS; i++)
		if (is_set(ctl->conf, &keys[i]))
			errands[i] = errand_put(ctl, keys[i].lane, keys[i].kind,
				arena_fmt(ctl->arena, "{\"provider\": \"%s\"}", keys[i].provider));
	webhook = errand_put(ctl, "chat", "webhook", "{\"do\": \"info\"}");
	int64_t end_ms = clock_mono_ms() + ERRAND_MS;
	bool taken[KEYS] = {false};

	for (size_t i = 0; i < KEYS; i++)
		if (is_set(ctl->conf, &keys[i]))
			taken[i] = key_look(doctor, &keys[i], errands[i], end_ms);
	if (taken[0])       /* else Telegram says nothing of its webhook either */
		webhook_look(doctor, webhook, end_ms);
	lanes_look(doctor, end_ms);
}
