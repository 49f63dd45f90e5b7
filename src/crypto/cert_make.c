/*
 * New certificates: a self-signed CA, and leaves under it. X.509 v3 after RFC 5280, ecdsa-with-SHA384, random serial
 * numbers, subject and issuer a common name alone.
 */
#include <errno.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/random.h"
#include "internal.h"

#define SERIAL_BYTES 16

static bool set_random_serial(X509 *x509)
{
	uint8_t bytes[SERIAL_BYTES];
	random_bytes(bytes, sizeof(bytes));
	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and always of this length */
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
	BN_free(number);
	return ok;
}

static bool set_subject(X509 *x509, const char *common_name)
{
	X509_NAME *name = X509_NAME_new();
	bool ok = name && X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const uint8_t *)common_name,
						     -1, -1, 0) == 1;
	ok = ok && X509_set_subject_name(x509, name) == 1;
	X509_NAME_free(name);
	return ok;
}

static bool add_extension(X509 *x509, const X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, x509, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = extension && X509_add_ext(x509, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

/* Not through a configuration string: there a comma would begin another name. */
static bool add_san_uri(X509 *x509, const char *uri)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	bool ok = names && name && text && ASN1_STRING_set(text, uri, -1) == 1;
	if (ok) {
		GENERAL_NAME_set0_value(name, GEN_URI, text);
		text = NULL;
		ok = sk_GENERAL_NAME_push(names, name) > 0;
	}
	if (ok) {
		name = NULL;
		ok = X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
	}
	ASN1_IA5STRING_free(text);
	GENERAL_NAME_free(name);
	GENERAL_NAMES_free(names);
	return ok;
}

static X509 *new_cert(EVP_PKEY *public_key, const char *common_name, int64_t not_before_s, int64_t not_after_s)
{
	X509 *x509 = X509_new();
	if (x509 && X509_set_version(x509, X509_VERSION_3) == 1 && set_random_serial(x509) &&
	    set_subject(x509, common_name) && ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)not_before_s) &&
	    ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)not_after_s) && X509_set_pubkey(x509, public_key) == 1)
		return x509;
	X509_free(x509);
	return NULL;
}

static bool sign_cert(X509 *x509, const X509 *issuer, const struct crypto_key *issuer_key)
{
	crypto_key_lock(issuer_key);
	bool ok = X509_set_issuer_name(x509, X509_get_subject_name(issuer)) == 1 && crypto_md_sha384() &&
		  X509_sign(x509, issuer_key->pkey, crypto_md_sha384()) > 0;
	crypto_key_unlock(issuer_key);
	return ok;
}

int crypto_cert_make_ca(const struct crypto_key *key, const char *common_name, int64_t not_before_s,
			int64_t not_after_s, struct crypto_cert **ret)
{
	X509 *x509 = new_cert(key->public_half, common_name, not_before_s, not_after_s);
	bool made = x509 && add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE") &&
		    add_extension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		    add_extension(x509, x509, NID_subject_key_identifier, "hash") && sign_cert(x509, x509, key);
	int r = made ? crypto_cert_wrap(x509, ret) : crypto_openssl_failure();
	X509_free(x509);
	return r;
}

int crypto_cert_make_leaf(const struct crypto_key *subject_key, const char *common_name, const char *san_uri,
			  int64_t not_before_s, int64_t not_after_s, const struct crypto_key *ca_key,
			  const struct crypto_cert *ca, struct crypto_cert **ret)
{
	X509 *x509 = new_cert(subject_key->public_half, common_name, not_before_s, not_after_s);
	bool made = x509 && add_extension(x509, ca->x509, NID_basic_constraints, "critical,CA:FALSE") &&
		    add_extension(x509, ca->x509, NID_key_usage, "critical,digitalSignature") &&
		    add_extension(x509, ca->x509, NID_ext_key_usage, "codeSigning") && add_san_uri(x509, san_uri) &&
		    add_extension(x509, ca->x509, NID_subject_key_identifier, "hash") &&
		    add_extension(x509, ca->x509, NID_authority_key_identifier, "keyid:always") &&
		    sign_cert(x509, ca->x509, ca_key);
	int r = made ? crypto_cert_wrap(x509, ret) : crypto_openssl_failure();
	X509_free(x509);
	return r;
}
