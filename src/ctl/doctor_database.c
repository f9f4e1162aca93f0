/* The database: whether it is ours, lasts, and lets each role do its work and no more. */
#include "ctl/doctor.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "store/schema.h"

#define ROLE_CURE "see README, Install: pg_ident.conf maps the system's user to the roles, pg_hba.conf lets it in"

static const struct db_statement hello = {
	"doctor.hello", "SELECT schema, fsync, full_page_writes, synchronous_commit FROM ctl.hello()", 0};
static const struct db_statement migrations = {
	"doctor.migrations", "SELECT name, sha256 FROM ctl.migrations()", 0};
static const struct db_statement powers = {"doctor.powers",
	"SELECT r.rolname, r.rolsuper OR r.rolbypassrls OR r.rolcreaterole, EXISTS (SELECT 1 FROM pg_class c "
	"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('store', 'ledger') AND c.relkind = 'r' "
	"AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')), r.rolcanlogin "
	"FROM pg_roles r WHERE r.rolname IN ('atelier_responder', 'atelier_dispatcher', 'atelier_ctl') ORDER BY 1", 0};
static const struct db_statement triggers = {"doctor.triggers",
	"SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
	"JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE n.nspname = 'ledger' AND c.relname IN ('transfer', 'account') AND t.tgname IN "
	"('no_change', 'no_truncate', 'no_delete') AND t.tgenabled = 'A'", 0};

#define ROLES 3
#define TRIGGERS 4      /* of the ledger: sql/migrations/0001_ledger.sql */

static void schema_look(struct doctor *doctor, const struct db_rows *rows)
{
	int64_t schema = rows_i64(rows, 0, 0);

	if (schema != STORE_SCHEMA)
		doctor_bad(doctor, schema < STORE_SCHEMA ? "run atelierctl migrate, as a user who may create roles"
			: "install the newer programs that this database was migrated by",
			"database: schema %lld, these programs know %d", (long long)schema, STORE_SCHEMA);
	else
		doctor_good("database: schema %d", STORE_SCHEMA);
	for (int column = 1; column <= 3; column++)
		if (str_equal(rows_text(rows, 0, column), "off"))
			doctor_bad(doctor, "switch it on in postgresql.conf (ALTER SYSTEM SET … = on), reload: money must last",
				"database: %s is off", column == 1 ? "fsync" : column == 2 ? "full_page_writes" : "synchronous_commit");
}

/* What was applied against what is installed: a migration that was changed afterwards is another database. */
static void migrations_look(struct doctor *doctor)
{
	const char *names[STORE_SCHEMA + 1], *sums[STORE_SCHEMA + 1];
	const struct db_rows *rows;
	size_t count;

	if (!ctl_call(doctor->ctl, &migrations, NULL, &rows))
		return;
	count = rows_count(rows) <= STORE_SCHEMA ? rows_count(rows) : STORE_SCHEMA;
	for (size_t i = 0; i < count; i++) {
		names[i] = arena_str(doctor->ctl->arena, rows_text(rows, i, 0));
		sums[i] = arena_str(doctor->ctl->arena, rows_text(rows, i, 1));
	}
	db_done(doctor->ctl->db);
	size_t other = 0;

	for (size_t i = 0; i < count; i++)
		other += !migrate_is_same(doctor->ctl, names[i], sums[i]);
	if (other > 0)
		doctor_bad(doctor, "install the package that this database was migrated by, or ask who changed the files",
			"database: %zu migrations are not those in %s", other, doctor->ctl->sql_dir);
	else
		doctor_good("database: migrations are those in %s", doctor->ctl->sql_dir);
}

static void powers_look(struct doctor *doctor)
{
	const struct db_rows *rows;

	if (!ctl_call(doctor->ctl, &powers, NULL, &rows))
		return;
	if (rows_count(rows) != ROLES)
		doctor_bad(doctor, "run atelierctl migrate, as a user who may create roles", "database: a role is missing");
	for (size_t i = 0; i < rows_count(rows); i++) {
		if (!rows_bool(rows, i, 3))
			doctor_bad(doctor, "ALTER ROLE … LOGIN; " ROLE_CURE, "database: %s cannot log in", rows_text(rows, i, 0));
		if (rows_bool(rows, i, 1) || rows_bool(rows, i, 2))
			doctor_bad(doctor, "ALTER ROLE … NOSUPERUSER NOCREATEROLE NOBYPASSRLS, and REVOKE what was granted",
				"database: role %s may do more than call its functions", rows_text(rows, i, 0));
	}
	db_done(doctor->ctl->db);
	if (!ctl_call(doctor->ctl, &triggers, NULL, &rows))
		return;
	if (rows_i64(rows, 0, 0) != TRIGGERS)
		doctor_bad(doctor, "ALTER TABLE ledger.transfer ENABLE ALWAYS TRIGGER ALL, the same for ledger.account; then "
			"atelierctl verify", "database: the ledger's triggers are switched off: its rows could be changed");
	else
		doctor_good("database: the ledger cannot be changed");
	db_done(doctor->ctl->db);
}

void doctor_database(struct doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;
	const struct db_rows *rows;

	if (db_ready(ctl->db) != DB_OK) {
		doctor_bad(doctor, "is PostgreSQL running, and DATABASE_URL right? " ROLE_CURE, "database: %s",
			db_error(ctl->db));
		db_free(ctl->db);
		ctl->db = NULL;
		return;
	}
	if (db_call(ctl->db, &hello, NULL, &rows) != DB_OK) {
		doctor_bad(doctor, "run atelierctl migrate, as a user who may create roles", "database: not Atelier's: %s",
			db_error(ctl->db));
		db_done(ctl->db);
		db_free(ctl->db);
		ctl->db = NULL;
		return;
	}
	schema_look(doctor, rows);
	db_done(ctl->db);
	migrations_look(doctor);
	powers_look(doctor);
}
