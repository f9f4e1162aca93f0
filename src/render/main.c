/* render: one untrusted picture from descriptor 0 to a clean one on descriptor 1, then it is gone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "render/cage.h"
#include "render/caption.h"
#include "render/chart.h"
#include "render/picture.h"

#define MAIN_USAGE "render picture|text|chart"
#define MAIN_TEXT_FD 3
#define MAIN_LINE_MAX 100

/* One line on descriptor 2, then the end: no library gets to run again. */
static _Noreturn void leave(int status, const char *line)
{
	if (fd_write_all(STDERR_FILENO, line, __builtin_strlen(line)) != FD_OK)
		status = 1;
	_exit(status);
}

static _Noreturn void leave_refused(enum picture_end end)
{
	static const char *const words[] = {
		[PICTURE_NONE] = "not-an-image\n", [PICTURE_TOO_LARGE] = "too-large\n",
		[PICTURE_BROKEN] = "broken\n",
	};

	leave(1, words[end]);
}

static _Noreturn void run(const struct caption *caption)
{
	struct buf input;
	struct picture picture;
	char line[MAIN_LINE_MAX];

	buf_init(&input, PICTURE_INPUT_MAX);
	if (fd_read_all(STDIN_FILENO, &input) != FD_OK)
		leave_refused(errno == EFBIG ? PICTURE_TOO_LARGE : PICTURE_BROKEN);
	enum picture_end end = picture_make_captioned(buf_text(&input), input.length, caption, &picture);

	if (end != PICTURE_MADE)
		leave_refused(end);
	if (fd_write_all(STDOUT_FILENO, picture.bytes, picture.size) != FD_OK)
		leave(1, "not-written\n");
	snprintf(line, sizeof line, "width=%d height=%d bytes=%zu\n", picture.width, picture.height,
		picture.size);
	leave(0, line);
}

/* The text is read, and drawn on nothing, while files can still be opened: fonts are files. No picture has been looked
 * at by then. */
static struct caption *caption_begin(void)
{
	static const char *const words[] = {
		[CAPTION_EMPTY] = "no-caption\n", [CAPTION_TOO_LONG] = "no-caption\n", [CAPTION_NO_FONTS] = "no-fonts\n",
		[CAPTION_FAILED] = "no-memory\n",
	};
	struct caption *caption = NULL;
	struct buf text;

	buf_init(&text, CAPTION_BYTES_MAX);
	if (fd_read_all(MAIN_TEXT_FD, &text) != FD_OK)
		leave(1, errno == EFBIG ? "no-caption\n" : "no-text\n");
	enum caption_end end = caption_new(buf_text(&text), text.length, &caption);

	if (end != CAPTION_MADE)
		leave(1, words[end]);
	buf_free(&text);
	return caption;
}

/* Figures from descriptor 3 as a picture: drawn while fonts can be opened, written from the cage. */
static _Noreturn void run_chart(void)
{
	struct buf text;
	char line[MAIN_LINE_MAX];
	void *png;
	size_t size;
	int width, height;

	buf_init(&text, CHART_BYTES_MAX);
	if (fd_read_all(MAIN_TEXT_FD, &text) != FD_OK)
		leave(1, "no-text\n");
	buf_char(&text, '\0');
	if (text.full || !chart_make(text.data, text.length - 1, &png, &size, &width, &height))
		leave(1, "no-chart\n");
	if (!cage_enter())
		leave(1, "no-cage\n");
	if (fd_write_all(STDOUT_FILENO, png, size) != FD_OK)
		leave(1, "not-written\n");
	snprintf(line, sizeof line, "width=%d height=%d bytes=%zu\n", width, height, size);
	leave(0, line);
}

int main(int argc, char **argv)
{
	proc_options(argc, argv, 1, MAIN_USAGE,
		"Reads a picture (JPEG, PNG or WebP) from descriptor 0 and writes one fit for Telegram's sendPhoto\n"
		"to descriptor 1; with `text`, the words of descriptor 3 are drawn over it; with `chart`, the figures of\n"
		"descriptor 3 are drawn and nothing is read from 0. Descriptor 2 gets a line: width, height and bytes,\n"
		"or, with status 1, not-an-image, too-large, broken, no-caption or no-chart.");
	bool text = argc == 2 && str_equal(argv[1], "text"), chart = argc == 2 && str_equal(argv[1], "chart");

	if (argc != 2 || (!text && !chart && !str_equal(argv[1], "picture"))) {
		fputs("Usage: " MAIN_USAGE "\n", stderr);
		return 64;
	}
	if (!cage_begin(text || chart ? MAIN_TEXT_FD : STDERR_FILENO))
		leave(1, "no-cage\n");
	/* Libraries take wishes from the environment; ours are made here. The zone is read now: lcms asks for the
	 * time when files can't be opened any more. */
	if (clearenv() != 0 || setenv("LC_ALL", "C", 1) != 0 || setenv("TZ", "UTC0", 1) != 0
		|| setenv("VIPS_DISC_THRESHOLD", "4g", 1) != 0)
		leave(1, "no-cage\n");
	tzset();
	if (!picture_begin(argv[0]))
		leave(1, "no-cage\n");
	if (chart)
		run_chart();
	struct caption *caption = text ? caption_begin() : NULL;

	if (!cage_enter())
		leave(1, "no-cage\n");
	run(caption);
}
