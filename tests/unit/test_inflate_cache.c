/* The cache of inflated contents: right bytes, one inflation, a budget, failures that are not remembered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/slots/inflate_cache.h"
#include "zip_builder.h"

/* An entry has 48 bytes, and what is noted about each counts, too. */
#define ROOM_FOR_ONE 300
#define ROOM_FOR_ALL 4000

struct fixture {
	struct buf zip;
	struct io_memory memory;
	struct zip_archive *archive;
	unsigned reads; /* of the archive since setup */
	bool broken;
};

static int counting_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	struct fixture *f = ctx;
	f->reads++;
	if (f->broken)
		return -EIO;
	memcpy(buf, f->zip.data + offset, len);
	return 0;
}

static struct io_reader reader(struct fixture *f)
{
	return (struct io_reader){.ctx = f, .pread = counting_pread, .size_bytes = f->zip.len};
}

static int setup(void **state)
{
	static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb";
	struct fixture *f = calloc(1, sizeof(*f));
	struct zip_builder z = {0};
	zip_builder_add_file(&z, "a", text, sizeof(text) - 1, ZIP_BUILDER_DEFLATED, 0644);
	zip_builder_add_file(&z, "b", text, sizeof(text) - 1, ZIP_BUILDER_DEFLATED, 0644);
	zip_builder_add_file(&z, "c", text, sizeof(text) - 1, ZIP_BUILDER_DEFLATED, 0644)->record.crc32 ^= 1;
	z.entries[2]->local.crc32 ^= 1;
	f->zip = zip_builder_finish(&z);

	struct io_reader file = reader(f);
	const struct zip_limits limits = {.max_unpacked_bytes = 1000};
	struct zip_refusal refusal;
	*state = f;
	return zip_open_archive(&file, &limits, &f->archive, &refusal);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	zip_close_archive(f->archive);
	buf_done(&f->zip);
	free(f);
	return 0;
}

static struct inflate_item *get(struct inflate_cache *cache, struct fixture *f, unsigned entry)
{
	struct io_reader file = reader(f);
	struct inflate_item *item = NULL;
	assert_int_equal(inflate_cache_get(cache, entry, &file, &f->archive->entries[entry], &item), 0);
	return item;
}

static void inflates_once_while_in_budget(void **state)
{
	struct fixture *f = *state;
	struct inflate_cache *cache;
	assert_int_equal(inflate_cache_new(ROOM_FOR_ALL, &cache), 0);

	struct inflate_item *item = get(cache, f, 0);
	assert_memory_equal(inflate_item_bytes(item), "aaaa", 4);
	assert_memory_equal(inflate_item_bytes(item) + 44, "bbbb", 4);
	inflate_item_put(item);
	unsigned reads = f->reads;
	inflate_item_put(get(cache, f, 0));
	assert_int_equal(f->reads, reads);
	inflate_cache_free(cache);
}

static void drops_the_least_recently_used(void **state)
{
	struct fixture *f = *state;
	struct inflate_cache *cache;
	assert_int_equal(inflate_cache_new(ROOM_FOR_ONE, &cache), 0);

	inflate_item_put(get(cache, f, 0));
	inflate_item_put(get(cache, f, 1));
	unsigned reads = f->reads;
	inflate_item_put(get(cache, f, 1));
	assert_int_equal(f->reads, reads);
	inflate_item_put(get(cache, f, 0));
	assert_true(f->reads > reads);
	inflate_cache_free(cache);
}

static void keeps_what_is_held(void **state)
{
	struct fixture *f = *state;
	struct inflate_cache *cache;
	assert_int_equal(inflate_cache_new(0, &cache), 0);

	struct inflate_item *held = get(cache, f, 0);
	inflate_item_put(get(cache, f, 1));
	assert_memory_equal(inflate_item_bytes(held), "aaaa", 4);
	unsigned reads = f->reads;
	inflate_item_put(get(cache, f, 0));
	assert_int_equal(f->reads, reads);
	inflate_item_put(held);
	inflate_cache_free(cache);
}

static void a_failure_is_told_and_not_remembered(void **state)
{
	struct fixture *f = *state;
	struct inflate_cache *cache;
	struct io_reader file = reader(f);
	struct inflate_item *item = NULL;
	assert_int_equal(inflate_cache_new(ROOM_FOR_ALL, &cache), 0);

	assert_int_equal(inflate_cache_get(cache, 2, &file, &f->archive->entries[2], &item), -EBADMSG);
	f->broken = true;
	assert_int_equal(inflate_cache_get(cache, 0, &file, &f->archive->entries[0], &item), -EIO);
	assert_null(item);
	f->broken = false;
	inflate_item_put(get(cache, f, 0));
	inflate_cache_free(cache);
}

static int make_letters(void *ctx, void *dst)
{
	const char *letter = ctx;
	if (*letter == '!')
		return -EIO;
	memset(dst, *letter, 8);
	return 0;
}

static void expect_part(struct inflate_cache *cache, uint32_t number, const char *letter, const char *expected)
{
	char copy[2] = {*letter};
	const struct inflate_part part = {
		.key = 0, .number = number, .size_bytes = 8, .make = make_letters, .ctx = copy};
	struct inflate_item *item;
	assert_int_equal(inflate_cache_get_part(cache, &part, &item), 0);
	assert_memory_equal(inflate_item_bytes(item), expected, 8);
	inflate_item_put(item);
}

static void parts_are_neither_each_other_nor_the_whole(void **state)
{
	struct fixture *f = *state;
	struct inflate_cache *cache;
	assert_int_equal(inflate_cache_new(ROOM_FOR_ALL, &cache), 0);
	inflate_item_put(get(cache, f, 0));
	expect_part(cache, 1, "x", "xxxxxxxx");
	expect_part(cache, 2, "y", "yyyyyyyy");
	expect_part(cache, 1, "z", "xxxxxxxx");
	struct inflate_item *item = get(cache, f, 0);
	assert_memory_equal(inflate_item_bytes(item), "aaaa", 4);
	inflate_item_put(item);
	inflate_cache_free(cache);
}

static void a_part_that_came_by_the_way_is_not_made_again(void **state UNUSED)
{
	struct inflate_cache *cache;
	const struct inflate_part part = {.number = 1, .size_bytes = 8, .make = make_letters, .ctx = "!"};
	struct inflate_item *item;
	assert_int_equal(inflate_cache_new(ROOM_FOR_ALL, &cache), 0);
	assert_int_equal(inflate_cache_get_part(cache, &part, &item), -EIO);
	inflate_cache_keep_part(cache, &part, "12345678");
	expect_part(cache, 1, "z", "12345678");
	inflate_cache_keep_part(cache, &part, "abcdefgh"); /* it is there */
	expect_part(cache, 1, "z", "12345678");
	inflate_cache_free(cache);

	assert_int_equal(inflate_cache_new(0, &cache), 0);
	inflate_cache_keep_part(cache, &part, "12345678");
	expect_part(cache, 1, "z", "zzzzzzzz");
	inflate_cache_free(cache);
}

/* For the time being. */
static void what_making_takes_makes_others_give_way(void **state UNUSED)
{
	struct inflate_cache *cache;
	struct inflate_part part = {.number = 2, .size_bytes = 8, .make = make_letters, .ctx = "y"};
	struct inflate_item *item;
	assert_int_equal(inflate_cache_new(ROOM_FOR_ALL, &cache), 0);
	expect_part(cache, 1, "x", "xxxxxxxx");
	assert_int_equal(inflate_cache_get_part(cache, &part, &item), 0);
	inflate_item_put(item);
	expect_part(cache, 1, "z", "xxxxxxxx");
	part.number = 3;
	part.work_bytes = ROOM_FOR_ALL;
	assert_int_equal(inflate_cache_get_part(cache, &part, &item), 0);
	inflate_item_put(item);
	expect_part(cache, 1, "z", "zzzzzzzz");
	expect_part(cache, 3, "z", "yyyyyyyy");
	inflate_cache_free(cache);
}

static int get_ahead(struct inflate_cache *cache, struct fixture *f, uint64_t owner, unsigned entry)
{
	struct io_reader file = reader(f);
	return inflate_cache_ahead(cache, entry, owner, &file, &f->archive->entries[entry]);
}

static void what_was_inflated_ahead_is_not_inflated_again(void **state)
{
	struct fixture *f = *state;
	struct inflate_cache *cache;
	assert_int_equal(inflate_cache_new(ROOM_FOR_ALL, &cache), 0);
	assert_int_equal(get_ahead(cache, f, 1, 0), 0);
	unsigned reads = f->reads;
	assert_int_equal(get_ahead(cache, f, 1, 0), 0);
	struct inflate_item *item = get(cache, f, 0);
	assert_memory_equal(inflate_item_bytes(item), "aaaa", 4);
	inflate_item_put(item);
	assert_int_equal(get_ahead(cache, f, 2, 0), 0); /* it is there already */
	assert_int_equal(f->reads, reads);
	inflate_cache_free(cache);
}

static void a_failure_ahead_is_left_to_who_asks(void **state)
{
	struct fixture *f = *state;
	struct inflate_cache *cache;
	struct io_reader file = reader(f);
	struct inflate_item *item = NULL;
	assert_int_equal(inflate_cache_new(ROOM_FOR_ALL, &cache), 0);
	assert_int_equal(get_ahead(cache, f, 1, 2), -EBADMSG);
	f->broken = true;
	assert_int_equal(get_ahead(cache, f, 1, 0), -EIO);
	f->broken = false;
	inflate_item_put(get(cache, f, 0));
	assert_int_equal(inflate_cache_get(cache, 2, &file, &f->archive->entries[2], &item), -EBADMSG);
	inflate_cache_free(cache);
}

/* Half of the budget, also after any number of tries; and what was read makes room for it. */
static void what_is_unread_stays_within_half_of_the_budget(void **state)
{
	struct fixture *f = *state;
	struct inflate_cache *cache;
	assert_int_equal(inflate_cache_new(2 * ROOM_FOR_ONE, &cache), 0);
	assert_true(inflate_cache_has_room(cache));
	assert_int_equal(get_ahead(cache, f, 1, 0), 0);
	assert_false(inflate_cache_has_room(cache));
	assert_int_equal(get_ahead(cache, f, 1, 1), -ENOSPC);
	assert_int_equal(get_ahead(cache, f, 2, 1), -ENOSPC);
	inflate_item_put(get(cache, f, 0)); /* read now */
	assert_true(inflate_cache_has_room(cache));
	assert_int_equal(get_ahead(cache, f, 1, 1), 0);
	inflate_cache_free(cache);

	assert_int_equal(inflate_cache_new(ROOM_FOR_ONE, &cache), 0);
	assert_int_equal(get_ahead(cache, f, 1, 0), -ENOSPC);
	inflate_cache_free(cache);
}

static void what_is_unread_outlives_what_was_read(void **state)
{
	struct fixture *f = *state;
	struct inflate_cache *cache;
	assert_int_equal(inflate_cache_new(2 * ROOM_FOR_ONE, &cache), 0);
	assert_int_equal(get_ahead(cache, f, 1, 0), 0); /* the oldest of all */
	for (unsigned i = 0; i < 3; i++) {
		for (uint64_t key = 10; key < 14; key++) {
			struct io_reader file = reader(f);
			struct inflate_item *item = NULL;
			assert_int_equal(inflate_cache_get(cache, key, &file, &f->archive->entries[1], &item), 0);
			inflate_item_put(item);
		}
	}
	unsigned reads = f->reads;
	inflate_item_put(get(cache, f, 0));
	assert_int_equal(f->reads, reads);
	inflate_cache_free(cache);
}

static void what_is_never_asked_for_gives_way(void **state)
{
	struct fixture *f = *state;
	struct inflate_cache *cache;
	assert_int_equal(inflate_cache_new(2 * ROOM_FOR_ONE, &cache), 0);
	assert_int_equal(get_ahead(cache, f, 1, 0), 0);
	inflate_cache_release_unread(cache, 2, UINT64_MAX); /* of another */
	inflate_cache_release_unread(cache, 1, 0);	    /* not below */
	assert_int_equal(get_ahead(cache, f, 1, 1), -ENOSPC);
	inflate_cache_release_unread(cache, 1, 1);
	assert_int_equal(get_ahead(cache, f, 1, 1), 0);
	inflate_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(inflates_once_while_in_budget, setup, teardown),
		cmocka_unit_test_setup_teardown(drops_the_least_recently_used, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_what_is_held, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failure_is_told_and_not_remembered, setup, teardown),
		cmocka_unit_test_setup_teardown(parts_are_neither_each_other_nor_the_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(a_part_that_came_by_the_way_is_not_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(what_making_takes_makes_others_give_way, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_inflated_ahead_is_not_inflated_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failure_ahead_is_left_to_who_asks, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_unread_stays_within_half_of_the_budget, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_unread_outlives_what_was_read, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_never_asked_for_gives_way, setup, teardown),
	};
	return cmocka_run_group_tests_name("inflate_cache", tests, NULL, NULL);
}
