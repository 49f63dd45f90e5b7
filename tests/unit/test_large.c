/* Large files of the run side: what is given out has the CRC that the archive states (R7), whatever the store
 * remembers of it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/slots/run_place.h"
#include "base/text.h"
#include "slots_fixture.h"
#include "zip_builder.h"

#define LARGE_BYTES ((size_t)3 * 1024 * 1024 + 100)
#define READ_BYTES  ((size_t)8192)
#define OBJECT_SIZE 200
#define FILE_PATH   ".releases/main/1/task/large"
#define MIDDLE	    ((uint64_t)LARGE_BYTES / 2)
#define READERS	    3

static char *large_content(void)
{
	char *content = malloc(LARGE_BYTES);
	assert_non_null(content);
	for (size_t i = 0; i < LARGE_BYTES; i++)
		content[i] = (char)(i * 31 + i / 251);
	return content;
}

/* Deployed to main, signed: "large" and behind it another file. Where the store has it, below the host. */
static void deploy(struct slots_fixture *f, enum zip_builder_method method, bool crc_is_right,
		   char ret_object[OBJECT_SIZE])
{
	char *content = large_content(), hex[CRYPTO_SHA256_HEX_SIZE];
	struct zip_builder z = {0};
	struct zip_builder_entry *entry = zip_builder_add_file(&z, "large", content, LARGE_BYTES, method, 0644);
	if (!crc_is_right)
		entry->local.crc32 = ++entry->record.crc32;
	(void)zip_builder_add(&z, "marker", "behind it");
	struct buf zip = zip_builder_finish(&z), signed_zip = {0};
	trust_fixture_sign_zip(&f->host->alice, zip.data, zip.len, &signed_zip);
	assert_int_equal(slots_fixture_put(f, "functions/main", "a.zip", &signed_zip), 0);

	struct io_memory memory = {zip.data, zip.len};
	struct io_reader file = io_reader_memory(&memory);
	struct merkle_tree *tree;
	assert_int_equal(merkle_tree_of(&file, zip.len - 2, &tree), 0);
	text_hex(tree->digest, sizeof(tree->digest), hex);
	(void)snprintf(ret_object, OBJECT_SIZE, "store/objects/%.2s/%s", hex, hex);
	merkle_tree_free(tree);
	buf_done(&zip);
	buf_done(&signed_zip);
	free(content);
}

static void deploy_large(struct slots_fixture *f, bool crc_is_right, char ret_object[OBJECT_SIZE])
{
	deploy(f, ZIP_BUILDER_STORED, crc_is_right, ret_object);
}

static void object_path(const char *object, const char *file, char ret[OBJECT_SIZE])
{
	(void)snprintf(ret, OBJECT_SIZE, "%s/%s", object, file);
}

static void flip(struct slots_fixture *f, const char *object, const char *file, uint64_t offset)
{
	char path[OBJECT_SIZE], byte;
	object_path(object, file, path);
	assert_int_equal(fchmodat(f->host->dirfd, path, 0600, 0), 0);
	int fd = openat(f->host->dirfd, path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte = (char)~byte;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	assert_int_equal(close(fd), 0);
}

/* What a store has that was written before there were sums. */
static void remove_sums(struct slots_fixture *f, const char *object)
{
	char path[OBJECT_SIZE];
	object_path(object, "sums", path);
	assert_int_equal(unlinkat(f->host->dirfd, path, 0), 0);
}

/* 0: what was deployed comes out at offset; or the error. */
static int read_at(struct slots_fixture *f, uint64_t offset)
{
	struct slots_attr attr;
	struct run_data data;
	assert_int_equal(slots_fixture_run_path(f, FILE_PATH, &attr), 0);
	int r = run_read(f->slots, attr.node, READ_BYTES, offset, &data);
	run_forget(f->slots, attr.node, 1);
	if (r < 0)
		return r;
	char *content = large_content();
	assert_int_equal(data.len, LARGE_BYTES - offset < READ_BYTES ? LARGE_BYTES - offset : READ_BYTES);
	assert_memory_equal(data.bytes, content + offset, data.len);
	run_data_done(&data);
	free(content);
	return 0;
}

static void is_read_without_being_read_through(void **state)
{
	struct slots_fixture *f = *state;
	char object[OBJECT_SIZE];
	deploy_large(f, true, object);
	flip(f, object, "payload", MIDDLE); /* who reads it through meets this */
	assert_int_equal(read_at(f, 0), 0);
	assert_int_equal(read_at(f, MIDDLE - READ_BYTES / 2), -EIO);
	assert_int_equal(read_at(f, LARGE_BYTES - 10), 0);
	slots_fixture_restart(f);
	assert_int_equal(read_at(f, LARGE_BYTES - 10), 0);
	assert_int_equal(read_at(f, MIDDLE - READ_BYTES / 2), -EIO);
	assert_true(slots_fixture_count_records(f, "page-check-failed") > 0);
	flip(f, object, "payload", MIDDLE);
	assert_int_equal(read_at(f, MIDDLE - READ_BYTES / 2), 0);
}

static void is_read_through_where_there_are_no_sums(void **state)
{
	struct slots_fixture *f = *state;
	char object[OBJECT_SIZE];
	deploy_large(f, true, object);
	remove_sums(f, object);
	slots_fixture_restart(f);
	flip(f, object, "payload", MIDDLE);
	assert_int_equal(read_at(f, 0), -EIO);
	flip(f, object, "payload", MIDDLE);
	assert_int_equal(read_at(f, 0), 0);
	flip(f, object, "payload", MIDDLE); /* once is enough */
	assert_int_equal(read_at(f, 0), 0);
}

static void sums_that_do_not_match_decide_nothing(void **state)
{
	struct slots_fixture *f = *state;
	char object[OBJECT_SIZE];
	deploy_large(f, true, object);
	flip(f, object, "sums", 4 * (MIDDLE / MERKLE_BLOCK_BYTES));
	slots_fixture_restart(f);
	assert_int_equal(read_at(f, 0), 0);
	assert_int_equal(read_at(f, MIDDLE), 0);
	assert_int_equal(slots_fixture_count_records(f, "page-check-failed"), 0);
}

static void damage_at_its_ends_is_met_by_who_reads_there(void **state)
{
	struct slots_fixture *f = *state;
	char object[OBJECT_SIZE];
	int error;
	deploy_large(f, true, object);
	assert_string_equal(slots_fixture_marker(f, ".releases/main/1/task/marker", &error), "behind it");
	flip(f, object, "payload", 100); /* its first block, whose sum is not the entry's alone */
	assert_int_equal(read_at(f, MIDDLE), -EIO);
	assert_int_equal(read_at(f, 0), -EIO);
	flip(f, object, "payload", 100);
	assert_int_equal(read_at(f, MIDDLE), 0);
}

static void another_crc_is_not_handed_out(void **state)
{
	static const uint64_t offsets[] = {MIDDLE, 0, LARGE_BYTES - 10, 0};
	struct slots_fixture *f = *state;
	char object[OBJECT_SIZE];
	deploy_large(f, false, object); /* its signer vouched for it, so its contents were not asked for */
	for (int pass = 0; pass < 3; pass++) {
		for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
			assert_int_equal(read_at(f, offsets[i]), -EIO);
		assert_true(slots_fixture_count_records(f, "page-check-failed") > 0);
		if (pass == 1)
			remove_sums(f, object);
		slots_fixture_restart(f);
	}
	int error;
	assert_string_equal(slots_fixture_marker(f, ".releases/main/1/task/marker", &error), "behind it");
}

/* ---- deflated ones: in memory until they are marked ---- */

static void deploy_deflated(struct slots_fixture *f, bool crc_is_right)
{
	char object[OBJECT_SIZE];
	slots_fixture_configure(f, "inflate_cache = 2097152\n", slots_fixture_rest); /* less than the file */
	slots_fixture_restart(f);
	deploy(f, ZIP_BUILDER_DEFLATED, crc_is_right, object);
}

/* What the thread of the read-ahead does. */
static void mark(struct slots_fixture *f)
{
	struct slots_attr attr;
	struct run_place place;
	assert_int_equal(slots_fixture_run_path(f, FILE_PATH, &attr), 0);
	assert_int_equal(run_place_find(f->slots, attr.node, &place), 0);
	large_mark(place.release, place.view_node);
	run_place_done(&place);
	run_forget(f->slots, attr.node, 1);
}

static void *read_everywhere(void *ctx)
{
	for (uint64_t offset = 0; offset < LARGE_BYTES; offset += 9 * READ_BYTES)
		assert_int_equal(read_at(ctx, offset), 0);
	return NULL;
}

static void is_the_same_in_memory_and_marked(void **state)
{
	struct slots_fixture *f = *state;
	pthread_t threads[READERS];
	deploy_deflated(f, true);
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_everywhere, f), 0);
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	(void)read_everywhere(f);
}

/* The release may have gone and come back, and have marks already, by the time the thread gets to it. */
static void marks_that_are_there_stay(void **state)
{
	struct slots_fixture *f = *state;
	deploy_deflated(f, true);
	mark(f); /* nobody has read it yet */
	assert_int_equal(read_at(f, MIDDLE), 0);
	mark(f);
	assert_int_equal(read_at(f, MIDDLE), 0);
	mark(f);
	assert_int_equal(read_at(f, 0), 0);
}

static void another_crc_is_not_marked_either(void **state)
{
	struct slots_fixture *f = *state;
	deploy_deflated(f, false);
	assert_int_equal(read_at(f, 0), -EIO);
	mark(f);
	assert_int_equal(read_at(f, MIDDLE), -EIO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_read_without_being_read_through),
		TEST(is_read_through_where_there_are_no_sums),
		TEST(sums_that_do_not_match_decide_nothing),
		TEST(damage_at_its_ends_is_met_by_who_reads_there),
		TEST(another_crc_is_not_handed_out),
		TEST(is_the_same_in_memory_and_marked),
		TEST(marks_that_are_there_stay),
		TEST(another_crc_is_not_marked_either),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
