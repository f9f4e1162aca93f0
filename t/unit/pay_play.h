/* One task of the pay lane played against an adapter: calls go nowhere, answers are given by hand. */
#ifndef UNIT_PAY_PLAY_H
#define UNIT_PAY_PLAY_H

#include "provider/provider.h"

#include "tap.h"

#include "base/mem.h"
#include "base/str.h"
#include "data/settings.h"

#define COUNT(table) (sizeof (table) / sizeof (table)[0])

static struct provider_setting setting;
static struct arena *arena;
static const struct provider *adapter;

struct play {
	struct task task;
	struct provider_work work;
	struct call call;
	struct report report;
	enum provider_next then;
};

static json *read_json(const char *text)
{
	json *value = json_read(text, strlen(text));

	must(value != NULL);
	return value;
}

static void play_step(struct play *play, const struct answer *answer)
{
	report_drop(&play->report);
	play->then = adapter->next(&play->work, answer, &setting, arena, &play->call, &play->report);
	play->work.step++;
}

/* Makes the first step, too. */
static void play_begin(struct play *play, enum task_kind kind, const char *payload, const char *memo)
{
	*play = (struct play){.task = {
		.id = 1, .fence = 1, .kind = kind, .attempts = 1, .lang = "ru",
		.payload = read_json(payload), .memo = read_json(memo),
	}};
	play->work.task = &play->task;
	play->work.note = json_new();
	play_step(play, NULL);
}

static void play_body(struct play *play, long status, const char *body, size_t length)
{
	struct answer answer = {
		.end = ANSWER_CAME, .status = status, .body = body, .body_length = length, .retry_after_s = -1,
	};

	play_step(play, &answer);
}

static void play_answer(struct play *play, long status, const char *body)
{
	play_body(play, status, body, strlen(body));
}

static void play_silence(struct play *play, enum answer_end end)
{
	struct answer answer = {.end = end, .body = "", .retry_after_s = -1, .text = "why"};

	play_step(play, &answer);
}

static void play_end(struct play *play)
{
	task_drop(&play->task);
	json_drop(play->work.note);
	report_drop(&play->report);
	arena_reset(arena);
}

static bool says(const struct play *play, enum report_outcome outcome, enum report_class class)
{
	bool good = play->then == PROVIDER_END && play->report.outcome == outcome && play->report.class == class;

	if (!good)
		printf("# %s, %s, %s: %s\n", play->then == PROVIDER_END ? "end" : "call",
			report_outcome_name(play->report.outcome), report_class_name(play->report.class),
			play->report.text);
	return good;
}

/* The result as text, members in the order they were set; "" for none. */
static const char *result(const struct play *play)
{
	return play->report.result == NULL ? "" : json_write(play->report.result);
}

static struct conf *conf_of(const char *text)
{
	struct buf errors;

	buf_init(&errors, 4096);
	struct conf *conf = conf_read(settings_table, settings_count, SETTINGS_PAY, text, strlen(text), &errors);

	if (conf == NULL)
		printf("Bail out! %s", buf_text(&errors));
	must(conf != NULL);
	buf_free(&errors);
	return conf;
}

/* The text with one piece replaced; null in `from` leaves it as it is. */
__attribute__((unused))
static const char *with(const char *text, const char *from, const char *to)
{
	const char *at = from == NULL ? text : strstr(text, from);

	must(at != NULL);
	return arena_fmt(arena, "%.*s%s%s", (int)(at - text), text, to,
		at + (from == NULL ? 0 : strlen(from)));
}

#endif
