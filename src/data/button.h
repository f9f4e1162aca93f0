/* What a button carries in callback_data (1–64 bytes, Bot API): a verb, perhaps a word, perhaps a number.
 * It comes back from an untrusted client: every use is checked against the person in the database. */
#ifndef DATA_BUTTON_H
#define DATA_BUTTON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

#define BUTTON_BYTES 65         /* with the NUL */

enum button_verb {
	BUTTON_MENU,            /* the main menu */
	BUTTON_MODE,            /* a mode of the main menu; word: its name */
	BUTTON_PAY,             /* purses and payment */
	BUTTON_TOPUP,           /* a top-up in roubles; number: how many */
	BUTTON_SUM,             /* «Другая сумма» */
	BUTTON_PACKAGE,         /* a package of credits; word: its id */
	BUTTON_CHECK,           /* «Проверить статус»; number: the payment */
	BUTTON_STATEMENT,       /* a page of the statement; number: the movement it begins before */
	BUTTON_CSV,             /* the statement as a file */
	BUTTON_CANCEL,          /* leaves the dialog step */
	BUTTON_GO,              /* «Запустить»; number: the quote */
	BUTTON_NO,              /* «Отмена» of a quote; number: the quote */
	BUTTON_AGAIN,           /* under a result; number: the job, as in the next three */
	BUTTON_UPSCALE,
	BUTTON_CHANGE,
	BUTTON_ORIGINAL,
	BUTTON_VERB_COUNT,
};

struct button {
	enum button_verb verb;
	char word[24];          /* "" for none */
	int64_t number;         /* 0 for none */
};

void button_write(const struct button *button, char out[BUTTON_BYTES]);
MUST_CHECK int button_read(const char *data, struct button *button);    /* 0, or -1 for what we never wrote */
bool button_is_word(const char *text);          /* small letters and _, short enough for struct button */

#endif
