/* Settings files: what is read prints itself, and that is read the same. */
#include "fuzz.h"

#define ERRORS_MAX 65536

static struct conf *read_text(const char *text, size_t length, struct buf *errors)
{
	buf_clear(errors);
	struct conf *conf = conf_read(settings_table, settings_count, SETTINGS_ALL, text, length, errors);

	HOLDS((conf == NULL) == (errors->length > 0));
	return conf;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct buf errors, one, two;

	buf_init(&errors, ERRORS_MAX);
	buf_init(&one, 4 * CONF_FILE_MAX);
	buf_init(&two, 4 * CONF_FILE_MAX);
	struct conf *conf = read_text((const char *)bytes, size, &errors);

	if (conf != NULL) {
		conf_print(conf, SETTINGS_ALL, &one);
		int64_t ids[8];

		(void)conf_ids(conf, "ADMIN_IDS", ids, 8);
		conf_free(conf);
		HOLDS(!one.full);
		conf = one.length <= CONF_FILE_MAX ? read_text(buf_text(&one), one.length, &errors) : NULL;
		HOLDS(conf != NULL || one.length > CONF_FILE_MAX);
		if (conf != NULL)
			conf_print(conf, SETTINGS_ALL, &two);
		HOLDS(conf == NULL || strcmp(buf_text(&one), buf_text(&two)) == 0);
		conf_free(conf);
	}
	buf_free(&errors);
	buf_free(&one);
	buf_free(&two);
	return 0;
}
