/* The table of routes (SPEC: HTTP, as nginx routes it), and the small ones among them. */
#include "responder/route.h"

#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/str.h"
#include "data/lane.h"
#include "responder/hook_pay.h"
#include "responder/hook_telegram.h"
#include "store/pay.h"
#include "store/studio.h"
#include "store/turn.h"

#define METRICS_MAX (1u << 20)
#define BEAT_AGE_MAX_MS 5000    /* of a dispatcher that is alive: it beats each second */
#define HEALTH_ARENA_MAX 65536
#define MEDIA_ARENA_MAX 65536

static void answer(struct request *request, int status, const char *type, const char *header, const char *body)
{
	request_answer(request, status, type, header, body, strlen(body));
}

/* Configured, and as far as the pay lane has met it, reachable. */
static void yookassa_health(struct responder *responder, struct turn *turn, struct request *request)
{
	(void)turn;
	bool configured = *conf_text(responder->conf, "YOOKASSA_SHOP_ID") != '\0', reachable = false;
	const char *last_answer = "";
	struct arena *arena = arena_new(HEALTH_ARENA_MAX);
	bool database = responder_database(responder) &&
		store_yookassa_health(responder->session.db, arena, &reachable, &last_answer) == DB_OK;
	json *health = json_new();
	json_set_bool(health, "configured", configured);
	json_set_bool(health, "database", database);
	if (configured && database) {
		json_set_bool(health, "reachable", reachable);
		json_set_text(health, "last_answer", *last_answer ? last_answer : NULL);
	}
	answer(request, database ? 200 : 503, "application/json", NULL, json_write(health));
	json_drop(health);
	arena_free(arena);
}

static void pay_return(struct responder *responder, struct turn *turn, struct request *request)
{
	(void)responder, (void)turn;
	answer(request, 200, "text/html; charset=utf-8", NULL,
		"<!doctype html><html lang=\"ru\"><meta charset=\"utf-8\">"
		"<meta name=\"viewport\" content=\"width=device-width\"><title>Спасибо</title>"
		"<body style=\"font:18px sans-serif;text-align:center;padding:15vh 1em\">"
		"<p>Спасибо! Можно закрыть эту страницу и вернуться в чат.</p></body></html>\n");
}

/* The file of a job that an AI provider may read now: nginx sends it, we only say which (X-Accel-Redirect). */
static void media(struct responder *responder, struct turn *turn, struct request *request)
{
	(void)turn;
	const char *token = request_param(request, "MEDIA_TOKEN"), *path = NULL, *type = NULL;
	struct arena *arena = arena_new(MEDIA_ARENA_MAX);
	if (!token || !responder_database(responder) ||
		store_media_view(responder->session.db, arena, token, &path, &type) != DB_OK)
		answer(request, token ? 503 : 404, NULL, token ? "Retry-After: 2" : NULL, "");
	else if (!path)
		answer(request, 404, NULL, NULL, "");
	else
		answer(request, 200, type, arena_fmt(arena, "X-Accel-Redirect: /atelier-spool/%s", path), "");
	arena_free(arena);
}

/* Looks at every part. What the dispatcher says of helpers counts as long as it is alive itself. */
static void look(bool database, bool healthy[PART_COUNT])
{
	static const enum metric_part lanes[LANE_COUNT] = {
		[LANE_CHAT] = PART_CHAT, [LANE_PAY] = PART_PAY, [LANE_MEDIA] = PART_MEDIA,
	};
	int64_t age_ms = metric_beat_age_ms();
	healthy[PART_DATABASE] = database;
	healthy[PART_DISPATCHER] = age_ms >= 0 && age_ms <= BEAT_AGE_MAX_MS;
	for (unsigned lane = 0; lane < LANE_COUNT; lane++)
		healthy[lanes[lane]] = healthy[PART_DISPATCHER] && metric_value(METRIC_HELPERS, lane, 0) > 0;
	for (unsigned part = 0; part < PART_COUNT; part++)
		metric_set(METRIC_HEALTHY, part, healthy[part]);
}

static void healthz(struct responder *responder, struct turn *turn, struct request *request)
{
	(void)turn;
	bool healthy[PART_COUNT], all = true;
	look(session_ping(&responder->session) == SESSION_GOOD, healthy);
	for (size_t part = 0; part < PART_COUNT; part++)
		all = all && healthy[part];
	json *health = json_new(), *helpers = json_new();
	json_set_bool(health, "database", healthy[PART_DATABASE]);
	json_set_bool(health, "dispatcher", healthy[PART_DISPATCHER]);
	json_set_bool(helpers, "chat", healthy[PART_CHAT]);
	json_set_bool(helpers, "pay", healthy[PART_PAY]);
	json_set_bool(helpers, "media", healthy[PART_MEDIA]);
	json_set(health, "helpers", helpers);
	answer(request, all ? 200 : 503, "application/json", all ? NULL : "Retry-After: 2", json_write(health));
	json_drop(health);
}

/* What responders and dispatcher count is told without a database, too. */
static void metrics(struct responder *responder, struct turn *turn, struct request *request)
{
	(void)turn;
	struct buf text, figures;
	bool healthy[PART_COUNT];
	enum db_end end = DB_AWAY;
	buf_init(&text, METRICS_MAX);
	buf_init(&figures, METRICS_MAX / 2);
	/* A lost connection shows only when it is used: hence twice. */
	for (int i = 0; i < 2 && end == DB_AWAY && responder_database(responder); i++)
		end = store_health(responder->session.db, &figures);
	if (end == DB_BROKEN || figures.full)
		log_warn("metrics: not all figures of the database: %s", db_error(responder->session.db));
	look(end == DB_OK, healthy);
	metric_print(&text);
	buf_add(&text, buf_text(&figures), figures.length);
	answer(request, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, buf_text(&text));
	buf_free(&figures);
	buf_free(&text);
}

static const struct route {
	const char *name;
	const char *method;
	const char *allow;      /* the header of a 405 */
	void (*act)(struct responder *responder, struct turn *turn, struct request *request);
} routes[ROUTE_NONE] = {
	[ROUTE_TELEGRAM] = {"telegram", "POST", "Allow: POST", hook_telegram},
	[ROUTE_YOOKASSA_WEBHOOK] = {"yookassa_webhook", "POST", "Allow: POST", hook_yookassa},
	[ROUTE_YOOKASSA_HEALTH] = {"yookassa_health", "GET", "Allow: GET", yookassa_health},
	[ROUTE_BETATRANSFER_CALLBACK] = {"betatransfer_callback", "POST", "Allow: POST", hook_betatransfer},
	[ROUTE_PAY_RETURN] = {"pay_return", "GET", "Allow: GET", pay_return},
	[ROUTE_MEDIA] = {"media", "GET", "Allow: GET", media},
	[ROUTE_HEALTHZ] = {"healthz", "GET", "Allow: GET", healthz},
	[ROUTE_METRICS] = {"metrics", "GET", "Allow: GET", metrics},
};

void route_request(struct responder *responder, struct turn *turn, struct request *request)
{
	const char *name = request_param(request, "ROUTE");
	const char *method = request_param(request, "REQUEST_METHOD");
	for (size_t i = 0; i < ROUTE_NONE; i++) {
		if (!name || !str_equal(routes[i].name, name) || request_param_count(request, "ROUTE") != 1)
			continue;
		request_route(request, (enum metric_route)i);
		if (str_equal(routes[i].method, method))
			routes[i].act(responder, turn, request);
		else
			answer(request, 405, NULL, routes[i].allow, "");
		return;
	}
	answer(request, 404, NULL, NULL, "");
}
