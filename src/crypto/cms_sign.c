/*
 * Signing: makes the CMS of crypto/cms.h. What comes out has been read back by crypto_cms_parse, so nothing is ever
 * handed out that a verifier of ours would refuse for its form.
 */
#include <errno.h>

#include <openssl/pem.h> /* before cms.h */

#include <openssl/cms.h>

#include "base/limits.h"
#include "cms_internal.h"

#define SIGN_FLAGS (CMS_BINARY | CMS_NOSMIMECAP)

/* CMS_CADES adds signingCertificateV2; contentType and messageDigest are added by CMS_final. */
static bool add_signer(CMS_ContentInfo *cms, const struct crypto_key *key, const struct crypto_cert *leaf,
		       int64_t signing_time_s)
{
	bool ok = false;
	ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)signing_time_s); /* UTCTime before 2050 */
	CMS_SignerInfo *signer = CMS_add1_signer(cms, leaf->x509, key->pkey, crypto_md_sha384(),
						 SIGN_FLAGS | CMS_CADES | CMS_PARTIAL);
	if (at && signer)
		ok = CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime, ASN1_STRING_type(at), at, -1) == 1;
	ASN1_TIME_free(at);
	return ok;
}

static bool add_intermediates(CMS_ContentInfo *cms, const struct crypto_cert *const *chain, size_t chain_len)
{
	for (size_t i = 1; i < chain_len; i++)
		if (CMS_add1_cert(cms, chain[i]->x509) != 1)
			return false;
	return true;
}

static CMS_ContentInfo *make_cms(const struct crypto_key *key, const struct crypto_cert *const *chain, size_t chain_len,
				 const char *content_type_oid, const void *content, size_t len, int64_t signing_time_s)
{
	BIO *in = BIO_new_mem_buf(content, (int)len);
	ASN1_OBJECT *type = OBJ_txt2obj(content_type_oid, 1);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, SIGN_FLAGS | CMS_PARTIAL);
	bool ok = in && type && cms && crypto_md_sha384() && CMS_set1_eContentType(cms, type) == 1 &&
		  add_signer(cms, key, chain[0], signing_time_s) && add_intermediates(cms, chain, chain_len) &&
		  CMS_final(cms, in, NULL, SIGN_FLAGS) == 1;
	if (!ok) {
		CMS_ContentInfo_free(cms);
		cms = NULL;
	}
	ASN1_OBJECT_free(type);
	BIO_free(in);
	return cms;
}

int cms_write_pem(const CMS_ContentInfo *cms, struct buf *ret)
{
	int r;
	uint8_t *der = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	int der_len = i2d_CMS_ContentInfo(cms, &der);
	if (!bio || der_len <= 0 || PEM_write_bio(bio, PEM_STRING_CMS, "", der, der_len) <= 0) {
		r = crypto_openssl_failure();
		goto out;
	}
	r = crypto_bio_append(bio, ret);
out:
	OPENSSL_free(der);
	BIO_free(bio);
	return r;
}

int crypto_cms_sign(const struct crypto_key *key, const struct crypto_cert *const *chain, size_t chain_len,
		    const char *content_type_oid, const void *content, size_t len, int64_t signing_time_s,
		    struct buf *ret_pem, struct explain *ret_why)
{
	ASSERT(chain_len >= 1);
	if (chain_len > 1 + LIMIT_INTERMEDIATES) {
		explain_set(ret_why, "more than %u intermediate certificates", LIMIT_INTERMEDIATES);
		return -EINVAL;
	}
	if (len > CRYPTO_CMS_CONTENT_MAX_BYTES) {
		explain_set(ret_why, "more than %u bytes to sign", CRYPTO_CMS_CONTENT_MAX_BYTES);
		return -EFBIG;
	}

	struct buf pem = {0};
	struct crypto_cms *again = NULL;
	crypto_key_lock(key); /* the message has to do with it until it is freed */
	CMS_ContentInfo *cms = make_cms(key, chain, chain_len, content_type_oid, content, len, signing_time_s);
	int r = cms ? cms_write_pem(cms, &pem) : crypto_openssl_failure();
	if (r < 0) {
		explain_set(ret_why, "OpenSSL could not make the signature (does the key belong to the certificate?)");
		goto out;
	}
	r = crypto_cms_parse(pem.data, pem.len, content_type_oid, &again, ret_why);
	if (r < 0) {
		explain_prefix(ret_why, "the new signature cannot be used");
		r = r == -EBADMSG ? -EINVAL : r;
		goto out;
	}
	r = buf_append(ret_pem, pem.data, pem.len);
out:
	crypto_cms_free(again);
	CMS_ContentInfo_free(cms);
	crypto_key_unlock(key);
	buf_done(&pem);
	return r;
}
