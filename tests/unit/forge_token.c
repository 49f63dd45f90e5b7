#include "forge_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ess.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

const struct forge_cert_spec forge_tsa_ca_spec = {
	.common_name = "TSA root",
	.curve = "P-256",
	.not_before_s = FORGE_FROM_S,
	.not_after_s = FORGE_TO_S,
	.basic_constraints = "critical,CA:TRUE",
	.key_usage = "critical,keyCertSign",
};

const struct forge_cert_spec forge_tsa_spec = {
	.common_name = "TSA",
	.curve = "P-256",
	.not_before_s = FORGE_FROM_S,
	.not_after_s = FORGE_TO_S,
	.basic_constraints = "CA:FALSE",
	.key_usage = "critical,digitalSignature",
	.ext_key_usage = "critical,timeStamping",
};

static const EVP_MD *or_sha384(const EVP_MD *md)
{
	return md ? md : EVP_sha384();
}

static CMS_ContentInfo *read_message(const struct buf *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	CMS_ContentInfo *cms = PEM_read_bio_CMS(bio, NULL, NULL, NULL);
	assert_non_null(cms);
	BIO_free(bio);
	return cms;
}

static CMS_SignerInfo *first_signer(CMS_ContentInfo *cms)
{
	return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
}

static void set_imprint(TS_TST_INFO *info, const struct forge_token_spec *spec, const struct buf *message_pem)
{
	CMS_ContentInfo *cms = read_message(message_pem);
	const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(first_signer(cms));
	const EVP_MD *md = or_sha384(spec->imprint_md);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;
	assert_int_equal(EVP_Digest(ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature), digest,
				    &len, md, NULL),
			 1);
	if (spec->other_imprint)
		digest[0] ^= 1;
	X509_ALGOR *algorithm = X509_ALGOR_new();
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	assert_int_equal(X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL), 1);
	assert_int_equal(TS_MSG_IMPRINT_set_algo(imprint, algorithm), 1);
	assert_int_equal(TS_MSG_IMPRINT_set_msg(imprint, digest, (int)len - (spec->short_imprint ? 1 : 0)), 1);
	assert_int_equal(TS_TST_INFO_set_msg_imprint(info, imprint), 1);
	TS_MSG_IMPRINT_free(imprint);
	X509_ALGOR_free(algorithm);
	CMS_ContentInfo_free(cms);
}

static void set_time(TS_TST_INFO *info, const struct forge_token_spec *spec)
{
	ASN1_GENERALIZEDTIME *at = ASN1_GENERALIZEDTIME_set(NULL, (time_t)spec->at_s);
	if (spec->time)
		assert_int_equal(ASN1_STRING_set(at, spec->time, (int)strlen(spec->time)), 1);
	assert_int_equal(TS_TST_INFO_set_time(info, at), 1);
	ASN1_GENERALIZEDTIME_free(at);
}

static void set_nonce(TS_TST_INFO *info, const struct buf *query)
{
	if (!query)
		return;
	const uint8_t *at = (const uint8_t *)query->data;
	TS_REQ *request = d2i_TS_REQ(NULL, &at, (long)query->len);
	assert_non_null(request);
	assert_int_equal(TS_TST_INFO_set_nonce(info, TS_REQ_get_nonce(request)), 1);
	TS_REQ_free(request);
}

static void add_critical_extension(TS_TST_INFO *info)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("2.25.1234567890", 1);
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	assert_int_equal(ASN1_OCTET_STRING_set(bytes, (const uint8_t *)"\x05", 2), 1);
	X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, bytes);
	assert_int_equal(TS_TST_INFO_add_ext(info, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(bytes);
	ASN1_OBJECT_free(oid);
}

static void make_info(const struct forge_token_spec *spec, const struct buf *message_pem, struct buf *ret)
{
	TS_TST_INFO *info = TS_TST_INFO_new();
	ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4", 1);
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	uint8_t *der = NULL;
	assert_int_equal(ASN1_INTEGER_set(serial, 7), 1);
	assert_int_equal(TS_TST_INFO_set_version(info, spec->version ? spec->version : 1), 1);
	assert_int_equal(TS_TST_INFO_set_policy_id(info, policy), 1);
	assert_int_equal(TS_TST_INFO_set_serial(info, serial), 1);
	set_imprint(info, spec, message_pem);
	set_time(info, spec);
	set_nonce(info, spec->nonce_of);
	if (spec->critical_extension)
		add_critical_extension(info);
	int len = i2d_TS_TST_INFO(info, &der);
	assert_true(len > 0);
	assert_int_equal(buf_append(ret, der, (size_t)len), 0);
	if (spec->trailing_byte)
		assert_int_equal(buf_putc(ret, 0), 0);
	if (spec->not_tst_info)
		ret->data[0] = 0x31; /* a SET */
	OPENSSL_free(der);
	ASN1_INTEGER_free(serial);
	ASN1_OBJECT_free(policy);
	TS_TST_INFO_free(info);
}

static void add_ess(CMS_SignerInfo *signer, const struct forge_token_spec *spec, const struct forge_cert *by)
{
	X509 *named = (spec->ess ? spec->ess : by)->x509;
	uint8_t *der = NULL;
	int len, nid;
	if (spec->old_ess) {
		ESS_SIGNING_CERT *ess = OSSL_ESS_signing_cert_new_init(named, NULL, 1);
		len = i2d_ESS_SIGNING_CERT(ess, &der);
		nid = NID_id_smime_aa_signingCertificate;
		ESS_SIGNING_CERT_free(ess);
	} else {
		ESS_SIGNING_CERT_V2 *ess = OSSL_ESS_signing_cert_v2_new_init(EVP_sha256(), named, NULL, 1);
		len = i2d_ESS_SIGNING_CERT_V2(ess, &der);
		nid = NID_id_smime_aa_signingCertificateV2;
		ESS_SIGNING_CERT_V2_free(ess);
	}
	assert_true(len > 0);
	assert_int_equal(CMS_signed_add1_attr_by_NID(signer, nid, V_ASN1_SEQUENCE, der, len), 1);
	OPENSSL_free(der);
}

static void add_signer(CMS_ContentInfo *cms, const struct forge_token_spec *spec, const struct forge_cert *by)
{
	unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL;
	flags |= spec->no_attributes ? CMS_NOATTR : 0;
	flags |= spec->no_certificate ? CMS_NOCERTS : 0;
	CMS_SignerInfo *signer = CMS_add1_signer(cms, by->x509, by->key, or_sha384(spec->md), flags);
	assert_non_null(signer);
	if (!spec->no_attributes && !spec->no_ess)
		add_ess(signer, spec, by);
}

static void set_type(CMS_ContentInfo *cms, const char *oid)
{
	ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
	assert_int_equal(CMS_set1_eContentType(cms, type), 1);
	ASN1_OBJECT_free(type);
}

static void append_der(const CMS_ContentInfo *cms, struct buf *ret)
{
	uint8_t *der = NULL;
	int len = i2d_CMS_ContentInfo(cms, &der);
	assert_true(len > 0);
	assert_int_equal(buf_append(ret, der, (size_t)len), 0);
	OPENSSL_free(der);
}

void forge_token(const struct forge_token_spec *spec, const struct buf *message_pem, struct buf *ret_der)
{
	struct buf info = {0};
	make_info(spec, message_pem, &info);
	BIO *content = BIO_new_mem_buf(info.data, (int)info.len);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
	set_type(cms, spec->type_after ? spec->type_after : "1.2.840.113549.1.9.16.1.4");
	add_signer(cms, spec, spec->signer);
	if (spec->second_signer)
		add_signer(cms, spec, spec->second_signer);
	for (size_t i = 0; i < ARRAY_SIZE(spec->carried) && spec->carried[i]; i++)
		assert_int_equal(CMS_add1_cert(cms, spec->carried[i]->x509), 1);
	assert_int_equal(CMS_final(cms, content, NULL, CMS_BINARY), 1);
	if (spec->type_after)
		set_type(cms, "1.2.840.113549.1.9.16.1.4");
	if (spec->bad_signature) {
		ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(first_signer(cms));
		uint8_t *bytes = (uint8_t *)(uintptr_t)ASN1_STRING_get0_data(signature);
		bytes[ASN1_STRING_length(signature) - 1] ^= 1;
	}
	append_der(cms, ret_der);
	CMS_ContentInfo_free(cms);
	BIO_free(content);
	buf_done(&info);
}

void forge_token_attach(const struct buf *message_pem, const struct buf *token_der, struct buf *ret_pem)
{
	struct buf der = {0};
	CMS_ContentInfo *cms = read_message(message_pem);
	assert_int_equal(CMS_unsigned_add1_attr_by_NID(first_signer(cms), NID_id_smime_aa_timeStampToken,
						       V_ASN1_SEQUENCE, token_der->data, (int)token_der->len),
			 1);
	append_der(cms, &der);
	forge_pem(&der, ret_pem);
	buf_done(&der);
	CMS_ContentInfo_free(cms);
}

/* A length of DER, appended in the form of two bytes. */
static void put_header(struct buf *b, uint8_t tag, size_t len)
{
	const uint8_t header[] = {tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};
	assert_true(len >= 256 && len <= UINT16_MAX);
	assert_int_equal(buf_append(b, header, sizeof(header)), 0);
}

void forge_reply(long status, const struct buf *token_der, struct buf *ret_der)
{
	const uint8_t head[] = {0x30, 0x03, 0x02, 0x01, (uint8_t)status};
	const uint8_t alone[] = {0x30, sizeof(head)};
	if (token_der)
		put_header(ret_der, 0x30, sizeof(head) + token_der->len);
	else
		assert_int_equal(buf_append(ret_der, alone, sizeof(alone)), 0);
	assert_int_equal(buf_append(ret_der, head, sizeof(head)), 0);
	if (token_der)
		assert_int_equal(buf_append(ret_der, token_der->data, token_der->len), 0);
}
