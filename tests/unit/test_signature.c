/* What signature_examine makes of a signed ZIP and of what is done to it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "crypto/merkle.h"
#include "trust_fixture.h"

#define COMMENT_LENGTH_BYTES 2

/* An account, another one, some bytes that stand for a ZIP up to its comment's length, and their signature. */
struct scene {
	struct trust_fixture alice;
	struct trust_fixture mallory;
	uint8_t bytes[5000];
	uint8_t tree[CRYPTO_SHA256_BYTES];
	struct statement statement;
	struct buf comment;
	struct signature_account account;
	struct signature_facts facts;
};

static void sign(struct scene *s)
{
	buf_done(&s->comment);
	trust_fixture_sign(&s->alice, &s->statement, &s->comment);
}

static void examine(struct scene *s)
{
	assert_int_equal(signature_examine(SIGNATURE_OF_ARTIFACT, s->comment.data, s->comment.len, sizeof(s->bytes),
					   s->tree, &s->account, 1, NULL, &s->facts),
			 0);
}

static int setup(void **state)
{
	static struct scene scene;
	struct scene *s = &scene;
	*s = (struct scene){0};
	trust_fixture_init(&s->alice, "111122223333", "profile_for_application_ABC", "a1B2c3D4e5");
	trust_fixture_init(&s->mallory, "111122223333", "profile_for_application_ABC", "a1B2c3D4e5");
	memset(s->bytes, 'x', sizeof(s->bytes));
	s->statement = trust_fixture_statement(&s->alice, s->bytes, sizeof(s->bytes));
	memcpy(s->tree, s->statement.tree_sha256, sizeof(s->tree));
	s->account = trust_fixture_account(&s->alice);
	sign(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	revocation_list_free(s->account.list);
	buf_done(&s->comment);
	trust_fixture_done(&s->alice);
	trust_fixture_done(&s->mallory);
	return 0;
}

static void test_good(void **state)
{
	struct scene *s = *state;
	examine(s);
	assert_int_equal(s->facts.form, SIGNATURE_NATIVE);
	assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);
	assert_int_equal(s->facts.account_known, SIGNATURE_GOOD);
	assert_int_equal(s->facts.chain, SIGNATURE_GOOD);
	assert_string_equal(s->facts.chain_why.text, "");
	assert_int_equal(s->facts.list_state, SIGNATURE_LIST_MISSING);
	assert_false(s->facts.revoked);
	assert_string_equal(s->facts.statement.job.id, s->statement.job.id);
	assert_string_equal(s->facts.signer_subject, "CN=a signer");
	assert_int_equal(s->facts.signing_cert_not_after_s, crypto_cert_not_after_s(s->alice.leaf));
}

static void test_comment_that_is_no_signature(void **state)
{
	struct scene *s = *state;
	static const char *const comments[] = {"", "a comment", "-----BEGIN CMS----", " -----BEGIN CMS-----",
					       "-----BEGIN PKCS7-----"};
	for (size_t i = 0; i < ARRAY_SIZE(comments); i++) {
		assert_int_equal(signature_examine(SIGNATURE_OF_ARTIFACT, comments[i], strlen(comments[i]),
						   sizeof(s->bytes), s->tree, &s->account, 1, NULL, &s->facts),
				 0);
		assert_int_equal(s->facts.form, SIGNATURE_NONE);
		assert_int_equal(s->facts.integrity, SIGNATURE_UNKNOWN);
	}
	static const char claim[] = "-----BEGIN CMS-----";
	assert_int_equal(signature_examine(SIGNATURE_OF_ARTIFACT, claim, strlen(claim), sizeof(s->bytes), s->tree,
					   &s->account, 1, NULL, &s->facts),
			 0);
	assert_int_equal(s->facts.form, SIGNATURE_NATIVE);
	assert_int_equal(s->facts.integrity, SIGNATURE_BAD);
}

static void test_other_bytes(void **state)
{
	struct scene *s = *state;
	s->tree[31] ^= 1;
	examine(s);
	assert_int_equal(s->facts.integrity, SIGNATURE_BAD);
	assert_int_equal(s->facts.account_known, SIGNATURE_UNKNOWN);
	assert_int_equal(s->facts.chain, SIGNATURE_UNKNOWN);
	assert_non_null(strstr(s->facts.integrity_why.text, "tree-sha256"));
}

static void test_other_length(void **state)
{
	struct scene *s = *state;
	s->statement.length_bytes++;
	sign(s);
	examine(s);
	assert_int_equal(s->facts.integrity, SIGNATURE_BAD);
}

static void test_signed_at_other_than_signing_time(void **state)
{
	struct scene *s = *state;
	struct buf text = {0};
	struct crypto_cert const *chain[] = {s->alice.leaf};
	assert_int_equal(statement_print(&s->statement, &text), 0);
	buf_reset(&s->comment);
	assert_int_equal(crypto_cms_sign(s->alice.key, chain, 1, STATEMENT_CONTENT_TYPE, text.data, text.len,
					 s->statement.signed_at_s + 1, &s->comment, NULL),
			 0);
	examine(s);
	assert_int_equal(s->facts.integrity, SIGNATURE_BAD);
	buf_done(&text);
}

static void test_content_that_is_no_statement(void **state)
{
	struct scene *s = *state;
	struct crypto_cert const *chain[] = {s->alice.leaf};
	buf_reset(&s->comment);
	assert_int_equal(crypto_cms_sign(s->alice.key, chain, 1, STATEMENT_CONTENT_TYPE, "hello\n", 6,
					 s->statement.signed_at_s, &s->comment, NULL),
			 0);
	examine(s);
	assert_int_equal(s->facts.integrity, SIGNATURE_BAD);
}

/* A revocation list is no artifact's signature, though the same account signed it. */
static void test_list_as_signature(void **state)
{
	struct scene *s = *state;
	buf_reset(&s->comment);
	trust_fixture_list(&s->alice, 1, NULL, 0, &s->comment);
	examine(s);
	assert_int_equal(s->facts.integrity, SIGNATURE_BAD);
}

static void test_unknown_account(void **state)
{
	struct scene *s = *state;
	memcpy(s->account.id, "999999999999", sizeof(s->account.id));
	examine(s);
	assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);
	assert_int_equal(s->facts.account_known, SIGNATURE_BAD);
	assert_int_equal(s->facts.chain, SIGNATURE_UNKNOWN);
	assert_non_null(strstr(s->facts.chain_why.text, "111122223333"));
}

/* Same names everywhere, another key. */
static void test_other_ca_of_the_same_name(void **state)
{
	struct scene *s = *state;
	s->account.trust = s->mallory.trust;
	examine(s);
	assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);
	assert_int_equal(s->facts.account_known, SIGNATURE_GOOD);
	assert_int_equal(s->facts.chain, SIGNATURE_BAD);
	assert_true(s->facts.chain_why.text[0] != '\0');
}

/* A key of the account that claims another profile than its certificate says. */
static void test_leaf_of_another_profile(void **state)
{
	struct scene *s = *state;
	memcpy(s->statement.profile_version.version, "zzzzzzzzzz", 10);
	sign(s);
	examine(s);
	assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);
	assert_int_equal(s->facts.chain, SIGNATURE_BAD);
}

static void test_signed_before_the_certificate(void **state)
{
	struct scene *s = *state;
	s->statement.signed_at_s = crypto_cert_not_before_s(s->alice.leaf);
	sign(s);
	examine(s);
	assert_int_equal(s->facts.chain, SIGNATURE_GOOD);
	s->statement.signed_at_s--;
	sign(s);
	examine(s);
	assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);
	assert_int_equal(s->facts.chain, SIGNATURE_BAD);
}

static void revoke(struct scene *s, const struct revocation *entry)
{
	struct buf pem = {0};
	trust_fixture_list(&s->alice, 7, entry, 1, &pem);
	revocation_list_free(s->account.list);
	s->account.list = NULL;
	assert_int_equal(
		revocation_list_read(pem.data, pem.len, s->account.id, s->account.trust, &s->account.list, NULL), 0);
	s->account.list_state = SIGNATURE_LIST_READ;
	buf_done(&pem);
	examine(s);
	assert_int_equal(s->facts.list_state, SIGNATURE_LIST_READ);
	assert_int_equal(s->facts.list_sequence, 7);
	assert_int_equal(s->facts.list_issued_at_s, TRUST_FIXTURE_NOW_S);
	assert_int_equal(s->facts.list_next_update_s, TRUST_FIXTURE_NOW_S + 30 * TRUST_FIXTURE_DAY_S);
}

static void test_revoked_job(void **state)
{
	struct scene *s = *state;
	struct revocation entry = {
		.kind = REVOCATION_JOB, .job = s->statement.job, .revoked_at_s = 1, .reason = "leaked"};
	revoke(s, &entry);
	assert_true(s->facts.revoked);
	assert_string_equal(s->facts.revocation.reason, "leaked");
	entry.job.id[0] = entry.job.id[0] == 'a' ? 'b' : 'a';
	revoke(s, &entry);
	assert_false(s->facts.revoked);
}

/* Each certificate of the chain counts: the leaf, and the CA, too. */
static void test_revoked_certificate(void **state)
{
	struct scene *s = *state;
	struct revocation entry = {.kind = REVOCATION_CERTIFICATE, .revoked_at_s = 1, .reason = "superseded"};
	revoke(s, &entry);
	assert_false(s->facts.revoked);
	assert_int_equal(crypto_cert_digest(s->alice.leaf, entry.certificate), 0);
	revoke(s, &entry);
	assert_true(s->facts.revoked);
	assert_int_equal(crypto_cert_digest(s->alice.ca, entry.certificate), 0);
	revoke(s, &entry);
	assert_true(s->facts.revoked);
}

static void test_list_that_is_not_there(void **state)
{
	struct scene *s = *state;
	s->account.revocations_required = true;
	s->account.list_state = SIGNATURE_LIST_BAD;
	explain_set(&s->account.list_why, "torn");
	examine(s);
	assert_true(s->facts.revocations_required);
	assert_int_equal(s->facts.list_state, SIGNATURE_LIST_BAD);
	assert_string_equal(s->facts.list_why.text, "torn");
}

/* Every byte of the comment counts. */
static void test_every_changed_byte(void **state)
{
	struct scene *s = *state;
	for (size_t i = 0; i < s->comment.len; i++) {
		s->comment.data[i] ^= 1;
		examine(s);
		assert_int_not_equal(s->facts.integrity, SIGNATURE_GOOD);
		s->comment.data[i] ^= 1;
	}
	examine(s);
	assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);
}

static void test_make_refuses_a_bad_statement(void **state)
{
	struct scene *s = *state;
	const struct crypto_cert *chain[] = {s->alice.leaf};
	struct buf comment = {0};
	s->statement.expires_at_s = s->statement.signed_at_s;
	assert_int_equal(signature_make(SIGNATURE_OF_ARTIFACT, &s->statement, s->alice.key, chain, 1, &comment, NULL),
			 -EINVAL);
	assert_int_equal(comment.len, 0);
}

static void test_make_refuses_a_foreign_key(void **state)
{
	struct scene *s = *state;
	const struct crypto_cert *chain[] = {s->alice.leaf};
	struct buf comment = {0};
	assert_true(signature_make(SIGNATURE_OF_ARTIFACT, &s->statement, s->mallory.key, chain, 1, &comment, NULL) < 0);
	assert_int_equal(comment.len, 0);
}

static void test_sign_zip(void **state)
{
	struct scene *s = *state;
	static const char empty_zip[22] = "PK\5\6";
	struct buf zip = {0};
	trust_fixture_sign_zip(&s->alice, empty_zip, sizeof(empty_zip), &zip);
	size_t signed_len = sizeof(empty_zip) - COMMENT_LENGTH_BYTES;
	s->statement = trust_fixture_statement(&s->alice, zip.data, signed_len);
	assert_int_equal(signature_examine(SIGNATURE_OF_ARTIFACT, zip.data + sizeof(empty_zip),
					   zip.len - sizeof(empty_zip), signed_len, s->statement.tree_sha256,
					   &s->account, 1, NULL, &s->facts),
			 0);
	assert_int_equal(s->facts.chain, SIGNATURE_GOOD);
	assert_true(zip.len - sizeof(empty_zip) <= LIMIT_SIGNATURE_COMMENT_BYTES);
	buf_done(&zip);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_comment_that_is_no_signature),
		TEST(test_other_bytes),
		TEST(test_other_length),
		TEST(test_signed_at_other_than_signing_time),
		TEST(test_content_that_is_no_statement),
		TEST(test_list_as_signature),
		TEST(test_unknown_account),
		TEST(test_other_ca_of_the_same_name),
		TEST(test_leaf_of_another_profile),
		TEST(test_signed_before_the_certificate),
		TEST(test_revoked_job),
		TEST(test_revoked_certificate),
		TEST(test_list_that_is_not_there),
		TEST(test_every_changed_byte),
		TEST(test_make_refuses_a_bad_statement),
		TEST(test_make_refuses_a_foreign_key),
		TEST(test_sign_zip),
	};
	return cmocka_run_group_tests_name("signature", tests, NULL, NULL);
}
