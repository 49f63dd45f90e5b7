/* CMS messages of another form than the one that counts, or changed after they were signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "signature_scene.h"

/* ---- made otherwise ---- */

static void one_intermediate(struct signature_scene *s)
{
	s->inters = 1;
}
static void revocations_type(struct signature_scene *s)
{
	s->message.content_type = REVOCATIONS_CONTENT_TYPE;
}
static void plain_data(struct signature_scene *s)
{
	s->message.content_type = "1.2.840.113549.1.7.1";
}
static void type_changed_when_signed(struct signature_scene *s)
{
	s->message.content_type = REVOCATIONS_CONTENT_TYPE;
	s->message.content_type_after = STATEMENT_CONTENT_TYPE;
}
static void sha1(struct signature_scene *s)
{
	s->message.md = EVP_sha1();
}
static void sha256(struct signature_scene *s)
{
	s->message.md = EVP_sha256();
}
static void sha512(struct signature_scene *s)
{
	s->message.md = EVP_sha512();
}
static void no_attributes(struct signature_scene *s)
{
	s->message.no_attributes = true;
}
static void no_ess(struct signature_scene *s)
{
	s->message.no_ess = true;
}
static void extra_attribute(struct signature_scene *s)
{
	s->message.extra_attribute = true;
}
static void other_attribute(struct signature_scene *s)
{
	s->message.no_ess = s->message.extra_attribute = true;
}
static void generalized_time(struct signature_scene *s)
{
	s->message.signing_time_type = V_ASN1_GENERALIZEDTIME;
}
static void ess_of_another(struct signature_scene *s)
{
	s->message.ess = &s->stranger;
}
static void ess_of_two(struct signature_scene *s)
{
	s->message.ess_second = &s->ca;
}
static void ess_by_sha256(struct signature_scene *s)
{
	s->message.ess_md = EVP_sha256();
}
static void ess_without_serial(struct signature_scene *s)
{
	s->message.ess_without_serial = true;
}
static void null_parameter(struct signature_scene *s)
{
	s->message.null_parameter = true;
}
static void other_s(struct signature_scene *s)
{
	s->message.other_s = true;
}
static void second_signer(struct signature_scene *s)
{
	s->message.second_signer = &s->stranger;
}
static void signed_twice_by_one(struct signature_scene *s)
{
	s->message.second_signer = &s->leaf;
}
static void key_identifier(struct signature_scene *s)
{
	s->message.key_identifier = true;
}
static void with_crl(struct signature_scene *s)
{
	s->message.with_crl = true;
}
static void extra_certificate(struct signature_scene *s)
{
	s->message.carried[0] = &s->stranger;
}
static void root_carried(struct signature_scene *s)
{
	s->message.carried[0] = &s->ca;
}
static void no_signer_certificate(struct signature_scene *s)
{
	s->message.no_signer_cert = true;
	s->message.carried[0] = &s->stranger;
}
static void no_certificates(struct signature_scene *s)
{
	s->message.no_signer_cert = true;
}
static void unsigned_attribute(struct signature_scene *s)
{
	s->message.other_unsigned = true;
}
static void token(struct signature_scene *s)
{
	s->message.with_timestamp = true;
}
static void token_of_something_else(struct signature_scene *s)
{
	s->message.bad_timestamp = true;
}

/* ---- changed when it was signed ---- */

static void edit_nothing(CMS_ContentInfo *cms UNUSED)
{
}

static void strip(CMS_ContentInfo *cms, int nid)
{
	CMS_SignerInfo *signer = forge_first_signer(cms);
	X509_ATTRIBUTE *attribute = CMS_signed_delete_attr(signer, CMS_signed_get_attr_by_NID(signer, nid, -1));
	assert_non_null(attribute);
	X509_ATTRIBUTE_free(attribute);
}
static void strip_type(CMS_ContentInfo *cms)
{
	strip(cms, NID_pkcs9_contentType);
}
static void strip_digest(CMS_ContentInfo *cms)
{
	strip(cms, NID_pkcs9_messageDigest);
}
static void strip_time(CMS_ContentInfo *cms)
{
	strip(cms, NID_pkcs9_signingTime);
}
static void strip_ess(CMS_ContentInfo *cms)
{
	strip(cms, NID_id_smime_aa_signingCertificateV2);
}
static void strip_all(CMS_ContentInfo *cms)
{
	strip_type(cms);
	strip_digest(cms);
	strip_time(cms);
	strip_ess(cms);
}

/* In place of the attribute, one of the same kind with another value. */
static void swap(CMS_ContentInfo *cms, int nid, int type, const void *bytes, int len)
{
	strip(cms, nid);
	assert_int_equal(CMS_signed_add1_attr_by_NID(forge_first_signer(cms), nid, type, bytes, len), 1);
}
static void swap_digest(CMS_ContentInfo *cms)
{
	static const uint8_t digest[CRYPTO_SHA384_BYTES] = {1};
	swap(cms, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, digest, sizeof(digest));
}
static void swap_digest_for_a_short_one(CMS_ContentInfo *cms)
{
	static const uint8_t digest[CRYPTO_SHA256_BYTES] = {1};
	swap(cms, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, digest, sizeof(digest));
}
static void swap_time(CMS_ContentInfo *cms)
{
	swap(cms, NID_pkcs9_signingTime, V_ASN1_UTCTIME, "261121172713Z", 13);
}
static void time_into_ess(CMS_ContentInfo *cms)
{
	strip_ess(cms);
	assert_int_equal(CMS_signed_add1_attr_by_NID(forge_first_signer(cms), NID_pkcs9_signingTime, V_ASN1_UTCTIME,
						     "261121172713Z", 13),
			 1);
}
/* One attribute with two values. */
static void two_times(CMS_ContentInfo *cms)
{
	X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create_by_NID(NULL, NID_pkcs9_signingTime, V_ASN1_UTCTIME,
								 "261121172712Z", 13);
	assert_int_equal(X509_ATTRIBUTE_set1_data(attribute, V_ASN1_UTCTIME, "261121172713Z", 13), 1);
	strip_time(cms);
	assert_int_equal(CMS_signed_add1_attr(forge_first_signer(cms), attribute), 1);
	X509_ATTRIBUTE_free(attribute);
}
static void flip_signature(CMS_ContentInfo *cms)
{
	ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(forge_first_signer(cms));
	assert_true(ASN1_STRING_length(signature) > 40);
	uint8_t changed[256];
	int len = ASN1_STRING_length(signature);
	assert_true((size_t)len <= sizeof(changed));
	memcpy(changed, ASN1_STRING_get0_data(signature), (size_t)len);
	changed[20] ^= 1;
	assert_int_equal(ASN1_OCTET_STRING_set(signature, changed, len), 1);
}
static void empty_signature(CMS_ContentInfo *cms)
{
	assert_int_equal(
		ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(forge_first_signer(cms)), (const uint8_t *)"", 0),
		1);
}
/* r = s = 0, which verifiers that forget the range take for any message (CVE-2022-21449). */
static void zero_signature(CMS_ContentInfo *cms)
{
	static const uint8_t zeros[] = {0x30, 6, 2, 1, 0, 2, 1, 0};
	assert_int_equal(
		ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(forge_first_signer(cms)), zeros, sizeof(zeros)), 1);
}
static void detach(CMS_ContentInfo *cms)
{
	assert_int_equal(CMS_set_detached(cms, 1), 1);
}

#define EDIT(name, how)                                                                                                \
	static void name(struct signature_scene *s)                                                                    \
	{                                                                                                              \
		forge_edit(&s->der, how);                                                                              \
	}
EDIT(unedited, edit_nothing)
EDIT(without_type, strip_type)
EDIT(without_digest, strip_digest)
EDIT(without_time, strip_time)
EDIT(without_ess, strip_ess)
EDIT(without_all, strip_all)
EDIT(other_digest, swap_digest)
EDIT(short_digest, swap_digest_for_a_short_one)
EDIT(other_time, swap_time)
EDIT(time_twice, time_into_ess)
EDIT(time_of_two_values, two_times)
EDIT(other_signature, flip_signature)
EDIT(without_signature, empty_signature)
EDIT(zeros_as_signature, zero_signature)
EDIT(detached, detach)

/* What was signed for one content put on another. */
static void content_changed(struct signature_scene *s)
{
	char *found = memmem(s->der.data, s->der.len, "expires-at: 2027", 16);
	assert_non_null(found);
	found[15] = '9';
}

static void attributes_as_content(struct signature_scene *s)
{
	buf_reset(&s->der);
	forge_attributes_as_content(&s->message, &s->der);
}

/* A key of the same account in the place of the one that the certificate is for. */
static void signed_with_another_key(struct signature_scene *s)
{
	const struct forge_cert mixed = {.x509 = s->leaf.x509, .key = s->stranger.key};
	X509 *copy = X509_dup(s->leaf.x509);
	assert_int_equal(X509_set_pubkey(copy, s->stranger.key), 1);
	assert_true(X509_sign(copy, s->ca.key, EVP_sha384()) > 0);
	const struct forge_cert impostor = {.x509 = copy, .key = s->stranger.key};
	s->message.signer = &impostor;
	s->message.ess = &mixed;
	s->message.no_signer_cert = true;
	s->message.carried[0] = &s->leaf;
	scene_make_message(s);
	X509_free(copy);
}

static void leaf_rsa(struct signature_scene *s)
{
	s->leaf_spec.rsa_bits = 2048;
}

static const struct signature_case cases[] = {
	{"should-pass-edited-by-nothing", PASSES, .der = unedited},
	{"should-pass-null-parameter-of-the-digest", PASSES, .message = null_parameter},
	{"should-pass-other-s-value", PASSES, .message = other_s},
	{"should-pass-ess-without-serial", PASSES, .message = ess_without_serial},
	{"should-pass-intermediate-carried", PASSES, .plan = one_intermediate},
	{"should-fail-content-type-of-lists", INTEGRITY, "not of type " STATEMENT_CONTENT_TYPE,
	 .message = revocations_type},
	{"should-fail-content-type-data", INTEGRITY, "version 3", .message = plain_data},
	{"should-fail-content-type-changed", INTEGRITY, "contentType", .message = type_changed_when_signed},
	{"should-fail-sha-1", INTEGRITY, "SHA-384 alone", .message = sha1},
	{"should-fail-sha-256", INTEGRITY, "SHA-384 alone", .message = sha256},
	{"should-fail-sha-512", INTEGRITY, "SHA-384 alone", .message = sha512},
	{"should-fail-rsa-signature", INTEGRITY, "ecdsa-with-SHA384", .plan = leaf_rsa},
	{"should-fail-no-signed-attributes", INTEGRITY, "form expected", .message = no_attributes},
	{"should-fail-attributes-as-content", INTEGRITY, "form expected", .der = attributes_as_content},
	{"should-fail-no-signing-certificate", INTEGRITY, "3 signed attributes", .message = no_ess},
	{"should-fail-extra-attribute", INTEGRITY, "5 signed attributes", .message = extra_attribute},
	{"should-fail-other-attribute", INTEGRITY, "signingCertificateV2 is missing", .message = other_attribute},
	{"should-fail-two-signing-times", INTEGRITY, "not exactly one value", .der = time_of_two_values},
	{"should-fail-generalized-time-before-2050", INTEGRITY, "signingTime", .message = generalized_time},
	{"should-fail-ess-names-another", INTEGRITY, "does not name", .message = ess_of_another},
	{"should-fail-ess-names-two", INTEGRITY, "does not name", .message = ess_of_two},
	{"should-fail-ess-by-sha-256", INTEGRITY, "does not name", .message = ess_by_sha256},
	{"should-fail-two-signers", INTEGRITY, "2 signers", .message = second_signer},
	{"should-fail-one-signer-twice", INTEGRITY, "2 signers", .message = signed_twice_by_one},
	{"should-fail-subject-key-identifier", INTEGRITY, "form expected", .message = key_identifier},
	{"should-fail-crl-carried", INTEGRITY, "form expected", .message = with_crl},
	{"should-fail-extra-certificate", INTEGRITY, "not on the way", .message = extra_certificate},
	{"should-fail-root-carried", INTEGRITY, "root certificate", .message = root_carried},
	{"should-fail-signer-certificate-missing", INTEGRITY, "its signer's certificate",
	 .message = no_signer_certificate},
	{"should-fail-no-certificates", INTEGRITY, "form expected", .message = no_certificates},
	{"should-fail-unsigned-attribute", INTEGRITY, "RFC 3161", .message = unsigned_attribute},
	{"should-pass-token-that-no-authority-is-named-for", PASSES, .message = token},
	{"should-fail-token-of-something-else", INTEGRITY, "RFC 3161", .message = token_of_something_else},

	{"should-fail-stripped-content-type", INTEGRITY, "3 signed attributes", .der = without_type},
	{"should-fail-stripped-message-digest", INTEGRITY, "3 signed attributes", .der = without_digest},
	{"should-fail-stripped-signing-time", INTEGRITY, "3 signed attributes", .der = without_time},
	{"should-fail-stripped-signing-certificate", INTEGRITY, "3 signed attributes", .der = without_ess},
	{"should-fail-stripped-of-all-attributes", INTEGRITY, "0 signed attributes", .der = without_all},
	{"should-fail-swapped-message-digest", INTEGRITY, "messageDigest", .der = other_digest},
	{"should-fail-shorter-message-digest", INTEGRITY, "messageDigest", .der = short_digest},
	{"should-fail-swapped-signing-time", INTEGRITY, "not made with the key", .der = other_time},
	{"should-fail-attribute-twice", INTEGRITY, "not exactly one value", .der = time_twice},
	{"should-fail-content-changed", INTEGRITY, "messageDigest", .der = content_changed},
	{"should-fail-content-detached", INTEGRITY, "form expected", .der = detached},
	{"should-fail-signature-changed", INTEGRITY, "not made with the key", .der = other_signature},
	{"should-fail-signature-empty", INTEGRITY, "not made with the key", .der = without_signature},
	{"should-fail-signature-of-zeros", INTEGRITY, "not made with the key", .der = zeros_as_signature},
	{"should-fail-signed-with-another-key", INTEGRITY, "not made with the key", .der = signed_with_another_key},
};

const struct signature_cases signature_cases_message = {cases, ARRAY_SIZE(cases)};
