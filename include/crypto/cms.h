/*
 * cms.h - the one CMS profile that vouchfs writes and reads.
 *
 * SignedData v3 as a single canonical PEM block ("-----BEGIN CMS-----", base64 of 64 a line, LF): DER, digest SHA-384,
 * encapsulated content of a private type, certificates leaf and intermediates (at most LIMIT_INTERMEDIATES, no root),
 * no CRLs, one SignerInfo (issuerAndSerial, ecdsa-with-SHA384 on P-384), signed attributes contentType, messageDigest,
 * signingTime, signingCertificateV2 (one ESSCertIDv2, SHA-384), each once and no other; unsigned attributes none, or
 * one RFC 3161 token, which is verified by crypto_timestamp_check alone (crypto/timestamp.h). Sources: RFC
 * 5652, RFC 5035 (ESS), RFC 5480. Algorithm parameters absent, NULL tolerated for digests.
 *
 * What is judged where: crypto_cms_parse proves form and signature ("integrity"), crypto_cms_check_chain proves whose
 * key it is ("source").
 */
#ifndef CRYPTO_CMS_H
#define CRYPTO_CMS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/explain.h"
#include "base/limits.h"
#include "crypto/cert.h"

#define CRYPTO_CMS_BEGIN	     "-----BEGIN CMS-----"
#define CRYPTO_CMS_CERTS_MAX	     64 /* that are read at all; a valid chain has 1 + LIMIT_INTERMEDIATES */
#define CRYPTO_CMS_CONTENT_MAX_BYTES LIMIT_REVOCATION_LIST_BYTES
#define CRYPTO_CMS_PEM_MAX_BYTES     6291456U /* base64 of the largest content, certificates, line ends */

struct crypto_cms; /* parsed and its signature verified under the leaf it carries; immutable */

/*
 * 0: canonical, of the profile above, and correctly signed. -EBADMSG: anything else about the bytes, with why. Other
 * negative errno: could not be decided (-ENOMEM, -EIO).
 */
int crypto_cms_parse(const void *pem, size_t len, const char *content_type_oid, struct crypto_cms **ret,
		     struct explain *ret_why);
void crypto_cms_free(struct crypto_cms *cms);

const char *crypto_cms_content(const struct crypto_cms *cms, size_t *ret_len);
int64_t crypto_cms_signing_time_s(const struct crypto_cms *cms);
/* The leaf first, then each one's issuer. */
size_t crypto_cms_cert_count(const struct crypto_cms *cms);
const struct crypto_cert *crypto_cms_cert(const struct crypto_cms *cms, size_t index);
bool crypto_cms_has_timestamp(const struct crypto_cms *cms);

/*
 * Does the chain, judged at at_s, run from the leaf over exactly the included intermediates to one of the account's
 * CAs, and does the leaf speak for san_uri and for nothing else? 0 yes; -EKEYREJECTED no, with why; other negative
 * errno: undecided. (The rules in full: src/crypto/chain.c.) The time is inclusive at both ends; an expired CA still
 * serves what was signed in its time.
 */
int crypto_cms_check_chain(const struct crypto_cms *cms, const struct crypto_trust *trust, const char *san_uri,
			   int64_t at_s, struct explain *ret_why);

/* The same, and tells which CA it was (SHA-256 of its DER), for revocation lists that name one. */
int crypto_cms_check_chain_to(const struct crypto_cms *cms, const struct crypto_trust *trust, const char *san_uri,
			      int64_t at_s, uint8_t ret_ca_sha256[CRYPTO_SHA256_BYTES], struct explain *ret_why);

/*
 * Signs content; chain[0] is the leaf of key, then intermediates (none: chain_len 1). What is made has passed
 * crypto_cms_parse. -EINVAL: too many certificates, or they do not fit together; -EFBIG: content too large.
 */
int crypto_cms_sign(const struct crypto_key *key, const struct crypto_cert *const *chain, size_t chain_len,
		    const char *content_type_oid, const void *content, size_t len, int64_t signing_time_s,
		    struct buf *ret_pem, struct explain *ret_why);

#endif
