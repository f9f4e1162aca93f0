/* What every process of ours is given at birth, and how it leaves. */
#include "config.h"

#include "base/proc.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#define PROC_EXIT_USAGE 64

#if defined(__x86_64__)
#define PROC_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define PROC_ARCH AUDIT_ARCH_AARCH64
#endif

/* The leak checker traces its own process, which a process that can't be traced refuses. */
#if defined(__SANITIZE_ADDRESS__)
#define PROC_TRACEABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PROC_TRACEABLE 1
#endif
#endif
#ifndef PROC_TRACEABLE
#define PROC_TRACEABLE 0
#endif

/* What was printed must have arrived: a full disk is not success. */
static _Noreturn void leave_after_print(void)
{
	exit(fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 1);
}

void proc_options(int argc, char **argv, int words, const char *usage, const char *help)
{
	if (argc == 2 && str_equal(argv[1], "--help")) {
		printf("Usage: %s\n%s%s", usage, help, *help == '\0' ? "" : "\n");
		leave_after_print();
	}
	if (argc == 2 && str_equal(argv[1], "--version")) {
		printf("%s (Atelier) %s\n", program_invocation_short_name, PACKAGE_VERSION);
		leave_after_print();
	}
	bool wrong = argc - 1 > words;

	for (int i = 1; i < argc; i++)
		wrong = wrong || argv[i][0] == '-';
	if (wrong) {
		fprintf(stderr, "Usage: %s\n", usage);
		exit(PROC_EXIT_USAGE);
	}
}

void proc_child_begin(const char *role)
{
	static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE};
	const struct rlimit none = {0, 0};

	log_open(role);
	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		must(signal(ignored[i], SIG_IGN) != SIG_ERR);
	must(setrlimit(RLIMIT_CORE, &none) == 0);
	if (!PROC_TRACEABLE)
		must(prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) == 0);
	/* Ours alone: a program that a role starts inherits none of them. Some may be missing. */
	for (int fd = PROC_FD_LIFELINE; fd <= PROC_FD_DISPATCHER_METRICS; fd++)
		(void)!fd_set_cloexec(fd, 1);
}

bool proc_settings(struct buf *out)
{
	int fd = PROC_FD_SETTINGS;
	enum fd_end end = lseek(fd, 0, SEEK_SET) == 0 ? fd_read_all(fd, out) : FD_FAILED;

	fd_close(&fd);
	return end == FD_OK;
}

void proc_ready(void)
{
	int fd = PROC_FD_STATUS;

	/* Without a supervisor there is nobody to tell. */
	(void)!fd_write_all(fd, "R", 1);
	fd_close(&fd);
}

#ifdef PROC_ARCH
bool proc_no_network(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROC_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		/* From here on the jumps count: the last statement refuses, the one before it allows. */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 7, 0),              /* x32 */
		/* it makes sockets too */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_PACKET, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
	};
	struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0
		&& prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
#else
bool proc_no_network(void)
{
	return false;
}
#endif
