/* The CRC of a stored entry from those of the blocks of its archive: the same as by reading it, or no answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/zip_sums.h"
#include "base/limits.h"
#include "zip_builder.h"

#define BLOCK	   ((size_t)64)
#define BLOCKS_MAX 64U

/* An archive whose second entry is asked about, beginning anywhere in a block. */
struct scene {
	struct zip_builder z;
	struct zip_builder_entry *entry;
	struct buf zip;
	struct io_memory memory;
	struct io_reader file;
	struct zip_archive *archive;
	uint32_t of_blocks[BLOCKS_MAX];
};

static struct zip_sums sums_of(struct scene *s)
{
	return (struct zip_sums){.of_blocks = s->of_blocks, .block_bytes = BLOCK};
}

static void add(struct scene *s, size_t before, size_t len, enum zip_builder_method method)
{
	char content[BLOCK * BLOCKS_MAX];
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)(i * 7 + i / 13);
	*s = (struct scene){0};
	(void)zip_builder_add_file(&s->z, "a", content, before, ZIP_BUILDER_STORED, 0644);
	s->entry = zip_builder_add_file(&s->z, "b", content, len, method, 0644);
}

static void open_scene(struct scene *s)
{
	const struct zip_limits limits = {LIMIT_UNPACKED_BYTES_DEFAULT};
	s->zip = zip_builder_finish(&s->z);
	s->memory = (struct io_memory){s->zip.data, s->zip.len};
	s->file = io_reader_memory(&s->memory);
	assert_int_equal(zip_open_archive(&s->file, &limits, &s->archive, NULL), 0);
	assert_true(s->zip.len <= BLOCK * BLOCKS_MAX);
	for (size_t at = 0; at < s->zip.len; at += BLOCK)
		s->of_blocks[at / BLOCK] = zip_sum(0, s->zip.data + at,
						   s->zip.len - at < BLOCK ? s->zip.len - at : BLOCK);
}

static int ask(struct scene *s)
{
	const struct zip_sums sums = sums_of(s);
	return zip_sums_vouch(&s->file, &s->archive->entries[1], &sums);
}

static void scene_done(struct scene *s)
{
	zip_close_archive(s->archive);
	buf_done(&s->zip);
}

static void an_entry_anywhere(void **state UNUSED)
{
	struct scene s;
	for (size_t before = 0; before < BLOCK; before++) {
		for (size_t len = 2 * BLOCK; len < 3 * BLOCK; len += 7) {
			add(&s, before, len, ZIP_BUILDER_STORED);
			open_scene(&s);
			assert_int_equal(ask(&s), 1);
			scene_done(&s);
		}
	}
}

static void one_within_a_block_or_two_is_not_known(void **state UNUSED)
{
	struct scene s;
	add(&s, 0, 10, ZIP_BUILDER_STORED);
	open_scene(&s);
	assert_int_equal(ask(&s), 0);
	scene_done(&s);
}

static void a_deflated_one_is_not_known(void **state UNUSED)
{
	struct scene s;
	add(&s, 0, BLOCK * 20, ZIP_BUILDER_DEFLATED);
	open_scene(&s);
	assert_true(s.archive->entries[1].compressed_bytes > 2 * BLOCK);
	assert_int_equal(ask(&s), 0);
	scene_done(&s);
}

static void another_crc_is_not_vouched_for(void **state UNUSED)
{
	struct scene s;
	add(&s, 11, BLOCK * 4, ZIP_BUILDER_STORED);
	s.entry->local.crc32 = ++s.entry->record.crc32;
	open_scene(&s);
	assert_int_equal(ask(&s), 0);
	scene_done(&s);
}

/* Those of the blocks that lie in it whole count, and no others. */
static void every_sum_counts(void **state UNUSED)
{
	struct scene s;
	unsigned count = 0;
	add(&s, 11, BLOCK * 8, ZIP_BUILDER_STORED);
	open_scene(&s);
	for (size_t i = 0; i < BLOCKS_MAX; i++) {
		s.of_blocks[i] ^= 1;
		count += ask(&s) == 0;
		s.of_blocks[i] ^= 1;
	}
	assert_int_equal(count, 7);
	scene_done(&s);
}

static void bytes_at_its_ends_count(void **state UNUSED)
{
	struct scene s;
	add(&s, 11, BLOCK * 8, ZIP_BUILDER_STORED);
	open_scene(&s);
	const struct zip_entry *entry = &s.archive->entries[1];
	const size_t ends[] = {entry->data_offset, entry->data_offset + entry->size_bytes - 1};
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		s.zip.data[ends[i]] ^= 1;
		assert_int_equal(ask(&s), 0);
		s.zip.data[ends[i]] ^= 1;
	}
	assert_int_equal(ask(&s), 1);
	scene_done(&s);
}

static int failing_pread(void *ctx UNUSED, void *buf UNUSED, size_t len UNUSED, uint64_t offset UNUSED)
{
	return -EBADMSG;
}

static void what_cannot_be_read_is_a_failure(void **state UNUSED)
{
	struct scene s;
	add(&s, 11, BLOCK * 8, ZIP_BUILDER_STORED);
	open_scene(&s);
	s.file.pread = failing_pread;
	assert_int_equal(ask(&s), -EIO);
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_anywhere),
		cmocka_unit_test(one_within_a_block_or_two_is_not_known),
		cmocka_unit_test(a_deflated_one_is_not_known),
		cmocka_unit_test(another_crc_is_not_vouched_for),
		cmocka_unit_test(every_sum_counts),
		cmocka_unit_test(bytes_at_its_ends_count),
		cmocka_unit_test(what_cannot_be_read_is_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
