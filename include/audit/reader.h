/*
 * reader.h - the log as it lies on the disk, line by line, for whoever looks back: also beside a daemon that goes on
 * writing, and in a copy of its files elsewhere. Nothing is taken for true here: verify.h does that.
 */
#ifndef AUDIT_READER_H
#define AUDIT_READER_H

#include "base/base.h"

struct audit_reader;

struct audit_line {
	const char *text; /* without newline; valid until the next call */
	size_t len;
	uint64_t seq; /* 0: it has not the form of a record */
	const char
		*prev; /* in text, the 64 digits of the hash that it carries; NULL: it has not the form of a record */
	uint64_t segment; /* first number in the name of its file */
	bool is_torn;	  /* the file ends in it, without a newline */
};

/* Begins with the file that has this record, or at the first there is. -ENOENT: there is no file of a log. */
int audit_reader_open(int dirfd, uint64_t from_seq, struct audit_reader **ret);
/* Begins with the first whole line in the last bytes of the log. */
int audit_reader_open_end(int dirfd, uint64_t bytes, struct audit_reader **ret);
void audit_reader_close(struct audit_reader *reader);

/* 1 and the next line, 0 at the end of the log, or a negative errno. */
int audit_reader_next(struct audit_reader *reader, struct audit_line *ret);

#endif
