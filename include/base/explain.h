/*
 * explain.h - the sentence that goes with a failure.
 *
 * Functions that fail for a reason somebody can mend take a `struct explain *ret_why` and fill it: what is wrong, what
 * was expected, what to do. NULL is allowed everywhere. Text from outside is escaped before it is put in
 * (text_escape_print), so an explanation can be printed on a terminal as it is. No trailing newline, no final full
 * stop.
 */
#ifndef BASE_EXPLAIN_H
#define BASE_EXPLAIN_H

#include "base/base.h"

#define EXPLAIN_MAX 768

struct explain {
	char text[EXPLAIN_MAX];
};

void explain_set(struct explain *why, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts "prefix: " in front of what is there. */
void explain_prefix(struct explain *why, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
