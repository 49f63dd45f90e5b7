/* The status screen, as it is read: golden files, and what holds of every screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overview_fixture.h"

static bool name_user(uint32_t uid, char *ret, size_t ret_size)
{
	if (uid == 0)
		return false;
	(void)snprintf(ret, ret_size, "deploy");
	return true;
}

static const struct overview_screen plain = {.columns = 80};

/* Takes the overview over. */
static struct buf print(struct overview *overview, const struct overview_screen *screen)
{
	struct buf text = {0};
	overview_rank(overview);
	assert_int_equal(overview_print_status(overview, screen, &text), 0);
	overview_free(overview);
	return text;
}

static void assert_fits(const struct buf *text, size_t columns)
{
	for (const char *line = text->data, *end; line[0]; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if ((size_t)(end - line) > columns)
			fail_msg("wider than %zu: %.*s", columns, (int)(end - line), line);
		if (end > line && end[-1] == ' ')
			fail_msg("ends with a blank: %.*s", (int)(end - line), line);
	}
}

static void assert_is(struct overview *overview, const struct overview_screen *screen, const char *golden)
{
	struct buf text = print(overview, screen);
	overview_fixture_assert_golden(golden, &text);
	if (!screen->has_colour)
		assert_fits(&text, screen->columns);
	buf_done(&text);
}

static struct overview *new_healthy(void)
{
	struct overview *overview = overview_fixture_new();
	overview_fixture_set(&overview_fixture_add_function(overview, "main")->layers, "tools:3");
	overview_fixture_add_function(overview, "billing");
	overview_fixture_set(&overview_fixture_add_layer(overview, "tools")->layers, "main");
	return overview;
}

static void a_host_on_which_all_is_well(void **state)
{
	(void)state;
	assert_is(new_healthy(), &plain, "status-healthy-80.txt");
}

static void everything_that_can_be_wrong(void **state)
{
	(void)state;
	const struct overview_screen named = {.columns = 80, .name_user = name_user};
	const struct overview_screen wide = {.columns = 150, .has_colour = true, .name_user = name_user};
	assert_is(overview_fixture_new_troubled(), &named, "status-troubled-80.txt");
	assert_is(overview_fixture_new_troubled(), &wide, "status-troubled-150-colour.txt");
}

static void a_store_that_is_not_mounted(void **state)
{
	(void)state;
	struct overview *overview = new_healthy();
	overview->is_mounted = false;
	assert_is(overview, &plain, "status-store-80.txt");
}

static void assert_says(struct overview *overview, const char *part, bool is_said)
{
	struct buf text = print(overview, &plain);
	if ((strstr(text.data, part) != NULL) != is_said)
		fail_msg("%s: %s\n%s", is_said ? "does not say" : "says", part, text.data);
	buf_done(&text);
}

static void what_expires_within_thirty_days_is_marked(void **state)
{
	(void)state;
	static const struct {
		int64_t left_s;
		const char *said;
	} cases[] = {
		{31 * 86400, "2026-12-22    31d\n"},
		{29 * 86400, "2026-12-20    29d!\n"},
		{7300, "     2h!\n"},
		{0, " EXPIRED\n"},
		{-86400, "2026-11-20 EXPIRED\n"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct overview *overview = overview_fixture_new();
		overview_fixture_add_function(overview, "main")->expires_at_s = overview->now_s + cases[i].left_s;
		assert_says(overview, cases[i].said, true);
	}
}

static void a_long_sentence_is_cut_between_words(void **state)
{
	(void)state;
	char detail[500] = "";
	for (int i = 0; i < 40; i++)
		(void)strcat(detail, i % 2 ? "of words " : "a sentence ");
	struct overview *overview = overview_fixture_new();
	struct overview_slot *slot = overview_fixture_add_function(overview, "main");
	overview_fixture_refuse(slot);
	overview_fixture_set(&slot->last.detail, detail);
	struct buf text = print(overview, &plain);
	const char *end = strstr(text.data, " ...\n");
	assert_non_null(end);
	assert_true(end[-1] == 's' || end[-1] == 'f' || end[-1] == 'a' || end[-1] == 'e'); /* the end of a word */
	assert_null(strstr(end + 1, "sentence"));
	assert_fits(&text, 80);
	buf_done(&text);
}

static void a_list_that_nobody_needs_is_not_loud(void **state)
{
	(void)state;
	for (int required = 0; required < 2; required++) {
		struct overview *overview = overview_fixture_new();
		overview->accounts[0].list_required = required;
		overview_fixture_set(&overview->accounts[0].list_state, "missing");
		overview_fixture_set(&overview->accounts[0].list_detail, "there is no revocation list at /x");
		assert_says(overview,
			    "!! REVOCATION LIST of account " OVERVIEW_FIXTURE_ACCOUNT " is missing: there is no",
			    required);
	}
}

static void warn_slots_that_would_fail_are_counted(void **state)
{
	(void)state;
	struct overview *overview = overview_fixture_new();
	overview_fixture_set(&overview_fixture_add_function(overview, "a")->mode, "Warn");
	struct overview_slot *slot = overview_fixture_add_function(overview, "b");
	overview_fixture_set(&slot->mode, "Warn");
	overview_fixture_set(&slot->enforce_outcome, "refused");
	overview_fixture_set(&slot->enforce_reason, "VF2001");
	assert_says(overview, "\n1 of 2 Warn slots would fail under Enforce\n", true);
	overview = overview_fixture_new();
	overview_fixture_add_function(overview, "a");
	assert_says(overview, "Warn slots", false);
}

static void what_lost_its_section_is_said(void **state)
{
	(void)state;
	struct overview *overview = overview_fixture_new();
	overview_fixture_set(&overview_fixture_add_function(overview, "old")->mode, OVERVIEW_NO_CONFIG);
	assert_says(overview, "~ old                  NO CONFIG    3   2d release/CvHbgWCCfY", true);
}

/* Whoever may deploy chooses names of tools, reasons, descriptions. */
static void no_text_from_outside_reaches_the_terminal_as_it_is(void **state)
{
	(void)state;
	static const char evil[] = "x\n\033]0;owned\a\xc3\xa4\x7f";
	const struct overview_screen colour = {.columns = 200, .has_colour = true};
	struct overview *overview = overview_fixture_new_troubled();
	overview_fixture_set(&overview->config_path, evil);
	overview_fixture_set(&overview->config_error, evil);
	overview_fixture_set(&overview->accounts[0].list_detail, evil);
	struct overview_policy *policy = overview_fixture_govern(overview);
	overview_fixture_set(&policy->alarm, evil);
	overview_fixture_set(&policy->alarm_detail, evil);
	overview_fixture_set(&policy->rollback_reason, evil);
	overview_fixture_set(&policy->source, evil);
	overview_fixture_set(&policy->last.outcome, "refused");
	overview_fixture_set(&policy->last.reason, evil);
	overview_fixture_set(&policy->last.command, evil);
	overview_fixture_set(&policy->last.detail, evil);
	overview_fixture_set(&policy->fetch_error, evil);
	overview_fixture_add_drift(policy, OVERVIEW_DRIFT_LOCAL, evil);
	for (size_t i = 0; i < overview->slot_count; i++) {
		struct overview_slot *slot = &overview->slots[i];
		overview_fixture_set(&slot->last.outcome, i % 2 ? "refused" : evil);
		overview_fixture_set(&slot->last.command, evil);
		overview_fixture_set(&slot->last.detail, evil);
		overview_fixture_set(&slot->last.reason, evil);
		overview_fixture_set(&slot->profile_version_arn, evil);
		overview_fixture_set(&slot->mode, evil);
		overview_fixture_set(&slot->enforce_detail, evil);
		overview_fixture_set(&slot->break_glass.reason, evil);
	}
	struct buf text = print(overview, &colour);
	for (const char *c = text.data; *c; c++)
		assert_true((*c >= ' ' && *c <= '~') || *c == '\n' || (*c == '\033' && c[1] == '['));
	buf_done(&text);
}

/* ---- hosts that are governed ---- */

static struct overview *new_governed(void)
{
	struct overview *overview = new_healthy();
	overview_fixture_govern(overview);
	return overview;
}

/* Everything at once that can be wrong with a bundle in force. */
static struct overview *new_badly_governed(void)
{
	struct overview *overview = overview_fixture_new_troubled();
	struct overview_policy *policy = overview_fixture_govern(overview);
	policy->highest_sequence = 9;
	overview_fixture_set(&policy->alarm, "VF2004");
	overview_fixture_set(
		&policy->alarm_detail,
		"profile version policy/QwErTyUiOp was revoked at 2026-11-21T19:00:00Z: its key has leaked");
	overview_fixture_set(&policy->rollback_reason, "9 blocks billing,\n\033[31mticket 813");
	overview_fixture_add_drift(policy, OVERVIEW_DRIFT_BUNDLE, "rolled back");
	overview_fixture_add_drift(policy, OVERVIEW_DRIFT_LOCAL,
				   "conf.d/x.conf:3: [function billing] is the policy bundle's, and is left out");
	overview_fixture_add_drift(policy, OVERVIEW_DRIFT_SLOT, "functions/main: owner: expected deploy, found root");
	overview_fixture_add_drift(policy, OVERVIEW_DRIFT_UNIT, "UMask: expected 0077, found 0022");
	overview_fixture_add_drift(policy, OVERVIEW_DRIFT_UNIT, "User: expected vouchfs, found root");
	policy->fetched_at_s = overview->now_s - 7 * 3600;
	overview_fixture_set(&policy->last.outcome, "refused");
	overview_fixture_set(&policy->last.reason, "VF5002");
	overview_fixture_set(&policy->last.command, "rsync");
	overview_fixture_set(&policy->last.detail, "bundle 6 has a lower sequence than 9, which was in force already");
	policy->last.at_s = overview->now_s - 600;
	overview_fixture_set(&policy->fetch_error, "could not resolve host policy.example");
	return overview;
}

static void hosts_that_are_governed(void **state)
{
	(void)state;
	const struct overview_screen wide = {.columns = 150, .has_colour = true, .name_user = name_user};
	assert_is(new_governed(), &plain, "status-governed-80.txt");
	assert_is(new_badly_governed(), &plain, "status-badly-governed-80.txt");
	assert_is(new_badly_governed(), &wide, "status-badly-governed-150-colour.txt");
}

static void hosts_whose_bundle_is_not_in_force(void **state)
{
	(void)state;
	struct overview *overview = new_governed();
	overview_fixture_set(&overview->policy.state, OVERVIEW_POLICY_LOST);
	overview_fixture_set(&overview->policy.detail, "its bytes in the store are not those that were accepted");
	overview_fixture_set(&overview->slots[0].mode, OVERVIEW_NO_CONFIG);
	assert_is(overview, &plain, "status-policy-lost-80.txt");
	overview = new_governed();
	overview_fixture_set(&overview->policy.state, OVERVIEW_POLICY_NONE);
	overview_fixture_set(&overview->policy.source, NULL);
	overview->policy.sequence = overview->policy.highest_sequence = 0;
	assert_is(overview, &plain, "status-policy-none-80.txt");
}

static void a_policy_is_said_as_it_is(void **state)
{
	(void)state;
	struct overview *overview = new_governed();
	overview->policy.drift_checked_at_s = 0;
	assert_says(overview,
		    "policy bundle 7 in force since 2026-11-19, signed until 2027-02-19, drift not\n   checked", true);
	overview = new_governed();
	overview->policy.expires_at_s = overview->now_s; /* nobody has raised the alarm yet */
	assert_says(overview, "!! POLICY BUNDLE 7 EXPIRED (VF2003), and kept in force until a newer one comes:", true);
	overview = new_governed();
	overview_fixture_set(&overview->policy.fetch_error, "no route");
	assert_says(overview, "policy.example/web answered 3 min ago, the last try\n   failed: no route", true);
	overview = new_governed();
	overview->policy.fetched_at_s = 0;
	assert_says(overview, "!! POLICY SOURCE NOT REACHED: https://policy.example/web has not answered since", true);
	overview = new_governed();
	overview->policy.fetched_at_s = 0;
	overview->started_at_s = overview->now_s - 10;
	assert_says(overview, "policy source https://policy.example/web not asked yet", true);
	overview = new_governed();
	overview_fixture_set(&overview->slots[0].mode, OVERVIEW_NO_CONFIG);
	assert_says(overview, "the policy\n    bundle in force has no [function] section for it", true);
	assert_says(new_healthy(), "olicy", false);
}

static void no_slots_at_all(void **state)
{
	(void)state;
	assert_says(overview_fixture_new(), "\n0 slots: none yet\n", true);
	assert_says(overview_new(), "0 slots", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_on_which_all_is_well),
		cmocka_unit_test(everything_that_can_be_wrong),
		cmocka_unit_test(a_store_that_is_not_mounted),
		cmocka_unit_test(what_expires_within_thirty_days_is_marked),
		cmocka_unit_test(a_long_sentence_is_cut_between_words),
		cmocka_unit_test(a_list_that_nobody_needs_is_not_loud),
		cmocka_unit_test(warn_slots_that_would_fail_are_counted),
		cmocka_unit_test(what_lost_its_section_is_said),
		cmocka_unit_test(no_text_from_outside_reaches_the_terminal_as_it_is),
		cmocka_unit_test(hosts_that_are_governed),
		cmocka_unit_test(hosts_whose_bundle_is_not_in_force),
		cmocka_unit_test(a_policy_is_said_as_it_is),
		cmocka_unit_test(no_slots_at_all),
	};
	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
