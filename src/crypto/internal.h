/*
 * internal.h - what the sources of this module share: the structs over OpenSSL's types, and how its failures come out.
 *
 * OpenSSL reports through a queue of errors of the thread. Whoever sees a call fail drains it on the spot (through one
 * of the functions below), so that no old error is ever taken for a new one.
 */
#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include <openssl/evp.h>

#include "base/base.h"
#include "crypto/digest.h"
#include "crypto/merkle.h"

/* Fetched once in the life of the process, never freed. NULL: this OpenSSL has no such algorithm. */
const EVP_MD *crypto_md_sha256(void);
const EVP_MD *crypto_md_sha384(void);

/* Empties the queue. -ENOMEM when it holds a failed allocation, else -EIO. */
int crypto_openssl_failure(void);
/* Empties the queue; for failures that are about the input. True when it held a failed allocation. */
bool crypto_openssl_drain(void);

/* A context for merkle_hash_block, used by one thread at a time. */
int merkle_hasher_new(EVP_MD_CTX **ret);
/* The hash of a block of which len bytes (at most MERKLE_BLOCK_BYTES) are given and the rest is zeros. */
int merkle_hash_block(EVP_MD_CTX *hasher, const void *bytes, size_t len, uint8_t ret[CRYPTO_SHA256_BYTES]);

size_t merkle_leaf_count(uint64_t size_bytes);
/* A tree with room for its leaves; the caller fills them in, then seals it: computes the digest. */
int merkle_tree_new(uint64_t size_bytes, struct merkle_tree **ret);
int merkle_tree_seal(struct merkle_tree *tree, EVP_MD_CTX *hasher);

#endif
