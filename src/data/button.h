/* What a button carries in callback_data (1–64 bytes, Bot API): a verb, perhaps a number, perhaps a word.
 * It comes back from an untrusted client: every use is checked against the person in the database. */
#ifndef DATA_BUTTON_H
#define DATA_BUTTON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

#define BUTTON_BYTES 65         /* with the NUL */
#define BUTTON_WORD_BYTES 40    /* with the NUL; beside a verb and a number of 19 digits it still fits */

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
	BUTTON_CANCEL,          /* leaves the dialog step; number: the dialog, as in those marked * */
	BUTTON_GO,              /* «Запустить»; number: the quote */
	BUTTON_NO,              /* «Отмена» of a quote; number: the quote */
	BUTTON_AGAIN,           /* under a result; number: the job, as in the next three */
	BUTTON_UPSCALE,
	BUTTON_CHANGE,
	BUTTON_ORIGINAL,
	BUTTON_DONE,            /* * «Готово»: no more photos */
	BUTTON_USE,             /* * what to do with the photo that came alone; word: a mode */
	BUTTON_FAMILY,          /* * a video model; word: its family */
	BUTTON_LENGTH,          /* * of the film; word: seconds */
	BUTTON_FORGET,          /* * yes, forget me */
	BUTTON_ALBUM,           /* merge an album; number: the album */
	BUTTON_MODELS,          /* other models for a quote; number: the quote, as in the next four */
	BUTTON_OFFER,           /* word: the id of an offer */
	BUTTON_RATIOS,          /* other formats */
	BUTTON_RATIO,           /* word: as in the catalogue: 16x9 */
	BUTTON_BACK,            /* back to the confirm screen */
	BUTTON_TERMS,           /* the terms' text */
	BUTTON_ACCEPT,          /* the terms are accepted, and the quote is started; number: the quote */
	BUTTON_ACCEPT_PAY,      /* … and a payment is to be made */
	BUTTON_LANG,            /* word: ru or en */
	BUTTON_JOBS,            /* jobs under way */
	BUTTON_JOB_CANCEL,      /* number: the job */
	BUTTON_HISTORY,         /* a page of own jobs; number: the job it begins before */
	BUTTON_GET,             /* a result once more; number: the job */
	BUTTON_ADMIN,           /* a page of the admins; word: which */
	BUTTON_ADMIN_ON,        /* something an admin does to one thing; word: what, number: the thing */
	BUTTON_REFUND,          /* number: the payment, word: kopecks */
	BUTTON_PRICE,           /* back to the catalogue's price; word: the offer */
	BUTTON_BROADCAST,       /* number: the broadcast, word: what to do, or a segment */
	BUTTON_VERB_COUNT,
};

struct button {
	enum button_verb verb;
	char word[BUTTON_WORD_BYTES];   /* "" for none */
	int64_t number;         /* 0 for none */
};

void button_write(const struct button *button, char out[BUTTON_BYTES]);
MUST_CHECK int button_read(const char *data, struct button *button);    /* 0, or -1 for what we never wrote */
bool button_is_word(const char *text);          /* small letters, digits, _ . and -, short enough for struct button */

#endif
