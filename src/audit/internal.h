/*
 * internal.h - what a record says (record.c), and what the files of the log are (segment.c).
 */
#ifndef AUDIT_INTERNAL_H
#define AUDIT_INTERNAL_H

#include <time.h>

#include "audit/audit.h"
#include "crypto/digest.h"

#define AUDIT_BOOT_SIZE	  40
#define AUDIT_NAME_SIZE	  40
#define AUDIT_LINE_PREFIX "{\"schema\":1,\"seq\":"

/* What the log itself puts into a record. */
struct audit_stamp {
	uint64_t seq;
	struct timespec at;
	const char *boot;
	const char *prev; /* hex */
};

/* Appends the record's line, without newline, of at most LIMIT_AUDIT_RECORD_BYTES. 0 or -ENOMEM. */
int audit_render(const struct audit_stamp *stamp, const struct audit_record *record, struct buf *ret);

struct audit_segment {
	uint64_t first_seq; /* of its name; 0: no segment */
	uint64_t whole_bytes;
	uint64_t torn_bytes; /* behind the last newline */
	uint64_t last_seq;   /* 0: no whole record in it */
	char last_sha256[CRYPTO_SHA256_HEX_SIZE];
};

void audit_segment_name(uint64_t first_seq, char ret[AUDIT_NAME_SIZE]);
/* The segment with the highest number below `below`; first_seq 0 when there is none. */
int audit_segment_find(int dirfd, uint64_t below, uint64_t *ret_first_seq);
/* All of them, ascending, for the caller to free. */
int audit_segment_list(int dirfd, uint64_t **ret, size_t *ret_count);
/* Number and hash of a line that has the form of a record; else 0 and NULL. */
void audit_segment_parse_line(const char *line, size_t len, uint64_t *ret_seq, const char **ret_prev);
/* Where it ends. -EBADMSG: not a segment of a log. */
int audit_segment_read_end(int fd, uint64_t first_seq, struct audit_segment *ret);

#endif
