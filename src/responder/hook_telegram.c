/* Updates at the door. */
#include "responder/hook_telegram.h"

#include <inttypes.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/metric.h"
#include "data/settings.h"

#define SECRET_PARAM "HTTP_X_TELEGRAM_BOT_API_SECRET_TOKEN"

/* nginx hands over a doubled header as two parameters; which one a reader takes is luck, so neither is. */
static bool is_authentic(const struct responder *responder, const struct request *request)
{
	const char *given = request_param(request, SECRET_PARAM);
	return given && request_param_count(request, SECRET_PARAM) == 1 &&
		digest_equal(conf_text(responder->conf, "TELEGRAM_SECRET_TOKEN"), given);
}

static void answer(struct request *request, int status)
{
	request_answer(request, status, NULL, NULL, "", 0);
}

void hook_telegram(struct responder *responder, struct turn *turn, struct request *request)
{
	if (!is_authentic(responder, request)) {
		answer(request, 403);
		return;
	}
	struct buf body;
	buf_init(&body, SETTINGS_BODY_BYTES_MAX);
	enum request_end got = request_body(request, &body);
	if (got != REQUEST_OK) {
		answer(request, got == REQUEST_TOO_LARGE ? 413 : 400);
		buf_free(&body);
		return;
	}
	struct item *item = turn_slot(turn);
	must(item);
	enum update_end end = update_read(buf_text(&body), body.length, item->arena, &item->update);
	if (end != UPDATE_READ) {
		log_warn("update not understood: %s bytes=%zu", end == UPDATE_NO_JSON ? "no JSON" : "no update_id",
			body.length);
		answer(request, 200);
	} else if (item->update.kind == UPDATE_IGNORED) {
		log_debug("update ignored: update=%" PRId64, item->update.id);
		metric_add(METRIC_UPDATES, UPDATE_IGNORED, 0);
		answer(request, 200);
	} else {
		flow_needs(&item->update, &item->needs);
		item->body_length = body.length < ITEM_BODY_KEPT ? body.length : ITEM_BODY_KEPT;
		item->body = arena_text(item->arena, buf_text(&body), item->body_length);
		item->request = request;
	}
	buf_free(&body);
}
