/* test_governed_judge.c - what may become the bundle in force: each refusal, and what is taken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "governed_fixture.h"
#include "store_fixture.h"

static void assert_taken(struct gate_fixture *f, const struct bundle_spec *spec)
{
	struct trust *candidate = NULL;
	struct buf zip = governed_fixture_bundle(f, spec);
	const struct gate_decision *decision = governed_fixture_judge(f, &zip, false, &candidate);
	if (!candidate)
		fail_msg("%s", decision->verdict.detail);
	assert_int_equal(decision->verdict.outcome, POLICY_ACCEPTED);
	assert_int_equal(candidate->governed->state, GOVERNED_IN_FORCE);
	assert_int_equal(candidate->governed->sequence, spec->sequence);
	trust_unref(candidate);
	buf_done(&zip);
}

static void assert_refused(struct gate_fixture *f, const struct bundle_spec *spec, enum policy_reason reason,
			   const char *part)
{
	struct buf zip = governed_fixture_bundle(f, spec);
	governed_fixture_assert_refused(f, &zip, reason, part);
	buf_done(&zip);
}

/* ---- as an artifact ---- */

static void test_whose(void **state)
{
	struct gate_fixture *f = *state;
	struct trust_fixture other, stranger;
	assert_taken(f, &(struct bundle_spec){.sequence = 1});
	assert_refused(f, &(struct bundle_spec){.sequence = 1, .is_unsigned = true}, POLICY_VF2001_UNSIGNED,
		       "not signed");
	trust_fixture_init(&other, GATE_FIXTURE_ACCOUNT, "other_profile", "a1B2c3D4e5");
	assert_refused(f, &(struct bundle_spec){.sequence = 1, .signer = &other}, POLICY_VF2002_SOURCE, "allowed: ");
	trust_fixture_init(&stranger, GATE_FIXTURE_ACCOUNT, GATE_FIXTURE_PROFILE, GATE_FIXTURE_VERSION);
	assert_refused(f, &(struct bundle_spec){.sequence = 1, .signer = &stranger}, POLICY_VF2002_SOURCE,
		       "does not prove it");
	trust_fixture_done(&other);
	trust_fixture_done(&stranger);
}

static void test_signed_as_an_artifact(void **state)
{
	struct gate_fixture *f = *state;
	assert_refused(f, &(struct bundle_spec){.sequence = 1, .content = SIGNATURE_OF_ARTIFACT},
		       POLICY_VF1002_INTEGRITY, "signed as an artifact");
}

static void test_changed_byte(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 1});
	zip.data[50] ^= 1;
	governed_fixture_assert_refused(f, &zip, POLICY_VF1002_INTEGRITY, "");
	buf_done(&zip);
}

static void test_publisher_by_version(void **state)
{
	struct gate_fixture *f = *state;
	governed_fixture_configure(f, GATE_FIXTURE_ARN, "");
	assert_int_equal(gate_fixture_load(f), 0);
	assert_taken(f, &(struct bundle_spec){.sequence = 1});
	governed_fixture_configure(f,
				   "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				   ":/signing-profiles/" GATE_FIXTURE_PROFILE "/zzzzzzzzzz",
				   "");
	assert_int_equal(gate_fixture_load(f), 0);
	assert_refused(f, &(struct bundle_spec){.sequence = 1}, POLICY_VF2002_SOURCE, "allowed: ");
}

static void test_second_publisher(void **state)
{
	struct gate_fixture *f = *state;
	struct trust_fixture bob;
	struct buf pem = {0}, list = {0};
	trust_fixture_init(&bob, "444455556666", "policies", "z9Y8x7W6v5");
	trust_fixture_ca_pem(&bob, &pem);
	trust_fixture_list(&bob, 1, NULL, 0, &list);
	gate_fixture_write(f, "bob.pem", pem.data, pem.len);
	gate_fixture_write(f, "bob.revocations", list.data, list.len);
	const struct bundle_spec spec = {.sequence = 2, .signer = &bob};
	assert_refused(f, &spec, POLICY_VF2002_SOURCE, "allowed: ");
	governed_fixture_configure(f, governed_fixture_publisher,
				   "publisher = arn:vouchfs:signer:local:444455556666:/signing-profiles/policies\n"
				   "[account 444455556666]\ncertificate = bob.pem\nrevocations = bob.revocations\n");
	assert_int_equal(gate_fixture_load(f), 0);
	assert_taken(f, &spec);
	assert_taken(f, &(struct bundle_spec){.sequence = 2});
	buf_done(&pem);
	buf_done(&list);
	trust_fixture_done(&bob);
}

static void test_expired(void **state)
{
	struct gate_fixture *f = *state;
	const struct bundle_spec spec = {.sequence = 1, .expires_at_s = TRUST_FIXTURE_NOW_S + 60};
	assert_taken(f, &spec);
	struct buf zip = governed_fixture_bundle(f, &spec);
	gate_fixture_set_clock(f, TRUST_FIXTURE_NOW_S + 61);
	governed_fixture_assert_refused(f, &zip, POLICY_VF2003_EXPIRED, "expired");
	buf_done(&zip);
}

static void test_too_large(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = {0};
	char *bytes = calloc(1, LIMIT_BUNDLE_ZIP_BYTES + 1U);
	assert_non_null(bytes);
	assert_int_equal(buf_append(&zip, bytes, LIMIT_BUNDLE_ZIP_BYTES + 1U), 0);
	governed_fixture_assert_refused(f, &zip, POLICY_VF4002_TOO_LARGE, "a policy bundle at most");
	free(bytes);
	buf_done(&zip);
}

static void test_no_publisher(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 1});
	struct store *store = f->store;
	f->store = NULL;
	assert_int_equal(gate_fixture_load(f), 0);
	f->store = store;
	governed_fixture_assert_refused(f, &zip, POLICY_VF4001_NO_SLOT, "no [policy]");
	buf_done(&zip);
}

/* ---- as a bundle ---- */

static void test_whom_it_is_for(void **state)
{
	struct gate_fixture *f = *state;
	assert_taken(f, &(struct bundle_spec){.sequence = 1, .terms = "hosts = web-* db-1\n"});
	assert_taken(f, &(struct bundle_spec){.sequence = 1, .terms = "labels = eu\n"});
	assert_refused(f, &(struct bundle_spec){.sequence = 1, .terms = "hosts = db-1\n"}, POLICY_VF5001_BUNDLE,
		       "not for this host");
	assert_refused(f, &(struct bundle_spec){.sequence = 1, .terms = "labels = us\n"}, POLICY_VF5001_BUNDLE,
		       "this host is called \"web-1\"");
}

static void test_content(void **state)
{
	struct gate_fixture *f = *state;
	assert_refused(f, &(struct bundle_spec){.sequence = 1, .terms = "colour = red\n"}, POLICY_VF5001_BUNDLE,
		       "policy.conf:3");
	assert_refused(f, &(struct bundle_spec){.sequence = 1, .conf = "[function web]\ncode_signing_config = gone\n"},
		       POLICY_VF5001_BUNDLE, "conf.d/web.conf:2");
	assert_refused(f, &(struct bundle_spec){.sequence = 1, .conf = "[vouchfs]\nstore = /elsewhere\n"},
		       POLICY_VF5001_BUNDLE, "store");
}

static void test_host_is_broken(void **state)
{
	struct gate_fixture *f = *state;
	struct buf zip = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 1});
	governed_fixture_configure(f, governed_fixture_publisher, "colour = red\n");
	governed_fixture_assert_refused(f, &zip, POLICY_VF5001_BUNDLE, "colour");
	const struct gate_decision *decision = governed_fixture_judge(f, &zip, false, NULL);
	assert_non_null(strstr(decision->verdict.remedy, "host's own configuration"));
	assert_int_equal(decision->verdict.checks[POLICY_SOURCE].state, POLICY_OK);
	buf_done(&zip);
}

static void test_sequences(void **state)
{
	struct gate_fixture *f = *state;
	struct buf seven = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 7}), six;
	governed_fixture_apply(f, &seven, NULL);
	assert_taken(f, &(struct bundle_spec){.sequence = 8});
	six = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 6});
	governed_fixture_assert_refused(f, &six, POLICY_VF5002_SEQUENCE, "sequence 6, and one with sequence 7");
	assert_refused(f, &(struct bundle_spec){.sequence = 7, .terms = "description = another\n"},
		       POLICY_VF5002_SEQUENCE, "another one with that sequence");
	struct trust *candidate = NULL;
	(void)governed_fixture_judge(f, &seven, false, &candidate); /* the very same */
	assert_non_null(candidate);
	trust_unref(candidate);
	governed_fixture_restart(f);
	governed_fixture_assert_refused(f, &six, POLICY_VF5002_SEQUENCE, "sequence 6");
	buf_done(&six);
	buf_done(&seven);
}

/* ---- going back ---- */

static void test_rollback_survives_restarts(void **state)
{
	struct gate_fixture *f = *state;
	struct buf six = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 6});
	struct buf seven = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 7});
	governed_fixture_apply(f, &six, NULL);
	governed_fixture_apply(f, &seven, NULL);
	governed_fixture_apply(f, &six, "7 locks \\ everybody out");
	for (int i = 0; i < 2; i++, governed_fixture_restart(f)) {
		governed_fixture_assert_in_force(f, 6);
		assert_true(f->trust->governed->is_rolled_back);
		assert_int_equal(f->trust->governed->highest_sequence, 7);
		assert_int_equal(f->trust->governed->rollback_by_uid, 1234);
		assert_string_equal(f->trust->governed->rollback_reason, "7 locks \\ everybody out");
	}
	struct buf current = {0};
	assert_int_equal(io_read_path(governed_fixture_path(f, "policy/current"), 4096, &current), 0);
	governed_fixture_assert_refused(f, &seven, POLICY_VF5002_SEQUENCE,
					"sequence 7, and an administrator went back from 7 to 6: 7 locks");
	governed_fixture_apply(f, &seven, "corrected meanwhile"); /* he goes forward again */
	assert_false(f->trust->governed->is_rolled_back);
	governed_fixture_assert_refused(f, &six, POLICY_VF5002_SEQUENCE, "sequence 6");
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7);

	fixture_write(governed_fixture_path(f, "policy/current"), current.data, current.len);
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7); /* the rollback of then is none of now */
	buf_done(&current);
	buf_done(&six);
	buf_done(&seven);
}

static uint64_t rollback_is_kept(struct gate_fixture *f)
{
	governed_fixture_assert_in_force(f, 6);
	assert_true(f->trust->governed->is_rolled_back);
	assert_int_equal(f->trust->governed->rollback_by_uid, 1234);
	assert_string_equal(f->trust->governed->rollback_reason, "7 locks everybody out");
	return f->trust->governed->release;
}

/* Whoever brings the one in force again, signed anew or to heal the store, ends no rollback, and loses nothing. */
static void test_rollback_stays_when_it_comes_again(void **state)
{
	struct gate_fixture *f = *state;
	struct buf six = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 6});
	governed_fixture_apply(f, &six, NULL);
	governed_fixture_apply_sequence(f, 7);
	governed_fixture_apply(f, &six, "7 locks everybody out");
	uint64_t release = rollback_is_kept(f);
	governed_fixture_apply(f, &six, NULL);
	assert_true(rollback_is_kept(f) > release);
	governed_fixture_restart(f);
	(void)rollback_is_kept(f);
	governed_fixture_apply_sequence(f, 8);
	assert_false(f->trust->governed->is_rolled_back);
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 8);
	buf_done(&six);
}

static void test_no_rollback_to_what_is_revoked(void **state)
{
	struct gate_fixture *f = *state;
	struct buf six = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 6});
	const struct revocation entry = {.kind = REVOCATION_PROFILE_VERSION,
					 .profile_version = f->alice.profile_version,
					 .effective_s = TRUST_FIXTURE_NOW_S - 60,
					 .revoked_at_s = TRUST_FIXTURE_NOW_S,
					 .reason = "laptop stolen"};
	struct trust *next = NULL, *candidate = NULL;
	governed_fixture_apply(f, &six, NULL);
	governed_fixture_apply_sequence(f, 7);
	(void)governed_fixture_judge(f, &six, true, &candidate);
	assert_non_null(candidate);
	trust_unref(candidate);
	gate_fixture_put_list(f, 43, &entry);
	assert_int_equal(trust_refresh(f->trust, f->store, &next), 0);
	trust_unref(f->trust);
	f->trust = next;
	const struct gate_decision *decision = governed_fixture_judge(f, &six, true, &candidate);
	assert_null(candidate);
	assert_int_equal(decision->verdict.reason, POLICY_VF2004_REVOKED);
	buf_done(&six);
}

/* ---- lists ---- */

static char *list_text(struct gate_fixture *f, uint64_t sequence, const struct revocation *entry)
{
	struct buf pem = {0};
	trust_fixture_list(&f->alice, sequence, entry, entry ? 1 : 0, &pem);
	return buf_steal(&pem);
}

/* The host's own list is missing, and the bundle brings one. */
static void test_brings_its_list(void **state)
{
	struct gate_fixture *f = *state;
	char *list = list_text(f, 44, NULL);
	assert_int_equal(unlinkat(f->dirfd, "account.revocations", 0), 0);
	assert_int_equal(gate_fixture_load(f), 0);
	assert_refused(f, &(struct bundle_spec){.sequence = 1}, POLICY_VF3001_UNDECIDED, "revocation");
	assert_taken(f, &(struct bundle_spec){.sequence = 1, .list = list});
	free(list);
}

/* And that list revokes it. */
static void test_brings_its_own_end(void **state)
{
	struct gate_fixture *f = *state;
	const struct revocation entry = {.kind = REVOCATION_PROFILE_VERSION,
					 .profile_version = f->alice.profile_version,
					 .effective_s = TRUST_FIXTURE_NOW_S - 60,
					 .revoked_at_s = TRUST_FIXTURE_NOW_S,
					 .reason = "laptop stolen"};
	char *list = list_text(f, 44, &entry);
	assert_refused(f, &(struct bundle_spec){.sequence = 1, .list = list}, POLICY_VF2004_REVOKED, "laptop stolen");
	free(list);
}

/* An older bundle's older list makes nothing undecided, and takes no revocation back. */
static void test_rollback_keeps_the_newest_list(void **state)
{
	struct gate_fixture *f = *state;
	char *old = list_text(f, 50, NULL), *new = list_text(f, 51, NULL);
	struct buf six = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 6, .list = old});
	struct buf seven = governed_fixture_bundle(f, &(struct bundle_spec){.sequence = 7, .list = new});
	governed_fixture_apply(f, &six, NULL);
	assert_int_equal(f->trust->accounts[0].list->sequence, 50);
	governed_fixture_apply(f, &seven, NULL);
	governed_fixture_apply(f, &six, "7 is wrong");
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 6);
	assert_int_equal(f->trust->accounts[0].list_state, SIGNATURE_LIST_READ);
	assert_int_equal(f->trust->accounts[0].list->sequence, 51);
	assert_int_equal(f->trust->governed->alarm, POLICY_REASON_NONE);
	buf_done(&six);
	buf_done(&seven);
	free(old);
	free(new);
}

#define JUDGE_TEST(test) cmocka_unit_test_setup_teardown(test, governed_fixture_setup, gate_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JUDGE_TEST(test_whose),
		JUDGE_TEST(test_signed_as_an_artifact),
		JUDGE_TEST(test_changed_byte),
		JUDGE_TEST(test_publisher_by_version),
		JUDGE_TEST(test_second_publisher),
		JUDGE_TEST(test_expired),
		JUDGE_TEST(test_too_large),
		JUDGE_TEST(test_no_publisher),
		JUDGE_TEST(test_whom_it_is_for),
		JUDGE_TEST(test_content),
		JUDGE_TEST(test_host_is_broken),
		JUDGE_TEST(test_sequences),
		JUDGE_TEST(test_rollback_survives_restarts),
		JUDGE_TEST(test_rollback_stays_when_it_comes_again),
		JUDGE_TEST(test_no_rollback_to_what_is_revoked),
		JUDGE_TEST(test_brings_its_list),
		JUDGE_TEST(test_brings_its_own_end),
		JUDGE_TEST(test_rollback_keeps_the_newest_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
