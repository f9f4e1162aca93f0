/* Frames between dispatcher and helper: one SOCK_SEQPACKET message each, a fixed head and a bounded body. */
#ifndef DATA_FRAME_H
#define DATA_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

#define FRAME_VERSION 1
#define FRAME_HEAD_BYTES 16
#define FRAME_BYTES_MAX 65536   /* head and body */
#define FRAME_HELD_MAX 4096     /* tasks one helper may hold, so that a BEAT fits a frame */

/* Who may send what, and when: t/unit/test_frame.c holds the table against the code.
 *   type    sent by      when                    body
 *   HELLO   helper       first, once             struct frame_hello
 *   CREDIT  helper       after HELLO             uint32: how many more tasks it will take, replaces the last
 *   TASK    dispatcher   credit > 0              JSON of data/task
 *   CANCEL  dispatcher   after HELLO             none; task and fence in the head: the work is not wanted
 *   REPORT  helper       after HELLO             JSON of data/report
 *   ACK     dispatcher   after the report's commit  none; task and fence in the head
 *   BEAT    helper       every 10 s, and first after a reconnect   array of struct frame_held
 *   BYE     helper       drained, nothing held   none
 * Task and fence are 0 in HELLO, CREDIT, BEAT and BYE and above 0 in the others. What the dispatcher sent
 * before it saw the BYE may still reach a helper after it: allowed, and to be dropped by the helper.
 * Anything else closes the connection. */
enum frame_type {
	FRAME_HELLO = 1, FRAME_CREDIT, FRAME_TASK, FRAME_CANCEL, FRAME_REPORT, FRAME_ACK, FRAME_BEAT, FRAME_BYE,
	FRAME_TYPE_COUNT,
};

enum frame_side { FRAME_DISPATCHER, FRAME_HELPER };
/* Of a connection; both ends move on with HELLO and BYE. */
enum frame_state { FRAME_NEW, FRAME_OPEN, FRAME_OVER };

struct frame_head {             /* on the wire: big-endian, in this order, FRAME_HEAD_BYTES */
	uint16_t type;
	uint16_t version;
	uint32_t fence;
	uint64_t task;
};
struct frame_hello { uint32_t lane; uint32_t capacity; uint32_t pid; };
struct frame_held { uint64_t task; uint32_t fence; };

/* Whether `from` may send the type to somebody who sees the connection in that state. */
bool frame_allowed(enum frame_side from, enum frame_state state, enum frame_type type);
enum frame_state frame_next(enum frame_state state, enum frame_type type);
const char *frame_type_name(enum frame_type type);              /* "HELLO", … */

void frame_head_write(const struct frame_head *head, unsigned char out[FRAME_HEAD_BYTES]);

/* Reads and checks the head of one whole frame of `length` bytes: version, type, whether task and fence fit the
 * type (and int64, int32), and whether the body's length does. 0, or -1. */
MUST_CHECK int frame_head_read(const unsigned char *bytes, size_t length, struct frame_head *head);

/* Bodies. The writers return the bytes written: FRAME_HELLO_BYTES, FRAME_CREDIT_BYTES, count * FRAME_HELD_BYTES.
 * The readers return 0, or -1 for a wrong length or a value out of range: a lane that is none, a capacity
 * outside 1 … FRAME_HELD_MAX, a credit beyond it, a pid, task or fence below 1. *count of frame_held_read is at
 * most FRAME_HELD_MAX, which `held` must have room for. */
#define FRAME_HELLO_BYTES 12
#define FRAME_CREDIT_BYTES 4
#define FRAME_HELD_BYTES 12
size_t frame_hello_write(const struct frame_hello *hello, unsigned char *out);
MUST_CHECK int frame_hello_read(const unsigned char *bytes, size_t length, struct frame_hello *hello);
size_t frame_credit_write(uint32_t credit, unsigned char *out);
MUST_CHECK int frame_credit_read(const unsigned char *bytes, size_t length, uint32_t *credit);
size_t frame_held_write(const struct frame_held *held, size_t count, unsigned char *out);
MUST_CHECK int frame_held_read(const unsigned char *bytes, size_t length, struct frame_held *held, size_t *count);

#endif
