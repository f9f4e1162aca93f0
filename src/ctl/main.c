/* atelierctl: the operator's tool. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "data/settings.h"
#include "store/session.h"

#define MAIN_FILE SYSCONFDIR "/atelier/atelier.conf"
#define MAIN_SQL PKGDATADIR "/sql"
#define MAIN_ARENA_MAX (64u << 20)
#define MAIN_USAGE "Usage: atelierctl [-c FILE] COMMAND [ARGUMENT…]\n"

static const char main_help[] = MAIN_USAGE
	"\n"
	"  migrate [-d DIRECTORY]              bring the database to this program's schema\n"
	"  verify                              check the invariants of ledger and jobs\n"
	"  status [--metrics]                  dispatcher, helpers, queues, last errors; or all figures\n"
	"  statement PERSON                    every movement of a person's purses\n"
	"  user PERSON                         who somebody is, and what he has\n"
	"  payment NUMBER                      what became of a payment\n"
	"  job NUMBER                          what became of a job\n"
	"  credit PERSON UNIT AMOUNT WHY [KEY] give (or, below 0, take); UNIT: free, credit, rub\n"
	"  chargeback PAYMENT AMOUNT REFERENCE [WHY]\n"
	"                                      book what the bank took back; what is spent becomes debt\n"
	"  ban PERSON [WHY]                    shut somebody out, who is told\n"
	"  unban PERSON                        let him in again\n"
	"  offers [OFFER AMOUNT [UNIT]]        what is sold for how much; sets a price\n"
	"  offers OFFER off|on|reset           takes it off, sells it again, or as in the catalogue\n"
	"  webhook set|info|delete             tell Telegram where we are, or ask it\n"
	"  export DIRECTORY                    people, payments, jobs, movements … as CSV files\n"
	"  export - VIEW                       one of them to standard output\n"
	"  doctor [-d DIRECTORY]               look for what is wrong, and name the cure\n"
	"  reconcile [--since DATE]            compare payments with the providers, jobs with the ledger\n"
	"\n"
	"  -c FILE    the settings (" MAIN_FILE ")\n"
	"  -d DIRECTORY    where migrations and functions are (" MAIN_SQL ")\n";

struct command {
	const char *name;
	int words_min, words_max;
	const char *role;               /* who it is in the database; null: whom the URL says */
	unsigned settings;              /* what it may know beside ctl's own */
	enum ctl_end (*run)(struct ctl *ctl);
};

static const struct command commands[] = {
	{"migrate", 0, 0, NULL, 0, migrate_run},
	{"verify", 0, 0, "atelier_ctl", 0, check_verify},
	{"status", 0, 1, "atelier_ctl", 0, check_status},
	{"statement", 1, 1, "atelier_ctl", 0, purse_statement},
	{"user", 1, 1, "atelier_ctl", 0, admin_user},
	{"payment", 1, 1, "atelier_ctl", 0, admin_payment},
	{"job", 1, 1, "atelier_ctl", 0, admin_job},
	{"credit", 4, 5, "atelier_ctl", 0, purse_credit},
	{"chargeback", 3, 4, "atelier_ctl", 0, purse_chargeback},
	{"ban", 1, 2, "atelier_ctl", 0, admin_ban},
	{"unban", 1, 1, "atelier_ctl", 0, admin_unban},
	{"offers", 0, 3, "atelier_ctl", SETTINGS_RESPONDER, admin_offers},
	{"webhook", 1, 1, "atelier_ctl", 0, webhook_run},
	{"export", 1, 2, "atelier_ctl", 0, export_run},
	{"doctor", 0, 0, NULL, 0, doctor_run},
	{"reconcile", 0, 2, "atelier_ctl", 0, reconcile_run},
};

static const struct db_statement ctl_hello = {
	"ctl.hello", "SELECT schema, fsync, full_page_writes, synchronous_commit FROM ctl.hello()", 0};

enum ctl_end ctl_fail(const char *fmt, ...)
{
	va_list args;

	fputs("atelierctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return CTL_FAILED;
}

bool ctl_call(struct ctl *ctl, const struct db_statement *statement, const char *const *args,
	const struct db_rows **rows)
{
	if (db_call(ctl->db, statement, args, rows) == DB_OK)
		return true;
	ctl_fail("%s", db_error(ctl->db));
	db_done(ctl->db);
	return false;
}

/* The settings; null when they can't be used. Without -c the file may be missing or closed to us, as it is
 * to whoever only migrates: then the defaults hold. */
static struct conf *settings_read(const char *file, unsigned more)
{
	struct buf text, errors;
	struct conf *conf = NULL;

	buf_init(&text, CONF_FILE_MAX);
	buf_init(&errors, CONF_FILE_MAX);
	enum fd_end end = fd_read_path(file ? file : MAIN_FILE, &text);

	if (end != FD_OK && (file != NULL || (errno != ENOENT && errno != EACCES)))
		ctl_fail("%s: %s", file ? file : MAIN_FILE, strerror(errno));
	else
		conf = conf_read(settings_table, settings_count, SETTINGS_CTL | more, buf_text(&text), text.length, &errors);
	if (errors.length > 0)
		ctl_fail("%s:\n%s", file ? file : MAIN_FILE, buf_text(&errors));
	if (text.data != NULL)
		mem_wipe(text.data, text.length);
	buf_free(&text);
	buf_free(&errors);
	return conf;
}

/* Connects as the command's role, and for all but migrate to a schema that we know. */
static bool database_open(struct ctl *ctl, const char *role)
{
	struct session session = {.db = ctl->db, .hello = &ctl_hello};
	enum session_end end = SESSION_GOOD;

	if (role == NULL)
		end = db_ready(ctl->db) == DB_OK ? SESSION_GOOD : SESSION_AWAY;
	else
		end = session_ready(&session);
	if (end == SESSION_AWAY)
		ctl_fail("no database: %s", db_error(ctl->db));
	return end == SESSION_GOOD;
}

static enum ctl_end command_run(const struct command *command, struct ctl *ctl, const char *file)
{
	struct conf *conf = NULL;
	bool alone = command->run == doctor_run;        /* even when the settings or the database are what is wrong */

	ctl->file = file ? file : MAIN_FILE;
	ctl->arena = arena_new(MAIN_ARENA_MAX);
	if (!alone && (conf = settings_read(file, command->settings)) == NULL) {
		arena_free(ctl->arena);
		return CTL_SETTINGS;
	}
	ctl->conf = conf;
	if (!alone) {
		ctl->db = db_new(conf_text(conf, "DATABASE_URL"), command->role);
		db_patient(ctl->db);
	}
	enum ctl_end end = alone || database_open(ctl, command->role) ? command->run(ctl) : CTL_FAILED;

	db_free(ctl->db);
	arena_free(ctl->arena);
	conf_free(conf);
	if (fflush(stdout) != 0 && end == CTL_DONE)
		end = ctl_fail("standard output: %s", strerror(errno));
	return end;
}

static enum ctl_end usage(void)
{
	fputs(MAIN_USAGE "See atelierctl --help.\n", stderr);
	return CTL_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0},
	};
	struct ctl ctl = {.sql_dir = MAIN_SQL};
	const char *file = NULL, *sql_dir = NULL;
	int option;

	log_open("atelierctl");
	/* '+': an amount below 0 is no option. */
	while ((option = getopt_long(argc, argv, "+c:", options, NULL)) != -1) {
		if (option == 'h')
			return fputs(main_help, stdout) < 0 || fflush(stdout) != 0;
		if (option == 'v')
			return printf("atelierctl (Atelier) %s\n", PACKAGE_VERSION) < 0 || fflush(stdout) != 0;
		if (option != 'c')
			return (int)usage();
		file = optarg;
	}
	const char *name = optind < argc ? argv[optind++] : "";

	bool takes_dir = str_equal(name, "migrate") || str_equal(name, "doctor");

	if (takes_dir && optind + 1 < argc && str_equal(argv[optind], "-d")) {
		sql_dir = argv[optind + 1];
		optind += 2;
	}
	if (sql_dir != NULL)
		ctl.sql_dir = sql_dir;
	ctl.words = argv + optind;
	ctl.count = argc - optind;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (str_equal(commands[i].name, name) && ctl.count >= commands[i].words_min
			&& ctl.count <= commands[i].words_max)
			return (int)command_run(&commands[i], &ctl, file);
	return (int)usage();
}
