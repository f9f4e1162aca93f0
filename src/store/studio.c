/* Schema responder from C: modes, albums, jobs, the person. */
#include "store/studio.h"

static const struct db_statement quote_open = {
	"responder.quote_open", "SELECT outcome FROM responder.quote_open($1::bigint, $2::text, $3::text, $4::text, "
	"$5::text, $6::text, $7::text, $8::text, $9::jsonb, $10::int, $11::jsonb, $12::jsonb, $13::text, $14::bigint, "
	"$15::int, $16::jsonb, $17::boolean, $18::bigint, $19::bigint, $20::bigint)", 20};
static const struct db_statement quote_view = {
	"responder.quote_view", "SELECT offer, prompt, ratio, files, clip_s "
	"FROM responder.quote_view($1::bigint, $2::bigint)", 2};
static const struct db_statement job_view = {
	"responder.job_view", "SELECT offer, mode, status, prompt, ratio, files, result, form "
	"FROM responder.job_view($1::bigint, $2::bigint)", 2};
static const struct db_statement album_view = {
	"responder.album_view", "SELECT files, caption FROM responder.album_view($1::bigint, $2::bigint)", 2};
static const struct db_statement album_add = {
	"responder.album_add", "SELECT responder.album_add($1::bigint, $2::text, $3::bigint, $4::jsonb, $5::text)", 5};
static const struct db_statement page = {
	"responder.page", "SELECT responder.page($1::bigint, $2::text, $3::bigint)", 3};
static const struct db_statement terms_accept = {
	"responder.terms_accept", "SELECT responder.terms_accept($1::bigint, $2::int)", 2};
static const struct db_statement lang_set = {
	"responder.lang_set", "SELECT responder.lang_set($1::bigint, $2::text)", 2};
static const struct db_statement job_cancel = {
	"responder.job_cancel", "SELECT responder.job_cancel($1::bigint, $2::bigint)", 2};
static const struct db_statement result_send = {
	"responder.result_send", "SELECT responder.result_send($1::bigint, $2::bigint, $3::boolean)", 3};
static const struct db_statement mydata = {
	"responder.mydata", "SELECT responder.mydata($1::bigint)", 1};
static const struct db_statement forget = {
	"responder.forget", "SELECT responder.forget($1::bigint)", 1};
static const struct db_statement admin = {
	"responder.admin", "SELECT responder.admin($1::bigint, $2::bigint, $3::text, $4::jsonb)", 4};
static const struct db_statement alert = {
	"responder.alert", "SELECT responder.alert($1::text, $2::jsonb, NULL)", 2};
static const struct db_statement media_view = {
	"responder.media_view", "SELECT path, type FROM responder.media_view($1::text)", 1};

static const char *id_or_null(struct arena *arena, int64_t id)
{
	return id ? db_i64(arena, id) : NULL;
}

static const char *text_or_null(const struct db_rows *rows, int column, struct arena *arena)
{
	return rows_null(rows, 0, column) ? NULL : arena_str(arena, rows_text(rows, 0, column));
}

void store_quote_open_send(struct db *db, struct arena *arena, const struct store_quote *quote)
{
	const char *args[] = {
		db_i64(arena, quote->person), quote->offer, quote->mode, quote->title, quote->provider, quote->model,
		quote->prompt, quote->ratio, quote->files, db_i64(arena, quote->clip_s), quote->places, quote->input,
		money_unit_name(quote->price.unit), db_i64(arena, quote->price.amount), db_i64(arena, quote->deadline_s),
		quote->args, quote->waits ? "true" : "false", id_or_null(arena, quote->replaces),
		id_or_null(arena, quote->message), db_i64(arena, quote->cost),
	};
	db_send(db, &quote_open, args);
}

void store_quote_view_send(struct db *db, struct arena *arena, int64_t person, int64_t quote)
{
	const char *args[] = {db_i64(arena, person), db_i64(arena, quote)};
	db_send(db, &quote_view, args);
}

void store_quote_view_read(const struct db_rows *rows, struct arena *arena, struct store_quote_view *quote)
{
	*quote = (struct store_quote_view){.found = rows_count(rows) == 1};
	if (!quote->found)
		return;
	quote->offer = text_or_null(rows, 0, arena);
	quote->prompt = text_or_null(rows, 1, arena);
	quote->ratio = text_or_null(rows, 2, arena);
	quote->files = text_or_null(rows, 3, arena);
	quote->clip_s = rows_i64(rows, 0, 4);
}

void store_job_view_send(struct db *db, struct arena *arena, int64_t person, int64_t job)
{
	const char *args[] = {db_i64(arena, person), db_i64(arena, job)};
	db_send(db, &job_view, args);
}

void store_job_view_read(const struct db_rows *rows, struct arena *arena, struct store_job *job)
{
	*job = (struct store_job){.found = rows_count(rows) == 1};
	if (!job->found)
		return;
	job->offer = text_or_null(rows, 0, arena);
	job->mode = text_or_null(rows, 1, arena);
	job->status = text_or_null(rows, 2, arena);
	job->prompt = text_or_null(rows, 3, arena);
	job->ratio = text_or_null(rows, 4, arena);
	job->files = text_or_null(rows, 5, arena);
	job->result = text_or_null(rows, 6, arena);
	job->form = text_or_null(rows, 7, arena);
}

void store_album_view_send(struct db *db, struct arena *arena, int64_t person, int64_t album)
{
	const char *args[] = {db_i64(arena, person), db_i64(arena, album)};
	db_send(db, &album_view, args);
}

void store_album_view_read(const struct db_rows *rows, struct arena *arena, struct store_album *album)
{
	*album = (struct store_album){.found = rows_count(rows) == 1 && !rows_null(rows, 0, 0)};
	if (!album->found)
		return;
	album->files = text_or_null(rows, 0, arena);
	album->caption = text_or_null(rows, 1, arena);
}

void store_album_add_send(struct db *db, struct arena *arena, int64_t person, const char *group, int64_t message,
	const char *file, const char *caption)
{
	const char *args[] = {db_i64(arena, person), group, db_i64(arena, message), file, caption};
	db_send(db, &album_add, args);
}

void store_page_send(struct db *db, struct arena *arena, int64_t person, const char *kind, int64_t before)
{
	const char *args[] = {db_i64(arena, person), kind, db_i64(arena, before)};
	db_send(db, &page, args);
}

const char *store_page_read(const struct db_rows *rows, struct arena *arena)
{
	return rows_count(rows) == 1 ? text_or_null(rows, 0, arena) : NULL;
}

void store_terms_accept_send(struct db *db, struct arena *arena, int64_t person, int64_t version)
{
	const char *args[] = {db_i64(arena, person), db_i64(arena, version)};
	db_send(db, &terms_accept, args);
}

void store_lang_set_send(struct db *db, struct arena *arena, int64_t person, const char *lang)
{
	const char *args[] = {db_i64(arena, person), lang};
	db_send(db, &lang_set, args);
}

void store_job_cancel_send(struct db *db, struct arena *arena, int64_t person, int64_t job)
{
	const char *args[] = {db_i64(arena, person), db_i64(arena, job)};
	db_send(db, &job_cancel, args);
}

void store_result_send_send(struct db *db, struct arena *arena, int64_t person, int64_t job, bool original)
{
	const char *args[] = {db_i64(arena, person), db_i64(arena, job), original ? "true" : "false"};
	db_send(db, &result_send, args);
}

void store_mydata_send(struct db *db, struct arena *arena, int64_t person)
{
	const char *args[] = {db_i64(arena, person)};
	db_send(db, &mydata, args);
}

void store_forget_send(struct db *db, struct arena *arena, int64_t person)
{
	const char *args[] = {db_i64(arena, person)};
	db_send(db, &forget, args);
}

void store_admin_send(struct db *db, struct arena *arena, int64_t person, int64_t update, const char *what,
	const char *args)
{
	const char *all[] = {db_i64(arena, person), db_i64(arena, update), what, args};
	db_send(db, &admin, all);
}

void store_alert_send(struct db *db, const char *what, const char *args)
{
	const char *all[] = {what, args};
	db_send(db, &alert, all);
}

enum db_end store_media_view(struct db *db, struct arena *arena, const char *token, const char **path,
	const char **type)
{
	const struct db_rows *rows;
	const char *args[] = {token};
	enum db_end end = db_call(db, &media_view, args, &rows);
	*path = *type = NULL;
	if (end == DB_OK && rows_count(rows) == 1) {
		*path = text_or_null(rows, 0, arena);
		*type = text_or_null(rows, 1, arena);
	}
	db_done(db);
	return end;
}
