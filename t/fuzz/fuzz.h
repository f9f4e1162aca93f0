/* What the fuzz targets share: the entry, a stop that the fuzzer sees, and settings of a stand-in. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "data/settings.h"
#include "data/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A property that must hold for every input. */
#define HOLDS(property) \
	do { \
		if (!(property)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #property); \
			abort(); \
		} \
	} while (0)

#define FUZZ_SETTINGS \
	"BOT_TOKEN=7300112233:probe\nTELEGRAM_SECRET_TOKEN=0123456789abcdef\n" \
	"WEBHOOK_BASE_URL=https://bot.example.org\nFAL_KEY=probe:key\n" \
	"TELEGRAM_API_URL=https://telegram.example.org\nFAL_QUEUE_URL=https://queue.example.org\n" \
	"FAL_API_URL=https://api.example.org\n" \
	"YOOKASSA_SHOP_ID=506751\nYOOKASSA_SECRET_KEY=test_probe_key\n" \
	"YOOKASSA_API_URL=https://yookassa.example.org/v3\nYOOKASSA_RECEIPT_EMAIL=a@example.org\n" \
	"BETATRANSFER_API_KEY=pub_probe_token\nBETATRANSFER_SECRET_KEY=sec_probe_key\n" \
	"BETATRANSFER_API_URL=https://betatransfer.example.org/api\n"

__attribute__((unused))
static const struct conf *fuzz_conf(void)
{
	static struct conf *conf;
	struct buf errors;

	if (conf != NULL)
		return conf;
	buf_init(&errors, 4096);
	conf = conf_read(settings_table, settings_count, SETTINGS_ALL, FUZZ_SETTINGS, strlen(FUZZ_SETTINGS),
		&errors);
	if (conf == NULL)
		fputs(buf_text(&errors), stderr);
	HOLDS(conf != NULL);
	buf_free(&errors);
	return conf;
}

/* Our own texts; run where top_srcdir is set, or in the source directory. */
__attribute__((unused))
static const struct texts *fuzz_texts(void)
{
	static struct texts *texts;
	char path[512];
	struct buf errors;

	if (texts != NULL)
		return texts;
	buf_init(&errors, 4096);
	snprintf(path, sizeof path, "%s/etc/texts", getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	texts = texts_read(path, &errors);
	if (texts == NULL)
		fputs(buf_text(&errors), stderr);
	HOLDS(texts != NULL);
	buf_free(&errors);
	return texts;
}

#endif
