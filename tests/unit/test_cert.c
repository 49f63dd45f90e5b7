/* Keys, certificates and trust files: what is made, what is read, what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "base/limits.h"
#include "crypto/cert.h"
#include "forge.h"
#include "trust_fixture.h"

#define ARN    "arn:vouchfs:signer:local:111122223333:/signing-profiles/p1/0123456789"
#define FROM_S TRUST_FIXTURE_NOW_S
#define TO_S   (TRUST_FIXTURE_NOW_S + TRUST_FIXTURE_YEAR_S)

struct scene {
	struct trust_fixture alice;
	struct buf pem;
	struct explain why;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	trust_fixture_init(&s->alice, "111122223333", "p1", "0123456789");
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	trust_fixture_done(&s->alice);
	buf_done(&s->pem);
	free(s);
	return 0;
}

static X509 *x509_of(const struct crypto_cert *cert)
{
	struct buf pem = {0};
	assert_int_equal(crypto_cert_to_pem(cert, &pem), 0);
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(x509);
	BIO_free(bio);
	buf_done(&pem);
	return x509;
}

static void test_made_ca(void **state)
{
	struct scene *s = *state;
	X509 *x509 = x509_of(s->alice.ca);
	assert_int_equal(X509_check_ca(x509), 1);
	assert_int_equal(X509_self_signed(x509, 1), 1);
	assert_int_equal(X509_get_key_usage(x509), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_get_version(x509), X509_VERSION_3);
	X509_free(x509);
}

static void test_made_leaf(void **state)
{
	struct scene *s = *state;
	X509 *x509 = x509_of(s->alice.leaf), *ca = x509_of(s->alice.ca);
	struct buf uri = {0}, subject = {0};
	assert_int_equal(X509_verify(x509, X509_get0_pubkey(ca)), 1);
	assert_int_equal(X509_check_ca(x509), 0);
	assert_int_equal(X509_get_key_usage(x509), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(x509), XKU_CODE_SIGN);
	assert_int_equal(crypto_cert_san_uri(s->alice.leaf, &uri), 0);
	assert_string_equal(uri.data, ARN);
	assert_int_equal(crypto_cert_not_before_s(s->alice.leaf), TRUST_FIXTURE_NOW_S - TRUST_FIXTURE_YEAR_S);
	assert_int_equal(crypto_cert_not_after_s(s->alice.leaf), TRUST_FIXTURE_NOW_S + 10LL * TRUST_FIXTURE_YEAR_S);
	assert_int_equal(crypto_cert_subject(s->alice.ca, &subject), 0);
	assert_string_equal(subject.data, "CN=vouchfs signing CA 111122223333");
	buf_done(&uri);
	buf_done(&subject);
	X509_free(x509);
	X509_free(ca);
}

static void test_issuer_and_serial(void **state)
{
	struct scene *s = *state;
	X509 *x509 = x509_of(s->alice.leaf);
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL), *read = NULL;
	struct buf issuer = {0}, serial = {0};
	assert_int_equal(crypto_cert_issuer(s->alice.leaf, &issuer), 0);
	assert_string_equal(issuer.data, "CN=vouchfs signing CA 111122223333");
	assert_int_equal(crypto_cert_serial(s->alice.leaf, &serial), 0);
	assert_true(BN_hex2bn(&read, serial.data) > 0);
	assert_int_equal(BN_cmp(number, read), 0);
	BN_free(number);
	BN_free(read);
	buf_done(&issuer);
	buf_done(&serial);
	X509_free(x509);
}

static void test_ca_is_found_by_its_digest(void **state)
{
	struct scene *s = *state;
	uint8_t sha256[CRYPTO_SHA256_BYTES], found[CRYPTO_SHA256_BYTES];
	assert_int_equal(crypto_cert_digest(s->alice.ca, sha256), 0);
	assert_non_null(crypto_trust_find(s->alice.trust, sha256));
	assert_int_equal(crypto_cert_digest(crypto_trust_find(s->alice.trust, sha256), found), 0);
	assert_memory_equal(found, sha256, sizeof(found));
	sha256[31] ^= 1;
	assert_null(crypto_trust_find(s->alice.trust, sha256));
}

/* A comma is part of the URI, not the start of a second name. */
static void test_san_is_taken_as_it_is(void **state)
{
	struct scene *s = *state;
	struct crypto_key *key = NULL;
	struct crypto_cert *leaf = NULL;
	struct buf uri = {0};
	trust_fixture_leaf(&s->alice, "arn:x,URI:arn:y", FROM_S, TO_S, &key, &leaf);
	assert_int_equal(crypto_cert_san_uri(leaf, &uri), 0);
	assert_string_equal(uri.data, "arn:x,URI:arn:y");
	assert_int_equal(crypto_cert_san_uri(s->alice.ca, &uri), -ENODATA);
	buf_done(&uri);
	crypto_key_free(key);
	crypto_cert_free(leaf);
}

static void test_two_leaves_differ(void **state)
{
	struct scene *s = *state;
	struct crypto_cert *leaf = NULL;
	uint8_t a[CRYPTO_SHA256_BYTES], b[CRYPTO_SHA256_BYTES];
	assert_int_equal(
		crypto_cert_make_leaf(s->alice.key, "a signer", ARN, FROM_S, TO_S, s->alice.ca_key, s->alice.ca, &leaf),
		0);
	X509 *x = x509_of(leaf), *y = x509_of(s->alice.leaf);
	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(x), X509_get0_serialNumber(y)), 0);
	assert_int_equal(crypto_cert_digest(leaf, a), 0);
	assert_int_equal(crypto_cert_digest(s->alice.leaf, b), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	X509_free(x);
	X509_free(y);
	crypto_cert_free(leaf);
}

static void test_subject_is_printable(void **state)
{
	struct scene *s = *state;
	struct crypto_cert *cert = NULL;
	struct buf subject = {0};
	assert_int_equal(crypto_cert_make_ca(s->alice.ca_key, "\x1b[31m\xc3\xa4, x\x7f\n", FROM_S, TO_S, &cert), 0);
	assert_int_equal(crypto_cert_subject(cert, &subject), 0);
	for (size_t i = 0; i < subject.len; i++)
		assert_in_range(subject.data[i], 0x20, 0x7e);
	assert_non_null(strstr(subject.data, "\\1B[31m"));
	buf_done(&subject);
	crypto_cert_free(cert);
}

static void test_key_through_pem(void **state)
{
	struct scene *s = *state;
	struct crypto_key *key = NULL;
	struct crypto_cert *leaf = NULL;
	struct buf again = {0};
	assert_int_equal(crypto_key_to_pem(s->alice.key, &s->pem), 0);
	assert_true(strncmp(s->pem.data, "-----BEGIN PRIVATE KEY-----\n", 28) == 0);
	assert_int_equal(crypto_key_from_pem(s->pem.data, s->pem.len, &key, NULL), 0);
	assert_int_equal(crypto_key_to_pem(key, &again), 0);
	assert_string_equal(s->pem.data, again.data);

	/* it is the same key: what it signs, the old certificate verifies */
	struct statement statement = trust_fixture_statement(&s->alice, "x", 1);
	const struct crypto_cert *chain[] = {s->alice.leaf};
	struct buf comment = {0};
	assert_int_equal(signature_make(SIGNATURE_OF_ARTIFACT, &statement, key, chain, 1, &comment, NULL), 0);
	buf_done(&comment);
	crypto_wipe(&again);
	assert_null(again.data);
	crypto_key_free(key);
	crypto_cert_free(leaf);
}

static void write_key(EVP_PKEY *pkey, const EVP_CIPHER *cipher, struct buf *ret)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	assert_int_equal(
		PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, cipher ? "secret" : NULL, cipher ? 6 : 0, NULL, NULL),
		1);
	long len = BIO_get_mem_data(bio, &text);
	buf_reset(ret);
	assert_int_equal(buf_append(ret, text, (size_t)len), 0);
	BIO_free(bio);
}

static void expect_no_key(struct scene *s, const char *reason)
{
	struct crypto_key *key = NULL;
	assert_int_equal(crypto_key_from_pem(s->pem.data, s->pem.len, &key, &s->why), -EINVAL);
	assert_null(key);
	if (!strstr(s->why.text, reason))
		fail_msg("\"%s\" expected in \"%s\"", reason, s->why.text);
}

static void test_keys_that_are_refused(void **state)
{
	struct scene *s = *state;
	struct forge_cert p256 = {0}, p384 = {0};
	struct forge_cert_spec spec = forge_ca_spec;
	forge_cert(&spec, NULL, &p384);
	spec.curve = "P-256";
	forge_cert(&spec, NULL, &p256);

	write_key(p256.key, NULL, &s->pem);
	expect_no_key(s, "P-384");
	write_key(p384.key, EVP_aes_256_cbc(), &s->pem); /* and nobody is asked for the passphrase */
	expect_no_key(s, "unencrypted");
	buf_reset(&s->pem);
	trust_fixture_ca_pem(&s->alice, &s->pem);
	expect_no_key(s, "private key");
	buf_reset(&s->pem);
	expect_no_key(s, "private key");
	forge_cert_done(&p256);
	forge_cert_done(&p384);
}

static int read_cert(struct scene *s)
{
	struct crypto_cert *cert = NULL;
	s->why.text[0] = '\0';
	int r = crypto_cert_from_pem(s->pem.data, s->pem.len, &cert, &s->why);
	assert_int_equal(cert != NULL, r == 0);
	assert_int_equal(s->why.text[0] != '\0', r != 0);
	crypto_cert_free(cert);
	return r;
}

static void test_cert_from_pem(void **state)
{
	struct scene *s = *state;
	assert_int_equal(buf_puts(&s->pem, "\n \n"), 0);
	assert_int_equal(read_cert(s), -EINVAL);
	trust_fixture_ca_pem(&s->alice, &s->pem);
	assert_int_equal(read_cert(s), 0);
	assert_int_equal(buf_puts(&s->pem, "\r\n"), 0);
	assert_int_equal(read_cert(s), 0);
	trust_fixture_ca_pem(&s->alice, &s->pem);
	assert_int_equal(read_cert(s), -EINVAL); /* two */
	buf_reset(&s->pem);
	trust_fixture_ca_pem(&s->alice, &s->pem);
	assert_int_equal(buf_puts(&s->pem, "x"), 0);
	assert_int_equal(read_cert(s), -EINVAL);
	buf_reset(&s->pem);
	assert_int_equal(crypto_key_to_pem(s->alice.key, &s->pem), 0);
	assert_int_equal(read_cert(s), -EINVAL);
	buf_reset(&s->pem);
	assert_int_equal(buf_puts(&s->pem, "-----END CERTIFICATE-----"), 0);
	assert_int_equal(read_cert(s), -EINVAL);
	buf_reset(&s->pem);
	assert_int_equal(buf_puts(&s->pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 0);
	assert_int_equal(read_cert(s), -EINVAL);
}

static void expect_trust(struct scene *s, const char *reason)
{
	struct crypto_trust *trust = NULL;
	s->why.text[0] = '\0';
	int r = crypto_trust_from_pem(s->pem.data, s->pem.len, &trust, &s->why);
	assert_int_equal(trust != NULL, reason == NULL);
	if (reason ? r != -EINVAL || !strstr(s->why.text, reason) : r != 0)
		fail_msg("\"%s\" expected, found %d \"%s\"", reason ? reason : "", r, s->why.text);
	crypto_trust_unref(trust);
}

static void append_forged(struct scene *s, const struct forge_cert_spec *spec)
{
	struct forge_cert cert;
	forge_cert(spec, NULL, &cert);
	forge_cert_pem(&cert, &s->pem);
	forge_cert_done(&cert);
}

static void test_trust(void **state)
{
	struct scene *s = *state;
	struct forge_cert_spec spec = forge_ca_spec;
	append_forged(s, &spec);
	expect_trust(s, NULL);
	append_forged(s, &spec); /* rollover: same name, another key */
	spec.curve = "P-256";
	append_forged(s, &spec);
	expect_trust(s, NULL);

	spec = forge_ca_spec;
	spec.basic_constraints = "critical,CA:FALSE";
	append_forged(s, &spec);
	expect_trust(s, "certificate 4 is not a self-signed CA");
	buf_reset(&s->pem);
	spec = forge_ca_spec;
	spec.key_usage = "critical,digitalSignature";
	append_forged(s, &spec);
	expect_trust(s, "not a self-signed CA");
	buf_reset(&s->pem);
	assert_int_equal(crypto_cert_to_pem(s->alice.leaf, &s->pem), 0);
	expect_trust(s, "not a self-signed CA");
}

static void test_trust_files_that_are_refused(void **state)
{
	struct scene *s = *state;
	expect_trust(s, "no certificate");
	trust_fixture_ca_pem(&s->alice, &s->pem);
	trust_fixture_ca_pem(&s->alice, &s->pem);
	expect_trust(s, "twice");
	buf_reset(&s->pem);
	trust_fixture_ca_pem(&s->alice, &s->pem);
	assert_int_equal(crypto_key_to_pem(s->alice.ca_key, &s->pem), 0);
	expect_trust(s, "nothing but certificates");
	buf_reset(&s->pem);
	for (unsigned i = 0; i < 33; i++)
		append_forged(s, &forge_ca_spec);
	expect_trust(s, "more than 32");
	while (s->pem.len <= LIMIT_PEM_FILE_BYTES)
		assert_int_equal(buf_putc(&s->pem, '\n'), 0);
	expect_trust(s, "larger");
}

/* Signed by another key than its own: a CA that only says that it is its own issuer. */
static void test_trust_wants_a_true_self_signature(void **state)
{
	struct scene *s = *state;
	struct forge_cert real, fake;
	forge_cert(&forge_ca_spec, NULL, &real);
	forge_cert(&forge_ca_spec, &real, &fake);
	forge_cert_pem(&fake, &s->pem);
	expect_trust(s, "not a self-signed CA");
	forge_cert_done(&real);
	forge_cert_done(&fake);
}

static void test_trust_is_shared(void **state)
{
	struct scene *s = *state;
	struct crypto_trust *trust = crypto_trust_ref(s->alice.trust);
	assert_ptr_equal(trust, s->alice.trust);
	crypto_trust_unref(trust); /* the fixture's own reference is dropped by the teardown */
	crypto_trust_unref(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_made_ca),
		TEST(test_made_leaf),
		TEST(test_issuer_and_serial),
		TEST(test_ca_is_found_by_its_digest),
		TEST(test_san_is_taken_as_it_is),
		TEST(test_two_leaves_differ),
		TEST(test_subject_is_printable),
		TEST(test_key_through_pem),
		TEST(test_keys_that_are_refused),
		TEST(test_cert_from_pem),
		TEST(test_trust),
		TEST(test_trust_files_that_are_refused),
		TEST(test_trust_wants_a_true_self_signature),
		TEST(test_trust_is_shared),
	};
	return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
