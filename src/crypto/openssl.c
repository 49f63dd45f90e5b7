/*
 * OpenSSL as such: algorithms, fetched once, and the error queue.
 *
 * The fetched algorithms are the module's only global state: written once, before anybody reads them, and constant from
 * then on. Fetching takes a lock and several lookups, more than hashing a block does.
 */
#include <openssl/err.h>
#include <pthread.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static struct {
	EVP_MD *sha256;
	EVP_MD *sha384;
} fetched;

static void fetch(void)
{
	fetched.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	fetched.sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
	ERR_clear_error();
}

const EVP_MD *crypto_md_sha256(void)
{
	ASSERT(pthread_once(&fetch_once, fetch) == 0);
	return fetched.sha256;
}

const EVP_MD *crypto_md_sha384(void)
{
	ASSERT(pthread_once(&fetch_once, fetch) == 0);
	return fetched.sha384;
}

bool crypto_openssl_drain(void)
{
	bool out_of_memory = false;
	unsigned long code;
	while ((code = ERR_get_error()) != 0)
		if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
			out_of_memory = true;
	return out_of_memory;
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
