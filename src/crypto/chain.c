/*
 * Whose key signed: the rule that binds a signature to an account and an ARN ("source").
 *
 * A chain is the leaf, the intermediates that the message carries, all of them and in the order of their issuers, and
 * one of the account's CAs. It holds when, at the one time at_s, inclusive at both ends, for all of it:
 *
 *   every certificate   valid at at_s; key P-256, P-384, P-521 or RSA >= 3072; signed with SHA-256, -384 or -512 by
 *                       ECDSA or RSA PKCS#1; no extension broken, no unknown critical one; X509_V_FLAG_X509_STRICT
 *   leaf                key on P-384; not CA:TRUE, not issued by itself; key usage digitalSignature; extended key usage
 *                       codeSigning (others beside it do not matter, anyExtendedKeyUsage is not it); exactly one URI
 *                       among its subjectAltNames, byte for byte the ARN it must speak for
 *   intermediates       at most LIMIT_INTERMEDIATES; CA:TRUE, keyCertSign; where they restrict the extended key usage,
 *                       codeSigning or anyExtendedKeyUsage is in it
 *   CA                  one that the configuration pins for this account
 *
 * Every failure is -EKEYREJECTED. Signatures, path lengths and critical extensions are X509_verify_cert's work; it does
 * not judge times (for OpenSSL notAfter itself is too late) and has no purpose "code signing" before 3.2.
 */
#include <errno.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "proven.h"

static const int digest_nids[] = {NID_sha256, NID_sha384, NID_sha512};
static const int signature_key_nids[] = {NID_X9_62_id_ecPublicKey, NID_rsaEncryption};

static bool contains(const int *nids, size_t count, int nid)
{
	for (size_t i = 0; i < count; i++)
		if (nids[i] == nid)
			return true;
	return false;
}

static bool has_strong_signature(X509 *x509)
{
	int digest, key;
	return X509_get_signature_info(x509, &digest, &key, NULL, NULL) == 1 &&
	       contains(digest_nids, ARRAY_SIZE(digest_nids), digest) &&
	       contains(signature_key_nids, ARRAY_SIZE(signature_key_nids), key);
}

static int check_time(const struct crypto_cert *cert, const char *what, int64_t at_s, struct explain *ret_why)
{
	if (cert->not_before_s <= at_s && at_s <= cert->not_after_s)
		return 0;
	char at[CLOCK_UTC_SIZE], not_before[CLOCK_UTC_SIZE], not_after[CLOCK_UTC_SIZE];
	clock_format_utc(at_s, at);
	clock_format_utc(cert->not_before_s, not_before);
	clock_format_utc(cert->not_after_s, not_after);
	return crypto_refuse(ret_why, -EKEYREJECTED, "%s is valid from %s to %s, not at %s", what, not_before,
			     not_after, at);
}

int crypto_chain_check_any(const struct crypto_cert *cert, const char *what, int64_t at_s, struct explain *ret_why)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert->x509);
	if (X509_get_extension_flags(cert->x509) & EXFLAG_INVALID)
		return crypto_refuse(ret_why, -EKEYREJECTED, "%s has broken extensions", what);
	if (!key || !crypto_pkey_is_strong(key))
		return crypto_refuse(ret_why, -EKEYREJECTED, "%s has a key that is weaker than P-256 or RSA 3072",
				     what);
	if (!has_strong_signature(cert->x509))
		return crypto_refuse(ret_why, -EKEYREJECTED,
				     "%s is not signed with SHA-256, SHA-384 or SHA-512 by ECDSA or RSA", what);
	return check_time(cert, what, at_s, ret_why);
}

static int check_san(const struct crypto_cert *leaf, const char *san_uri, struct explain *ret_why)
{
	struct buf found = {0};
	char printable[200];
	int r = crypto_cert_san_uri(leaf, &found);
	if (r == -ENODATA)
		r = crypto_refuse(ret_why, -EKEYREJECTED,
				  "the signer's certificate has not exactly one URI as subjectAltName; expected %s",
				  san_uri);
	else if (r == 0 && !text_equal(found.data, found.len, san_uri))
		r = crypto_refuse(ret_why, -EKEYREJECTED, "the signer's certificate speaks for %s, not for %s",
				  text_escape_print(printable, sizeof(printable), found.data, found.len), san_uri);
	buf_done(&found);
	return r;
}

static int check_leaf(const struct crypto_cert *leaf, const char *san_uri, struct explain *ret_why)
{
	uint32_t flags = X509_get_extension_flags(leaf->x509);
	if (!crypto_pkey_is_p384(X509_get0_pubkey(leaf->x509)))
		return crypto_refuse(ret_why, -EKEYREJECTED, "the signer's certificate has a key that is not on P-384");
	/* X509_check_ca overlooks CA:TRUE where the key usage has no keyCertSign. */
	if ((flags & EXFLAG_CA) || X509_check_ca(leaf->x509) != 0)
		return crypto_refuse(ret_why, -EKEYREJECTED, "the signer's certificate is a CA's");
	if (crypto_cert_is_self_issued(leaf))
		return crypto_refuse(ret_why, -EKEYREJECTED, "the signer's certificate is signed by itself");
	if (!(flags & EXFLAG_KUSAGE) || !(X509_get_key_usage(leaf->x509) & KU_DIGITAL_SIGNATURE))
		return crypto_refuse(ret_why, -EKEYREJECTED,
				     "the signer's certificate has no key usage digitalSignature");
	if (!(flags & EXFLAG_XKUSAGE) || !(X509_get_extended_key_usage(leaf->x509) & XKU_CODE_SIGN))
		return crypto_refuse(ret_why, -EKEYREJECTED,
				     "the signer's certificate has no extended key usage codeSigning");
	return check_san(leaf, san_uri, ret_why);
}

static int check_intermediate(const struct crypto_cert *cert, struct explain *ret_why)
{
	uint32_t flags = X509_get_extension_flags(cert->x509);
	if ((flags & EXFLAG_XKUSAGE) && !(X509_get_extended_key_usage(cert->x509) & (XKU_CODE_SIGN | XKU_ANYEKU)))
		return crypto_refuse(ret_why, -EKEYREJECTED, "an intermediate certificate is not for code signing");
	return 0;
}

static int check_carried(const struct crypto_cms *cms, const char *san_uri, int64_t at_s, struct explain *ret_why)
{
	if (cms->cert_count > 1 + LIMIT_INTERMEDIATES)
		return crypto_refuse(ret_why, -EKEYREJECTED, "%zu intermediate certificates, at most %u allowed",
				     cms->cert_count - 1, LIMIT_INTERMEDIATES);
	for (size_t i = 0; i < cms->cert_count; i++) {
		const char *what = i == 0 ? "the signer's certificate" : "an intermediate certificate";
		int r = crypto_chain_check_any(cms->certs[i], what, at_s, ret_why);
		if (r == 0)
			r = i == 0 ? check_leaf(cms->certs[i], san_uri, ret_why)
				   : check_intermediate(cms->certs[i], ret_why);
		if (r < 0)
			return r;
	}
	return 0;
}

/* True when what OpenSSL built is the carried certificates, in order, and the CA. */
static bool is_whole_chain(const struct crypto_cms *cms, const struct crypto_ca *ca, const STACK_OF(X509) * built)
{
	if (sk_X509_num(built) != (int)cms->cert_count + 1)
		return false;
	for (size_t i = 0; i < cms->cert_count; i++)
		if (X509_cmp(sk_X509_value(built, (int)i), cms->certs[i]->x509) != 0)
			return false;
	return X509_cmp(sk_X509_value(built, (int)cms->cert_count), ca->cert->x509) == 0;
}

static int build_chain(X509_STORE_CTX *ctx, STACK_OF(X509) * intermediates, const struct crypto_cms *cms,
		       const struct crypto_ca *ca, struct explain *ret_why)
{
	if (X509_STORE_CTX_init(ctx, ca->store, cms->certs[0]->x509, intermediates) != 1)
		return crypto_openssl_failure();
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_NO_CHECK_TIME);
	X509_STORE_CTX_set_depth(ctx, LIMIT_INTERMEDIATES);
	if (X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_ANY) != 1)
		return crypto_openssl_failure();

	if (X509_verify_cert(ctx) != 1) {
		int error = X509_STORE_CTX_get_error(ctx);
		if (error == X509_V_ERR_OUT_OF_MEM) {
			crypto_openssl_drain();
			return -ENOMEM;
		}
		return crypto_refuse(ret_why, -EKEYREJECTED, "the certificates make no chain to the account's CA: %s",
				     X509_verify_cert_error_string(error));
	}
	if (!is_whole_chain(cms, ca, X509_STORE_CTX_get0_chain(ctx)))
		return crypto_refuse(ret_why, -EKEYREJECTED,
				     "the chain to the account's CA does not use all certificates that are carried");
	return 0;
}

static int prove_up_to(const struct crypto_ca *ca, const struct crypto_cms *cms, struct explain *ret_why)
{
	int r = -ENOMEM;
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *intermediates = sk_X509_new_null();
	if (!ctx || !intermediates)
		goto out;
	for (size_t i = 1; i < cms->cert_count; i++)
		if (sk_X509_push(intermediates, cms->certs[i]->x509) <= 0)
			goto out;
	r = build_chain(ctx, intermediates, cms, ca, ret_why);
out:
	if (crypto_openssl_drain())
		r = -ENOMEM;
	X509_STORE_CTX_free(ctx);
	sk_X509_free(intermediates);
	return r;
}

/* Whether the signatures lead to the CA: a matter of the certificates alone, so once is enough. */
static int check_up_to(const struct crypto_ca *ca, const struct crypto_cms *cms, struct explain *ret_why)
{
	uint8_t key[CRYPTO_SHA256_BYTES];
	int r = proven_key(cms, key);
	if (r < 0 || proven_has(ca->proven, key))
		return r;
	r = prove_up_to(ca, cms, ret_why);
	if (r == 0)
		proven_add(ca->proven, key);
	return r;
}

static bool may_have_issued(const struct crypto_ca *ca, const struct crypto_cert *top)
{
	return X509_NAME_cmp(X509_get_subject_name(ca->cert->x509), X509_get_issuer_name(top->x509)) == 0;
}

int crypto_cms_check_chain_to(const struct crypto_cms *cms, const struct crypto_trust *trust, const char *san_uri,
			      int64_t at_s, uint8_t ret_ca_sha256[CRYPTO_SHA256_BYTES], struct explain *ret_why)
{
	struct explain why = {0};
	(void)crypto_openssl_drain(); /* what failed before is not about this */
	int r = check_carried(cms, san_uri, at_s, ret_why);
	if (r < 0)
		return r;

	r = crypto_refuse(&why, -EKEYREJECTED, "none of the account's CAs issued the %s certificate",
			  cms->cert_count > 1 ? "last intermediate" : "signer's");
	for (size_t i = 0; i < trust->count && r == -EKEYREJECTED; i++) {
		const struct crypto_ca *ca = &trust->cas[i];
		if (!may_have_issued(ca, cms->certs[cms->cert_count - 1]))
			continue;
		r = crypto_chain_check_any(ca->cert, "the account's CA certificate", at_s, &why);
		if (r == 0)
			r = check_up_to(ca, cms, &why);
		if (r == 0)
			r = crypto_cert_digest(ca->cert, ret_ca_sha256);
	}
	if (crypto_openssl_drain())
		r = crypto_refuse(&why, -ENOMEM, "out of memory");
	if (r < 0)
		explain_set(ret_why, "%s", why.text);
	return r;
}

int crypto_cms_check_chain(const struct crypto_cms *cms, const struct crypto_trust *trust, const char *san_uri,
			   int64_t at_s, struct explain *ret_why)
{
	uint8_t ca_sha256[CRYPTO_SHA256_BYTES];
	return crypto_cms_check_chain_to(cms, trust, san_uri, at_s, ca_sha256, ret_why);
}
