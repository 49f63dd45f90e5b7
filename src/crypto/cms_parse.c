/*
 * Reading a CMS message and proving its form and signature. One message has one text: PEM and DER are made again from
 * what was read and compared with what came in.
 *
 * -EBADMSG ("integrity") is everything that can be seen in the message alone: its encoding, the structure of
 * crypto/cms.h down to the algorithms of the SignerInfo, the attributes, a certificate too many (cms_certs.c), and the
 * signature over the attributes. Whose key it is and whether that is good enough ("source") is chain.c's: a leaf on
 * P-256 that signed with ecdsa-with-SHA384 passes here and fails there, an RSA leaf has another signature algorithm and
 * fails here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "cms_internal.h"

#define SIGNED_DATA_VERSION 3
#define SIGNER_INFO_VERSION 1

struct der {
	uint8_t *bytes; /* OpenSSL's */
	long len;
};

/* True when writing der as PEM gives exactly the text. */
static bool is_canonical_pem(const struct der *der, const char *pem, size_t len)
{
	char *again = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	bool same = bio && PEM_write_bio(bio, PEM_STRING_CMS, "", der->bytes, der->len) > 0;
	long again_len = same ? BIO_get_mem_data(bio, &again) : 0;
	same = same && again_len > 0 && (size_t)again_len == len && memcmp(again, pem, len) == 0;
	BIO_free(bio);
	return same;
}

static int read_pem(const char *pem, size_t len, struct der *ret, struct explain *ret_why)
{
	if (len > CRYPTO_CMS_PEM_MAX_BYTES)
		return crypto_refuse(ret_why, -EBADMSG, "the signature is larger than %u bytes",
				     CRYPTO_CMS_PEM_MAX_BYTES);

	int r = 0;
	char *name = NULL, *header = NULL;
	struct der der = {0};
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	if (!bio) {
		r = crypto_openssl_failure();
		goto out;
	}
	if (PEM_read_bio(bio, &name, &header, &der.bytes, &der.len) != 1 || !is_canonical_pem(&der, pem, len)) {
		r = crypto_refuse(ret_why, -EBADMSG,
				  "the signature is not exactly one PEM block %s with base64 of 64 characters a line "
				  "and LF",
				  CRYPTO_CMS_BEGIN);
		goto out;
	}
	*ret = der;
	der.bytes = NULL;
out:
	OPENSSL_free(der.bytes);
	OPENSSL_free(name);
	OPENSSL_free(header);
	BIO_free(bio);
	return r;
}

bool cms_algorithm_is(const X509_ALGOR *algorithm, int nid, bool null_tolerated)
{
	const ASN1_OBJECT *object;
	int parameter;
	X509_ALGOR_get0(&object, &parameter, NULL, algorithm);
	return OBJ_obj2nid(object) == nid &&
	       (parameter == V_ASN1_UNDEF || (null_tolerated && parameter == V_ASN1_NULL));
}

static bool is_of_type(const ASN1_OBJECT *type, const char *oid)
{
	ASN1_OBJECT *wanted = OBJ_txt2obj(oid, 1);
	bool same = wanted && OBJ_cmp(type, wanted) == 0;
	ASN1_OBJECT_free(wanted);
	return same;
}

static int check_message(const PROFILE_MESSAGE *message, const char *content_type_oid, struct explain *ret_why)
{
	const PROFILE_SIGNED_DATA *data = message->signed_data;
	if (OBJ_obj2nid(message->type) != NID_pkcs7_signed || ASN1_INTEGER_get(data->version) != SIGNED_DATA_VERSION)
		return crypto_refuse(ret_why, -EBADMSG, "the signature is not a CMS SignedData of version %d",
				     SIGNED_DATA_VERSION);
	if (sk_X509_ALGOR_num(data->digests) != 1 ||
	    !cms_algorithm_is(sk_X509_ALGOR_value(data->digests, 0), NID_sha384, true))
		return crypto_refuse(ret_why, -EBADMSG, "the digest algorithms are not SHA-384 alone");
	if (!is_of_type(data->content->type, content_type_oid))
		return crypto_refuse(ret_why, -EBADMSG, "the signed content is not of type %s", content_type_oid);
	if (sk_PROFILE_SIGNER_num(data->signers) != 1)
		return crypto_refuse(ret_why, -EBADMSG, "%d signers, exactly one expected",
				     sk_PROFILE_SIGNER_num(data->signers));
	return 0;
}

static int check_signer(const PROFILE_SIGNER *signer, struct explain *ret_why)
{
	if (ASN1_INTEGER_get(signer->version) != SIGNER_INFO_VERSION)
		return crypto_refuse(ret_why, -EBADMSG, "the SignerInfo is not of version %d", SIGNER_INFO_VERSION);
	if (!cms_algorithm_is(signer->digest, NID_sha384, true) ||
	    !cms_algorithm_is(signer->algorithm, NID_ecdsa_with_SHA384, false))
		return crypto_refuse(ret_why, -EBADMSG, "the signature algorithm is not ecdsa-with-SHA384");
	return 0;
}

/*
 * The signature over the attributes; that messageDigest is the content's has been checked by then. What was signed is
 * their DER as a SET OF (RFC 5652, 5.4), and what was decoded has no other. CMS_SignerInfo_verify would want the whole
 * message decoded once more, which with OpenSSL 3.0 takes as long as half a verification.
 */
static bool is_signed_by(const PROFILE_SIGNER *signer, EVP_PKEY *key)
{
	uint8_t *attributes = NULL;
	int len = ASN1_item_i2d((const ASN1_VALUE *)signer->signed_attributes, &attributes,
				ASN1_ITEM_rptr(PROFILE_SIGNED_ATTRIBUTES));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool verified = len > 0 && ctx && crypto_md_sha384() &&
			EVP_DigestVerifyInit(ctx, NULL, crypto_md_sha384(), NULL, key) == 1 &&
			EVP_DigestVerify(ctx, ASN1_STRING_get0_data(signer->signature),
					 (size_t)ASN1_STRING_length(signer->signature), attributes, (size_t)len) == 1;
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(attributes);
	return verified;
}

static int verify_signature(const PROFILE_SIGNER *signer, X509 *leaf, struct explain *ret_why)
{
	EVP_PKEY *key = X509_get0_pubkey(leaf);
	if (!key || !EVP_PKEY_is_a(key, "EC") || !is_signed_by(signer, key))
		return crypto_refuse(ret_why, -EBADMSG,
				     "the signature was not made with the key of the certificate it carries, or was "
				     "changed since");
	return 0;
}

static int read_message(const struct der *der, const char *content_type_oid, struct crypto_cms *cms,
			struct explain *ret_why)
{
	cms->message = cms_profile_decode(ASN1_ITEM_rptr(PROFILE_MESSAGE), der->bytes, (size_t)der->len);
	if (!cms->message)
		return crypto_refuse(ret_why, -EBADMSG,
				     "the signature is not a CMS SignedData of the form expected, in DER");
	int r = check_message(cms->message, content_type_oid, ret_why);
	if (r < 0)
		return r;

	const PROFILE_SIGNED_DATA *data = cms->message->signed_data;
	const PROFILE_SIGNER *signer = sk_PROFILE_SIGNER_value(data->signers, 0);
	r = check_signer(signer, ret_why);
	if (r < 0)
		return r;
	r = cms_order_certs(cms, data, signer, ret_why);
	if (r < 0)
		return r;
	r = cms_check_attributes(cms, data->content, signer, ret_why);
	if (r < 0)
		return r;
	return verify_signature(signer, cms->certs[0]->x509, ret_why);
}

int crypto_cms_parse(const void *pem, size_t len, const char *content_type_oid, struct crypto_cms **ret,
		     struct explain *ret_why)
{
	struct der der = {0};
	struct crypto_cms *cms = calloc(1, sizeof(*cms));
	if (!cms)
		return -ENOMEM;
	(void)crypto_openssl_drain(); /* what failed before is not about this */
	int r = read_pem(pem, len, &der, ret_why);
	if (r < 0)
		goto out;
	r = read_message(&der, content_type_oid, cms, ret_why);
	if (crypto_openssl_drain())
		r = -ENOMEM;
	if (r < 0)
		goto out;
	*ret = cms;
	cms = NULL;
out:
	OPENSSL_free(der.bytes);
	crypto_cms_free(cms);
	return r;
}

void crypto_cms_free(struct crypto_cms *cms)
{
	if (!cms)
		return;
	for (size_t i = 0; i < cms->cert_count; i++)
		crypto_cert_free(cms->certs[i]);
	ASN1_item_free((ASN1_VALUE *)cms->message, ASN1_ITEM_rptr(PROFILE_MESSAGE));
	free(cms);
}

const char *crypto_cms_content(const struct crypto_cms *cms, size_t *ret_len)
{
	const ASN1_OCTET_STRING *bytes = cms->message->signed_data->content->bytes;
	*ret_len = (size_t)ASN1_STRING_length(bytes);
	return *ret_len > 0 ? (const char *)ASN1_STRING_get0_data(bytes) : "";
}

int64_t crypto_cms_signing_time_s(const struct crypto_cms *cms)
{
	return cms->signing_time_s;
}

size_t crypto_cms_cert_count(const struct crypto_cms *cms)
{
	return cms->cert_count;
}

const struct crypto_cert *crypto_cms_cert(const struct crypto_cms *cms, size_t index)
{
	ASSERT(index < cms->cert_count);
	return cms->certs[index];
}

bool crypto_cms_has_timestamp(const struct crypto_cms *cms)
{
	return cms->token != NULL;
}
