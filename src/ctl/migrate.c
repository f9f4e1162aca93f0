/* atelierctl migrate: applies what sql/migrations has and the database has not, then sql/functions whole. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "store/schema.h"

#define MIGRATE_FILES_MAX 9999
#define MIGRATE_FILE_BYTES_MAX (16u << 20)
#define MIGRATE_DIGITS 4

static const struct db_statement lock = {
	"migrate.lock", "SELECT pg_advisory_lock(hashtext('atelier migrate'))", 0};
static const struct db_statement begun = {
	"migrate.begun", "SELECT to_regclass('store.migration') IS NOT NULL", 0};
static const struct db_statement applied = {
	"migrate.applied", "SELECT number, name, sha256 FROM store.migration ORDER BY number", 0};
static const struct db_statement digest = {
	"migrate.digest", "SELECT encode(sha256(convert_to($1::text, 'UTF8')), 'hex')", 1};
static const struct db_statement note = {
	"migrate.note", "INSERT INTO store.migration (number, name, sha256) VALUES ($1::int, $2, $3)", 3};

struct file {
	const char *name;               /* without directory and .sql */
	char *text;
	size_t length;
	const char *sha256;             /* of migrations */
};

struct files {
	struct file *at;
	size_t count;
};

static int file_order(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static bool file_read(struct ctl *ctl, const char *dir, struct file *file)
{
	const char *path = arena_fmt(ctl->arena, "%s/%s.sql", dir, file->name);
	struct buf text;

	buf_init(&text, MIGRATE_FILE_BYTES_MAX);
	bool good = fd_read_path(path, &text) == FD_OK;

	if (!good)
		ctl_fail("%s: %s", path, strerror(errno));
	else if (strlen(buf_text(&text)) != text.length || !str_is_utf8(buf_text(&text), text.length))
		good = false, ctl_fail("%s: is not UTF-8", path);
	file->text = arena_text(ctl->arena, buf_text(&text), text.length);
	file->length = text.length;
	buf_free(&text);
	return good;
}

/* The .sql files of a directory in order of their names. */
static bool files_read(struct ctl *ctl, const char *which, struct files *files)
{
	const char *path = arena_fmt(ctl->arena, "%s/%s", ctl->sql_dir, which);
	DIR *dir = opendir(path);
	struct dirent *entry;

	*files = (struct files){.at = arena_alloc(ctl->arena, MIGRATE_FILES_MAX * sizeof *files->at)};
	if (dir == NULL) {
		ctl_fail("%s: %s", path, strerror(errno));
		return false;
	}
	while ((entry = readdir(dir)) != NULL && files->count < MIGRATE_FILES_MAX) {
		size_t length = strlen(entry->d_name);

		if (entry->d_name[0] != '.' && length > 4 && str_equal(entry->d_name + length - 4, ".sql"))
			files->at[files->count++].name = arena_text(ctl->arena, entry->d_name, length - 4);
	}
	(void)closedir(dir);
	qsort(files->at, files->count, sizeof *files->at, file_order);
	for (size_t i = 0; i < files->count; i++)
		if (!file_read(ctl, path, &files->at[i]))
			return false;
	return true;
}

/* Names are NNNN_name, numbered 1, 2, 3 … up to the schema this program knows. */
static bool migrations_check(struct ctl *ctl, struct files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		const char *name = files->at[i].name;
		int64_t number = 0;
		const char *digits = arena_text(ctl->arena, name, strnlen(name, MIGRATE_DIGITS));
		const char *args[] = {files->at[i].text};
		const struct db_rows *rows;

		if (!str_to_i64(digits, 1, MIGRATE_FILES_MAX, &number) || name[MIGRATE_DIGITS] != '_'
			|| number != (int64_t)i + 1) {
			ctl_fail("migration %s: its name should begin with %04zu_", name, i + 1);
			return false;
		}
		if (!ctl_call(ctl, &digest, args, &rows))
			return false;
		files->at[i].sha256 = arena_str(ctl->arena, rows_text(rows, 0, 0));
		db_done(ctl->db);
	}
	if (files->count != STORE_SCHEMA) {
		ctl_fail("%s has %zu migrations, this program knows %d", ctl->sql_dir, files->count, STORE_SCHEMA);
		return false;
	}
	return true;
}

/* How many of the migrations the database has; -1 when it has others. */
static int64_t applied_count(struct ctl *ctl, const struct files *files)
{
	const struct db_rows *rows;

	if (!ctl_call(ctl, &begun, NULL, &rows))
		return -1;
	bool any = rows_bool(rows, 0, 0);

	db_done(ctl->db);
	if (!any)
		return 0;
	if (!ctl_call(ctl, &applied, NULL, &rows))
		return -1;
	int64_t count = (int64_t)rows_count(rows);

	for (size_t row = 0; count >= 0 && row < rows_count(rows); row++) {
		const struct file *file = &files->at[row];

		if (row >= files->count || rows_i64(rows, row, 0) != (int64_t)row + 1) {
			ctl_fail("the database has migration %s, which is not here", rows_text(rows, row, 1));
			count = -1;
		} else if (!str_equal(rows_text(rows, row, 2), file->sha256)) {
			ctl_fail("migration %s was changed after it had been applied: make a new one", file->name);
			count = -1;
		}
	}
	db_done(ctl->db);
	return count;
}

static bool script(struct ctl *ctl, const char *name, const char *sql)
{
	if (db_script(ctl->db, sql) == DB_OK)
		return true;
	ctl_fail("%s: %s %s", name, db_state(ctl->db), db_error(ctl->db));
	return false;
}

static bool commit(struct ctl *ctl, const char *name)
{
	const struct db_rows *rows;

	if (!ctl_call(ctl, &db_commit, NULL, &rows))
		return false;
	bool good = db_committed(rows);

	db_done(ctl->db);
	if (!good)
		ctl_fail("%s: was rolled back", name);
	return good;
}

/* One migration and its note, in one transaction. */
static bool migration_apply(struct ctl *ctl, const struct file *file, size_t number)
{
	const char *args[] = {db_i64(ctl->arena, (int64_t)number), file->name, file->sha256};
	const struct db_rows *rows;

	if (!script(ctl, file->name, "BEGIN") || !script(ctl, file->name, file->text)
		|| !script(ctl, file->name, "SET LOCAL ROLE atelier_owner")
		|| !ctl_call(ctl, &note, args, &rows))
		return false;
	db_done(ctl->db);
	if (!commit(ctl, file->name))
		return false;
	printf("applied %s\n", file->name);
	return true;
}

/* All functions, in one transaction: nobody sees half of them. */
static bool functions_apply(struct ctl *ctl, const struct files *files)
{
	if (!script(ctl, "functions", "BEGIN"))
		return false;
	for (size_t i = 0; i < files->count; i++)
		if (!script(ctl, files->at[i].name, files->at[i].text))
			return false;
	return commit(ctl, "functions");
}

bool migrate_is_same(struct ctl *ctl, const char *name, const char *sha256)
{
	struct file file = {.name = name};
	const struct db_rows *rows;

	if (!file_read(ctl, arena_fmt(ctl->arena, "%s/migrations", ctl->sql_dir), &file))
		return false;
	const char *args[] = {file.text};

	if (!ctl_call(ctl, &digest, args, &rows))
		return false;
	bool same = str_equal(rows_text(rows, 0, 0), sha256);

	db_done(ctl->db);
	return same;
}

enum ctl_end migrate_run(struct ctl *ctl)
{
	struct files migrations, functions;
	const struct db_rows *rows;

	if (!files_read(ctl, "migrations", &migrations) || !files_read(ctl, "functions", &functions)
		|| !migrations_check(ctl, &migrations))
		return CTL_FAILED;
	/* A session's bounds are for requests; another who migrates is waited for. */
	if (!script(ctl, "session", "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; "
		"SET client_min_messages = warning") || !ctl_call(ctl, &lock, NULL, &rows))
		return CTL_FAILED;
	db_done(ctl->db);
	int64_t have = applied_count(ctl, &migrations);

	if (have < 0)
		return CTL_FAILED;
	for (size_t i = (size_t)have; i < migrations.count; i++)
		if (!migration_apply(ctl, &migrations.at[i], i + 1))
			return CTL_FAILED;
	if (!functions_apply(ctl, &functions))
		return CTL_FAILED;
	printf("schema %zu, %zu files of functions\n", migrations.count, functions.count);
	return CTL_DONE;
}
