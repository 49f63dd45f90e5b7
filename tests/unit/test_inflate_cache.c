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
	assert_int_equal(inflate_cache_new(1000, &cache), 0);

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
	assert_int_equal(inflate_cache_new(50, &cache), 0); /* room for one */

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
	assert_int_equal(inflate_cache_new(1000, &cache), 0);

	assert_int_equal(inflate_cache_get(cache, 2, &file, &f->archive->entries[2], &item), -EBADMSG);
	f->broken = true;
	assert_int_equal(inflate_cache_get(cache, 0, &file, &f->archive->entries[0], &item), -EIO);
	assert_null(item);
	f->broken = false;
	inflate_item_put(get(cache, f, 0));
	inflate_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(inflates_once_while_in_budget, setup, teardown),
		cmocka_unit_test_setup_teardown(drops_the_least_recently_used, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_what_is_held, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failure_is_told_and_not_remembered, setup, teardown),
	};
	return cmocka_run_group_tests_name("inflate_cache", tests, NULL, NULL);
}
