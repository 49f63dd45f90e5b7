/*
 * internal.h - what the sources of this module share: the structs over OpenSSL's types, and how its failures come out.
 *
 * OpenSSL reports through a queue of errors of the thread. Whoever sees a call fail drains it on the spot (through one
 * of the functions below), so that no old error is ever taken for a new one.
 */
#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include <stdatomic.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/base.h"
#include "base/buf.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/merkle.h"

/* Fetched once in the life of the process, never freed. NULL: this OpenSSL has no such algorithm, or no memory. */
const EVP_MD *crypto_md_sha256(void);
const EVP_MD *crypto_md_sha384(void);

/* Empties the queue. -ENOMEM when an allocation of OpenSSL's failed in this thread since it was last emptied, else
 * -EIO. */
int crypto_openssl_failure(void);
/* Empties the queue; for failures that are about the input. True when an allocation failed, as above. */
bool crypto_openssl_drain(void);
/* Empties the queue alone, in helpers that answer yes or no: that an allocation failed is for their callers to find. */
void crypto_openssl_clear_errors(void);

/* Empties the queue, says why, and returns code, or -ENOMEM when an allocation failed, as above. */
int crypto_refuse(struct explain *why, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* A key in memory, or one in a token: then pkey only leads there, and what it needs lives as long as it does. */
struct crypto_key {
	EVP_PKEY *pkey;
	EVP_PKEY *public_half;	   /* in memory, always: what a certificate is made of, and may outlive the key */
	char *reference;	   /* NULL: in memory; holds the PIN where that is written in it */
	void *engine;		   /* key_engine.c */
	struct key_module *module; /* key_provider.c */
};

/*
 * Held by whoever uses key->pkey, one thread at a time for all tokens of the process: neither OpenSSL's ways to them
 * nor many of their modules stand threads. Nothing for keys in memory.
 */
void crypto_key_lock(const struct crypto_key *key);
void crypto_key_unlock(const struct crypto_key *key);

/* Takes over pkey, on failure too: it must be ECDSA on P-384. what: "the private key". -EINVAL with why. */
int crypto_key_take(EVP_PKEY *pkey, const char *what, struct crypto_key **ret, struct explain *ret_why);

/* NULL: it has none that can be had; OpenSSL's queue says why. */
EVP_PKEY *crypto_pkey_public_half(const EVP_PKEY *pkey);
bool crypto_pkey_is_p384(const EVP_PKEY *pkey);
/* ECDSA on P-256, P-384 or P-521, or RSA of 3072 bits and more. */
bool crypto_pkey_is_strong(const EVP_PKEY *pkey);

/* Times that cannot be read make a certificate that was never valid. */
struct crypto_cert {
	X509 *x509;
	int64_t not_before_s;
	int64_t not_after_s;
};

struct proven;

/* A CA, the store that trusts it and nothing else, and the chains that were found to end in it. */
struct crypto_ca {
	struct crypto_cert *cert;
	X509_STORE *store;
	struct proven *proven;
};

#define TRUST_CAS_MAX 32

struct crypto_trust {
	atomic_uint refs;
	size_t count;
	struct crypto_ca cas[TRUST_CAS_MAX];
};

/* Takes a reference of its own on x509. */
int crypto_cert_wrap(X509 *x509, struct crypto_cert **ret);

/*
 * Reads the next PEM certificate of a text that holds nothing but certificates and blanks, and moves the cursor behind
 * it. 0; -ENODATA at the end; -EINVAL, with why, for anything else.
 */
int crypto_cert_next_pem(const char **cursor, const char *end, struct crypto_cert **ret, struct explain *ret_why);

/* The subject equals the issuer. */
bool crypto_cert_is_self_issued(const struct crypto_cert *cert);

/* What every certificate of a chain must be: strong, and valid at at_s. -EKEYREJECTED with why. */
int crypto_chain_check_any(const struct crypto_cert *cert, const char *what, int64_t at_s, struct explain *ret_why);

/* A memory BIO to write to, and its bytes appended to a buffer. */
int crypto_bio_append(BIO *bio, struct buf *ret);

/* A context for merkle_hash_block, used by one thread at a time. */
int merkle_hasher_new(EVP_MD_CTX **ret);
/* The hash of a block of which len bytes (at most MERKLE_BLOCK_BYTES) are given and the rest is zeros. */
int merkle_hash_block(EVP_MD_CTX *hasher, const void *bytes, size_t len, uint8_t ret[CRYPTO_SHA256_BYTES]);

size_t merkle_leaf_count(uint64_t size_bytes);
/* A tree with room for its leaves; the caller fills them in, then seals it: computes the digest. */
int merkle_tree_new(uint64_t size_bytes, struct merkle_tree **ret);
int merkle_tree_seal(struct merkle_tree *tree, EVP_MD_CTX *hasher);

#endif
