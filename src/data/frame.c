/* Frames on the wire: big-endian, checked before anybody sees them. */
#include "data/frame.h"

#include "data/lane.h"

/* One row a type: who sends it, when the receiver may see it, what its head and body hold. */
static const struct {
	const char *name;
	enum frame_side from;
	bool in[FRAME_OVER + 1];
	bool of_task;               /* task and fence are set */
	uint32_t least;             /* bytes of the body */
	uint32_t most;
	uint32_t unit;              /* the length is a multiple of it */
} types[FRAME_TYPE_COUNT] = {
	[FRAME_HELLO] = {"HELLO", FRAME_HELPER, {[FRAME_NEW] = true}, false,
		FRAME_HELLO_BYTES, FRAME_HELLO_BYTES, 1},
	[FRAME_CREDIT] = {"CREDIT", FRAME_HELPER, {[FRAME_OPEN] = true}, false,
		FRAME_CREDIT_BYTES, FRAME_CREDIT_BYTES, 1},
	[FRAME_TASK] = {"TASK", FRAME_DISPATCHER, {[FRAME_OPEN] = true, [FRAME_OVER] = true}, true,
		2, FRAME_BYTES_MAX - FRAME_HEAD_BYTES, 1},
	[FRAME_CANCEL] = {"CANCEL", FRAME_DISPATCHER, {[FRAME_OPEN] = true, [FRAME_OVER] = true}, true, 0, 0, 1},
	[FRAME_REPORT] = {"REPORT", FRAME_HELPER, {[FRAME_OPEN] = true}, true,
		2, FRAME_BYTES_MAX - FRAME_HEAD_BYTES, 1},
	[FRAME_ACK] = {"ACK", FRAME_DISPATCHER, {[FRAME_OPEN] = true, [FRAME_OVER] = true}, true, 0, 0, 1},
	[FRAME_BEAT] = {"BEAT", FRAME_HELPER, {[FRAME_OPEN] = true}, false,
		0, FRAME_HELD_MAX * FRAME_HELD_BYTES, FRAME_HELD_BYTES},
	[FRAME_BYE] = {"BYE", FRAME_HELPER, {[FRAME_OPEN] = true}, false, 0, 0, 1},
};

static void put16(unsigned char *out, uint16_t value)
{
	out[0] = (unsigned char)(value >> 8);
	out[1] = (unsigned char)value;
}

static void put32(unsigned char *out, uint32_t value)
{
	put16(out, (uint16_t)(value >> 16));
	put16(out + 2, (uint16_t)value);
}

static void put64(unsigned char *out, uint64_t value)
{
	put32(out, (uint32_t)(value >> 32));
	put32(out + 4, (uint32_t)value);
}

static uint16_t get16(const unsigned char *in)
{
	return (uint16_t)(in[0] << 8 | in[1]);
}

static uint32_t get32(const unsigned char *in)
{
	return (uint32_t)get16(in) << 16 | get16(in + 2);
}

static uint64_t get64(const unsigned char *in)
{
	return (uint64_t)get32(in) << 32 | get32(in + 4);
}

static bool is_type(unsigned type)
{
	return type >= FRAME_HELLO && type < FRAME_TYPE_COUNT;
}

bool frame_allowed(enum frame_side from, enum frame_state state, enum frame_type type)
{
	return is_type(type) && state <= FRAME_OVER && types[type].from == from && types[type].in[state];
}

enum frame_state frame_next(enum frame_state state, enum frame_type type)
{
	if (type == FRAME_HELLO)
		return FRAME_OPEN;
	return type == FRAME_BYE ? FRAME_OVER : state;
}

const char *frame_type_name(enum frame_type type)
{
	return is_type(type) ? types[type].name : "?";
}

void frame_head_write(const struct frame_head *head, unsigned char out[FRAME_HEAD_BYTES])
{
	put16(out, head->type);
	put16(out + 2, head->version);
	put32(out + 4, head->fence);
	put64(out + 8, head->task);
}

static bool is_lease(uint64_t task, uint32_t fence)
{
	return task >= 1 && task <= INT64_MAX && fence >= 1 && fence <= INT32_MAX;
}

int frame_head_read(const unsigned char *bytes, size_t length, struct frame_head *head)
{
	if (length < FRAME_HEAD_BYTES || length > FRAME_BYTES_MAX)
		return -1;
	head->type = get16(bytes);
	head->version = get16(bytes + 2);
	head->fence = get32(bytes + 4);
	head->task = get64(bytes + 8);
	if (head->version != FRAME_VERSION || !is_type(head->type))
		return -1;
	size_t body = length - FRAME_HEAD_BYTES;

	if (body < types[head->type].least || body > types[head->type].most || body % types[head->type].unit != 0)
		return -1;
	if (types[head->type].of_task)
		return is_lease(head->task, head->fence) ? 0 : -1;
	return head->task == 0 && head->fence == 0 ? 0 : -1;
}

size_t frame_hello_write(const struct frame_hello *hello, unsigned char *out)
{
	put32(out, hello->lane);
	put32(out + 4, hello->capacity);
	put32(out + 8, hello->pid);
	return FRAME_HELLO_BYTES;
}

int frame_hello_read(const unsigned char *bytes, size_t length, struct frame_hello *hello)
{
	if (length != FRAME_HELLO_BYTES)
		return -1;
	*hello = (struct frame_hello){get32(bytes), get32(bytes + 4), get32(bytes + 8)};
	return hello->lane < LANE_COUNT && hello->capacity >= 1 && hello->capacity <= FRAME_HELD_MAX
		&& hello->pid >= 1 && hello->pid <= INT32_MAX ? 0 : -1;
}

size_t frame_credit_write(uint32_t credit, unsigned char *out)
{
	put32(out, credit);
	return FRAME_CREDIT_BYTES;
}

int frame_credit_read(const unsigned char *bytes, size_t length, uint32_t *credit)
{
	if (length != FRAME_CREDIT_BYTES)
		return -1;
	*credit = get32(bytes);
	return *credit <= FRAME_HELD_MAX ? 0 : -1;
}

size_t frame_held_write(const struct frame_held *held, size_t count, unsigned char *out)
{
	must(count <= FRAME_HELD_MAX);
	for (size_t i = 0; i < count; i++) {
		put64(out + i * FRAME_HELD_BYTES, held[i].task);
		put32(out + i * FRAME_HELD_BYTES + 8, held[i].fence);
	}
	return count * FRAME_HELD_BYTES;
}

int frame_held_read(const unsigned char *bytes, size_t length, struct frame_held *held, size_t *count)
{
	if (length % FRAME_HELD_BYTES != 0 || length / FRAME_HELD_BYTES > FRAME_HELD_MAX)
		return -1;
	*count = length / FRAME_HELD_BYTES;
	for (size_t i = 0; i < *count; i++) {
		held[i].task = get64(bytes + i * FRAME_HELD_BYTES);
		held[i].fence = get32(bytes + i * FRAME_HELD_BYTES + 8);
		if (!is_lease(held[i].task, held[i].fence))
			return -1;
	}
	return 0;
}
