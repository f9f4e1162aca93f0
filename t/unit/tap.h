/* The Test Anything Protocol in C: one line for each check, a plan at the end. */
#ifndef UNIT_TAP_H
#define UNIT_TAP_H

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int tap_count;
static int tap_failed;

/* Prints one result; name and the rest are a printf format. Returns what it was given. */
#define ok(good, ...) tap_result((good), __FILE__, __LINE__, __VA_ARGS__)
#define is_i64(got, want, ...) tap_i64((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...) tap_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)
/* Whether the call ends its process with abort(), as a fault does. */
#define faults(call, ...) ok(tap_faults(call), __VA_ARGS__)

__attribute__((format(printf, 4, 5), unused))
static bool tap_result(bool good, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	tap_count++;
	printf("%sok %d - ", good ? "" : "not ", tap_count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	if (!good) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	return good;
}

__attribute__((format(printf, 5, 6), unused))
static bool tap_i64(int64_t got, int64_t want, const char *file, int line, const char *fmt, ...)
{
	char name[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(name, sizeof name, fmt, args);
	va_end(args);
	bool good = tap_result(got == want, file, line, "%s", name);

	if (!good)
		printf("#   got %" PRId64 ", want %" PRId64 "\n", got, want);
	return good;
}

/* Prints text as a comment, with newlines shown. */
__attribute__((unused))
static void tap_show(const char *word, const char *text)
{
	printf("# %6s: ", word);
	if (text == NULL)
		fputs("null", stdout);
	for (; text != NULL && *text != '\0'; text++)
		if ((unsigned char)*text < 0x20)
			printf("\\x%02x", (unsigned)(unsigned char)*text);
		else
			putchar(*text);
	putchar('\n');
}

__attribute__((format(printf, 5, 6), unused))
static bool tap_str(const char *got, const char *want, const char *file, int line,
	const char *fmt, ...)
{
	char name[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(name, sizeof name, fmt, args);
	va_end(args);
	bool same = got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;
	bool good = tap_result(same, file, line, "%s", name);

	if (!good) {
		tap_show("got", got);
		tap_show("want", want);
	}
	return good;
}

__attribute__((unused))
static bool tap_faults(void (*call)(void))
{
	int status = 0;

	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) != NULL)
			call();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid
		&& WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* Prints the plan; for `return tap_done();` at the end of main. */
__attribute__((unused))
static int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed == 0 && fflush(stdout) == 0 ? 0 : 1;
}

#endif
