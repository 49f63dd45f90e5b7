/*
 * segment.c - the files of the log: their names, and where the last whole record is.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "internal.h"

#define NAME_PREFIX "audit-"
#define NAME_SUFFIX ".jsonl"
#define SEQ_DIGITS  20

/* A torn line and a whole one with their newlines fit. */
#define TAIL_BYTES (2 * ((size_t)LIMIT_AUDIT_RECORD_BYTES + 1))

void audit_segment_name(uint64_t first_seq, char ret[AUDIT_NAME_SIZE])
{
	(void)snprintf(ret, AUDIT_NAME_SIZE, NAME_PREFIX "%020" PRIu64 NAME_SUFFIX, first_seq);
}

/* The number in a segment's name, 0 for every other name. */
static uint64_t parse_name(const char *name)
{
	if (strlen(name) != strlen(NAME_PREFIX NAME_SUFFIX) + SEQ_DIGITS || !text_starts_with(name, NAME_PREFIX) ||
	    !text_ends_with(name, NAME_SUFFIX))
		return 0;
	const char *digits = name + strlen(NAME_PREFIX);
	size_t zeros = strspn(digits, "0");
	uint64_t seq = 0;
	if (zeros >= SEQ_DIGITS || !text_parse_u64(digits + zeros, SEQ_DIGITS - zeros, UINT64_MAX - 1, &seq))
		return 0;
	return seq;
}

int audit_segment_find(int dirfd, uint64_t below, uint64_t *ret_first_seq)
{
	struct io_names names = {0};
	int r = io_list_dir(dirfd, ".", &names);
	if (r < 0)
		return r;
	uint64_t highest = 0;
	for (size_t i = 0; i < names.count; i++) {
		uint64_t seq = parse_name(names.names[i]);
		if (seq < below && seq > highest)
			highest = seq;
	}
	io_names_done(&names);
	*ret_first_seq = highest;
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

int audit_segment_list(int dirfd, uint64_t **ret, size_t *ret_count)
{
	struct io_names names = {0};
	int r = io_list_dir(dirfd, ".", &names);
	if (r < 0)
		return r;
	size_t count = 0;
	uint64_t *numbers = calloc(names.count + 1, sizeof(*numbers));
	for (size_t i = 0; numbers && i < names.count; i++) {
		numbers[count] = parse_name(names.names[i]);
		count += numbers[count] > 0;
	}
	io_names_done(&names);
	if (!numbers)
		return -ENOMEM;
	qsort(numbers, count, sizeof(*numbers), compare_numbers);
	*ret = numbers;
	*ret_count = count;
	return 0;
}

void audit_segment_parse_line(const char *line, size_t len, uint64_t *ret_seq, const char **ret_prev)
{
	static const char before_prev[] = ",\"prev\":\"", behind_prev[] = "\"}";
	const size_t prefix = strlen(AUDIT_LINE_PREFIX);
	const size_t digits = CRYPTO_SHA256_HEX_SIZE - 1, suffix = strlen(before_prev) + digits + strlen(behind_prev);
	*ret_seq = 0;
	*ret_prev = NULL;
	if (len <= prefix + suffix || len > LIMIT_AUDIT_RECORD_BYTES || memcmp(line, AUDIT_LINE_PREFIX, prefix) != 0)
		return;
	const char *prev = line + len - suffix + strlen(before_prev);
	uint8_t digest[CRYPTO_SHA256_BYTES];
	uint64_t seq;
	const char *comma = memchr(line + prefix, ',', len - prefix);
	bool is_record = memcmp(line + len - suffix, before_prev, strlen(before_prev)) == 0 &&
			 memcmp(prev + digits, behind_prev, strlen(behind_prev)) == 0 &&
			 text_unhex(prev, digits, digest, sizeof(digest)) && comma &&
			 text_parse_u64(line + prefix, (size_t)(comma - line) - prefix, UINT64_MAX - 1, &seq) &&
			 seq > 0;
	if (!is_record)
		return;
	*ret_seq = seq;
	*ret_prev = prev;
}

/* tail is the end of a file; reaches_start: all of it. */
static int parse_tail(const char *tail, size_t len, bool reaches_start, struct audit_segment *ret)
{
	const char *end = len > 0 ? memrchr(tail, '\n', len) : NULL;
	size_t torn = end ? len - (size_t)(end + 1 - tail) : len;
	if (torn > LIMIT_AUDIT_RECORD_BYTES || (!end && !reaches_start))
		return -EBADMSG;
	ret->torn_bytes = torn;
	ret->whole_bytes -= torn;
	if (!end)
		return 0;

	const char *before = end > tail ? memrchr(tail, '\n', (size_t)(end - tail)) : NULL;
	if (!before && !reaches_start)
		return -EBADMSG;
	const char *line = before ? before + 1 : tail;
	const char *prev;
	audit_segment_parse_line(line, (size_t)(end - line), &ret->last_seq, &prev);
	if (!prev || ret->last_seq < ret->first_seq)
		return -EBADMSG;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	int r = crypto_sha256(line, (size_t)(end - line), digest);
	if (r == 0)
		text_hex(digest, sizeof(digest), ret->last_sha256);
	return r;
}

int audit_segment_read_end(int fd, uint64_t first_seq, struct audit_segment *ret)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;

	uint64_t size = (uint64_t)st.st_size;
	size_t len = size < TAIL_BYTES ? (size_t)size : TAIL_BYTES;
	char *tail = malloc(len + 1);
	if (!tail)
		return -ENOMEM;
	struct audit_segment segment = {.first_seq = first_seq, .whole_bytes = size};
	int r = io_pread_full(fd, tail, len, size - len);
	if (r == 0)
		r = parse_tail(tail, len, len == size, &segment);
	if (r == 0)
		*ret = segment;
	free(tail);
	return r;
}
