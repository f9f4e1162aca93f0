/* What only the running programs can tell: helpers and their work, keys that are taken, where Telegram sends to. */
#include "ctl/doctor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "ctl/webhook.h"
#include "data/json.h"

#define ERRAND_MS 20000

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
	const char *cure;
} keys[] = {
	{"telegram", "chat", "probe", "BOT_TOKEN", NULL,
		"set BOT_TOKEN to what BotFather shows, then systemctl reload atelier"},
	{"yookassa", "pay", "pay_probe", "YOOKASSA_SHOP_ID", NULL,
		"set YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY as the cabinet shows them under «Ключи API»"},
	{"betatransfer", "pay", "pay_probe", "BETATRANSFER_API_KEY", NULL,
		"set BETATRANSFER_API_KEY and BETATRANSFER_SECRET_KEY as the merchant's cabinet shows them"},
	{"fal", "media", "media_probe", "FAL_KEY", NULL, "set FAL_KEY, and look at the balance: fal.ai/dashboard"},
	{"gemini", "media", "media_probe", "NANO_BANANA_API_KEY", NULL,
		"set NANO_BANANA_API_KEY, and look whether billing is on: aistudio.google.com"},
	{"kling", "media", "media_probe", "KLING_API_KEY", "KLING_ACCESS_KEY",
		"set KLING_API_KEY (or KLING_ACCESS_KEY and KLING_SECRET_KEY), and look at Kling's resource packs"},
};

#define KEYS (sizeof keys / sizeof *keys)

static bool is_set(const struct conf *conf, const struct key *key)
{
	return *conf_text(conf, key->setting) != '\0' || (key->or != NULL && *conf_text(conf, key->or) != '\0');
}

static void key_look(struct doctor *doctor, const struct key *key, const char *errand)
{
	const struct db_rows *rows = errand_wait(doctor->ctl, errand, ERRAND_MS);

	if (rows == NULL) {
		doctor_bad(doctor, "journalctl -u atelier tells why its helper is away; systemctl restart atelier",
			"%s: no helper of lane %s took the question", key->provider, key->lane);
		return;
	}
	bool done = str_equal(rows_text(rows, 0, 0), "done"), refused = str_equal(rows_text(rows, 0, 1), "funds");

	if (done)
		doctor_good("%s: takes our key", key->provider);
	else
		doctor_bad(doctor, refused ? key->cure
			: "is the network open to it, its address in the settings and the clock right?",
			"%s: %s: %s", key->provider, refused ? "refuses the key" : "gave no answer", rows_text(rows, 0, 2));
	db_done(doctor->ctl->db);
}

static void webhook_look(struct doctor *doctor, const char *errand)
{
	struct ctl *ctl = doctor->ctl;
	const struct db_rows *rows = errand_wait(ctl, errand, ERRAND_MS);

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

/* All are put at once, and waited for one after the other. */
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
	for (size_t i = 0; i < KEYS; i++)
		if (is_set(ctl->conf, &keys[i]))
			key_look(doctor, &keys[i], errands[i]);
	webhook_look(doctor, webhook);
}
