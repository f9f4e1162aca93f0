/* Sentences: the first line is a sentence, the rest its arguments as JSON. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "provider/markup.h"

#include "fuzz.h"

#define OUT_MAX 65536

static char directory[] = "/dev/shm/atelier-fuzz-XXXXXX";

static void file_path(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s.json", directory, name);
}

static void tidy_up(void)
{
	char path[128];

	file_path("ru", path);
	unlink(path);
	file_path("en", path);
	unlink(path);
	rmdir(directory);
}

static void file_write(const char *name, const char *text)
{
	char path[128];

	file_path(name, path);
	FILE *file = fopen(path, "w");

	HOLDS(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void fill(const struct texts *texts, const char *lang, json *args)
{
	struct arena *arena = arena_new(1 << 20);
	struct buf out;

	buf_init(&out, OUT_MAX);
	(void)text_add(texts, lang, "s", args, &out);
	HOLDS(out.length <= OUT_MAX && strlen(markup_strip(buf_text(&out), arena)) <= out.length);
	buf_free(&out);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static bool ready;
	const uint8_t *line = memchr(bytes, '\n', size);
	size_t length = line == NULL ? size : (size_t)(line - bytes);
	json *sentences = json_new();
	struct buf errors;

	if (!ready) {
		HOLDS(mkdtemp(directory) != NULL);
		atexit(tidy_up);
		ready = true;
	}
	buf_init(&errors, 4096);
	json_set(sentences, "s", json_object_new_string_len((const char *)bytes, (int)length));
	json_set_text(sentences, "money.rub", "{n}{?k:,{k}} ₽");
	file_write("ru", json_write(sentences));
	file_write("en", json_write(sentences));
	json_drop(sentences);
	struct texts *texts = texts_read(directory, &errors);

	if (texts != NULL) {
		json *args = line == NULL ? NULL : json_read((const char *)line + 1, size - length - 1);

		fill(texts, "ru", args);
		fill(texts, "en", args);
		json_drop(args);
	}
	texts_free(texts);
	buf_free(&errors);
	return 0;
}
