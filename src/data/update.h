/* A Telegram update as we understand it: typed, bounded, clean. Source: Bot API, type Update. */
#ifndef DATA_UPDATE_H
#define DATA_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"

#define UPDATE_ID_MAX INT64_C(4503599627370495) /* ids have at most 52 significant bits */
#define UPDATE_TEXT_MAX 16384                   /* bytes: 4096 code points of 4 */
#define UPDATE_NAME_MAX 256                     /* bytes kept of a name */

enum update_kind {
	UPDATE_IGNORED,         /* authentic, nothing for us: polls, channels, edits, groups, what is yet to come */
	UPDATE_TEXT,
	UPDATE_COMMAND,         /* text that begins with /word: command and argument are set */
	UPDATE_PHOTO,
	UPDATE_VIDEO,
	UPDATE_IMAGE_FILE,      /* a document that says it is an image */
	UPDATE_OTHER,           /* what is neither words nor picture nor film: what says which */
	UPDATE_PRESS,           /* a button: query_id and data are set; message_id 0 when it is out of reach */
	UPDATE_BLOCKED,         /* the person stopped the bot */
	UPDATE_UNBLOCKED,
	UPDATE_CHECKOUT,        /* Telegram asks whether a payment may go through; query_id is set */
	UPDATE_PAYMENT,         /* Telegram says that money moved (paid or refunded); charge_id is set */
	UPDATE_KIND_COUNT,
};

struct update {
	int64_t id;
	enum update_kind kind;
	int64_t person_id;      /* also the private chat; 0 only when UPDATE_IGNORED */
	int64_t message_id;     /* of the message, or of the one whose button was pressed; 0: none */
	const char *first_name; /* "" when absent */
	const char *username;   /* null when absent */
	const char *lang;       /* "ru" or "en" */
	const char *text;       /* text or caption; "" when absent */
	const char *command;    /* without the slash and the @name, lower case */
	const char *argument;   /* what follows the command, trimmed; "" */
	const char *query_id;
	const char *data;       /* "" when absent */
	const char *file_id;    /* largest photo, video or document; null when absent */
	int64_t file_size;      /* bytes; 0: not told */
	const char *mime;       /* as Telegram tells it; "" when absent */
	int32_t width, height;  /* of a photo or video; 0: not told */
	int32_t length_s;       /* of a video; 0: not told */
	const char *what;       /* of UPDATE_OTHER: sticker, voice, audio, video_note, animation, document, …; else "" */
	const char *charge_id;  /* telegram_payment_charge_id; "" when absent */
	const char *group_id;   /* of an album; null when absent */
};

enum update_end {
	UPDATE_READ,
	UPDATE_NO_JSON,         /* not JSON, or too deep */
	UPDATE_NO_ID,           /* JSON, but not an update: no whole update_id within range */
};

/* Parses a body. All texts live in the arena, are UTF-8 without NUL. Anything strange inside an update makes it
 * UPDATE_IGNORED, never an error: an authentic update must not block its chat. */
MUST_CHECK enum update_end update_read(const char *body, size_t length, struct arena *arena, struct update *update);

#endif
