/* What a time stamp changes for signature_examine: integrity, and the time that chain and revocation are judged by. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forge_token.h"
#include "trust_fixture.h"

#define NOW_S TRUST_FIXTURE_NOW_S

_Static_assert(FORGE_AT_S == TRUST_FIXTURE_NOW_S, "authority and account are of one time");

struct scene {
	struct trust_fixture alice;
	struct forge_cert ca, tsa, other_ca;
	struct crypto_trust *authority, *other_authority;
	uint8_t bytes[500];
	uint8_t tree[CRYPTO_SHA256_BYTES];
	struct forge_token_spec spec;
	struct buf comment, stamped;
	struct signature_account account;
	struct signature_facts facts;
};

static struct crypto_trust *trust_of(const struct forge_cert *ca)
{
	struct crypto_trust *trust = NULL;
	struct buf pem = {0};
	forge_cert_pem(ca, &pem);
	assert_int_equal(crypto_trust_from_pem(pem.data, pem.len, &trust, NULL), 0);
	buf_done(&pem);
	return trust;
}

static int setup(void **state)
{
	static struct scene scene;
	struct scene *s = &scene;
	*s = (struct scene){0};
	trust_fixture_init(&s->alice, "111122223333", "profile_for_application_ABC", "a1B2c3D4e5");
	forge_cert(&forge_tsa_ca_spec, NULL, &s->ca);
	forge_cert(&forge_tsa_ca_spec, NULL, &s->other_ca);
	forge_cert(&forge_tsa_spec, &s->ca, &s->tsa);
	s->authority = trust_of(&s->ca);
	s->other_authority = trust_of(&s->other_ca);
	struct statement statement = trust_fixture_statement(&s->alice, s->bytes, sizeof(s->bytes));
	memcpy(s->tree, statement.tree_sha256, sizeof(s->tree));
	trust_fixture_sign(&s->alice, &statement, &s->comment);
	s->account = trust_fixture_account(&s->alice);
	s->spec = (struct forge_token_spec){.signer = &s->tsa, .at_s = NOW_S + 60};
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	crypto_trust_unref(s->authority);
	crypto_trust_unref(s->other_authority);
	forge_cert_done(&s->tsa);
	forge_cert_done(&s->ca);
	forge_cert_done(&s->other_ca);
	revocation_list_free(s->account.list);
	buf_done(&s->comment);
	buf_done(&s->stamped);
	trust_fixture_done(&s->alice);
	return 0;
}

static void stamp(struct scene *s)
{
	struct buf token = {0};
	buf_reset(&s->stamped);
	forge_token(&s->spec, &s->comment, &token);
	forge_token_attach(&s->comment, &token, &s->stamped);
	buf_done(&token);
}

static void examine(struct scene *s, const struct buf *comment, const struct crypto_trust *authority)
{
	assert_int_equal(signature_examine(SIGNATURE_OF_ARTIFACT, comment->data, comment->len, sizeof(s->bytes),
					   s->tree, &s->account, 1, authority, &s->facts),
			 0);
}

static void test_without_a_stamp(void **state)
{
	struct scene *s = *state;
	examine(s, &s->comment, s->authority);
	assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);
	assert_false(s->facts.has_timestamp);
	assert_int_equal(s->facts.timestamp, SIGNATURE_UNKNOWN);
	assert_int_equal(signature_time_s(&s->facts), NOW_S);
}

static void test_a_stamp_that_holds(void **state)
{
	struct scene *s = *state;
	stamp(s);
	examine(s, &s->stamped, s->authority);
	assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);
	assert_int_equal(s->facts.chain, SIGNATURE_GOOD);
	assert_int_equal(s->facts.timestamp, SIGNATURE_GOOD);
	assert_int_equal(s->facts.timestamp_s, NOW_S + 60);
	assert_int_equal(signature_time_s(&s->facts), NOW_S + 60);
}

static void test_a_stamp_that_does_not_hold(void **state)
{
	struct scene *s = *state;
	stamp(s);
	examine(s, &s->stamped, s->other_authority);
	assert_int_equal(s->facts.integrity, SIGNATURE_BAD);
	assert_int_equal(s->facts.timestamp, SIGNATURE_BAD);
	assert_int_equal(s->facts.chain, SIGNATURE_UNKNOWN);
	assert_non_null(strstr(s->facts.integrity_why.text, "the time stamp: its certificates make no chain"));

	s->spec.other_imprint = true;
	stamp(s);
	examine(s, &s->stamped, s->authority);
	assert_int_equal(s->facts.integrity, SIGNATURE_BAD);
	assert_non_null(strstr(s->facts.integrity_why.text, "something else"));
}

static void test_nobody_to_ask(void **state)
{
	struct scene *s = *state;
	s->spec.other_imprint = true; /* nobody will see */
	stamp(s);
	examine(s, &s->stamped, NULL);
	assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);
	assert_true(s->facts.has_timestamp);
	assert_int_equal(s->facts.timestamp, SIGNATURE_UNKNOWN);
	assert_int_equal(signature_time_s(&s->facts), NOW_S);
}

/* A leaf that began a minute before, or ends a minute after the signature; the authority says otherwise. */
static void test_chain_at_the_stamps_time(void **state)
{
	struct scene *s = *state;
	static const struct {
		int64_t from_s, to_s, stamp_s;
		enum signature_fact chain;
	} cases[] = {
		{NOW_S - 60, NOW_S + 60, NOW_S - 61, SIGNATURE_BAD},
		{NOW_S - 60, NOW_S + 60, NOW_S - 60, SIGNATURE_GOOD},
		{NOW_S - 60, NOW_S + 60, NOW_S + 60, SIGNATURE_GOOD},
		{NOW_S - 60, NOW_S + 60, NOW_S + 61, SIGNATURE_BAD},
		{NOW_S + 30, NOW_S + 60, NOW_S + 40, SIGNATURE_GOOD}, /* at signed-at it had not begun */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char arn[ARN_TEXT_SIZE];
		arn_print_profile(&s->alice.profile_version, arn);
		crypto_key_free(s->alice.key);
		crypto_cert_free(s->alice.leaf);
		trust_fixture_leaf(&s->alice, arn, cases[i].from_s, cases[i].to_s, &s->alice.key, &s->alice.leaf);
		struct statement statement = trust_fixture_statement(&s->alice, s->bytes, sizeof(s->bytes));
		buf_reset(&s->comment);
		trust_fixture_sign(&s->alice, &statement, &s->comment);
		s->spec.at_s = cases[i].stamp_s;
		stamp(s);
		examine(s, &s->stamped, s->authority);
		assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);
		assert_int_equal(s->facts.chain, cases[i].chain);
	}
}

/* Signed before the profile version was revoked, says the signer. */
static void test_revocation_at_the_stamps_time(void **state)
{
	struct scene *s = *state;
	struct buf pem = {0};
	const struct revocation entry = {
		.kind = REVOCATION_PROFILE_VERSION,
		.profile_version = s->alice.profile_version,
		.effective_s = NOW_S + 100,
		.revoked_at_s = NOW_S + 200,
		.reason = "key stolen",
	};
	trust_fixture_list(&s->alice, 1, &entry, 1, &pem);
	assert_int_equal(
		revocation_list_read(pem.data, pem.len, s->account.id, s->account.trust, &s->account.list, NULL), 0);
	s->account.list_state = SIGNATURE_LIST_READ;
	buf_done(&pem);

	examine(s, &s->comment, s->authority);
	assert_false(s->facts.revoked);
	s->spec.at_s = NOW_S + 99;
	stamp(s);
	examine(s, &s->stamped, s->authority);
	assert_false(s->facts.revoked);
	s->spec.at_s = NOW_S + 100;
	stamp(s);
	examine(s, &s->stamped, s->authority);
	assert_true(s->facts.revoked);
	examine(s, &s->stamped, NULL);
	assert_false(s->facts.revoked);
}

static void test_adding_a_stamp(void **state)
{
	struct scene *s = *state;
	struct buf query = {0}, token = {0}, reply = {0}, comment = {0};
	struct explain why = {0};
	assert_int_equal(signature_timestamp_query(&s->comment, &query, &why), 0);
	s->spec.nonce_of = &query;
	forge_token(&s->spec, &s->comment, &token);
	forge_reply(0, &token, &reply);
	assert_int_equal(signature_add_timestamp(&s->comment, &query, &reply, &comment, &why), 0);
	examine(s, &comment, s->authority);
	assert_int_equal(s->facts.timestamp, SIGNATURE_GOOD);
	assert_int_equal(s->facts.integrity, SIGNATURE_GOOD);

	const struct buf ordinary = {.data = (char[]){"a comment"}, .len = 9};
	assert_int_not_equal(signature_timestamp_query(&ordinary, &query, &why), 0);
	assert_int_not_equal(signature_add_timestamp(&ordinary, &query, &reply, &comment, &why), 0);
	buf_done(&query);
	buf_done(&token);
	buf_done(&reply);
	buf_done(&comment);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_a_stamp),
		TEST(test_a_stamp_that_holds),
		TEST(test_a_stamp_that_does_not_hold),
		TEST(test_nobody_to_ask),
		TEST(test_chain_at_the_stamps_time),
		TEST(test_revocation_at_the_stamps_time),
		TEST(test_adding_a_stamp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
