/* What our signer makes, and what it does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/cms.h"
#include "forge.h"
#include "trust_fixture.h"

#define TYPE "2.25.42"

struct scene {
	struct trust_fixture alice, bob;
	struct buf pem;
	struct explain why;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	trust_fixture_init(&s->alice, "111122223333", "p1", "0123456789");
	trust_fixture_init(&s->bob, "222233334444", "p1", "0123456789");
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	buf_done(&s->pem);
	trust_fixture_done(&s->alice);
	trust_fixture_done(&s->bob);
	free(s);
	return 0;
}

static int sign(struct scene *s, const struct crypto_cert *second, const struct crypto_cert *third,
		const struct crypto_cert *fourth, size_t chain_len)
{
	const struct crypto_cert *chain[] = {s->alice.leaf, second, third, fourth};
	s->why.text[0] = '\0';
	return crypto_cms_sign(s->alice.key, chain, chain_len, TYPE, "x\n", 2, TRUST_FIXTURE_NOW_S, &s->pem, &s->why);
}

/* OpenSSL's own verifier takes it, too. */
static void test_stock_verifier(void **state)
{
	struct scene *s = *state;
	struct buf ca = {0};
	assert_int_equal(sign(s, NULL, NULL, NULL, 1), 0);
	trust_fixture_ca_pem(&s->alice, &ca);
	BIO *ca_bio = BIO_new_mem_buf(ca.data, (int)ca.len), *bio = BIO_new_mem_buf(s->pem.data, (int)s->pem.len);
	BIO *out = BIO_new(BIO_s_mem());
	X509 *root = PEM_read_bio_X509(ca_bio, NULL, NULL, NULL);
	CMS_ContentInfo *cms = PEM_read_bio_CMS(bio, NULL, NULL, NULL);
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
	assert_int_equal(X509_STORE_add_cert(store, root), 1);
	assert_int_equal(X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY), 1);
	X509_VERIFY_PARAM_set_time(param, TRUST_FIXTURE_NOW_S);
	assert_int_equal(CMS_verify(cms, NULL, store, NULL, out, CMS_BINARY | CMS_CADES), 1);
	char *text;
	assert_int_equal(BIO_get_mem_data(out, &text), 2);
	assert_memory_equal(text, "x\n", 2);
	X509_STORE_free(store);
	CMS_ContentInfo_free(cms);
	X509_free(root);
	BIO_free(out);
	BIO_free(bio);
	BIO_free(ca_bio);
	buf_done(&ca);
}

static void test_certificates_that_do_not_belong(void **state)
{
	struct scene *s = *state;
	assert_int_equal(sign(s, s->bob.leaf, NULL, NULL, 2), -EINVAL);
	assert_non_null(strstr(s->why.text, "not on the way"));
	assert_int_equal(sign(s, s->alice.ca, NULL, NULL, 2), -EINVAL);
	assert_non_null(strstr(s->why.text, "root"));
	assert_int_equal(sign(s, s->bob.leaf, s->bob.ca, s->alice.ca, 4), -EINVAL);
	assert_non_null(strstr(s->why.text, "more than 2"));
	assert_int_equal(s->pem.len, 0);
}

static void test_another_key(void **state)
{
	struct scene *s = *state;
	const struct crypto_cert *chain[] = {s->bob.leaf};
	assert_true(crypto_cms_sign(s->alice.key, chain, 1, TYPE, "x", 1, TRUST_FIXTURE_NOW_S, &s->pem, &s->why) < 0);
	assert_int_equal(s->pem.len, 0);
	assert_true(s->why.text[0] != '\0');
}

static void test_content_sizes(void **state)
{
	struct scene *s = *state;
	const struct crypto_cert *chain[] = {s->alice.leaf};
	struct crypto_cms *cms = NULL;
	size_t len, max = CRYPTO_CMS_CONTENT_MAX_BYTES;
	char *content = calloc(1, max + 1);
	assert_int_equal(crypto_cms_sign(s->alice.key, chain, 1, TYPE, content, max + 1, 0, &s->pem, &s->why), -EFBIG);
	assert_int_equal(crypto_cms_sign(s->alice.key, chain, 1, TYPE, content, max, 0, &s->pem, &s->why), 0);
	assert_int_equal(crypto_cms_parse(s->pem.data, s->pem.len, TYPE, &cms, NULL), 0);
	assert_memory_equal(crypto_cms_content(cms, &len), content, max);
	assert_int_equal(len, max);
	crypto_cms_free(cms);
	free(content);

	buf_reset(&s->pem);
	assert_int_equal(crypto_cms_sign(s->alice.key, chain, 1, TYPE, "", 0, 0, &s->pem, &s->why), 0);
	assert_int_equal(crypto_cms_parse(s->pem.data, s->pem.len, TYPE, &cms, NULL), 0);
	(void)crypto_cms_content(cms, &len);
	assert_int_equal(len, 0);
	crypto_cms_free(cms);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stock_verifier),
		TEST(test_certificates_that_do_not_belong),
		TEST(test_another_key),
		TEST(test_content_sizes),
	};
	return cmocka_run_group_tests_name("cms_sign", tests, NULL, NULL);
}
