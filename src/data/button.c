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
	[BUTTON_CANCEL] = {"x", false, true},
	[BUTTON_GO] = {"go", false, true},
	[BUTTON_NO] = {"no", false, true},
	[BUTTON_AGAIN] = {"again", false, true},
	[BUTTON_UPSCALE] = {"up", false, true},
	[BUTTON_CHANGE] = {"ch", false, true},
	[BUTTON_ORIGINAL] = {"orig", false, true},
	[BUTTON_DONE] = {"ok", false, true},
	[BUTTON_USE] = {"use", true, true},
	[BUTTON_FAMILY] = {"vm", true, true},
	[BUTTON_LENGTH] = {"vl", true, true},
	[BUTTON_FORGET] = {"forget", false, true},
	[BUTTON_ALBUM] = {"al", false, true},
	[BUTTON_MODELS] = {"mod", false, true},
	[BUTTON_OFFER] = {"of", true, true},
	[BUTTON_RATIOS] = {"rats", false, true},
	[BUTTON_RATIO] = {"ra", true, true},
	[BUTTON_BACK] = {"back", false, true},
	[BUTTON_TERMS] = {"terms", false, false},
	[BUTTON_ACCEPT] = {"yes", false, true},
	[BUTTON_ACCEPT_PAY] = {"yespay", false, false},
	[BUTTON_LANG] = {"lang", true, false},
	[BUTTON_JOBS] = {"jobs", false, false},
	[BUTTON_JOB_CANCEL] = {"jc", false, true},
	[BUTTON_HISTORY] = {"hist", false, true},
	[BUTTON_GET] = {"get", false, true},
	[BUTTON_ADMIN] = {"a", true, false},
	[BUTTON_ADMIN_ON] = {"ao", true, true},
	[BUTTON_REFUND] = {"arf", true, true},
	[BUTTON_PRICE] = {"apr", true, false},
	[BUTTON_BROADCAST] = {"abc", true, true},
};

void button_write(const struct button *button, char out[BUTTON_BYTES])
{
	must(button->verb < BUTTON_VERB_COUNT);
	const char *name = verbs[button->verb].name;
	bool word = verbs[button->verb].word;
	int length;
	if (verbs[button->verb].number)
		length = snprintf(out, BUTTON_BYTES, "%s:%" PRId64 "%s%s", name, button->number, word ? ":" : "",
			word ? button->word : "");
	else
		length = snprintf(out, BUTTON_BYTES, "%s%s%s", name, word ? ":" : "", word ? button->word : "");
	must(length > 0 && length < BUTTON_BYTES);
}

bool button_is_word(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
	return length > 0 && !text[length] && length < BUTTON_WORD_BYTES;
}

/* Reads ":NUMBER" at *rest and moves behind it. */
static int read_number(const char **rest, int64_t *number)
{
	char digits[24];
	size_t length = **rest == ':' ? strcspn(*rest + 1, ":") : 0;
	if (length == 0 || length >= sizeof digits || (*rest)[1] == '0')
		return -1;
	memcpy(digits, *rest + 1, length);
	digits[length] = '\0';
	*rest += length + 1;
	return str_to_i64(digits, 1, INT64_MAX, number) ? 0 : -1;
}

int button_read(const char *data, struct button *button)
{
	size_t length = strcspn(data, ":");
	for (size_t i = 0; i < BUTTON_VERB_COUNT; i++) {
		const char *rest = data + length;
		if (strlen(verbs[i].name) != length || memcmp(verbs[i].name, data, length) != 0)
			continue;
		*button = (struct button){.verb = (enum button_verb)i};
		if (verbs[i].number && read_number(&rest, &button->number))
			return -1;
		if (!verbs[i].word)
			return *rest ? -1 : 0;
		if (*rest != ':' || !button_is_word(rest + 1))
			return -1;
		memcpy(button->word, rest + 1, strlen(rest + 1) + 1);
		return 0;
	}
	return -1;
}
