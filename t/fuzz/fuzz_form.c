/* Urlencoded forms: what is read is written back to the same fields, and a callback is ours only if its sign is. */
#include "data/form.h"
#include "data/money.h"
#include "data/sign.h"
#include "data/strict.h"

#include "fuzz.h"

static void form_try(const char *text, size_t length, struct arena *arena)
{
	struct form form, again;
	struct buf out;

	if (form_read(text, length, arena, &form) != 0)
		return;
	HOLDS(form.count <= FORM_FIELDS_MAX);
	buf_init(&out, 4u << 20);
	for (size_t i = 0; i < form.count; i++) {
		HOLDS(*form.fields[i].name != '\0' && strlen(form.fields[i].value) <= FORM_VALUE_BYTES);
		HOLDS(form_value(&form, form.fields[i].name) == form.fields[i].value);
		form_add(&out, form.fields[i].name, form.fields[i].value);
	}
	HOLDS(form_read(buf_text(&out), out.length, arena, &again) == 0 && again.count == form.count);
	for (size_t i = 0; i < form.count; i++)
		HOLDS(strcmp(form.fields[i].name, again.fields[i].name) == 0
			&& strcmp(form.fields[i].value, again.fields[i].value) == 0);
	HOLDS(!betatransfer_callback_check("", &form));
	(void)betatransfer_callback_check("sec_probe_key", &form);
	buf_free(&out);
}

/* Whatever strict_read takes has no name twice: written and read it is the same. */
static void strict_try(const char *text, size_t length)
{
	json *value = strict_read(text, length);
	int64_t hundredths;
	char written[MONEY_TEXT_BYTES];

	/* A bare number alone is no document of ours. */
	if (json_object_is_type(value, json_type_object) || json_object_is_type(value, json_type_array)) {
		const char *plain = json_write(value);
		json *again = strict_read(plain, strlen(plain));

		HOLDS(again != NULL);
		json_drop(again);
	}
	json_drop(value);
	if (money_parse(text, &hundredths) == 0) {
		int64_t back;

		money_write(hundredths, written);
		HOLDS(hundredths >= 0 && money_parse(written, &back) == 0 && back == hundredths);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct arena *arena;

	if (arena == NULL)
		arena = arena_new(64u << 20);
	arena_reset(arena);
	char *text = malloc(size + 1);

	memcpy(text, bytes, size);
	text[size] = '\0';
	form_try(text, size, arena);
	strict_try(text, size);
	free(text);
	return 0;
}
