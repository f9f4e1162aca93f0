/* Bodies made of texts and files, read a chunk at a time. */
#include "http/body.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

bool body_open(struct body *body, const struct call_piece *pieces, size_t count, int64_t *length)
{
	*body = (struct body){.pieces = pieces, .count = count, .fd = -1};
	*length = 0;
	must(count <= CALL_PIECES_MAX);
	for (size_t i = 0; i < count; i++) {
		int64_t size = pieces[i].path != NULL ? size_of(pieces[i].path) : (int64_t)strlen(pieces[i].text);

		if (size < 0 || size > CALL_FILE_MAX)
			return false;
		body->sizes[i] = size;
		*length += pieces[i].path != NULL ? (size + 2) / 3 * 4 : size;
	}
	return true;
}

void body_close(struct body *body)
{
	if (body->fd >= 0)
		close(body->fd);
	body->fd = -1;
}

/* Fills `ready` from the file under way. False when it is not what it was. */
static bool file_encode(struct body *body)
{
	unsigned char raw[BODY_CHUNK];
	size_t want = body->left < (int64_t)sizeof raw ? (size_t)body->left : sizeof raw;
	size_t got = 0;

	while (got < want) {
		ssize_t count = read(body->fd, raw + got, want - got);

		if (count <= 0)
			return false;
		got += (size_t)count;
	}
	/* The encoder ends its text with a NUL, for which `ready` has no room. */
	char text[sizeof body->ready + 1];

	body->ready_count = (size_t)EVP_EncodeBlock((unsigned char *)text, raw, (int)got);
	body->ready_taken = 0;
	memcpy(body->ready, text, body->ready_count);
	body->left -= (int64_t)got;
	return true;
}

static bool file_begin(struct body *body, const char *path)
{
	body->fd = open(path, O_RDONLY | O_CLOEXEC);
	body->left = body->sizes[body->at];
	/* The length has been told: one that is another now would spoil what follows. */
	return body->fd >= 0 && size_of(path) == body->left;
}

/* The next bytes of the piece under way; 0: it is over. */
static int64_t piece_read(struct body *body, char *out, size_t room)
{
	const struct call_piece *piece = &body->pieces[body->at];

	if (piece->path == NULL) {
		size_t left = strlen(piece->text) - body->offset;
		size_t count = left < room ? left : room;

		memcpy(out, piece->text + body->offset, count);
		body->offset += count;
		return (int64_t)count;
	}
	if (body->fd < 0 && !file_begin(body, piece->path))
		return -1;
	if (body->ready_taken == body->ready_count && body->left > 0 && !file_encode(body))
		return -1;
	size_t left = body->ready_count - body->ready_taken;
	size_t count = left < room ? left : room;

	memcpy(out, body->ready + body->ready_taken, count);
	body->ready_taken += count;
	return (int64_t)count;
}

int64_t body_read(struct body *body, char *out, size_t room)
{
	size_t done = 0;

	while (done < room && body->at < body->count) {
		int64_t count = piece_read(body, out + done, room - done);

		if (count < 0)
			return -1;
		done += (size_t)count;
		if (count == 0) {
			body_close(body);
			body->at++;
			body->offset = 0;
			body->ready_count = body->ready_taken = 0;
		}
	}
	return (int64_t)done;
}
