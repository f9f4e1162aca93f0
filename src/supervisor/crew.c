/* All children together: started by the settings, replaced on reload, sent home at the end. */
#include "supervisor/crew.h"

#include "base/log.h"
#include "base/mem.h"
#include "supervisor/child.h"
#include "supervisor/notify.h"

/* About ten times what the largest settings start, for those that leave while others come. */
#define CREW_MAX 1024

struct crew {
	struct child_world world;
	struct child *children[CREW_MAX];
	size_t count;
	uint64_t sweep;             /* a timer */
	bool told_ready;            /* since the start or the last reload */
	bool stopping;
};

/* Takes out who is gone, and sees whether all are ready or none is left. */
static void sweep(void *owner)
{
	struct crew *crew = owner;
	size_t kept = 0;
	bool all_ready = true;

	crew->sweep = 0;
	for (size_t i = 0; i < crew->count; i++) {
		struct child *child = crew->children[i];

		if (child_is_gone(child)) {
			child_free(child);
			continue;
		}
		crew->children[kept++] = child;
		if (child_is_wanted(child) && !child_was_ready(child))
			all_ready = false;
	}
	crew->count = kept;
	if (crew->stopping) {
		if (kept == 0)
			loop_stop(crew->world.loop);
		return;
	}
	if (all_ready && !crew->told_ready) {
		crew->told_ready = true;
		log_info("event=all_ready children=%zu", kept);
		notify_ready();
	}
}

/* In a round of its own, so that no child is freed while it, or a walk over all, is under way. */
static void changed(void *owner)
{
	struct crew *crew = owner;

	if (crew->sweep == 0)
		crew->sweep = loop_timer(crew->world.loop, 0, sweep, crew);
}

static void add(struct crew *crew, const struct role *role, int n)
{
	must(crew->count < CREW_MAX);
	crew->children[crew->count++] = child_new(&crew->world, role, n);
}

struct crew *crew_new(struct loop *loop, const struct conf *conf, const char *libexec,
	const struct supply *supply)
{
	struct crew *crew = mem_alloc(sizeof *crew);

	crew->world = (struct child_world){
		.loop = loop, .conf = conf, .libexec = libexec, .supply = supply,
		.changed = changed, .owner = crew,
	};
	for (size_t i = 0; i < roles_count; i++)
		for (int n = 1; n <= role_count(&roles[i], conf); n++)
			add(crew, &roles[i], n);
	return crew;
}

void crew_free(struct crew *crew)
{
	loop_timer_drop(crew->world.loop, crew->sweep);
	for (size_t i = 0; i < crew->count; i++)
		child_free(crew->children[i]);
	mem_free(crew);
}

bool crew_reload(struct crew *crew, const struct conf *conf)
{
	size_t old = crew->count;
	size_t more = 0;

	for (size_t i = 0; i < roles_count; i++)
		more += (size_t)role_count(&roles[i], conf);
	if (crew->stopping || more > CREW_MAX - old)
		return false;
	crew->world.conf = conf;
	crew->told_ready = false;
	for (size_t i = 0; i < old; i++)
		child_drain(crew->children[i],
			child_is_wanted(crew->children[i]) && child_role(crew->children[i])->exclusive);
	for (size_t i = 0; i < roles_count; i++)
		for (int n = 1; !roles[i].exclusive && n <= role_count(&roles[i], conf); n++)
			add(crew, &roles[i], n);
	changed(crew);
	return true;
}

void crew_stop(struct crew *crew)
{
	bool again = crew->stopping;

	crew->stopping = true;
	for (size_t i = 0; i < crew->count; i++) {
		if (again)
			child_kill(crew->children[i]);
		else
			child_drain(crew->children[i], false);
	}
	changed(crew);
}

int64_t crew_stop_ms(const struct crew *crew)
{
	return conf_int(crew->world.conf, "DRAIN_SECONDS") * 1000 + CHILD_DRAIN_MORE_MS;
}
