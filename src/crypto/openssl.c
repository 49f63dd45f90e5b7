/*
 * OpenSSL as such: algorithms, fetched once, the error queue, and whether memory ran out.
 *
 * The fetched algorithms are the module's only global state: written once and constant from then on. Fetching takes a
 * lock and several lookups, more than hashing a block does.
 *
 * Where memory runs out, OpenSSL often says something else, or nothing: a certificate then has "broken extensions", a
 * message is not DER. That would be taken for evidence, so its allocations are ours, and each thread knows of those
 * that failed until it asks.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "internal.h"

static struct {
	_Atomic(EVP_MD *) sha256;
	_Atomic(EVP_MD *) sha384;
} fetched;

static _Thread_local bool ran_out;

/* As CRYPTO_malloc and CRYPTO_realloc: nothing is asked for where nothing is wanted. */
static void *allocate(size_t size, const char *file UNUSED, int line UNUSED)
{
	void *at = size > 0 ? malloc(size) : NULL;
	ran_out = ran_out || (size > 0 && !at);
	return at;
}

static void *reallocate(void *old, size_t size, const char *file UNUSED, int line UNUSED)
{
	if (size == 0) {
		free(old);
		return NULL;
	}
	void *at = realloc(old, size);
	ran_out = ran_out || !at;
	return at;
}

/* Before OpenSSL has allocated anything: later it refuses, and its own error codes have to do. */
__attribute__((constructor)) static void take_over_memory(void)
{
	(void)CRYPTO_set_mem_functions(allocate, reallocate, NULL);
}

/* Tried again when it failed: that may have been for want of memory. */
static const EVP_MD *fetch(_Atomic(EVP_MD *) *md, const char *name)
{
	EVP_MD *known = atomic_load(md);
	if (known)
		return known;
	EVP_MD *mine = EVP_MD_fetch(NULL, name, NULL);
	if (!mine)
		return NULL;
	if (atomic_compare_exchange_strong(md, &known, mine))
		return mine;
	EVP_MD_free(mine);
	return known;
}

const EVP_MD *crypto_md_sha256(void)
{
	return fetch(&fetched.sha256, "SHA256");
}

const EVP_MD *crypto_md_sha384(void)
{
	return fetch(&fetched.sha384, "SHA384");
}

bool crypto_openssl_drain(void)
{
	bool out_of_memory = ran_out;
	unsigned long code;
	ran_out = false;
	while ((code = ERR_get_error()) != 0)
		if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
			out_of_memory = true;
	return out_of_memory;
}

void crypto_openssl_clear_errors(void)
{
	ERR_clear_error();
}

int crypto_bio_append(BIO *bio, struct buf *ret)
{
	char *bytes = NULL;
	long len = BIO_get_mem_data(bio, &bytes);
	return len < 0 ? -EIO : buf_append(ret, bytes, (size_t)len);
}

int crypto_openssl_failure(void)
{
	return crypto_openssl_drain() ? -ENOMEM : -EIO;
}

int crypto_refuse(struct explain *why, int code, const char *format, ...)
{
	if (crypto_openssl_drain())
		return -ENOMEM;

	char text[EXPLAIN_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	explain_set(why, "%s", text);
	return code;
}
