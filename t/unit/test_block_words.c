/* What may not be asked for, by a corpus: evasions are found, honest texts are let through, bounds hold. */
#include "data/block.h"

#include "base/str.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static char path[] = "/tmp/atelier-block-words-XXXXXX";

/* Reads a list whose text is given; null with the reasons in errors. */
static struct block *block_of(const char *text, struct buf *errors)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
	buf_clear(errors);
	return block_read(path, errors);
}

static void test_minors(void)
{
	static const char *const cases[] = {
		"голая девочка", "ГОЛАЯ ДЕВОЧКА", "голый ребёнок на пляже", "голый ребенок", "дети занимаются сексом",
		"порно с детьми", "секс с детьми", "эротика со школьницей", "обнажённая школьница",
		"обнаженные подростки", "соблазнительная школьница", "раздень девочку на фото", "раздетый мальчик",
		"школьница раздевается", "несовершеннолетняя, нюдс", "малолетка ню", "лоли хентай", "сними одежду с ребёнка",
		"голая, 12 лет", "12-летняя голая", "голая 12летняя", "ей 9 лет, секс", "голая, возраст 13",
		"тринадцатилетняя, эротика", "голая, 5 годиков", "старшеклассница, порно", "детское порно",
		"сексуальная девочка", "девочка в сексуальной позе", "фото детям без трусов",
		"nude child", "naked kids", "a naked boy of 7, 7 years old", "sexy schoolgirl", "sexy school girl",
		"teen porn", "teens having sex", "teenager nude", "13yo nude", "13 yo, nude", "17 y.o. topless",
		"12-year-old girl naked", "nude, aged 11", "nude, age 11", "thirteen year old, erotic", "loli hentai",
		"underage sex", "erotic toddler", "undress this little girl", "nude minors", "seductive preteen",
		"pre-teen erotica", "babies, sexual", "lewd infant", "a young girl without clothes",
		/* evasions */
		"г о л а я девочка", "с е к с с детьми", "с-е-к-с, ребёнок", "c e к c, ребёнок", "n u d e child",
		"гoлaя дeвoчkа", "s\xd0\xb5\xd1\x85 with a child", "\xd1\x80\xd0\xberno child", "p0rn, kid", "s3x with kids",
		"пoрнo, ребёнок", "порррно, ребёнок", "child pooorn", "по\xc2\xadрно, ребёнок", "по\xe2\x80\x8bрно, ребёнок",
		"голы\xd0\xb8\xcc\x86 мальчик", "ребе\xcc\x88нок, порно",
		"\xef\xbd\x8e\xef\xbd\x95\xef\xbd\x84\xef\xbd\x85 child", ("\xf0\x9d\x90\xa7\xf0\x9d\x90\xae\xf0\x9d\x90\x9d"
		"\xf0\x9d\x90\x9e child"), "*porn* with a *child*", "порно!!! дети???", "порно\nдети", "n.u.d.e child",
		"голая \xff девочка",
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		ok(block_match(NULL, cases[i]) == BLOCK_MINOR, "minor: %s", cases[i]);
}

static void test_honest(void)
{
	static const char *const cases[] = {
		"", " ", "школьница в парке", "девочка с котёнком", "дети играют в мяч", "малыш спит", "мальчик в школе",
		"подросток на скейте", "детский рисунок", "ребёнок в ванне с пеной", "дети на пляже летом",
		"12 лет, день рождения",
		"голая женщина", "обнажённая натура, картина маслом", "эротика", "секс", "порно", "nude woman",
		"sexy woman in a red dress", "18 лет, голая", "25-летняя, эротика", "голая, 21 год", "nude, 30 years old",
		"дети и члены семьи за столом", "член жюри детского конкурса", "разделочная доска и детские руки",
		"раздели картинку на две: ребёнок и кот", "дети в осеннем лесу, голые деревья",
		"мальчик-рыцарь с обнажённым мечом", "мальчик, голые скалы и море", "дети ловят рыбу голыми руками",
		"соблазнительный торт на детский праздник", "ребята, нарисуйте голую женщину",
		"ребёнок сосёт соску", "детская книга про секстант", "дети смотрят страхи и трахею в учебнике",
		"голубая комната для ребёнка", "голос ребёнка", "головной убор для девочки", "ребёнок у голландской печи",
		"дети и новогодняя нюша", "интимная обстановка, ужин вдвоём", "обнажённая женщина, 5 лет назад",
		"comic strip for kids", "teen girl with nude makeup", "naked trees behind children",
		"a child sees a star with the naked eye", "kids read about the naked mole rat",
		"sexy woman, baby blue dress", "sexy woman, babydoll dress", "kidney, nude anatomy",
		"nude woman, 5 years later", "erotic film, 10 years ago", "sonata in A minor, sheet music",
		"sextant for children", "Essex, kids at school", "cucumber for kids", "children with cumin bread",
		"teen graduates cum laude", "seducer of the sea, old ship", "childhood photo, black and white",
		"Middlesex school children", "analysis of children's drawings", "kids, striped shirts",
		"adult woman nude, 3d render, 4k", "a minor character in a film", "разделились на команды, дети",
		"women's lingerie, babyface", "подростковая комната, постеры", "минеральная вода, дети",
		"пятилетний план, плакат", "обложка раздела детской книги", "соблазн для ребёнка: конфеты",
		"девочка слушает секстет", "голая земля, дети сажают дерево",
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		ok(block_match(NULL, cases[i]) == BLOCK_FREE, "honest: %s", cases[i]);
}

static void test_list(struct buf *errors)
{
	static const struct {
		const char *text;
		enum block_end want;
	} cases[] = {
		{"путин", BLOCK_LISTED}, {"ПУТИН танцует", BLOCK_LISTED}, {"распутин", BLOCK_FREE}, {"путинка", BLOCK_FREE},
		{"красная ёлка", BLOCK_LISTED}, {"красная, елка!", BLOCK_LISTED}, {"елка красная", BLOCK_FREE},
		{"бомба", BLOCK_LISTED}, {"бомбардир", BLOCK_LISTED}, {"без бомб", BLOCK_LISTED}, {"абомба", BLOCK_FREE},
		{"gun", BLOCK_LISTED}, {"g u n", BLOCK_LISTED}, {"gunter", BLOCK_FREE}, {"*gun*", BLOCK_LISTED},
		{"old gun", BLOCK_LISTED}, {"after crlf", BLOCK_LISTED}, {"# gun fire", BLOCK_LISTED}, {"comment", BLOCK_FREE},
		{"nothing of it", BLOCK_FREE}, {"", BLOCK_FREE}, {"голая девочка и gun", BLOCK_MINOR},
	};
	struct block *block = block_of("# comment\n\nпутин\n Красная Ёлка \nбомб*\nGun\nafter CRLF\r\n*\n!!!\n", errors);

	is_str(buf_text(errors), "", "a good list");
	for (size_t i = 0; block != NULL && i < COUNT(cases); i++)
		is_i64(block_match(block, cases[i].text), cases[i].want, "list: %s", cases[i].text);
	block_free(block);
	block = block_read("", errors);
	ok(block != NULL && block_match(block, "gun") == BLOCK_FREE && block_match(block, "nude child") == BLOCK_MINOR,
		"without a list only minors are looked for");
	block_free(block);
	block = block_of("", errors);
	ok(block != NULL && block_match(block, "gun") == BLOCK_FREE, "an empty list");
	block_free(block);
	ok(block_read("/nonexistent/list", errors) == NULL && strstr(buf_text(errors), "/nonexistent/list"),
		"a list that is not there");
	block_free(NULL);
}

static void test_bounds(struct buf *errors)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < BLOCK_WORDS_MAX; i++)
		buf_fmt(&text, "w%zu\n", i);
	struct block *block = block_of(buf_text(&text), errors);

	ok(block != NULL && block_match(block, "w9999") == BLOCK_LISTED && block_match(block, "w10000") == BLOCK_FREE,
		"the longest list");
	block_free(block);
	buf_str(&text, "one more\n");
	ok(block_of(buf_text(&text), errors) == NULL && errors->length > 0, "one line more is refused");
	buf_clear(&text);
	/* As long as an update's text may be: what stands at its end counts. */
	while (text.length < 16384 - 32)
		buf_str(&text, "а0 ");
	buf_str(&text, "голая девочка");
	ok(block_match(NULL, buf_text(&text)) == BLOCK_MINOR, "the end of the longest text");
	buf_clear(&text);
	while (text.length < 16000)
		buf_str(&text, "д");
	ok(block_match(NULL, buf_text(&text)) == BLOCK_FREE, "one very long word");
	buf_free(&text);
}

int main(void)
{
	struct buf errors;
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	buf_init(&errors, 65536);
	test_minors();
	test_honest();
	test_list(&errors);
	test_bounds(&errors);
	buf_free(&errors);
	unlink(path);
	return tap_done();
}
