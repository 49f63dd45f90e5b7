/*
 * The CA certificates of one account. Each gets a store of its own, made once: a chain is checked against one CA at a
 * time, so two CAs of the same name, or the same key under two validities, are never mixed up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/limits.h"
#include "proven.h"

static bool is_self_signed_ca(const struct crypto_cert *cert)
{
	bool ok = X509_check_ca(cert->x509) == 1 && X509_self_signed(cert->x509, 1) == 1;
	crypto_openssl_clear_errors();
	return ok;
}

static bool holds(const struct crypto_trust *trust, const struct crypto_cert *cert)
{
	for (size_t i = 0; i < trust->count; i++)
		if (X509_cmp(trust->cas[i].cert->x509, cert->x509) == 0)
			return true;
	return false;
}

/* Takes over cert, also when it fails. */
static int add_ca(struct crypto_trust *trust, struct crypto_cert *cert, struct explain *ret_why)
{
	int r = -EINVAL;
	X509_STORE *store = NULL;
	struct proven *proven = NULL;
	if (trust->count == TRUST_CAS_MAX) {
		explain_set(ret_why, "more than %d CA certificates", TRUST_CAS_MAX);
		goto out;
	}
	if (!is_self_signed_ca(cert)) {
		r = crypto_refuse(ret_why, -EINVAL, "certificate %zu is not a self-signed CA certificate (CA:TRUE)",
				  trust->count + 1);
		goto out;
	}
	if (holds(trust, cert)) {
		explain_set(ret_why, "certificate %zu is there twice", trust->count + 1);
		goto out;
	}
	store = X509_STORE_new();
	if (!store || X509_STORE_add_cert(store, cert->x509) != 1) {
		r = crypto_openssl_failure();
		goto out;
	}
	proven = proven_new();
	if (!proven) {
		r = -ENOMEM;
		goto out;
	}
	trust->cas[trust->count++] = (struct crypto_ca){.cert = cert, .store = store, .proven = proven};
	return 0;
out:
	X509_STORE_free(store);
	crypto_cert_free(cert);
	return r;
}

int crypto_trust_from_pem(const char *pem, size_t len, struct crypto_trust **ret, struct explain *ret_why)
{
	if (len > LIMIT_PEM_FILE_BYTES) {
		explain_set(ret_why, "larger than %u bytes", LIMIT_PEM_FILE_BYTES);
		return -EINVAL;
	}
	struct crypto_trust *trust = calloc(1, sizeof(*trust));
	if (!trust)
		return -ENOMEM;
	atomic_init(&trust->refs, 1);

	int r;
	const char *cursor = pem;
	struct crypto_cert *cert = NULL;
	while ((r = crypto_cert_next_pem(&cursor, pem + len, &cert, ret_why)) == 0) {
		r = add_ca(trust, cert, ret_why);
		if (r < 0)
			goto out;
	}
	if (r != -ENODATA)
		goto out;
	if (trust->count == 0) {
		explain_set(ret_why, "no certificate in it");
		r = -EINVAL;
		goto out;
	}
	r = 0;
	*ret = trust;
	trust = NULL;
out:
	crypto_trust_unref(trust);
	return r;
}

const struct crypto_cert *crypto_trust_find(const struct crypto_trust *trust, const uint8_t sha256[CRYPTO_SHA256_BYTES])
{
	for (size_t i = 0; i < trust->count; i++) {
		uint8_t digest[CRYPTO_SHA256_BYTES];
		if (crypto_cert_digest(trust->cas[i].cert, digest) == 0 &&
		    memcmp(digest, sha256, CRYPTO_SHA256_BYTES) == 0)
			return trust->cas[i].cert;
	}
	return NULL;
}

const struct crypto_cert *crypto_trust_longest(const struct crypto_trust *trust)
{
	const struct crypto_cert *longest = trust->cas[0].cert; /* there is one */
	for (size_t i = 1; i < trust->count; i++)
		if (crypto_cert_not_after_s(trust->cas[i].cert) > crypto_cert_not_after_s(longest))
			longest = trust->cas[i].cert;
	return longest;
}

bool crypto_trust_equal(const struct crypto_trust *a, const struct crypto_trust *b)
{
	bool equal = a->count == b->count;
	for (size_t i = 0; equal && i < a->count; i++)
		equal = holds(b, a->cas[i].cert); /* neither has one twice */
	return equal;
}

struct crypto_trust *crypto_trust_ref(struct crypto_trust *trust)
{
	atomic_fetch_add_explicit(&trust->refs, 1, memory_order_relaxed);
	return trust;
}

void crypto_trust_unref(struct crypto_trust *trust)
{
	if (!trust || atomic_fetch_sub_explicit(&trust->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < trust->count; i++) {
		proven_free(trust->cas[i].proven);
		X509_STORE_free(trust->cas[i].store);
		crypto_cert_free(trust->cas[i].cert);
	}
	free(trust);
}
