/* Hashing beside the writes: whatever the owner does while the helper reads, the tree is that of the last bytes. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "crypto/merkle.h"

#define BLOCK  ((size_t)MERKLE_BLOCK_BYTES)
#define BLOCKS ((size_t)40)

/* A file whose reader lets the owner do something while a read is under way. */
struct scene {
	uint8_t bytes[BLOCKS * BLOCK];
	size_t len;
	size_t bytes_read;
	int read_error;
	void (*meanwhile)(struct scene *s); /* once */
	struct merkle_builder *builder;
};

/* Of what a block holds, and of nothing else. */
static uint32_t sum_of(uint32_t sum, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + ((const uint8_t *)bytes)[i];
	return sum + (uint32_t)len;
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	assert_int_equal(merkle_builder_new(&s->builder), 0);
	merkle_builder_set_sum(s->builder, sum_of);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	merkle_builder_free(s->builder);
	free(s);
	return 0;
}

static int scene_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	struct scene *s = ctx;
	s->bytes_read += len;
	memcpy(buf, s->bytes + offset, len);
	void (*meanwhile)(struct scene *) = s->meanwhile;
	s->meanwhile = NULL;
	if (meanwhile)
		meanwhile(s);
	return s->read_error;
}

static struct io_reader reader_of(struct scene *s)
{
	return (struct io_reader){.ctx = s, .pread = scene_pread, .size_bytes = MERKLE_SIZE_MAX_BYTES};
}

static void fill(struct scene *s, size_t offset, size_t len, uint8_t value)
{
	memset(s->bytes + offset, value, len);
	if (offset + len > s->len)
		s->len = offset + len;
}

static void defer(struct scene *s, size_t offset, size_t len, uint8_t value)
{
	fill(s, offset, len, value);
	assert_int_equal(merkle_builder_defer(s->builder, len, offset), 0);
}

static void help_to_the_end(struct scene *s)
{
	struct io_reader reader = reader_of(s);
	int r;
	while ((r = merkle_builder_help(s->builder, &reader)) == 1)
		;
	assert_int_equal(r, 0);
}

/* The tree is right; returns how many bytes had to be read for it. */
static size_t check_tree(struct scene *s)
{
	struct io_memory memory = {.bytes = s->bytes, .len = s->len};
	struct io_reader plain_reader = io_reader_memory(&memory), reader = reader_of(s);
	struct merkle_tree *built, *plain;
	s->bytes_read = 0;
	assert_int_equal(merkle_builder_finish(s->builder, &reader, s->len, &built), 0);
	assert_int_equal(merkle_tree_of(&plain_reader, s->len, &plain), 0);
	assert_memory_equal(built->digest, plain->digest, sizeof(plain->digest));
	for (size_t i = 0; i < built->leaf_count; i++) {
		size_t left = s->len - i * BLOCK;
		assert_int_equal(built->sums[i], sum_of(0, s->bytes + i * BLOCK, left < BLOCK ? left : BLOCK));
	}
	merkle_tree_free(plain);
	merkle_tree_free(built);
	return s->bytes_read;
}

static void test_helper_hashes_what_was_put_off(void **state)
{
	struct scene *s = *state;
	defer(s, 0, 30 * BLOCK + 10, 1);
	assert_int_equal(merkle_builder_backlog(s->builder), 31);
	help_to_the_end(s);
	assert_int_equal(merkle_builder_backlog(s->builder), 1); /* the last one may grow */
	assert_int_equal(check_tree(s), 10);
}

static void test_nobody_helps(void **state)
{
	struct scene *s = *state;
	defer(s, 0, 3 * BLOCK + 10, 1);
	assert_int_equal(check_tree(s), s->len);
	defer(s, BLOCK + 1, 1, 2); /* of what was known */
	assert_int_equal(check_tree(s), BLOCK + 10);
	defer(s, 1, 0, 0);
	assert_int_equal(check_tree(s), 10);
}

static void test_tail_is_put_off(void **state)
{
	struct scene *s = *state;
	fill(s, 0, 100, 1);
	assert_int_equal(merkle_builder_write(s->builder, s->bytes, 100, 0), 0);
	defer(s, 10, 20, 2);
	assert_int_equal(check_tree(s), 100);
}

static void overwrite_later(struct scene *s)
{
	defer(s, BLOCK + 7, 1, 9);
}

static void overwrite_at_once(struct scene *s)
{
	fill(s, 2 * BLOCK, BLOCK, 9);
	assert_int_equal(merkle_builder_write(s->builder, s->bytes + 2 * BLOCK, BLOCK, 2 * BLOCK), 0);
}

static void cut_and_extend(struct scene *s)
{
	assert_int_equal(merkle_builder_truncate(s->builder, BLOCK + 1), 0);
	memset(s->bytes + BLOCK + 1, 0, s->len - BLOCK - 1);
	assert_int_equal(merkle_builder_truncate(s->builder, s->len), 0);
}

static void write_behind(struct scene *s)
{
	defer(s, 30 * BLOCK, BLOCK, 9);
}

/* The helper has read the old bytes when the owner changes them. */
static void test_touched_while_it_was_read(void **state)
{
	static void (*const changes[])(struct scene *) = {overwrite_later, overwrite_at_once, cut_and_extend,
							  write_behind};
	struct scene *s = *state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		defer(s, 0, 20 * BLOCK, (uint8_t)(i + 1));
		s->meanwhile = changes[i];
		help_to_the_end(s);
		assert_null(s->meanwhile);
		(void)check_tree(s);
	}
}

/* A read that fails is the finisher's to meet, and one that fails because the file was cut is nobody's. */
static void test_read_fails(void **state)
{
	struct scene *s = *state;
	struct io_reader reader = reader_of(s);
	struct merkle_tree *tree = NULL;
	defer(s, 0, 20 * BLOCK, 1);
	s->read_error = -EIO;
	assert_int_equal(merkle_builder_help(s->builder, &reader), -EIO);
	assert_int_equal(merkle_builder_backlog(s->builder), 20);
	assert_int_equal(merkle_builder_finish(s->builder, &reader, s->len, &tree), -EIO);
	assert_null(tree);
	s->meanwhile = cut_and_extend;
	assert_int_equal(merkle_builder_help(s->builder, &reader), 1);
	s->read_error = 0;
	(void)check_tree(s);
}

struct pair {
	int fd;
	atomic_bool end;
	struct merkle_builder *builder;
};

static void *helper_main(void *ctx)
{
	struct pair *p = ctx;
	struct io_reader reader = io_reader_fd(&p->fd, MERKLE_SIZE_MAX_BYTES);
	while (!atomic_load(&p->end))
		if (merkle_builder_help(p->builder, &reader) < 0)
			return ctx;
	return NULL;
}

/* Both at once, on a real file. */
static void test_two_threads(void **state)
{
	struct scene *s = *state;
	char path[] = "/tmp/vouchfs-helper.XXXXXX";
	struct pair pair = {.fd = mkstemp(path), .builder = s->builder};
	pthread_t helper;
	uint32_t random = 1;
	void *failed;
	assert_true(pair.fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(pthread_create(&helper, NULL, helper_main, &pair), 0);
	for (int i = 0; i < 2000; i++) {
		random = random * 1664525 + 1013904223;
		size_t offset = (random >> 8) % (sizeof(s->bytes) - BLOCK), len = (random >> 4) % (2 * BLOCK) % BLOCK;
		fill(s, offset, len, (uint8_t)i);
		assert_int_equal(io_pwrite_full(pair.fd, s->bytes + offset, len, offset), 0);
		if (i % 3 == 0)
			assert_int_equal(merkle_builder_write(s->builder, s->bytes + offset, len, offset), 0);
		else
			assert_int_equal(merkle_builder_defer(s->builder, len, offset), 0);
	}
	struct io_reader reader = io_reader_fd(&pair.fd, s->len);
	struct merkle_tree *tree;
	int r = merkle_builder_finish(s->builder, &reader, s->len, &tree);
	atomic_store(&pair.end, true);
	assert_int_equal(pthread_join(helper, &failed), 0);
	close(pair.fd);
	assert_null(failed);
	assert_int_equal(r, 0);
	merkle_tree_free(tree);
	assert_int_equal(check_tree(s), s->len % BLOCK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_helper_hashes_what_was_put_off), TEST(test_nobody_helps), TEST(test_tail_is_put_off),
		TEST(test_touched_while_it_was_read),	   TEST(test_read_fails),   TEST(test_two_threads),
	};
	return cmocka_run_group_tests_name("merkle_helper", tests, NULL, NULL);
}
