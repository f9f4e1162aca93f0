/* What only the running programs can tell: whether helpers take work, keys are taken, and Telegram knows where we are. */
#include "ctl/doctor.h"

#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <fcntl.h>
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
	{"telegram", "chat", "probe", "BOT_TOKEN", NULL, "set BOT_TOKEN to what BotFather shows, then systemctl reload atelier"},
	{"yookassa", "pay", "pay_probe", "YOOKASSA_SHOP_ID", NULL,
		"set YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY as the cabinet shows them under «Интеграция», «Ключи API»"},
	{"betatransfer", "pay", "pay_probe", "BETATRANSFER_API_KEY", NULL,
		"set BETATRANSFER_API_KEY and BETATRANSFER_SECRET_KEY as the merchant's cabinet shows them"},
	{"fal", "media", "media_probe", "FAL_KEY", NULL, "set FAL_KEY, and look at the balance: fal.ai/dashboard"},
	{"gemini", "media", "media_probe", "NANO_BANANA_API_KEY", NULL,
		"set NANO_BANANA_API_KEY, and look whether billing is on: aistudio.google.com"},
	{"kling", "media", "media_probe", "KLING_API_KEY", "KLING_ACCESS_KEY",
		"set KLING_API_KEY (or KLING_ACCESS_KEY and KLING_SECRET_KEY), and look at the resource packs in Kling's console"},
};

static void key_look(struct doctor *doctor, const struct key *key)
{
	struct ctl *ctl = doctor->ctl;
	const struct conf *conf = ctl->conf;

	if (*conf_text(conf, key->setting) == '\0' && (key->or == NULL || *conf_text(conf, key->or) == '\0'))
		return;
	const struct db_rows *rows = errand_run(ctl, key->lane, key->kind,
		arena_fmt(ctl->arena, "{\"provider\": \"%s\"}", key->provider), ERRAND_MS);

	if (rows == NULL) {
		doctor_bad(doctor, "journalctl -u atelier tells why its helper is away; systemctl restart atelier",
			"%s: no helper of lane %s took the question", key->provider, key->lane);
		return;
	}
	bool done = str_equal(rows_text(rows, 0, 0), "done"), refused = str_equal(rows_text(rows, 0, 1), "funds");

	if (done)
		doctor_good("%s: takes our key", key->provider);
	else
		doctor_bad(doctor, refused ? key->cure : "is the network open to it, the address in its setting right, the clock right?",
			"%s: %s: %s", key->provider, refused ? "refuses the key" : "gave no answer", rows_text(rows, 0, 2));
	db_done(ctl->db);
}

static void webhook_look(struct doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;
	const struct db_rows *rows = errand_run(ctl, "chat", "webhook", "{\"do\": \"info\"}", ERRAND_MS);

	if (rows == NULL || !str_equal(rows_text(rows, 0, 0), "done")) {
		if (rows != NULL)
			db_done(ctl->db);
		return;         /* told with the key */
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

void doctor_errands(struct doctor *doctor)
{
	if (!is_running(doctor) || doctor->ctl->db == NULL)
		return;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		key_look(doctor, &keys[i]);
	webhook_look(doctor);
}
