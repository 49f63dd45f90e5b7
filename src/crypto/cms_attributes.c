/*
 * The attributes of the signer: contentType, messageDigest, signingTime and signingCertificateV2, each once, with one
 * value, and nothing else; beside them, unsigned, at most one RFC 3161 token.
 *
 * A message without signed attributes could be forged from a genuine one (its content would be another message's
 * attributes), so they are demanded. Each value is compared with what it must be, not merely read.
 *
 * Tokens: their form is looked at (a SignedData with a TSTInfo inside), and nothing is concluded from them here;
 * timestamp.c verifies them.
 */
#include <errno.h>
#include <string.h>

#include <openssl/cms.h>

#include "base/clock.h"
#include "cms_internal.h"

/* What the values are checked against. */
struct subject {
	struct crypto_cms *cms;
	const PROFILE_CONTENT *content;
	const X509 *leaf;
	struct explain *why;
};

static int check_content_type(const ASN1_TYPE *value, const struct subject *s)
{
	if (value->type != V_ASN1_OBJECT || OBJ_cmp(value->value.object, s->content->type) != 0)
		return crypto_refuse(s->why, -EBADMSG, "signed attribute contentType is not the content's type");
	return 0;
}

static int check_message_digest(const ASN1_TYPE *value, const struct subject *s)
{
	uint8_t digest[CRYPTO_SHA384_BYTES];
	const ASN1_OCTET_STRING *content = s->content->bytes;
	int r = crypto_sha384(ASN1_STRING_get0_data(content), (size_t)ASN1_STRING_length(content), digest);
	if (r < 0)
		return r;
	const ASN1_OCTET_STRING *stated = value->type == V_ASN1_OCTET_STRING ? value->value.octet_string : NULL;
	if (!stated || ASN1_STRING_length(stated) != (int)sizeof(digest) ||
	    memcmp(ASN1_STRING_get0_data(stated), digest, sizeof(digest)) != 0)
		return crypto_refuse(s->why, -EBADMSG,
				     "signed attribute messageDigest is not the SHA-384 of the content");
	return 0;
}

/* One time has one spelling: it is made again from the seconds (UTCTime before 2050) and compared. */
static int check_signing_time(const ASN1_TYPE *value, const struct subject *s)
{
	struct tm tm;
	ASN1_TIME *again = NULL;
	int r = 0;
	bool is_time = value->type == V_ASN1_UTCTIME || value->type == V_ASN1_GENERALIZEDTIME;
	if (is_time && ASN1_TIME_to_tm(value->value.asn1_string, &tm) == 1) {
		s->cms->signing_time_s = clock_from_tm(&tm);
		again = ASN1_TIME_set(NULL, (time_t)s->cms->signing_time_s);
	}
	if (!again || ASN1_STRING_cmp(again, value->value.asn1_string) != 0)
		r = crypto_refuse(s->why, -EBADMSG,
				  "signed attribute signingTime is not a time YYMMDDhhmmssZ (from 2050 on "
				  "YYYYMMDDhhmmssZ)");
	ASN1_TIME_free(again);
	return r;
}

/* The issuer and serial number are optional; where they stand they must be the leaf's. */
static bool is_issuer_serial_of(const PROFILE_ISSUER_SERIAL *id, const X509 *leaf)
{
	if (!id)
		return true;
	if (sk_GENERAL_NAME_num(id->issuer) != 1)
		return false;
	const GENERAL_NAME *issuer = sk_GENERAL_NAME_value(id->issuer, 0);
	return issuer->type == GEN_DIRNAME && X509_NAME_cmp(issuer->d.directoryName, X509_get_issuer_name(leaf)) == 0 &&
	       ASN1_INTEGER_cmp(id->serial, X509_get0_serialNumber(leaf)) == 0;
}

static bool names_leaf(const PROFILE_SIGNING_CERT *signing_cert, const X509 *leaf)
{
	uint8_t digest[CRYPTO_SHA384_BYTES];
	if (sk_PROFILE_CERT_ID_num(signing_cert->certs) != 1 || !crypto_md_sha384() ||
	    X509_digest(leaf, crypto_md_sha384(), digest, NULL) != 1)
		return false;
	const PROFILE_CERT_ID *id = sk_PROFILE_CERT_ID_value(signing_cert->certs, 0);
	return cms_algorithm_is(id->hash_algorithm, NID_sha384, true) &&
	       ASN1_STRING_length(id->hash) == (int)sizeof(digest) &&
	       memcmp(ASN1_STRING_get0_data(id->hash), digest, sizeof(digest)) == 0 &&
	       is_issuer_serial_of(id->issuer_serial, leaf);
}

static int check_signing_cert(const ASN1_TYPE *value, const struct subject *s)
{
	PROFILE_SIGNING_CERT *signing_cert = NULL;
	if (value->type == V_ASN1_SEQUENCE)
		signing_cert = cms_profile_decode(ASN1_ITEM_rptr(PROFILE_SIGNING_CERT),
						  ASN1_STRING_get0_data(value->value.sequence),
						  (size_t)ASN1_STRING_length(value->value.sequence));
	bool ok = signing_cert && names_leaf(signing_cert, s->leaf);
	ASN1_item_free((ASN1_VALUE *)signing_cert, ASN1_ITEM_rptr(PROFILE_SIGNING_CERT));
	if (!ok)
		return crypto_refuse(s->why, -EBADMSG,
				     "signed attribute signingCertificateV2 does not name the signer's certificate by "
				     "one SHA-384 digest");
	return 0;
}

static const struct {
	int nid;
	const char *name;
	int (*check)(const ASN1_TYPE *value, const struct subject *s);
} demanded[] = {
	{NID_pkcs9_contentType, "contentType", check_content_type},
	{NID_pkcs9_messageDigest, "messageDigest", check_message_digest},
	{NID_pkcs9_signingTime, "signingTime", check_signing_time},
	{NID_id_smime_aa_signingCertificateV2, "signingCertificateV2", check_signing_cert},
};

/* The value of the first attribute of this kind, when it has exactly one. */
static const ASN1_TYPE *single_value(const STACK_OF(X509_ATTRIBUTE) * attributes, int nid)
{
	for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
		X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(attributes, i);
		if (OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute)) == nid)
			return X509_ATTRIBUTE_count(attribute) == 1 ? X509_ATTRIBUTE_get0_type(attribute, 0) : NULL;
	}
	return NULL;
}

static bool looks_like_token(const ASN1_TYPE *value)
{
	if (!value || value->type != V_ASN1_SEQUENCE)
		return false;
	const uint8_t *at = ASN1_STRING_get0_data(value->value.sequence);
	const uint8_t *end = at + ASN1_STRING_length(value->value.sequence);
	CMS_ContentInfo *token = d2i_CMS_ContentInfo(NULL, &at, end - at);
	bool ok = token && at == end && OBJ_obj2nid(CMS_get0_type(token)) == NID_pkcs7_signed &&
		  OBJ_obj2nid(CMS_get0_eContentType(token)) == NID_id_smime_ct_TSTInfo;
	CMS_ContentInfo_free(token);
	return ok;
}

static int check_unsigned(struct crypto_cms *cms, const STACK_OF(X509_ATTRIBUTE) * attributes, struct explain *ret_why)
{
	if (!attributes)
		return 0;
	const ASN1_TYPE *value = single_value(attributes, NID_id_smime_aa_timeStampToken);
	if (sk_X509_ATTRIBUTE_num(attributes) != 1 || !looks_like_token(value))
		return crypto_refuse(ret_why, -EBADMSG,
				     "the unsigned attributes are something else than one RFC 3161 token");
	cms->token = value->value.sequence;
	return 0;
}

int cms_check_attributes(struct crypto_cms *cms, const PROFILE_CONTENT *content, const PROFILE_SIGNER *signer,
			 struct explain *ret_why)
{
	const struct subject s = {.cms = cms, .content = content, .leaf = cms->certs[0]->x509, .why = ret_why};
	int count = sk_X509_ATTRIBUTE_num(signer->signed_attributes);
	if (count != (int)ARRAY_SIZE(demanded))
		return crypto_refuse(ret_why, -EBADMSG, "%d signed attributes, %zu expected", count,
				     ARRAY_SIZE(demanded));
	for (size_t i = 0; i < ARRAY_SIZE(demanded); i++) {
		const ASN1_TYPE *value = single_value(signer->signed_attributes, demanded[i].nid);
		if (!value)
			return crypto_refuse(ret_why, -EBADMSG,
					     "signed attribute %s is missing or has not exactly one value",
					     demanded[i].name);
		int r = demanded[i].check(value, &s);
		if (r < 0)
			return r;
	}
	return check_unsigned(cms, signer->unsigned_attributes, ret_why);
}
