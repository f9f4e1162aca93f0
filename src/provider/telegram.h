/* What of Telegram's adapter others use: files that people sent. */
#ifndef PROVIDER_TELEGRAM_H
#define PROVIDER_TELEGRAM_H

#include "provider/provider.h"

#define TELEGRAM_FILE_MAX (20 << 20)    /* bytes; getFile hands bots no larger one */

/* getFile for a file_id; false when it is none. */
MUST_CHECK bool telegram_file_ask(const char *file_id, const struct provider_setting *setting, struct arena *arena,
	struct call *call);

/* Its answer: the download is filled into call, to save_path. False: the report is filled. */
MUST_CHECK bool telegram_file_get(const struct answer *answer, const char *save_path,
	const struct provider_setting *setting, struct arena *arena, struct call *call, struct report *report);

/* Whether the download brought the file. False: the report is filled. */
MUST_CHECK bool telegram_file_came(const struct answer *answer, struct report *report);

#endif
