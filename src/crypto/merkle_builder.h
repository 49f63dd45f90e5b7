/*
 * merkle_builder.h - a tree that grows, seen from inside.
 *
 * Two threads may be at work: the owner, who writes, and one helper, who hashes blocks that the owner has put off. The
 * helper takes a run of unknown blocks, reads and hashes it without the lock, and throws the result away when the owner
 * has touched one of them meanwhile (the bytes are in the file before the owner says so). merkle_builder_finish keeps
 * the helper out.
 *
 * Invariants: where state[i] is MERKLE_KNOWN, leaves[i] and sums[i] are those of block i as last written, all 4,096
 * bytes of it; tail holds the first tail_len bytes of block tail_block as last written; unknown counts the blocks that
 * are MERKLE_UNKNOWN, and none of them is below first_unknown.
 */
#ifndef CRYPTO_MERKLE_BUILDER_H
#define CRYPTO_MERKLE_BUILDER_H

#include "base/lock.h"
#include "internal.h"

enum merkle_state {
	MERKLE_UNKNOWN,
	MERKLE_OWNED, /* the owner is hashing it */
	MERKLE_KNOWN,
};

struct merkle_builder {
	pthread_mutex_t lock; /* of all but what is the owner's */
	pthread_cond_t helper_is_done;
	uint32_t (*sum)(uint32_t, const void *, size_t); /* NULL: none; does not change */
	uint8_t (*leaves)[CRYPTO_SHA256_BYTES];
	uint32_t *sums; /* beside them */
	uint8_t *state;
	size_t count; /* blocks with an entry in leaves and state */
	size_t capacity;
	size_t unknown, first_unknown;
	uint64_t end_bytes; /* up to here the file has been written */

	bool helper_is_out;
	size_t run_from, run_to; /* the helper's run; empty: none */
	bool run_is_stale;

	/* the owner's */
	EVP_MD_CTX *hasher;
	size_t tail_block;
	size_t tail_len; /* 0: no tail */
	uint8_t tail[MERKLE_BLOCK_BYTES];
};

/* Hash and sum of a block. */
int merkle_builder_hash(const struct merkle_builder *builder, EVP_MD_CTX *hasher, const void *bytes, size_t len,
			uint8_t ret_hash[CRYPTO_SHA256_BYTES], uint32_t *ret_sum);
void merkle_builder_set_locked(struct merkle_builder *builder, size_t block, enum merkle_state state);

#endif
