/* nginx and the certificate, met as Telegram meets them. */
#include "ctl/doctor.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

#define WEB_CONNECT_MS 5000
#define WEB_TOTAL_MS 15000
#define WEB_DAYS_LEAST 14       /* left of a certificate; certbot renews at 30 */

/* A call to our own address: what came, without its body. */
struct visit {
	CURLcode end;
	long status;
	bool empty;                     /* the answer had no body: the programs', not a page of nginx's */
	int64_t days;                   /* left of the certificate; -1: not known */
};

static size_t body_came(char *data, size_t size, size_t count, void *owner)
{
	struct visit *visit = owner;

	(void)data;
	visit->empty = visit->empty && size * count == 0;
	return size * count;
}

static int64_t days_left(CURL *curl)
{
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL || info->num_of_certs < 1)
		return -1;
	for (struct curl_slist *line = info->certinfo[0]; line != NULL; line = line->next)
		if (str_starts(line->data, "Expire date:"))
			return (curl_getdate(line->data + sizeof "Expire date:" - 1, NULL) - time(NULL)) / 86400;
	return -1;
}

static struct visit visit_make(struct doctor *doctor, const char *path, const char *body)
{
	struct visit visit = {.empty = true, .days = -1};
	const char *ca = conf_text(doctor->ctl->conf, "CA_FILE");
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");

	must(curl != NULL && headers != NULL);
	headers = curl_slist_append(headers, "X-Telegram-Bot-Api-Secret-Token: doctor-has-no-secret");
	(void)curl_easy_setopt(curl, CURLOPT_URL, arena_fmt(doctor->ctl->arena, "%s%s",
		conf_text(doctor->ctl->conf, "WEBHOOK_BASE_URL"), path));
	if (body != NULL) {
		(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	}
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	(void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)WEB_CONNECT_MS);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)WEB_TOTAL_MS);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_came);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &visit);
	if (*ca != '\0')
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
	visit.end = curl_easy_perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &visit.status);
	visit.days = days_left(curl);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return visit;
}

/* True when TLS came about. */
static bool tls_look(struct doctor *doctor, const struct visit *visit)
{
	const char *base = conf_text(doctor->ctl->conf, "WEBHOOK_BASE_URL");

	if (visit->end == CURLE_PEER_FAILED_VERIFICATION) {
		doctor_bad(doctor, "renew it (certbot renew), for this very name, with the whole chain (fullchain.pem), and "
			"reload nginx: Telegram trusts no other", "certificate: %s is not proved by it", base);
		return false;
	}
	if (visit->end != CURLE_OK) {
		doctor_bad(doctor, "is the name in DNS, port 443 open, nginx running? nginx -t && systemctl status nginx",
			"nginx: %s: %s", base, curl_easy_strerror(visit->end));
		return false;
	}
	if (visit->days >= 0 && visit->days < WEB_DAYS_LEAST)
		doctor_bad(doctor, "renew it (certbot renew) and reload nginx", "certificate: %lld days left",
			(long long)visit->days);
	else
		doctor_good("certificate: %lld days left", (long long)visit->days);
	return true;
}

static void route_look(struct doctor *doctor, const char *name, const struct visit *visit, long wanted)
{
	if (visit->end == CURLE_OK && visit->status == wanted && visit->empty)
		doctor_good("nginx: %s comes to us", name);
	else if (visit->status == 502 || visit->status == 503 || visit->status == 504)
		doctor_bad(doctor, "is atelierd running, and may nginx's user connect to RUN_DIR/fastcgi.sock?",
			"nginx: %s: it cannot reach us (%ld)", name, visit->status);
	else
		doctor_bad(doctor, "include atelier.locations in the server block of this name, then reload nginx",
			"nginx: %s does not come to us (%ld)", name, visit->status);
}

void doctor_web(struct doctor *doctor)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	/* With a wrong secret: refused by a responder, whose answers of this kind have no page. */
	struct visit visit = visit_make(doctor, "/telegram", "{}");

	if (tls_look(doctor, &visit)) {
		route_look(doctor, "/telegram", &visit, 403);
		visit = visit_make(doctor, "/media/doctor-has-no-such-file", NULL);
		route_look(doctor, "/media", &visit, 404);
	}
	curl_global_cleanup();
}
