/* Frames between dispatcher and helper: one SOCK_SEQPACKET message each, a fixed head and a bounded body. */
#ifndef DATA_FRAME_H
#define DATA_FRAME_H

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
 *   CANCEL  dispatcher   any                     none; task and fence in the head: the work is not wanted
 *   REPORT  helper       after HELLO             JSON of data/report
 *   ACK     dispatcher   after the report's commit  none; task and fence in the head
 *   BEAT    helper       every 10 s, and first after a reconnect   array of struct frame_held
 *   BYE     helper       drained, nothing held   none
 * Anything else, and any frame that is not as long as it says, closes the connection. */
enum frame_type {
	FRAME_HELLO = 1, FRAME_CREDIT, FRAME_TASK, FRAME_CANCEL, FRAME_REPORT, FRAME_ACK, FRAME_BEAT, FRAME_BYE,
	FRAME_TYPE_COUNT,
};

struct frame_head {             /* on the wire: big-endian, in this order, FRAME_HEAD_BYTES */
	uint16_t type;
	uint16_t version;
	uint32_t fence;
	uint64_t task;
};
struct frame_hello { uint32_t lane; uint32_t capacity; uint32_t pid; };
struct frame_held { uint64_t task; uint32_t fence; };

void frame_head_write(const struct frame_head *head, unsigned char out[FRAME_HEAD_BYTES]);
MUST_CHECK int frame_head_read(const unsigned char *bytes, size_t length, struct frame_head *head);  /* 0 or -1 */
size_t frame_hello_write(const struct frame_hello *hello, unsigned char *out);                       /* bytes */
MUST_CHECK int frame_hello_read(const unsigned char *bytes, size_t length, struct frame_hello *hello);
size_t frame_held_write(const struct frame_held *held, size_t count, unsigned char *out);
MUST_CHECK int frame_held_read(const unsigned char *bytes, size_t length, struct frame_held *held, size_t *count);

#endif
