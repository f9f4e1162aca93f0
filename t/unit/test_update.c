/* Updates: what each body of t/data/updates is read as, bodies cut anywhere, and wrong types everywhere. */
#include "data/update.h"

#include "base/fd.h"
#include "base/str.h"
#include "data/json.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])
#define LADA INT64_C(6100233445)
#define IVO INT64_C(6100233446)
#define ALBUM "14999000111222333"

/* What a file is read as; members left out are as update_read leaves them. */
static const struct expected {
	const char *file;
	enum update_end end;
	struct update want;
} table[] = {
	{"01-start-deep-link", UPDATE_READ, {.id = 310000001, .kind = UPDATE_COMMAND, .person_id = LADA,
		.message_id = 501, .text = "/start gift_77-Zx", .command = "start", .argument = "gift_77-Zx"}},
	{"02-text-many-scripts", UPDATE_READ, {.id = 310000002, .kind = UPDATE_TEXT, .person_id = LADA,
		.message_id = 502, .text = "مرحبا 👩‍🚀 שלום 🇧🇻 n\u0303 \u202dxyz\u202c "
		"https://example.net/p?q=2 @lada_probe"}},
	{"03-photo-caption-like-markup", UPDATE_READ, {.id = 310000003, .kind = UPDATE_PHOTO,
		.person_id = LADA, .message_id = 503, .text = "make it <b>red</b> & \"bold\"",
		.file_id = "AgACphotoprobe0012NotARealFileIdentifier", .file_size = 151000}},
	{"04-album-photo-with-caption", UPDATE_READ, {.id = 310000004, .kind = UPDATE_PHOTO,
		.person_id = LADA, .message_id = 504, .text = "both together", .group_id = ALBUM,
		.file_id = "AgACphotoprobe0020NotARealFileIdentifier", .file_size = 90000}},
	{"05-album-photo", UPDATE_READ, {.id = 310000005, .kind = UPDATE_PHOTO, .person_id = LADA,
		.message_id = 505, .group_id = ALBUM,
		.file_id = "AgACphotoprobe0030NotARealFileIdentifier", .file_size = 90000}},
	{"06-album-video", UPDATE_READ, {.id = 310000006, .kind = UPDATE_VIDEO, .person_id = LADA,
		.message_id = 506, .group_id = ALBUM,
		.file_id = "BAACvideoprobe0040NotARealFileIdentifier", .file_size = 7654321,
		.mime = "video/quicktime", .width = 1280, .height = 720, .length_s = 9}},
	{"07-video-too-large", UPDATE_READ, {.id = 310000007, .kind = UPDATE_VIDEO, .person_id = LADA,
		.message_id = 507, .text = "animate",
		.file_id = "BAACvideoprobe0050NotARealFileIdentifier", .file_size = 52428801,
		.mime = "video/mp4", .width = 1920, .height = 1080, .length_s = 80}},
	{"08-document-png", UPDATE_READ, {.id = 310000008, .kind = UPDATE_IMAGE_FILE, .person_id = LADA,
		.message_id = 508, .file_id = "BQACfileprobe0060NotARealFileIdentifier", .file_size = 1999111,
		.mime = "image/png"}},
	{"09-document-heic-bare", UPDATE_READ, {.id = 310000009, .kind = UPDATE_IMAGE_FILE,
		.person_id = LADA, .message_id = 509, .file_id = "BQACfileprobe0062NotARealFileIdentifier",
		.mime = "image/heic"}},
	{"10-reply-to-a-prompt", UPDATE_READ, {.id = 310000010, .kind = UPDATE_TEXT, .person_id = LADA,
		.message_id = 510, .text = "  a harbour in fog\n"}},
	{"11-edited-message", UPDATE_READ, {.id = 310000011}},
	{"12-press", UPDATE_READ, {.id = 310000012, .kind = UPDATE_PRESS, .person_id = LADA,
		.message_id = 511, .query_id = "2620050266000012", .data = "go:42"}},
	{"13-press-inaccessible-message", UPDATE_READ, {.id = 310000013, .kind = UPDATE_PRESS,
		.person_id = LADA, .query_id = "2620050266000013", .data = "again:7"}},
	{"14-press-inline-message", UPDATE_READ, {.id = 310000014, .kind = UPDATE_PRESS,
		.person_id = IVO, .query_id = "2620050266000014", .data = "menu"}},
	{"15-blocked", UPDATE_READ, {.id = 310000015, .kind = UPDATE_BLOCKED, .person_id = LADA}},
	{"16-unblocked", UPDATE_READ, {.id = 310000016, .kind = UPDATE_UNBLOCKED, .person_id = LADA}},
	{"17-pre-checkout-query", UPDATE_READ, {.id = 310000017, .kind = UPDATE_CHECKOUT,
		.person_id = LADA, .query_id = "2620050266000017"}},
	{"18-successful-payment", UPDATE_READ, {.id = 310000018, .kind = UPDATE_PAYMENT,
		.person_id = LADA, .charge_id = "stxPROBEcharge17"}},
	{"19-refunded-payment", UPDATE_READ, {.id = 310000019, .kind = UPDATE_PAYMENT,
		.person_id = LADA, .charge_id = "stxPROBEcharge17"}},
	{"20-inline-query", UPDATE_READ, {.id = 310000020}},
	{"21-chosen-inline-result", UPDATE_READ, {.id = 310000021}},
	{"22-channel-post", UPDATE_READ, {.id = 310000022}},
	{"23-added-to-a-group", UPDATE_READ, {.id = 310000023}},
	{"24-command-in-a-group", UPDATE_READ, {.id = 310000024}},
	{"25-poll", UPDATE_READ, {.id = 310000025}},
	{"26-message-reaction", UPDATE_READ, {.id = 310000026}},
	{"27-business-message", UPDATE_READ, {.id = 310000027}},
	/* 28, 29 and 36 are made below: they are large. */
	{"30-no-update-id", UPDATE_NO_ID, {0}},
	{"31-message-bare", UPDATE_READ, {.id = 310000031}},
	{"32-wrong-types", UPDATE_READ, {.id = 310000032}},
	{"33-null-members", UPDATE_READ, {.id = 310000033}},
	{"34-not-utf-8", UPDATE_READ, {.id = 310000034, .kind = UPDATE_TEXT, .person_id = LADA,
		.message_id = 534, .text = "fox ?? ? ?? ???"}},
	{"35-surrogates-and-nul", UPDATE_READ, {.id = 310000035, .kind = UPDATE_TEXT, .person_id = LADA,
		.message_id = 535, .text = "a?b \xef\xbf\xbd c \xef\xbf\xbd\xef\xbf\xbd"}},
	{"37-members-twice", UPDATE_READ, {.id = 310000037, .kind = UPDATE_COMMAND, .person_id = LADA,
		.message_id = 537, .text = "/help", .command = "help"}},
	{"38-unknown-kind", UPDATE_READ, {.id = 310000038}},
	{"39-cut", UPDATE_NO_JSON, {0}},
	{"40-not-an-object", UPDATE_NO_ID, {0}},
};

static void body_read(const char *file, struct buf *body)
{
	char path[512];

	snprintf(path, sizeof path, "%s/t/data/updates/%s.json",
		getenv("top_srcdir") ? getenv("top_srcdir") : ".", file);
	buf_init(body, 1 << 20);
	if (fd_read_path(path, body) != FD_OK)
		printf("# %s cannot be read\n", path);
}

/* Texts that are never null, clean, and a person wherever something is to be done. */
static bool is_sound(const struct update *update)
{
	const char *const never[] = {update->first_name, update->lang, update->text, update->command,
		update->argument, update->data, update->charge_id, update->mime, update->what};
	const char *const maybe[] = {update->username, update->query_id, update->file_id, update->group_id};
	bool file = update->kind == UPDATE_PHOTO || update->kind == UPDATE_VIDEO
		|| update->kind == UPDATE_IMAGE_FILE;

	for (size_t i = 0; i < COUNT(never); i++)
		if (never[i] == NULL || !str_is_utf8(never[i], strlen(never[i])))
			return false;
	for (size_t i = 0; i < COUNT(maybe); i++)
		if (maybe[i] != NULL && !str_is_utf8(maybe[i], strlen(maybe[i])))
			return false;
	if (update->width < 0 || update->height < 0 || update->length_s < 0
		|| (update->kind == UPDATE_OTHER) != (*update->what != '\0'))
		return false;
	if (update->file_size < 0 || update->message_id < 0 || (file && update->file_id == NULL))
		return false;
	if ((update->kind == UPDATE_PRESS || update->kind == UPDATE_CHECKOUT) && update->query_id == NULL)
		return false;
	return (update->kind == UPDATE_IGNORED) == (update->person_id == 0);
}

static void test_table(struct arena *arena)
{
	for (size_t i = 0; i < COUNT(table); i++) {
		const struct update *want = &table[i].want;
		struct update got;
		struct buf body;

		body_read(table[i].file, &body);
		enum update_end end = update_read(buf_text(&body), body.length, arena, &got);

		ok(end == table[i].end && (end != UPDATE_READ || (got.id == want->id && is_sound(&got))),
			"%s", table[i].file);
		if (end == UPDATE_READ) {
			is_i64(got.kind, want->kind, "its kind");
			is_i64(got.person_id, want->person_id, "its person");
		}
		if (end == UPDATE_READ && want->kind != UPDATE_IGNORED) {
			ok(got.message_id == want->message_id && got.file_size == want->file_size, "its numbers");
			is_str(got.text, want->text ? want->text : "", "its text");
			is_str(got.command, want->command ? want->command : "", "its command");
			is_str(got.argument, want->argument ? want->argument : "", "its argument");
			is_str(got.file_id, want->file_id, "its file");
			is_str(got.group_id, want->group_id, "its album");
			is_str(got.query_id, want->query_id, "its query");
			is_str(got.data, want->data ? want->data : "", "its data");
			is_str(got.charge_id, want->charge_id ? want->charge_id : "", "its charge");
			is_str(got.mime, want->mime ? want->mime : "", "its type");
			ok(got.length_s == want->length_s && (got.kind == UPDATE_PHOTO || got.width == want->width)
				&& (got.kind == UPDATE_PHOTO || got.height == want->height), "its measures");
		}
		/* A payment names the chat, not who it is. */
		if (end == UPDATE_READ && want->kind != UPDATE_IGNORED && want->kind != UPDATE_PAYMENT) {
			is_str(got.lang, want->person_id == LADA ? "en" : "ru", "its language");
			is_str(got.username, want->person_id == LADA ? "lada_probe" : NULL, "its username");
			is_str(got.first_name, want->person_id == LADA ? "Лада" : "Иво 🚀", "its first name");
		}
		buf_free(&body);
	}
}

static void test_cut(struct arena *arena)
{
	static const char *const files[] = {"02-text-many-scripts", "06-album-video", "12-press"};

	for (size_t i = 0; i < COUNT(files); i++) {
		struct buf body;
		struct update got;
		bool good = true;

		body_read(files[i], &body);
		/* Each in memory of its own size, so that a look behind the end is seen. */
		for (size_t length = 0; length + 1 < body.length; length++) {
			char *cut = malloc(length + 1);

			memcpy(cut, buf_text(&body), length);
			good = update_read(cut, length, arena, &got) == UPDATE_NO_JSON && good;
			free(cut);
			arena_reset(arena);
		}
		ok(good && body.length > 100, "%s cut anywhere is no JSON", files[i]);
		buf_free(&body);
	}
}

/* Puts every wrong value in place of every member of the body, one after another, at any depth. */
static size_t wrong_types(json *root, json *at, struct arena *arena, bool *good)
{
	static const char *const values[] = {"null", "true", "-1 ", "0 ", "1.5 ", "9223372036854775807 ", "\"\"",
		"\"7\"", "[]", "{}", "[[]]", "99999999999999999999 "};
	size_t count = 0;
	json *names = json_new_array();

	if (json_object_is_type(at, json_type_object)) {
		json_object_object_foreach(at, key, value) {
			(void)value;
			json_push(names, json_object_new_string(key));
		}
	}
	for (size_t n = 0; n < json_count(names, ""); n++) {
		const char *name = json_object_get_string(json_object_array_get_idx(names, n));
		json *kept = json_object_get(json_at(at, name));

		for (size_t i = 0; i < COUNT(values); i++, count++) {
			struct update got;

			json_set(at, name, json_read(values[i], strlen(values[i])));
			const char *body = json_write(root);
			enum update_end end = update_read(body, strlen(body), arena, &got);

			if (at == root && !strcmp(name, "update_id") ? end != UPDATE_NO_ID
				: end != UPDATE_READ || !is_sound(&got)) {
				printf("# %s: %s\n", name, values[i]);
				*good = false;
			}
			arena_reset(arena);
		}
		json_set(at, name, json_object_get(kept));
		count += wrong_types(root, kept, arena, good);
		json_drop(kept);
	}
	for (size_t i = 0; i < json_count(at, ""); i++)
		count += wrong_types(root, json_object_array_get_idx(at, i), arena, good);
	json_drop(names);
	return count;
}

static void test_wrong_types(struct arena *arena)
{
	for (size_t i = 0; i < COUNT(table); i++) {
		struct buf body;
		bool good = true;

		body_read(table[i].file, &body);
		json *root = json_read(buf_text(&body), body.length);

		if (json_object_is_type(root, json_type_object) && table[i].end == UPDATE_READ) {
			size_t count = wrong_types(root, root, arena, &good);

			ok(good && count > 10, "%s with wrong types, %zu times", table[i].file, count);
		}
		json_drop(root);
		buf_free(&body);
	}
}

/* A private text message whose text is `piece` `count` times. */
static enum update_end read_long(const char *piece, size_t count, struct arena *arena,
	struct update *update)
{
	struct buf body;

	buf_init(&body, 4 << 20);
	buf_str(&body, "{\"update_id\":310000028,\"message\":{\"message_id\":528,\"from\":{\"id\":6100233445,"
		"\"is_bot\":false,\"first_name\":\"L\"},\"chat\":{\"id\":6100233445,\"type\":\"private\"},"
		"\"date\":1790000000,\"text\":\"");
	for (size_t i = 0; i < count; i++)
		buf_str(&body, piece);
	buf_str(&body, "\"}}");
	enum update_end end = update_read(buf_text(&body), body.length, arena, update);

	buf_free(&body);
	return end;
}

static void test_large(struct arena *arena)
{
	struct update got;
	struct buf body;

	ok(read_long("\\ud83d\\ude80", 4096, arena, &got) == UPDATE_READ && got.kind == UPDATE_TEXT
		&& strlen(got.text) == UPDATE_TEXT_MAX && str_points(got.text) == 4096,
		"28: the longest text there is, 4096 characters of two UTF-16 units");
	ok(read_long("\\ud83d\\ude80", 4097, arena, &got) == UPDATE_READ && got.kind == UPDATE_IGNORED
		&& got.person_id == 0, "one more is ignored");
	ok(read_long("A", 1000000, arena, &got) == UPDATE_READ && got.kind == UPDATE_IGNORED,
		"29: a text larger than any is ignored");
	buf_init(&body, 1 << 20);
	buf_str(&body, "{\"update_id\":310000036,\"message\":");
	for (int i = 0; i < 20000; i++)
		buf_char(&body, '[');
	for (int i = 0; i < 20000; i++)
		buf_char(&body, ']');
	buf_char(&body, '}');
	ok(update_read(buf_text(&body), body.length, arena, &got) == UPDATE_NO_JSON, "36: 20000 arrays deep");
	buf_free(&body);
	ok(update_read("", 0, arena, &got) == UPDATE_NO_JSON, "an empty body");
}

static void test_ids(struct arena *arena)
{
	static const struct {
		const char *body;
		enum update_end end;
	} cases[] = {
		{"{\"update_id\":1}", UPDATE_READ}, {"{\"update_id\":4503599627370495}", UPDATE_READ},
		{"{\"update_id\":0}", UPDATE_NO_ID}, {"{\"update_id\":-1}", UPDATE_NO_ID},
		{"{\"update_id\":4503599627370496}", UPDATE_NO_ID}, {"{\"update_id\":1.0}", UPDATE_NO_ID},
		{"{\"update_id\":\"1\"}", UPDATE_NO_ID}, {"{}", UPDATE_NO_ID}, {"null", UPDATE_NO_JSON},
		{"7 ", UPDATE_NO_ID}, {"\"x\"", UPDATE_NO_ID},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct update got;

		ok(update_read(cases[i].body, strlen(cases[i].body), arena, &got) == cases[i].end, "%s",
			cases[i].body);
	}
}

/* A text message in the private chat of a person with the given members. */
static void read_text(const char *text, const char *person, struct arena *arena, struct update *update)
{
	struct buf body;

	buf_init(&body, 65536);
	buf_fmt(&body, "{\"update_id\":5,\"message\":{\"message_id\":6,\"from\":{%s},\"chat\":{\"id\":7,"
		"\"type\":\"private\"},\"date\":1790000000,\"text\":\"%s\"}}", person, text);
	if (update_read(buf_text(&body), body.length, arena, update) != UPDATE_READ)
		update->kind = UPDATE_IGNORED;
	buf_free(&body);
}

static void test_commands(struct arena *arena)
{
	static const struct {
		const char *text, *command, *argument;
	} cases[] = {
		{"/start", "start", ""}, {"/START", "start", ""}, {"/start@atelier_probe_bot", "start", ""},
		{"/start@atelier_probe_bot x", "start", "x"}, {"/start  a b ", "start", "a b"},
		{"/start\\nx", "start", "x"}, {"/get\\t5", "get", "5"}, {"/a", "a", ""},
		{"/admin_stats", "admin_stats", ""}, {"/x\\u0430", "x\xd0\xb0", ""},
		{"/", NULL, NULL}, {"/ start", NULL, NULL}, {"/1", NULL, NULL}, {"//x", NULL, NULL},
		{" /start", NULL, NULL}, {"/\\u0430", NULL, NULL}, {"/@bot", NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct update got;

		read_text(cases[i].text, "\"id\":7,\"first_name\":\"\"", arena, &got);
		ok(got.kind == (cases[i].command ? UPDATE_COMMAND : UPDATE_TEXT)
			&& strcmp(got.command, cases[i].command ? cases[i].command : "") == 0
			&& strcmp(got.argument, cases[i].argument ? cases[i].argument : "") == 0, "\"%s\" is %s",
			cases[i].text, cases[i].command ? "a command" : "a text");
	}
}

static void test_people(struct arena *arena)
{
	static const struct {
		const char *person;
		bool good;
		const char *lang;
	} cases[] = {
		{"\"id\":7", true, "ru"}, {"\"id\":7,\"language_code\":\"en\"", true, "en"},
		{"\"id\":7,\"language_code\":\"en-US\"", true, "en"}, {"\"id\":7,\"language_code\":\"ru\"", true, "ru"},
		{"\"id\":7,\"language_code\":\"uk\"", true, "ru"}, {"\"id\":7,\"language_code\":5", true, "ru"},
		{"\"id\":4503599627370495", true, "ru"}, {"\"id\":4503599627370496", false, "ru"},
		{"\"id\":0", false, "ru"}, {"\"id\":-7", false, "ru"}, {"\"id\":\"7\"", false, "ru"},
		{"\"id\":7,\"is_bot\":true", false, "ru"}, {"", false, "ru"},
	};
	struct update got;

	for (size_t i = 0; i < COUNT(cases); i++) {
		read_text("x", cases[i].person, arena, &got);
		ok((got.kind == UPDATE_TEXT) == cases[i].good && (!cases[i].good
			|| strcmp(got.lang, cases[i].lang) == 0), "{%s} is %s", cases[i].person,
			cases[i].good ? "a person" : "nobody");
	}
	char person[2000], name[1001];

	memset(name, 0, sizeof name);
	for (size_t i = 0; i + 2 < sizeof name; i += 3)
		memcpy(name + i, "€", 3);
	snprintf(person, sizeof person, "\"id\":7,\"first_name\":\"%s\",\"username\":\"%.300s\"", name, name);
	read_text("x", person, arena, &got);
	ok(got.kind == UPDATE_TEXT && strlen(got.first_name) <= UPDATE_NAME_MAX
		&& str_is_utf8(got.first_name, strlen(got.first_name)) && got.username == NULL,
		"a name too long is cut, a username too long is none");
}

/* A private message with the given members. */
static void read_members(const char *members, struct arena *arena, struct update *update)
{
	struct buf body;

	buf_init(&body, 65536);
	buf_fmt(&body, "{\"update_id\":5,\"message\":{\"message_id\":6,\"from\":{\"id\":7},\"chat\":{\"id\":7,"
		"\"type\":\"private\"},\"date\":1790000000,%s}}", members);
	if (update_read(buf_text(&body), body.length, arena, update) != UPDATE_READ)
		abort();
	buf_free(&body);
}

#define FILE_ID "\"file_id\":\"F\""
#define PHOTO "\"photo\":[{\"file_id\":\"P\",\"width\":9,\"height\":8}]"

static void test_files(struct arena *arena)
{
	static const struct {
		const char *members;
		enum update_kind kind;
		const char *file, *mime, *what;
		int32_t width, height, length_s;
	} cases[] = {
		{"\"document\":{" FILE_ID ",\"mime_type\":\"image/gif\"}", UPDATE_IMAGE_FILE, "F", "image/gif", "", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"mime_type\":\"image/heic\",\"file_name\":\"a.jpg\"}", UPDATE_IMAGE_FILE, "F",
			"image/heic", "", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"mime_type\":\"video/mp4\"}", UPDATE_VIDEO, "F", "video/mp4", "", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"mime_type\":\"video/quicktime\"}", UPDATE_VIDEO, "F", "video/quicktime", "",
			0, 0, 0},
		{"\"document\":{" FILE_ID ",\"mime_type\":\"video/webm\"}", UPDATE_OTHER, NULL, "video/webm", "document",
			0, 0, 0},
		{"\"document\":{" FILE_ID ",\"mime_type\":\"application/pdf\",\"file_name\":\"a.png\"}", UPDATE_OTHER, NULL,
			"application/pdf", "document", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"file_name\":\"a.jpg\"}", UPDATE_IMAGE_FILE, "F", "image/jpeg", "", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"file_name\":\"a.JPEG\"}", UPDATE_IMAGE_FILE, "F", "image/jpeg", "", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"file_name\":\"../\u044f.png\"}", UPDATE_IMAGE_FILE, "F", "image/png", "",
			0, 0, 0},
		{"\"document\":{" FILE_ID ",\"file_name\":\"a.webp\"}", UPDATE_IMAGE_FILE, "F", "image/webp", "", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"file_name\":\"IMG.HEIC\"}", UPDATE_IMAGE_FILE, "F", "image/heic", "", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"file_name\":\"a.png\",\"mime_type\":\"application/octet-stream\"}",
			UPDATE_IMAGE_FILE, "F", "image/png", "", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"file_name\":\".png\"}", UPDATE_OTHER, NULL, "", "document", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"file_name\":\"png\"}", UPDATE_OTHER, NULL, "", "document", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"file_name\":\"a.png.exe\"}", UPDATE_OTHER, NULL, "", "document", 0, 0, 0},
		{"\"document\":{" FILE_ID "}", UPDATE_OTHER, NULL, "", "document", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"mime_type\":\"image/\xff\"}", UPDATE_IMAGE_FILE, "F", "image/?", "", 0, 0, 0},
		{"\"document\":{" FILE_ID ",\"mime_type\":\"image/gif\"},\"animation\":{" FILE_ID "}", UPDATE_OTHER, NULL,
			"image/gif", "animation", 0, 0, 0},
		{PHOTO ",\"document\":{" FILE_ID ",\"mime_type\":\"image/heic\"}", UPDATE_PHOTO, "P", "", "", 9, 8, 0},
		{PHOTO ",\"live_photo\":{" FILE_ID "}", UPDATE_PHOTO, "P", "", "", 9, 8, 0},
		{"\"video\":{" FILE_ID ",\"mime_type\":\"video/mp4\",\"width\":720,\"height\":1280,\"duration\":7}",
			UPDATE_VIDEO, "F", "video/mp4", "", 720, 1280, 7},
		{"\"video\":{" FILE_ID ",\"width\":-1,\"height\":2147483648,\"duration\":-7}", UPDATE_VIDEO, "F", "", "",
			0, 0, 0},
		{"\"video\":{" FILE_ID ",\"width\":2147483647,\"height\":\"9\",\"duration\":9223372036854775807}",
			UPDATE_VIDEO, "F", "", "", 2147483647, 0, 0},
		{"\"sticker\":{" FILE_ID "}", UPDATE_OTHER, NULL, "", "sticker", 0, 0, 0},
		{"\"voice\":{" FILE_ID ",\"duration\":3}", UPDATE_OTHER, NULL, "", "voice", 0, 0, 0},
		{"\"audio\":{" FILE_ID "}", UPDATE_OTHER, NULL, "", "audio", 0, 0, 0},
		{"\"video_note\":{" FILE_ID "}", UPDATE_OTHER, NULL, "", "video_note", 0, 0, 0},
		{"\"location\":{\"latitude\":1.5,\"longitude\":2.5}", UPDATE_OTHER, NULL, "", "location", 0, 0, 0},
		{"\"contact\":{}", UPDATE_OTHER, NULL, "", "contact", 0, 0, 0},
		{"\"pinned_message\":{}", UPDATE_IGNORED, NULL, "", "", 0, 0, 0},
	};
	struct update got;

	for (size_t i = 0; i < COUNT(cases); i++) {
		read_members(cases[i].members, arena, &got);
		if (!ok(got.kind == cases[i].kind && (got.kind == UPDATE_OTHER || (got.file_id ? cases[i].file
			&& !strcmp(got.file_id, cases[i].file) : !cases[i].file)) && !strcmp(got.mime, cases[i].mime)
			&& !strcmp(got.what, cases[i].what) && got.width == cases[i].width && got.height == cases[i].height
			&& got.length_s == cases[i].length_s && is_sound(&got), "file %zu", i))
			tap_show("body", cases[i].members);
	}
	char members[600], mime[400];

	memset(mime, 'x', sizeof mime - 1);
	mime[sizeof mime - 1] = '\0';
	snprintf(members, sizeof members, "\"document\":{" FILE_ID ",\"mime_type\":\"image/%s\"}", mime);
	read_members(members, arena, &got);
	ok(got.kind == UPDATE_IMAGE_FILE && *got.mime == '\0', "a type longer than any is none");
}

int main(void)
{
	struct arena *arena = arena_new(64 << 20);

	test_table(arena);
	test_cut(arena);
	test_wrong_types(arena);
	test_large(arena);
	test_ids(arena);
	test_commands(arena);
	test_people(arena);
	test_files(arena);
	arena_free(arena);
	return tap_done();
}
