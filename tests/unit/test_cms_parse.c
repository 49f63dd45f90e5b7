/* Form and signature of CMS messages: what is taken, and each way in which one is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cms_scene.h"

static void test_good(void **state)
{
	struct cms_scene *s = *state;
	size_t len;
	cms_scene_make(s);
	cms_scene_expect_good(s);
	const char *content = crypto_cms_content(s->cms, &len);
	assert_int_equal(len, strlen(CMS_SCENE_CONTENT));
	assert_memory_equal(content, CMS_SCENE_CONTENT, len);
	assert_int_equal(crypto_cms_signing_time_s(s->cms), FORGE_AT_S);
	assert_int_equal(crypto_cms_cert_count(s->cms), 2);
	assert_false(crypto_cms_has_timestamp(s->cms));

	struct buf subject = {0};
	assert_int_equal(crypto_cert_subject(crypto_cms_cert(s->cms, 0), &subject), 0);
	assert_string_equal(subject.data, "CN=leaf");
	buf_reset(&subject);
	assert_int_equal(crypto_cert_subject(crypto_cms_cert(s->cms, 1), &subject), 0);
	assert_string_equal(subject.data, "CN=intermediate");
	buf_done(&subject);
}

static void test_good_variants(void **state)
{
	struct cms_scene *s = *state;
	const struct forge_message_spec plain = s->spec;
	s->spec.null_parameter = true;
	cms_scene_make(s);
	cms_scene_expect_good(s);
	s->spec = plain;
	s->spec.ess_without_serial = true;
	cms_scene_make(s);
	cms_scene_expect_good(s);
	s->spec = plain;
	s->spec.other_s = true;
	cms_scene_make(s);
	cms_scene_expect_good(s);
	s->spec = plain;
	s->spec.signing_time_s = 2556144000; /* 2051 */
	cms_scene_make(s);
	cms_scene_expect_good(s);
	assert_int_equal(crypto_cms_signing_time_s(s->cms), 2556144000);
	s->spec = plain;
	s->spec.carried[0] = NULL; /* a gap is the chain's affair */
	cms_scene_make(s);
	cms_scene_expect_good(s);
}

static void test_timestamp_is_noticed(void **state)
{
	struct cms_scene *s = *state;
	s->spec.with_timestamp = true;
	cms_scene_make(s);
	cms_scene_expect_good(s);
	assert_true(crypto_cms_has_timestamp(s->cms));
}

static void other_type(struct cms_scene *s)
{
	s->spec.content_type = "2.25.43";
}
static void data_type(struct cms_scene *s)
{
	s->spec.content_type = "1.2.840.113549.1.7.1";
}
static void type_of_another_message(struct cms_scene *s)
{
	s->spec.content_type = "2.25.43";
	s->spec.content_type_after = CMS_SCENE_TYPE;
}
static void sha256(struct cms_scene *s)
{
	s->spec.md = EVP_sha256();
}
static void no_attributes(struct cms_scene *s)
{
	s->spec.no_attributes = true;
}
static void no_ess(struct cms_scene *s)
{
	s->spec.no_ess = true;
}
static void extra_attribute(struct cms_scene *s)
{
	s->spec.extra_attribute = true;
}
static void other_attribute(struct cms_scene *s)
{
	s->spec.no_ess = true;
	s->spec.extra_attribute = true;
}
static void ess_of_another(struct cms_scene *s)
{
	s->spec.ess = &s->stranger;
}
static void ess_of_two(struct cms_scene *s)
{
	s->spec.ess_second = &s->inter;
}
static void ess_sha256(struct cms_scene *s)
{
	s->spec.ess_md = EVP_sha256();
}
static void ess_sha512(struct cms_scene *s)
{
	s->spec.ess_md = EVP_sha512();
}
static void generalized_time(struct cms_scene *s)
{
	s->spec.signing_time_type = V_ASN1_GENERALIZEDTIME;
}
static void second_signer(struct cms_scene *s)
{
	s->spec.second_signer = &s->stranger;
}
static void key_identifier(struct cms_scene *s)
{
	s->spec.key_identifier = true;
}
static void with_crl(struct cms_scene *s)
{
	s->spec.with_crl = true;
}
static void extra_cert(struct cms_scene *s)
{
	s->spec.carried[1] = &s->stranger;
}
static void root_carried(struct cms_scene *s)
{
	s->spec.carried[1] = &s->root;
}
static void signer_not_carried(struct cms_scene *s)
{
	s->spec.no_signer_cert = true;
}
static void no_certs(struct cms_scene *s)
{
	s->spec.no_signer_cert = true;
	s->spec.carried[0] = NULL;
}
static void bad_timestamp(struct cms_scene *s)
{
	s->spec.bad_timestamp = true;
}
static void other_unsigned(struct cms_scene *s)
{
	s->spec.other_unsigned = true;
}
static void two_unsigned(struct cms_scene *s)
{
	s->spec.with_timestamp = true;
	s->spec.other_unsigned = true;
}

/* One changed setting, and the reason that must be given. */
static const struct {
	const char *name;
	void (*change)(struct cms_scene *s);
	const char *reason;
} bad_messages[] = {
	{"another content type", other_type, "type 2.25.42"},
	{"plain data, version 1", data_type, "version 3"},
	{"signed for another content type", type_of_another_message, "contentType"},
	{"SHA-256", sha256, "SHA-384 alone"},
	{"no signed attributes", no_attributes, "form expected"},
	{"no signingCertificateV2", no_ess, "3 signed attributes"},
	{"a fifth attribute", extra_attribute, "5 signed attributes"},
	{"four, one of them another", other_attribute, "signingCertificateV2 is missing"},
	{"signingCertificateV2 of another", ess_of_another, "does not name"},
	{"signingCertificateV2 of two", ess_of_two, "does not name"},
	{"signingCertificateV2 by SHA-256", ess_sha256, "does not name"},
	{"signingCertificateV2 by SHA-512", ess_sha512, "does not name"},
	{"GeneralizedTime before 2050", generalized_time, "signingTime"},
	{"two signers", second_signer, "2 signers"},
	{"subjectKeyIdentifier", key_identifier, "form expected"},
	{"a CRL", with_crl, "form expected"},
	{"an extra certificate", extra_cert, "not on the way"},
	{"the root", root_carried, "root"},
	{"without the signer's certificate", signer_not_carried, "signer's certificate"},
	{"without certificates", no_certs, "form expected"},
	{"a token of something else", bad_timestamp, "RFC 3161"},
	{"another unsigned attribute", other_unsigned, "RFC 3161"},
	{"two unsigned attributes", two_unsigned, "RFC 3161"},
};

static void test_bad_messages(void **state)
{
	struct cms_scene *s = *state;
	const struct forge_message_spec plain = s->spec;
	for (size_t i = 0; i < ARRAY_SIZE(bad_messages); i++) {
		s->spec = plain;
		bad_messages[i].change(s);
		cms_scene_make(s);
		s->name = bad_messages[i].name;
		cms_scene_expect_bad(s, bad_messages[i].reason);
	}
}

/* The leaf's key decides nothing here but the signature's algorithm. */
static void test_leaf_keys(void **state)
{
	struct cms_scene *s = *state;
	struct forge_cert_spec spec = forge_leaf_spec;
	struct forge_cert p256 = {0}, rsa = {0};
	spec.curve = "P-256";
	forge_cert(&spec, &s->inter, &p256);
	s->spec.signer = &p256;
	cms_scene_make(s);
	cms_scene_expect_good(s);
	spec.rsa_bits = 2048;
	forge_cert(&spec, &s->inter, &rsa);
	s->spec.signer = &rsa;
	cms_scene_make(s);
	cms_scene_expect_bad(s, "ecdsa-with-SHA384");
	forge_cert_done(&p256);
	forge_cert_done(&rsa);
}

/* A certificate that is not the key's, of the same issuer and serial number, with an ESS digest that fits. */
static void test_another_key(void **state)
{
	struct cms_scene *s = *state;
	struct forge_cert mixed = {.x509 = s->leaf.x509, .key = s->stranger.key};
	X509 *copy = X509_dup(s->leaf.x509);
	assert_int_equal(X509_set_pubkey(copy, s->stranger.key), 1);
	assert_true(X509_sign(copy, s->inter.key, EVP_sha384()) > 0);
	struct forge_cert impostor = {.x509 = copy, .key = s->stranger.key};
	/* signed with the stranger's key under the impostor, but it is the leaf that is carried and named */
	s->spec.signer = &impostor;
	s->spec.ess = &mixed;
	s->spec.no_signer_cert = true;
	s->spec.carried[1] = &s->leaf;
	cms_scene_make(s);
	cms_scene_expect_bad(s, "not made with the key");
	X509_free(copy);
}

/* Content and attributes, each changed by itself, in the DER. */
static void change_at(struct cms_scene *s, const char *text, size_t len)
{
	cms_scene_make(s);
	buf_reset(&s->pem);
	char *found = memmem(s->der.data, s->der.len, text, len);
	assert_non_null(found);
	found[len - 1] ^= 1;
	forge_pem(&s->der, &s->pem);
}

static void test_changed_content(void **state)
{
	struct cms_scene *s = *state;
	change_at(s, CMS_SCENE_CONTENT, strlen(CMS_SCENE_CONTENT));
	cms_scene_expect_bad(s, "messageDigest");
}

static void test_changed_signing_time(void **state)
{
	struct cms_scene *s = *state;
	change_at(s, "261121172712", 12);
	cms_scene_expect_bad(s, "not made with the key");
}

/* A name that compares equal is not the same bytes. */
static void test_signer_id_in_other_case(void **state)
{
	static const char name[] = "intermediate";
	struct cms_scene *s = *state;
	cms_scene_make(s);
	/* the last but one: the SignerInfo's own (the last stands in signingCertificateV2) */
	char *found[8];
	size_t count = 0;
	for (char *at = s->der.data; (at = memmem(at, s->der.len - (size_t)(at - s->der.data), name, strlen(name)));
	     at++) {
		assert_true(count < ARRAY_SIZE(found));
		found[count++] = at;
	}
	assert_int_equal(count, 4);
	found[2][0] = 'I';
	buf_reset(&s->pem);
	forge_pem(&s->der, &s->pem);
	cms_scene_expect_bad(s, "signer's certificate");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cms_scene_setup, cms_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_good_variants),
		TEST(test_timestamp_is_noticed),
		TEST(test_bad_messages),
		TEST(test_leaf_keys),
		TEST(test_another_key),
		TEST(test_changed_content),
		TEST(test_changed_signing_time),
		TEST(test_signer_id_in_other_case),
	};
	return cmocka_run_group_tests_name("cms_parse", tests, NULL, NULL);
}
