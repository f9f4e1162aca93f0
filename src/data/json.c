/* JSON by path over json-c. */
#include "data/json.h"

#include <string.h>

#include "base/str.h"

json *json_read(const char *bytes, size_t length)
{
	if (length == 0 || length > INT32_MAX)
		return NULL;
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	must(tokener);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	json *value = json_tokener_parse_ex(tokener, bytes, (int)length);
	enum json_tokener_error end = json_tokener_get_error(tokener);
	size_t used = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (end != json_tokener_success) {
		json_drop(value);       /* a bare number at the very end is "continue": no document of ours */
		return NULL;
	}
	while (used < length && strchr(" \t\r\n", bytes[used]) && bytes[used])
		used++;
	if (used != length) {
		json_drop(value);
		return NULL;
	}
	return value;
}

size_t json_wrong_at(const char *bytes, size_t length)
{
	if (length == 0 || length > INT32_MAX)
		return 0;
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	must(tokener);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	json_drop(json_tokener_parse_ex(tokener, bytes, (int)length));
	size_t used = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	return used;
}

void json_drop(json *value)
{
	json_object_put(value);
}

static json *step(json *value, const char *name, size_t length)
{
	char key[64];
	if (length >= sizeof key)
		return NULL;
	memcpy(key, name, length);
	key[length] = '\0';
	if (json_object_is_type(value, json_type_array)) {
		int64_t index;
		if (!str_to_i64(key, 0, INT32_MAX, &index))
			return NULL;
		return json_object_array_get_idx(value, (size_t)index);
	}
	json *child = NULL;
	if (json_object_is_type(value, json_type_object))
		json_object_object_get_ex(value, key, &child);
	return child;
}

json *json_at(json *value, const char *path)
{
	while (value && *path) {
		size_t length = strcspn(path, ".");
		value = step(value, path, length);
		path += length + (path[length] == '.');
	}
	return value;
}

const char *json_text(json *value, const char *path)
{
	json *at = json_at(value, path);
	return json_object_is_type(at, json_type_string) ? json_object_get_string(at) : NULL;
}

bool json_i64(json *value, const char *path, int64_t *out)
{
	json *at = json_at(value, path);
	if (!json_object_is_type(at, json_type_int))
		return false;
	int64_t number = json_object_get_int64(at);
	/* json-c keeps what exceeds int64 as uint64, and clamps: such a number is not one of ours.
	 * Below int64 it clamps unseen, so the least number of all is none of ours either. */
	if ((json_object_get_uint64(at) > INT64_MAX && number > 0) || number == INT64_MIN)
		return false;
	*out = number;
	return true;
}

bool json_true(json *value, const char *path)
{
	json *at = json_at(value, path);
	return json_object_is_type(at, json_type_boolean) && json_object_get_boolean(at);
}

size_t json_count(json *value, const char *path)
{
	json *at = json_at(value, path);
	return json_object_is_type(at, json_type_array) ? json_object_array_length(at) : 0;
}

char *json_text_clean(json *value, const char *path, struct arena *arena)
{
	json *at = json_at(value, path);
	if (!json_object_is_type(at, json_type_string))
		return NULL;
	size_t length = (size_t)json_object_get_string_len(at);
	char *copy = arena_text(arena, json_object_get_string(at), length);
	copy[str_clean(copy, length)] = '\0';
	return copy;
}

json *json_new(void)
{
	json *object = json_object_new_object();
	must(object);
	return object;
}

json *json_new_array(void)
{
	json *array = json_object_new_array();
	must(array);
	return array;
}

void json_set(json *object, const char *name, json *child)
{
	must(json_object_object_add(object, name, child) == 0);
}

void json_set_text(json *object, const char *name, const char *text)
{
	if (text)
		json_set(object, name, json_object_new_string(text));
}

void json_set_i64(json *object, const char *name, int64_t number)
{
	json_set(object, name, json_object_new_int64(number));
}

void json_set_bool(json *object, const char *name, bool truth)
{
	json_set(object, name, json_object_new_boolean(truth));
}

void json_push(json *array, json *child)
{
	must(json_object_array_add(array, child) == 0);
}

json *json_copy(json *value)
{
	json *copy = NULL;
	if (!value)
		return NULL;
	must(json_object_deep_copy(value, &copy, NULL) == 0);
	return copy;
}

const char *json_write(json *value)
{
	return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}
