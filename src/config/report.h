/*
 * report.h - every error of a load, each with its place, printed in the order of the files whatever pass found it.
 * Text from outside goes into an error only through quote().
 */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include <sys/types.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/limits.h"

struct members;

struct file {
	char *shown;		 /* path for people: escaped */
	char *path;		 /* absolute; of a bundle's file: its name */
	char *directory;	 /* absolute: where relative paths in it start */
	struct members *members; /* of the policy bundle that it is of; NULL: it is the host's own */
	size_t order;		 /* 0 is the main file */
	int64_t mtime_s;	 /* when it was read */
	uint32_t mtime_ns;
	uid_t owner;
	bool has_owner; /* it is one on the disk */
};

struct place {
	const struct file *file;
	unsigned line; /* from 1; 0: the file as a whole */
};

struct report_entry {
	struct place at;
	char *text;
};

struct report {
	struct report_entry *entries; /* LIMIT_CONFIG_ERRORS at most */
	size_t kept;
	size_t count; /* with those that were not kept */
	int failure;  /* -ENOMEM: an error got lost */
};

void report_done(struct report *report);
void report_error(struct report *report, struct place at, const char *format, ...) PRINTF_LIKE(3, 4);

/* Appends the errors, one a line. 0 or -ENOMEM. */
int report_print(struct report *report, struct buf *ret);

/* "word" in quotation marks, escaped, cut when long. Lives until the end of the expression it is used in. */
struct quote {
	char text[160];
};
struct quote quote(const char *word);

/* `; did you mean "nearest"?`, or "" when nothing is near. */
struct quote suggest(const char *word, const char *const *candidates, size_t count);

/* "file:line", for errors that name a second place. */
struct place_text {
	char text[320];
};
struct place_text place_text(struct place at);

#endif
