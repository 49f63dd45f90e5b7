/* Parts of a large deflated entry, read from marks: the same bytes, and nothing of what is not as stated. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/zip_seek.h"
#include "zip_builder.h"

#define CONTENT_BYTES ((size_t)5 * 1024 * 1024 + 321)
#define SHORT_BYTES   ((size_t)100)

struct scene {
	struct buf zip;
	struct io_memory memory;
	struct io_reader file;
	struct zip_archive *archive;
	uint64_t read_bytes; /* of the archive */
};

static int counting_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	struct scene *scene = ctx;
	scene->read_bytes += len;
	memcpy(buf, scene->zip.data + offset, len);
	return 0;
}

static void open_scene(struct zip_builder *z, struct scene *ret)
{
	const struct zip_limits limits = {UINT32_MAX};
	*ret = (struct scene){.zip = zip_builder_finish(z)};
	ret->file = (struct io_reader){.ctx = ret, .pread = counting_pread, .size_bytes = ret->zip.len};
	assert_int_equal(zip_open_archive(&ret->file, &limits, &ret->archive, NULL), 0);
	ret->read_bytes = 0;
}

static void close_scene(struct scene *scene)
{
	zip_close_archive(scene->archive);
	buf_done(&scene->zip);
}

/* Text and noise by turns, so that blocks are of every kind. */
static char *make_content(void)
{
	char *content = malloc(CONTENT_BYTES);
	assert_non_null(content);
	uint32_t x = 1;
	for (size_t i = 0; i < CONTENT_BYTES; i++) {
		x = x * 1664525U + 1013904223U;
		content[i] = (i >> 16) % 3 == 0 ? (char)(x >> 24) : "abcdefgh"[x >> 29];
	}
	return content;
}

static struct zip_builder_entry *add(struct zip_builder *z, const char *content, size_t len)
{
	return zip_builder_add_file(z, "f", content, len, ZIP_BUILDER_DEFLATED, 0644);
}

static void every_part_is_right_and_costs_little(void **state UNUSED)
{
	static const size_t lengths[] = {1, 4096, 131072, 1048576, 3000000};
	char *content = make_content(), *part = malloc(CONTENT_BYTES);
	assert_non_null(part);
	struct zip_builder z = {0};
	struct scene scene;
	struct zip_seek *seek = NULL;
	add(&z, content, CONTENT_BYTES);
	open_scene(&z, &scene);
	assert_int_equal(zip_seek_new(&scene.file, &scene.archive->entries[0], NULL, &seek), 0);

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (size_t offset = 0; offset < CONTENT_BYTES; offset += 333333) {
			size_t left = CONTENT_BYTES - offset, len = lengths[i] < left ? lengths[i] : left;
			assert_int_equal(zip_seek_read(seek, &scene.file, part, len, offset), 0);
			assert_memory_equal(part, content + offset, len);
		}
	}
	assert_int_equal(zip_seek_read(seek, &scene.file, part, CONTENT_BYTES, 0), 0);
	assert_memory_equal(part, content, CONTENT_BYTES);
	assert_int_equal(zip_seek_read(seek, &scene.file, part, 0, CONTENT_BYTES), 0);

	scene.read_bytes = 0; /* the last byte does not cost the whole entry */
	assert_int_equal(zip_seek_read(seek, &scene.file, part, 1, CONTENT_BYTES - 1), 0);
	assert_memory_equal(part, content + CONTENT_BYTES - 1, 1);
	assert_true(scene.read_bytes < 2 * ZIP_SEEK_INTERVAL_BYTES);

	zip_seek_free(seek);
	close_scene(&scene);
	free(part);
	free(content);
}

/* What the sink was given. */
struct taken {
	const char *content;
	size_t count;
	uint64_t end_offset;
};

static void take_part(void *ctx, size_t part, uint64_t offset, const void *bytes, size_t len)
{
	struct taken *taken = ctx;
	assert_int_equal(part, taken->count++);
	assert_int_equal(offset, taken->end_offset);
	assert_true(len > 0 && len <= ZIP_SEEK_PART_MAX);
	assert_memory_equal(bytes, taken->content + offset, len);
	taken->end_offset = offset + len;
}

static void parts_lie_side_by_side_and_are_given_by_the_way(void **state UNUSED)
{
	char *content = make_content(), *bytes = malloc(ZIP_SEEK_PART_MAX);
	assert_non_null(bytes);
	struct zip_builder z = {0};
	struct scene scene;
	struct zip_seek *seek = NULL;
	struct taken taken = {.content = content};
	const struct zip_seek_sink sink = {.ctx = &taken, .take = take_part};
	add(&z, content, CONTENT_BYTES);
	open_scene(&z, &scene);
	assert_int_equal(zip_seek_new(&scene.file, &scene.archive->entries[0], &sink, &seek), 0);
	assert_int_equal(taken.end_offset, CONTENT_BYTES);
	assert_true(taken.count >= CONTENT_BYTES / ZIP_SEEK_PART_MAX);

	size_t count = 0;
	uint64_t packed_bytes = 0;
	for (uint64_t at = 0; at < CONTENT_BYTES; count++) {
		struct zip_seek_part part = zip_seek_part_at(seek, at);
		assert_int_equal(part.number, count);
		assert_int_equal(part.offset, at);
		at += part.len;
		assert_int_equal(zip_seek_part_at(seek, at - 1).number, count);
		scene.read_bytes = 0; /* nothing is skipped */
		assert_int_equal(zip_seek_read(seek, &scene.file, bytes, part.len, part.offset), 0);
		assert_memory_equal(bytes, content + part.offset, part.len);
		assert_true(scene.read_bytes < part.len + 128 * 1024);
		memset(bytes, 0, part.len);
		scene.read_bytes = 0; /* in one piece: zlib, which would read again, is not asked */
		assert_int_equal(zip_seek_read_part(seek, &scene.file, &part, bytes), 0);
		assert_memory_equal(bytes, content + part.offset, part.len);
		packed_bytes += scene.read_bytes;
	}
	assert_int_equal(count, taken.count);
	assert_in_range(packed_bytes, scene.archive->entries[0].compressed_bytes,
			scene.archive->entries[0].compressed_bytes + count);
	zip_seek_free(seek);
	close_scene(&scene);
	free(bytes);
	free(content);
}

/* Zeros come in blocks of many MiB. */
static void what_is_too_large_for_a_part_is_not_given(void **state UNUSED)
{
	const size_t len = (size_t)32 * 1024 * 1024;
	char *zeros = calloc(1, len);
	assert_non_null(zeros);
	struct zip_builder z = {0};
	struct scene scene;
	struct zip_seek *seek = NULL;
	struct taken taken = {.content = zeros};
	const struct zip_seek_sink sink = {.ctx = &taken, .take = take_part};
	add(&z, zeros, len);
	zip_builder_add_file(&z, "g", zeros, len / 32, ZIP_BUILDER_STORED, 0644); /* the archive's ratio */
	open_scene(&z, &scene);
	assert_int_equal(zip_seek_new(&scene.file, &scene.archive->entries[0], &sink, &seek), 0);
	assert_int_equal(taken.count, 0);
	assert_true(zip_seek_part_at(seek, 0).len > ZIP_SEEK_PART_MAX);
	zip_seek_free(seek);
	close_scene(&scene);
	free(zeros);
}

static void damage_crc(struct zip_builder_entry *entry)
{
	entry->local.crc32 = ++entry->record.crc32;
}
static void damage_data(struct zip_builder_entry *entry)
{
	entry->data.data[entry->data.len / 2] ^= 1;
}
static void cut_stream(struct zip_builder_entry *entry)
{
	entry->data.len--;
	entry->local.compressed = --entry->record.compressed;
}
static void append_to_stream(struct zip_builder_entry *entry)
{
	assert_int_equal(buf_putc(&entry->data, 0), 0);
	entry->local.compressed = ++entry->record.compressed;
}
static void state_more(struct zip_builder_entry *entry)
{
	zip_builder_set_size(entry, SHORT_BYTES + 1);
}
static void state_less(struct zip_builder_entry *entry)
{
	zip_builder_set_size(entry, SHORT_BYTES - 1);
}
static void leave_as_it_is(struct zip_builder_entry *entry UNUSED)
{
}

static void what_is_not_as_stated_is_refused(void **state UNUSED)
{
	static const struct {
		void (*damage)(struct zip_builder_entry *entry);
		int result;
	} cases[] = {
		{leave_as_it_is, 0},	      {damage_crc, -EBADMSG}, {damage_data, -EBADMSG}, {cut_stream, -EBADMSG},
		{append_to_stream, -EBADMSG}, {state_more, -EBADMSG}, {state_less, -EBADMSG},
	};
	char *content = make_content();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct zip_builder z = {0};
		struct scene scene;
		struct zip_seek *seek = NULL;
		cases[i].damage(add(&z, content, SHORT_BYTES));
		open_scene(&z, &scene);
		assert_int_equal(zip_seek_new(&scene.file, &scene.archive->entries[0], NULL, &seek), cases[i].result);
		assert_true((seek != NULL) == (cases[i].result == 0));
		zip_seek_free(seek);
		close_scene(&scene);
	}
	free(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_is_right_and_costs_little),
		cmocka_unit_test(parts_lie_side_by_side_and_are_given_by_the_way),
		cmocka_unit_test(what_is_too_large_for_a_part_is_not_given),
		cmocka_unit_test(what_is_not_as_stated_is_refused),
	};
	return cmocka_run_group_tests_name("zip_seek", tests, NULL, NULL);
}
