/* atelierctl doctor: looks for what is wrong with an installation, and names the cure. */
#include "ctl/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#include "base/str.h"
#include "data/block.h"
#include "data/offer.h"
#include "data/settings_file.h"
#include "data/text.h"

void doctor_good(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("ok   ", stdout);
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
}

void doctor_bad(struct doctor *doctor, const char *cure, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("BAD  ", stdout);
	vprintf(fmt, args);
	printf("\n     → %s\n", cure);
	va_end(args);
	doctor->bad++;
}

/* ---- the settings and what they name -------------------------------------------------------------------- */

static void each_line(struct doctor *doctor, struct buf *text, const char *what, const char *cure)
{
	char *at = text->length > 0 ? text->data : NULL;

	while (at != NULL && *at != '\0') {
		char *end = strchr(at, '\n');

		if (end != NULL)
			*end++ = '\0';
		doctor_bad(doctor, cure, "%s: %s", what, at);
		at = end;
	}
}

/* All settings; null, and told, when they cannot be used. */
static struct conf *settings(struct doctor *doctor, const char *file)
{
	struct buf errors, warnings;

	buf_init(&errors, CONF_FILE_MAX);
	buf_init(&warnings, CONF_FILE_MAX);
	struct conf *conf = settings_file_read(file, &errors, &warnings);

	(void)buf_text(&errors), (void)buf_text(&warnings);
	each_line(doctor, &errors, file, access(file, R_OK) == 0
		? "mend that line, see atelier.conf(5); atelierd -t checks the file"
		: "run this as root or as Atelier's user; if there is none, make it of atelier.conf.sample: see README");
	each_line(doctor, &warnings, file, "chown root:atelier and chmod 0640 the file: it holds the keys");
	if (conf != NULL && warnings.length == 0)
		doctor_good("settings: %s", file);
	buf_free(&errors);
	buf_free(&warnings);
	return conf;
}

static const char *path_or(const struct conf *conf, const char *name, const char *installed)
{
	return *conf_text(conf, name) ? conf_text(conf, name) : installed;
}

static void data_files(struct doctor *doctor)
{
	const struct conf *conf = doctor->ctl->conf;
	struct buf errors;

	buf_init(&errors, CONF_FILE_MAX);
	struct texts *texts = texts_read(path_or(conf, "TEXTS_DIR", PKGDATADIR "/texts"), &errors);
	struct catalog *catalog = catalog_read(path_or(conf, "CATALOG_FILE", PKGDATADIR "/catalog.json"), conf, &errors);
	struct block *block = block_read(conf_text(conf, "BLOCKLIST_FILE"), &errors);

	(void)buf_text(&errors);
	each_line(doctor, &errors, "texts, catalogue or blocklist",
		"mend the file that TEXTS_DIR, CATALOG_FILE or BLOCKLIST_FILE names; empty means the installed one");
	if (texts != NULL && catalog != NULL && block != NULL && catalog_count(catalog) == 0)
		doctor_bad(doctor, "set FAL_KEY, NANO_BANANA_API_KEY or KLING_API_KEY: what has no key is not sold",
			"catalogue: nothing of it can be sold");
	else if (texts != NULL && catalog != NULL && block != NULL)
		doctor_good("texts, catalogue (%zu offers) and blocklist", catalog_count(catalog));
	texts_free(texts);
	catalog_free(catalog);
	block_free(block);
	buf_free(&errors);
}

/* Who atelierd runs as: whose lock it is, or whose the directory of its sockets; false when neither is there. */
static bool service_user(const struct doctor *doctor, uid_t *user)
{
	const char *run = conf_text(doctor->ctl->conf, "RUN_DIR");
	struct stat st;

	if (stat(arena_fmt(doctor->ctl->arena, "%s/atelierd.lock", run), &st) != 0 && stat(run, &st) != 0)
		return false;
	*user = st.st_uid;
	return true;
}

/* The directory must be the service's to write, and not everybody's. */
static void directory(struct doctor *doctor, const char *name)
{
	const char *path = conf_text(doctor->ctl->conf, name);
	struct stat st;
	uid_t user;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		doctor_bad(doctor, "make it: install -d -o atelier -g atelier -m 0750, or systemd-tmpfiles --create",
			"%s: %s is no directory", name, path);
	else if ((st.st_mode & 0700) != 0700 || (st.st_mode & 0002) != 0)
		doctor_bad(doctor, "chown it to the user of atelierd and chmod 0750 it", "%s: mode %04o of %s", name,
			(unsigned)(st.st_mode & 07777), path);
	else if (service_user(doctor, &user) && user != 0 && st.st_uid != user)
		doctor_bad(doctor, "chown it to the user of atelierd", "%s: %s is of user %lu, atelierd runs as %lu", name,
			path, (unsigned long)st.st_uid, (unsigned long)user);
	else
		doctor_good("%s: %s", name, path);
}

enum ctl_end doctor_run(struct ctl *ctl)
{
	struct doctor doctor = {.ctl = ctl};
	struct conf *conf = settings(&doctor, ctl->file);

	if (conf == NULL)
		return ctl_fail("%zu findings; the rest can be looked at when the settings can be read", doctor.bad);
	ctl->conf = conf;
	data_files(&doctor);
	directory(&doctor, "RUN_DIR");
	directory(&doctor, "SPOOL_DIR");
	ctl->db = db_new(conf_text(conf, "DATABASE_URL"), "atelier_ctl");
	db_patient(ctl->db);
	doctor_database(&doctor);
	doctor_errands(&doctor);
	doctor_web(&doctor);
	conf_free(conf);
	ctl->conf = NULL;
	return doctor.bad == 0 ? CTL_DONE : ctl_fail("%zu findings", doctor.bad);
}
