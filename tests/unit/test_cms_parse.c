/* Form and signature of CMS messages: what is taken, and each way in which one is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/cms.h"
#include "forge.h"

#define TYPE	"2.25.42"
#define CONTENT "a statement\n"

struct scene {
	struct forge_cert root, inter, leaf, stranger;
	struct forge_message_spec spec;
	struct buf der, pem;
	struct crypto_cms *cms;
	struct explain why;
	const char *name; /* of the case, for a failure's message */
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	s->name = "message";
	struct forge_cert_spec inter_spec = forge_ca_spec;
	inter_spec.common_name = "intermediate";
	forge_cert(&forge_ca_spec, NULL, &s->root);
	forge_cert(&inter_spec, &s->root, &s->inter);
	forge_cert(&forge_leaf_spec, &s->inter, &s->leaf);
	forge_cert(&forge_leaf_spec, &s->root, &s->stranger);
	s->spec = (struct forge_message_spec){
		.signer = &s->leaf,
		.carried = {&s->inter},
		.content_type = TYPE,
		.content = CONTENT,
		.signing_time_s = FORGE_AT_S,
	};
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	crypto_cms_free(s->cms);
	buf_done(&s->der);
	buf_done(&s->pem);
	forge_cert_done(&s->root);
	forge_cert_done(&s->inter);
	forge_cert_done(&s->leaf);
	forge_cert_done(&s->stranger);
	free(s);
	return 0;
}

static int parse(struct scene *s)
{
	crypto_cms_free(s->cms);
	s->cms = NULL;
	s->why.text[0] = '\0';
	return crypto_cms_parse(s->pem.data, s->pem.len, TYPE, &s->cms, &s->why);
}

static void make(struct scene *s)
{
	buf_reset(&s->der);
	buf_reset(&s->pem);
	forge_message(&s->spec, &s->der);
	forge_pem(&s->der, &s->pem);
}

static void expect_good(struct scene *s)
{
	int r = parse(s);
	if (r < 0)
		fail_msg("%d: %s", r, s->why.text);
}

/* Not good, and for this reason. */
static void expect_bad(struct scene *s, const char *reason)
{
	int r = parse(s);
	if (r != -EBADMSG || s->cms || !strstr(s->why.text, reason))
		fail_msg("%s: \"%s\" expected, found %d \"%s\"", s->name, reason, r, s->why.text);
}

static void test_good(void **state)
{
	struct scene *s = *state;
	size_t len;
	make(s);
	expect_good(s);
	const char *content = crypto_cms_content(s->cms, &len);
	assert_int_equal(len, strlen(CONTENT));
	assert_memory_equal(content, CONTENT, len);
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
	struct scene *s = *state;
	const struct forge_message_spec plain = s->spec;
	s->spec.null_parameter = true;
	make(s);
	expect_good(s);
	s->spec = plain;
	s->spec.ess_without_serial = true;
	make(s);
	expect_good(s);
	s->spec = plain;
	s->spec.other_s = true;
	make(s);
	expect_good(s);
	s->spec = plain;
	s->spec.signing_time_s = 2556144000; /* 2051 */
	make(s);
	expect_good(s);
	assert_int_equal(crypto_cms_signing_time_s(s->cms), 2556144000);
	s->spec = plain;
	s->spec.carried[0] = NULL; /* a gap is the chain's affair */
	make(s);
	expect_good(s);
}

static void test_timestamp_is_noticed(void **state)
{
	struct scene *s = *state;
	s->spec.with_timestamp = true;
	make(s);
	expect_good(s);
	assert_true(crypto_cms_has_timestamp(s->cms));
}

static void other_type(struct scene *s)
{
	s->spec.content_type = "2.25.43";
}
static void data_type(struct scene *s)
{
	s->spec.content_type = "1.2.840.113549.1.7.1";
}
static void sha256(struct scene *s)
{
	s->spec.md = EVP_sha256();
}
static void no_attributes(struct scene *s)
{
	s->spec.no_attributes = true;
}
static void no_ess(struct scene *s)
{
	s->spec.no_ess = true;
}
static void extra_attribute(struct scene *s)
{
	s->spec.extra_attribute = true;
}
static void other_attribute(struct scene *s)
{
	s->spec.no_ess = true;
	s->spec.extra_attribute = true;
}
static void ess_of_another(struct scene *s)
{
	s->spec.ess = &s->stranger;
}
static void ess_sha256(struct scene *s)
{
	s->spec.ess_md = EVP_sha256();
}
static void ess_sha512(struct scene *s)
{
	s->spec.ess_md = EVP_sha512();
}
static void generalized_time(struct scene *s)
{
	s->spec.signing_time_type = V_ASN1_GENERALIZEDTIME;
}
static void second_signer(struct scene *s)
{
	s->spec.second_signer = &s->stranger;
}
static void key_identifier(struct scene *s)
{
	s->spec.key_identifier = true;
}
static void with_crl(struct scene *s)
{
	s->spec.with_crl = true;
}
static void extra_cert(struct scene *s)
{
	s->spec.carried[1] = &s->stranger;
}
static void root_carried(struct scene *s)
{
	s->spec.carried[1] = &s->root;
}
static void signer_not_carried(struct scene *s)
{
	s->spec.no_signer_cert = true;
}
static void no_certs(struct scene *s)
{
	s->spec.no_signer_cert = true;
	s->spec.carried[0] = NULL;
}
static void bad_timestamp(struct scene *s)
{
	s->spec.bad_timestamp = true;
}
static void other_unsigned(struct scene *s)
{
	s->spec.other_unsigned = true;
}
static void two_unsigned(struct scene *s)
{
	s->spec.with_timestamp = true;
	s->spec.other_unsigned = true;
}

/* One changed setting, and the reason that must be given. */
static const struct {
	const char *name;
	void (*change)(struct scene *s);
	const char *reason;
} bad_messages[] = {
	{"another content type", other_type, "type 2.25.42"},
	{"plain data, version 1", data_type, "version 3"},
	{"SHA-256", sha256, "SHA-384 alone"},
	{"no signed attributes", no_attributes, "form expected"},
	{"no signingCertificateV2", no_ess, "3 signed attributes"},
	{"a fifth attribute", extra_attribute, "5 signed attributes"},
	{"four, one of them another", other_attribute, "signingCertificateV2 is missing"},
	{"signingCertificateV2 of another", ess_of_another, "does not name"},
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
	struct scene *s = *state;
	const struct forge_message_spec plain = s->spec;
	for (size_t i = 0; i < ARRAY_SIZE(bad_messages); i++) {
		s->spec = plain;
		bad_messages[i].change(s);
		make(s);
		s->name = bad_messages[i].name;
		expect_bad(s, bad_messages[i].reason);
	}
}

/* The leaf's key decides nothing here but the signature's algorithm. */
static void test_leaf_keys(void **state)
{
	struct scene *s = *state;
	struct forge_cert_spec spec = forge_leaf_spec;
	struct forge_cert p256 = {0}, rsa = {0};
	spec.curve = "P-256";
	forge_cert(&spec, &s->inter, &p256);
	s->spec.signer = &p256;
	make(s);
	expect_good(s);
	spec.rsa_bits = 2048;
	forge_cert(&spec, &s->inter, &rsa);
	s->spec.signer = &rsa;
	make(s);
	expect_bad(s, "ecdsa-with-SHA384");
	forge_cert_done(&p256);
	forge_cert_done(&rsa);
}

/* A certificate that is not the key's, of the same issuer and serial number, with an ESS digest that fits. */
static void test_another_key(void **state)
{
	struct scene *s = *state;
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
	make(s);
	expect_bad(s, "not made with the key");
	X509_free(copy);
}

/* Content and attributes, each changed by itself, in the DER. */
static void change_at(struct scene *s, const char *text, size_t len)
{
	make(s);
	buf_reset(&s->pem);
	char *found = memmem(s->der.data, s->der.len, text, len);
	assert_non_null(found);
	found[len - 1] ^= 1;
	forge_pem(&s->der, &s->pem);
}

static void test_changed_content(void **state)
{
	struct scene *s = *state;
	change_at(s, CONTENT, strlen(CONTENT));
	expect_bad(s, "messageDigest");
}

static void test_changed_signing_time(void **state)
{
	struct scene *s = *state;
	change_at(s, "261121172712", 12);
	expect_bad(s, "not made with the key");
}

/* A name that compares equal is not the same bytes. */
static void test_signer_id_in_other_case(void **state)
{
	static const char name[] = "intermediate";
	struct scene *s = *state;
	make(s);
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
	expect_bad(s, "signer's certificate");
}

static void insert(struct buf *b, size_t at, const void *bytes, size_t len)
{
	assert_int_equal(buf_reserve(b, len), 0);
	memmove(b->data + at + len, b->data + at, b->len - at);
	memcpy(b->data + at, bytes, len);
	b->len += len;
}

static void test_der_only(void **state)
{
	struct scene *s = *state;
	make(s);
	assert_memory_equal(s->der.data, "\x30\x82", 2);

	struct buf pem = s->pem;
	s->pem = (struct buf){0};
	s->der.data[1] = (char)0x83; /* a length of three bytes where two are enough */
	insert(&s->der, 2, "", 1);
	forge_pem(&s->der, &s->pem);
	expect_bad(s, "in DER");

	s->der.data[1] = (char)0x80; /* indefinite length */
	memmove(s->der.data + 2, s->der.data + 5, s->der.len - 5);
	s->der.len -= 3;
	insert(&s->der, s->der.len, "\0", 2);
	buf_reset(&s->pem);
	forge_pem(&s->der, &s->pem);
	expect_bad(s, "in DER");

	buf_reset(&s->der);
	forge_message(&s->spec, &s->der);
	insert(&s->der, s->der.len, "\x05", 2); /* a NULL behind it */
	buf_reset(&s->pem);
	forge_pem(&s->der, &s->pem);
	expect_bad(s, "in DER");

	buf_done(&s->pem);
	s->pem = pem;
	expect_good(s);
}

static void test_pem_only(void **state)
{
	struct scene *s = *state;
	make(s);
	struct buf good = {0};
	assert_int_equal(buf_append(&good, s->pem.data, s->pem.len), 0);
	static const char *const behind[] = {"\n", " ", "x", "# comment\n"};
	for (size_t i = 0; i < ARRAY_SIZE(behind); i++) {
		buf_reset(&s->pem);
		assert_int_equal(buf_append(&s->pem, good.data, good.len), 0);
		assert_int_equal(buf_puts(&s->pem, behind[i]), 0);
		expect_bad(s, "one PEM block");
		insert(&good, 0, behind[i], 1);
		buf_reset(&s->pem);
		assert_int_equal(buf_append(&s->pem, good.data, good.len), 0);
		expect_bad(s, "one PEM block");
		memmove(good.data, good.data + 1, --good.len);
	}

	buf_reset(&s->pem); /* two blocks */
	assert_int_equal(buf_append(&s->pem, good.data, good.len), 0);
	assert_int_equal(buf_append(&s->pem, good.data, good.len), 0);
	expect_bad(s, "one PEM block");

	buf_reset(&s->pem); /* CRLF */
	for (size_t i = 0; i < good.len; i++) {
		if (good.data[i] == '\n')
			assert_int_equal(buf_putc(&s->pem, '\r'), 0);
		assert_int_equal(buf_putc(&s->pem, good.data[i]), 0);
	}
	expect_bad(s, "one PEM block");

	buf_reset(&s->pem); /* no line end at the end */
	assert_int_equal(buf_append(&s->pem, good.data, good.len - 1), 0);
	expect_bad(s, "one PEM block");

	buf_reset(&s->pem); /* another label */
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	assert_true(PEM_write_bio(bio, "PKCS7", "", (const uint8_t *)s->der.data, (long)s->der.len) > 0);
	long len = BIO_get_mem_data(bio, &text);
	assert_int_equal(buf_append(&s->pem, text, (size_t)len), 0);
	BIO_free(bio);
	expect_bad(s, "one PEM block");
	buf_done(&good);
}

static void test_too_large(void **state)
{
	struct scene *s = *state;
	make(s);
	assert_int_equal(buf_reserve(&s->pem, CRYPTO_CMS_PEM_MAX_BYTES), 0);
	memset(s->pem.data + s->pem.len, 'A', CRYPTO_CMS_PEM_MAX_BYTES);
	s->pem.len += CRYPTO_CMS_PEM_MAX_BYTES;
	expect_bad(s, "larger than");
}

/* No prefix of a message is one. */
static void test_cut(void **state)
{
	struct scene *s = *state;
	make(s);
	size_t len = s->pem.len;
	for (s->pem.len = 0; s->pem.len < len; s->pem.len += 7)
		assert_int_equal(parse(s), -EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(test_der_only),
		TEST(test_pem_only),
		TEST(test_too_large),
		TEST(test_cut),
	};
	return cmocka_run_group_tests_name("cms_parse", tests, NULL, NULL);
}
