/* Matching of what may not be asked for: texts are folded to small Cyrillic and Latin words, then compared. */
#include "data/block.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define TEXT_MAX 65536          /* bytes of a folded text; longer ones are looked at so far */

struct block {
	char *text;                     /* folded phrases: " word word " each,
		a '*' before the last space for beginnings */
	size_t phrases[BLOCK_WORDS_MAX];        /* where each begins */
	size_t count;
};

/* ---- folding ------------------------------------------------------------------------------------------ */

/* One code point; 0 at the end. What is no UTF-8 counts as a space. */
static uint32_t next_point(const char **at)
{
	const unsigned char *bytes = (const unsigned char *)*at;
	size_t length = *bytes < 0x80 ? 1 : *bytes >= 0xf0 ? 4 : *bytes >= 0xe0 ? 3 : *bytes >= 0xc0 ? 2 : 1;
	uint32_t point = length == 1 ? *bytes : *bytes & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80) {
			*at += 1;
			return ' ';
		}
		point = point << 6 | (bytes[i] & 0x3fu);
	}
	if (*bytes)
		*at += length;
	return length == 1 && point >= 0x80 ? ' ' : point;
}

/* Small letters; ё as е; invisible marks as nothing (0); everything that is neither letter nor digit as a space. */
static uint32_t fold_point(uint32_t point)
{
	if (point == 0x401 || point == 0x451)
		return 0x435;
	if (point >= 0x410 && point <= 0x42f)
		return point + 0x20;
	if (point >= 0x430 && point <= 0x45f)
		return point;
	if (point >= 'A' && point <= 'Z')
		return point + 0x20;
	if ((point >= 'a' && point <= 'z') || (point >= '0' && point <= '9') || point == '*')
		return point;
	if (point == 0xad || (point >= 0x200b && point <= 0x200f) || point == 0x2060 || point == 0xfeff ||
		(point >= 0x300 && point <= 0x36f))
		return 0;
	return ' ';
}

/* Latin letters, and digits, that look like Cyrillic ones. */
static const struct { char latin; uint16_t cyrillic; } pairs[] = {
	{'a', 0x430}, {'e', 0x435}, {'o', 0x43e}, {'p', 0x440}, {'c', 0x441}, {'y', 0x443}, {'x', 0x445},
	{'k', 0x43a}, {'m', 0x43c}, {'t', 0x442}, {'h', 0x43d}, {'b', 0x432}, {'0', 0x43e}, {'3', 0x437},
	{'4', 0x447},
};

/* A letter as one of the alphabet that most of its word is in. */
static uint32_t letter_in(uint32_t point, bool cyrillic)
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		if (cyrillic && point == (uint32_t)pairs[i].latin)
			return pairs[i].cyrillic;
		if (!cyrillic && point == pairs[i].cyrillic)
			return (uint32_t)pairs[i].latin;
	}
	return point;
}

static void put_point(struct buf *out, uint32_t point)
{
	if (point < 0x80) {
		buf_char(out, (char)point);
	} else {
		buf_char(out, (char)(0xc0 | point >> 6));
		buf_char(out, (char)(0x80 | (point & 0x3f)));
	}
}

static bool is_cyrillic(uint32_t point)
{
	return point >= 0x400 && point <= 0x45f;
}

/* Which alphabet a word of both is read in. */
enum lean { LEAN_MOST /* the one that most of it is in */, LEAN_CYRILLIC, LEAN_LATIN };

static void put_word(struct buf *out, enum lean lean, const uint32_t *word, size_t length)
{
	size_t cyrillic = 0, latin = 0;
	for (size_t i = 0; i < length; i++) {
		cyrillic += is_cyrillic(word[i]);
		latin += word[i] >= 'a' && word[i] <= 'z';
	}
	bool is = lean == LEAN_MOST ? cyrillic >= latin : lean == LEAN_CYRILLIC;
	bool one = cyrillic == 0 || (latin == 0 && lean == LEAN_LATIN);
	for (size_t i = 0; i < length; i++)
		put_point(out, one ? word[i] : letter_in(word[i], is));
}

/* " one two three ": folded words with one space between. Letters standing alone,
	three or more of them, are taken for
 * one word that was pulled apart. */
static void fold(const char *text, enum lean lean, struct buf *out)
{
	uint32_t word[64];
	size_t length = 0, singles = 0;
	buf_char(out, ' ');
	for (;;) {
		uint32_t raw = next_point(&text), point = raw ? fold_point(raw) : ' ';
		if (point == 0)
			continue;
		if (point != ' ') {
			if (length == sizeof word / sizeof *word) {
				put_word(out, lean, word, length);
				length = 0;
			}
			word[length++] = point;
			continue;
		}
		if (length) {
			singles = length == 1 ? singles + 1 : 0;
			if (singles >= 2 && out->length && out->data[out->length - 1] == ' ')
				out->length--;
			put_word(out, lean, word, length);
			buf_char(out, ' ');
			length = 0;
		}
		if (!raw || out->length > TEXT_MAX - 512)
			break;
	}
}

/* ---- the list ----------------------------------------------------------------------------------------- */

struct block *block_read(const char *path, struct buf *errors)
{
	struct buf text, folded;
	struct block *block = mem_alloc(sizeof *block);
	*block = (struct block){0};
	if (!*path)
		return block;
	buf_init(&text, BLOCK_FILE_MAX);
	buf_init(&folded, 2 * BLOCK_FILE_MAX);
	bool good = fd_read_path(path, &text) == FD_OK;
	if (!good)
		buf_fmt(errors, "BLOCKLIST_FILE %s: cannot be read\n", path);
	char *line = text.length ? mem_str(buf_text(&text)) : mem_str("");
	for (char *at = line, *end; good && *at; at = end) {
		size_t length = strcspn(at, "\n");
		end = at + length + (at[length] == '\n');
		at[length] = '\0';
		if (*at == '#' || str_trim(at) == 0)
			continue;
		if (block->count == BLOCK_WORDS_MAX) {
			buf_fmt(errors, "BLOCKLIST_FILE %s: more than %d lines\n", path, BLOCK_WORDS_MAX);
			good = false;
			break;
		}
		block->phrases[block->count++] = folded.length;
		fold(at, LEAN_MOST, &folded);
		buf_char(&folded, '\0');
	}
	block->text = mem_alloc(folded.length + 1);
	if (folded.length)
		memcpy(block->text, folded.data, folded.length);
	mem_free(line);
	buf_free(&text);
	buf_free(&folded);
	if (good)
		return block;
	block_free(block);
	return NULL;
}

void block_free(struct block *block)
{
	if (block)
		mem_free(block->text);
	mem_free(block);
}

/* ---- matching ----------------------------------------------------------------------------------------- */

/* Beginnings of words, as folded. Whoever is meant by the one is never to be shown as the other. */
static const char *const young[] = {
	"ребен", "ребят", "дети", "детей", "детск", "детьм", "девочк", "мальчик", "малыш", "младен",
	"школьни", "подрост", "несовершеннолет", "малолет", "дошкольн", "первоклас", "пионерк", "лолит",
	"лоли", "шота", "child", "kid", "kids", "toddler", "baby", "babies", "minor", "underage",
	"preteen", "teen", "teenage", "schoolgirl", "schoolboy", "loli", "lolita", "shota", "infant",
	"girlchild", "boychild", "cp",
};
static const char *const sexual[] = {
	"секс", "порн", "эротич", "эротик", "голая", "голой", "голую", "голый", "голого", "голые", "голых",
	"голеньк", "обнажен", "обнажи", "раздет", "раздень", "раздеть", "раздева", "минет", "трах",
		"ебет", "ебут", "ебля", "выеб",
	"член", "вагин", "пизд", "сперм", "оргазм", "мастурб", "хентай", "интим", "нюдс", "ню", "стриптиз",
	"соблазн", "сексуальн", "sex", "porn", "nude", "naked", "nsfw", "erotic", "hentai", "topless",
	"undress", "blowjob", "fuck", "penis", "vagina", "masturb", "orgasm", "lewd", "cum", "bottomless",
	"strip", "seduc", "genital",
};
/* Whole words only: as a beginning they would forbid honest ones (kidney). */
static const char *const whole[] = {
	"kid", "kids", "cp", "ню", "cum", "лоли", "loli", "minor", "teen", "strip", "шота", "baby",
};

static bool has_word(const char *folded, const char *word)
{
	size_t length = strlen(word);
	bool all = false;
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		all |= str_equal(whole[i], word);
	for (const char *at = strstr(folded, word); at; at = strstr(at + 1, word))
		if (at[-1] == ' ' && (!all || at[length] == ' '))
			return true;
	return false;
}

static bool has_any(const char *folded, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (has_word(folded, words[i]))
			return true;
	return false;
}

/* "12 лет", "twelve" is not read; "12 years old", "13yo". */
static bool has_young_age(const char *folded)
{
	static const char *const units[] = {" лет", "лет", " года", " year", "yo ", " yo ", " y o "};
	for (const char *at = folded; *at; at++) {
		if (at[0] != ' ' || at[1] < '0' || at[1] > '9')
			continue;
		size_t digits = strspn(at + 1, "0123456789");
		bool young_age = digits == 1 || (digits == 2 && at[1] == '1' && at[2] < '8');
		for (size_t i = 0; young_age && i < sizeof units / sizeof *units; i++)
			if (str_starts(at + 1 + digits, units[i]))
				return true;
	}
	return false;
}

/* A folded phrase " a b " within the folded text; " a b* " for what begins so. */
static bool has_phrase(const char *folded, const char *phrase)
{
	size_t length = strlen(phrase);
	char start[512];
	if (length < 3 || phrase[length - 2] != '*')
		return length >= 3 && strstr(folded, phrase);
	if (length >= sizeof start)
		return false;
	memcpy(start, phrase, length - 2);
	start[length - 2] = '\0';
	return strstr(folded, start);
}

static enum block_end match_folded(const struct block *block, const char *folded)
{
	if ((has_any(folded, young, sizeof young / sizeof *young) || has_young_age(folded)) &&
		has_any(folded, sexual, sizeof sexual / sizeof *sexual))
		return BLOCK_MINOR;
	for (size_t i = 0; block && i < block->count; i++)
		if (has_phrase(folded, block->text + block->phrases[i]))
			return BLOCK_LISTED;
	return BLOCK_FREE;
}

enum block_end block_match(const struct block *block, const char *text)
{
	enum block_end worst = BLOCK_FREE;
	/* A word may be written in letters of both alphabets to be overlooked. */
	for (enum lean lean = LEAN_MOST; lean <= LEAN_LATIN; lean++) {
		struct buf buf;
		buf_init(&buf, TEXT_MAX);
		fold(text, lean, &buf);
		enum block_end end = match_folded(block, buf_text(&buf));
		buf_free(&buf);
		worst = end > worst ? end : worst;
	}
	return worst;
}
