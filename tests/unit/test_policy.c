/* Single cases in words; test_policy_table.c has all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define NOW	 1800000000
#define PROFILES "arn:vouchfs:signer:local:111122223333:/signing-profiles"
#define SIGNER	 PROFILES "/build_dev/a1B2c3D4e5"
#define ALLOWED	 PROFILES "/release/a1B2c3D4e5"

static struct arn_profile profile(const char *text)
{
	struct arn_profile p = {0};
	assert_true(arn_parse_profile(text, strlen(text), &p));
	return p;
}

/* A good signature of build_dev, and rules that allow it and enforce everything; each test spoils something. */
struct fixture {
	struct signature_facts signature;
	struct policy_facts facts;
	struct config_code_signing rules;
	struct policy_verdict verdict;
};

static struct fixture good(void)
{
	struct fixture f = {
		.signature = {.form = SIGNATURE_NATIVE,
			      .integrity = SIGNATURE_GOOD,
			      .account_known = SIGNATURE_GOOD,
			      .chain = SIGNATURE_GOOD,
			      .list_state = SIGNATURE_LIST_READ,
			      .list_sequence = 42,
			      .list_issued_at_s = NOW - 60,
			      .list_next_update_s = NOW + 86400,
			      .revocations_required = true,
			      .statement = {.profile_version = profile(SIGNER),
					    .signed_at_s = NOW - 3600,
					    .expires_at_s = NOW + 3600}},
		.facts = {.tail = POLICY_ZIP_ADMISSIBLE, .zip = POLICY_ZIP_ADMISSIBLE},
		.rules = {.publishers = {profile(SIGNER)}, .publisher_count = 1},
	};
	(void)strcpy(f.signature.statement.job.scope.account, "111122223333");
	return f;
}

static const struct policy_verdict *judge_at(struct fixture *f, enum policy_moment moment, int64_t now_s)
{
	f->facts.signature = &f->signature;
	policy_judge(&f->facts, &f->rules, "prod", moment, now_s, &f->verdict);
	return &f->verdict;
}

static const struct policy_verdict *judge(struct fixture *f)
{
	return judge_at(f, POLICY_ON_DEPLOYMENT, NOW);
}

static void assert_refused(const struct policy_verdict *v, enum policy_reason reason)
{
	assert_int_equal(v->outcome, POLICY_REFUSED);
	assert_int_equal(v->reason, reason);
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void good_artifact_is_accepted(void **state UNUSED)
{
	struct fixture f = good();
	const struct policy_verdict *v = judge(&f);
	assert_int_equal(v->outcome, POLICY_ACCEPTED);
	assert_int_equal(v->reason, POLICY_REASON_NONE);
	assert_false(v->unchecked);
	assert_true(policy_signer_is_trusted(v));
}

static void nothing_known_is_refused(void **state UNUSED)
{
	struct policy_facts facts = {0};
	struct policy_verdict v;
	policy_judge(&facts, NULL, NULL, POLICY_ON_DEPLOYMENT, NOW, &v);
	assert_refused(&v, POLICY_VF3001_UNDECIDED);
	assert_false(policy_signer_is_trusted(&v));
}

static void foreign_profile_is_named_beside_the_allowed_ones(void **state UNUSED)
{
	struct fixture f = good();
	f.rules.publishers[0] = profile(ALLOWED);
	const struct policy_verdict *v = judge(&f);
	assert_refused(v, POLICY_VF2002_SOURCE);
	assert_string_equal(v->detail, "signed by " SIGNER ", allowed: " ALLOWED);
	assert_says(v->remedy, "vouchfs sign --profile NAME FILE");
	assert_says(v->remedy, "config prod to allow this profile version");
	assert_false(policy_signer_is_trusted(v));
	/* what comes after the deciding check is evaluated all the same */
	assert_int_equal(v->checks[POLICY_EXPIRY].state, POLICY_OK);
	assert_int_equal(v->checks[POLICY_REVOCATION].state, POLICY_OK);
}

static void profile_without_version_allows_every_version(void **state UNUSED)
{
	struct fixture f = good();
	f.rules.publishers[0] = profile(PROFILES "/build_dev");
	assert_int_equal(judge(&f)->outcome, POLICY_ACCEPTED);
	f.rules.publishers[0] = profile(PROFILES "/build_dev/ZZZZZZZZZZ");
	assert_refused(judge(&f), POLICY_VF2002_SOURCE);
}

static void twenty_publishers_are_cut_not_dropped(void **state UNUSED)
{
	struct fixture f = good();
	f.rules.publisher_count = CONFIG_PUBLISHERS_MAX;
	for (size_t i = 0; i < CONFIG_PUBLISHERS_MAX; i++)
		f.rules.publishers[i] = profile(ALLOWED);
	const struct policy_verdict *v = judge(&f);
	assert_refused(v, POLICY_VF2002_SOURCE);
	assert_says(v->detail, ALLOWED);
	assert_says(v->detail, "more");
	f.rules.publishers[CONFIG_PUBLISHERS_MAX - 1] = profile(SIGNER);
	assert_int_equal(judge(&f)->outcome, POLICY_ACCEPTED);
}

static void config_without_publishers_allows_nobody(void **state UNUSED)
{
	struct fixture f = good();
	f.rules.publisher_count = 0;
	assert_refused(judge(&f), POLICY_VF2002_SOURCE);
}

static void any_account_is_known_by_its_address_alone(void **state UNUSED)
{
	struct fixture f = good();
	f.facts.signature = &f.signature;
	policy_judge(&f.facts, &policy_any_account, "", POLICY_ON_DEPLOYMENT, NOW, &f.verdict);
	assert_int_equal(f.verdict.outcome, POLICY_ACCEPTED);
	f.rules = policy_any_account;
	assert_refused(judge(&f), POLICY_VF2002_SOURCE);
}

static void expiry_counts_from_its_second_on(void **state UNUSED)
{
	struct fixture f = good();
	int64_t expires_s = f.signature.statement.expires_at_s;
	assert_int_equal(judge_at(&f, POLICY_ON_DEPLOYMENT, expires_s - 1)->outcome, POLICY_ACCEPTED);
	const struct policy_verdict *v = judge_at(&f, POLICY_ON_DEPLOYMENT, expires_s);
	assert_refused(v, POLICY_VF2003_EXPIRED);
	assert_says(v->detail, "2027-01-15T09:00:00Z");
}

static void signed_at_may_be_five_minutes_ahead(void **state UNUSED)
{
	struct fixture f = good();
	f.signature.statement.signed_at_s = NOW + 300;
	assert_int_equal(judge(&f)->outcome, POLICY_ACCEPTED);
	f.signature.statement.signed_at_s = NOW + 301;
	assert_refused(judge(&f), POLICY_VF3001_UNDECIDED);
	assert_int_equal(f.verdict.deciding, POLICY_REVOCATION);
	assert_says(f.verdict.remedy, "clock");
}

static void list_counts_between_its_times(void **state UNUSED)
{
	struct fixture f = good();
	int64_t issued_s = f.signature.list_issued_at_s, next_s = f.signature.list_next_update_s;
	f.signature.statement.expires_at_s = next_s + 10;
	f.signature.statement.signed_at_s = issued_s - 10;
	assert_int_equal(judge_at(&f, POLICY_ON_DEPLOYMENT, issued_s)->outcome, POLICY_ACCEPTED);
	assert_int_equal(judge_at(&f, POLICY_ON_DEPLOYMENT, next_s)->outcome, POLICY_ACCEPTED);
	assert_refused(judge_at(&f, POLICY_ON_DEPLOYMENT, issued_s - 1), POLICY_VF3001_UNDECIDED);
	assert_refused(judge_at(&f, POLICY_ON_DEPLOYMENT, next_s + 1), POLICY_VF3001_UNDECIDED);
	assert_says(f.verdict.detail, "list 42 is past its next-update");
}

static void only_a_missing_list_can_be_excused(void **state UNUSED)
{
	struct fixture f = good();
	f.signature.list_state = SIGNATURE_LIST_MISSING;
	assert_refused(judge(&f), POLICY_VF3001_UNDECIDED);
	f.signature.revocations_required = false;
	assert_int_equal(judge(&f)->outcome, POLICY_ACCEPTED);
	assert_int_equal(f.verdict.checks[POLICY_REVOCATION].state, POLICY_NOT_APPLICABLE);
	f.signature.list_state = SIGNATURE_LIST_OLDER;
	assert_refused(judge(&f), POLICY_VF3001_UNDECIDED);
	f.signature.list_state = SIGNATURE_LIST_BAD;
	assert_refused(judge(&f), POLICY_VF3001_UNDECIDED);
}

static void revoked_stays_revoked_when_the_list_is_stale(void **state UNUSED)
{
	struct fixture f = good();
	f.signature.revoked = true;
	f.signature.revocation = (struct revocation){
		.kind = REVOCATION_JOB, .revoked_at_s = NOW - 5, .reason = "leaked\x1b[31m build host"};
	assert_refused(judge(&f), POLICY_VF2004_REVOKED);
	assert_says(f.verdict.detail, "leaked\\x1b[31m build host");
	f.signature.list_next_update_s = NOW - 1;
	assert_refused(judge(&f), POLICY_VF2004_REVOKED);
}

static void warn_records_and_accepts(void **state UNUSED)
{
	struct fixture f = good();
	f.rules.mismatch = f.rules.expiry = f.rules.revocation = f.rules.deployment = CONFIG_WARN;
	f.signature.form = SIGNATURE_NONE;
	const struct policy_verdict *v = judge(&f);
	assert_int_equal(v->outcome, POLICY_WARNED);
	assert_int_equal(v->reason, POLICY_VF2001_UNSIGNED);
	assert_int_equal(v->deciding, POLICY_SOURCE);
	assert_false(policy_signer_is_trusted(v));
}

static void integrity_is_never_waived(void **state UNUSED)
{
	struct fixture f = good();
	f.rules.mismatch = f.rules.expiry = f.rules.revocation = f.rules.deployment = CONFIG_WARN;
	f.rules.on_load = CONFIG_IGNORE;
	f.signature.integrity = SIGNATURE_BAD;
	f.facts.zip = POLICY_ZIP_UNKNOWN;
	assert_refused(judge(&f), POLICY_VF1002_INTEGRITY);
	assert_refused(judge_at(&f, POLICY_ON_LOAD, NOW), POLICY_VF1002_INTEGRITY);
	assert_int_equal(f.verdict.checks[POLICY_ZIP_RULES].state, POLICY_NOT_REACHED);
	policy_judge(&f.facts, NULL, NULL, POLICY_ON_DEPLOYMENT, NOW, &f.verdict);
	assert_refused(&f.verdict, POLICY_VF1002_INTEGRITY);
}

static void later_enforced_failure_beats_an_earlier_warning(void **state UNUSED)
{
	struct fixture f = good();
	f.rules.mismatch = CONFIG_WARN;
	f.rules.publishers[0] = profile(ALLOWED);
	f.signature.statement.expires_at_s = NOW;
	assert_refused(judge(&f), POLICY_VF2003_EXPIRED);
	assert_int_equal(f.verdict.checks[POLICY_SOURCE].state, POLICY_FAILED);
}

static void check_relaxed_by_itself_stays_relaxed_on_load(void **state UNUSED)
{
	struct fixture f = good();
	f.signature.statement.expires_at_s = NOW;
	assert_refused(judge_at(&f, POLICY_ON_LOAD, NOW), POLICY_VF2003_EXPIRED);
	f.rules.expiry = CONFIG_WARN;
	assert_int_equal(judge_at(&f, POLICY_ON_LOAD, NOW)->outcome, POLICY_WARNED);
	f.rules.on_load = CONFIG_IGNORE;
	assert_int_equal(judge_at(&f, POLICY_ON_LOAD, NOW)->outcome, POLICY_ACCEPTED);
	assert_int_equal(f.verdict.checks[POLICY_EXPIRY].state, POLICY_FAILED);
}

static void without_config_only_form_counts(void **state UNUSED)
{
	struct fixture f = good();
	f.signature.form = SIGNATURE_NONE;
	f.facts.signature = &f.signature;
	policy_judge(&f.facts, NULL, NULL, POLICY_ON_DEPLOYMENT, NOW, &f.verdict);
	assert_int_equal(f.verdict.outcome, POLICY_ACCEPTED);
	assert_true(f.verdict.unchecked);
	f.facts.zip = POLICY_ZIP_BROKEN;
	f.facts.zip_why = "ZIP-R05: entry \"a.py\": local header differs from directory in size";
	f.facts.zip_remedy = "re-create it with: zip -r f.zip .";
	policy_judge(&f.facts, NULL, NULL, POLICY_ON_DEPLOYMENT, NOW, &f.verdict);
	assert_refused(&f.verdict, POLICY_VF1001_ZIP);
	assert_says(f.verdict.detail, f.facts.zip_why);
	assert_string_equal(f.verdict.remedy, f.facts.zip_remedy);
}

static void demanded_time_stamp_cannot_be_waved_through(void **state UNUSED)
{
	struct fixture f = good();
	f.rules.timestamp_required = true;
	f.signature.has_timestamp = true; /* not looked at */
	assert_refused(judge(&f), POLICY_VF3001_UNDECIDED);
	assert_int_equal(f.verdict.deciding, POLICY_SOURCE);
	assert_says(f.verdict.detail, "demands a time stamp");
	assert_says(f.verdict.remedy, "vouchfs timestamp");
	f.signature.timestamp = SIGNATURE_BAD;
	assert_refused(judge(&f), POLICY_VF3001_UNDECIDED);
	f.signature.timestamp = SIGNATURE_GOOD;
	f.signature.timestamp_s = NOW;
	assert_int_equal(judge(&f)->outcome, POLICY_ACCEPTED);
	assert_says(f.verdict.checks[POLICY_SOURCE].found, "time stamp 20");
	f.rules.mismatch = CONFIG_WARN;
	f.signature.timestamp = SIGNATURE_UNKNOWN;
	assert_int_equal(judge(&f)->outcome, POLICY_WARNED);
	assert_int_equal(f.verdict.reason, POLICY_VF3001_UNDECIDED);
}

static void neither_clock_may_run_ahead(void **state UNUSED)
{
	struct fixture f = good();
	f.signature.timestamp = SIGNATURE_GOOD;
	f.signature.timestamp_s = NOW + LIMIT_CLOCK_AHEAD_S;
	assert_int_equal(judge(&f)->outcome, POLICY_ACCEPTED);
	f.signature.timestamp_s++;
	assert_refused(judge(&f), POLICY_VF3001_UNDECIDED);
	assert_int_equal(f.verdict.deciding, POLICY_REVOCATION);
	f.signature.timestamp_s = NOW;
	f.signature.statement.signed_at_s = NOW + LIMIT_CLOCK_AHEAD_S + 1; /* the stamp's time excuses nothing */
	assert_refused(judge(&f), POLICY_VF3001_UNDECIDED);
	f.signature.statement.signed_at_s = NOW;
	f.signature.timestamp = SIGNATURE_UNKNOWN; /* what does not hold has no time */
	f.signature.timestamp_s = NOW + LIMIT_CLOCK_AHEAD_S + 1;
	assert_int_equal(judge(&f)->outcome, POLICY_ACCEPTED);
}

static void long_texts_are_cut_with_dots(void **state UNUSED)
{
	struct policy_verdict v;
	char detail[2 * POLICY_DETAIL_SIZE];
	memset(detail, 'x', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	policy_refuse(POLICY_VF4001_NO_SLOT, detail, "", &v);
	assert_refused(&v, POLICY_VF4001_NO_SLOT);
	assert_int_equal(strlen(v.detail), POLICY_DETAIL_SIZE - 1);
	assert_string_equal(v.detail + POLICY_DETAIL_SIZE - 5, "x...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_artifact_is_accepted),
		cmocka_unit_test(nothing_known_is_refused),
		cmocka_unit_test(foreign_profile_is_named_beside_the_allowed_ones),
		cmocka_unit_test(profile_without_version_allows_every_version),
		cmocka_unit_test(twenty_publishers_are_cut_not_dropped),
		cmocka_unit_test(config_without_publishers_allows_nobody),
		cmocka_unit_test(any_account_is_known_by_its_address_alone),
		cmocka_unit_test(expiry_counts_from_its_second_on),
		cmocka_unit_test(signed_at_may_be_five_minutes_ahead),
		cmocka_unit_test(list_counts_between_its_times),
		cmocka_unit_test(only_a_missing_list_can_be_excused),
		cmocka_unit_test(revoked_stays_revoked_when_the_list_is_stale),
		cmocka_unit_test(warn_records_and_accepts),
		cmocka_unit_test(integrity_is_never_waived),
		cmocka_unit_test(later_enforced_failure_beats_an_earlier_warning),
		cmocka_unit_test(check_relaxed_by_itself_stays_relaxed_on_load),
		cmocka_unit_test(without_config_only_form_counts),
		cmocka_unit_test(demanded_time_stamp_cannot_be_waved_through),
		cmocka_unit_test(neither_clock_may_run_ahead),
		cmocka_unit_test(long_texts_are_cut_with_dots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
