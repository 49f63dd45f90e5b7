/* The check of every entry's content, where it takes several threads: the first entry that is bad is named. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/zip.h"
#include "archive/zip_rules.h"
#include "zip_builder.h"

#define ENTRIES	    40
#define ENTRY_BYTES 200000 /* 8 MB in all: as many threads as there are cores */

struct scene {
	struct buf zip;
	struct io_memory memory;
	struct io_reader file;
	struct zip_archive *archive;
};

/* Entries e00 to e39; the content of those in bad (-1 at its end) has not the CRC that is stated. */
static void set_up(struct scene *ret, const int *bad)
{
	struct zip_builder z = {0};
	char *content = malloc(ENTRY_BYTES);
	assert_non_null(content);
	for (int i = 0; i < ENTRIES; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "e%02d", i);
		for (size_t at = 0; at < ENTRY_BYTES; at++)
			content[at] = (char)('a' + (at * (size_t)(i + 7) >> 3) % 23);
		struct zip_builder_entry *entry = zip_builder_add_file(&z, name, content, ENTRY_BYTES,
								       ZIP_BUILDER_STORED, 0644);
		for (const int *at = bad; *at >= 0; at++)
			if (*at == i)
				entry->data.data[ENTRY_BYTES / 2] ^= 1;
	}
	free(content);
	ret->zip = zip_builder_finish(&z);
	ret->memory = (struct io_memory){ret->zip.data, ret->zip.len};
	ret->file = io_reader_memory(&ret->memory);
	const struct zip_limits limits = {.max_unpacked_bytes = ENTRIES * ENTRY_BYTES};
	assert_int_equal(zip_open_archive(&ret->file, &limits, &ret->archive, NULL), 0);
}

static void tear_down(struct scene *scene)
{
	zip_close_archive(scene->archive);
	buf_done(&scene->zip);
}

static int check(const struct scene *scene, uint64_t max_bytes, struct zip_refusal *ret_refusal)
{
	const struct zip_limits limits = {.max_unpacked_bytes = max_bytes};
	return zip_check_contents(&scene->file, scene->archive, &limits, ret_refusal);
}

static void test_the_first_bad_entry_is_named(void **state UNUSED)
{
	static const struct {
		int bad[4];
		const char *named;
	} cases[] = {
		{{0, 1, 2, -1}, "\"e00\""},
		{{39, -1}, "\"e39\""},
		{{17, 18, 19, -1}, "\"e17\""},
		{{38, 5, 39, -1}, "\"e05\""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scene scene;
		struct zip_refusal refusal = {0};
		set_up(&scene, cases[i].bad);
		for (unsigned again = 0; again < 5; again++) {
			assert_int_equal(check(&scene, ENTRIES * ENTRY_BYTES, &refusal), -EBADMSG);
			assert_int_equal(refusal.rule, ZIP_R07_CONTENT);
			assert_non_null(strstr(refusal.text.text, cases[i].named));
		}
		tear_down(&scene);
	}
}

static void test_good_ones_pass(void **state UNUSED)
{
	struct scene scene;
	set_up(&scene, (const int[]){-1});
	assert_int_equal(check(&scene, ENTRIES * ENTRY_BYTES, NULL), 0);
	tear_down(&scene);
}

/* A bad entry before the limit is named, one behind it is not looked at. */
static void test_limit(void **state UNUSED)
{
	struct scene scene;
	struct zip_refusal refusal = {0};
	set_up(&scene, (const int[]){20, -1});
	assert_int_equal(check(&scene, 20 * ENTRY_BYTES - 1, &refusal), -EBADMSG);
	assert_int_equal(refusal.rule, ZIP_R14_LIMITS);
	assert_int_equal(check(&scene, 20 * ENTRY_BYTES, &refusal), -EBADMSG);
	assert_int_equal(refusal.rule, ZIP_R07_CONTENT);
	tear_down(&scene);
}

static int failing_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	const struct scene *scene = ctx;
	if (offset >= scene->archive->entries[30].data_offset)
		return -EIO;
	memcpy(buf, scene->zip.data + offset, len);
	return 0;
}

/* What cannot be read is not refused, unless an entry before it is. */
static void test_failure_to_read(void **state UNUSED)
{
	for (int bad = -1; bad < ENTRIES; bad += 10) {
		struct scene scene;
		struct zip_refusal refusal = {0};
		set_up(&scene, (const int[]){bad, -1});
		scene.file = (struct io_reader){.ctx = &scene, .pread = failing_pread, .size_bytes = scene.zip.len};
		int r = check(&scene, ENTRIES * ENTRY_BYTES, &refusal);
		assert_int_equal(r, bad >= 0 && bad < 30 ? -EBADMSG : -EIO);
		assert_int_equal(refusal.rule, r == -EBADMSG ? ZIP_R07_CONTENT : 0);
		tear_down(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_bad_entry_is_named),
		cmocka_unit_test(test_good_ones_pass),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_failure_to_read),
	};
	return cmocka_run_group_tests_name("zip_check", tests, NULL, NULL);
}
