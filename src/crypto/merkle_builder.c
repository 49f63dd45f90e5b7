/*
 * The tree of a file that is still being written, in pieces of any size and order.
 *
 * A block written whole is hashed from the writer's bytes. Most tools write from front to back in pieces that do not
 * end on blocks (10 KiB, 16 KiB), so the start of one unfinished block, the tail, is kept and completed by the write
 * that continues it. Whatever else is touched in part is forgotten and read back at the end.
 *
 * Invariants: where known[i] is set, leaves[i] is the hash of block i as last written, all 4,096 bytes of it; tail
 * holds the first tail_len bytes of block tail_block as last written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define FIRST_CAPACITY 64

struct merkle_builder {
	EVP_MD_CTX *hasher;
	uint8_t (*leaves)[CRYPTO_SHA256_BYTES];
	bool *known;
	size_t count; /* blocks with an entry in leaves and known */
	size_t capacity;
	size_t tail_block;
	size_t tail_len; /* 0: no tail */
	uint8_t tail[MERKLE_BLOCK_BYTES];
};

int merkle_builder_new(struct merkle_builder **ret)
{
	struct merkle_builder *b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
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
	EVP_MD_CTX_free(builder->hasher);
	free(builder->leaves);
	free(builder->known);
	free(builder);
}

static int reserve(struct merkle_builder *b, size_t count)
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
	bool *known = realloc(b->known, capacity * sizeof(*known));
	if (!known)
		return -ENOMEM;
	b->known = known;
	b->capacity = capacity;
	return 0;
}

static int grow(struct merkle_builder *b, size_t count)
{
	if (count <= b->count)
		return 0;
	int r = reserve(b, count);
	if (r < 0)
		return r;
	memset(b->known + b->count, 0, (count - b->count) * sizeof(*b->known));
	b->count = count;
	return 0;
}

static int write_whole_block(struct merkle_builder *b, size_t block, const uint8_t *bytes)
{
	if (b->tail_block == block)
		b->tail_len = 0;
	b->known[block] = false;
	int r = merkle_hash_block(b->hasher, bytes, MERKLE_BLOCK_BYTES, b->leaves[block]);
	b->known[block] = r == 0;
	return r;
}

/* Bytes that are not all of a block. They go into the tail where they continue, overwrite or begin one. */
static int write_partial_block(struct merkle_builder *b, size_t block, const uint8_t *bytes, size_t len, size_t at)
{
	b->known[block] = false;
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
	uint64_t end;
	if (!base_add_u64(offset, len, &end) || end > MERKLE_SIZE_MAX_BYTES)
		return -EFBIG;
	int r = len > 0 ? grow(builder, merkle_leaf_count(end)) : 0;

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

int merkle_builder_truncate(struct merkle_builder *builder, uint64_t size_bytes)
{
	if (size_bytes > MERKLE_SIZE_MAX_BYTES)
		return -EFBIG;

	size_t whole = (size_t)(size_bytes / MERKLE_BLOCK_BYTES);
	size_t rest = (size_t)(size_bytes % MERKLE_BLOCK_BYTES);
	if (whole < builder->count) /* the block that is cut, and all behind it */
		builder->count = whole;
	if (builder->tail_block > whole)
		builder->tail_len = 0;
	else if (builder->tail_block == whole && builder->tail_len > rest)
		builder->tail_len = rest;
	return 0;
}

/* The hash of the file's block: from the builder, or from the tail, or from the file. */
static int finish_block(struct merkle_builder *b, const struct io_reader *reader, size_t block, size_t len,
			uint8_t ret[CRYPTO_SHA256_BYTES])
{
	bool whole = len == MERKLE_BLOCK_BYTES;
	if (whole && b->known[block]) {
		memcpy(ret, b->leaves[block], CRYPTO_SHA256_BYTES);
		return 0;
	}
	if (b->tail_block == block && b->tail_len >= len)
		return merkle_hash_block(b->hasher, b->tail, len, ret);

	uint8_t bytes[MERKLE_BLOCK_BYTES];
	int r = io_reader_pread(reader, bytes, len, (uint64_t)block * MERKLE_BLOCK_BYTES);
	if (r < 0)
		return r;
	r = merkle_hash_block(b->hasher, bytes, len, ret);
	if (r == 0 && whole) {
		memcpy(b->leaves[block], ret, CRYPTO_SHA256_BYTES);
		b->known[block] = true;
	}
	return r;
}

int merkle_builder_finish(struct merkle_builder *builder, const struct io_reader *reader, uint64_t length,
			  struct merkle_tree **ret)
{
	struct merkle_tree *tree = NULL;
	int r = merkle_tree_new(length, &tree);
	if (r < 0)
		return r;
	r = grow(builder, tree->leaf_count);
	for (size_t block = 0; r == 0 && block < tree->leaf_count; block++) {
		uint64_t left = length - (uint64_t)block * MERKLE_BLOCK_BYTES;
		r = finish_block(builder, reader, block, left < MERKLE_BLOCK_BYTES ? (size_t)left : MERKLE_BLOCK_BYTES,
				 tree->leaves[block]);
	}
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
