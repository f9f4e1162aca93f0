/* Settings: NAME=value lines, read by a table. */
#include "base/conf.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define KNOWN "*"                       /* in the place of a value that is set and not told */
#define CONF_ENTRIES_MAX 512
#define CONF_NAME_MAX 64

struct value {
	char *text;                 /* null: not kept */
	int64_t number;             /* of CONF_INT and CONF_BOOL */
	int line;                   /* where it was set; 0: nowhere */
};

struct conf {
	const struct conf_entry *table;
	size_t count;
	struct value *values;       /* one for each entry */
};

static bool is_name(const char *text)
{
	size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return length > 0 && length <= CONF_NAME_MAX && text[length] == '\0';
}

/* Each check below returns null for a good value, else the reason; it never names the value. */

static const char *check_size(const struct conf_entry *entry, size_t length)
{
	if (length == 0 && entry->min > 0)
		return "must not be empty";
	if ((int64_t)length < entry->min)
		return "is too short";
	if (entry->max > 0 && (int64_t)length > entry->max)
		return "is too long";
	return NULL;
}

static const char *check_text(const struct conf_entry *entry, const char *text)
{
	size_t length = strlen(text);

	if (!str_is_utf8(text, length))
		return "is not UTF-8";
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return "has a control character";
	return check_size(entry, length);
}

static const char *check_key(const struct conf_entry *entry, const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		if (*at <= 0x20 || *at >= 0x7f)
			return "has a character that is not printable ASCII";
	return check_size(entry, strlen(text));
}

static const char *check_int(const struct conf_entry *entry, const char *text, int64_t *number)
{
	if (!str_to_i64(text, INT64_MIN, INT64_MAX, number))
		return "is not a whole number";
	if (*number < entry->min || *number > entry->max)
		return "is out of range";
	return NULL;
}

static const char *check_bool(const char *text, int64_t *number)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (str_equal(text, words[i])) {
			*number = (int64_t)(i % 2);
			return NULL;
		}
	return "is neither true nor false";
}

static const char *check_url(const struct conf_entry *entry, const char *text)
{
	const char *why = check_key(entry, text);

	if (why != NULL || *text == '\0')
		return why;
	if (!str_starts(text, "https://"))
		return "is not an https:// URL";
	const char *host = text + strlen("https://");
	size_t length = strcspn(host, "/");

	if (strpbrk(text, "?#\\\"<>") != NULL)
		return "has a query, a fragment or a forbidden character";
	if (memchr(host, '@', length) != NULL)
		return "has a user";
	if (length == 0 || host[0] == ':')
		return "has no host";
	return NULL;
}

static const char *check_path(const struct conf_entry *entry, const char *text)
{
	const char *why = check_text(entry, text);

	return why == NULL && *text != '\0' && *text != '/' ? "is not an absolute path" : why;
}

/* Takes the next id of a list off *at; false when there is none that is well formed. */
static bool id_next(const char **at, int64_t *id)
{
	char word[24];
	size_t length = strcspn(*at, ",");

	if (length == 0 || length >= sizeof word)
		return false;
	memcpy(word, *at, length);
	word[length] = '\0';
	str_trim(word);
	*at += length + ((*at)[length] == ',' ? 1 : 0);
	return str_to_i64(word, INT64_MIN, INT64_MAX, id);
}

static const char *check_ids(const char *text)
{
	int64_t id;
	size_t length = strlen(text);

	if (length > 0 && text[length - 1] == ',')
		return "ends with a comma";
	while (*text != '\0')
		if (!id_next(&text, &id))
			return "is not a list of numbers with commas between";
	return NULL;
}

static const char *check(const struct conf_entry *entry, const char *text, int64_t *number)
{
	*number = 0;
	if (strlen(text) > CONF_VALUE_MAX)
		return "is too long";
	switch (entry->type) {
	case CONF_TEXT:
		return check_text(entry, text);
	case CONF_INT:
		return check_int(entry, text, number);
	case CONF_BOOL:
		return check_bool(text, number);
	case CONF_URL:
		return check_url(entry, text);
	case CONF_PATH:
		return check_path(entry, text);
	case CONF_IDS:
		return check_ids(text);
	case CONF_KEY:
		return check_key(entry, text);
	}
	fault("a type of enum conf_type");
}

static void value_keep(struct value *value, const struct conf_entry *entry, const char *text,
	int64_t number)
{
	if (entry->secret)
		log_secret(text);
	value->text = mem_str(text);
	value->number = number;
}

static void reason_out_of_range(const struct conf_entry *entry, struct buf *errors)
{
	buf_fmt(errors, " (%" PRId64 " to %" PRId64 "%s%s)", entry->min, entry->max,
		*entry->unit == '\0' ? "" : " ", entry->unit);
}

/* One line without its end; it may be changed. Returns whether it was good. */
static bool line_read(struct conf *conf, unsigned roles, int number, char *line,
	struct buf *errors)
{
	size_t at = 0;
	int64_t parsed;

	if (str_trim(line) == 0 || *line == '#')
		return true;
	char *text = strchr(line, '=');

	if (text != NULL) {
		*text++ = '\0';
		str_trim(line);
		str_trim(text);
	}
	/* What is no name is not shown: it may be a secret that lost its line. */
	if (text == NULL || !is_name(line)) {
		buf_fmt(errors, "line %d: is not NAME=value\n", number);
		return false;
	}
	while (at < conf->count && !str_equal(conf->table[at].name, line))
		at++;
	if (at == conf->count) {
		buf_fmt(errors, "line %d: %s: is not a setting\n", number, line);
		return false;
	}
	const struct conf_entry *entry = &conf->table[at];
	struct value *value = &conf->values[at];

	if (value->line > 0) {
		buf_fmt(errors, "line %d: %s: was set in line %d already\n", number, line, value->line);
		return false;
	}
	value->line = number;
	const char *why = check(entry, text, &parsed);

	if (why != NULL) {
		buf_fmt(errors, "line %d: %s: %s", number, line, why);
		if (entry->type == CONF_INT)
			reason_out_of_range(entry, errors);
		buf_char(errors, '\n');
		return false;
	}
	if ((entry->roles & roles) != 0)
		value_keep(value, entry, text, parsed);
	else if ((entry->roles & CONF_KNOWN(roles)) != 0)
		value->text = mem_str(*text == '\0' ? "" : KNOWN);
	return true;
}

/* Gives the defaults to what was not set. */
static bool rest_fill(struct conf *conf, unsigned roles, struct buf *errors)
{
	bool good = true;

	for (size_t i = 0; i < conf->count; i++) {
		const struct conf_entry *entry = &conf->table[i];
		int64_t number;

		if (conf->values[i].line == 0 && (entry->roles & roles) == 0 && (entry->roles & CONF_KNOWN(roles)) != 0)
			conf->values[i].text = mem_str("");
		if (conf->values[i].line > 0 || (entry->roles & roles) == 0)
			continue;
		if (entry->fallback == NULL) {
			buf_fmt(errors, "%s: must be set\n", entry->name);
			good = false;
			continue;
		}
		must(check(entry, entry->fallback, &number) == NULL);
		value_keep(&conf->values[i], entry, entry->fallback, number);
	}
	return good;
}

static bool lines_read(struct conf *conf, unsigned roles, char *text, struct buf *errors)
{
	bool good = true;

	for (int number = 1; text != NULL; number++) {
		char *end = strchr(text, '\n');

		if (end != NULL)
			*end++ = '\0';
		if (!line_read(conf, roles, number, text, errors))
			good = false;
		text = end;
	}
	return good;
}

struct conf *conf_read(const struct conf_entry *table, size_t count, unsigned roles,
	const char *text, size_t length, struct buf *errors)
{
	must(count <= CONF_ENTRIES_MAX);
	if (length > CONF_FILE_MAX) {
		buf_fmt(errors, "is larger than %d bytes\n", CONF_FILE_MAX);
		return NULL;
	}
	if (length > 0 && memchr(text, '\0', length) != NULL) {
		buf_str(errors, "has a NUL byte\n");
		return NULL;
	}
	struct conf *conf = mem_alloc(sizeof *conf);
	char *copy = mem_alloc(length + 1);

	conf->table = table;
	conf->count = count;
	conf->values = mem_alloc(count * sizeof *conf->values);
	if (length > 0)
		memcpy(copy, text, length);
	bool good = lines_read(conf, roles, copy, errors);

	if (!rest_fill(conf, roles, errors))
		good = false;
	mem_wipe(copy, length + 1);
	mem_free(copy);
	if (good)
		return conf;
	conf_free(conf);
	return NULL;
}

void conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->count; i++) {
		char *text = conf->values[i].text;

		if (text != NULL)
			mem_wipe(text, strlen(text));
		mem_free(text);
	}
	mem_wipe(conf->values, conf->count * sizeof *conf->values);
	mem_free(conf->values);
	mem_free(conf);
}

/* The place of a name that we keep. */
static size_t place(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->count; i++)
		if (str_equal(conf->table[i].name, name)) {
			must(conf->values[i].text != NULL);
			return i;
		}
	fault("the name of a setting");
}

const char *conf_text(const struct conf *conf, const char *name)
{
	return conf->values[place(conf, name)].text;
}

int64_t conf_int(const struct conf *conf, const char *name)
{
	size_t at = place(conf, name);

	must(conf->table[at].type == CONF_INT);
	return conf->values[at].number;
}

bool conf_bool(const struct conf *conf, const char *name)
{
	size_t at = place(conf, name);

	must(conf->table[at].type == CONF_BOOL);
	return conf->values[at].number != 0;
}

size_t conf_ids(const struct conf *conf, const char *name, int64_t *ids, size_t max)
{
	size_t at = place(conf, name), count = 0;
	const char *text = conf->values[at].text;

	must(conf->table[at].type == CONF_IDS);
	while (count < max && *text != '\0' && id_next(&text, &ids[count]))
		count++;
	return count;
}

void conf_print(const struct conf *conf, unsigned roles, struct buf *out)
{
	for (size_t i = 0; i < conf->count; i++) {
		const struct conf_entry *entry = &conf->table[i];
		const char *text = conf->values[i].text;

		if (text != NULL && (entry->roles & roles) != 0)
			buf_fmt(out, "%s=%s\n", entry->name, text);
		else if (text != NULL && *text != '\0' && (entry->roles & CONF_KNOWN(roles)) != 0)
			buf_fmt(out, "%s=" KNOWN "\n", entry->name);
	}
}
