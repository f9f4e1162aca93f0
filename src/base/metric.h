/* What is counted: a fixed table of counters, gauges and histograms that responders and dispatcher share. */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/fd.h"

/* All that may be counted. By: the labels, in this order; what each can be stands in metric.c. Histograms of
 * seconds take microseconds. */
enum metric {
	METRIC_HEALTHY,         /* gauge by enum metric_part: 1 or 0, as GET /healthz sees it */
	METRIC_UPDATES,         /* counter by kind of update */
	METRIC_UPDATES_PARKED,
	METRIC_TURN_SIZE,       /* histogram */
	METRIC_TURN_FAILURES,   /* counter by enum metric_failure */
	METRIC_REQUESTS,        /* counter by enum metric_route and metric_status() */
	METRIC_REQUEST_SECONDS, /* histogram by enum metric_route */
	METRIC_DATABASE_LOST,   /* counter by enum metric_program */
	METRIC_HELPERS,         /* gauge by lane */
	METRIC_IN_FLIGHT,       /* gauge by lane */
	METRIC_LEASED,          /* counter by lane */
	METRIC_REPORTS,         /* counter by lane and outcome */
	METRIC_THROTTLED,       /* counter by lane */
	METRIC_TASK_SECONDS,    /* histogram by lane */
	METRIC_COUNT
};

enum metric_part { PART_DATABASE, PART_DISPATCHER, PART_CHAT, PART_PAY, PART_MEDIA, PART_COUNT };
enum metric_failure { FAILURE_AWAY, FAILURE_AGAIN, FAILURE_BROKEN };
enum metric_program { PROGRAM_RESPONDER, PROGRAM_DISPATCHER };
enum metric_route {
	ROUTE_TELEGRAM, ROUTE_YOOKASSA_WEBHOOK, ROUTE_YOOKASSA_HEALTH, ROUTE_BETATRANSFER_CALLBACK, ROUTE_PAY_RETURN,
	ROUTE_MEDIA, ROUTE_HEALTHZ, ROUTE_METRICS, ROUTE_NONE, ROUTE_COUNT
};
/* Higher floors have the names of these; a test holds both lists against each other. */
#define METRIC_LANES 3
#define METRIC_OUTCOMES 5
#define METRIC_UPDATE_KINDS 12

unsigned metric_status(int status);             /* the label of an HTTP status; unusual ones share one */

/* Makes the table: a memory file that can't change its size, all zero. */
MUST_CHECK enum fd_end metric_make(int *fd);

/* Counts into that table from now on, and closes fd. One that is no such table is left alone: then, as before this
 * call, this process counts for itself. Call it once. */
void metric_open(int fd);

/* No locks, no memory, cannot fail. A metric of another type, or a label it has not, is a fault; where there is no
 * (second) label it is 0. */
void metric_add(enum metric metric, unsigned first, unsigned second);
void metric_set(enum metric metric, unsigned first, int64_t value);
void metric_observe(enum metric metric, unsigned first, int64_t value);
int64_t metric_value(enum metric metric, unsigned first, unsigned second);      /* of a counter or gauge */

/* The dispatcher is alive; and how many ms ago it last said so, -1: never. */
void metric_beat(void);
int64_t metric_beat_age_ms(void);

/* All of it as text. Source: Prometheus, exposition formats, text format 0.0.4. */
void metric_print(struct buf *out);

#endif
