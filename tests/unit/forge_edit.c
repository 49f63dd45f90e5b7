/* Messages that are changed, or taken apart and put together otherwise, after they were signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/asn1t.h>

#include "forge.h"

/* SignedAttributes as they are signed: SET OF Attribute. */
typedef STACK_OF(X509_ATTRIBUTE) FORGE_ATTRIBUTES;
/* clang-format off */
ASN1_ITEM_TEMPLATE(FORGE_ATTRIBUTES) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0, attributes, X509_ATTRIBUTE)
static_ASN1_ITEM_TEMPLATE_END(FORGE_ATTRIBUTES)

CMS_SignerInfo *forge_first_signer(CMS_ContentInfo *cms)
/* clang-format on */
{
	return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
}

static CMS_ContentInfo *decode(const struct buf *der)
{
	const uint8_t *at = (const uint8_t *)der->data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->len);
	assert_non_null(cms);
	return cms;
}

void forge_edit(struct buf *der, void (*edit)(CMS_ContentInfo *cms))
{
	CMS_ContentInfo *cms = decode(der);
	uint8_t *bytes = NULL;
	edit(cms);
	int len = i2d_CMS_ContentInfo(cms, &bytes);
	assert_true(len > 0);
	buf_reset(der);
	assert_int_equal(buf_append(der, bytes, (size_t)len), 0);
	OPENSSL_free(bytes);
	CMS_ContentInfo_free(cms);
}

static int encode_attributes(const CMS_SignerInfo *signer, uint8_t **ret)
{
	STACK_OF(X509_ATTRIBUTE) *attributes = sk_X509_ATTRIBUTE_new_null();
	for (int i = 0; i < CMS_signed_get_attr_count(signer); i++)
		assert_true(sk_X509_ATTRIBUTE_push(attributes, CMS_signed_get_attr(signer, i)) > 0);
	int len = ASN1_item_i2d((const ASN1_VALUE *)attributes, ret, ASN1_ITEM_rptr(FORGE_ATTRIBUTES));
	assert_true(len > 0);
	sk_X509_ATTRIBUTE_free(attributes);
	return len;
}

void forge_attributes_as_content(const struct forge_message_spec *spec, struct buf *ret_der)
{
	struct buf genuine_der = {0};
	forge_message(spec, &genuine_der);
	CMS_ContentInfo *genuine = decode(&genuine_der);
	CMS_SignerInfo *signer = forge_first_signer(genuine);
	uint8_t *attributes = NULL;
	int len = encode_attributes(signer, &attributes);

	struct forge_message_spec bare = *spec;
	bare.no_attributes = true;
	bare.content = (const char *)attributes;
	bare.content_len = (size_t)len;
	forge_message(&bare, ret_der);
	CMS_ContentInfo *forged = decode(ret_der);
	const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(signer);
	assert_int_equal(ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(forge_first_signer(forged)),
					       ASN1_STRING_get0_data(signature), ASN1_STRING_length(signature)),
			 1);
	uint8_t *bytes = NULL;
	len = i2d_CMS_ContentInfo(forged, &bytes);
	assert_true(len > 0);
	buf_reset(ret_der);
	assert_int_equal(buf_append(ret_der, bytes, (size_t)len), 0);
	OPENSSL_free(bytes);
	OPENSSL_free(attributes);
	CMS_ContentInfo_free(forged);
	CMS_ContentInfo_free(genuine);
	buf_done(&genuine_der);
}
