/* atelierd: starts every role, starts it again when it ends, reloads and drains. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/str.h"
#include "data/settings_file.h"
#include "supervisor/crew.h"
#include "supervisor/notify.h"
#include "supervisor/supply.h"

#define MAIN_ERRORS_MAX 65536
#define MAIN_USAGE "atelierd [-c FILE] [-l DIRECTORY] [-t]"
#define MAIN_FILE SYSCONFDIR "/atelier/atelier.conf"

struct atelier {
	const char *file;
	const char *libexec;
	char dir[CONF_VALUE_MAX + 1];   /* RUN_DIR; outlives the settings it came from */
	bool test;
	struct loop *loop;
	struct conf *conf;
	struct supply supply;
	struct crew *crew;
	int signals;
	bool stopping;
};

/* Calls `line` for each line of text. */
static void each_line(const struct buf *text, const char *file,
	void (*line)(const char *file, const char *text, int length))
{
	const char *at = buf_text(text);

	while (*at != '\0') {
		size_t length = strcspn(at, "\n");

		line(file, at, (int)length);
		at += length + (at[length] == '\n' ? 1 : 0);
	}
}

static void line_print(const char *file, const char *text, int length)
{
	fprintf(stderr, "atelierd: settings %s: %.*s\n", file, length, text);
}

static void line_log(const char *file, const char *text, int length)
{
	log_error("event=settings file=%s error=\"%.*s\"", file, length, text);
}

static void level_take(const struct conf *conf)
{
	enum log_level level = LOG_INFO;

	if (log_level_of(conf_text(conf, "LOG_LEVEL"), &level))
		log_level_set(level);
}

/* Reads the settings; null when they can't be used, with the reasons told to `line`. */
static struct conf *settings_take(const struct atelier *atelier, bool warnings_are_errors,
	void (*line)(const char *file, const char *text, int length))
{
	struct buf errors, warnings;

	buf_init(&errors, MAIN_ERRORS_MAX);
	buf_init(&warnings, MAIN_ERRORS_MAX);
	struct conf *conf = settings_file_read(atelier->file, &errors, &warnings);

	each_line(&errors, atelier->file, line);
	each_line(&warnings, atelier->file, line);
	if (warnings_are_errors && warnings.length > 0) {
		conf_free(conf);
		conf = NULL;
	}
	buf_free(&errors);
	buf_free(&warnings);
	return conf;
}

/* Takes the file as it is now; false leaves everything as it was, with the reason logged. */
static bool reload_try(struct atelier *atelier)
{
	struct conf *conf = settings_take(atelier, true, line_log);
	struct conf *old = atelier->conf;

	if (conf == NULL)
		return false;
	if (!str_equal(conf_text(conf, "RUN_DIR"), atelier->dir)) {
		log_error("event=settings file=%s error=\"RUN_DIR: can't change while running\"",
			atelier->file);
		conf_free(conf);
		return false;
	}
	if (!crew_reload(atelier->crew, conf)) {
		log_error("event=reload error=\"too many processes are still leaving\"");
		conf_free(conf);
		return false;
	}
	atelier->conf = conf;
	level_take(conf);
	conf_free(old);
	return true;
}

static void reload(struct atelier *atelier)
{
	log_info("event=reload file=%s", atelier->file);
	notify_reloading();
	if (reload_try(atelier))
		return;
	log_error("event=reload error=\"everything stays as it was\"");
	notify_ready();
}

static void stop(struct atelier *atelier, int number)
{
	log_info("event=stop signal=%d%s", number, atelier->stopping ? " again=now" : "");
	if (!atelier->stopping)
		notify_stopping(crew_stop_ms(atelier->crew));
	atelier->stopping = true;
	crew_stop(atelier->crew);
}

static void signal_came(void *owner, int fd, unsigned events)
{
	struct atelier *atelier = owner;
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo != SIGHUP)
			stop(atelier, (int)info.ssi_signo);
		else if (!atelier->stopping)
			reload(atelier);
	}
}

static void signals_take(struct atelier *atelier)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	must(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	must(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	/* An ignored SIGCHLD would take our children's ends away from us. */
	must(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	atelier->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	must(atelier->signals >= 0);
	loop_watch(atelier->loop, atelier->signals, LOOP_READ, signal_came, atelier);
}

/* What is open without our having opened it, or not open below 3, must not come between. */
static void fds_begin(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0) == 0);
	fd_close(&fd);
}

static int run(struct atelier *atelier)
{
	struct buf error;

	atelier->conf = settings_take(atelier, true, line_print);
	if (atelier->conf == NULL)
		return 1;
	level_take(atelier->conf);
	buf_init(&error, MAIN_ERRORS_MAX);
	snprintf(atelier->dir, sizeof atelier->dir, "%s", conf_text(atelier->conf, "RUN_DIR"));
	if (supply_open(&atelier->supply, atelier->dir, &error) != FD_OK) {
		fprintf(stderr, "atelierd: %s\n", buf_text(&error));
		buf_free(&error);
		conf_free(atelier->conf);
		return 1;
	}
	buf_free(&error);
	atelier->loop = loop_new();
	signals_take(atelier);
	atelier->crew = crew_new(atelier->loop, atelier->conf, atelier->libexec, &atelier->supply);
	log_info("event=start file=%s run_dir=%s", atelier->file, atelier->dir);
	loop_run(atelier->loop);
	crew_free(atelier->crew);
	loop_free(atelier->loop);
	supply_close(&atelier->supply);
	fd_close(&atelier->signals);
	conf_free(atelier->conf);
	log_info("event=end");
	return 0;
}

static int test(const struct atelier *atelier)
{
	struct conf *conf = settings_take(atelier, false, line_print);

	if (conf == NULL)
		return 1;
	conf_free(conf);
	line_print(atelier->file, "is fine", 7);
	return 0;
}

static void options(struct atelier *atelier, int argc, char **argv)
{
	int letter;

	/* Those two end the program here. */
	if (argc == 2 && str_starts(argv[1], "--"))
		proc_options(argc, argv, 0, MAIN_USAGE,
			"Starts the processes of Atelier and keeps them running.\n\n"
			"  -c FILE       the settings (" MAIN_FILE ")\n"
			"  -l DIRECTORY  where the programs of the roles are (" PKGLIBEXECDIR ")\n"
			"  -t            check the settings, say what is wrong, and leave\n\n"
			"SIGHUP reads the settings anew; SIGTERM lets everybody finish, a second one does not.");
	while ((letter = getopt(argc, argv, "c:l:t")) != -1)
		switch (letter) {
		case 'c':
			atelier->file = optarg;
			break;
		case 'l':
			atelier->libexec = optarg;
			break;
		case 't':
			atelier->test = true;
			break;
		default:
			optind = argc + 1;      /* getopt has said why */
			break;
		}
	if (optind != argc) {
		fprintf(stderr, "Usage: " MAIN_USAGE "\n");
		exit(64);
	}
}

int main(int argc, char **argv)
{
	struct atelier atelier = {.file = MAIN_FILE, .libexec = PKGLIBEXECDIR, .signals = -1};

	fds_begin();
	log_open("atelierd");
	options(&atelier, argc, argv);
	return atelier.test ? test(&atelier) : run(&atelier);
}
