/* A dialog as it is kept between updates: {"state", "screen", "family", "length", "files", "clip_s", "text"}. */
#ifndef FLOW_TALK_H
#define FLOW_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "flow/flow.h"

struct talk_file {
	const char *id;         /* file_id */
	const char *form;       /* "photo", "video" or "document" */
	int64_t message;        /* where it stood; 0: not in a message of the person */
};

struct talk {
	enum dialog state;
	int64_t screen;         /* the update that made the screen in use: buttons of others are dead */
	const char *family;     /* of a video; or null */
	int length_s;           /* of the film to be made; 0: not chosen */
	struct talk_file files[OFFER_FILES_MAX];
	size_t count;
	int64_t clip_s;         /* of the film given; 0: none */
	const char *text;       /* words that came before they were asked for; or null */
};

/* What cannot be read is idle. Texts live in the arena. */
void talk_read(const char *text, struct arena *arena, struct talk *talk);
const char *talk_write(const struct talk *talk, struct arena *arena);

/* Adds a file in the order of messages; false when there are OFFER_FILES_MAX. */
MUST_CHECK bool talk_add(struct talk *talk, const char *id, const char *form, int64_t message);

/* Takes the files of JSON [{"file_id", "form"}] in place of those there are; at most OFFER_FILES_MAX. */
void talk_load(struct talk *talk, const char *files, struct arena *arena);
const char *talk_files(const struct talk *talk, struct arena *arena);   /* the same, written; null: none */

#endif
