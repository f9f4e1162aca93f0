/* The functions of schema responder about modes, albums, jobs and the person; store/turn.h tells how they are used. */
#ifndef STORE_STUDIO_H
#define STORE_STUDIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "data/money.h"
#include "db/conn.h"

struct store_quote {
	int64_t person;
	const char *offer, *mode, *title, *provider, *model, *prompt;
	const char *ratio;              /* "" for the usual one */
	const char *files;              /* JSON [{"file_id", "form"}]; null: none */
	int64_t clip_s;
	const char *places;             /* JSON, where the files go */
	const char *input;              /* the provider's request, JSON */
	struct money price;
	int deadline_s;
	int64_t cost;                   /* what the provider takes, in millionths of a dollar; 0: not known */
	const char *args;               /* of the notice, JSON */
	bool waits;                     /* the purse does not suffice: says "short", not "confirm" */
	int64_t replaces;               /* the open quote whose place it takes; 0: none */
	int64_t message;                /* that the notice is to stand in; 0: a new one */
};
/* Its outcome (store_outcome_read): ok, gone, off, weather. */
void store_quote_open_send(struct db *db, struct arena *arena, const struct store_quote *quote);

struct store_quote_view {
	bool found;
	const char *offer, *prompt, *ratio, *files;
	int64_t clip_s;
};
void store_quote_view_send(struct db *db, struct arena *arena, int64_t person, int64_t quote);
void store_quote_view_read(const struct db_rows *rows, struct arena *arena, struct store_quote_view *quote);

struct store_job {
	bool found;
	const char *offer, *mode, *status, *prompt, *ratio, *files;
	const char *result, *form;      /* file_id of what was delivered, and as what; null: nothing */
};
void store_job_view_send(struct db *db, struct arena *arena, int64_t person, int64_t job);
void store_job_view_read(const struct db_rows *rows, struct arena *arena, struct store_job *job);

struct store_album {
	bool found;
	const char *files, *caption;
};
void store_album_view_send(struct db *db, struct arena *arena, int64_t person, int64_t album);
void store_album_view_read(const struct db_rows *rows, struct arena *arena, struct store_album *album);
/* file: JSON {"file_id", "form"}. */
void store_album_add_send(struct db *db, struct arena *arena, int64_t person, const char *group, int64_t message,
	const char *file, const char *caption);

/* Arguments of the page's notice, JSON; kind: jobs, history, stats. */
void store_page_send(struct db *db, struct arena *arena, int64_t person, const char *kind, int64_t before);
const char *store_page_read(const struct db_rows *rows, struct arena *arena);

void store_terms_accept_send(struct db *db, struct arena *arena, int64_t person, int64_t version);
void store_lang_set_send(struct db *db, struct arena *arena, int64_t person, const char *lang);
/* Its outcome: cancelled, late, done, gone. */
void store_job_cancel_send(struct db *db, struct arena *arena, int64_t person, int64_t job);
/* Its outcome: sent, gone, lost. */
void store_result_send_send(struct db *db, struct arena *arena, int64_t person, int64_t job, bool original);
void store_mydata_send(struct db *db, struct arena *arena, int64_t person);
/* Its outcome: forgotten, busy. */
void store_forget_send(struct db *db, struct arena *arena, int64_t person);
/* What an admin wants, with its arguments as JSON. Its outcome: what he is told, JSON {"notice", "args"}; gone. */
void store_admin_send(struct db *db, struct arena *arena, int64_t person, int64_t update, const char *what,
	const char *args);
void store_alert_send(struct db *db, const char *what, const char *args);

/* The file that a token opens; *path is null when there is none. Its own round trip. */
MUST_CHECK enum db_end store_media_view(struct db *db, struct arena *arena, const char *token, const char **path,
	const char **type);

#endif
