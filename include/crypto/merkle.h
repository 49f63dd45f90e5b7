/*
 * merkle.h - the fs-verity tree of a file: SHA-256, blocks of 4,096 bytes, no salt.
 *
 * Format (source: Linux Documentation/filesystems/fsverity.rst): leaf = SHA-256 of a data block, the last one padded
 * with zeros; 128 hashes fill a block of the next level, padded with zeros, until one block is left; its hash is the
 * root hash (of an empty file: zeros). Digest = SHA-256 of the 256-byte descriptor {version 1, algorithm 1, log2 block
 * size 12, salt size 0, u32 0, u64 LE data size, root hash in 64 bytes, salt 32 bytes, 144 reserved}. `fsverity digest`
 * prints the same.
 *
 * merkle_builder grows while bytes arrive in any order; merkle_tree is the finished, immutable thing.
 */
#ifndef CRYPTO_MERKLE_H
#define CRYPTO_MERKLE_H

#include "base/base.h"
#include "base/io.h"
#include "crypto/digest.h"

#define MERKLE_BLOCK_BYTES    4096
#define MERKLE_SIZE_MAX_BYTES (1ULL << 33) /* more than a ZIP without ZIP64 can have */

struct merkle_builder;
struct merkle_tree {
	uint64_t size_bytes;
	size_t leaf_count;
	uint8_t (*leaves)[CRYPTO_SHA256_BYTES];
	uint32_t *sums; /* of each block, as a merkle_builder was told to make them; or NULL. No part of the digest */
	uint8_t digest[CRYPTO_SHA256_BYTES];
};

int merkle_builder_new(struct merkle_builder **ret);
void merkle_builder_free(struct merkle_builder *builder);
/*
 * From now on each block that is hashed has a sum, too, made while its bytes are at hand: sum(0, bytes, len). Before
 * the first write. NULL: none.
 */
void merkle_builder_set_sum(struct merkle_builder *builder, uint32_t (*sum)(uint32_t, const void *, size_t));

/*
 * Tells the builder that bytes were written at offset. Blocks that lie whole in the bytes are hashed now; those touched
 * in part are marked and hashed from the file by merkle_builder_finish. One caller at a time. 0 or -ENOMEM, -EIO,
 * -EFBIG.
 */
int merkle_builder_write(struct merkle_builder *builder, const void *bytes, size_t len, uint64_t offset);
/*
 * The same without the bytes, for hashing later: by merkle_builder_help, or by merkle_builder_finish. The bytes must be
 * in the file before.
 */
int merkle_builder_defer(struct merkle_builder *builder, size_t len, uint64_t offset);
/* How many blocks have no hash yet. */
size_t merkle_builder_backlog(struct merkle_builder *builder);
/*
 * Hashes a few such blocks from the file. May run in one other thread beside all other calls but merkle_builder_free.
 * The reader's size need not be right. 1: call again; 0: nothing to do; negative errno: what could not be hashed is
 * left to merkle_builder_finish.
 */
int merkle_builder_help(struct merkle_builder *builder, const struct io_reader *reader);
/* The file was cut or extended (with zeros) to size. */
int merkle_builder_truncate(struct merkle_builder *builder, uint64_t size_bytes);

/* The tree of [0, length); reads only blocks whose hash is not known (marked, holes, the last one). The builder stays
 * usable. */
int merkle_builder_finish(struct merkle_builder *builder, const struct io_reader *reader, uint64_t length,
			  struct merkle_tree **ret);

/* The tree of a reader's first length bytes, from nothing. -EFBIG above MERKLE_SIZE_MAX_BYTES. */
int merkle_tree_of(const struct io_reader *reader, uint64_t length, struct merkle_tree **ret);

/* A tree from stored leaf hashes (copied); leaf_count must fit size_bytes (-EINVAL). Computes the digest, checks
 * nothing. */
int merkle_tree_from_leaves(const void *leaves, size_t leaf_count, uint64_t size_bytes, struct merkle_tree **ret);
void merkle_tree_free(struct merkle_tree *tree);

/*
 * Checks data blocks: bytes are the file's from offset (a multiple of MERKLE_BLOCK_BYTES) on, len a multiple too unless
 * it reaches the end of the file (else -EINVAL, and beyond it). 0, -EBADMSG when any block differs, or another negative
 * errno; only 0 means verified. Threads may check blocks of one tree at once.
 */
int merkle_tree_check(const struct merkle_tree *tree, const void *bytes, size_t len, uint64_t offset);

#endif
