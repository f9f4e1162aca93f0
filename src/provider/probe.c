/* Keys tried out. Each call reads something that every account has, and changes nothing. */
#include "provider/probe.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "data/sign.h"
#include "provider/kling.h"

#define PROBE_MS 15000
#define WORDS_MAX 60            /* UTF-16 units of what they say */

struct probe {
	const struct provider_work *work;
	const struct provider_setting *setting;
	struct arena *arena;
	struct call *call;
};

static const char *text_of(const struct probe *probe, const char *name)
{
	return conf_text(probe->setting->conf, name);
}

static void header_add(const struct probe *probe, const char *name, const char *value)
{
	probe->call->headers[0] = arena_fmt(probe->arena, "%s: %s", name, value);
}

/* core.telegram.org/bots/api#getme */
static void telegram(const struct probe *probe)
{
	probe->call->url = arena_fmt(probe->arena, "%s/bot%s/getMe", text_of(probe, "TELEGRAM_API_URL"),
		text_of(probe, "BOT_TOKEN"));
}

/* yookassa.ru/developers/api: the list of payments */
static void yookassa(const struct probe *probe)
{
	probe->call->url = arena_fmt(probe->arena, "%s/payments?limit=1", text_of(probe, "YOOKASSA_API_URL"));
	header_add(probe, "Authorization", arena_fmt(probe->arena, "Basic %s", sign_base64(arena_fmt(probe->arena, "%s:%s",
		text_of(probe, "YOOKASSA_SHOP_ID"), text_of(probe, "YOOKASSA_SECRET_KEY")), probe->arena)));
}

/* account-info, as integrators of Betatransfer use it: a GET is signed with md5(public + secret) */
static void betatransfer(const struct probe *probe)
{
	const char *both[] = {text_of(probe, "BETATRANSFER_API_KEY"), text_of(probe, "BETATRANSFER_SECRET_KEY")};
	char sign[SIGN_MD5_BYTES];

	sign_md5(both, 2, sign);
	probe->call->url = arena_fmt(probe->arena, "%s/account-info?token=%s&sign=%s",
		text_of(probe, "BETATRANSFER_API_URL"), both[0], sign);
}

/* fal.ai/docs, platform APIs: the history of a model */
static void fal(const struct probe *probe)
{
	probe->call->url = arena_fmt(probe->arena,
		"%s/v1/models/requests/by-endpoint?endpoint_id=fal-ai%%2Fflux%%2Fdev&limit=1", text_of(probe, "FAL_API_URL"));
	header_add(probe, "Authorization", arena_fmt(probe->arena, "Key %s", text_of(probe, "FAL_KEY")));
}

/* ai.google.dev/api/models: models.list */
static void gemini(const struct probe *probe)
{
	probe->call->url = arena_fmt(probe->arena, "%s/v1beta/models?pageSize=1", text_of(probe, "NANO_BANANA_API_URL"));
	header_add(probe, "x-goog-api-key", text_of(probe, "NANO_BANANA_API_KEY"));
}

/* With a key the newer API is asked about an order that never was; a pair of keys opens the older one's list. */
static void kling(const struct probe *probe)
{
	const char *key = text_of(probe, "KLING_API_KEY");
	bool pair = *key == '\0';

	if (pair)
		key = kling_token(text_of(probe, "KLING_ACCESS_KEY"), text_of(probe, "KLING_SECRET_KEY"), probe->work->now_s,
			probe->arena);
	probe->call->url = arena_fmt(probe->arena, "%s/%s", text_of(probe, "KLING_API_URL"),
		pair ? "v1/videos/text2video?pageNum=1&pageSize=1" : "tasks?external_task_ids=at-probe");
	header_add(probe, "Authorization", arena_fmt(probe->arena, "Bearer %s", key));
}

static const struct {
	const char *name;
	enum task_kind kind;            /* by which its lane is known */
	const char *key, *or;           /* settings without which it is switched off */
	void (*begin)(const struct probe *probe);
} probes[] = {
	{"telegram", TASK_PROBE, "BOT_TOKEN", NULL, telegram},
	{"yookassa", TASK_PAY_PROBE, "YOOKASSA_SHOP_ID", NULL, yookassa},
	{"betatransfer", TASK_PAY_PROBE, "BETATRANSFER_API_KEY", NULL, betatransfer},
	{"fal", TASK_MEDIA_PROBE, "FAL_KEY", NULL, fal},
	{"gemini", TASK_MEDIA_PROBE, "NANO_BANANA_API_KEY", NULL, gemini},
	{"kling", TASK_MEDIA_PROBE, "KLING_API_KEY", "KLING_ACCESS_KEY", kling},
};

static enum provider_next begin(const struct probe *probe, struct report *report)
{
	const char *name = json_text(probe->work->task->payload, "provider");

	for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
		if (!str_equal(probes[i].name, name) || probes[i].kind != probe->work->task->kind)
			continue;
		if (*text_of(probe, probes[i].key) == '\0' && (probes[i].or == NULL || *text_of(probe, probes[i].or) == '\0'))
			return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "switched off");
		*probe->call = (struct call){
			.verb = "GET", .name = arena_fmt(probe->arena, "%s probe", name), .total_ms = PROBE_MS,
		};
		probes[i].begin(probe);
		return PROVIDER_CALL;
	}
	return provider_end(report, REPORT_REFUSED, CLASS_OURS, 0, "nobody of that name in this lane");
}

/* What says that there is no money, not that the key is wrong: fal's 403, Kling's codes, which come as 429. */
static bool is_empty(const struct answer *answer, const char *words, int64_t code)
{
	return answer->status == 402 || (code >= 1100 && code <= 1102) || strcasestr(words, "exhausted balance") != NULL;
}

/* In the words of each: Telegram, Gemini, Kling and ЮKassa, fal. */
static const char *words_of(json *body)
{
	static const char *const places[] = {"description", "error.message", "message", "detail"};
	const char *words = NULL;

	for (size_t i = 0; words == NULL && i < sizeof places / sizeof *places; i++)
		words = json_text(body, places[i]);
	return words != NULL ? words : "";
}

/* A key that is none shows by status; Gemini says 400, Betatransfer 422, Telegram 404 for a token that is no token. */
static enum provider_next answered(const struct answer *answer, struct report *report)
{
	json *body = json_read(answer->body, answer->body_length);
	const char *words = words_of(body);
	char words_cut[WORDS_MAX * 4 + 1];
	int64_t code = 0;

	(void)json_i64(body, "code", &code);
	bool empty = is_empty(answer, words, code);
	bool refused = answer->status / 100 == 4 && answer->status != 429 && answer->status != 408;

	snprintf(words_cut, sizeof words_cut, "%.*s", (int)str_cut_utf16(words, WORDS_MAX), words);
	json_drop(body);
	if (answer->status / 100 == 2 && code == 0)
		return provider_end(report, REPORT_DONE, CLASS_NONE, 0, "%ld", answer->status);
	return provider_end(report, empty || refused ? REPORT_REFUSED : REPORT_FAILED,
		empty ? CLASS_FUNDS : refused ? CLASS_KEY : CLASS_BUSY, 0, "%ld %s", answer->status, words_cut);
}

enum provider_next probe_next(struct provider_work *work, const struct answer *answer,
	const struct provider_setting *setting, struct arena *arena, struct call *call, struct report *report)
{
	const struct probe probe = {.work = work, .setting = setting, .arena = arena, .call = call};

	if (answer == NULL)
		return begin(&probe, report);
	if (answer->end != ANSWER_CAME)
		return provider_end(report, REPORT_REFUSED, CLASS_BUSY, 0, "%s", answer->text);
	return answered(answer, report);
}
