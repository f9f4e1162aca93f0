/* What may not be asked for: evasions are seen through, honest words are let through. */
#include "data/block.h"

#include "tap.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static char path[] = "/tmp/atelier-block-XXXXXX";

static void test_minors(void)
{
	static const struct { const char *text; enum block_end want; } cases[] = {
		{"порно с детьми", BLOCK_MINOR}, {"ПОРНО, Ребёнок", BLOCK_MINOR},
		{"ребенок п о р н о", BLOCK_MINOR},
		{"naked child", BLOCK_MINOR}, {"a Nude, 12 years old", BLOCK_MINOR}, {"секс, 13 лет", BLOCK_MINOR},
		{"эротика. школьница", BLOCK_MINOR}, {"пopнo с малышом", BLOCK_MINOR},
		{"по\u200bрно дети", BLOCK_MINOR},
		{"loli hentai", BLOCK_MINOR}, {"раздень школьницу", BLOCK_MINOR},
		{"школьница читает в парке", BLOCK_FREE}, {"дети играют в снежки", BLOCK_FREE},
		{"секс символ 90-х", BLOCK_FREE},
		{"обнажённая Венера", BLOCK_FREE}, {"голый король, 45 лет", BLOCK_FREE},
		{"kidney transplant, naked eye", BLOCK_FREE},
		{"мальчик и его собака", BLOCK_FREE}, {"стриж над водой, ребенок смотрит", BLOCK_FREE},
		{"ребёнок разделил яблоко", BLOCK_FREE}, {"children undressed the tree", BLOCK_MINOR},
		{"a 17 years old whisky, naked label", BLOCK_MINOR}, {"", BLOCK_FREE},
		{" \n\t", BLOCK_FREE}, {"\xff\xfe", BLOCK_FREE},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		is_i64(block_match(NULL, cases[i].text), cases[i].want, "%s", cases[i].text);
}

static struct block *read_list(const char *text, struct buf *errors)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
	return block_read(path, errors);
}

static void test_list(struct buf *errors)
{
	static const struct { const char *text; enum block_end want; } cases[] = {
		{"нарисуй президента", BLOCK_LISTED}, {"ПРЕЗИДЕНТЫ мира", BLOCK_LISTED},
		{"вице-президент", BLOCK_LISTED},
		{"бомба", BLOCK_LISTED}, {"бомбардир", BLOCK_FREE}, {"красная  ПЛОЩАДЬ!", BLOCK_LISTED},
		{"красная рыба", BLOCK_FREE},
		{"bоmb", BLOCK_LISTED}, {"комментарий", BLOCK_FREE}, {"ёлка", BLOCK_LISTED}, {"елка", BLOCK_LISTED},
	};
	struct block *block = read_list("# комментарий\n\nпрезидент*\nбомба\r\nкрасная площадь\nbomb\nЁлка\n", errors);

	is_str(buf_text(errors), "", "the list is read");
	for (size_t i = 0; block && i < COUNT(cases); i++)
		is_i64(block_match(block, cases[i].text), cases[i].want, "%s", cases[i].text);
	is_i64(block_match(block, "порно с детьми"), BLOCK_MINOR, "minors come first");
	block_free(block);
	ok(block_read("/nonexistent", errors) == NULL && errors->length > 0, "a list that is not there");
	buf_clear(errors);
	block = block_read("", errors);
	ok(block != NULL && block_match(block, "бомба") == BLOCK_FREE, "no list");
	block_free(block);
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
	test_list(&errors);
	buf_free(&errors);
	unlink(path);
	return tap_done();
}
