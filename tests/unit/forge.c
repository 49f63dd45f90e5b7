#include "forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ess.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define UNKNOWN_OID "2.25.1234567890"

const struct forge_cert_spec forge_ca_spec = {
	.common_name = "root",
	.curve = "P-384",
	.not_before_s = FORGE_FROM_S,
	.not_after_s = FORGE_TO_S,
	.basic_constraints = "critical,CA:TRUE",
	.key_usage = "critical,keyCertSign",
};

const struct forge_cert_spec forge_leaf_spec = {
	.common_name = "leaf",
	.curve = "P-384",
	.not_before_s = FORGE_FROM_S,
	.not_after_s = FORGE_TO_S,
	.basic_constraints = "critical,CA:FALSE",
	.key_usage = "critical,digitalSignature",
	.ext_key_usage = "codeSigning",
	.san = "URI:" FORGE_ARN,
};

static const EVP_MD *or_sha384(const EVP_MD *md)
{
	return md ? md : EVP_sha384();
}

static void add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
	if (!value)
		return;
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void add_unknown_extension(X509 *x509, const char *value)
{
	if (!value)
		return;
	ASN1_OBJECT *oid = OBJ_txt2obj(UNKNOWN_OID, 1);
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	assert_int_equal(ASN1_OCTET_STRING_set(bytes, (const uint8_t *)"\x05", 2), 1); /* a DER NULL */
	X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, strcmp(value, "critical") == 0, bytes);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(bytes);
	ASN1_OBJECT_free(oid);
}

void forge_cert(const struct forge_cert_spec *spec, const struct forge_cert *issuer, struct forge_cert *ret)
{
	static long serial;
	EVP_PKEY *key = spec->rsa_bits ? EVP_RSA_gen(spec->rsa_bits) : EVP_EC_gen(spec->curve);
	X509 *x509 = X509_new();
	assert_non_null(key);
	if (spec->explicit_curve)
		assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
	X509 *by = issuer && !spec->self_signed ? issuer->x509 : x509;
	assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
						    (const uint8_t *)spec->common_name, -1, -1, 0),
			 1);
	assert_int_equal(X509_set_issuer_name(x509, X509_get_subject_name(by)), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)spec->not_before_s));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)spec->not_after_s));
	assert_int_equal(X509_set_pubkey(x509, key), 1);
	add_extension(x509, by, NID_basic_constraints, spec->basic_constraints);
	add_extension(x509, by, NID_key_usage, spec->key_usage);
	add_extension(x509, by, NID_ext_key_usage, spec->ext_key_usage);
	add_extension(x509, by, NID_subject_alt_name, spec->san);
	add_extension(x509, by, NID_subject_key_identifier, "hash");
	if (by != x509)
		add_extension(x509, by, NID_authority_key_identifier, "keyid:always");
	add_unknown_extension(x509, spec->unknown);
	assert_true(X509_sign(x509, by == x509 ? key : issuer->key, or_sha384(spec->md)) > 0);
	*ret = (struct forge_cert){.x509 = x509, .key = key};
}

void forge_cert_done(struct forge_cert *cert)
{
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key);
	*cert = (struct forge_cert){0};
}

static void take_bio(BIO *bio, struct buf *ret)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);
	assert_int_equal(buf_append(ret, bytes, (size_t)len), 0);
	BIO_free(bio);
}

void forge_cert_pem(const struct forge_cert *cert, struct buf *ret)
{
	BIO *bio = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_X509(bio, cert->x509), 1);
	take_bio(bio, ret);
}

void forge_pem(const struct buf *der, struct buf *ret_pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	assert_true(PEM_write_bio(bio, "CMS", "", (const uint8_t *)der->data, (long)der->len) > 0);
	take_bio(bio, ret_pem);
}

static void add_ess(CMS_SignerInfo *signer, const struct forge_message_spec *spec)
{
	X509 *named = (spec->ess ? spec->ess : spec->signer)->x509;
	STACK_OF(X509) *more = sk_X509_new_null();
	if (spec->ess_second)
		assert_true(sk_X509_push(more, spec->ess_second->x509) > 0);
	ESS_SIGNING_CERT_V2 *ess = OSSL_ESS_signing_cert_v2_new_init(or_sha384(spec->ess_md), named, more,
								     !spec->ess_without_serial);
	sk_X509_free(more);
	uint8_t *der = NULL;
	int len = i2d_ESS_SIGNING_CERT_V2(ess, &der);
	assert_true(len > 0);
	assert_int_equal(
		CMS_signed_add1_attr_by_NID(signer, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE, der, len),
		1);
	OPENSSL_free(der);
	ESS_SIGNING_CERT_V2_free(ess);
}

static void add_signing_time(CMS_SignerInfo *signer, const struct forge_message_spec *spec)
{
	ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)spec->signing_time_s);
	if (spec->signing_time_type == V_ASN1_GENERALIZEDTIME) {
		ASN1_TIME_free(at);
		at = ASN1_GENERALIZEDTIME_set(NULL, (time_t)spec->signing_time_s);
	}
	assert_int_equal(CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime, ASN1_STRING_type(at), at, -1), 1);
	ASN1_TIME_free(at);
}

static void add_signer(CMS_ContentInfo *cms, const struct forge_message_spec *spec, const struct forge_cert *by,
		       bool with_cert)
{
	unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL;
	flags |= spec->no_attributes ? CMS_NOATTR : 0;
	flags |= spec->key_identifier ? CMS_USE_KEYID : 0;
	flags |= with_cert ? 0 : CMS_NOCERTS;
	CMS_SignerInfo *signer = CMS_add1_signer(cms, by->x509, by->key, or_sha384(spec->md), flags);
	assert_non_null(signer);
	if (spec->null_parameter) {
		X509_ALGOR *digest;
		CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest, NULL);
		assert_int_equal(X509_ALGOR_set0(digest, OBJ_nid2obj(NID_sha384), V_ASN1_NULL, NULL), 1);
	}
	if (spec->no_attributes)
		return;
	if (!spec->no_ess)
		add_ess(signer, spec);
	add_signing_time(signer, spec);
	if (spec->extra_attribute)
		assert_int_equal(CMS_signed_add1_attr_by_txt(signer, UNKNOWN_OID, MBSTRING_ASC, "x", 1), 1);
}

static void add_crl(CMS_ContentInfo *cms, const struct forge_cert *by)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *at = ASN1_TIME_set(NULL, 0);
	assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->x509)), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, at), 1);
	assert_true(X509_CRL_sign(crl, by->key, EVP_sha384()) > 0);
	assert_int_equal(CMS_add1_crl(cms, crl), 1);
	ASN1_TIME_free(at);
	X509_CRL_free(crl);
}

/* An RFC 3161 token as far as its form goes. */
static void add_timestamp(CMS_SignerInfo *signer, const struct forge_message_spec *spec)
{
	struct buf der = {0};
	const struct forge_message_spec token = {
		.signer = spec->signer,
		.content_type = spec->bad_timestamp ? "2.25.1" : "1.2.840.113549.1.9.16.1.4",
		.content = "a time",
		.signing_time_s = spec->signing_time_s,
	};
	forge_message(&token, &der);
	assert_int_equal(CMS_unsigned_add1_attr_by_NID(signer, NID_id_smime_aa_timeStampToken, V_ASN1_SEQUENCE,
						       der.data, (int)der.len),
			 1);
	buf_done(&der);
}

/* (r, s) verifies whenever (r, n - s) does. */
static void turn_s(CMS_SignerInfo *signer, const EVP_PKEY *key)
{
	ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(signer);
	const uint8_t *at = ASN1_STRING_get0_data(signature);
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, ASN1_STRING_length(signature));
	BIGNUM *order = NULL, *s = BN_new(), *r = BN_dup(ECDSA_SIG_get0_r(sig));
	uint8_t *der = NULL;
	assert_int_equal(EVP_PKEY_get_bn_param(key, "order", &order), 1);
	assert_int_equal(BN_sub(s, order, ECDSA_SIG_get0_s(sig)), 1);
	assert_int_equal(ECDSA_SIG_set0(sig, r, s), 1);
	int len = i2d_ECDSA_SIG(sig, &der);
	assert_int_equal(ASN1_OCTET_STRING_set(signature, der, len), 1);
	OPENSSL_free(der);
	BN_free(order);
	ECDSA_SIG_free(sig);
}

static void change_signed(CMS_ContentInfo *cms, const struct forge_message_spec *spec)
{
	CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	if (spec->content_type_after) {
		ASN1_OBJECT *type = OBJ_txt2obj(spec->content_type_after, 1);
		assert_int_equal(CMS_set1_eContentType(cms, type), 1);
		ASN1_OBJECT_free(type);
	}
	if (spec->other_s)
		turn_s(signer, spec->signer->key);
	if (spec->with_timestamp || spec->bad_timestamp)
		add_timestamp(signer, spec);
	if (spec->other_unsigned)
		assert_int_equal(CMS_unsigned_add1_attr_by_txt(signer, UNKNOWN_OID, MBSTRING_ASC, "x", 1), 1);
}

void forge_message(const struct forge_message_spec *spec, struct buf *ret_der)
{
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
	ASN1_OBJECT *type = OBJ_txt2obj(spec->content_type, 1);
	BIO *content = BIO_new_mem_buf(spec->content, spec->content_len > 0 ? (int)spec->content_len : -1);
	assert_int_equal(CMS_set1_eContentType(cms, type), 1);
	add_signer(cms, spec, spec->signer, !spec->no_signer_cert);
	if (spec->second_signer)
		add_signer(cms, spec, spec->second_signer, spec->second_signer != spec->signer);
	for (size_t i = 0; i < ARRAY_SIZE(spec->carried) && spec->carried[i]; i++)
		assert_int_equal(CMS_add1_cert(cms, spec->carried[i]->x509), 1);
	if (spec->with_crl)
		add_crl(cms, spec->signer);
	assert_int_equal(CMS_final(cms, content, NULL, CMS_BINARY), 1);
	change_signed(cms, spec);

	uint8_t *der = NULL;
	int len = i2d_CMS_ContentInfo(cms, &der);
	assert_true(len > 0);
	assert_int_equal(buf_append(ret_der, der, (size_t)len), 0);
	OPENSSL_free(der);
	BIO_free(content);
	ASN1_OBJECT_free(type);
	CMS_ContentInfo_free(cms);
}
