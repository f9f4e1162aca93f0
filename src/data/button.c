/* callback_data: written and read in one place. */
#include "data/button.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const struct {
	const char *name;
	bool word;
	bool number;
} verbs[BUTTON_VERB_COUNT] = {
	[BUTTON_MENU] = {"menu", false, false},
	[BUTTON_MODE] = {"m", true, false},
	[BUTTON_PAY] = {"pay", false, false},
	[BUTTON_TOPUP] = {"top", false, true},
	[BUTTON_SUM] = {"sum", false, false},
	[BUTTON_PACKAGE] = {"pack", true, false},
	[BUTTON_CHECK] = {"check", false, true},
	[BUTTON_STATEMENT] = {"st", false, true},
	[BUTTON_CSV] = {"csv", false, false},
	[BUTTON_CANCEL] = {"x", false, false},
	[BUTTON_GO] = {"go", false, true},
	[BUTTON_NO] = {"no", false, true},
	[BUTTON_AGAIN] = {"again", false, true},
	[BUTTON_UPSCALE] = {"up", false, true},
	[BUTTON_CHANGE] = {"ch", false, true},
	[BUTTON_ORIGINAL] = {"orig", false, true},
};

void button_write(const struct button *button, char out[BUTTON_BYTES])
{
	must(button->verb < BUTTON_VERB_COUNT);
	int length;
	if (verbs[button->verb].word)
		length = snprintf(out, BUTTON_BYTES, "%s:%s", verbs[button->verb].name, button->word);
	else if (verbs[button->verb].number)
		length = snprintf(out, BUTTON_BYTES, "%s:%" PRId64, verbs[button->verb].name, button->number);
	else
		length = snprintf(out, BUTTON_BYTES, "%s", verbs[button->verb].name);
	must(length > 0 && length < BUTTON_BYTES);
}

bool button_is_word(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	return length > 0 && !text[length] && length < sizeof ((struct button *)0)->word;
}

int button_read(const char *data, struct button *button)
{
	size_t length = strcspn(data, ":");
	const char *rest = data[length] ? data + length + 1 : NULL;
	for (size_t i = 0; i < BUTTON_VERB_COUNT; i++) {
		if (strlen(verbs[i].name) != length || memcmp(verbs[i].name, data, length) != 0)
			continue;
		*button = (struct button){.verb = (enum button_verb)i};
		if (!verbs[i].word && !verbs[i].number)
			return rest ? -1 : 0;
		if (!rest)
			return -1;
		if (verbs[i].number)
			return *rest != '0' && str_to_i64(rest, 1, INT64_MAX, &button->number) ? 0 : -1;
		if (!button_is_word(rest))
			return -1;
		memcpy(button->word, rest, strlen(rest) + 1);
		return 0;
	}
	return -1;
}
