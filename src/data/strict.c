/* Of two members of one name json-c keeps the last one; another reader may take the first. */
#include "data/strict.h"

#include <string.h>

/* Members of all objects within. json_read has bounded the depth. */
static size_t members(json *value)
{
	size_t count = 0;

	for (size_t i = 0; i < json_count(value, ""); i++)
		count += members(json_object_array_get_idx(value, i));
	if (!json_object_is_type(value, json_type_object))
		return count;
	json_object_object_foreach(value, key, child) {
		(void)key;
		count += 1 + members(child);
	}
	return count;
}

/* Colons outside texts: one for each member that was written. More than there can be when a name stands in single
 * quotes, which json-c takes even when told to be strict. */
static size_t colons(const char *bytes, size_t length)
{
	size_t count = 0;
	bool text = false;

	for (size_t i = 0; i < length; i++) {
		if (text && bytes[i] == '\\')
			i++;
		else if (bytes[i] == '"')
			text = !text;
		else if (!text && bytes[i] == '\'')
			return SIZE_MAX;
		else if (!text && bytes[i] == ':')
			count++;
	}
	return count;
}

json *strict_read(const char *bytes, size_t length)
{
	json *value = json_read(bytes, length);

	if (value == NULL || members(value) == colons(bytes, length))
		return value;
	json_drop(value);
	return NULL;
}

const char *strict_text(json *value, const char *path)
{
	json *at = json_at(value, path);

	if (!json_object_is_type(at, json_type_string))
		return NULL;
	const char *text = json_object_get_string(at);

	return strlen(text) == (size_t)json_object_get_string_len(at) ? text : NULL;
}
