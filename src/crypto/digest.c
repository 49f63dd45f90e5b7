/* SHA-256 and SHA-384 of bytes and of readers. */
#include "crypto/digest.h"

#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define READ_BYTES ((size_t)128 * 1024)

static int digest(const EVP_MD *md, const void *bytes, size_t len, uint8_t *ret)
{
	if (md && EVP_Digest(bytes, len, ret, NULL, md, NULL) == 1)
		return 0;
	return crypto_openssl_failure();
}

int crypto_sha256(const void *bytes, size_t len, uint8_t ret[CRYPTO_SHA256_BYTES])
{
	return digest(crypto_md_sha256(), bytes, len, ret);
}

int crypto_sha384(const void *bytes, size_t len, uint8_t ret[CRYPTO_SHA384_BYTES])
{
	return digest(crypto_md_sha384(), bytes, len, ret);
}

static int update_from_reader(EVP_MD_CTX *ctx, const struct io_reader *reader, uint64_t length)
{
	int r = 0;
	uint8_t *piece = malloc(READ_BYTES);
	if (!piece)
		return -ENOMEM;

	for (uint64_t at = 0; at < length && r == 0;) {
		size_t len = length - at < READ_BYTES ? (size_t)(length - at) : READ_BYTES;
		r = io_reader_pread(reader, piece, len, at);
		if (r == 0 && EVP_DigestUpdate(ctx, piece, len) != 1)
			r = crypto_openssl_failure();
		at += len;
	}
	free(piece);
	return r;
}

static int digest_reader(const EVP_MD *md, const struct io_reader *reader, uint64_t length, uint8_t *ret)
{
	int r;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx || !md || EVP_DigestInit_ex(ctx, md, NULL) != 1) {
		r = crypto_openssl_failure();
		goto out;
	}
	r = update_from_reader(ctx, reader, length);
	if (r < 0)
		goto out;
	if (EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		r = crypto_openssl_failure();
out:
	EVP_MD_CTX_free(ctx);
	return r;
}

int crypto_sha256_reader(const struct io_reader *reader, uint64_t length, uint8_t ret[CRYPTO_SHA256_BYTES])
{
	return digest_reader(crypto_md_sha256(), reader, length, ret);
}

int crypto_sha384_reader(const struct io_reader *reader, uint64_t length, uint8_t ret[CRYPTO_SHA384_BYTES])
{
	return digest_reader(crypto_md_sha384(), reader, length, ret);
}
