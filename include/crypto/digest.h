/*
 * digest.h - SHA-256 and SHA-384 by OpenSSL. Every function returns 0 or a negative errno (-ENOMEM, -EIO: OpenSSL
 * failed).
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/base.h"
#include "base/io.h"

#define CRYPTO_SHA256_BYTES    32
#define CRYPTO_SHA384_BYTES    48
#define CRYPTO_SHA256_HEX_SIZE (2 * CRYPTO_SHA256_BYTES + 1)
#define CRYPTO_SHA384_HEX_SIZE (2 * CRYPTO_SHA384_BYTES + 1)

int crypto_sha256(const void *bytes, size_t len, uint8_t ret[CRYPTO_SHA256_BYTES]);
int crypto_sha384(const void *bytes, size_t len, uint8_t ret[CRYPTO_SHA384_BYTES]);

/* Of the reader's bytes [0, length). */
int crypto_sha256_reader(const struct io_reader *reader, uint64_t length, uint8_t ret[CRYPTO_SHA256_BYTES]);
int crypto_sha384_reader(const struct io_reader *reader, uint64_t length, uint8_t ret[CRYPTO_SHA384_BYTES]);

#endif
