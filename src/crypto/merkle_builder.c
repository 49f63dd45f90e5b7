/*
 * The tree of a file that is still being written, in pieces of any size and order.
 *
 * A block written whole is hashed from the writer's bytes. Most tools write from front to back in pieces that do not
 * end on blocks (10 KiB, 16 KiB), so the start of one unfinished block, the tail, is kept and completed by the write
 * that continues it. Whatever else is touched in part is forgotten and read back at the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "merkle_builder.h"

#define FIRST_CAPACITY 64

int merkle_builder_new(struct merkle_builder **ret)
{
	struct merkle_builder *b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	lock_init(&b->lock);
	ASSERT(pthread_cond_init(&b->helper_is_done, NULL) == 0);
	int r = merkle_hasher_new(&b->hasher);
	if (r < 0) {
		merkle_builder_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void merkle_builder_free(struct merkle_builder *builder)
{
	if (!builder)
		return;
	ASSERT(builder->run_from == builder->run_to);
	ASSERT(pthread_cond_destroy(&builder->helper_is_done) == 0);
	lock_done(&builder->lock);
	EVP_MD_CTX_free(builder->hasher);
	free(builder->leaves);
	free(builder->sums);
	free(builder->state);
	free(builder);
}

void merkle_builder_set_sum(struct merkle_builder *builder, uint32_t (*sum)(uint32_t, const void *, size_t))
{
	ASSERT(builder->count == 0);
	builder->sum = sum;
}

int merkle_builder_hash(const struct merkle_builder *b, EVP_MD_CTX *hasher, const void *bytes, size_t len,
			uint8_t ret_hash[CRYPTO_SHA256_BYTES], uint32_t *ret_sum)
{
	int r = merkle_hash_block(hasher, bytes, len, ret_hash);
	if (r < 0)
		return r;
	*ret_sum = b->sum ? b->sum(0, bytes, len) : 0;
	return 0;
}

static int reserve_locked(struct merkle_builder *b, size_t count)
{
	if (count <= b->capacity)
		return 0;
	size_t capacity = b->capacity ? b->capacity : FIRST_CAPACITY;
	while (capacity < count) /* count is bounded by MERKLE_SIZE_MAX_BYTES */
		capacity *= 2;

	void *leaves = realloc(b->leaves, capacity * sizeof(*b->leaves));
	if (!leaves)
		return -ENOMEM;
	b->leaves = leaves;
	uint32_t *sums = realloc(b->sums, capacity * sizeof(*sums));
	if (!sums)
		return -ENOMEM;
	b->sums = sums;
	uint8_t *state = realloc(b->state, capacity * sizeof(*state));
	if (!state)
		return -ENOMEM;
	b->state = state;
	b->capacity = capacity;
	return 0;
}

static int grow_locked(struct merkle_builder *b, size_t count)
{
	if (count <= b->count)
		return 0;
	int r = reserve_locked(b, count);
	if (r < 0)
		return r;
	memset(b->state + b->count, MERKLE_UNKNOWN, (count - b->count) * sizeof(*b->state));
	b->unknown += count - b->count;
	if (b->count < b->first_unknown)
		b->first_unknown = b->count;
	b->count = count;
	return 0;
}

void merkle_builder_set_locked(struct merkle_builder *b, size_t block, enum merkle_state state)
{
	if (b->state[block] == MERKLE_UNKNOWN)
		b->unknown--;
	b->state[block] = (uint8_t)state;
	if (state == MERKLE_UNKNOWN) {
		b->unknown++;
		if (block < b->first_unknown)
			b->first_unknown = block;
	}
}

/* The owner has touched the block. */
static void touch_locked(struct merkle_builder *b, size_t block, enum merkle_state state)
{
	merkle_builder_set_locked(b, block, state);
	if (b->run_from <= block && block < b->run_to)
		b->run_is_stale = true;
}

static void touch(struct merkle_builder *b, size_t block, enum merkle_state state)
{
	lock_take(&b->lock);
	touch_locked(b, block, state);
	lock_drop(&b->lock);
}

static int begin_write_locked(struct merkle_builder *b, size_t len, uint64_t offset, uint64_t *ret_end)
{
	uint64_t end;
	if (!base_add_u64(offset, len, &end) || end > MERKLE_SIZE_MAX_BYTES)
		return -EFBIG;
	int r = len > 0 ? grow_locked(b, merkle_leaf_count(end)) : 0;
	if (r < 0)
		return r;
	if (len > 0 && end > b->end_bytes)
		b->end_bytes = end;
	*ret_end = end;
	return 0;
}

static int write_whole_block(struct merkle_builder *b, size_t block, const uint8_t *bytes)
{
	if (b->tail_block == block)
		b->tail_len = 0;
	touch(b, block, MERKLE_OWNED);
	int r = merkle_builder_hash(b, b->hasher, bytes, MERKLE_BLOCK_BYTES, b->leaves[block], &b->sums[block]);
	touch(b, block, r == 0 ? MERKLE_KNOWN : MERKLE_UNKNOWN);
	return r;
}

/* Bytes that are not all of a block. They go into the tail where they continue, overwrite or begin one. */
static int write_partial_block(struct merkle_builder *b, size_t block, const uint8_t *bytes, size_t len, size_t at)
{
	touch(b, block, MERKLE_UNKNOWN);
	if (at == 0 && b->tail_block != block)
		b->tail_len = 0;
	if (at == 0)
		b->tail_block = block;
	if (b->tail_block != block || at > b->tail_len)
		return 0;

	memcpy(b->tail + at, bytes, len);
	if (at + len > b->tail_len)
		b->tail_len = at + len;
	if (b->tail_len < MERKLE_BLOCK_BYTES)
		return 0;
	return write_whole_block(b, block, b->tail);
}

int merkle_builder_write(struct merkle_builder *builder, const void *bytes, size_t len, uint64_t offset)
{
	uint64_t end = offset;
	lock_take(&builder->lock);
	int r = begin_write_locked(builder, len, offset, &end);
	lock_drop(&builder->lock);

	const uint8_t *from = bytes;
	while (r == 0 && offset < end) {
		size_t block = (size_t)(offset / MERKLE_BLOCK_BYTES);
		size_t at = (size_t)(offset % MERKLE_BLOCK_BYTES);
		size_t piece = MERKLE_BLOCK_BYTES - at;
		if (piece > end - offset)
			piece = (size_t)(end - offset);
		if (piece == MERKLE_BLOCK_BYTES)
			r = write_whole_block(builder, block, from);
		else
			r = write_partial_block(builder, block, from, piece, at);
		from += piece;
		offset += piece;
	}
	return r;
}

int merkle_builder_defer(struct merkle_builder *builder, size_t len, uint64_t offset)
{
	uint64_t end;
	if (len == 0)
		return 0;
	lock_take(&builder->lock);
	int r = begin_write_locked(builder, len, offset, &end);
	for (size_t block = (size_t)(offset / MERKLE_BLOCK_BYTES); r == 0 && block * MERKLE_BLOCK_BYTES < end;
	     block++) {
		touch_locked(builder, block, MERKLE_UNKNOWN);
		if (builder->tail_block == block)
			builder->tail_len = 0;
	}
	lock_drop(&builder->lock);
	return r;
}

size_t merkle_builder_backlog(struct merkle_builder *builder)
{
	lock_take(&builder->lock);
	size_t backlog = builder->unknown;
	lock_drop(&builder->lock);
	return backlog;
}

static void cut_locked(struct merkle_builder *b, uint64_t size_bytes)
{
	size_t whole = (size_t)(size_bytes / MERKLE_BLOCK_BYTES);
	for (size_t block = whole; block < b->count; block++) /* the block that is cut, and all behind it */
		touch_locked(b, block, MERKLE_KNOWN);
	if (whole < b->count)
		b->count = whole;
	b->end_bytes = size_bytes;
}

int merkle_builder_truncate(struct merkle_builder *builder, uint64_t size_bytes)
{
	if (size_bytes > MERKLE_SIZE_MAX_BYTES)
		return -EFBIG;

	size_t whole = (size_t)(size_bytes / MERKLE_BLOCK_BYTES);
	size_t rest = (size_t)(size_bytes % MERKLE_BLOCK_BYTES);
	lock_take(&builder->lock);
	cut_locked(builder, size_bytes);
	lock_drop(&builder->lock);
	if (builder->tail_block > whole)
		builder->tail_len = 0;
	else if (builder->tail_block == whole && builder->tail_len > rest)
		builder->tail_len = rest;
	return 0;
}

static void keep_helper_out(struct merkle_builder *b)
{
	lock_take(&b->lock);
	b->helper_is_out = true;
	while (b->run_from < b->run_to)
		ASSERT(pthread_cond_wait(&b->helper_is_done, &b->lock) == 0);
	lock_drop(&b->lock);
}

static void let_helper_in(struct merkle_builder *b)
{
	lock_take(&b->lock);
	b->helper_is_out = false;
	lock_drop(&b->lock);
}

/* ---- the end; the helper is out, so the owner needs no lock ---- */

/* Hash and sum of the file's block: from the builder, or from the tail, or from the file. */
static int finish_block(struct merkle_builder *b, const struct io_reader *reader, size_t block, size_t len,
			uint8_t ret_hash[CRYPTO_SHA256_BYTES], uint32_t *ret_sum)
{
	bool whole = len == MERKLE_BLOCK_BYTES;
	if (whole && b->state[block] == MERKLE_KNOWN) {
		memcpy(ret_hash, b->leaves[block], CRYPTO_SHA256_BYTES);
		*ret_sum = b->sums[block];
		return 0;
	}
	if (b->tail_block == block && b->tail_len >= len)
		return merkle_builder_hash(b, b->hasher, b->tail, len, ret_hash, ret_sum);

	uint8_t bytes[MERKLE_BLOCK_BYTES];
	int r = io_reader_pread(reader, bytes, len, (uint64_t)block * MERKLE_BLOCK_BYTES);
	if (r < 0)
		return r;
	r = merkle_builder_hash(b, b->hasher, bytes, len, ret_hash, ret_sum);
	if (r == 0 && whole) {
		memcpy(b->leaves[block], ret_hash, CRYPTO_SHA256_BYTES);
		b->sums[block] = *ret_sum;
		merkle_builder_set_locked(b, block, MERKLE_KNOWN);
	}
	return r;
}

static int finish_blocks(struct merkle_builder *b, const struct io_reader *reader, struct merkle_tree *tree)
{
	for (size_t block = 0; block < tree->leaf_count; block++) {
		uint64_t left = tree->size_bytes - (uint64_t)block * MERKLE_BLOCK_BYTES;
		size_t len = left < MERKLE_BLOCK_BYTES ? (size_t)left : MERKLE_BLOCK_BYTES;
		uint32_t sum;
		int r = finish_block(b, reader, block, len, tree->leaves[block], &sum);
		if (r < 0)
			return r;
		if (tree->sums)
			tree->sums[block] = sum;
	}
	return 0;
}

int merkle_builder_finish(struct merkle_builder *builder, const struct io_reader *reader, uint64_t length,
			  struct merkle_tree **ret)
{
	struct merkle_tree *tree = NULL;
	int r = merkle_tree_new(length, &tree);
	if (r < 0)
		return r;
	if (builder->sum) {
		tree->sums = calloc(tree->leaf_count + 1, sizeof(*tree->sums));
		r = tree->sums ? 0 : -ENOMEM;
		if (r < 0)
			goto out;
	}
	keep_helper_out(builder);
	r = grow_locked(builder, tree->leaf_count);
	if (r == 0)
		r = finish_blocks(builder, reader, tree);
	let_helper_in(builder);
	if (r < 0)
		goto out;
	r = merkle_tree_seal(tree, builder->hasher);
	if (r < 0)
		goto out;
	*ret = tree;
	tree = NULL;
out:
	merkle_tree_free(tree);
	return r;
}
