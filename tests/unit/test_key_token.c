/* Keys in a token, by OpenSSL's pkcs11 provider or engine, whichever is installed; SoftHSM is the token. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "crypto/cert.h"
#include "trust_fixture.h"

#define MODULE	   "/usr/lib/softhsm/libsofthsm2.so"
#define FROM_S	   TRUST_FIXTURE_NOW_S
#define TO_S	   (TRUST_FIXTURE_NOW_S + TRUST_FIXTURE_YEAR_S)
#define SAN	   "arn:vouchfs:signer:local:111122223333:/signing-profiles/p1/0123456789"
#define THREADS	   4
#define ROUNDS	   8
#define MODULE_ENV "PKCS11_PROVIDER_MODULE"

/* The provider loads modules with RTLD_DEEPBIND, which the address sanitizer refuses: its tests go without. */
static bool can_run(void)
{
#ifdef __SANITIZE_ADDRESS__
	OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *provider = OSSL_PROVIDER_try_load(libctx, "pkcs11", 1);
	if (provider)
		OSSL_PROVIDER_unload(provider);
	OSSL_LIB_CTX_free(libctx);
	return !provider;
#else
	return true;
#endif
}

/* libp11 0.4.12 leaks its methods at exit, and SoftHSM what it allocates in C_Initialize. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

struct scene {
	char directory[64];
	struct explain why;
	struct crypto_key *key;
};

static void shell(const char *directory, const char *command)
{
	char line[512];
	assert_true(snprintf(line, sizeof(line), "cd %s && { %s; } >/dev/null 2>&1", directory, command) <
		    (int)sizeof(line));
	if (system(line) != 0)
		fail_msg("%s", line);
}

/* One token for all tests; making keys takes most of the time. */
static int setup_token(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	const char *tmp = getenv("TMPDIR");
	(void)snprintf(s->directory, sizeof(s->directory), "%s/vouchfs-token-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(s->directory));
	char conf[128];
	(void)snprintf(conf, sizeof(conf), "%s/softhsm2.conf", s->directory);
	(void)setenv("SOFTHSM2_CONF", conf, 1);
	shell(s->directory, "mkdir tokens; printf 'directories.tokendir = %s/tokens\\nobjectstore.backend = file\\n' "
			    "\"$PWD\" >softhsm2.conf; "
			    "softhsm2-util --init-token --free --label box --so-pin 87654321 --pin 4321");
	shell(s->directory,
	      "for key in one two; do pkcs11-tool --module " MODULE " --token-label box --login --pin 4321 "
	      "--keypairgen --key-type EC:secp384r1 --label $key --id 0$((n += 1)); done");
	*state = s;
	return 0;
}

static int teardown_token(void **state)
{
	struct scene *s = *state;
	shell(s->directory, "rm -rf \"$PWD\"");
	free(s);
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	crypto_key_free(s->key);
	s->key = NULL;
	return 0;
}

static int load(const char *object, const char *pin, struct crypto_key **ret, struct explain *ret_why)
{
	char uri[256];
	(void)snprintf(uri, sizeof(uri), "pkcs11:token=box;object=%s?pin-value=%s&module-path=" MODULE, object, pin);
	return crypto_key_from_reference(uri, strlen(uri), ret, ret_why);
}

static void test_a_key_signs_and_fits_its_public_key(void **state)
{
	struct scene *s = *state;
	assert_int_equal(load("one", "4321", &s->key, &s->why), 0);
	assert_int_equal(crypto_key_prove(s->key, &s->why), 0);
	struct buf pem = {0};
	assert_int_equal(crypto_key_to_pem(s->key, &pem), -EPERM);
	buf_done(&pem);
}

/* What is open for a key goes with it; the certificate must not lean on it. */
static void test_a_certificate_outlives_its_key(void **state)
{
	struct scene *s = *state;
	struct crypto_cert *ca = NULL, *leaf = NULL;
	struct crypto_key *own = NULL;
	struct buf pem = {0};
	assert_int_equal(load("one", "4321", &s->key, &s->why), 0);
	assert_int_equal(crypto_cert_make_ca(s->key, "ca", FROM_S, TO_S, &ca), 0);
	assert_int_equal(crypto_key_generate(&own), 0);
	assert_int_equal(crypto_cert_make_leaf(own, "leaf", SAN, FROM_S, TO_S, s->key, ca, &leaf), 0);
	crypto_key_free(s->key);
	s->key = NULL;
	struct crypto_trust *trust = NULL;
	assert_int_equal(crypto_cert_to_pem(ca, &pem), 0);
	assert_int_equal(crypto_trust_from_pem(pem.data, pem.len, &trust, &s->why), 0);
	crypto_trust_unref(trust);
	crypto_cert_free(leaf);
	crypto_cert_free(ca);
	crypto_key_free(own);
	buf_done(&pem);
}

static void test_a_wrong_pin_is_told_from_a_missing_key(void **state)
{
	struct scene *s = *state;
	assert_int_equal(load("one", "9999", &s->key, &s->why), -EINVAL);
	assert_non_null(strstr(s->why.text, "refuses the PIN"));
	assert_null(strstr(s->why.text, "9999"));
	assert_int_equal(load("none", "4321", &s->key, &s->why), -EINVAL);
	assert_non_null(strstr(s->why.text, "no private key pkcs11:token=box;object=none"));
	assert_int_equal(load("one", "4321", &s->key, &s->why), 0);
}

/* OSSL_STORE takes a file of that name when nobody stops it. */
static void test_a_file_with_the_name_of_the_reference_is_not_the_key(void **state)
{
	struct scene *s = *state;
	char *before = getcwd(NULL, 0);
	shell(s->directory,
	      "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem; "
	      "cp key.pem 'pkcs11:token=box;object=file'; cp key.pem 'pkcs11:token=box;object=file;type=private'");
	assert_int_equal(chdir(s->directory), 0);
	int r = load("file", "4321", &s->key, &s->why);
	assert_int_equal(chdir(before), 0);
	free(before);
	assert_int_equal(r, -EINVAL);
}

static void test_the_environment_stays_as_it_was(void **state)
{
	struct scene *s = *state;
	(void)setenv(MODULE_ENV, "/somebody's.so", 1);
	assert_int_equal(load("one", "4321", &s->key, &s->why), 0);
	assert_string_equal(getenv(MODULE_ENV), "/somebody's.so");
	crypto_key_free(s->key);
	s->key = NULL;
	(void)unsetenv(MODULE_ENV);
	assert_int_equal(load("one", "4321", &s->key, &s->why), 0);
	assert_null(getenv(MODULE_ENV));
}

/* The first to go must not take anything from the others, which may be the same key. */
static void test_keys_go_one_by_one(void **state)
{
	struct scene *s = *state;
	struct crypto_key *same = NULL, *other = NULL;
	assert_int_equal(load("one", "4321", &s->key, &s->why), 0);
	assert_int_equal(load("one", "4321", &same, &s->why), 0);
	assert_int_equal(load("two", "4321", &other, &s->why), 0);
	crypto_key_free(s->key);
	s->key = NULL;
	assert_int_equal(crypto_key_prove(same, &s->why), 0);
	crypto_key_free(same);
	assert_int_equal(crypto_key_prove(other, &s->why), 0);
	crypto_key_free(other);
}

static void *use_keys(void *failed)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct crypto_key *key = NULL;
		struct explain why;
		if (load(i % 2 ? "one" : "two", "4321", &key, &why) < 0 || crypto_key_prove(key, &why) < 0)
			*(bool *)failed = true;
		crypto_key_free(key);
	}
	return NULL;
}

static void test_threads_open_and_close_the_token(void **state UNUSED)
{
	pthread_t threads[THREADS];
	bool failed[THREADS] = {0};
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_keys, &failed[i]), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < THREADS; i++)
		assert_false(failed[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_wrong_pin_is_told_from_a_missing_key, teardown),
		cmocka_unit_test_teardown(test_a_key_signs_and_fits_its_public_key, teardown),
		cmocka_unit_test_teardown(test_a_certificate_outlives_its_key, teardown),
		cmocka_unit_test_teardown(test_a_file_with_the_name_of_the_reference_is_not_the_key, teardown),
		cmocka_unit_test_teardown(test_the_environment_stays_as_it_was, teardown),
		cmocka_unit_test_teardown(test_keys_go_one_by_one, teardown),
		cmocka_unit_test_teardown(test_threads_open_and_close_the_token, teardown),
	};
	if (!can_run())
		return 0;
	return cmocka_run_group_tests(tests, setup_token, teardown_token);
}
