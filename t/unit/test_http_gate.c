/* Bounds per host, first come first served. */
#include "http/gate.h"

#include "tap.h"

static void test_order(void)
{
	struct gate *gate = gate_new(2);
	uint64_t next = 0;

	ok(gate_enter(gate, "a:443", 1) && gate_enter(gate, "a:443", 2), "two may start");
	ok(!gate_enter(gate, "a:443", 3) && !gate_enter(gate, "a:443", 4) && !gate_enter(gate, "a:443", 5),
		"three wait");
	ok(gate_enter(gate, "b:443", 6), "another host does not");
	is_i64((int64_t)gate_flying(gate, "a:443"), 2, "in flight");
	is_i64((int64_t)gate_waiting(gate, "a:443"), 3, "waiting");
	ok(gate_leave(gate, "a:443", &next) && next == 3, "the first that came is next");
	ok(gate_forget(gate, "a:443", 5), "the last goes away");
	ok(!gate_forget(gate, "a:443", 5) && !gate_forget(gate, "a:443", 3) && !gate_forget(gate, "c:443", 1),
		"who does not wait cannot");
	ok(!gate_enter(gate, "a:443", 7), "behind the one that still waits");
	ok(gate_leave(gate, "a:443", &next) && next == 4, "then it");
	ok(gate_leave(gate, "a:443", &next) && next == 7, "then the new one");
	ok(!gate_leave(gate, "a:443", &next) && !gate_leave(gate, "a:443", &next), "nobody is left");
	is_i64((int64_t)gate_flying(gate, "a:443"), 0, "nothing in flight");
	ok(gate_enter(gate, "a:443", 8), "and it starts anew");
	ok(!gate_leave(gate, "b:443", &next), "the other host was alone");
	gate_free(gate);
}

static void test_many_hosts(void)
{
	struct gate *gate = gate_new(1);
	uint64_t next = 0;
	int wrong = 0;

	for (int round = 0; round < 3; round++) {
		char host[32];

		for (int i = 0; i < 100; i++) {
			snprintf(host, sizeof host, "host%d:443", i);
			wrong += !gate_enter(gate, host, (uint64_t)i);
			wrong += gate_enter(gate, host, (uint64_t)(i + 1000));
		}
		for (int i = 0; i < 100; i++) {
			snprintf(host, sizeof host, "host%d:443", i);
			wrong += !gate_leave(gate, host, &next) || next != (uint64_t)(i + 1000);
			wrong += gate_leave(gate, host, &next);
		}
	}
	is_i64(wrong, 0, "a hundred hosts, each for itself");
	ok(gate_enter(gate, "x", 1) && !gate_enter(gate, "x", 2), "one waits");
	gate_free(gate);
	gate_free(NULL);
}

static void leave_nothing(void)
{
	struct gate *gate = gate_new(1);
	uint64_t next;

	(void)!gate_leave(gate, "a:443", &next);
}

int main(void)
{
	test_order();
	test_many_hosts();
	faults(leave_nothing, "leaving without having entered is a fault");
	return tap_done();
}
