/* Opening as a whole: limits, what comes out, how refusals read, reads that fail. The rules are in test_zip_rules.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "archive/zip_rules.h"
#include "base/limits.h"
#include "zip_probe.h"

#define CONTENT "print('hello')\n"

/* A file, a compressed file and a folder. */
static void add_good_entries(struct zip_builder *z)
{
	zip_builder_add(z, "app.py", CONTENT);
	zip_builder_add_file(z, "lib/data.txt", CONTENT CONTENT CONTENT, 3 * strlen(CONTENT), ZIP_BUILDER_DEFLATED,
			     0644);
	zip_builder_add_dir(z, "lib/");
}

/* R5 does not ask for the directory's order. */
static void test_directory_in_other_order(void **state UNUSED)
{
	struct zip_builder z = {0};
	add_good_entries(&z);
	zip_builder_layout(&z);
	uint32_t directory_offset = z.end.directory_offset;
	struct buf zip = zip_builder_write(&z);

	char *directory = zip.data + directory_offset;
	size_t first = 46 + 6, second = 46 + 12;
	char swapped[46 + 6 + 46 + 12];
	memcpy(swapped, directory + first, second);
	memcpy(swapped + second, directory, first);
	memcpy(directory, swapped, sizeof(swapped));
	assert_int_equal(zip_probe(&zip, NULL), 0);
	buf_done(&zip);
}

/* R14 on the limit that the caller sets. */
static void test_unpacked_limit(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "a", "12345");
	zip_builder_add(&z, "b", "12345");
	struct buf zip = zip_builder_finish(&z);
	struct io_memory memory = {zip.data, zip.len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_archive *archive = NULL;
	struct zip_refusal refusal;

	assert_int_equal(zip_open_archive(&file, &(struct zip_limits){9}, &archive, &refusal), -EBADMSG);
	assert_int_equal(refusal.rule, ZIP_R14_LIMITS);
	assert_null(archive);
	assert_int_equal(zip_open_archive(&file, &(struct zip_limits){10}, &archive, &refusal), 0);
	assert_int_equal(archive->unpacked_bytes, 10);
	zip_close_archive(archive);
	buf_done(&zip);
}

/* Neither the limit nor libzip is asked again, all other rules are. */
static void test_reopening(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "a", "12345");
	struct buf zip = zip_builder_finish(&z);
	struct io_memory memory = {zip.data, zip.len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_archive *archive = NULL;
	assert_int_equal(zip_open_archive(&file, &(struct zip_limits){4}, &archive, NULL), -EBADMSG);
	assert_int_equal(zip_reopen_archive(&file, &archive), 0);
	assert_int_equal(archive->entry_count, 1);
	assert_memory_equal(zip.data + archive->entries[0].data_offset, "12345", 5);
	zip_close_archive(archive);

	archive = NULL;
	zip.data[30] = 'b'; /* the name in the local header */
	assert_int_equal(zip_reopen_archive(&file, &archive), -EBADMSG);
	assert_null(archive);
	buf_done(&zip);
}

/* R14: as many entries as there may be, in a time that nobody notices. */
static void test_most_entries(void **state UNUSED)
{
	struct zip_builder z = {0};
	for (unsigned i = 0; i < LIMIT_ZIP_ENTRIES; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "d%u/f%u", i % 100, i);
		zip_builder_add(&z, name, "");
	}
	assert_int_equal(zip_probe_builder(&z, NULL), 0);
}

/* R14: 33 h + c is equal for "b!" and "aB", and so for all names made of them. */
static void test_names_that_collide_in_libzip(void **state UNUSED)
{
	struct zip_builder z = {0};
	for (unsigned i = 0; i < 2000; i++) {
		char name[23] = "";
		for (unsigned bit = 0; bit < 11; bit++)
			memcpy(name + 2 * bit, i & (1U << bit) ? "b!" : "aB", 3);
		zip_builder_add(&z, name, "");
	}
	assert_int_equal(zip_probe_builder(&z, NULL), ZIP_R14_LIMITS);
}

static void test_entries(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_set_mode(zip_builder_add(&z, "run", "#!/bin/sh\n"), 0100755);
	zip_builder_add_dir(&z, "a/b/");
	zip_builder_add_extra(&zip_builder_add(&z, "timed", "x")->extra, 0x5455, "\1\x15\xcd\x5b\x07", 5);
	struct zip_builder_entry *timeless = zip_builder_add(&z, "timeless", "");
	timeless->local.date = timeless->record.date = 0;
	struct buf zip = zip_builder_finish(&z);
	struct io_memory memory = {zip.data, zip.len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_archive *archive = NULL;
	assert_int_equal(zip_open_archive(&file, &(struct zip_limits){1000}, &archive, NULL), 0);

	const struct zip_entry *run = &archive->entries[0], *dir = &archive->entries[1];
	assert_int_equal(archive->entry_count, 4);
	assert_string_equal(run->name, "run");
	assert_true(run->executable);
	assert_int_equal(run->size_bytes, 10);
	assert_memory_equal(zip.data + run->data_offset, "#!/bin/sh\n", 10);
	assert_int_equal(run->mtime_s, 1795262400); /* 2026-11-21T12:00:00Z */
	assert_string_equal(dir->name, "a/b");
	assert_int_equal(dir->name_len, 3);
	assert_int_equal(dir->kind, ZIP_ENTRY_DIRECTORY);
	assert_false(archive->entries[2].executable);
	assert_int_equal(archive->entries[2].mtime_s, 123456789);
	assert_int_equal(archive->entries[3].mtime_s, 315532800); /* 1980-01-01 */
	zip_close_archive(archive);
	buf_done(&zip);
}

static void test_refusal_is_escaped_and_says_what_to_do(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "a\x1b[2J", "");
	struct zip_refusal refusal;
	assert_int_equal(zip_probe_builder(&z, &refusal), ZIP_R10_NAME);
	assert_string_equal(refusal.text.text, "ZIP-R10: entry \"a\\x1b[2J\": the name holds a control character");
	assert_non_null(strstr(refusal.remedy.text, "rename"));
}

/* Reads that fail are failures, not verdicts, wherever they strike; also one that a reader calls -EBADMSG. */
struct failing_reader {
	struct io_reader inner;
	unsigned reads_left;
	int error;
};

static int failing_pread(void *ctx, void *bytes, size_t len, uint64_t offset)
{
	struct failing_reader *failing = ctx;
	if (failing->reads_left == 0)
		return failing->error;
	failing->reads_left--;
	return io_reader_pread(&failing->inner, bytes, len, offset);
}

static void fail_at_each_read(const struct io_reader *inner, int error, int expected)
{
	int r = expected;
	for (unsigned reads = 0; r != 0; reads++) {
		struct failing_reader failing = {*inner, reads, error};
		struct io_reader file = {&failing, failing_pread, inner->size_bytes};
		struct zip_archive *archive = NULL;
		struct zip_refusal refusal = {0};
		r = zip_open_archive(&file, &(struct zip_limits){1000}, &archive, &refusal);
		if (r == 0)
			r = zip_check_contents(&file, archive, &(struct zip_limits){1000}, &refusal);
		assert_int_equal(refusal.rule, 0);
		assert_true(r == 0 || r == expected);
		zip_close_archive(archive);
		assert_in_range(reads, 0, 50);
	}
}

static void test_failing_reads(void **state UNUSED)
{
	struct zip_builder z = {0};
	add_good_entries(&z);
	zip_builder_use_descriptor(zip_builder_add(&z, "last", "content"));
	struct buf zip = zip_builder_finish(&z);
	struct io_memory memory = {zip.data, zip.len};
	struct io_reader inner = io_reader_memory(&memory);
	fail_at_each_read(&inner, -EIO, -EIO);
	fail_at_each_read(&inner, -ENOMEM, -ENOMEM);
	fail_at_each_read(&inner, -EBADMSG, -EIO);
	buf_done(&zip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directory_in_other_order),
		cmocka_unit_test(test_unpacked_limit),
		cmocka_unit_test(test_reopening),
		cmocka_unit_test(test_most_entries),
		cmocka_unit_test(test_names_that_collide_in_libzip),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_refusal_is_escaped_and_says_what_to_do),
		cmocka_unit_test(test_failing_reads),
	};
	return cmocka_run_group_tests_name("zip_open", tests, NULL, NULL);
}
