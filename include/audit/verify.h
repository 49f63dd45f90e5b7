/*
 * verify.h - whether a log is whole: every record as it was written, none missing, in order, once. Looks at bytes
 * alone.
 *
 * The first record that is damaged is named. Damage can be read in more than one way; it is read like this:
 *
 *     a record carries another hash than   the one before was edited, when the one behind (or the exported head) says
 *     the one before has                   that this one is as it was; else this one was, and perhaps that, too. With
 *                                          nothing behind it: the one before, as the earliest that it can be
 *     its number is not the next, its      edited: only the number was changed
 *     hash is that of the one before
 *     its number is too high               reordered, when the record that should stand here comes later; duplicated,
 *                                          when this one comes again, too; else the one that should be here was removed
 *     its number was there before          duplicated, when it is the same record; forked, when both follow the same
 *                                          one: the log was continued twice; else edited
 *     it is no record                      edited
 *     the last file's name is of a later   removed: a file begins where the one before has ended
 *     record than the one that comes next
 *     the log ends before the head         truncated
 *     the record of the head's number      edited: it or one before it, with all hashes made anew
 *     has another hash than the head
 *     records behind the head              unsigned, where the head is said to be the end: nobody has vouched for them
 *     its time is more than LIMIT_CLOCK_   clock-back, when nothing else is wrong: the clock was set, or somebody wrote
 *     AHEAD_S before that of the one       what had happened before
 *     before
 *
 * Whoever can write the log can cut records off its end, or write it anew with hashes that fit: without a head that was
 * exported before, nothing shows that. A last line without its newline is what a crash leaves; the next start cuts it
 * off. It is counted, and no damage.
 */
#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include "base/base.h"
#include "base/explain.h"

/* The values are the exit codes of `vouchfs audit verify`. */
enum audit_damage {
	AUDIT_WHOLE = 0,
	AUDIT_EDITED = 30,
	AUDIT_REMOVED,
	AUDIT_REORDERED,
	AUDIT_DUPLICATED,
	AUDIT_TRUNCATED,
	AUDIT_FORKED,
	AUDIT_UNSIGNED,
	AUDIT_CLOCK_BACK,
};
const char *audit_damage_name(enum audit_damage damage); /* "whole", "edited", ... */

/* A record and its hash: what is exported, as "1234:<64 digits>". */
struct audit_point {
	uint64_t seq;
	char sha256[65];
};
#define AUDIT_POINT_SIZE 86
void audit_point_print(const struct audit_point *point, char ret[AUDIT_POINT_SIZE]);
bool audit_point_parse(const char *text, struct audit_point *ret);

/* Of a record's line, without its newline. */
int audit_point_of_line(uint64_t seq, const char *line, size_t len, struct audit_point *ret);
/* The last whole record of the log in a directory. -ENOENT: there is none; -EBADMSG: the last line is no record. */
int audit_read_head(int dirfd, struct audit_point *ret);

struct audit_expectation {
	const struct audit_point *head; /* was exported: the log reaches it; or NULL */
	const struct audit_point *from; /* was exported earlier: what is before it may be archived; or NULL */
	bool is_end;			/* the head is the last record, too */
	uint64_t first_seq;		/* what is before this record may be archived, too; 0: nothing may be */
};

struct audit_finding {
	enum audit_damage damage;
	uint64_t seq;	    /* the first record that is damaged */
	struct explain why; /* one sentence; "" when whole */
	char file[40];	    /* where that shows; "" when whole, or nowhere */
	uint64_t first_seq; /* what was found whole: from this record */
	uint64_t record_count;
	struct audit_point last; /* to this one; number 0: none */
	uint64_t torn_bytes;	 /* behind it */
};

/* 0 and *ret, or why the log could not be read. -ENOENT: there is none in this directory. */
int audit_verify(int dirfd, const struct audit_expectation *expected, struct audit_finding *ret);

#endif
