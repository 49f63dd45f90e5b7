/* The chain of the log: each way to damage it, and the first record that is named. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/audit.h"
#include "audit/reader.h"
#include "audit/verify.h"
#include "base/io.h"
#include "base/limits.h"

#define LINES	 8
#define LOG_SIZE 65536

struct fixture {
	char path[64];
	int dirfd;
	char *lines[LINES]; /* of a log with one file, without newlines; [0] is record 1 */
	struct audit_point head;
};

static void clear(struct fixture *f)
{
	struct io_names names = {0};
	if (io_list_dir(f->dirfd, ".", &names) == 0)
		for (size_t i = 0; i < names.count; i++)
			(void)io_unlinkat(f->dirfd, names.names[i], 0);
	io_names_done(&names);
}

/* As many records as there are lines, in files of at most so many bytes. */
static void write_log(struct fixture *f, const char *segment_bytes)
{
	struct audit *audit = NULL;
	clear(f);
	assert_int_equal(setenv("VOUCHFS_TEST_AUDIT_SEGMENT", segment_bytes, 1), 0);
	assert_int_equal(audit_open(f->dirfd, false, &audit, NULL), 0);
	(void)unsetenv("VOUCHFS_TEST_AUDIT_SEGMENT");
	for (size_t i = 0; i < LINES; i++) {
		const struct audit_record record = {.event = AUDIT_START, .detail = "as it was"};
		assert_int_equal(audit_append(audit, &record, NULL), 0);
	}
	audit_head(audit, &f->head.seq, f->head.sha256);
	audit_close(audit);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	*state = f;
	(void)snprintf(f->path, sizeof(f->path), "/tmp/vouchfs-verify-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->dirfd = io_open_dir(f->path);
	write_log(f, "65536");
	struct audit_reader *reader = NULL;
	struct audit_line line;
	assert_int_equal(audit_reader_open(f->dirfd, 1, &reader), 0);
	for (size_t i = 0; i < LINES; i++) {
		assert_int_equal(audit_reader_next(reader, &line), 1);
		assert_int_equal(line.seq, i + 1);
		f->lines[i] = strndup(line.text, line.len);
	}
	assert_int_equal(audit_reader_next(reader, &line), 0);
	audit_reader_close(reader);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	clear(f);
	io_close(&f->dirfd);
	for (size_t i = 0; i < LINES; i++)
		free(f->lines[i]);
	int r = rmdir(f->path);
	free(f);
	return r;
}

/* Lays out a log: the digits are records, in this order; 'e' edits the next one (its detail), 'n' its number, 'p' the
 * hash that it carries, 'x' makes it no record, 't' leaves its newline out. */
static void lay_out(struct fixture *f, const char *order)
{
	static char text[LOG_SIZE];
	size_t used = 0;
	clear(f);
	for (char change = 0; *order; order++) {
		if (*order < '0' || *order > '9') {
			change = *order;
			continue;
		}
		char line[LIMIT_AUDIT_RECORD_BYTES + 1];
		(void)snprintf(line, sizeof(line), "%s", f->lines[*order - '1']);
		if (change == 'e')
			memcpy(strstr(line, "as it was"), "otherwise", 9);
		if (change == 'n')
			strstr(line, "\"seq\":")[6] = '9';
		if (change == 'p') {
			char *digit = strstr(line, "\"prev\":\"") + 8;
			*digit = *digit == '0' ? '1' : '0';
		}
		if (change == 'x')
			line[0] = '[';
		int len = snprintf(text + used, sizeof(text) - used, "%s%s", line, change == 't' ? "" : "\n");
		used += (size_t)len;
		change = 0;
	}
	const char *name = "audit-00000000000000000001.jsonl";
	assert_int_equal(io_write_file(f->dirfd, name, text, used, 0600, false), 0);
}

/* A file that begins with this record, and has none yet. */
static struct audit_finding verify_with_empty_file(struct fixture *f, const char *order, unsigned number)
{
	const struct audit_expectation nothing = {0};
	struct audit_finding finding;
	char name[64];
	lay_out(f, order);
	(void)snprintf(name, sizeof(name), "audit-%020u.jsonl", number);
	assert_int_equal(io_write_file(f->dirfd, name, "", 0, 0600, false), 0);
	assert_int_equal(audit_verify(f->dirfd, &nothing, &finding), 0);
	return finding;
}

static void a_last_file_says_what_is_before_it(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(verify_with_empty_file(f, "123", 4).damage, AUDIT_WHOLE);
	struct audit_finding finding = verify_with_empty_file(f, "123", 5);
	assert_int_equal(finding.damage, AUDIT_REMOVED);
	assert_int_equal(finding.seq, 4);
	assert_non_null(strstr(finding.why.text, "begins with record 5"));
}

static void each_damage_is_named(void **state)
{
	static const struct {
		const char *order;
		bool has_head;
		enum audit_damage damage;
		uint64_t seq;
	} cases[] = {
		{"12345678", true, AUDIT_WHOLE, 0},
		{"12345678", false, AUDIT_WHOLE, 0},
		{"1234567t8", false, AUDIT_WHOLE, 0}, /* a crash */
		/* edited: at the start, within, at the end, the number, the hash, the form */
		{"e12345678", false, AUDIT_EDITED, 1},
		{"12e345678", false, AUDIT_EDITED, 3},
		{"123456e78", false, AUDIT_EDITED, 7},
		{"1234567e8", true, AUDIT_EDITED, 8},
		{"123n45678", false, AUDIT_EDITED, 4},
		{"123p45678", false, AUDIT_EDITED, 4},
		{"p12345678", false, AUDIT_EDITED, 1},
		{"123x45678", false, AUDIT_EDITED, 4},
		{"123t45678", false, AUDIT_EDITED, 4},
		{"1234567p8", true, AUDIT_EDITED, 8},	/* the head says that it is 8 */
		{"1234567p8", false, AUDIT_EDITED, 7},	/* 7 or 8: the earlier */
		{"12e3e45678", false, AUDIT_EDITED, 4}, /* 4 for sure */
		/* removed */
		{"2345678", false, AUDIT_REMOVED, 1},
		{"1235678", false, AUDIT_REMOVED, 4},
		{"1268", false, AUDIT_REMOVED, 3},
		{"1234568", true, AUDIT_REMOVED, 7},
		/* reordered */
		{"21345678", false, AUDIT_REORDERED, 1},
		{"12435678", false, AUDIT_REORDERED, 3},
		{"12345687", false, AUDIT_REORDERED, 7},
		{"12456378", false, AUDIT_REORDERED, 3},
		{"12734568", false, AUDIT_REORDERED, 3},
		/* duplicated, within, at the end, ahead of its place */
		{"123345678", false, AUDIT_DUPLICATED, 3},
		{"123456788", false, AUDIT_DUPLICATED, 8},
		{"123456781", false, AUDIT_DUPLICATED, 1},
		{"125345678", false, AUDIT_DUPLICATED, 5},
		{"1233e345678", false, AUDIT_DUPLICATED, 3},
		/* forked: a second record 3 that follows 2 as well; edited: one that follows nothing */
		{"123e345678", false, AUDIT_FORKED, 3},
		{"12345678e8", false, AUDIT_FORKED, 8},
		{"123p345678", false, AUDIT_EDITED, 3},
		/* truncated, which only a head shows */
		{"1234567", true, AUDIT_TRUNCATED, 8},
		{"1234567", false, AUDIT_WHOLE, 0},
		{"1234567t8", true, AUDIT_TRUNCATED, 8},
		{"1", true, AUDIT_TRUNCATED, 2},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct audit_expectation expected = {.head = cases[i].has_head ? &f->head : NULL};
		struct audit_finding finding;
		lay_out(f, cases[i].order);
		assert_int_equal(audit_verify(f->dirfd, &expected, &finding), 0);
		if (finding.damage != cases[i].damage || finding.seq != cases[i].seq)
			fail_msg("%s: %s record %" PRIu64 ": %s", cases[i].order, audit_damage_name(finding.damage),
				 finding.seq, finding.why.text);
		assert_true((finding.why.text[0] == '\0') == (cases[i].damage == AUDIT_WHOLE));
	}
}

static void whole_log_says_what_it_has(void **state)
{
	struct fixture *f = *state;
	const struct audit_expectation expected = {.head = &f->head};
	struct audit_finding finding;
	assert_int_equal(audit_verify(f->dirfd, &expected, &finding), 0);
	assert_int_equal(finding.record_count, LINES);
	assert_int_equal(finding.first_seq, 1);
	assert_memory_equal(&finding.last, &f->head, sizeof(f->head));
	assert_int_equal(finding.torn_bytes, 0);

	lay_out(f, "1234567t8");
	assert_int_equal(audit_verify(f->dirfd, &(struct audit_expectation){0}, &finding), 0);
	assert_int_equal(finding.last.seq, 7);
	assert_int_equal(finding.torn_bytes, strlen(f->lines[7]));
}

/* An earlier log with other records, all of them with hashes that fit. */
static void log_that_is_written_anew_is_found_by_the_head(void **state)
{
	struct fixture *f = *state;
	const struct audit_point before = f->head;
	struct audit_finding finding;
	write_log(f, "65536");
	assert_int_equal(audit_verify(f->dirfd, &(struct audit_expectation){0}, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_WHOLE);
	assert_int_equal(audit_verify(f->dirfd, &(struct audit_expectation){.head = &before}, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_EDITED);
	assert_int_equal(finding.seq, LINES);
}

/* How many files the log has, and the first number of each. */
static size_t list_files(struct fixture *f, uint64_t *ret, size_t max)
{
	struct audit_reader *reader = NULL;
	struct audit_line line;
	size_t count = 0;
	assert_int_equal(audit_reader_open(f->dirfd, 1, &reader), 0);
	while (audit_reader_next(reader, &line) > 0) {
		if (count > 0 && ret[count - 1] == line.segment)
			continue;
		assert_true(count < max);
		ret[count++] = line.segment;
		assert_int_equal(line.seq, line.segment);
	}
	audit_reader_close(reader);
	return count;
}

static void remove_file(struct fixture *f, uint64_t first_seq)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "audit-%020" PRIu64 ".jsonl", first_seq);
	assert_int_equal(io_unlinkat(f->dirfd, name, 0), 0);
}

static void files_that_are_missing_have_to_be_archived(void **state)
{
	struct fixture *f = *state;
	uint64_t files[LINES];
	struct audit_finding finding;
	struct audit_point from;
	write_log(f, "700");
	size_t count = list_files(f, files, LINES);
	assert_true(count >= 3);
	assert_int_equal(audit_verify(f->dirfd, &(struct audit_expectation){.head = &f->head}, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_WHOLE);
	assert_int_equal(finding.record_count, LINES);

	struct audit_reader *reader = NULL;
	struct audit_line line;
	assert_int_equal(audit_reader_open(f->dirfd, files[1] - 1, &reader), 0);
	do
		assert_int_equal(audit_reader_next(reader, &line), 1);
	while (line.seq < files[1] - 1);
	assert_int_equal(audit_point_of_line(line.seq, line.text, line.len, &from), 0);
	audit_reader_close(reader);

	/* begins behind the exported record, also while that is there */
	struct audit_expectation expected = {.head = &f->head, .from = &from};
	assert_int_equal(audit_verify(f->dirfd, &expected, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_WHOLE);
	assert_int_equal(finding.first_seq, files[1]);

	remove_file(f, files[0]);
	assert_int_equal(audit_verify(f->dirfd, &(struct audit_expectation){0}, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_REMOVED);
	assert_int_equal(finding.seq, 1);
	assert_int_equal(audit_verify(f->dirfd, &expected, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_WHOLE);
	expected = (struct audit_expectation){.head = &f->head, .first_seq = files[1]};
	assert_int_equal(audit_verify(f->dirfd, &expected, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_WHOLE);
	expected.first_seq--;
	assert_int_equal(audit_verify(f->dirfd, &expected, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_REMOVED);

	/* another record was exported than what is followed here */
	from.sha256[0] ^= 1;
	expected = (struct audit_expectation){.from = &from};
	assert_int_equal(audit_verify(f->dirfd, &expected, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_EDITED);

	/* one from the middle, then the last one */
	write_log(f, "700");
	remove_file(f, files[1]);
	assert_int_equal(audit_verify(f->dirfd, &(struct audit_expectation){0}, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_REMOVED);
	assert_int_equal(finding.seq, files[1]);
	write_log(f, "700");
	count = list_files(f, files, LINES);
	remove_file(f, files[count - 1]);
	assert_int_equal(audit_verify(f->dirfd, &(struct audit_expectation){.head = &f->head}, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_TRUNCATED);
	assert_int_equal(finding.seq, files[count - 1]);

	clear(f);
	assert_int_equal(audit_verify(f->dirfd, &(struct audit_expectation){0}, &finding), -ENOENT);
}

static void end_of_the_log_is_read_alone(void **state)
{
	struct fixture *f = *state;
	static const uint64_t sizes[] = {1, 300, 500, 700, 1200, 100000};
	for (size_t short_files = 0; short_files < 2; short_files++) {
		write_log(f, short_files ? "700" : "65536");
		uint64_t first_before = LINES + 1;
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct audit_reader *reader = NULL;
			struct audit_line line;
			uint64_t first = 0, last = 0, bytes = 0;
			assert_int_equal(audit_reader_open_end(f->dirfd, sizes[i], &reader), 0);
			while (audit_reader_next(reader, &line) > 0) {
				assert_non_null(line.prev);
				assert_true(last == 0 || line.seq == last + 1);
				first = first > 0 ? first : line.seq;
				last = line.seq;
				bytes += line.len + 1;
			}
			audit_reader_close(reader);
			assert_true(bytes <= sizes[i]);
			assert_true(last == LINES || bytes == 0);
			first = first > 0 ? first : LINES + 1;
			assert_true(first <= first_before);
			first_before = first;
		}
		assert_int_equal(first_before, 1);
		struct audit_point head;
		assert_int_equal(audit_read_head(f->dirfd, &head), 0);
		assert_memory_equal(&head, &f->head, sizeof(head));
	}
	lay_out(f, "12x3");
	struct audit_point head;
	assert_int_equal(audit_read_head(f->dirfd, &head), -EBADMSG);
	lay_out(f, "12t3");
	assert_int_equal(audit_read_head(f->dirfd, &head), 0);
	assert_int_equal(head.seq, 2);
	clear(f);
	assert_int_equal(audit_read_head(f->dirfd, &head), -ENOENT);
}

static void lines_longer_than_records_are_no_records(void **state)
{
	struct fixture *f = *state;
	static char text[3 * 65536];
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	clear(f);
	assert_int_equal(io_write_file(f->dirfd, "audit-00000000000000000001.jsonl", text, sizeof(text), 0600, false),
			 0);
	struct audit_finding finding;
	assert_int_equal(audit_verify(f->dirfd, &(struct audit_expectation){0}, &finding), 0);
	assert_int_equal(finding.damage, AUDIT_EDITED);
	assert_int_equal(finding.seq, 1);
}

/* Nor is anybody waited for who would write to it. */
static void pipe_in_place_of_a_file_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct audit_finding finding;
	clear(f);
	assert_int_equal(mkfifoat(f->dirfd, "audit-00000000000000000001.jsonl", 0600), 0);
	assert_int_equal(audit_verify(f->dirfd, &(struct audit_expectation){0}, &finding), -EBADMSG);
}

static void points_are_printed_and_parsed(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {"",	    "8",   ":",	    "8:",   "0:00",
					  "8:1234", "x8:", "-1:00", "8:zz", "18446744073709551616:00"};
	char text[AUDIT_POINT_SIZE], longer[AUDIT_POINT_SIZE + 1];
	struct audit_point point;
	audit_point_print(&f->head, text);
	assert_true(audit_point_parse(text, &point));
	assert_memory_equal(&point, &f->head, sizeof(point));
	(void)snprintf(longer, sizeof(longer), "%s0", text);
	assert_false(audit_point_parse(longer, &point));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(audit_point_parse(bad[i], &point));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_damage_is_named),
		TEST(a_last_file_says_what_is_before_it),
		TEST(whole_log_says_what_it_has),
		TEST(log_that_is_written_anew_is_found_by_the_head),
		TEST(files_that_are_missing_have_to_be_archived),
		TEST(end_of_the_log_is_read_alone),
		TEST(lines_longer_than_records_are_no_records),
		TEST(pipe_in_place_of_a_file_is_an_error),
		TEST(points_are_printed_and_parsed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
