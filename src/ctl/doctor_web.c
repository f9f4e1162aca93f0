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
#define WEB_STRANGER "host!127.0.0.2"   /* whom nginx's "allow 127.0.0.1" does not mean */

/* A call to our own address: what came, without its body. */
struct visit {
	CURLcode end;
	char error[CURL_ERROR_SIZE];    /* what libcurl says of an end that is not well */
	long status;
	bool empty;                     /* the answer had no body: the programs', not a page of nginx's */
	bool loopback;                  /* it never left this machine, so that nginx takes us for one of its own */
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

/* source: where we come from, as CURLOPT_INTERFACE has it; null: wherever. */
static struct visit visit_make(struct doctor *doctor, const char *path, const char *body, const char *source)
{
	struct visit visit = {.empty = true, .days = -1};
	const char *ca = conf_text(doctor->ctl->conf, "CA_FILE");
	const char *address = NULL;
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
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, visit.error);
	(void)curl_easy_setopt(curl, CURLOPT_INTERFACE, source);
	if (*ca != '\0')
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
	visit.end = curl_easy_perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &visit.status);
	(void)curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address);
	visit.loopback = address != NULL && (str_starts(address, "127.") || str_equal(address, "::1"));
	visit.days = days_left(curl);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return visit;
}

/* Why nothing came: libcurl's codes, and OpenSSL's words where a code says too little. */
static const struct {
	CURLcode end;
	const char *words;              /* within the error; null: any */
	const char *finding, *cure;
} failures[] = {
	{CURLE_PEER_FAILED_VERIFICATION, "expired", "certificate: it has ended",
		"renew it (certbot renew) and reload nginx; a timer should do both"},
	{CURLE_PEER_FAILED_VERIFICATION, "not yet valid", "certificate: it does not begin yet", "is the clock right?"},
	{CURLE_PEER_FAILED_VERIFICATION, "match", "certificate: it is for another name",
		"get one for this very name (certbot --nginx -d NAME), or mend server_name or WEBHOOK_BASE_URL"},
	{CURLE_PEER_FAILED_VERIFICATION, "self", "certificate: it is signed by nobody one knows",
		"get one that Telegram trusts, too (certbot --nginx -d NAME)"},
	{CURLE_PEER_FAILED_VERIFICATION, "issuer", "certificate: its chain is not whole",
		"let nginx send the chain: ssl_certificate must name fullchain.pem, not cert.pem"},
	{CURLE_PEER_FAILED_VERIFICATION, NULL, "certificate: it is not proved",
		"renew it (certbot renew), with the whole chain (fullchain.pem), and reload nginx"},
	{CURLE_SSL_CACERT_BADFILE, NULL, "certificate: nothing to prove it by",
		"mend CA_FILE, or leave it empty and install ca-certificates"},
	{CURLE_SSL_CONNECT_ERROR, NULL, "nginx: no TLS at that port", "let it listen there with ssl: listen 443 ssl"},
	{CURLE_COULDNT_RESOLVE_HOST, NULL, "nginx: the name is not in DNS", "enter it there, or mend WEBHOOK_BASE_URL"},
	{CURLE_COULDNT_CONNECT, NULL, "nginx: nobody listens there",
		"nginx -t && systemctl status nginx; does it listen on that address and port?"},
	{CURLE_OPERATION_TIMEDOUT, NULL, "nginx: no answer in time",
		"does a firewall drop it? are the responders stuck? atelierctl status"},
};

static void failure_tell(struct doctor *doctor, const struct visit *visit)
{
	const char *base = conf_text(doctor->ctl->conf, "WEBHOOK_BASE_URL");
	const char *error = visit->error[0] != '\0' ? visit->error : curl_easy_strerror(visit->end);

	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
		if (failures[i].end == visit->end
			&& (failures[i].words == NULL || strcasestr(error, failures[i].words) != NULL)) {
			doctor_bad(doctor, failures[i].cure, "%s: %s (%s)", failures[i].finding, base, error);
			return;
		}
	doctor_bad(doctor, "nginx -t && systemctl status nginx, and its error log", "nginx: %s: %s", base, error);
}

/* True when TLS came about. */
static bool tls_look(struct doctor *doctor, const struct visit *visit)
{
	if (visit->end != CURLE_OK) {
		failure_tell(doctor, visit);
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
	if (visit->end != CURLE_OK)
		failure_tell(doctor, visit);
	else if (visit->status == wanted && visit->empty)
		doctor_good("nginx: %s comes to us", name);
	else if (visit->status == 403 && wanted == 403)
		doctor_good("nginx: %s is closed to this machine: whether it comes to us is not known", name);
	else if (visit->status == 502 || visit->status == 503 || visit->status == 504)
		doctor_bad(doctor, "is atelierd running, and may nginx's user connect to RUN_DIR/fastcgi.sock?",
			"nginx: %s: it cannot reach us (%ld)", name, visit->status);
	else
		doctor_bad(doctor, "include atelier.locations in the server block of this name, then reload nginx",
			"nginx: %s does not come to us (%ld)", name, visit->status);
}

/* What is for this machine alone. Whom nginx takes for one of its own must come as somebody else, which IPv6's
 * loopback, of one address, does not offer. */
static void closed_look(struct doctor *doctor, const char *name, bool loopback)
{
	struct visit visit = visit_make(doctor, name, NULL, loopback ? WEB_STRANGER : NULL);

	if (visit.end != CURLE_OK && loopback)
		doctor_good("nginx: %s cannot be looked at from outside here (%s)", name, visit.error);
	else if (visit.end != CURLE_OK)
		failure_tell(doctor, &visit);
	else if (visit.status / 100 == 4)
		doctor_good("nginx: %s is closed to others", name);
	else
		doctor_bad(doctor, "allow 127.0.0.1; allow ::1; deny all; in its location, as atelier.locations has it; behind "
			"another proxy nginx must know who asks (set_real_ip_from)", "nginx: %s is open to everybody (%ld)", name,
			visit.status);
}

void doctor_web(struct doctor *doctor)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	/* With a wrong secret: refused by a responder, whose answers of this kind have no page. */
	struct visit visit = visit_make(doctor, "/telegram", "{}", NULL);

	if (tls_look(doctor, &visit)) {
		bool loopback = visit.loopback;

		route_look(doctor, "/telegram", &visit, 403);
		visit = visit_make(doctor, "/media/doctor-has-no-such-file", NULL, NULL);
		route_look(doctor, "/media", &visit, 404);
		closed_look(doctor, "/healthz", loopback);
		closed_look(doctor, "/metrics", loopback);
	}
	curl_global_cleanup();
}
