/* Bodies of the webhook: JSON, updates, and what the conversation asks for. */
#include "base/str.h"
#include "data/json.h"
#include "data/update.h"
#include "flow/flow.h"

#include "fuzz.h"

static void check_text(const char *text)
{
	HOLDS(text == NULL || str_is_utf8(text, strlen(text)));
}

static void check_update(const struct update *update)
{
	struct needs needs;

	HOLDS(update->first_name && update->lang && update->text && update->command && update->argument
		&& update->data && update->charge_id && update->mime && update->what);
	check_text(update->first_name);
	check_text(update->username);
	check_text(update->text);
	check_text(update->command);
	check_text(update->argument);
	check_text(update->query_id);
	check_text(update->data);
	check_text(update->file_id);
	check_text(update->group_id);
	check_text(update->charge_id);
	check_text(update->mime);
	check_text(update->what);
	HOLDS(update->id > 0 && update->id <= UPDATE_ID_MAX && update->kind < UPDATE_KIND_COUNT);
	HOLDS((update->kind == UPDATE_IGNORED) == (update->person_id == 0));
	HOLDS(update->person_id >= 0 && update->message_id >= 0 && update->file_size >= 0);
	HOLDS(update->width >= 0 && update->height >= 0 && update->length_s >= 0);
	HOLDS((update->kind == UPDATE_OTHER) == (*update->what != '\0'));
	HOLDS(strlen(update->text) <= UPDATE_TEXT_MAX);
	flow_needs(update, &needs);
	HOLDS(needs.job >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct arena *arena = arena_new(16u << 20);
	struct update update;
	json *value = json_read((const char *)bytes, size);

	if (value != NULL) {
		const char *text = json_write(value);
		json *again = json_read(text, strlen(text));

		/* A bare number at the very end is no document of ours. */
		HOLDS(again != NULL || !(json_object_is_type(value, json_type_object)
			|| json_object_is_type(value, json_type_array)));
		json_drop(again);
	}
	json_drop(value);
	if (update_read((const char *)bytes, size, arena, &update) == UPDATE_READ)
		check_update(&update);
	arena_free(arena);
	return 0;
}
