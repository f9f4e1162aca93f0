/* The places of files in a request. */
#include "provider/place.h"

#include <string.h>

#include "base/str.h"

#define TOKEN_LETTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"

const char *place_url(const struct task *task, size_t n, const struct provider_setting *setting,
	struct arena *arena)
{
	const char *token = json_text(task->payload, arena_fmt(arena, "files.%zu.token", n));

	if (token == NULL || *token == '\0' || token[strspn(token, TOKEN_LETTERS)] != '\0')
		return NULL;
	return arena_fmt(arena, "%s/media/%s", conf_text(setting->conf, "WEBHOOK_BASE_URL"), token);
}

/* Sets one place; *n counts the files that have one. */
static bool place_set(const struct task *task, const char *place, const struct provider_setting *setting,
	struct arena *arena, json *input, size_t *n)
{
	size_t count = json_count(task->payload, "files"), length = strlen(place);
	bool list = length > 2 && str_equal(place + length - 2, "[]");
	json *urls = list ? json_new_array() : NULL;

	do {
		const char *url = place_url(task, *n, setting, arena);

		if (url == NULL) {
			json_drop(urls);
			return false;
		}
		if (list)
			json_push(urls, json_object_new_string(url));
		else
			json_set_text(input, place, url);
		(*n)++;
	} while (list && *n < count);
	if (list)
		json_set(input, arena_text(arena, place, length - 2), urls);
	return true;
}

json *place_input(const struct task *task, const struct provider_setting *setting, struct arena *arena)
{
	json *input = json_copy(json_at(task->payload, "input"));
	size_t n = 0;
	bool good = json_object_is_type(input, json_type_object);

	for (size_t i = 0; good && i < json_count(task->payload, "places"); i++) {
		const char *place = json_text(task->payload, arena_fmt(arena, "places.%zu", i));

		good = place != NULL && *place != '\0' && place_set(task, place, setting, arena, input, &n);
	}
	if (good && n == json_count(task->payload, "files"))
		return input;
	json_drop(input);
	return NULL;
}
