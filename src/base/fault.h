/* Two kinds of wrong: a fault of the program ends it with its place; a failure is a must-check
 * enum. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Ends the process with abort(), after one line on stderr naming the place and what was expected.
 * For what cannot be unless our own code is wrong; nothing an outside peer sends may lead here. */
_Noreturn void fault_at(const char *file, int line, const char *what);

#define must(condition) ((condition) ? (void)0 : fault_at(__FILE__, __LINE__, #condition))
#define fault(what) fault_at(__FILE__, __LINE__, (what))

#endif
