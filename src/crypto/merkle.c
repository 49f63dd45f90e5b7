/*
 * The finished tree: its digest, and checking blocks against it. Only the leaves are kept; the levels above them are
 * computed once, for the digest, and thrown away.
 *
 * Nothing here changes a sealed tree, so any number of threads may check blocks at once.
 */
#include "crypto/merkle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define HASHES_PER_BLOCK     (MERKLE_BLOCK_BYTES / CRYPTO_SHA256_BYTES)
#define READ_BYTES	     ((size_t)32 * MERKLE_BLOCK_BYTES)
#define DESCRIPTOR_BYTES     256
#define DESCRIPTOR_VERSION   1
#define DESCRIPTOR_SHA256    1
#define DESCRIPTOR_LOG2_4096 12
#define DESCRIPTOR_SIZE_AT   8
#define DESCRIPTOR_ROOT_AT   16

static const uint8_t zeros[MERKLE_BLOCK_BYTES];

int merkle_hasher_new(EVP_MD_CTX **ret)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx || !crypto_md_sha256() || EVP_DigestInit_ex(ctx, crypto_md_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		return crypto_openssl_failure();
	}
	*ret = ctx;
	return 0;
}

int merkle_hash_block(EVP_MD_CTX *hasher, const void *bytes, size_t len, uint8_t ret[CRYPTO_SHA256_BYTES])
{
	ASSERT(len <= MERKLE_BLOCK_BYTES);
	size_t padding = MERKLE_BLOCK_BYTES - len;
	if (EVP_DigestInit_ex(hasher, NULL, NULL) == 1 && EVP_DigestUpdate(hasher, bytes, len) == 1 &&
	    (padding == 0 || EVP_DigestUpdate(hasher, zeros, padding) == 1) &&
	    EVP_DigestFinal_ex(hasher, ret, NULL) == 1)
		return 0;
	return crypto_openssl_failure();
}

size_t merkle_leaf_count(uint64_t size_bytes)
{
	return (size_t)(size_bytes / MERKLE_BLOCK_BYTES + (size_bytes % MERKLE_BLOCK_BYTES != 0));
}

int merkle_tree_new(uint64_t size_bytes, struct merkle_tree **ret)
{
	if (size_bytes > MERKLE_SIZE_MAX_BYTES)
		return -EFBIG;

	struct merkle_tree *tree = calloc(1, sizeof(*tree));
	if (!tree)
		return -ENOMEM;
	tree->size_bytes = size_bytes;
	tree->leaf_count = merkle_leaf_count(size_bytes);
	/* One more than needed: an empty file has an array, too. */
	tree->leaves = calloc(tree->leaf_count + 1, sizeof(*tree->leaves));
	if (!tree->leaves) {
		merkle_tree_free(tree);
		return -ENOMEM;
	}
	*ret = tree;
	return 0;
}

void merkle_tree_free(struct merkle_tree *tree)
{
	if (!tree)
		return;
	free(tree->leaves);
	free(tree->sums);
	free(tree);
}

/* One level up: the hashes of from, 128 to a block. to may be from, as what is written has been read by then. */
static int hash_level(EVP_MD_CTX *hasher, const uint8_t (*from)[CRYPTO_SHA256_BYTES], size_t count,
		      uint8_t (*to)[CRYPTO_SHA256_BYTES])
{
	for (size_t i = 0; i < count; i += HASHES_PER_BLOCK) {
		size_t in_block = count - i < HASHES_PER_BLOCK ? count - i : HASHES_PER_BLOCK;
		int r = merkle_hash_block(hasher, from[i], in_block * CRYPTO_SHA256_BYTES, to[i / HASHES_PER_BLOCK]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compute_root(const struct merkle_tree *tree, EVP_MD_CTX *hasher, uint8_t ret[CRYPTO_SHA256_BYTES])
{
	if (tree->leaf_count <= 1) { /* an empty file's root is zeros, and so is the spare leaf */
		memcpy(ret, tree->leaves[0], CRYPTO_SHA256_BYTES);
		return 0;
	}

	size_t count = tree->leaf_count;
	uint8_t(*level)[CRYPTO_SHA256_BYTES] = calloc(count / HASHES_PER_BLOCK + 1, sizeof(*level));
	if (!level)
		return -ENOMEM;
	int r = hash_level(hasher, (const uint8_t(*)[CRYPTO_SHA256_BYTES])tree->leaves, count, level);
	count = (count + HASHES_PER_BLOCK - 1) / HASHES_PER_BLOCK;
	while (r == 0 && count > 1) {
		r = hash_level(hasher, (const uint8_t(*)[CRYPTO_SHA256_BYTES])level, count, level);
		count = (count + HASHES_PER_BLOCK - 1) / HASHES_PER_BLOCK;
	}
	if (r == 0)
		memcpy(ret, level[0], CRYPTO_SHA256_BYTES);
	free(level);
	return r;
}

int merkle_tree_seal(struct merkle_tree *tree, EVP_MD_CTX *hasher)
{
	uint8_t descriptor[DESCRIPTOR_BYTES] = {DESCRIPTOR_VERSION, DESCRIPTOR_SHA256, DESCRIPTOR_LOG2_4096};
	for (unsigned i = 0; i < 8; i++)
		descriptor[DESCRIPTOR_SIZE_AT + i] = (uint8_t)(tree->size_bytes >> (8 * i));

	int r = compute_root(tree, hasher, descriptor + DESCRIPTOR_ROOT_AT);
	return r < 0 ? r : crypto_sha256(descriptor, sizeof(descriptor), tree->digest);
}

static int hash_reader(struct merkle_tree *tree, EVP_MD_CTX *hasher, const struct io_reader *reader, uint8_t *piece)
{
	for (uint64_t at = 0; at < tree->size_bytes;) {
		uint64_t left = tree->size_bytes - at;
		size_t len = left < READ_BYTES ? (size_t)left : READ_BYTES;
		int r = io_reader_pread(reader, piece, len, at);
		for (size_t i = 0; r == 0 && i < len; i += MERKLE_BLOCK_BYTES)
			r = merkle_hash_block(hasher, piece + i,
					      len - i < MERKLE_BLOCK_BYTES ? len - i : MERKLE_BLOCK_BYTES,
					      tree->leaves[(at + i) / MERKLE_BLOCK_BYTES]);
		if (r < 0)
			return r;
		at += len;
	}
	return 0;
}

int merkle_tree_of(const struct io_reader *reader, uint64_t length, struct merkle_tree **ret)
{
	struct merkle_tree *tree = NULL;
	EVP_MD_CTX *hasher = NULL;
	uint8_t *piece = malloc(READ_BYTES);
	int r = piece ? merkle_tree_new(length, &tree) : -ENOMEM;
	if (r < 0)
		goto out;
	r = merkle_hasher_new(&hasher);
	if (r < 0)
		goto out;
	r = hash_reader(tree, hasher, reader, piece);
	if (r < 0)
		goto out;
	r = merkle_tree_seal(tree, hasher);
	if (r < 0)
		goto out;
	*ret = tree;
	tree = NULL;
out:
	merkle_tree_free(tree);
	EVP_MD_CTX_free(hasher);
	free(piece);
	return r;
}

int merkle_tree_from_leaves(const void *leaves, size_t leaf_count, uint64_t size_bytes, struct merkle_tree **ret)
{
	struct merkle_tree *tree = NULL;
	EVP_MD_CTX *hasher = NULL;
	int r = merkle_tree_new(size_bytes, &tree);
	if (r < 0)
		return r;
	if (leaf_count != tree->leaf_count) {
		r = -EINVAL;
		goto out;
	}
	if (leaf_count > 0)
		memcpy(tree->leaves, leaves, leaf_count * CRYPTO_SHA256_BYTES);
	r = merkle_hasher_new(&hasher);
	if (r < 0)
		goto out;
	r = merkle_tree_seal(tree, hasher);
	if (r < 0)
		goto out;
	*ret = tree;
	tree = NULL;
out:
	merkle_tree_free(tree);
	EVP_MD_CTX_free(hasher);
	return r;
}

static int check_block(const struct merkle_tree *tree, EVP_MD_CTX *hasher, const uint8_t *bytes, size_t len,
		       uint64_t offset)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	int r = merkle_hash_block(hasher, bytes, len, hash);
	if (r < 0)
		return r;
	return memcmp(hash, tree->leaves[offset / MERKLE_BLOCK_BYTES], sizeof(hash)) == 0 ? 0 : -EBADMSG;
}

int merkle_tree_check(const struct merkle_tree *tree, const void *bytes, size_t len, uint64_t offset)
{
	uint64_t end;
	if (offset % MERKLE_BLOCK_BYTES != 0 || !base_add_u64(offset, len, &end) || end > tree->size_bytes)
		return -EINVAL;
	if (len % MERKLE_BLOCK_BYTES != 0 && end != tree->size_bytes)
		return -EINVAL;

	EVP_MD_CTX *hasher = NULL;
	int r = merkle_hasher_new(&hasher);
	for (size_t i = 0; r == 0 && i < len; i += MERKLE_BLOCK_BYTES)
		r = check_block(tree, hasher, (const uint8_t *)bytes + i,
				len - i < MERKLE_BLOCK_BYTES ? len - i : MERKLE_BLOCK_BYTES, offset + i);
	EVP_MD_CTX_free(hasher);
	return r;
}
