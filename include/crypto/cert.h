/*
 * cert.h - keys and certificates of a signing account, and the chain rule that binds a key to an ARN.
 *
 * Keys are ECDSA on P-384. A CA is self-signed; a leaf carries one URI subjectAltName (the ARN it speaks for), key
 * usage digitalSignature, extended key usage codeSigning. Failures: negative errno and a sentence in ret_why.
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/explain.h"
#include "crypto/digest.h"

struct crypto_key;
struct crypto_cert;
struct crypto_trust; /* the CA certificates of one account, several during a rollover; immutable, shared */

int crypto_key_generate(struct crypto_key **ret);
int crypto_key_from_pem(const char *pem, size_t len, struct crypto_key **ret, struct explain *ret_why);
/* PKCS#8 PEM, unencrypted; the caller wipes the buffer (crypto_wipe). -EPERM: the key is in a token and stays there. */
int crypto_key_to_pem(const struct crypto_key *key, struct buf *ret);
/*
 * A key pair that is in a PKCS#11 token and stays there; only signing passes through. The reference is an RFC 7512 URI:
 *
 *     pkcs11:token=LABEL;object=LABEL?pin-source=file:/PATH[&module-path=/PATH]
 *
 * It names the token (token= or serial=) and the key (object= or id=); pin-source is a file of mode 0600 with the PIN,
 * pin-value the PIN itself, which makes a secret of the reference; without module-path it is p11-kit's choice. OpenSSL
 * gets there by its pkcs11 provider where there is one, else by the pkcs11 engine, with which a process has one module
 * at a time. A process that forks does so before. -EINVAL: the reference, the token, the PIN or the key are not what
 * they must be, with why, which never shows a PIN.
 */
bool crypto_key_is_reference(const char *text, size_t len); /* begins with "pkcs11:" */
bool crypto_key_reference_shows_pin(const char *uri);	    /* has a pin-value */
int crypto_key_from_reference(const char *uri, size_t len, struct crypto_key **ret, struct explain *ret_why);
/* Does it sign, and so that its public key fits? For keys that somebody else has made. -EINVAL with why. */
int crypto_key_prove(const struct crypto_key *key, struct explain *ret_why);
/*
 * What the file of a key holds: PEM, or one line with a reference. The caller keeps it in a file of mode 0600, and
 * wipes the buffer.
 */
int crypto_key_read(const char *text, size_t len, struct crypto_key **ret, struct explain *ret_why);
int crypto_key_write(const struct crypto_key *key, struct buf *ret);
void crypto_key_free(struct crypto_key *key);
void crypto_wipe(struct buf *b); /* overwrites, then buf_done */

/* Self-signed CA with its random serial, valid [not_before, not_after]. */
int crypto_cert_make_ca(const struct crypto_key *key, const char *common_name, int64_t not_before_s,
			int64_t not_after_s, struct crypto_cert **ret);
/* A leaf for subject_key, signed by the CA. */
int crypto_cert_make_leaf(const struct crypto_key *subject_key, const char *common_name, const char *san_uri,
			  int64_t not_before_s, int64_t not_after_s, const struct crypto_key *ca_key,
			  const struct crypto_cert *ca, struct crypto_cert **ret);
int crypto_cert_from_pem(const char *pem, size_t len, struct crypto_cert **ret, struct explain *ret_why);
int crypto_cert_to_pem(const struct crypto_cert *cert, struct buf *ret);
int crypto_cert_digest(const struct crypto_cert *cert, uint8_t ret[CRYPTO_SHA256_BYTES]); /* SHA-256 of the DER */
int64_t crypto_cert_not_before_s(const struct crypto_cert *cert);
int64_t crypto_cert_not_after_s(const struct crypto_cert *cert);
/* The URI of the one URI subjectAltName: appended. -ENODATA when there is none, or more than one. */
int crypto_cert_san_uri(const struct crypto_cert *cert, struct buf *ret);
/* Subject and issuer in RFC 2253 form, escaped for print. */
int crypto_cert_subject(const struct crypto_cert *cert, struct buf *ret);
int crypto_cert_issuer(const struct crypto_cert *cert, struct buf *ret);
int crypto_cert_serial(const struct crypto_cert *cert, struct buf *ret); /* lower-case hex */
void crypto_cert_free(struct crypto_cert *cert);

/*
 * PEM text with one or more self-signed CA certificates, each once; anything else but white space in it is an error
 * (-EINVAL). How strong they are is judged with the chain (crypto/cms.h), so that one old CA refuses its artifacts and
 * not the whole configuration.
 */
int crypto_trust_from_pem(const char *pem, size_t len, struct crypto_trust **ret, struct explain *ret_why);
/* The CA of this SHA-256, as crypto_cms_check_chain_to names it; NULL when it is none of these. Lives as long as trust.
 */
const struct crypto_cert *crypto_trust_find(const struct crypto_trust *trust,
					    const uint8_t sha256[CRYPTO_SHA256_BYTES]);
/* The one that is valid longest: until then artifacts of the account can pass. Lives as long as trust. */
const struct crypto_cert *crypto_trust_longest(const struct crypto_trust *trust);
/* Whether both have the same certificates, in whatever order. */
bool crypto_trust_equal(const struct crypto_trust *a, const struct crypto_trust *b);
struct crypto_trust *crypto_trust_ref(struct crypto_trust *trust);
void crypto_trust_unref(struct crypto_trust *trust);

#endif
