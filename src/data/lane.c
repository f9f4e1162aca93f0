/* The lanes and the kinds of task by name. */
#include "data/lane.h"

#include <stddef.h>

#include "base/str.h"

static const char *const lane_names[LANE_COUNT] = {
	[LANE_CHAT] = "chat", [LANE_PAY] = "pay", [LANE_MEDIA] = "media",
};

static const struct {
	const char *name;
	enum lane lane;
} kinds[TASK_KIND_COUNT] = {
	[TASK_SAY] = {"say", LANE_CHAT},
	[TASK_EDIT] = {"edit", LANE_CHAT},
	[TASK_PHOTO] = {"photo", LANE_CHAT},
	[TASK_WEBHOOK] = {"webhook", LANE_CHAT},
	[TASK_DOCUMENT] = {"document", LANE_CHAT},
	[TASK_TAKE] = {"take", LANE_CHAT},
	[TASK_RESEND] = {"resend", LANE_CHAT},
	[TASK_COPY] = {"copy", LANE_CHAT},
	[TASK_PROBE] = {"probe", LANE_CHAT},
	[TASK_PAY_PROBE] = {"pay_probe", LANE_PAY},
	[TASK_PAY_CREATE] = {"pay_create", LANE_PAY},
	[TASK_PAY_ASK] = {"pay_ask", LANE_PAY},
	[TASK_PAY_REFUND] = {"pay_refund", LANE_PAY},
	[TASK_PAY_REFUND_ASK] = {"pay_refund_ask", LANE_PAY},
	[TASK_PAY_LIST] = {"pay_list", LANE_PAY},
	[TASK_SUBMIT] = {"submit", LANE_MEDIA},
	[TASK_POLL] = {"poll", LANE_MEDIA},
	[TASK_FETCH] = {"fetch", LANE_MEDIA},
	[TASK_LOOKUP] = {"lookup", LANE_MEDIA},
	[TASK_CANCEL] = {"cancel", LANE_MEDIA},
	[TASK_SWEEP] = {"sweep", LANE_MEDIA},
	[TASK_CLEAN] = {"clean", LANE_MEDIA},
	[TASK_RENDER] = {"render", LANE_MEDIA},
	[TASK_CHART] = {"chart", LANE_MEDIA},
	[TASK_MEDIA_PROBE] = {"media_probe", LANE_MEDIA},
};

const char *lane_name(enum lane lane)
{
	must((unsigned)lane < LANE_COUNT);
	return lane_names[lane];
}

int lane_from(const char *name, enum lane *lane)
{
	for (int i = 0; i < LANE_COUNT; i++)
		if (str_equal(lane_names[i], name)) {
			*lane = (enum lane)i;
			return 0;
		}
	return -1;
}

const char *task_kind_name(enum task_kind kind)
{
	must((unsigned)kind < TASK_KIND_COUNT);
	return kinds[kind].name;
}

int task_kind_from(const char *name, enum task_kind *kind)
{
	for (int i = 0; i < TASK_KIND_COUNT; i++)
		if (str_equal(kinds[i].name, name)) {
			*kind = (enum task_kind)i;
			return 0;
		}
	return -1;
}

enum lane task_kind_lane(enum task_kind kind)
{
	must((unsigned)kind < TASK_KIND_COUNT);
	return kinds[kind].lane;
}
