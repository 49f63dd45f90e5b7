/* The tree from a slot to those who may sign, as it is read; and the same for programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "views_fixture.h"

#define set overview_fixture_set

static const struct overview_screen plain = {.columns = 80};

/* main serves what release/CvHbgWCCfY signed; the config allows three more. */
static struct overview *host(void)
{
	struct overview *overview = overview_fixture_new();
	(void)overview_fixture_add_function(overview, "main");
	overview->configs[0].function_count = 1;
	set(&overview->configs[0].description, "Program ABC");
	views_fixture_add_publishers(overview);
	return overview;
}

static void print(const struct overview_trust *trust, bool is_utf8, struct buf *ret)
{
	assert_int_equal(overview_print_trust(trust, &plain, is_utf8, ret), 0);
}

static void compare(const struct overview_trust *trust, bool is_utf8, const char *name)
{
	struct buf text = {0};
	print(trust, is_utf8, &text);
	views_fixture_assert_fits(&text);
	views_fixture_compare(&text, name);
	buf_done(&text);
}

static void assert_has(const struct overview_trust *trust, const char *words)
{
	struct buf text = {0};
	print(trust, false, &text);
	if (!strstr(text.data, words))
		fail_msg("not there: %s\n%s", words, text.data);
	buf_done(&text);
}

static void test_slot(void **state UNUSED)
{
	struct overview *overview = host();
	struct overview_signers *signers = views_fixture_signers();
	struct overview_trust trust = {overview, signers, &overview->slots[0]};
	compare(&trust, true, "trust_slot.txt");
	compare(&trust, false, "trust_slot_ascii.txt");
	trust.signers = NULL;
	compare(&trust, false, "trust_slot_alone.txt");
	overview_signers_free(signers);
	overview_free(overview);
}

static void test_all(void **state UNUSED)
{
	struct overview *overview = overview_fixture_new_troubled();
	struct overview_signers *signers = views_fixture_signers();
	views_fixture_add_publishers(overview);
	struct overview_account *idle = overview_add_account(overview);
	set(&idle->id, "222233334444");
	set(&idle->certificate_subject, "CN=idle");
	set(&idle->list_state, "refused");
	set(&idle->list_detail, "it is older than one seen before");
	idle->certificate_expires_at_s = overview->now_s - 1;
	const struct overview_trust trust = {overview, signers, NULL};
	compare(&trust, true, "trust_all.txt");
	overview_signers_free(signers);
	overview_free(overview);
}

static void test_states(void **state UNUSED)
{
	struct overview *overview = host();
	struct overview_slot *slot = &overview->slots[0];
	const struct overview_trust trust = {overview, NULL, slot};
	assert_has(&trust, "* release/CvHbgWCCfY  SIGNED WHAT IS SERVED");

	set(&slot->profile_version_arn,
	    "arn:vouchfs:signer:local:111122223333:/signing-profiles/release/CvHbgWCCfYx"); /* no version of ours */
	assert_has(&trust, "NOT ALLOWED by config strict");
	set(&slot->profile_version_arn, "arn:vouchfs:signer:local:111122223333:/signing-profiles/nightly/CCCCCCCCCC");
	assert_has(&trust, "* nightly (any version)  SIGNED WHAT IS SERVED");
	set(&slot->profile_version_arn, NULL);
	assert_has(&trust, "nobody signed it");

	slot->is_blocked = true;
	assert_has(&trust, "BLOCKED: not served");
	slot->is_damaged = true;
	assert_has(&trust, "DAMAGED: not served");
	slot->break_glass.until_s = overview->now_s + 60;
	set(&slot->break_glass.reason, "the CA is down\033[2J");
	assert_has(&trust, "BREAK GLASS until 2026-11-21T20:01:00Z: it only warns; the CA is down\\x1b[2J");
	slot->release = 0;
	assert_has(&trust, "nothing was deployed there yet");

	set(&slot->config, NULL);
	set(&slot->mode, "UNCHECKED");
	assert_has(&trust, "NOBODY checks its signature");
	set(&slot->mode, "NO CONFIG");
	assert_has(&trust, "no [function] section is for it");
	overview_free(overview);
}

static void test_lists(void **state UNUSED)
{
	struct overview *overview = host();
	struct overview_account *account = &overview->accounts[0];
	const struct overview_trust trust = {overview, NULL, &overview->slots[0]};
	assert_has(&trust, "revocations: list 41 of 2026-11-21 (12 min ago)");
	set(&account->list_state, "missing");
	account->list_sequence = 0;
	assert_has(&trust, "the list is MISSING");
	account->list_required = false;
	assert_has(&trust, "no list, and none is required");
	overview_free(overview);
}

/* Who decides it all stands before the configs, and below a slot. */
static void test_policy(void **state UNUSED)
{
	struct overview *overview = host();
	struct overview_trust trust = {.overview = overview};
	struct overview_policy *policy = overview_fixture_govern(overview);
	assert_has(&trust, "policy bundle 7 governs this host\n   all web hosts\n   signed by policy/QwErTyUiOp until "
			   "2027-02-19, in force since 2026-11-19\n\ncode-signing config strict");
	set(&overview->accounts[0].id, "999988887777");
	set(&policy->profile_version_arn, "arn:vouchfs:signer:local:999988887777:/signing-profiles/policy/QwErTyUiOp");
	assert_has(&trust, "\naccount 999988887777 signs the policy, and no config names a profile of it\n");
	trust.slot = &overview->slots[0];
	assert_has(&trust, "\npolicy bundle 7 governs this host\n");
	set(&policy->alarm, "VF2004");
	set(&policy->rollback_reason, "it was\nwrong");
	policy->highest_sequence = 9;
	overview_fixture_add_drift(policy, OVERVIEW_DRIFT_UNIT, "UMask");
	assert_has(&trust, "REVOKED (VF2004), and kept in force");
	assert_has(&trust, "ROLLED BACK from bundle 9 by uid 0: it was\\x0awrong\n");
	assert_has(&trust, "DRIFT: 1 difference; `vouchfs policy drift` shows them\n");
	set(&overview->slots[0].mode, OVERVIEW_NO_CONFIG);
	set(&overview->slots[0].config, NULL);
	assert_has(&trust, "NO CONFIG: the policy bundle has no [function] section for it");
	set(&policy->state, OVERVIEW_POLICY_LOST);
	assert_has(&trust, "THE POLICY BUNDLE IS LOST");
	assert_has(&trust, "NO CONFIG: without a policy bundle no [function] section is in force");
	set(&policy->state, OVERVIEW_POLICY_NONE);
	assert_has(&trust, "NO POLICY BUNDLE has come yet");
	overview_free(overview);
}

static void test_layer(void **state UNUSED)
{
	struct overview *overview = overview_fixture_new();
	struct overview_slot *layer = overview_fixture_add_layer(overview, "tools");
	const struct overview_trust trust = {overview, NULL, layer};
	assert_has(&trust, "no function has it");
	set(&layer->layers, "main worker");
	assert_has(&trust, "the functions that have it: main worker");
	overview_free(overview);
}

static void test_colour(void **state UNUSED)
{
	struct overview *overview = host();
	const struct overview_screen coloured = {.columns = 80, .has_colour = true};
	const struct overview_trust trust = {overview, NULL, &overview->slots[0]};
	struct buf text = {0};
	assert_int_equal(overview_print_trust(&trust, &coloured, false, &text), 0);
	assert_non_null(strstr(text.data, "\033[32m* release/CvHbgWCCfY"));
	buf_reset(&text);
	assert_int_equal(overview_print_trust(&trust, &plain, false, &text), 0);
	assert_null(strchr(text.data, '\033'));
	buf_done(&text);
	overview_free(overview);
}

static void test_json(void **state UNUSED)
{
	struct overview *overview = host();
	struct overview_signers *signers = views_fixture_signers();
	const struct overview_trust trust = {overview, signers, &overview->slots[0]};
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	overview_put_trust(&j, &trust);
	json_close(&j);
	assert_int_equal(json_end(&j), 0);
	assert_int_equal(buf_putc(&text, '\n'), 0);
	views_fixture_compare(&text, "trust.json");
	buf_done(&text);
	overview_signers_free(signers);
	overview_free(overview);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slot),  cmocka_unit_test(test_all),    cmocka_unit_test(test_states),
		cmocka_unit_test(test_lists), cmocka_unit_test(test_layer),  cmocka_unit_test(test_colour),
		cmocka_unit_test(test_json),  cmocka_unit_test(test_policy),
	};
	return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
