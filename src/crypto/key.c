/*
 * Private keys: ECDSA on P-384, nothing else. They leave this file as PKCS#8 PEM only; those in a token
 * (key_reference.c) never do, their file holds the reference.
 */
#include <errno.h>
#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "key_reference.h"

#define SIGNATURE_MAX_BYTES 128 /* ECDSA on P-384 needs 104 */

/* Takes over both, on failure too. */
static int wrap_key(EVP_PKEY *pkey, EVP_PKEY *public_half, struct crypto_key **ret)
{
	struct crypto_key *key = calloc(1, sizeof(*key));
	if (!key) {
		EVP_PKEY_free(pkey);
		EVP_PKEY_free(public_half);
		return -ENOMEM;
	}
	key->pkey = pkey;
	key->public_half = public_half;
	*ret = key;
	return 0;
}

int crypto_key_generate(struct crypto_key **ret)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-384");
	EVP_PKEY *public_half = pkey ? crypto_pkey_public_half(pkey) : NULL;
	if (!public_half) {
		EVP_PKEY_free(pkey);
		return crypto_openssl_failure();
	}
	return wrap_key(pkey, public_half, ret);
}

void crypto_key_free(struct crypto_key *key)
{
	if (!key)
		return;
	crypto_key_lock(key);
	EVP_PKEY_free(key->pkey);
	key_engine_release(key->engine); /* after what came from there */
	key_provider_release(key->module);
	crypto_key_unlock(key);
	EVP_PKEY_free(key->public_half);
	if (key->reference)
		OPENSSL_cleanse(key->reference, strlen(key->reference));
	free(key->reference);
	free(key);
}

int crypto_key_take(EVP_PKEY *pkey, const char *what, struct crypto_key **ret, struct explain *ret_why)
{
	EVP_PKEY *public_half = crypto_pkey_public_half(pkey);
	if (public_half && crypto_pkey_is_p384(public_half))
		return wrap_key(pkey, public_half, ret);
	int r = public_half ? crypto_refuse(ret_why, -EINVAL, "%s is not an ECDSA key on P-384", what)
			    : crypto_refuse(ret_why, -EINVAL,
					    "%s comes without its public key; expected a key pair (in a token, both "
					    "with the same id)",
					    what);
	EVP_PKEY_free(public_half);
	EVP_PKEY_free(pkey);
	return r;
}

static bool sign_sample(const struct crypto_key *key, const uint8_t *sample, size_t len, uint8_t *ret, size_t *ret_len)
{
	crypto_key_lock(key);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && crypto_md_sha384() &&
		  EVP_DigestSignInit(ctx, NULL, crypto_md_sha384(), NULL, key->pkey) == 1 &&
		  EVP_DigestSign(ctx, ret, ret_len, sample, len) == 1;
	EVP_MD_CTX_free(ctx);
	crypto_key_unlock(key);
	return ok;
}

static bool verify_sample(const struct crypto_key *key, const uint8_t *sample, size_t len, const uint8_t *signature,
			  size_t signature_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, crypto_md_sha384(), NULL, key->public_half) == 1 &&
		  EVP_DigestVerify(ctx, signature, signature_len, sample, len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

int crypto_key_prove(const struct crypto_key *key, struct explain *ret_why)
{
	static const uint8_t sample[] = "vouchfs: does this key sign?";
	uint8_t signature[SIGNATURE_MAX_BYTES];
	size_t len = sizeof(signature);
	const char *name = key->reference ? key->reference : "the private key";
	int name_len = (int)strcspn(name, "?"); /* without PIN */
	if (!sign_sample(key, sample, sizeof(sample), signature, &len))
		return crypto_refuse(ret_why, -EINVAL,
				     "%.*s does not sign; the token has to allow it that (CKA_SIGN), and a key that "
				     "wants the PIN before every signature (CKA_ALWAYS_AUTHENTICATE) can be used with "
				     "OpenSSL's pkcs11 provider alone, from OpenSSL 3.2 on",
				     name_len, name);
	if (!verify_sample(key, sample, sizeof(sample), signature, len))
		return crypto_refuse(
			ret_why, -EINVAL,
			"%.*s signs, but its public key is another's; expected a key pair (in a token, both "
			"with the same id)",
			name_len, name);
	return 0;
}

/* Instead of OpenSSL's own, which asks on the terminal. */
static int no_passphrase(char *buf UNUSED, int size UNUSED, int writing UNUSED, void *ctx UNUSED)
{
	return -1;
}

int crypto_key_from_pem(const char *pem, size_t len, struct crypto_key **ret, struct explain *ret_why)
{
	int r;
	EVP_PKEY *pkey;
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	if (!bio) {
		r = crypto_openssl_failure();
		goto out;
	}
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (!pkey) {
		r = crypto_openssl_drain() ? -ENOMEM : -EINVAL;
		explain_set(ret_why, "no unencrypted private key in PEM form (-----BEGIN PRIVATE KEY-----)");
		goto out;
	}
	r = crypto_key_take(pkey, "the private key", ret, ret_why);
out:
	BIO_free(bio);
	return r;
}

int crypto_key_to_pem(const struct crypto_key *key, struct buf *ret)
{
	if (key->reference)
		return -EPERM;
	int r;
	BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when it is freed */
	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		r = crypto_openssl_failure();
		goto out;
	}
	r = crypto_bio_append(bio, ret);
out:
	BIO_free(bio);
	return r;
}

int crypto_key_read(const char *text, size_t len, struct crypto_key **ret, struct explain *ret_why)
{
	if (!crypto_key_is_reference(text, len))
		return crypto_key_from_pem(text, len, ret, ret_why);
	return crypto_key_from_reference(text, len > 0 && text[len - 1] == '\n' ? len - 1 : len, ret, ret_why);
}

int crypto_key_write(const struct crypto_key *key, struct buf *ret)
{
	return key->reference ? buf_printf(ret, "%s\n", key->reference) : crypto_key_to_pem(key, ret);
}

void crypto_wipe(struct buf *b)
{
	if (b->data)
		OPENSSL_cleanse(b->data, b->cap);
	buf_done(b);
}
