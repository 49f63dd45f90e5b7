/* Time stamps on a message: what is believed, each way in which one is not, and what the signing host makes of replies.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cms_scene.h"
#include "crypto/timestamp.h"
#include "forge_token.h"

#define AT_S (FORGE_AT_S + 60)

/* A message, an authority (CA, intermediate CA, two leaves of it) and another one. */
struct scene {
	struct cms_scene *cms;
	struct forge_cert ca, inter, tsa, tsa_below, other_ca, other_tsa, odd;
	struct forge_token_spec spec;
	struct buf token, stamped, query, reply;
	struct crypto_trust *authority;
	struct crypto_cms *message;
	struct explain why;
};

static struct crypto_trust *trust_of(const struct forge_cert *a, const struct forge_cert *b)
{
	struct crypto_trust *trust = NULL;
	struct buf pem = {0};
	forge_cert_pem(a, &pem);
	if (b)
		forge_cert_pem(b, &pem);
	assert_int_equal(crypto_trust_from_pem(pem.data, pem.len, &trust, NULL), 0);
	buf_done(&pem);
	return trust;
}

static int setup(void **state)
{
	void *cms;
	struct scene *s = calloc(1, sizeof(*s));
	assert_int_equal(cms_scene_setup(&cms), 0);
	s->cms = cms;
	cms_scene_make(s->cms);
	struct forge_cert_spec inter = forge_tsa_ca_spec;
	inter.common_name = "TSA intermediate";
	forge_cert(&forge_tsa_ca_spec, NULL, &s->ca);
	forge_cert(&inter, &s->ca, &s->inter);
	forge_cert(&forge_tsa_spec, &s->ca, &s->tsa);
	forge_cert(&forge_tsa_spec, &s->inter, &s->tsa_below);
	forge_cert(&forge_tsa_ca_spec, NULL, &s->other_ca);
	forge_cert(&forge_tsa_spec, &s->other_ca, &s->other_tsa);
	s->authority = trust_of(&s->ca, NULL);
	s->spec = (struct forge_token_spec){.signer = &s->tsa, .at_s = AT_S};
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	struct forge_cert *certs[] = {&s->ca, &s->inter, &s->tsa, &s->tsa_below, &s->other_ca, &s->other_tsa, &s->odd};
	void *cms = s->cms;
	for (size_t i = 0; i < ARRAY_SIZE(certs); i++)
		forge_cert_done(certs[i]);
	buf_done(&s->token);
	buf_done(&s->stamped);
	buf_done(&s->query);
	buf_done(&s->reply);
	crypto_trust_unref(s->authority);
	crypto_cms_free(s->message);
	(void)cms_scene_teardown(&cms);
	free(s);
	return 0;
}

/* Takes the message with a token into s->message. */
static void stamp_with(struct scene *s, const struct buf *token)
{
	buf_reset(&s->stamped);
	forge_token_attach(&s->cms->pem, token, &s->stamped);
	crypto_cms_free(s->message);
	s->message = NULL;
	int r = crypto_cms_parse(s->stamped.data, s->stamped.len, CMS_SCENE_TYPE, &s->message, &s->why);
	if (r < 0)
		fail_msg("%d: %s", r, s->why.text);
}

static void stamp(struct scene *s)
{
	buf_reset(&s->token);
	forge_token(&s->spec, &s->cms->pem, &s->token);
	stamp_with(s, &s->token);
}

static void expect_good(struct scene *s, int64_t at_s)
{
	int64_t found_s = 0;
	int r = crypto_timestamp_check(s->message, s->authority, &found_s, &s->why);
	if (r < 0)
		fail_msg("%d: %s", r, s->why.text);
	assert_int_equal(found_s, at_s);
}

static void expect_bad(struct scene *s, const char *name, const char *reason)
{
	int64_t found_s = 4711;
	s->why.text[0] = '\0';
	int r = crypto_timestamp_check(s->message, s->authority, &found_s, &s->why);
	if (r != -EBADMSG || !strstr(s->why.text, reason))
		fail_msg("%s: \"%s\" expected, found %d \"%s\"", name, reason, r, s->why.text);
	assert_int_equal(found_s, 4711);
}

static void test_good(void **state)
{
	struct scene *s = *state;
	stamp(s);
	assert_true(crypto_cms_has_timestamp(s->message));
	expect_good(s, AT_S);
	int64_t claimed_s;
	assert_int_equal(crypto_timestamp_claim(s->message, &claimed_s), 0);
	assert_int_equal(claimed_s, AT_S);
}

static void test_good_variants(void **state)
{
	struct scene *s = *state;
	const struct forge_token_spec plain = s->spec;
	s->spec.imprint_md = EVP_sha256();
	s->spec.md = EVP_sha256();
	stamp(s);
	expect_good(s, AT_S);
	s->spec.imprint_md = EVP_sha512();
	s->spec.md = EVP_sha512();
	stamp(s);
	expect_good(s, AT_S);
	s->spec = plain;
	s->spec.old_ess = true;
	stamp(s);
	expect_good(s, AT_S);
	s->spec = plain;
	s->spec.time = "20261121172812.987Z";
	stamp(s);
	expect_good(s, AT_S);
	s->spec = plain;
	s->spec.signer = &s->tsa_below;
	s->spec.carried[0] = &s->inter;
	stamp(s);
	expect_good(s, AT_S);
	s->spec.carried[1] = &s->other_ca; /* more than is needed */
	stamp(s);
	expect_good(s, AT_S);
}

static void test_any_ca_of_the_authority(void **state)
{
	struct scene *s = *state;
	crypto_trust_unref(s->authority);
	s->authority = trust_of(&s->other_ca, &s->ca); /* of one name: only the key tells them apart */
	stamp(s);
	expect_good(s, AT_S);
	s->spec.signer = &s->other_tsa;
	stamp(s);
	expect_good(s, AT_S);
}

/* Both ends of the certificate's validity are inside; what it is today does not matter. */
static void test_valid_at_the_stamps_time(void **state)
{
	struct scene *s = *state;
	s->spec.at_s = FORGE_FROM_S;
	stamp(s);
	expect_good(s, FORGE_FROM_S);
	s->spec.at_s = FORGE_TO_S;
	stamp(s);
	expect_good(s, FORGE_TO_S);
	s->spec.at_s = FORGE_FROM_S - 1;
	stamp(s);
	expect_bad(s, "before", "is valid from");
	s->spec.at_s = FORGE_TO_S + 1;
	stamp(s);
	expect_bad(s, "after", "is valid from");
}

static void other_imprint(struct scene *s)
{
	s->spec.other_imprint = true;
}
static void short_imprint(struct scene *s)
{
	s->spec.short_imprint = true;
}
static void sha1_imprint(struct scene *s)
{
	s->spec.imprint_md = EVP_sha1();
}
static void sha1_signature(struct scene *s)
{
	s->spec.md = EVP_sha1();
}
static void other_authority(struct scene *s)
{
	s->spec.signer = &s->other_tsa;
}
static void intermediate_missing(struct scene *s)
{
	s->spec.signer = &s->tsa_below;
}
static void second_signer(struct scene *s)
{
	s->spec.second_signer = &s->tsa_below;
}
static void no_certificate(struct scene *s)
{
	s->spec.no_certificate = true;
}
static void no_attributes(struct scene *s)
{
	s->spec.no_attributes = true;
}
static void no_ess(struct scene *s)
{
	s->spec.no_ess = true;
}
static void ess_of_another(struct scene *s)
{
	s->spec.ess = &s->other_tsa;
}
static void version_2(struct scene *s)
{
	s->spec.version = 2;
}
static void critical_extension(struct scene *s)
{
	s->spec.critical_extension = true;
}
static void trailing_byte(struct scene *s)
{
	s->spec.trailing_byte = true;
}
static void not_tst_info(struct scene *s)
{
	s->spec.not_tst_info = true;
}
static void signed_as_another_type(struct scene *s)
{
	s->spec.type_after = "2.25.43";
}
static void bad_signature(struct scene *s)
{
	s->spec.bad_signature = true;
}
static void time_with_offset(struct scene *s)
{
	s->spec.time = "20261121172812+0100";
}
static void time_before_1970(struct scene *s)
{
	s->spec.time = "19691231235959Z";
}
static void no_time(struct scene *s)
{
	s->spec.time = "yesterday";
}

static const struct {
	const char *name;
	void (*change)(struct scene *s);
	const char *reason;
} bad_tokens[] = {
	{"another imprint", other_imprint, "something else"},
	{"an imprint that is too short", short_imprint, "something else"},
	{"an imprint by SHA-1", sha1_imprint, "imprint is not by SHA-256"},
	{"signed with SHA-1", sha1_signature, "not signed with SHA-256"},
	{"another authority of the same name", other_authority, "no chain"},
	{"a gap below the CA", intermediate_missing, "no chain"},
	{"two signers", second_signer, "2 signers"},
	{"without certificate", no_certificate, "does not carry"},
	{"no signed attributes", no_attributes, "signed attributes"},
	{"no signingCertificate", no_ess, "do not name"},
	{"signingCertificate of another", ess_of_another, "do not name"},
	{"TSTInfo of version 2", version_2, "not an RFC 3161 token"},
	{"a critical extension", critical_extension, "not an RFC 3161 token"},
	{"a byte behind the TSTInfo", trailing_byte, "not an RFC 3161 token"},
	{"another structure", not_tst_info, "not an RFC 3161 token"},
	{"signed as another type", signed_as_another_type, "signed attributes"},
	{"a broken signature", bad_signature, "own signature"},
	{"a time that is not UTC", time_with_offset, "not an RFC 3161 token"},
	{"a time before 1970", time_before_1970, "not an RFC 3161 token"},
	{"no time", no_time, "not an RFC 3161 token"},
};

static void test_bad_tokens(void **state)
{
	struct scene *s = *state;
	const struct forge_token_spec plain = s->spec;
	for (size_t i = 0; i < ARRAY_SIZE(bad_tokens); i++) {
		s->spec = plain;
		bad_tokens[i].change(s);
		stamp(s);
		expect_bad(s, bad_tokens[i].name, bad_tokens[i].reason);
	}
}

static const struct {
	const char *name;
	const char *ext_key_usage, *key_usage, *curve;
	unsigned rsa_bits;
	const char *reason; /* NULL: it is good */
} authorities[] = {
	{"good", "critical,timeStamping", "critical,digitalSignature", "P-256", 0, NULL},
	{"RSA", "critical,timeStamping", "digitalSignature,nonRepudiation", NULL, 3072, NULL},
	{"no extended key usage", NULL, "critical,digitalSignature", "P-256", 0, "time stamps alone"},
	{"not critical", "timeStamping", "critical,digitalSignature", "P-256", 0, "time stamps alone"},
	{"codeSigning", "critical,codeSigning", "critical,digitalSignature", "P-256", 0, "time stamps alone"},
	{"codeSigning too", "critical,timeStamping,codeSigning", NULL, "P-256", 0, "time stamps alone"},
	{"an unknown one too", "critical,timeStamping,2.25.99", NULL, "P-256", 0, "time stamps alone"},
	{"a key for encryption", "critical,timeStamping", "critical,keyEncipherment", "P-256", 0, "no chain"},
	{"a short RSA key", "critical,timeStamping", "critical,digitalSignature", NULL, 2048, "weaker"},
	{"a short curve", "critical,timeStamping", "critical,digitalSignature", "P-224", 0, "weaker"},
};

static void test_authorities_certificates(void **state)
{
	struct scene *s = *state;
	for (size_t i = 0; i < ARRAY_SIZE(authorities); i++) {
		struct forge_cert_spec spec = forge_tsa_spec;
		spec.ext_key_usage = authorities[i].ext_key_usage;
		spec.key_usage = authorities[i].key_usage;
		spec.curve = authorities[i].curve;
		spec.rsa_bits = authorities[i].rsa_bits;
		forge_cert_done(&s->odd);
		forge_cert(&spec, &s->ca, &s->odd);
		s->spec.signer = &s->odd;
		stamp(s);
		if (authorities[i].reason)
			expect_bad(s, authorities[i].name, authorities[i].reason);
		else
			expect_good(s, AT_S);
	}
}

/* Who signs artifacts does not stamp them, even where one CA stands above both. */
static void test_the_signer_is_no_authority(void **state)
{
	struct scene *s = *state;
	crypto_trust_unref(s->authority);
	s->authority = trust_of(&s->cms->root, NULL);
	s->spec.signer = &s->cms->stranger;
	stamp(s);
	expect_bad(s, "a signer", "time stamps alone");
}

static void test_token_of_another_signature(void **state)
{
	struct scene *s = *state;
	stamp(s);
	cms_scene_make(s->cms); /* the same content, signed again */
	stamp_with(s, &s->token);
	expect_bad(s, "of another signature", "something else");
}

static void test_two_tokens_are_no_message(void **state)
{
	struct scene *s = *state;
	struct buf twice = {0};
	stamp(s);
	forge_token_attach(&s->stamped, &s->token, &twice);
	crypto_cms_free(s->message);
	s->message = NULL;
	assert_int_equal(crypto_cms_parse(twice.data, twice.len, CMS_SCENE_TYPE, &s->message, &s->why), -EBADMSG);
	assert_non_null(strstr(s->why.text, "RFC 3161"));
	buf_done(&twice);
}

/* ---- the signing host's side ---- */

static int attach(struct scene *s, const struct buf *query)
{
	buf_reset(&s->stamped);
	s->why.text[0] = '\0';
	return crypto_timestamp_attach(s->cms->cms, query, &s->reply, &s->stamped, &s->why);
}

/* A query for the message, and the token that answers it. */
static void ask(struct scene *s)
{
	cms_scene_expect_good(s->cms);
	buf_reset(&s->query);
	assert_int_equal(crypto_timestamp_query(s->cms->cms, &s->query), 0);
	s->spec.nonce_of = &s->query;
	buf_reset(&s->token);
	forge_token(&s->spec, &s->cms->pem, &s->token);
}

static void reply_with(struct scene *s, long status, bool with_token)
{
	buf_reset(&s->reply);
	forge_reply(status, with_token ? &s->token : NULL, &s->reply);
}

static void expect_attached(struct scene *s)
{
	if (attach(s, &s->query) < 0)
		fail_msg("%s", s->why.text);
	crypto_cms_free(s->message);
	s->message = NULL;
	assert_int_equal(crypto_cms_parse(s->stamped.data, s->stamped.len, CMS_SCENE_TYPE, &s->message, NULL), 0);
	expect_good(s, AT_S);
}

static void expect_not_attached(struct scene *s, const struct buf *query, const char *reason)
{
	assert_int_equal(attach(s, query), -EBADMSG);
	if (!strstr(s->why.text, reason))
		fail_msg("\"%s\" expected, found \"%s\"", reason, s->why.text);
	assert_int_equal(s->stamped.len, 0);
}

static void test_reply_is_attached(void **state)
{
	struct scene *s = *state;
	ask(s);
	reply_with(s, 0, true);
	expect_attached(s);
	reply_with(s, 1, true); /* granted with modifications */
	expect_attached(s);
	buf_reset(&s->reply);
	assert_int_equal(buf_append(&s->reply, s->token.data, s->token.len), 0); /* openssl ts -reply -token_out */
	expect_attached(s);
}

static void test_reply_that_does_not_answer(void **state)
{
	struct scene *s = *state;
	struct buf other = {0};
	ask(s);
	reply_with(s, 2, false);
	expect_not_attached(s, &s->query, "not granted a stamp (status 2)");
	reply_with(s, 2, true);
	expect_not_attached(s, &s->query, "status 2");
	reply_with(s, 0, false);
	expect_not_attached(s, &s->query, "status 0");

	reply_with(s, 0, true);
	assert_int_equal(crypto_timestamp_query(s->cms->cms, &other), 0);
	expect_not_attached(s, &other, "nonce");
	assert_int_equal(attach(s, NULL), 0); /* where no query was kept */
	buf_done(&other);

	s->spec.other_imprint = true;
	ask(s);
	reply_with(s, 0, true);
	expect_not_attached(s, &s->query, "something else");
	s->spec.other_imprint = false;
	s->spec.no_certificate = true;
	ask(s);
	reply_with(s, 0, true);
	expect_not_attached(s, &s->query, "does not carry");

	buf_reset(&s->reply);
	expect_not_attached(s, &s->query, "0 bytes");
	assert_int_equal(buf_puts(&s->reply, "<html>"), 0);
	expect_not_attached(s, &s->query, "not an RFC 3161 token");
}

static void test_one_stamp_is_enough(void **state)
{
	struct scene *s = *state;
	ask(s);
	reply_with(s, 0, true);
	expect_attached(s);
	struct buf again = {0};
	assert_int_equal(crypto_timestamp_attach(s->message, &s->query, &s->reply, &again, &s->why), -EBADMSG);
	assert_non_null(strstr(s->why.text, "already"));
	assert_int_equal(again.len, 0);
}

static void test_urls_that_are_none(void **state UNUSED)
{
	static const char *const urls[] = {"https://tsa/", "tsa.example.org", "http://", "ftp://tsa/", "http://[::1"};
	struct buf query = {0}, reply = {0};
	struct explain why;
	assert_int_equal(buf_puts(&query, "x"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		int r = crypto_timestamp_fetch(urls[i], &query, &reply, &why);
		if (r != -EINVAL || !strstr(why.text, "expected http://"))
			fail_msg("%s: %d %s", urls[i], r, why.text);
	}
	assert_int_equal(reply.len, 0);
	buf_done(&query);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_good_variants),
		TEST(test_any_ca_of_the_authority),
		TEST(test_valid_at_the_stamps_time),
		TEST(test_bad_tokens),
		TEST(test_authorities_certificates),
		TEST(test_the_signer_is_no_authority),
		TEST(test_token_of_another_signature),
		TEST(test_two_tokens_are_no_message),
		TEST(test_reply_is_attached),
		TEST(test_reply_that_does_not_answer),
		TEST(test_one_stamp_is_enough),
		cmocka_unit_test(test_urls_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
