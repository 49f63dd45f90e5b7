/* Libzip's opinion beside other work, of archives of many entries, and in order: the same verdict in the same words. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "archive/zip.h"
#include "archive/zip_rules.h"
#include "base/limits.h"
#include "zip_builder.h"

#define FEW	   (LIMIT_ZIP_ENTRIES_IN_ORDER - 1)
#define MANY	   LIMIT_ZIP_ENTRIES_IN_ORDER
#define FIRST_SIZE 70000 /* so that nobody who looks for the end record meets the first header */

static const struct zip_limits limits = {.max_unpacked_bytes = 100000};

/* The file's first bytes are read by the first step, by our parser, and then by libzip, who may be told otherwise. */
struct reader {
	struct io_reader inner;
	unsigned first_reads;
	unsigned reads_by_others; /* threads than who made it */
	pthread_t maker;
	bool lies_to_libzip;
	int fails_libzip; /* 0 or what it answers */
};

static int tell(void *ctx, void *bytes, size_t len, uint64_t offset)
{
	struct reader *reader = ctx;
	int r = io_reader_pread(&reader->inner, bytes, len, offset);
	reader->reads_by_others += !pthread_equal(pthread_self(), reader->maker);
	if (r < 0 || offset > 0 || ++reader->first_reads < 3)
		return r;
	if (reader->lies_to_libzip)
		memcpy(bytes, "QK", 2);
	return reader->fails_libzip;
}

static struct buf make_zip(unsigned entries, const char *last_name)
{
	struct zip_builder z = {0};
	static char content[FIRST_SIZE + 1];
	memset(content, 'x', FIRST_SIZE);
	zip_builder_add(&z, "first", content);
	for (unsigned i = 1; i < entries; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "file%u", i);
		zip_builder_add(&z, i + 1 == entries ? last_name : name, "");
	}
	return zip_builder_finish(&z);
}

struct outcome {
	int result;
	unsigned reads_by_others;
	struct zip_refusal refusal;
};

static struct outcome open_zip(unsigned entries, const char *last_name, bool lies, int fails)
{
	struct outcome outcome = {0};
	struct buf zip = make_zip(entries, last_name);
	struct io_memory memory = {zip.data, zip.len};
	struct reader reader = {.inner = io_reader_memory(&memory),
				.maker = pthread_self(),
				.lies_to_libzip = lies,
				.fails_libzip = fails};
	const struct io_reader file = {&reader, tell, zip.len};
	struct zip_archive *archive = NULL;
	outcome.result = zip_open_archive(&file, &limits, &archive, &outcome.refusal);
	if (outcome.result == 0)
		assert_int_equal(archive->entry_count, entries);
	else
		assert_null(archive);
	outcome.reads_by_others = reader.reads_by_others;
	zip_close_archive(archive);
	buf_done(&zip);
	return outcome;
}

static void test_many_entries_are_read_by_libzip_on_another_thread(void **state UNUSED)
{
	struct outcome few = open_zip(FEW, "last", false, 0), many = open_zip(MANY, "last", false, 0);
	assert_int_equal(few.result, 0);
	assert_int_equal(many.result, 0);
	assert_int_equal(few.reads_by_others, 0);
	assert_int_not_equal(many.reads_by_others, 0);
}

static void test_libzip_refuses_in_the_same_words(void **state UNUSED)
{
	struct outcome few = open_zip(FEW, "last", true, 0), many = open_zip(MANY, "last", true, 0);
	assert_int_equal(few.result, -EBADMSG);
	assert_int_equal(many.result, -EBADMSG);
	assert_int_equal(few.refusal.rule, ZIP_R17_AGREEMENT);
	assert_int_equal(many.refusal.rule, ZIP_R17_AGREEMENT);
	assert_string_equal(few.refusal.text.text, many.refusal.text.text);
	assert_string_equal(few.refusal.remedy.text, many.refusal.remedy.text);
}

/* Names are looked at while libzip reads: it refuses as well, and is not heard. */
static void test_our_own_refusal_is_told_whatever_libzip_says(void **state UNUSED)
{
	static const int failures[] = {0, -EIO, -ENOMEM};
	for (unsigned lies = 0; lies < 2; lies++)
		for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
			struct outcome few = open_zip(FEW, "FIRST", lies, failures[i]);
			struct outcome many = open_zip(MANY, "FIRST", lies, failures[i]);
			assert_int_equal(few.refusal.rule, ZIP_R11_DUPLICATE);
			assert_int_equal(many.result, -EBADMSG);
			assert_string_equal(few.refusal.text.text, many.refusal.text.text);
			assert_string_equal(few.refusal.remedy.text, many.refusal.remedy.text);
			assert_int_not_equal(many.reads_by_others, 0);
		}
}

static void test_what_libzip_cannot_read_is_no_verdict(void **state UNUSED)
{
	static const int failures[] = {-EIO, -ENOMEM};
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		struct outcome few = open_zip(FEW, "last", false, failures[i]);
		struct outcome many = open_zip(MANY, "last", false, failures[i]);
		assert_int_equal(few.result, failures[i]);
		assert_int_equal(many.result, failures[i]);
		assert_int_equal(many.refusal.rule, 0);
	}
}

static void test_one_that_is_not_ended(void **state UNUSED)
{
	struct buf zip = make_zip(MANY, "last");
	struct io_memory memory = {zip.data, zip.len};
	struct reader reader = {.inner = io_reader_memory(&memory), .maker = pthread_self()};
	const struct io_reader file = {&reader, tell, zip.len};
	zip_opening_free(zip_opening_new(&file, NULL, &limits));
	assert_int_equal(reader.first_reads, 3); /* it was waited for */
	zip_opening_free(NULL);
	buf_done(&zip);
}

/* Fewer entries: nothing beyond the tail is looked at before the end. */
static void test_few_entries_wait_for_the_end(void **state UNUSED)
{
	struct buf zip = make_zip(FEW, "last");
	struct io_memory memory = {zip.data, zip.len};
	struct reader reader = {.inner = io_reader_memory(&memory), .maker = pthread_self()};
	const struct io_reader file = {&reader, tell, zip.len};
	struct zip_opening *opening = zip_opening_new(&file, NULL, &limits);
	assert_non_null(opening);
	assert_int_equal(reader.first_reads, 0);
	struct zip_archive *archive = NULL;
	assert_int_equal(zip_opening_end(opening, &archive, NULL), 0);
	zip_close_archive(archive);
	buf_done(&zip);
}

static void test_out_of_memory_is_no_yes(void **state UNUSED)
{
	struct zip_archive *archive = NULL;
	assert_int_equal(zip_opening_end(NULL, &archive, NULL), -ENOMEM);
	assert_null(archive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_entries_are_read_by_libzip_on_another_thread),
		cmocka_unit_test(test_libzip_refuses_in_the_same_words),
		cmocka_unit_test(test_our_own_refusal_is_told_whatever_libzip_says),
		cmocka_unit_test(test_what_libzip_cannot_read_is_no_verdict),
		cmocka_unit_test(test_one_that_is_not_ended),
		cmocka_unit_test(test_few_entries_wait_for_the_end),
		cmocka_unit_test(test_out_of_memory_is_no_yes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
