/* Reads Telegram updates into what the conversation needs, and nothing else. */
#include "data/update.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "data/json.h"

/* Bots are served in private chats only: there the chat id is the person's id. */
static bool is_private(json *chat)
{
	return str_equal(json_text(chat, "type"), "private");
}

static bool read_person(json *from, struct arena *arena, struct update *update)
{
	int64_t id;
	if (!json_i64(from, "id", &id) || id <= 0 || id > UPDATE_ID_MAX || json_true(from, "is_bot"))
		return false;
	update->person_id = id;
	char *name = json_text_clean(from, "first_name", arena);
	if (name && strlen(name) > UPDATE_NAME_MAX)
		name[str_clean(name, UPDATE_NAME_MAX)] = '\0';
	update->first_name = name ? name : "";
	char *username = json_text_clean(from, "username", arena);
	update->username = username && strlen(username) <= UPDATE_NAME_MAX ? username : NULL;
	const char *lang = json_text(from, "language_code");
	update->lang = lang && str_starts(lang, "en") ? "en" : "ru";
	return true;
}

/* "/start@our_bot ref_1" → command "start", argument "ref_1". */
static void read_command(struct update *update, struct arena *arena)
{
	char *word = arena_str(arena, update->text + 1);
	size_t length = strcspn(word, " \n\t");
	char *argument = arena_str(arena, word + length);
	str_trim(argument);
	word[length] = '\0';
	word[strcspn(word, "@")] = '\0';
	for (char *c = word; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	update->kind = UPDATE_COMMAND;
	update->command = word;
	update->argument = argument;
}

/* A file that cannot be asked for is no file. */
static void read_file(json *file, enum update_kind kind, struct arena *arena, struct update *update)
{
	update->file_id = json_text_clean(file, "file_id", arena);
	if (update->file_id && *update->file_id)
		update->kind = kind;
	if (!json_i64(file, "file_size", &update->file_size) || update->file_size < 0)
		update->file_size = 0;
}

/* The sizes come in no promised order: the one with most pixels. */
static json *largest(json *sizes)
{
	json *best = NULL;
	int64_t best_pixels = -1;
	size_t count = json_object_is_type(sizes, json_type_array) ? json_object_array_length(sizes) : 0;
	for (size_t i = 0; i < count; i++) {
		json *size = json_object_array_get_idx(sizes, i);
		int64_t width = 0, height = 0;
		if (!json_i64(size, "width", &width) || !json_i64(size, "height", &height) || width < 0 || height < 0 ||
			width > INT32_MAX || height > INT32_MAX)
			continue;
		if (width * height > best_pixels) {
			best_pixels = width * height;
			best = size;
		}
	}
	return best;
}

static int32_t small(json *value, const char *name)
{
	int64_t number;
	return json_i64(value, name, &number) && number > 0 && number <= INT32_MAX ? (int32_t)number : 0;
}

/* What Telegram calls a document may be a picture or a film; one that does not say is told by its name. */
static const char *mime_of(json *document)
{
	static const struct { const char *ending, *mime; } endings[] = {
		{".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"}, {".png", "image/png"}, {".webp", "image/webp"},
		{".heic", "image/heic"}, {".mp4", "video/mp4"}, {".mov", "video/quicktime"},
	};
	const char *mime = json_text(document, "mime_type"), *name = json_text(document, "file_name");
	if (mime && *mime && !str_equal(mime, "application/octet-stream"))
		return mime;
	size_t length = name ? strlen(name) : 0;
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		size_t ending = strlen(endings[i].ending);
		if (length > ending && strcasecmp(name + length - ending, endings[i].ending) == 0)
			return endings[i].mime;
	}
	return mime ? mime : "";
}

static void set_mime(const char *mime, struct arena *arena, struct update *update)
{
	size_t length = mime ? strlen(mime) : 0;
	if (length == 0 || length > UPDATE_NAME_MAX)
		return;
	char *clean = arena_text(arena, mime, length);
	clean[str_clean(clean, length)] = '\0';
	update->mime = clean;
}

/* What is neither words nor picture nor film, by the member that holds it. */
static const char *other_of(json *message)
{
	static const char *const names[] = {
		"sticker", "voice", "audio", "video_note", "animation", "document", "location", "contact", "poll", "dice",
		"story", "venue", "game",
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_at(message, names[i]))
			return names[i];
	return NULL;
}

static void read_content(json *message, struct arena *arena, struct update *update)
{
	char *text = json_text_clean(message, "text", arena);
	char *caption = json_text_clean(message, "caption", arena);
	json *photo = largest(json_at(message, "photo"));
	json *document = json_at(message, "document");
	json *video = json_at(message, "video");
	const char *mime = document ? mime_of(document) : "", *other = other_of(message);
	update->group_id = json_text_clean(message, "media_group_id", arena);
	update->text = text ? text : caption ? caption : "";
	if (strlen(update->text) > UPDATE_TEXT_MAX)
		update->kind = UPDATE_IGNORED;
	else if (text && text[0] == '/' && isalpha((unsigned char)text[1]))
		read_command(update, arena);
	else if (text)
		update->kind = UPDATE_TEXT;
	else if (photo)
		read_file(photo, UPDATE_PHOTO, arena, update);
	else if (video)
		read_file(video, UPDATE_VIDEO, arena, update);
	else if (json_at(message, "animation"))         /* comes with a document beside it */
		update->kind = UPDATE_OTHER;
	else if (document && str_starts(mime, "image/"))
		read_file(document, UPDATE_IMAGE_FILE, arena, update);
	else if (document && (str_equal(mime, "video/mp4") || str_equal(mime, "video/quicktime")))
		read_file(document, UPDATE_VIDEO, arena, update);
	else if (other)
		update->kind = UPDATE_OTHER;
	json *file = photo ? photo : video ? video : document;
	update->width = small(file, "width");
	update->height = small(file, "height");
	update->length_s = small(video, "duration");
	if (!photo)
		set_mime(video ? json_text(video, "mime_type") : mime, arena, update);
	if (update->kind == UPDATE_OTHER)
		update->what = json_at(message, "animation") ? "animation" : other;
}

/* A refund comes from the bot itself: the chat names the person. */
static void read_payment(json *message, json *payment, struct arena *arena, struct update *update)
{
	if (!is_private(json_at(message, "chat")) || !json_i64(message, "chat.id", &update->person_id) ||
		update->person_id <= 0 || update->person_id > UPDATE_ID_MAX)
		return;
	char *charge = json_text_clean(payment, "telegram_payment_charge_id", arena);
	if (charge && strlen(charge) > UPDATE_NAME_MAX)
		charge[str_clean(charge, UPDATE_NAME_MAX)] = '\0';
	update->charge_id = charge ? charge : "";
	update->kind = UPDATE_PAYMENT;
}

static void read_checkout(json *query, struct arena *arena, struct update *update)
{
	const char *id = json_text(query, "id");
	if (!id || strlen(id) > 64 || !read_person(json_at(query, "from"), arena, update))
		return;
	update->query_id = json_text_clean(query, "id", arena);
	update->kind = UPDATE_CHECKOUT;
}

static void read_message(json *message, struct arena *arena, struct update *update)
{
	json *paid = json_at(message, "successful_payment"), *refunded = json_at(message, "refunded_payment");
	if (paid || refunded) {
		read_payment(message, paid ? paid : refunded, arena, update);
		return;
	}
	if (!is_private(json_at(message, "chat")) || !read_person(json_at(message, "from"), arena, update) ||
		!json_i64(message, "message_id", &update->message_id) || update->message_id <= 0)
		return;
	read_content(message, arena, update);
}

static void read_press(json *query, struct arena *arena, struct update *update)
{
	const char *id = json_text(query, "id");
	if (!id || strlen(id) > 64 || !read_person(json_at(query, "from"), arena, update))
		return;
	json *message = json_at(query, "message");
	if (message && !is_private(json_at(message, "chat")))
		return;
	/* A date of 0 marks a message that is deleted or too old: it cannot be edited. */
	int64_t date;
	if (!json_i64(message, "message_id", &update->message_id) || update->message_id < 0 ||
		(json_i64(message, "date", &date) && date == 0))
		update->message_id = 0;
	update->query_id = json_text_clean(query, "id", arena);
	char *data = json_text_clean(query, "data", arena);
	update->data = data ? data : "";
	update->kind = UPDATE_PRESS;
}

static void read_membership(json *change, struct arena *arena, struct update *update)
{
	const char *status = json_text(change, "new_chat_member.status");
	if (!status || !is_private(json_at(change, "chat")) || !read_person(json_at(change, "from"), arena, update))
		return;
	if (str_equal(status, "kicked"))
		update->kind = UPDATE_BLOCKED;
	else if (str_equal(status, "member"))
		update->kind = UPDATE_UNBLOCKED;
}

static const struct update nothing = {
	.first_name = "", .lang = "ru", .text = "", .command = "", .argument = "", .data = "",
	.charge_id = "", .mime = "", .what = "",
};

enum update_end update_read(const char *body, size_t length, struct arena *arena, struct update *update)
{
	*update = nothing;
	json *root = json_read(body, length);
	if (!root)
		return UPDATE_NO_JSON;
	enum update_end end = UPDATE_NO_ID;
	if (json_i64(root, "update_id", &update->id) && update->id > 0 && update->id <= UPDATE_ID_MAX) {
		end = UPDATE_READ;
		if (json_at(root, "message"))
			read_message(json_at(root, "message"), arena, update);
		else if (json_at(root, "callback_query"))
			read_press(json_at(root, "callback_query"), arena, update);
		else if (json_at(root, "pre_checkout_query"))
			read_checkout(json_at(root, "pre_checkout_query"), arena, update);
		else if (json_at(root, "my_chat_member"))
			read_membership(json_at(root, "my_chat_member"), arena, update);
		if (update->kind == UPDATE_IGNORED) {
			int64_t id = update->id;
			*update = nothing;
			update->id = id;
		}
	}
	json_drop(root);
	return end;
}
