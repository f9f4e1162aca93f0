/* The table of routes (SPEC: HTTP, as nginx routes it), and the small ones among them. */
#include "responder/route.h"

#include <string.h>

#include "base/str.h"
#include "responder/hook_pay.h"
#include "responder/hook_telegram.h"
#include "store/pay.h"
#include "store/studio.h"
#include "store/turn.h"

#define METRICS_MAX 65536
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

static void healthz(struct responder *responder, struct turn *turn, struct request *request)
{
	(void)turn;
	if (session_ping(&responder->session) == SESSION_GOOD)
		answer(request, 200, "application/json", NULL, "{\"database\":true}\n");
	else
		answer(request, 503, "application/json", "Retry-After: 2", "{\"database\":false}\n");
}

static void metrics(struct responder *responder, struct turn *turn, struct request *request)
{
	(void)turn;
	struct buf text;
	buf_init(&text, METRICS_MAX);
	if (responder_database(responder) && store_health(responder->session.db, &text) == DB_OK)
		answer(request, 200, "text/plain; version=0.0.4", NULL, buf_text(&text));
	else
		answer(request, 503, NULL, "Retry-After: 2", "");
	buf_free(&text);
}

static const struct route {
	const char *name;
	const char *method;
	const char *allow;      /* the header of a 405 */
	void (*act)(struct responder *responder, struct turn *turn, struct request *request);
} routes[] = {
	{"telegram", "POST", "Allow: POST", hook_telegram},
	{"yookassa_webhook", "POST", "Allow: POST", hook_yookassa},
	{"yookassa_health", "GET", "Allow: GET", yookassa_health},
	{"betatransfer_callback", "POST", "Allow: POST", hook_betatransfer},
	{"pay_return", "GET", "Allow: GET", pay_return},
	{"media", "GET", "Allow: GET", media},
	{"healthz", "GET", "Allow: GET", healthz},
	{"metrics", "GET", "Allow: GET", metrics},
};

void route_request(struct responder *responder, struct turn *turn, struct request *request)
{
	const char *name = request_param(request, "ROUTE");
	const char *method = request_param(request, "REQUEST_METHOD");
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (!name || !str_equal(routes[i].name, name) || request_param_count(request, "ROUTE") != 1)
			continue;
		if (str_equal(routes[i].method, method))
			routes[i].act(responder, turn, request);
		else
			answer(request, 405, NULL, routes[i].allow, "");
		return;
	}
	answer(request, 404, NULL, NULL, "");
}
