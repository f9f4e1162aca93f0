/* Counters, gauges and histograms: shared between processes, told as Prometheus reads them. */
#include "base/clock.h"
#include "base/metric.h"
#include "data/lane.h"
#include "data/report.h"
#include "data/update.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tap.h"

#define PROCESSES 4
#define EACH 50000

static struct buf text;

static void told(void)
{
	buf_clear(&text);
	metric_print(&text);
}

static bool tells(const char *line)
{
	char whole[300];

	snprintf(whole, sizeof whole, "\n%s\n", line);
	return strstr(buf_text(&text), whole) != NULL;
}

/* The descriptor for a process that has none of its own yet: metric_open closes what it takes. */
static int copy(int fd)
{
	int again = dup(fd);

	must(again >= 0);
	return again;
}

static void test_alone(void)
{
	metric_add(METRIC_UPDATES, UPDATE_TEXT, 0);
	is_i64(metric_value(METRIC_UPDATES, UPDATE_TEXT, 0), 1, "without a table a process counts for itself");
	metric_open(-1);
	metric_open(999);
	metric_open(STDIN_FILENO);
	is_i64(metric_value(METRIC_UPDATES, UPDATE_TEXT, 0), 1, "what is no table is left alone");
	ok(fcntl(STDIN_FILENO, F_GETFD) >= 0, "and open");
	is_i64(metric_beat_age_ms(), -1, "no dispatcher has ever beaten");
	told();
	ok(!text.full && tells("atelier_updates_total{kind=\"text\"} 1"), "it is told");
}

static void test_table(int fd)
{
	struct stat st;

	ok(fstat(fd, &st) == 0 && ftruncate(fd, st.st_size + 1) != 0 && ftruncate(fd, 0) != 0, "its size is sealed");
	metric_open(copy(fd));
	is_i64(metric_value(METRIC_UPDATES, UPDATE_TEXT, 0), 0, "the shared table is another");
	metric_beat();
	ok(metric_beat_age_ms() >= 0 && metric_beat_age_ms() < 5000, "a beat is heard");
}

static void test_processes(int fd)
{
	pid_t pids[PROCESSES];

	fflush(stdout);
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		metric_open(copy(fd));
		for (int n = 0; n < EACH; n++) {
			metric_add(METRIC_REQUESTS, ROUTE_TELEGRAM, metric_status(200));
			metric_observe(METRIC_TASK_SECONDS, LANE_PAY, 1000000);
		}
		_exit(0);
	}
	int64_t begin_us = clock_mono_us();

	for (int i = 0; i < PROCESSES; i++)
		must(waitpid(pids[i], NULL, 0) == pids[i]);
	printf("# %d processes at once: %" PRId64 " ns for a request's counting\n", PROCESSES,
		(clock_mono_us() - begin_us) * 1000 / EACH);
	is_i64(metric_value(METRIC_REQUESTS, ROUTE_TELEGRAM, 0), PROCESSES * EACH, "no increment of %d processes is lost",
		PROCESSES);
	told();
	ok(tells("atelier_task_seconds_count{lane=\"pay\"} 200000"), "nor an observation");
	ok(tells("atelier_task_seconds_sum{lane=\"pay\"} 200000"), "nor its sum");
}

static void test_histogram(void)
{
	static const int64_t seen_us[] = {0, 1000, 1001, 2500, 10000000, 10000001, 3};

	for (size_t i = 0; i < sizeof seen_us / sizeof *seen_us; i++)
		metric_observe(METRIC_REQUEST_SECONDS, ROUTE_MEDIA, seen_us[i]);
	told();
	ok(tells("atelier_http_request_seconds_bucket{route=\"media\",le=\"0.001\"} 3"), "a bound belongs to its bucket");
	ok(tells("atelier_http_request_seconds_bucket{route=\"media\",le=\"0.0025\"} 5"), "buckets are cumulated");
	ok(tells("atelier_http_request_seconds_bucket{route=\"media\",le=\"10\"} 6"), "up to the last bound");
	ok(tells("atelier_http_request_seconds_bucket{route=\"media\",le=\"+Inf\"} 7"), "all are in the last one");
	ok(tells("atelier_http_request_seconds_count{route=\"media\"} 7"), "which is the count");
	ok(tells("atelier_http_request_seconds_sum{route=\"media\"} 20.004505"), "the sum is in seconds");
	metric_observe(METRIC_TURN_SIZE, 0, 3);
	told();
	ok(tells("atelier_turn_updates_bucket{le=\"2\"} 0") && tells("atelier_turn_updates_bucket{le=\"4\"} 1")
		&& tells("atelier_turn_updates_sum 3"), "one without labels");
}

/* Programs of another version have other declarations: they take the next sheet. */
static void test_shapes(int fd)
{
	struct stat st;

	must(fstat(fd, &st) == 0);
	int64_t *file = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(file != MAP_FAILED);
	ok(file[0] != 0, "a sheet is marked with the shape of what is counted");
	file[0]++;
	metric_open(copy(fd));
	is_i64(metric_value(METRIC_REQUESTS, ROUTE_TELEGRAM, 0), 0, "another shape: a sheet of its own");
	metric_add(METRIC_UPDATES_PARKED, 0, 0);
	metric_open(copy(fd));
	is_i64(metric_value(METRIC_UPDATES_PARKED, 0, 0), 1, "which the next of this shape shares");
	file[0]--;
	metric_open(copy(fd));
	is_i64(metric_value(METRIC_REQUESTS, ROUTE_TELEGRAM, 0), PROCESSES * EACH, "the first shape finds its own");
	munmap(file, (size_t)st.st_size);
}

static void test_labels(void)
{
	static const char *const kinds[UPDATE_KIND_COUNT] = {
		[UPDATE_IGNORED] = "ignored", [UPDATE_TEXT] = "text", [UPDATE_COMMAND] = "command", [UPDATE_PHOTO] = "photo",
		[UPDATE_VIDEO] = "video", [UPDATE_IMAGE_FILE] = "image_file", [UPDATE_OTHER] = "other",
		[UPDATE_PRESS] = "press", [UPDATE_BLOCKED] = "blocked", [UPDATE_UNBLOCKED] = "unblocked",
		[UPDATE_CHECKOUT] = "checkout", [UPDATE_PAYMENT] = "payment",
	};
	char line[200];

	_Static_assert(LANE_COUNT == METRIC_LANES && REPORT_OUTCOME_COUNT == METRIC_OUTCOMES
		&& UPDATE_KIND_COUNT == METRIC_UPDATE_KINDS, "as many labels as there are names");
	for (unsigned kind = 0; kind < UPDATE_KIND_COUNT; kind++)
		for (unsigned n = 0; n < 100 + kind; n++)
			metric_add(METRIC_UPDATES, kind, 0);
	for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
		metric_set(METRIC_HELPERS, lane, 10 + lane);
		for (unsigned outcome = 0; outcome < REPORT_OUTCOME_COUNT; outcome++)
			for (unsigned n = 0; n < 1 + lane * 10 + outcome; n++)
				metric_add(METRIC_REPORTS, lane, outcome);
	}
	told();
	for (unsigned kind = 0; kind < UPDATE_KIND_COUNT; kind++) {
		snprintf(line, sizeof line, "atelier_updates_total{kind=\"%s\"} %u", kinds[kind], 100 + kind);
		ok(tells(line), "%s", line);
	}
	for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
		snprintf(line, sizeof line, "atelier_helpers{lane=\"%s\"} %u", lane_name((enum lane)lane), 10 + lane);
		ok(tells(line), "%s", line);
		for (unsigned outcome = 0; outcome < REPORT_OUTCOME_COUNT; outcome++) {
			snprintf(line, sizeof line, "atelier_task_reports_total{lane=\"%s\",outcome=\"%s\"} %u",
				lane_name((enum lane)lane), report_outcome_name((enum report_outcome)outcome), 1 + lane * 10 + outcome);
			ok(tells(line), "%s", line);
		}
	}
	metric_add(METRIC_REQUESTS, ROUTE_NONE, metric_status(418));
	told();
	ok(tells("atelier_http_requests_total{route=\"none\",status=\"other\"} 1"), "an unusual status is an other one");
}

static void add_a_gauge(void) { metric_add(METRIC_HELPERS, 0, 0); }
static void add_too_far(void) { metric_add(METRIC_REPORTS, LANE_COUNT, 0); }
static void add_a_second(void) { metric_add(METRIC_UPDATES, 0, 1); }

int main(void)
{
	int fd;

	buf_init(&text, 1 << 20);
	test_alone();
	ok(metric_make(&fd) == FD_OK, "metric_make");
	test_table(fd);
	test_processes(fd);
	test_histogram();
	test_shapes(fd);
	test_labels();
	faults(add_a_gauge, "a gauge is not added to");
	faults(add_too_far, "a label that is not there");
	faults(add_a_second, "a second label where there is one");
	fd_close(&fd);
	buf_free(&text);
	return tap_done();
}
