/* A tree that grows with the writes must be the tree of what was written, whatever their order. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/merkle.h"

#define BLOCK	 ((size_t)MERKLE_BLOCK_BYTES)
#define FILE_MAX (20 * BLOCK)

/* A file in memory beside its builder; counts what is read back. */
struct scene {
	uint8_t bytes[FILE_MAX];
	size_t len;
	size_t bytes_read;
	uint32_t random;
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

/* Numbers that look random and are the same each time (xorshift32). */
static size_t draw(struct scene *s, size_t below)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 17;
	s->random ^= s->random << 5;
	return s->random % below;
}

static void write_at(struct scene *s, size_t offset, size_t len)
{
	assert_true(offset + len <= FILE_MAX);
	for (size_t i = 0; i < len; i++)
		s->bytes[offset + i] = (uint8_t)draw(s, 255) + 1;
	if (offset + len > s->len)
		s->len = offset + len;
	assert_int_equal(merkle_builder_write(s->builder, s->bytes + offset, len, offset), 0);
}

static void truncate_to(struct scene *s, size_t len)
{
	if (len < s->len)
		memset(s->bytes + len, 0, s->len - len);
	s->len = len;
	assert_int_equal(merkle_builder_truncate(s->builder, len), 0);
}

static int counting_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	struct scene *s = ctx;
	s->bytes_read += len;
	memcpy(buf, s->bytes + offset, len);
	return 0;
}

/* The builder's tree of the first len bytes is the tree of these bytes. */
static void expect_tree_of(struct scene *s, size_t len)
{
	struct io_reader reader = {.ctx = s, .pread = counting_pread, .size_bytes = s->len};
	struct merkle_tree *built = NULL, *plain = NULL;
	s->bytes_read = 0;
	assert_int_equal(merkle_builder_finish(s->builder, &reader, len, &built), 0);
	size_t bytes_read = s->bytes_read;
	assert_int_equal(merkle_tree_of(&reader, len, &plain), 0);
	s->bytes_read = bytes_read;
	assert_int_equal(built->leaf_count, plain->leaf_count);
	assert_memory_equal(built->digest, plain->digest, sizeof(plain->digest));
	for (size_t i = 0; i < built->leaf_count; i++) {
		size_t left = len - i * BLOCK;
		assert_int_equal(built->sums[i], sum_of(0, s->bytes + i * BLOCK, left < BLOCK ? left : BLOCK));
	}
	assert_null(plain->sums);
	merkle_tree_free(built);
	merkle_tree_free(plain);
}

static void test_empty(void **state)
{
	struct scene *s = *state;
	expect_tree_of(s, 0);
}

/* Front to back in pieces of any size: nothing is read back, for any length up to the end. */
static void test_sequential(void **state)
{
	static const size_t pieces[] = {1000, 4096, 10240, 16384, 4095, 4097, FILE_MAX};
	struct scene *s = *state;
	s->random = 1;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		truncate_to(s, 0);
		while (s->len < FILE_MAX - BLOCK) {
			size_t left = FILE_MAX - s->len;
			write_at(s, s->len, pieces[i] < left ? pieces[i] : left);
		}
		expect_tree_of(s, s->len);
		assert_int_equal(s->bytes_read, 0);
	}
	expect_tree_of(s, FILE_MAX - 2 * BLOCK - 22);
	assert_int_equal(s->bytes_read, BLOCK - 22); /* the cut block alone */
}

/* A header is patched when the size is known: that block is read back, and only once. */
static void test_patched_block(void **state)
{
	struct scene *s = *state;
	s->random = 2;
	write_at(s, 0, 10 * BLOCK);
	write_at(s, 3 * BLOCK + 14, 12);
	expect_tree_of(s, s->len);
	assert_int_equal(s->bytes_read, BLOCK);
	expect_tree_of(s, s->len);
	assert_int_equal(s->bytes_read, 0);
	write_at(s, 3 * BLOCK, BLOCK);
	expect_tree_of(s, s->len);
	assert_int_equal(s->bytes_read, 0);
}

static void test_tail_is_overwritten(void **state)
{
	struct scene *s = *state;
	s->random = 3;
	write_at(s, 0, 100);
	write_at(s, 50, 20); /* inside */
	expect_tree_of(s, 100);
	write_at(s, 200, 100); /* behind, a gap before it */
	expect_tree_of(s, 300);
	write_at(s, 100, 100); /* the gap */
	expect_tree_of(s, 300);
	write_at(s, 0, BLOCK); /* all of it */
	expect_tree_of(s, BLOCK);
	write_at(s, 10, 10); /* and stale no more */
	expect_tree_of(s, BLOCK);
	expect_tree_of(s, 30);
}

static void test_truncate(void **state)
{
	struct scene *s = *state;
	s->random = 4;
	write_at(s, 0, 5 * BLOCK);
	truncate_to(s, 2 * BLOCK + 7);
	expect_tree_of(s, s->len);
	truncate_to(s, 6 * BLOCK); /* zeros where there were bytes */
	expect_tree_of(s, s->len);
	write_at(s, 6 * BLOCK, 10);
	truncate_to(s, 6 * BLOCK + 5);
	truncate_to(s, 6 * BLOCK + 10);
	expect_tree_of(s, s->len);
	truncate_to(s, 0);
	expect_tree_of(s, 0);
	truncate_to(s, 100);
	expect_tree_of(s, 100);
}

/* Against the plain tree, after every step. */
static void test_any_order(void **state)
{
	struct scene *s = *state;
	for (uint32_t round = 1; round <= 60; round++) {
		s->random = round * 2654435761U;
		for (int step = 0; step < 30; step++) {
			size_t offset = draw(s, FILE_MAX), len = draw(s, 3 * BLOCK);
			if (draw(s, 3) == 0)
				offset -= offset % BLOCK;
			if (draw(s, 3) == 0)
				offset = s->len;
			if (len > FILE_MAX - offset)
				len = FILE_MAX - offset;
			if (draw(s, 8) == 0)
				truncate_to(s, offset);
			else
				write_at(s, offset, len);
			if (draw(s, 4) == 0)
				expect_tree_of(s, s->len ? draw(s, s->len) : 0);
		}
		expect_tree_of(s, s->len);
		truncate_to(s, 0);
	}
}

static void test_too_large(void **state)
{
	struct scene *s = *state;
	struct io_reader reader = {.ctx = s, .pread = counting_pread, .size_bytes = UINT64_MAX};
	struct merkle_tree *tree = NULL;
	assert_int_equal(merkle_builder_write(s->builder, "x", 1, MERKLE_SIZE_MAX_BYTES), -EFBIG);
	assert_int_equal(merkle_builder_write(s->builder, "x", 1, UINT64_MAX), -EFBIG);
	assert_int_equal(merkle_builder_truncate(s->builder, MERKLE_SIZE_MAX_BYTES + 1), -EFBIG);
	assert_int_equal(merkle_builder_finish(s->builder, &reader, MERKLE_SIZE_MAX_BYTES + 1, &tree), -EFBIG);
	assert_null(tree);
	expect_tree_of(s, 0); /* and still usable */
}

/* The file is shorter than what is asked for. */
static void test_unreadable(void **state)
{
	struct scene *s = *state;
	s->random = 5;
	write_at(s, 0, 100);
	struct io_reader reader = {.ctx = s, .pread = counting_pread, .size_bytes = s->len};
	struct merkle_tree *tree = NULL;
	assert_int_equal(merkle_builder_finish(s->builder, &reader, 101, &tree), -EIO);
	assert_null(tree);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_empty),    TEST(test_sequential), TEST(test_patched_block), TEST(test_tail_is_overwritten),
		TEST(test_truncate), TEST(test_any_order),  TEST(test_too_large),     TEST(test_unreadable),
	};
	return cmocka_run_group_tests_name("merkle_builder", tests, NULL, NULL);
}
