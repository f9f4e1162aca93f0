/* Matching of what may not be asked for: texts are folded to small Cyrillic and Latin words, then compared. */
#include "data/block.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define TEXT_MAX (1u << 17)     /* bytes of a folded text; the longest of an update fits in both its readings */
#define WORD_MAX 64             /* letters compared of one word */

struct block {
	char *text;                     /* folded phrases: " word word " each, a '*' before the last space for beginnings */
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
	if (point >= 0xff01 && point <= 0xff5e)         /* full width */
		point -= 0xfee0;
	if (point >= 0x1d400 && point <= 0x1d6a3)       /* mathematical: 13 alphabets of large, then small letters */
		point = 'A' + (point - 0x1d400) % 52 + ((point - 0x1d400) % 52 > 25 ? 'a' - 'Z' - 1 : 0);
	if (point == 0x401 || point == 0x451)
		return 0x435;
	if (point >= 0x410 && point <= 0x42f)
		return point + 0x20;
	if (point >= 0x400 && point <= 0x40f)
		return point + 0x50;
	if (point >= 0x430 && point <= 0x45f)
		return point;
	if (point >= 'A' && point <= 'Z')
		return point + 0x20;
	if ((point >= 'a' && point <= 'z') || (point >= '0' && point <= '9'))
		return point;
	if (point == 0xad || (point >= 0x200b && point <= 0x200f) || point == 0x2060 || point == 0xfeff ||
		(point >= 0x300 && point <= 0x36f))
		return 0;
	return ' ';
}

static bool is_digit(uint32_t point)
{
	return point >= '0' && point <= '9';
}

static bool is_latin(uint32_t point)
{
	return point >= 'a' && point <= 'z';
}

/* Letters that look alike, and the digits that stand for them. */
static const struct { char latin; uint16_t cyrillic; } alike[] = {
	{'a', 0x430}, {'e', 0x435}, {'o', 0x43e}, {'p', 0x440}, {'c', 0x441}, {'y', 0x443}, {'x', 0x445}, {'k', 0x43a},
	{'m', 0x43c}, {'t', 0x442}, {'h', 0x43d}, {'b', 0x432}, {'i', 0x456}, {'s', 0x455}, {'j', 0x458},
};
static const struct { char digit, latin; uint16_t cyrillic; } digits[] = {
	{'0', 'o', 0x43e}, {'3', 'e', 0x437}, {'4', 'a', 0x447}, {'1', 'i', '1'}, {'5', 's', '5'}, {'7', 't', '7'},
};

static uint32_t cyrillic_of(uint32_t point)
{
	for (size_t i = 0; i < sizeof digits / sizeof *digits; i++)
		if (point == (uint32_t)digits[i].digit)
			return digits[i].cyrillic;
	for (size_t i = 0; i < sizeof alike / sizeof *alike; i++)
		if (point == (uint32_t)alike[i].latin)
			return alike[i].cyrillic;
	return point;
}

static uint32_t latin_of(uint32_t point)
{
	for (size_t i = 0; i < sizeof digits / sizeof *digits; i++)
		if (point == (uint32_t)digits[i].digit)
			return (uint32_t)digits[i].latin;
	for (size_t i = 0; i < sizeof alike / sizeof *alike; i++)
		if (point == alike[i].cyrillic)
			return (uint32_t)alike[i].latin;
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

/* A word of both alphabets is read as Cyrillic, or (latin) as Latin: either may be the disguise. A letter three times
 * running or more is taken as one. */
static void put_word(struct buf *out, const uint32_t *word, size_t length, bool latin)
{
	bool cyrillic = false, has_latin = false;
	for (size_t i = 0; i < length; i++) {
		cyrillic |= word[i] >= 0x400;
		has_latin |= is_latin(word[i]);
	}
	for (size_t i = 0, run; i < length; i += run) {
		uint32_t point = latin && has_latin ? latin_of(word[i]) : cyrillic ? cyrillic_of(word[i]) : word[i];
		for (run = 1; i + run < length && word[i + run] == word[i] && !is_digit(word[i]);)
			run++;
		put_point(out, point);
		if (run == 2)
			put_point(out, point);
	}
}

/* Folded points with one space between words and at both ends; returns how many. With `star` a '*' stays. */
static size_t fold_points(const char *text, bool star, uint32_t *points)
{
	size_t count = 0;
	points[count++] = ' ';
	for (uint32_t raw; (raw = next_point(&text));) {
		uint32_t point = star && raw == '*' ? raw : fold_point(raw);
		if (raw == 0x306 && points[count - 1] == 0x438)         /* й in two pieces */
			points[count - 1] = 0x439;
		else if (point && (point != ' ' || points[count - 1] != ' '))
			points[count++] = point;
	}
	if (points[count - 1] != ' ')
		points[count++] = ' ';
	return count;
}

/* Letters standing alone, three or more of them, are taken for one word that was pulled apart. */
static size_t join_singles(uint32_t *points, size_t count)
{
	size_t kept = 0, run = 0, from = 0;
	for (size_t i = 0; i < count; i++) {
		points[kept++] = points[i];
		if (i == 0 || points[i] != ' ')
			continue;
		bool single = kept >= 3 && points[kept - 3] == ' ' && !is_digit(points[kept - 2]);
		if (single && run++ == 0)
			from = kept - 2;
		bool last = i + 1 == count || i + 2 == count || points[i + 2] != ' ' || is_digit(points[i + 1]);
		if (!single || !last)
			continue;
		if (run >= 3) {
			for (size_t j = 0; j < run; j++)
				points[from + j] = points[from + 2 * j];
			kept = from + run;
			points[kept++] = ' ';
		}
		run = 0;
	}
	return kept;
}

static void put_words(struct buf *out, const uint32_t *points, size_t count, bool latin)
{
	buf_char(out, ' ');
	for (size_t i = 1, length; i < count; i += length + 1) {
		for (length = 0; i + length < count && points[i + length] != ' ';)
			length++;
		put_word(out, points + i, length < WORD_MAX ? length : WORD_MAX, latin);
		buf_char(out, ' ');
	}
}

/* " one two three ": folded words with one space between. A text (unlike a phrase of the list) is read twice, with a |
 * between, see put_word. */
static void fold(const char *text, bool phrase, struct buf *out)
{
	uint32_t *points = mem_alloc((strlen(text) + 2) * sizeof *points);
	size_t count = join_singles(points, fold_points(text, phrase, points));
	put_words(out, points, count, false);
	if (!phrase) {
		buf_char(out, '|');
		put_words(out, points, count, true);
	}
	mem_free(points);
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
		fold(at, true, &folded);
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

/* Beginnings of words, as folded; one that ends with a space is the whole word. Whoever is meant by the one is never
 * to be shown as the other. */
static const char *const young[] = {
	"ребенок ", "ребенк", "ребено", "ребятиш", "ребятен", "дети ", "детей ", "детям ", "детьми ", "детях ", "деток ",
	"детск", "детиш", "деточк", "дитя ", "девочк", "девчонк", "девчушк", "мальчик", "мальчиш", "малыш", "младен",
	"школьни", "подрост", "несовершеннолет", "малолет", "дошкол", "первоклас", "пятиклас", "шестиклас",
	"семиклас", "восьмиклас", "девятиклас", "старшеклас", "пионерк", "гимназистк", "лолит", "лоли ", "шота ",
	"пятилетн", "шестилетн", "семилетн", "восьмилетн", "девятилетн", "десятилетн", "одиннадцатилет", "двенадцатилет",
	"тринадцатилет", "четырнадцатилет", "пятнадцатилет", "шестнадцатилет", "семнадцатилет",
	"child ", "children", "childs ", "kid ", "kids ", "kiddie", "kiddy", "toddler", "baby ", "babies ", "minor ",
	"minors ", "underage", "under age ", "preteen", "prepubescen", "pubescen", "tween ", "tweens ", "teen ", "teens ",
	"teenage", "teenie", "schoolgirl", "schoolboy", "schoolchild", "schoolkid", "school girl", "school boy",
	"little girl", "little boy", "young girl", "young boy", "loli ", "lolis ", "lolita", "lolicon",
	"shota ", "shotacon",
	"infant", "newborn", "girlchild", "boychild", "jailbait", "cp ", "eleven year", "twelve year", "thirteen year",
	"fourteen year", "fifteen year", "sixteen year", "seventeen year", "ten year old",
};
static const char *const sexual[] = {
	"секс", "порн", "эротик", "эротич", "голая ", "голой ",
	"голую ", "голый ", "голого ", "голому ", "голым ", "голыми ", "голые ", "голых ", "голеньк",
	"голышом ",
	"нагая ", "нагую ", "нагой ", "нагие ", "нагих ", "нагишом ", "обнажен", "обнажи", "обнажа", "раздет", "раздева",
	"раздень", "раздеть", "разделась ", "без одежды ", "без белья ", "без трус", "без лифчик",
	"снимает одежд", "сними одежд", "снять одежд", "сними с нее одежд", "сними с него одежд", "минет", "траха", "трахн",
	"ебет ", "ебут ", "ебать ", "ебля ", "ебли ", "выеб", "хуй ", "хуем ", "хуя ", "половой член", "половой орган",
	"половые орган", "половых орган", "половой акт", "сосет член", "сосать член", "член во рту", "вагин", "влагалищ",
	"пизд", "сперм", "оргазм", "мастурб", "дроч", "хентай", "интим ", "интимные фото", "интимное фото", "интимных мест",
	"нюдс", "нюдес", "ню ", "стриптиз", "соблазнительн", "соблазняющ", "педофил",
	"sex ", "sexy ", "sexual", "sexi", "sext ", "sexting ", "porn", "nude ", "nudes ", "nudity ", "naked", "nsfw",
	"erotic", "hentai", "topless", "bottomless ", "undress", "unclothed", "without clothes", "no clothes ",
	"without underwear", "no underwear ", "blowjob", "blow job", "handjob", "fuck", "penis", "vagina", "pussy ",
	"masturb", "orgasm", "lewd", "cum ", "cumming ", "cumshot", "striptease", "stripper", "seducing ", "seductive",
	"genital", "pedophil", "paedophil", "ecchi ",
};
/* Both beginnings one after the other: then the first is not meant ("": whatever follows). */
static const struct { const char *word, *next; } honest[] = {
	{"гол", "дерев"}, {"гол", "ветк"}, {"гол", "ветв"}, {"гол", "скал"}, {"гол", "стен"}, {"гол", "земл"},
	{"гол", "камн"}, {"гол", "степ"}, {"гол", "рук"}, {"гол", "колен"}, {"гол", "пятк"}, {"гол", "бетон"},
	{"обнажен", "меч"}, {"обнажен", "клин"}, {"обнажен", "шпаг"}, {"обнажен", "саб"}, {"обнажен", "дерев"},
	{"обнажен", "скал"}, {"обнажи", "меч"}, {"обнажи", "клин"}, {"обнажи", "шпаг"}, {"обнажи", "саб"},
	{"соблазнит", "торт"}, {"соблазнит", "пирог"}, {"соблазнит", "пирож"}, {"соблазнит", "десерт"},
	{"соблазнит", "запах"}, {"соблазнит", "аромат"}, {"соблазнит", "вкус"},
	{"секстан", ""}, {"секстет", ""},
	{"детск", "площадк"}, {"naked", "eye"}, {"naked", "mole"}, {"naked", "tree"}, {"naked", "branch"},
	{"naked", "cake"},
	{"nude ", "makeup"}, {"nude ", "make up"}, {"nude ", "lip"}, {"nude ", "tone"}, {"nude ", "color"},
	{"nude ", "colour"}, {"nude ", "shade"}, {"nude ", "palette"}, {"cum ", "laude"}, {"baby ", "blue"},
	{"baby ", "pink"}, {"baby ", "doll dress"}, {"baby ", "oil"}, {"minor ", "character"}, {"minor ", "detail"},
	{"minor ", "key"}, {"minor ", "chord"}, {"minor ", "planet"},
};

static bool is_honest(const char *at)
{
	const char *next = at + strcspn(at, " ");
	for (size_t i = 0; i < sizeof honest / sizeof *honest; i++)
		if (str_starts(at, honest[i].word) && str_starts(next + 1, honest[i].next))
			return true;
	return false;
}

static bool has_any(const char *folded, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (const char *at = strstr(folded, words[i]); at; at = strstr(at + 1, words[i]))
			if (at[-1] == ' ' && !is_honest(at))
				return true;
	return false;
}

/* Whether the text from its beginning to `end` ends with a word. */
static bool ends_with(const char *text, const char *end, const char *word)
{
	size_t length = strlen(word);
	return (size_t)(end - text) >= length && memcmp(end - length, word, length) == 0;
}

/* "12 лет", "12-летняя", "12 years old", "13yo", "aged 12"; not how long ago something was. */
static bool has_young_age(const char *folded)
{
	static const char *const units[] = {" лет ", " летн", "летн", " года ", " год ", " годик", " year", " yr", "yo ",
		" yo ", " y o "};
	static const char *const before[] = {" age", " aged", " возраст", " возрасте", " возраста"};
	static const char *const spans[] = {" лет назад ", " лет спустя ", " лет тому ", " года назад ", " год назад ",
		" years ago ", " year ago ", " years later ", " year later "};
	for (const char *at = folded; *at; at++) {
		if (at[0] != ' ' || at[1] < '0' || at[1] > '9')
			continue;
		size_t length = strspn(at + 1, "0123456789");
		const char *rest = at + 1 + length;
		bool is_young = length == 1 || (length == 2 && at[1] == '1' && at[2] < '8'), is_span = false;
		for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
			is_span |= str_starts(rest, spans[i]);
		for (size_t i = 0; is_young && !is_span && i < sizeof units / sizeof *units; i++)
			if (str_starts(rest, units[i]))
				return true;
		for (size_t i = 0; is_young && *rest == ' ' && i < sizeof before / sizeof *before; i++)
			if (ends_with(folded, at, before[i]))
				return true;
	}
	return false;
}

/* A folded phrase " a b " within the folded text; " a b* " for what begins so. */
static bool has_phrase(const char *folded, const char *phrase)
{
	size_t length = strlen(phrase);
	char start[512];
	/* A line of nothing but marks, or of a bare star, forbids nothing. */
	if (str_equal(phrase, " * "))
		return false;
	if (length < 3 || phrase[length - 2] != '*')
		return length >= 3 && strstr(folded, phrase);
	if (length >= sizeof start)
		return false;
	memcpy(start, phrase, length - 2);
	start[length - 2] = '\0';
	return strstr(folded, start);
}

enum block_end block_match(const struct block *block, const char *text)
{
	struct buf buf;
	enum block_end end = BLOCK_FREE;
	buf_init(&buf, TEXT_MAX);
	fold(text, false, &buf);
	const char *folded = buf_text(&buf);
	if ((has_any(folded, young, sizeof young / sizeof *young) || has_young_age(folded)) &&
		has_any(folded, sexual, sizeof sexual / sizeof *sexual))
		end = BLOCK_MINOR;
	for (size_t i = 0; end == BLOCK_FREE && block && i < block->count; i++)
		if (has_phrase(folded, block->text + block->phrases[i]))
			end = BLOCK_LISTED;
	buf_free(&buf);
	return end;
}
