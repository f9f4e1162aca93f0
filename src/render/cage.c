/* Limits by setrlimit, system calls by an allow-list of libseccomp. */
#include "render/cage.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

/* The sanitizers reserve terabytes. */
#if defined(__SANITIZE_ADDRESS__)
#define CAGE_ENDLESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAGE_ENDLESS 1
#endif
#endif
#ifndef CAGE_ENDLESS
#define CAGE_ENDLESS 0
#endif

/* What decoding and encoding in memory needs, with threads of glib and glibc. */
static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(gettid), SCMP_SYS(getpid),
	SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getattr),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static bool limit(int what, uint64_t value)
{
	struct rlimit most = {.rlim_cur = value, .rlim_max = value};

	return setrlimit(what, &most) == 0;
}

bool cage_begin(int last)
{
	/* What we were not given we can't leak; a failure leaves them open, and the filter still holds. */
	if (close_range((unsigned)last + 1, ~0u, 0) != 0)
		errno = 0;
	/* With a second one glibc opens a file of /proc before it gives memory back. */
	(void)mallopt(M_ARENA_MAX, 1);
	return limit(RLIMIT_CORE, 0) && limit(RLIMIT_CPU, CAGE_CPU_SECONDS) && limit(RLIMIT_FSIZE, CAGE_OUTPUT_MAX)
		&& (CAGE_ENDLESS || limit(RLIMIT_AS, CAGE_MEMORY_MAX));
}

/* Allows a call only if the bits of `mask` in one of its arguments are `value`. */
static bool allow_if(scmp_filter_ctx filter, int call, unsigned argument, uint64_t mask,
	uint64_t value)
{
	struct scmp_arg_cmp only = {
		.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value,
	};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &only) == 0;
}

static bool rules_partly(scmp_filter_ctx filter)
{
	/* Memory, but none that can be run. */
	return allow_if(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0)
		&& allow_if(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0)
		/* Threads, no processes. The filter can't see the flags of clone3: glibc then takes clone. */
		&& allow_if(filter, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD)
		&& seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0
		&& allow_if(filter, SCMP_SYS(prctl), 0, UINT64_MAX, PR_SET_NAME)
		/* Asking for limits, not setting them. */
		&& allow_if(filter, SCMP_SYS(prlimit64), 2, UINT64_MAX, 0);
}

bool cage_enter(void)
{
	if (!limit(RLIMIT_NOFILE, STDERR_FILENO + 1) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return false;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (filter == NULL)
		return false;
	bool good = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 && rules_partly(filter);

	for (size_t i = 0; good && i < COUNT(allowed); i++)
		good = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
	good = good && seccomp_load(filter) == 0;
	seccomp_release(filter);
	return good;
}
