/* Frames: round trips, every cut, hostile heads, and the table of who may send what. */
#include "data/frame.h"

#include "tap.h"

#include "data/lane.h"

static unsigned char frame[FRAME_BYTES_MAX + 64];

static int head_try(uint16_t type, uint16_t version, uint32_t fence, uint64_t task, size_t body)
{
	struct frame_head head = {.type = type, .version = version, .fence = fence, .task = task};
	struct frame_head got;

	frame_head_write(&head, frame);
	int end = frame_head_read(frame, FRAME_HEAD_BYTES + body, &got);

	if (end == 0 && (got.type != type || got.version != version || got.fence != fence
		|| got.task != task))
		return -2;
	return end;
}

/* The table of data/frame.h, written once more. */
static const struct {
	enum frame_type type;
	enum frame_side from;
	const char *states;     /* n: new, o: open, x: over */
	bool of_task;
	size_t good;            /* a length that is right */
	size_t bad[3];          /* and some that are not; 0 ends, except in front */
} table[] = {
	{FRAME_HELLO, FRAME_HELPER, "n", false, 12, {0, 11, 13}},
	{FRAME_CREDIT, FRAME_HELPER, "o", false, 4, {0, 3, 5}},
	{FRAME_TASK, FRAME_DISPATCHER, "ox", true, 2, {0, 1, 65521}},
	{FRAME_CANCEL, FRAME_DISPATCHER, "ox", true, 0, {1, 16, 0}},
	{FRAME_REPORT, FRAME_HELPER, "o", true, 2, {0, 1, 65521}},
	{FRAME_ACK, FRAME_DISPATCHER, "ox", true, 0, {1, 16, 0}},
	{FRAME_BEAT, FRAME_HELPER, "o", false, 12, {1, 11, 49164}},
	{FRAME_BYE, FRAME_HELPER, "o", false, 0, {1, 16, 0}},
};

static void test_table(void)
{
	static const char letters[] = "nox";

	is_i64(sizeof table / sizeof table[0], FRAME_TYPE_COUNT - 1, "every type is in the table");
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const char *name = frame_type_name(table[i].type);
		enum frame_side other = table[i].from == FRAME_HELPER ? FRAME_DISPATCHER : FRAME_HELPER;
		uint64_t task = table[i].of_task ? 7 : 0;
		uint32_t fence = table[i].of_task ? 1 : 0;
		uint16_t type = (uint16_t)table[i].type;
		bool right = true, wrong = false;

		for (int s = FRAME_NEW; s <= FRAME_OVER; s++) {
			bool want = strchr(table[i].states, letters[s]) != NULL;

			right = right && want
				== frame_allowed(table[i].from, (enum frame_state)s, table[i].type);
			wrong = wrong || frame_allowed(other, (enum frame_state)s, table[i].type);
		}
		ok(right, "%s may be sent in its states only", name);
		ok(!wrong, "%s may not be sent by the other side", name);
		is_i64(head_try(type, 1, fence, task, table[i].good), 0, "%s reads", name);
		for (size_t k = 0; k < 3 && (k == 0 || table[i].bad[k] > 0); k++)
			is_i64(head_try(type, 1, fence, task, table[i].bad[k]), -1, "%s with %zu bytes", name,
				table[i].bad[k]);
		is_i64(head_try(type, 1, !fence, task, table[i].good), -1, "%s with a wrong fence", name);
		is_i64(head_try(type, 1, fence, task == 0 ? 7 : 0, table[i].good), -1,
			"%s with a wrong task", name);
		is_i64(head_try(type, 0, fence, task, table[i].good), -1, "%s of version 0", name);
		is_i64(head_try(type, 2, fence, task, table[i].good), -1, "%s of version 2", name);
	}
}

static void test_head(void)
{
	static const unsigned char want[] = {0, 6, 0, 1, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8};
	struct frame_head head = {.type = FRAME_ACK, .version = 1, .fence = INT32_MAX,
		.task = 0x0102030405060708};
	struct frame_head got;
	bool refused = true;

	frame_head_write(&head, frame);
	ok(memcmp(frame, want, sizeof want) == 0, "the head is big-endian, type version fence task");
	is_i64(frame_head_read(frame, sizeof want, &got), 0, "and reads");
	for (size_t length = 0; length < FRAME_HEAD_BYTES; length++)
		refused = refused && frame_head_read(frame, length, &got) == -1;
	ok(refused, "no part of a head is a head");
	is_i64(head_try(0, 1, 0, 0, 0), -1, "type 0");
	is_i64(head_try(FRAME_TYPE_COUNT, 1, 0, 0, 0), -1, "a type too many");
	is_i64(head_try(0xffff, 1, 0, 0, 0), -1, "type 65535");
	is_i64(head_try(FRAME_ACK, 1, 0x80000000, 7, 0), -1, "a fence beyond int32");
	is_i64(head_try(FRAME_ACK, 1, 1, (uint64_t)INT64_MAX + 1, 0), -1, "a task beyond int64");
	is_i64(head_try(FRAME_ACK, 1, INT32_MAX, INT64_MAX, 0), 0, "the largest of both");
	is_i64(head_try(FRAME_TASK, 1, 1, 1, FRAME_BYTES_MAX - FRAME_HEAD_BYTES), 0, "the longest task");
	is_i64(frame_head_read(frame, FRAME_BYTES_MAX + 1, &got), -1, "one byte more than the longest");
	is_i64(head_try(FRAME_BEAT, 1, 0, 0, 0), 0, "a BEAT of nothing");
	ok(!frame_allowed(FRAME_HELPER, FRAME_OPEN, (enum frame_type)0)
		&& !frame_allowed(FRAME_HELPER, FRAME_OPEN, FRAME_TYPE_COUNT), "what is no type is never allowed");
	is_i64(frame_next(FRAME_NEW, FRAME_HELLO), FRAME_OPEN, "HELLO opens");
	is_i64(frame_next(FRAME_OPEN, FRAME_REPORT), FRAME_OPEN, "a report does not");
	is_i64(frame_next(FRAME_OPEN, FRAME_BYE), FRAME_OVER, "BYE ends");
}

static void test_hello(void)
{
	static const struct {
		struct frame_hello hello;
		int end;
	} cases[] = {
		{{LANE_MEDIA, 64, 4711}, 0},
		{{LANE_CHAT, FRAME_HELD_MAX, INT32_MAX}, 0},
		{{LANE_COUNT, 64, 4711}, -1},
		{{UINT32_MAX, 64, 4711}, -1},
		{{LANE_CHAT, 0, 4711}, -1},
		{{LANE_CHAT, FRAME_HELD_MAX + 1, 4711}, -1},
		{{LANE_CHAT, UINT32_MAX, 4711}, -1},
		{{LANE_CHAT, 1, 0}, -1},
		{{LANE_CHAT, 1, (uint32_t)INT32_MAX + 1}, -1},
	};
	struct frame_hello got;
	bool refused = true;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t length = frame_hello_write(&cases[i].hello, frame);

		is_i64(length, FRAME_HELLO_BYTES, "HELLO %zu has its length", i);
		is_i64(frame_hello_read(frame, length, &got), cases[i].end, "HELLO %zu", i);
		ok(memcmp(&got, &cases[i].hello, sizeof got) == 0, "HELLO %zu comes back", i);
	}
	for (size_t length = 0; length < FRAME_HELLO_BYTES + 3; length++)
		refused = refused && (length == FRAME_HELLO_BYTES
			|| frame_hello_read(frame, length, &got) == -1);
	ok(refused, "a HELLO of any other length");
}

static void test_credit(void)
{
	uint32_t got;
	bool refused = true;

	is_i64(frame_credit_write(4000, frame), FRAME_CREDIT_BYTES, "CREDIT has its length");
	ok(frame_credit_read(frame, 4, &got) == 0 && got == 4000, "and comes back");
	for (size_t length = 0; length < 8; length++)
		refused = refused && (length == 4 || frame_credit_read(frame, length, &got) == -1);
	ok(refused, "a CREDIT of any other length");
	frame_credit_write(0, frame);
	is_i64(frame_credit_read(frame, 4, &got), 0, "no credit");
	frame_credit_write(FRAME_HELD_MAX + 1, frame);
	is_i64(frame_credit_read(frame, 4, &got), -1, "more credit than can be held");
}

static void test_held(void)
{
	static struct frame_held held[FRAME_HELD_MAX + 1], got[FRAME_HELD_MAX + 1];
	size_t count = 99;
	bool refused = true;

	for (size_t i = 0; i < FRAME_HELD_MAX; i++)
		held[i] = (struct frame_held){i + 1, (uint32_t)(FRAME_HELD_MAX - i)};
	size_t length = frame_held_write(held, FRAME_HELD_MAX, frame);

	ok(length + FRAME_HEAD_BYTES <= FRAME_BYTES_MAX, "the largest BEAT fits a frame");
	is_i64(frame_held_read(frame, length, got, &count), 0, "and reads");
	is_i64(count, FRAME_HELD_MAX, "whole");
	bool same = true;

	for (size_t i = 0; i < count; i++)
		same = same && got[i].task == held[i].task && got[i].fence == held[i].fence;
	ok(same, "each lease comes back");
	is_i64(frame_held_read(frame, length + FRAME_HELD_BYTES, got, &count), -1, "one more than the most");
	for (size_t i = 0; i < 3 * FRAME_HELD_BYTES; i++)
		refused = refused && (i % FRAME_HELD_BYTES == 0
			|| frame_held_read(frame, i, got, &count) == -1);
	ok(refused, "a cut BEAT");
	is_i64(frame_held_read(frame, 0, got, &count), 0, "a BEAT of nothing");
	is_i64(count, 0, "holds nothing");
	held[1] = (struct frame_held){0, 1};
	is_i64(frame_held_read(frame, frame_held_write(held, 3, frame), got, &count), -1, "task 0");
	held[1] = (struct frame_held){(uint64_t)INT64_MAX + 1, 1};
	is_i64(frame_held_read(frame, frame_held_write(held, 3, frame), got, &count), -1, "task 2^63");
	held[1] = (struct frame_held){1, 0};
	is_i64(frame_held_read(frame, frame_held_write(held, 3, frame), got, &count), -1, "fence 0");
	held[1] = (struct frame_held){1, UINT32_MAX};
	is_i64(frame_held_read(frame, frame_held_write(held, 3, frame), got, &count), -1, "fence 2^32-1");
}

int main(void)
{
	test_table();
	test_head();
	test_hello();
	test_credit();
	test_held();
	return tap_done();
}
