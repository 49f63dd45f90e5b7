/* Where an archive ends, and whether what was written so far is one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "archive/zip.h"
#include "archive/zip_rules.h"
#include "base/limits.h"
#include "zip_builder.h"

static struct buf make(const char *comment)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "app.py", "print(1)\n");
	assert_int_equal(buf_puts(&z.comment, comment), 0);
	return zip_builder_finish(&z);
}

static int read_tail(const struct buf *zip, struct zip_tail *ret, struct zip_refusal *ret_refusal)
{
	struct io_memory memory = {zip->data, zip->len};
	struct io_reader file = io_reader_memory(&memory);
	return zip_read_tail(&file, ret, ret_refusal);
}

static void test_fields(void **state UNUSED)
{
	struct buf zip = make("a comment");
	struct zip_tail tail;
	assert_int_equal(read_tail(&zip, &tail, NULL), 0);
	assert_int_equal(tail.comment_len, 9);
	assert_int_equal(tail.comment_offset, zip.len - 9);
	assert_int_equal(tail.signed_length, zip.len - 11);
	assert_int_equal(tail.end_record_offset, zip.len - 9 - 22);
	assert_int_equal(tail.directory_offset, 30 + 6 + 9);
	assert_int_equal(tail.directory_size, 46 + 6);
	assert_int_equal(tail.entry_count, 1);
	buf_done(&zip);
}

/* The signed range with an empty comment behind is the unsigned archive again. */
static void test_signed_range_stands_alone(void **state UNUSED)
{
	struct buf zip = make("a comment"), plain = make("");
	struct zip_tail tail, again;
	assert_int_equal(read_tail(&zip, &tail, NULL), 0);
	assert_int_equal(plain.len, tail.signed_length + 2);
	assert_memory_equal(plain.data, zip.data, tail.signed_length);
	assert_int_equal(read_tail(&plain, &again, NULL), 0);
	assert_int_equal(again.signed_length, tail.signed_length);
	buf_done(&plain);
	buf_done(&zip);
}

static void assert_refused(const struct buf *zip, unsigned rule)
{
	struct zip_tail tail = {.entry_count = 77};
	struct zip_refusal refusal = {0};
	assert_int_equal(read_tail(zip, &tail, &refusal), -EBADMSG);
	assert_int_equal(refusal.rule, rule);
	assert_int_equal(tail.entry_count, 77);
	assert_int_equal(read_tail(zip, &tail, NULL), -EBADMSG);
}

static void test_longest_comment(void **state UNUSED)
{
	static char comment[LIMIT_ZIP_COMMENT_BYTES + 1];
	memset(comment, 'c', LIMIT_ZIP_COMMENT_BYTES);
	struct buf zip = make(comment);
	struct zip_tail tail;
	assert_int_equal(read_tail(&zip, &tail, NULL), 0);
	assert_int_equal(tail.comment_len, LIMIT_ZIP_COMMENT_BYTES);

	assert_int_equal(buf_putc(&zip, 'c'), 0);
	assert_refused(&zip, ZIP_R02_END);
	buf_done(&zip);
}

static void test_no_archive(void **state UNUSED)
{
	struct buf nothing = {0}, text = {0}, stub = {0};
	assert_refused(&nothing, ZIP_R02_END);
	assert_int_equal(buf_puts(&text, "#!/bin/sh\nexit 0\n# and so on\n"), 0);
	assert_refused(&text, ZIP_R02_END);
	assert_int_equal(buf_append(&stub, "PK\5\6", 4), 0);
	assert_refused(&stub, ZIP_R02_END);
	buf_done(&text);
	buf_done(&stub);
}

/* The last signature is the end record, also when an archive with a good one stands before it. */
static void test_second_end_record(void **state UNUSED)
{
	struct buf zip = make("");
	struct buf end = {0};
	assert_int_equal(buf_append(&end, zip.data + zip.len - 22, 21), 0);
	assert_int_equal(buf_append(&zip, end.data, end.len), 0);
	assert_refused(&zip, ZIP_R02_END);
	buf_done(&end);
	buf_done(&zip);
}

/* A comment of 0x4b50 bytes has `PK` as its length; with its first bytes that would read as a record. */
static void test_length_that_reads_as_signature(void **state UNUSED)
{
	static char comment[0x4b50 + 1];
	memset(comment, 'c', 0x4b50);
	struct buf zip = make(comment);
	struct zip_tail tail;
	assert_int_equal(read_tail(&zip, &tail, NULL), 0);
	memcpy(zip.data + zip.len - 0x4b50, "\3\4", 2);
	assert_refused(&zip, ZIP_R02_END);
	buf_done(&zip);
}

static void test_completing_record(void **state UNUSED)
{
	struct buf zip = make("sign");
	const uint8_t *record = (const uint8_t *)zip.data + zip.len - 4 - 22;
	uint64_t offset = zip.len - 4 - 22;
	assert_true(zip_end_record_completes(record, offset, zip.len));
	assert_false(zip_end_record_completes(record, offset, zip.len - 1)); /* comment not written yet */
	assert_false(zip_end_record_completes(record, offset, zip.len + 1));
	assert_false(zip_end_record_completes(record, offset + 1, zip.len + 1)); /* directory does not reach it */
	assert_false(zip_end_record_completes(record, offset, offset));
	assert_false(zip_end_record_completes(record, offset, 0));

	uint8_t other[22];
	memcpy(other, record, sizeof(other));
	other[3] = 7;
	assert_false(zip_end_record_completes(other, offset, zip.len));
	buf_done(&zip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_signed_range_stands_alone),
		cmocka_unit_test(test_longest_comment),
		cmocka_unit_test(test_no_archive),
		cmocka_unit_test(test_second_end_record),
		cmocka_unit_test(test_length_that_reads_as_signature),
		cmocka_unit_test(test_completing_record),
	};
	return cmocka_run_group_tests_name("zip_tail", tests, NULL, NULL);
}
