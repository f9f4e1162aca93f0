/* What is counted: relaxed atomics in a table of fixed shape. */
#include "base/metric.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define METRIC_PREFIX "atelier_"
#define CELLS_MAX 160           /* of one metric: its labels' values multiplied, for each bucket */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define MICRO 1000000
#define COUNT(array) (sizeof (array) / sizeof *(array))

/* ---- the declarations --------------------------------------------------------------------------------- */

struct label {
	const char *name;
	size_t count;
	const char *const *values;
};

static const char *const parts[] = {"database", "dispatcher", "chat", "pay", "media"};
static const char *const kinds[] = {"ignored", "text", "command", "photo", "video", "image_file", "other", "press",
	"blocked", "unblocked", "checkout", "payment"};
static const char *const failures[] = {"away", "again", "broken"};
static const char *const routes[] = {"telegram", "yookassa_webhook", "yookassa_health", "betatransfer_callback",
	"pay_return", "media", "healthz", "metrics", "none"};
static const char *const statuses[] = {"200", "400", "403", "404", "405", "413", "415", "503", "other"};
static const int status_codes[] = {200, 400, 403, 404, 405, 413, 415, 503};
static const char *const programs[] = {"responder", "dispatcher"};
static const char *const lanes[] = {"chat", "pay", "media"};
static const char *const outcomes[] = {"done", "later", "refused", "failed", "unknown"};
_Static_assert(COUNT(parts) == PART_COUNT && COUNT(kinds) == METRIC_UPDATE_KINDS && COUNT(routes) == ROUTE_COUNT
	&& COUNT(statuses) == COUNT(status_codes) + 1 && COUNT(lanes) == METRIC_LANES
	&& COUNT(outcomes) == METRIC_OUTCOMES, "a name for each value of a label");

#define LABEL(name, values) {name, COUNT(values), values}

/* Upper bounds of buckets; what is above the last has one more. */
static const int64_t sizes[] = {1, 2, 4, 8, 16, 32, 64};
static const int64_t fast_us[] = {1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
	5000000, 10000000};
static const int64_t slow_us[] = {50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
	60000000, 120000000, 300000000, 600000000};

#define BOUNDS(values) values, COUNT(values)

enum type { COUNTER, GAUGE, HISTOGRAM };
static const char *const types[] = {"counter", "gauge", "histogram"};

static const struct declared {
	const char *name;
	const char *help;
	enum type type;
	struct label labels[2];         /* name null: none */
	const int64_t *bounds;          /* of a histogram … */
	size_t bounds_count;
	int64_t unit;                   /* … and how much of what is counted makes one of what is told */
} table[METRIC_COUNT] = {
	[METRIC_HEALTHY] = {"healthy", "Whether a part is there and alive, as GET /healthz tells.",
		GAUGE, {LABEL("part", parts)}, NULL, 0, 1},
	[METRIC_UPDATES] = {"updates_total", "Updates of Telegram that were taken; a repeated one counts once.",
		COUNTER, {LABEL("kind", kinds)}, NULL, 0, 1},
	[METRIC_UPDATES_PARKED] = {"updates_parked_total", "Updates that could not be stored and were set aside.",
		COUNTER, {{0}}, NULL, 0, 1},
	[METRIC_TURN_SIZE] = {"turn_updates", "Updates that were taken together, in one transaction.",
		HISTOGRAM, {{0}}, BOUNDS(sizes), 1},
	[METRIC_TURN_FAILURES] = {"turn_failures_total", "Transactions of updates that were rolled back.",
		COUNTER, {LABEL("why", failures)}, NULL, 0, 1},
	[METRIC_REQUESTS] = {"http_requests_total", "Requests that responders answered.",
		COUNTER, {LABEL("route", routes), LABEL("status", statuses)}, NULL, 0, 1},
	[METRIC_REQUEST_SECONDS] = {"http_request_seconds", "Time from taking a request to its answer.",
		HISTOGRAM, {LABEL("route", routes)}, BOUNDS(fast_us), MICRO},
	[METRIC_DATABASE_LOST] = {"database_lost_total", "Times that a program found the database away.",
		COUNTER, {LABEL("program", programs)}, NULL, 0, 1},
	[METRIC_HELPERS] = {"helpers", "Helpers that are connected to the dispatcher and not silent.",
		GAUGE, {LABEL("lane", lanes)}, NULL, 0, 1},
	[METRIC_IN_FLIGHT] = {"tasks_in_flight", "Tasks that helpers hold.",
		GAUGE, {LABEL("lane", lanes)}, NULL, 0, 1},
	[METRIC_LEASED] = {"tasks_leased_total", "Tasks that were handed to helpers.",
		COUNTER, {LABEL("lane", lanes)}, NULL, 0, 1},
	[METRIC_REPORTS] = {"task_reports_total", "Reports of helpers that were settled.",
		COUNTER, {LABEL("lane", lanes), LABEL("outcome", outcomes)}, NULL, 0, 1},
	[METRIC_THROTTLED] = {"task_throttled_total", "Reports that the other side told us to wait (429).",
		COUNTER, {LABEL("lane", lanes)}, NULL, 0, 1},
	[METRIC_TASK_SECONDS] = {"task_seconds", "Time from handing out a task to its report.",
		HISTOGRAM, {LABEL("lane", lanes)}, BOUNDS(slow_us), MICRO},
};

/* ---- the table ---------------------------------------------------------------------------------------- */

/* A histogram has for each value of its label a cell a bucket, the last one for what is above all bounds, and after
 * them one for the sum. */
struct sheet {
	_Atomic int64_t shape;          /* of the programs that count here; 0: nobody's yet */
	_Atomic int64_t beat_ms;        /* of CLOCK_BOOTTIME; 0: never */
	_Atomic int64_t cells[METRIC_COUNT][CELLS_MAX];
};

/* Programs that were upgraded under a running supervisor may count other things: a sheet for each shape that comes,
 * and each is of the same size whatever it holds. */
#define SHEETS 4
#define SHEET_BYTES 32768
#define FILE_BYTES ((size_t)SHEETS * SHEET_BYTES)
_Static_assert(sizeof(struct sheet) <= SHEET_BYTES, "a sheet fits");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && sizeof(_Atomic int64_t) == 8, "shared between processes without locks");

static struct sheet own;
static struct sheet *sheet = &own;

static size_t width(const struct declared *declared)
{
	return declared->type == HISTOGRAM ? declared->bounds_count + 2 : 1;
}

static size_t values(const struct label *label)
{
	return label->name == NULL ? 1 : label->count;
}

static size_t cells(const struct declared *declared)
{
	return values(&declared->labels[0]) * values(&declared->labels[1]) * width(declared);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t count)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* A number for what is declared above: programs with the same may share a sheet. FNV-1a. */
static int64_t shape(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const struct declared *declared = &table[i];

		hash = mix(hash, declared->name, strlen(declared->name) + 1);
		hash = mix(hash, declared->bounds, declared->bounds_count * sizeof *declared->bounds);
		for (size_t label = 0; label < 2; label++)
			for (size_t n = 0; declared->labels[label].name != NULL && n < declared->labels[label].count; n++)
				hash = mix(hash, declared->labels[label].values[n], strlen(declared->labels[label].values[n]) + 1);
	}
	return hash == 0 ? 1 : (int64_t)(hash & INT64_MAX);
}

enum fd_end metric_make(int *fd)
{
	*fd = memfd_create("metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return FD_FAILED;
	if (ftruncate(*fd, (off_t)FILE_BYTES) == 0 && fcntl(*fd, F_ADD_SEALS, SEALS) == 0)
		return FD_OK;
	fd_close(fd);
	return FD_FAILED;
}

void metric_open(int fd)
{
	struct stat st;
	int64_t mine = shape();

	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0 || st.st_size != (off_t)FILE_BYTES)
		return;
	char *file = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	fd_close(&fd);
	for (size_t i = 0; file != MAP_FAILED && i < SHEETS; i++) {
		struct sheet *at = (struct sheet *)(void *)(file + i * SHEET_BYTES);
		int64_t before = 0;

		if (atomic_compare_exchange_strong(&at->shape, &before, mine) || before == mine) {
			sheet = at;
			return;
		}
	}
	log_warn("event=metrics error=\"no place in the shared table: counting alone\"");
}

/* ---- counting ----------------------------------------------------------------------------------------- */

/* The first cell of a metric with these labels. */
static _Atomic int64_t *cell(enum metric metric, enum type type, unsigned first, unsigned second)
{
	const struct declared *declared = &table[metric];
	const struct label *labels = declared->labels;

	must(declared->type == type && first < values(&labels[0]) && second < values(&labels[1]));
	return &sheet->cells[metric][(first * values(&labels[1]) + second) * width(declared)];
}

static void add(_Atomic int64_t *to, int64_t value)
{
	atomic_fetch_add_explicit(to, value, memory_order_relaxed);
}

void metric_add(enum metric metric, unsigned first, unsigned second)
{
	add(cell(metric, COUNTER, first, second), 1);
}

void metric_set(enum metric metric, unsigned first, int64_t value)
{
	atomic_store_explicit(cell(metric, GAUGE, first, 0), value, memory_order_relaxed);
}

void metric_observe(enum metric metric, unsigned first, int64_t value)
{
	_Atomic int64_t *at = cell(metric, HISTOGRAM, first, 0);
	const struct declared *declared = &table[metric];
	size_t bucket = 0;

	while (bucket < declared->bounds_count && value > declared->bounds[bucket])
		bucket++;
	add(&at[bucket], 1);
	add(&at[declared->bounds_count + 1], value);
}

int64_t metric_value(enum metric metric, unsigned first, unsigned second)
{
	return atomic_load_explicit(cell(metric, table[metric].type, first, second), memory_order_relaxed);
}

unsigned metric_status(int status)
{
	unsigned i = 0;

	while (i < COUNT(status_codes) && status_codes[i] != status)
		i++;
	return i;
}

void metric_beat(void)
{
	atomic_store_explicit(&sheet->beat_ms, clock_boot_ms(), memory_order_relaxed);
}

int64_t metric_beat_age_ms(void)
{
	int64_t beat_ms = atomic_load_explicit(&sheet->beat_ms, memory_order_relaxed);

	return beat_ms == 0 ? -1 : clock_boot_ms() - beat_ms;
}

/* ---- telling ------------------------------------------------------------------------------------------ */

/* In the unit that is told: whole, or with as many digits of a millionth as it takes. */
static void print_value(struct buf *out, int64_t value, int64_t unit)
{
	int64_t rest = value % unit;
	int digits = 6;

	buf_i64(out, value / unit);
	if (rest == 0)
		return;
	for (; rest % 10 == 0; digits--)
		rest /= 10;
	buf_fmt(out, ".%0*" PRId64, digits, rest);
}

/* The name with what stands behind it, and the labels; bound: of a bucket, -1: none, INT64_MAX: infinite. */
static void print_name(struct buf *out, const struct declared *declared, const char *suffix, size_t first,
	size_t second, int64_t bound)
{
	size_t n[] = {first, second};
	char between = '{';

	buf_fmt(out, METRIC_PREFIX "%s%s", declared->name, suffix);
	for (size_t i = 0; i < 2 && declared->labels[i].name != NULL; i++, between = ',')
		buf_fmt(out, "%c%s=\"%s\"", between, declared->labels[i].name, declared->labels[i].values[n[i]]);
	if (bound >= 0) {
		buf_fmt(out, "%cle=\"", between);
		if (bound == INT64_MAX)
			buf_str(out, "+Inf");
		else
			print_value(out, bound, declared->unit);
		buf_char(out, '"');
		between = ',';
	}
	buf_str(out, between == ',' ? "} " : " ");
}

/* Buckets are told cumulated, and the count is the last of them: the parts fit together whoever counts meanwhile. */
static void print_histogram(struct buf *out, const struct declared *declared, size_t first, _Atomic int64_t *at)
{
	int64_t count = 0;

	for (size_t i = 0; i <= declared->bounds_count; i++) {
		count += atomic_load_explicit(&at[i], memory_order_relaxed);
		print_name(out, declared, "_bucket", first, 0, i < declared->bounds_count ? declared->bounds[i] : INT64_MAX);
		buf_fmt(out, "%" PRId64 "\n", count);
	}
	print_name(out, declared, "_sum", first, 0, -1);
	print_value(out, atomic_load_explicit(&at[declared->bounds_count + 1], memory_order_relaxed), declared->unit);
	buf_char(out, '\n');
	print_name(out, declared, "_count", first, 0, -1);
	buf_fmt(out, "%" PRId64 "\n", count);
}

static void print_one(struct buf *out, enum metric metric)
{
	const struct declared *declared = &table[metric];

	must(cells(declared) <= CELLS_MAX);
	buf_fmt(out, "# HELP " METRIC_PREFIX "%s %s\n# TYPE " METRIC_PREFIX "%s %s\n", declared->name, declared->help,
		declared->name, types[declared->type]);
	for (unsigned first = 0; first < values(&declared->labels[0]); first++)
		for (unsigned second = 0; second < values(&declared->labels[1]); second++) {
			_Atomic int64_t *at = cell(metric, declared->type, first, second);

			if (declared->type == HISTOGRAM) {
				print_histogram(out, declared, first, at);
				continue;
			}
			print_name(out, declared, "", first, second, -1);
			buf_fmt(out, "%" PRId64 "\n", atomic_load_explicit(at, memory_order_relaxed));
		}
}

void metric_print(struct buf *out)
{
	for (int i = 0; i < METRIC_COUNT; i++)
		print_one(out, (enum metric)i);
}
