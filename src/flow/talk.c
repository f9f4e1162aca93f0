/* Dialogs read and written; one that cannot be read is idle. */
#include "flow/talk.h"

#include <string.h>

#include "base/str.h"
#include "data/json.h"

static const char *const names[DIALOG_COUNT] = {
	"idle", "prompt", "edit_photo", "edit_text", "merge_photos", "merge_text", "face", "face_target", "retouch",
	"upscale", "caption_photo", "caption_text", "video_model", "video_length", "video_input", "video_text",
	"video_photo", "choice", "sum", "forget", "broadcast",
};

const char *dialog_name(enum dialog dialog)
{
	must(dialog < DIALOG_COUNT);
	return names[dialog];
}

static void load(struct talk *talk, json *files, struct arena *arena)
{
	talk->count = 0;
	for (size_t i = 0; i < json_count(files, "") && talk->count < OFFER_FILES_MAX; i++) {
		json *file = json_object_array_get_idx(files, i);
		const char *id = json_text(file, "file_id"), *form = json_text(file, "form");
		int64_t message = 0;
		(void)json_i64(file, "message", &message);
		if (id && form)
			talk->files[talk->count++] = (struct talk_file){arena_str(arena, id), arena_str(arena, form), message};
	}
}

static size_t least_files(enum dialog state)
{
	bool one = state == DIALOG_EDIT_TEXT || state == DIALOG_FACE_TARGET || state == DIALOG_CAPTION_TEXT ||
		state == DIALOG_VIDEO_PHOTO || state == DIALOG_CHOICE;
	return state == DIALOG_MERGE_TEXT ? 2 : one;
}

static bool is_of_film(enum dialog state)
{
	return state == DIALOG_VIDEO_LENGTH || state == DIALOG_VIDEO_INPUT || state == DIALOG_VIDEO_TEXT ||
		state == DIALOG_VIDEO_PHOTO;
}

void talk_read(const char *text, struct arena *arena, struct talk *talk)
{
	json *kept = json_read(text, strlen(text));
	const char *name = json_text(kept, "state"), *family = json_text(kept, "family"), *words = json_text(kept, "text");
	int64_t length = 0;
	*talk = (struct talk){.state = DIALOG_IDLE};
	for (size_t i = 0; name && i < DIALOG_COUNT; i++)
		if (str_equal(name, names[i]))
			talk->state = (enum dialog)i;
	if (talk->state != DIALOG_IDLE) {
		(void)json_i64(kept, "screen", &talk->screen);
		(void)json_i64(kept, "clip_s", &talk->clip_s);
		if (json_i64(kept, "length", &length) && length > 0 && length <= 3600)
			talk->length_s = (int)length;
		talk->family = family ? arena_str(arena, family) : NULL;
		talk->text = words ? arena_str(arena, words) : NULL;
		load(talk, json_at(kept, "files"), arena);
	}
	json_drop(kept);
	/* What a state relies on must be there. */
	if (talk->count < least_files(talk->state) || (is_of_film(talk->state) && !talk->family))
		*talk = (struct talk){.state = DIALOG_IDLE};
}

static json *new_files(const struct talk *talk, bool messages)
{
	json *files = json_new_array();
	for (size_t i = 0; i < talk->count; i++) {
		json *file = json_new();
		json_set_text(file, "file_id", talk->files[i].id);
		json_set_text(file, "form", talk->files[i].form);
		if (messages && talk->files[i].message)
			json_set_i64(file, "message", talk->files[i].message);
		json_push(files, file);
	}
	return files;
}

static const char *write_drop(json *value, struct arena *arena)
{
	const char *text = arena_str(arena, json_write(value));
	json_drop(value);
	return text;
}

const char *talk_write(const struct talk *talk, struct arena *arena)
{
	json *kept = json_new();
	json_set_text(kept, "state", dialog_name(talk->state));
	if (talk->state != DIALOG_IDLE) {
		json_set_i64(kept, "screen", talk->screen);
		json_set_text(kept, "family", talk->family);
		if (talk->length_s)
			json_set_i64(kept, "length", talk->length_s);
		if (talk->clip_s)
			json_set_i64(kept, "clip_s", talk->clip_s);
		json_set_text(kept, "text", talk->text);
		if (talk->count)
			json_set(kept, "files", new_files(talk, true));
	}
	return write_drop(kept, arena);
}

bool talk_add(struct talk *talk, const char *id, const char *form, int64_t message)
{
	size_t at = talk->count;
	if (talk->count == OFFER_FILES_MAX)
		return false;
	/* An album's parts may come in any order; what has no message of its own keeps its place. */
	while (at > 0 && talk->files[at - 1].message > message && message)
		at--;
	memmove(&talk->files[at + 1], &talk->files[at], (talk->count - at) * sizeof *talk->files);
	talk->files[at] = (struct talk_file){id, form, message};
	talk->count++;
	return true;
}

void talk_load(struct talk *talk, const char *files, struct arena *arena)
{
	json *list = files ? json_read(files, strlen(files)) : NULL;
	load(talk, list, arena);
	json_drop(list);
}

const char *talk_files(const struct talk *talk, struct arena *arena)
{
	return talk->count ? write_drop(new_files(talk, false), arena) : NULL;
}
