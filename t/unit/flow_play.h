/* What the tests of conversations share: people, updates, and plans in one line. */
#ifndef FLOW_PLAY_H
#define FLOW_PLAY_H

#include "flow/flow.h"

#include "base/str.h"
#include "data/notice.h"
#include "data/settings.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])
#define SETTINGS "TELEGRAM_SECRET_TOKEN=0123456789abcdef\nFAL_KEY=*\nNANO_BANANA_API_KEY=*\nKLING_API_KEY=*\n"
#define PERSON 77
#define SCREEN 7                /* of the dialog in use */
#define FILES "[{\"file_id\":\"f1\",\"form\":\"photo\"},{\"file_id\":\"f2\",\"form\":\"photo\"}]"

static struct arena *arena;
static struct catalog *catalog;
static struct texts *texts;
static const int64_t admins[] = {PERSON};
static struct flow_setting setting = {.jobs_max = 3, .roubles = true, .packages = true, .topup_max = 15000,
	.package_currency = "USD", .admins = admins, .dollar = 9000};

#define ROW "{\"kind\":\"topup\",\"at\":\"21.11.2026 10:00\",\"sign\":\"+\"," \
	"\"amount\":{\"unit\":\"rub\",\"amount\":25000},\"after\":{\"unit\":\"rub\",\"amount\":25000},\"payment\":3}"

/* What a dialog has gathered by the time it waits in a state. */
static const char *gathered(enum dialog dialog)
{
	static const char one[] = ",\"files\":[{\"file_id\":\"f1\",\"form\":\"photo\",\"message\":3}]";

	switch (dialog) {
	case DIALOG_EDIT_TEXT:
	case DIALOG_FACE_TARGET:
	case DIALOG_CAPTION_TEXT:
	case DIALOG_CHOICE: return one;
	case DIALOG_MERGE_PHOTOS:
	case DIALOG_MERGE_TEXT: return ",\"files\":" FILES;
	case DIALOG_VIDEO_LENGTH: return ",\"family\":\"kling-3.0\"";
	case DIALOG_VIDEO_INPUT: return ",\"family\":\"kling-3.0\",\"length\":5";
	case DIALOG_VIDEO_TEXT:
		return ",\"family\":\"kling-3.0\",\"length\":5,\"files\":[{\"file_id\":\"f1\",\"form\":\"photo\"}]";
	case DIALOG_VIDEO_PHOTO:
		return ",\"family\":\"kling-2.6\",\"length\":5,\"clip_s\":4,"
			"\"files\":[{\"file_id\":\"v1\",\"form\":\"video\"}]";
	case DIALOG_IDLE: case DIALOG_PROMPT: case DIALOG_EDIT_PHOTO: case DIALOG_FACE: case DIALOG_RETOUCH:
	case DIALOG_UPSCALE: case DIALOG_CAPTION_PHOTO: case DIALOG_VIDEO_MODEL: case DIALOG_SUM: case DIALOG_FORGET:
	case DIALOG_BROADCAST:
	case DIALOG_COUNT:
	default: return "";
	}
}

/* A person with 4 free operations and an open gate, who has accepted the terms; a job,
	a quote and an album of theirs
 * are known. */
static struct views views_of(enum dialog dialog)
{
	struct views views = {.gate = GATE_OPEN, .lang = "ru", .free = 4, .free_granted = 4, .terms = 1,
		.dialog = arena_fmt(arena, "{\"state\":\"%s\",\"screen\":%d%s}", dialog_name(dialog),
			SCREEN, gathered(dialog)),
		.job = {true, "generate.standard", "generate", "completed", "an old prompt", "", "[]",
			"r1", "photo"},
		.quote = {true, "generate.standard", "an old prompt", "", "[]", 0},
		.album = {true, FILES, ""},
		.page = "{\"rows\":[],\"jobs\":3,\"completed\":2,\"failed\":1,\"spent_rub\":{\"unit\":\"rub\",\"amount\":0},"
			"\"spent_credit\":{\"unit\":\"credit\",\"amount\":1},\"spent_free\":{\"unit\":\"free\",\"amount\":2},"
			"\"topped_rub\":{\"unit\":\"rub\",\"amount\":0},\"topped_credit\":{\"unit\":\"credit\",\"amount\":0},"
			"\"since\":\"21.11.2026\"}",
		.statement = "{\"rows\":[" ROW "],\"older\":12}"};

	return views;
}

static struct update update_of(enum update_kind kind, const char *text)
{
	struct update update = {.id = 1, .kind = kind, .person_id = PERSON, .message_id = 9,
		.first_name = "Лада", .lang = "ru", .text = "", .command = "", .argument = "", .data = "",
		.charge_id = "", .mime = "image/jpeg", .what = "sticker", .length_s = kind == UPDATE_VIDEO ? 4 : 0};

	switch (kind) {
	case UPDATE_COMMAND: update.command = text; break;
	case UPDATE_PRESS: update.data = text; update.query_id = "q"; break;
	case UPDATE_CHECKOUT: update.query_id = "q"; break;
	case UPDATE_PAYMENT: update.charge_id = text; break;
	case UPDATE_PHOTO:
	case UPDATE_VIDEO:
	case UPDATE_IMAGE_FILE: update.file_id = "f"; update.text = text; break;
	case UPDATE_IGNORED:
	case UPDATE_TEXT:
	case UPDATE_OTHER:
	case UPDATE_BLOCKED:
	case UPDATE_UNBLOCKED:
	case UPDATE_KIND_COUNT:
	default: update.text = text;
	}
	return update;
}

static struct plan decide(struct update update, const struct views *views)
{
	struct plan plan;

	flow_decide(&update, views, &setting, arena, &plan);
	return plan;
}

/* The state that a dialog is moved to. */
static const char *state_of(const char *dialog)
{
	json *kept = json_read(dialog, strlen(dialog));
	const char *state = arena_str(arena, json_text(kept, "state") ? json_text(kept, "state") : "?");

	json_drop(kept);
	return state;
}

/* The plan in one line: "say=ask_prompt dialog=prompt toast=…". */
static const char *plan_text(const struct plan *plan)
{
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];
		bool park = step->kind == PLAN_PARK;
		json *notice = step->notice && !park ? json_read(step->notice, strlen(step->notice)) : NULL;
		const char *name = json_text(notice, "notice");

		buf_str(&out, out.length ? " " : "");
		switch (step->kind) {
		case PLAN_SAY: buf_fmt(&out, "say=%s", name); break;
		case PLAN_EDIT: buf_fmt(&out, "edit=%s", name); break;
		case PLAN_DIALOG: buf_fmt(&out, "dialog=%s", state_of(step->dialog)); break;
		case PLAN_ALBUM: buf_fmt(&out, "album=%s:%lld", step->group, (long long)step->message); break;
		case PLAN_TERMS: buf_fmt(&out, "terms=%lld", (long long)step->number); break;
		case PLAN_LANG: buf_fmt(&out, "lang=%s", step->word); break;
		case PLAN_JOB_CANCEL: buf_fmt(&out, "job_cancel=%lld", (long long)step->number); break;
		case PLAN_RESEND: buf_fmt(&out, "resend=%lld", (long long)step->number); break;
		case PLAN_ORIGINAL: buf_fmt(&out, "original=%lld", (long long)step->number); break;
		case PLAN_MYDATA: buf_str(&out, "mydata"); break;
		case PLAN_FORGET: buf_str(&out, "forget"); break;
		case PLAN_ALERT: buf_fmt(&out, "alert=%s", step->word); break;
		case PLAN_QUOTE: buf_fmt(&out, "%s=%s:%s:%lld", step->waits ? "wait" : "quote", step->offer->id,
			money_unit_name(step->price.unit), (long long)step->price.amount); break;
		case PLAN_QUOTE_CANCEL: buf_fmt(&out, "cancel=%lld@%lld", (long long)step->number,
			(long long)step->message); break;
		case PLAN_ORDER: buf_fmt(&out, "order=%lld@%lld", (long long)step->number,
			(long long)step->message); break;
		case PLAN_PAY: buf_fmt(&out, "pay=%s:%lld:%s:%s:%lld:%s", step->pay.provider,
			(long long)step->pay.amount, step->pay.currency, money_unit_name(step->pay.grant.unit),
			(long long)step->pay.grant.amount, step->pay.package ? step->pay.package : ""); break;
		case PLAN_PAY_CHECK: buf_fmt(&out, "check=%lld", (long long)step->number); break;
		case PLAN_STATEMENT_FILE: buf_str(&out, "file"); break;
		case PLAN_ADMIN: buf_fmt(&out, "admin=%s:%s%s", step->word, step->notice,
			step->message ? ":edit" : ""); break;
		case PLAN_UNREACHABLE: buf_str(&out, "unreachable"); break;
		case PLAN_PARK: buf_fmt(&out, "park=%s", step->notice); break;
		default: buf_str(&out, "?");
		}
		json_drop(notice);
	}
	if (plan->toast)
		buf_fmt(&out, "%s%s", out.length ? " " : "", plan->toast);
	const char *text = arena_str(arena, buf_text(&out));

	buf_free(&out);
	return text;
}

/* Whether every notice of the plan renders whole, in both languages, and its toast has words. */
static bool is_renderable(const struct plan *plan)
{
	bool good = plan->toast == NULL || text_has(texts, plan->toast);

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];
		bool park = step->kind == PLAN_PARK;
		json *notice = step->notice && !park ? json_read(step->notice, strlen(step->notice)) : NULL;

		if (step->kind == PLAN_ALERT) {
			json_set_text(notice, "what", step->word);
			notice = notice_new("alert", notice);
		}
		if (step->kind == PLAN_ADMIN) {         /* arguments for the database, no words */
			json_drop(notice);
			notice = NULL;
		}
		if (step->kind == PLAN_QUOTE) {
			json_set_i64(notice, "quote", 5);
			notice = notice_new(step->waits ? "short" : "confirm", notice);
		}
		for (int en = 0; notice != NULL && en < 2; en++) {
			struct reply reply;

			good = notice_render(texts, en ? "en" : "ru", notice, arena, &reply) == NOTICE_OK && good;
			json_drop(reply.keyboard);
		}
		good = good && (notice != NULL || (step->kind != PLAN_SAY && step->kind != PLAN_EDIT));
		json_drop(notice);
	}
	return good;
}

/* Settings, texts and the catalogue as they are installed; false when one of them is wrong. */
static bool play_begin(void)
{
	char path[512];
	const char *top = getenv("top_srcdir") ? getenv("top_srcdir") : ".";
	struct buf errors;

	arena = arena_new(256 << 20);
	buf_init(&errors, 65536);
	struct conf *conf = conf_read(settings_table, settings_count, SETTINGS_RESPONDER, SETTINGS,
		strlen(SETTINGS), &errors);

	snprintf(path, sizeof path, "%s/etc/texts", top);
	texts = texts_read(path, &errors);
	snprintf(path, sizeof path, "%s/etc/catalog.json", top);
	catalog = conf ? catalog_read(path, conf, &errors) : NULL;
	setting.catalog = catalog;
	setting.terms = 1;
	setting.support = "";
	is_str(buf_text(&errors), "", "settings, texts and catalogue");
	conf_free(conf);
	buf_free(&errors);
	return catalog != NULL && texts != NULL;
}

static int play_end(void)
{
	catalog_free(catalog);
	texts_free(texts);
	arena_free(arena);
	return tap_done();
}

#endif
