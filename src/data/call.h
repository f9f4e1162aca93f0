/* One call to the outside as a value: what an adapter asks for, and what came back. No I/O here. */
#ifndef DATA_CALL_H
#define DATA_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALL_HEADERS_MAX 8
#define CALL_PARTS_MAX 16
#define CALL_ANSWER_MAX (4u << 20)      /* bytes of an answer kept in memory */
#define CALL_FILE_MAX (64u << 20)       /* bytes of an answer written to a file */

struct call_part {              /* of a multipart/form-data body */
	const char *name;
	const char *value;      /* the text when path is null; with a file_name it goes as a file */
	const char *path;       /* a file to send */
	const char *file_name;  /* as told to the other side */
	const char *type;
};

struct call_piece {             /* of a body put together while it is sent; exactly one of the two is set */
	const char *text;
	const char *path;       /* a file, as base64 without line ends (RFC 4648) */
};
#define CALL_PIECES_MAX 40

struct call {
	const char *verb;               /* "GET", "POST", "PUT" */
	const char *url;                /* may hold a secret: never logged; `name` is */
	const char *name;               /* for the log: "telegram sendMessage" */
	const char *headers[CALL_HEADERS_MAX];  /* "Name: value"; ends with null unless full */
	const char *body;               /* or null */
	size_t body_length;
	const struct call_piece *pieces;        /* or null; else body is ignored */
	size_t piece_count;
	struct call_part parts[CALL_PARTS_MAX];
	size_t part_count;              /* > 0: multipart, body is ignored */
	const char *save_path;          /* the answer of a 200 goes to this new file, not to memory */
	bool guarded;                   /* an address from outside: held against http/guard */
	bool fresh;                     /* on a new connection: a kept one may just be closing */
	int64_t start_by;               /* on clock_mono_ms; not begun later than that. 0: whenever */
	int32_t connect_ms;             /* 0 in these three: what http/client.h says */
	int32_t total_ms;
	size_t answer_max;
};

enum answer_end {
	ANSWER_CAME,            /* status and body are valid */
	ANSWER_NOT_SENT,        /* nothing reached the other side: no address, refused, TLS failed */
	ANSWER_UNKNOWN,         /* sent, or partly; no whole answer came */
	ANSWER_REFUSED,         /* our own rules: forbidden address, too large; text says which */
};

struct answer {
	enum answer_end end;
	long status;
	const char *body;               /* NUL-terminated; "" when saved to a file */
	size_t body_length;             /* of a saved file: its bytes */
	int64_t retry_after_s;          /* of a Retry-After header in seconds; -1: none */
	const char *fal_retryable;      /* x-fal-retryable, or null; the two below likewise */
	const char *fal_error_type;     /* x-fal-error-type */
	const char *fal_timeout_type;   /* x-fal-request-timeout-type */
	bool disk;                      /* REFUSED, because what came could not be written to the disk: our fault */
	bool late;                      /* NOT_SENT, because its turn came after start_by */
	char text[160];                 /* what went wrong, without address or secret */
};

#endif
