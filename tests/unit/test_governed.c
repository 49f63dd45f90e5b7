/* test_governed.c - the policy bundle in force: what the store has, over restarts, and what becomes of it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "governed_fixture.h"
#include "store_fixture.h"

/* ---- one comes, and stays ---- */

static void test_none_until_one_comes(void **state)
{
	struct gate_fixture *f = *state;
	assert_int_equal(f->trust->governed->state, GOVERNED_NONE);
	assert_int_equal(f->trust->governed->highest_sequence, 0);
	assert_null(config_find_function(f->trust->config, "web"));
	assert_non_null(f->trust->local);
}

static void test_in_force_over_restarts(void **state)
{
	struct gate_fixture *f = *state;
	governed_fixture_apply_sequence(f, 7);
	governed_fixture_assert_in_force(f, 7);
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7);
	const struct governed *governed = f->trust->governed;
	assert_int_equal(governed->highest_sequence, 7);
	assert_int_equal(governed->applied_by_uid, 1234);
	assert_int_equal(governed->release, 1);
	assert_string_equal(governed->artifact_name, "policy.zip");
	assert_int_equal(governed->alarm, POLICY_REASON_NONE);
	assert_false(governed->is_rolled_back);
	assert_true(arn_profile_matches(&f->trust->local->config->policy.publishers[0], &governed->profile_version));
}

static void test_without_a_store_nothing_is_governed(void **state)
{
	struct gate_fixture *f = *state;
	governed_fixture_apply_sequence(f, 7);
	struct store *store = f->store;
	f->store = NULL;
	assert_int_equal(gate_fixture_load(f), 0);
	assert_null(f->trust->governed);
	assert_null(config_find_function(f->trust->config, "web"));
	f->store = store;
}

/* ---- in force with an alarm ---- */

static void test_expired_stays_in_force(void **state)
{
	struct gate_fixture *f = *state;
	const struct bundle_spec spec = {.sequence = 7, .expires_at_s = TRUST_FIXTURE_NOW_S + 60};
	struct buf zip = governed_fixture_bundle(f, &spec);
	struct trust *next = NULL;
	governed_fixture_apply(f, &zip, NULL);
	gate_fixture_set_clock(f, TRUST_FIXTURE_NOW_S + 61);
	assert_int_equal(trust_refresh(f->trust, f->store, &next), 0);
	assert_ptr_not_equal(next, f->trust);
	assert_int_equal(next->governed->alarm, POLICY_VF2003_EXPIRED);
	assert_string_not_equal(next->governed->alarm_why.text, "");
	trust_unref(next);
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7);
	assert_int_equal(f->trust->governed->alarm, POLICY_VF2003_EXPIRED);
	governed_fixture_assert_refused(f, &zip, POLICY_VF2003_EXPIRED, "expired");
	buf_done(&zip);
}

static struct revocation of_the_profile(struct gate_fixture *f)
{
	return (struct revocation){
		.kind = REVOCATION_PROFILE_VERSION,
		.profile_version = f->alice.profile_version,
		.effective_s = TRUST_FIXTURE_NOW_S - 60,
		.revoked_at_s = TRUST_FIXTURE_NOW_S,
		.reason = "laptop stolen",
	};
}

static void test_revoked_stays_in_force(void **state)
{
	struct gate_fixture *f = *state;
	const struct revocation entry = of_the_profile(f);
	struct trust *next = NULL;
	governed_fixture_apply_sequence(f, 7);
	gate_fixture_put_list(f, 43, &entry);
	assert_int_equal(trust_refresh(f->trust, f->store, &next), 0);
	trust_unref(f->trust);
	f->trust = next;
	governed_fixture_assert_in_force(f, 7);
	assert_int_equal(f->trust->governed->alarm, POLICY_VF2004_REVOKED);
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7);
	assert_int_equal(f->trust->governed->alarm, POLICY_VF2004_REVOKED);
}

static void test_undecided_stays_in_force(void **state)
{
	struct gate_fixture *f = *state;
	governed_fixture_apply_sequence(f, 7);
	assert_int_equal(unlinkat(f->dirfd, "account.revocations", 0), 0);
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7);
	assert_int_equal(f->trust->governed->alarm, POLICY_VF3001_UNDECIDED);
	gate_fixture_put_list(f, 44, NULL);
	governed_fixture_restart(f);
	assert_int_equal(f->trust->governed->alarm, POLICY_REASON_NONE);
}

/* ---- lost, and put right ---- */

static void test_flipped_payload(void **state)
{
	struct gate_fixture *f = *state;
	char hex[CRYPTO_SHA256_HEX_SIZE], name[128];
	const struct bundle_spec spec = {.sequence = 7};
	struct buf zip = governed_fixture_bundle(f, &spec);
	governed_fixture_apply(f, &zip, NULL);
	for (size_t i = 0; i < CRYPTO_SHA256_BYTES; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", f->trust->governed->tree_sha256[i]);
	(void)snprintf(name, sizeof(name), "objects/%.2s/%s/payload", hex, hex);
	fixture_flip(governed_fixture_path(f, name), 60);
	governed_fixture_assert_lost(f, "cannot be had from the store");
	assert_int_equal(f->trust->governed->highest_sequence, 7);

	governed_fixture_apply(f, &zip, NULL); /* the same again */
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7);
	buf_done(&zip);
}

static void test_flipped_record(void **state)
{
	struct gate_fixture *f = *state;
	const struct bundle_spec spec = {.sequence = 7};
	struct buf zip = governed_fixture_bundle(f, &spec);
	governed_fixture_apply(f, &zip, NULL);
	fixture_flip(governed_fixture_path(f, "policy/releases/1"), 300);
	governed_fixture_assert_lost(f, "no record of it that is whole");
	governed_fixture_apply(f, &zip, NULL);
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7);
	buf_done(&zip);
}

static void copy(struct gate_fixture *f, const char *from, const char *to)
{
	struct buf bytes = {0};
	assert_int_equal(io_read_path(governed_fixture_path(f, from), 65536, &bytes), 0);
	fixture_write(governed_fixture_path(f, to), bytes.data, bytes.len);
	buf_done(&bytes);
}

static void test_current_set_back(void **state)
{
	struct gate_fixture *f = *state;
	governed_fixture_apply_sequence(f, 7);
	copy(f, "policy/current", "current.7");
	governed_fixture_apply_sequence(f, 8);
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 8);
	copy(f, "current.7", "policy/current");
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 8); /* its record is there */
	copy(f, "current.7", "policy/current");
	assert_int_equal(unlink(governed_fixture_path(f, "policy/releases/2")), 0);
	governed_fixture_assert_lost(f, "bundle 7 is there, and 8 was in force");
}

static void test_sequence_set_back_beside_current(void **state)
{
	struct gate_fixture *f = *state;
	governed_fixture_apply_sequence(f, 7);
	copy(f, "policy/sequence", "sequence.7");
	governed_fixture_apply_sequence(f, 8);
	copy(f, "sequence.7", "policy/sequence");
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 8);
	uint64_t sequence = 0; /* what is in force says it again */
	assert_int_equal(store_policy_sequence(f->store, &sequence), 0);
	assert_int_equal(sequence, 8);
}

static void test_damaged_sequence(void **state)
{
	struct gate_fixture *f = *state;
	governed_fixture_apply_sequence(f, 7);
	copy(f, "policy/current", "current.7");
	governed_fixture_apply_sequence(f, 8);
	fixture_flip(governed_fixture_path(f, "policy/sequence"), 3);
	copy(f, "current.7", "policy/current");
	assert_int_equal(unlink(governed_fixture_path(f, "policy/releases/2")), 0);
	governed_fixture_assert_lost(f, "8 was in force");
}

static void test_wiped_slot(void **state)
{
	struct gate_fixture *f = *state;
	governed_fixture_apply_sequence(f, 7);
	assert_int_equal(unlink(governed_fixture_path(f, "policy/current")), 0);
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7); /* its record is there, and nothing came after it */
	assert_int_equal(unlink(governed_fixture_path(f, "policy/releases/1")), 0);
	governed_fixture_assert_lost(f, "bundle 7 was in force, and the store has none");
}

static void test_publisher_changed(void **state)
{
	struct gate_fixture *f = *state;
	governed_fixture_apply_sequence(f, 7);
	governed_fixture_configure(
		f, "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/somebody_else", "");
	governed_fixture_assert_lost(f, "allowed: ");
	governed_fixture_configure(f, governed_fixture_publisher, "");
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7);
}

static void test_not_for_this_host_any_more(void **state)
{
	struct gate_fixture *f = *state;
	const struct bundle_spec spec = {.sequence = 7, .terms = "hosts = web-*\n"};
	struct buf zip = governed_fixture_bundle(f, &spec);
	governed_fixture_apply(f, &zip, NULL);
	buf_done(&zip);
	struct buf conf = {0};
	assert_int_equal(io_read_file(f->dirfd, "vouchfs.conf", 65536, &conf), 0);
	char *host = strstr(conf.data, "web-1");
	assert_non_null(host);
	memcpy(host, "db--1", 5);
	gate_fixture_write(f, "vouchfs.conf", conf.data, conf.len);
	buf_done(&conf);
	governed_fixture_assert_lost(f, "not for this host");
}

static void test_configuration_refused(void **state)
{
	struct gate_fixture *f = *state;
	const struct bundle_spec spec = {.sequence = 7, .has_no_certificate = true};
	struct buf zip = governed_fixture_bundle(f, &spec);
	governed_fixture_assert_refused(f, &zip, POLICY_VF5001_BUNDLE, "account.pem");
	buf_done(&zip);
}

/* ---- what the host's own files say ---- */

static void test_overrides_refuse_the_load(void **state)
{
	struct gate_fixture *f = *state;
	governed_fixture_apply_sequence(f, 7);
	governed_fixture_configure(f, governed_fixture_publisher,
				   "[code-signing-config mine]\nallowed_publisher = " GATE_FIXTURE_ARN "\n");
	assert_int_equal(gate_fixture_load(f), -EINVAL);
	gate_fixture_assert_says(&f->errors, "governed by policy bundle 7");
	governed_fixture_configure(f, governed_fixture_publisher, "");
	assert_int_equal(gate_fixture_load(f), 0);
	governed_fixture_assert_in_force(f, 7);
}

static void test_overrides_reported(void **state)
{
	struct gate_fixture *f = *state;
	const struct bundle_spec spec = {.sequence = 7, .terms = "local = report\n"};
	struct buf zip = governed_fixture_bundle(f, &spec);
	governed_fixture_apply(f, &zip, NULL);
	buf_done(&zip);
	governed_fixture_configure(f, governed_fixture_publisher,
				   "[code-signing-config mine]\nallowed_publisher = " GATE_FIXTURE_ARN "\n");
	governed_fixture_restart(f);
	governed_fixture_assert_in_force(f, 7);
	assert_int_equal(f->trust->config->override_count, 1);
	assert_null(config_find_code_signing(f->trust->config, "mine"));
}

/* ---- for commands ---- */

static void test_beside_the_daemon(void **state)
{
	struct gate_fixture *f = *state;
	char path[128];
	struct config *config = NULL;
	(void)snprintf(path, sizeof(path), "%s/vouchfs.conf", f->dir);
	governed_fixture_apply_sequence(f, 7);
	assert_int_equal(governed_config_load(path, &config, &f->errors), 0);
	assert_non_null(config_find_function(config, "web"));
	config_free(config);

	config = NULL;
	assert_int_equal(chmod(governed_fixture_path(f, ""), 0755), 0); /* a store that may not be relied on */
	assert_int_equal(governed_config_load(path, &config, &f->errors), -EPERM);
	assert_null(config);
	gate_fixture_assert_says(&f->errors, "run this as root or as the service user");
	assert_int_equal(chmod(governed_fixture_path(f, ""), 0700), 0);
}

static void test_preview_remembers_nothing(void **state)
{
	struct gate_fixture *f = *state;
	char path[128];
	struct trust *trust = NULL;
	uint64_t sequence = 0;
	(void)snprintf(path, sizeof(path), "%s/vouchfs.conf", f->dir);
	governed_fixture_apply_sequence(f, 7);
	copy(f, "policy/sequence", "sequence.7");
	governed_fixture_apply_sequence(f, 8);
	copy(f, "sequence.7", "policy/sequence");
	assert_int_equal(unlink(governed_fixture_path(f, "policy/sequence.again")), 0);
	assert_int_equal(trust_preview(path, f->store, &trust, &f->errors), 0);
	assert_int_equal(trust->governed->highest_sequence, 8);
	trust_unref(trust);
	assert_int_equal(store_policy_sequence(f->store, &sequence), 0);
	assert_int_equal(sequence, 7);
}

#define GOVERNED_TEST(test) cmocka_unit_test_setup_teardown(test, governed_fixture_setup, gate_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GOVERNED_TEST(test_none_until_one_comes),
		GOVERNED_TEST(test_in_force_over_restarts),
		GOVERNED_TEST(test_without_a_store_nothing_is_governed),
		GOVERNED_TEST(test_expired_stays_in_force),
		GOVERNED_TEST(test_revoked_stays_in_force),
		GOVERNED_TEST(test_undecided_stays_in_force),
		GOVERNED_TEST(test_flipped_payload),
		GOVERNED_TEST(test_flipped_record),
		GOVERNED_TEST(test_current_set_back),
		GOVERNED_TEST(test_sequence_set_back_beside_current),
		GOVERNED_TEST(test_damaged_sequence),
		GOVERNED_TEST(test_wiped_slot),
		GOVERNED_TEST(test_publisher_changed),
		GOVERNED_TEST(test_not_for_this_host_any_more),
		GOVERNED_TEST(test_configuration_refused),
		GOVERNED_TEST(test_overrides_refuse_the_load),
		GOVERNED_TEST(test_overrides_reported),
		GOVERNED_TEST(test_beside_the_daemon),
		GOVERNED_TEST(test_preview_remembers_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
