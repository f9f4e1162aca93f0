/* Per-host bounds: a short table of hosts that have something in flight, each with its queue. */
#include "http/gate.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct waiter {
	uint64_t id;
	struct waiter *next;
};

struct host {
	char *name;                 /* null: the place is free */
	size_t flying;
	size_t waiting;
	struct waiter *first;
	struct waiter *last;
};

struct gate {
	size_t limit;
	struct host *hosts;
	size_t count;
};

struct gate *gate_new(size_t limit)
{
	must(limit > 0);
	struct gate *gate = mem_alloc(sizeof *gate);

	gate->limit = limit;
	return gate;
}

void gate_free(struct gate *gate)
{
	if (gate == NULL)
		return;
	for (size_t i = 0; i < gate->count; i++) {
		struct host *host = &gate->hosts[i];

		while (host->first != NULL) {
			struct waiter *waiter = host->first;

			host->first = waiter->next;
			mem_free(waiter);
		}
		mem_free(host->name);
	}
	mem_free(gate->hosts);
	mem_free(gate);
}

static struct host *host_find(const struct gate *gate, const char *name)
{
	for (size_t i = 0; i < gate->count; i++)
		if (gate->hosts[i].name != NULL && str_equal(gate->hosts[i].name, name))
			return &gate->hosts[i];
	return NULL;
}

static struct host *host_make(struct gate *gate, const char *name)
{
	size_t at = 0;

	while (at < gate->count && gate->hosts[at].name != NULL)
		at++;
	if (at == gate->count) {
		gate->hosts = mem_grow(gate->hosts, (gate->count + 1) * sizeof *gate->hosts);
		gate->count++;
	}
	gate->hosts[at] = (struct host){.name = mem_str(name)};
	return &gate->hosts[at];
}

bool gate_enter(struct gate *gate, const char *host_name, uint64_t id)
{
	struct host *host = host_find(gate, host_name);

	if (host == NULL)
		host = host_make(gate, host_name);
	if (host->flying < gate->limit) {
		host->flying++;
		return true;
	}
	struct waiter *waiter = mem_alloc(sizeof *waiter);

	waiter->id = id;
	if (host->last != NULL)
		host->last->next = waiter;
	else
		host->first = waiter;
	host->last = waiter;
	host->waiting++;
	return false;
}

bool gate_leave(struct gate *gate, const char *host_name, uint64_t *next)
{
	struct host *host = host_find(gate, host_name);

	must(host != NULL && host->flying > 0);
	struct waiter *waiter = host->first;

	if (waiter != NULL) {
		host->first = waiter->next;
		if (host->first == NULL)
			host->last = NULL;
		host->waiting--;
		*next = waiter->id;
		mem_free(waiter);
		return true;
	}
	if (--host->flying == 0) {
		mem_free(host->name);
		host->name = NULL;
	}
	return false;
}

bool gate_forget(struct gate *gate, const char *host_name, uint64_t id)
{
	struct host *host = host_find(gate, host_name);
	struct waiter *before = NULL;

	if (host == NULL)
		return false;
	for (struct waiter *at = host->first; at != NULL; before = at, at = at->next) {
		if (at->id != id)
			continue;
		if (before != NULL)
			before->next = at->next;
		else
			host->first = at->next;
		if (host->last == at)
			host->last = before;
		host->waiting--;
		mem_free(at);
		return true;
	}
	return false;
}

size_t gate_flying(const struct gate *gate, const char *host_name)
{
	const struct host *host = host_find(gate, host_name);

	return host == NULL ? 0 : host->flying;
}

size_t gate_waiting(const struct gate *gate, const char *host_name)
{
	const struct host *host = host_find(gate, host_name);

	return host == NULL ? 0 : host->waiting;
}
