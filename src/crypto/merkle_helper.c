/* The helper of a tree that grows: hashes what the owner has put off, from the file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "merkle_builder.h"

#define RUN_BLOCKS ((size_t)16) /* what the helper takes at once */

/* Whole blocks only: the last one may still be written. */
static bool take_run_locked(struct merkle_builder *b)
{
	size_t whole = (size_t)(b->end_bytes / MERKLE_BLOCK_BYTES);
	size_t end = whole < b->count ? whole : b->count;
	ASSERT(b->run_from == b->run_to);
	if (b->helper_is_out || b->unknown == 0)
		return false;
	size_t from = b->first_unknown;
	while (from < end && b->state[from] != MERKLE_UNKNOWN)
		from++;
	b->first_unknown = from;
	size_t to = from;
	while (to < end && to - from < RUN_BLOCKS && b->state[to] == MERKLE_UNKNOWN)
		to++;
	b->run_from = from;
	b->run_to = to;
	b->run_is_stale = false;
	return from < to;
}

struct run {
	uint8_t leaves[RUN_BLOCKS][CRYPTO_SHA256_BYTES];
	uint32_t sums[RUN_BLOCKS];
};

static int hash_run(const struct merkle_builder *b, const struct io_reader *reader, size_t from, size_t count,
		    struct run *ret)
{
	EVP_MD_CTX *hasher = NULL;
	uint8_t *bytes = malloc(RUN_BLOCKS * MERKLE_BLOCK_BYTES);
	int r = bytes ? merkle_hasher_new(&hasher) : -ENOMEM;
	if (r == 0)
		r = io_reader_pread(reader, bytes, count * MERKLE_BLOCK_BYTES, (uint64_t)from * MERKLE_BLOCK_BYTES);
	for (size_t i = 0; i < count && r == 0; i++)
		r = merkle_builder_hash(b, hasher, bytes + i * MERKLE_BLOCK_BYTES, MERKLE_BLOCK_BYTES, ret->leaves[i],
					&ret->sums[i]);
	EVP_MD_CTX_free(hasher);
	free(bytes);
	return r;
}

static void give_run_back_locked(struct merkle_builder *b, bool hashed, const struct run *run)
{
	for (size_t block = b->run_from; hashed && block < b->run_to; block++) {
		memcpy(b->leaves[block], run->leaves[block - b->run_from], CRYPTO_SHA256_BYTES);
		b->sums[block] = run->sums[block - b->run_from];
		merkle_builder_set_locked(b, block, MERKLE_KNOWN);
	}
	b->run_from = b->run_to = 0;
	ASSERT(pthread_cond_broadcast(&b->helper_is_done) == 0);
}

int merkle_builder_help(struct merkle_builder *builder, const struct io_reader *reader)
{
	struct run run = {0};
	lock_take(&builder->lock);
	bool taken = take_run_locked(builder);
	size_t from = builder->run_from, count = builder->run_to - builder->run_from;
	lock_drop(&builder->lock);
	if (!taken)
		return 0;

	int r = hash_run(builder, reader, from, count, &run);
	lock_take(&builder->lock);
	bool stale = builder->run_is_stale;
	give_run_back_locked(builder, r == 0 && !stale, &run);
	lock_drop(&builder->lock);
	return r < 0 && !stale ? r : 1;
}
