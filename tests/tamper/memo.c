/*
 * memo.c - remembers which signatures were good, over the processes that look: verifying is a pure function of key,
 * bytes and signature, and would be nine tenths of a look. Linked with --wrap; what was never found good is verified.
 */
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/base.h"

#define KNOWN_MAX 4096

/* Filled by one child after the other. */
static struct known {
	size_t count;
	uint8_t keys[KNOWN_MAX][32];
} * known;

int __real_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_len, const unsigned char *bytes,
			    size_t len);
int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_len, const unsigned char *bytes,
			    size_t len);
int __real_X509_self_signed(X509 *cert, int verify);
int __wrap_X509_self_signed(X509 *cert, int verify);
int __real_X509_verify_cert(X509_STORE_CTX *ctx);
int __wrap_X509_verify_cert(X509_STORE_CTX *ctx);
void memo_share(void);

void memo_share(void)
{
	known = mmap(NULL, sizeof(*known), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(known != MAP_FAILED);
}

static bool is_known(const uint8_t key[32])
{
	for (size_t i = 0; i < known->count; i++)
		if (memcmp(known->keys[i], key, 32) == 0)
			return true;
	return false;
}

static void learn(const uint8_t key[32])
{
	if (known->count < KNOWN_MAX)
		memcpy(known->keys[known->count++], key, 32);
}

static void add(EVP_MD_CTX *sum, const void *bytes, size_t len)
{
	ASSERT(EVP_DigestUpdate(sum, &len, sizeof(len)) == 1 && EVP_DigestUpdate(sum, bytes, len) == 1);
}

static void add_cert(EVP_MD_CTX *sum, X509 *cert)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);
	ASSERT(len > 0);
	add(sum, der, (size_t)len);
	OPENSSL_free(der);
}

static void add_key(EVP_MD_CTX *sum, EVP_PKEY *key)
{
	uint8_t *point = NULL;
	size_t len = EVP_PKEY_get1_encoded_public_key(key, &point); /* all keys here are on one curve */
	ASSERT(len > 0);
	add(sum, point, len);
	OPENSSL_free(point);
}

static EVP_MD_CTX *begin(void)
{
	EVP_MD_CTX *sum = EVP_MD_CTX_new();
	ASSERT(sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) == 1);
	return sum;
}

static void end(EVP_MD_CTX *sum, uint8_t ret[32])
{
	ASSERT(EVP_DigestFinal_ex(sum, ret, NULL) == 1);
	EVP_MD_CTX_free(sum);
}

int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_len, const unsigned char *bytes,
			    size_t len)
{
	uint8_t key[32];
	EVP_MD_CTX *sum = begin();
	add_key(sum, EVP_PKEY_CTX_get0_pkey(EVP_MD_CTX_get_pkey_ctx(ctx)));
	add(sum, sig, sig_len);
	add(sum, bytes, len);
	end(sum, key);
	if (is_known(key))
		return 1;
	int r = __real_EVP_DigestVerify(ctx, sig, sig_len, bytes, len);
	if (r == 1)
		learn(key);
	return r;
}

int __wrap_X509_self_signed(X509 *cert, int verify)
{
	uint8_t key[32];
	EVP_MD_CTX *sum = begin();
	add_cert(sum, cert);
	end(sum, key);
	if (verify && is_known(key))
		return 1;
	int r = __real_X509_self_signed(cert, verify);
	if (verify && r == 1)
		learn(key);
	return r;
}

static int trust_signatures(X509_STORE_CTX *ctx)
{
	(void)ctx;
	return 1;
}

/* The chain is built and checked each time; only its signatures are not verified again. */
int __wrap_X509_verify_cert(X509_STORE_CTX *ctx)
{
	uint8_t key[32];
	EVP_MD_CTX *sum = begin();
	add_cert(sum, X509_STORE_CTX_get0_cert(ctx));
	STACK_OF(X509) *others = X509_STORE_CTX_get0_untrusted(ctx);
	for (int i = 0; i < sk_X509_num(others); i++)
		add_cert(sum, sk_X509_value(others, i));
	STACK_OF(X509_OBJECT) *trusted = X509_STORE_get0_objects(X509_STORE_CTX_get0_store(ctx));
	for (int i = 0; i < sk_X509_OBJECT_num(trusted); i++)
		add_cert(sum, X509_OBJECT_get0_X509(sk_X509_OBJECT_value(trusted, i)));
	end(sum, key);
	bool was_good = is_known(key);
	if (was_good)
		X509_STORE_CTX_set_verify(ctx, trust_signatures);
	int r = __real_X509_verify_cert(ctx);
	if (r == 1 && !was_good)
		learn(key);
	return r;
}
