/* A message ready to be sent: rendered words and keyboard. */
#ifndef DATA_REPLY_H
#define DATA_REPLY_H

#include "data/json.h"

#define REPLY_TEXT_MAX 32768    /* bytes with markup (facts: Text is too long beyond) */

struct reply {
	char *text;             /* HTML; in the arena */
	json *keyboard;         /* reply_markup as Telegram takes it, or null; owned by the caller */
};

#endif
