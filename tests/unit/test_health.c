/* What is a warning, what is critical, and what is neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overview_fixture.h"

#define DAY_S 86400

static struct overview *new_healthy(void)
{
	struct overview *overview = overview_fixture_new();
	overview_fixture_add_function(overview, "main");
	overview_fixture_add_layer(overview, "tools");
	return overview;
}

static struct overview_slot *only(struct overview *overview)
{
	return &overview->slots[0];
}

/* ---- one thing wrong, and nearly the same that is not ---- */

static void unmount(struct overview *o, bool is_bad)
{
	o->is_mounted = !is_bad;
}

static void spoil_audit(struct overview *o, bool is_bad)
{
	o->audit_writable = !is_bad;
}

static void damage(struct overview *o, bool is_bad)
{
	only(o)->is_damaged = is_bad;
}

static void block(struct overview *o, bool is_bad)
{
	only(o)->is_blocked = is_bad;
	overview_fixture_set(&only(o)->enforce_reason, "VF2004");
}

static void spoil_list(struct overview *o, bool is_bad)
{
	overview_fixture_set(&o->accounts[0].list_state, "refused");
	overview_fixture_set(&o->accounts[0].list_detail, "it is older");
	if (!is_bad)
		overview_fixture_set(&o->accounts[0].list_state, "good");
}

static void lose_list(struct overview *o, bool is_bad)
{
	overview_fixture_set(&o->accounts[0].list_state, "missing");
	o->accounts[0].list_required = is_bad;
}

static void age_list(struct overview *o, bool is_bad)
{
	o->accounts[0].list_issued_at_s = o->now_s - 6 * DAY_S + (is_bad ? 0 : 2 * DAY_S);
	o->accounts[0].list_next_update_s = o->accounts[0].list_issued_at_s + 7 * DAY_S;
}

static void lose_confinement(struct overview *o, bool is_bad)
{
	if (is_bad)
		overview_fixture_set(&o->unconfined, "this kernel has no Landlock");
}

static void fail_reload(struct overview *o, bool is_bad)
{
	o->config_failures = is_bad;
	overview_fixture_set(&o->config_error, "a.conf:3: unknown key");
}

static void die(struct overview *o, bool is_bad)
{
	o->restarts = 3;
	o->deaths = 2;
	o->last_death_at_s = o->now_s - (is_bad ? DAY_S - 1 : DAY_S);
}

static void break_glass(struct overview *o, bool is_bad)
{
	only(o)->break_glass.until_s = is_bad ? o->now_s + 60 : 0;
}

static void fail_to_deploy(struct overview *o, bool is_bad)
{
	overview_fixture_set(&only(o)->last.outcome, is_bad ? "failed" : "waiting");
}

static void refuse(struct overview *o, bool is_bad)
{
	overview_fixture_refuse(only(o));
	if (!is_bad)
		only(o)->last.at_s = o->now_s - OVERVIEW_REFUSED_S;
}

static void expire_soon(struct overview *o, bool is_bad)
{
	only(o)->expires_at_s = o->now_s + (is_bad ? 30 * DAY_S - 1 : 30 * DAY_S);
}

static void expire_certificate(struct overview *o, bool is_bad)
{
	o->accounts[0].certificate_expires_at_s = o->now_s + (is_bad ? 3 : 300) * DAY_S;
}

static void warn(struct overview *o, bool is_bad)
{
	overview_fixture_set(&only(o)->outcome, is_bad ? "warned" : "accepted");
}

static void would_fail(struct overview *o, bool is_bad)
{
	overview_fixture_set(&only(o)->enforce_outcome, is_bad ? "refused" : "accepted");
	overview_fixture_set(&only(o)->enforce_reason, "VF2003");
}

static void forget(struct overview *o, bool is_bad)
{
	overview_fixture_set(&only(o)->mode, OVERVIEW_NO_CONFIG);
	only(o)->release = is_bad;
}

/* ---- what governs it ---- */

static void lose_bundle(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o);
	overview_fixture_set(&o->policy.detail, "it is another one");
	if (is_bad)
		overview_fixture_set(&o->policy.state, OVERVIEW_POLICY_LOST);
}

static void have_unknown_state(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o);
	if (is_bad)
		overview_fixture_set(&o->policy.state, "perhaps");
}

static void have_no_bundle(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o);
	if (is_bad)
		overview_fixture_set(&o->policy.state, OVERVIEW_POLICY_NONE);
}

static void expire_bundle(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o);
	overview_fixture_set(&o->policy.alarm, is_bad ? "VF2003" : NULL);
}

static void revoke_bundle(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o);
	overview_fixture_set(&o->policy.alarm, is_bad ? "VF2004" : NULL);
}

static void let_bundle_expire(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o)->expires_at_s = o->now_s + (is_bad ? 30 * DAY_S - 1 : 30 * DAY_S);
}

static void roll_back(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o)->highest_sequence = 8;
	overview_fixture_set(&o->policy.rollback_reason, is_bad ? "8 was wrong" : NULL);
}

/* What is wrong with the bundle itself is told as that, not as a difference. */
static void drift_locally(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o);
	overview_fixture_add_drift(&o->policy, OVERVIEW_DRIFT_BUNDLE, "rolled back");
	if (is_bad)
		overview_fixture_add_drift(&o->policy, OVERVIEW_DRIFT_LOCAL, "x.conf:3");
}

static void drift_in_trust(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o);
	if (is_bad)
		overview_fixture_add_drift(&o->policy, OVERVIEW_DRIFT_TRUST, "account 1");
}

static void drift_in_slots(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o);
	if (!is_bad)
		return;
	overview_fixture_add_drift(&o->policy, OVERVIEW_DRIFT_SLOT, "functions/a");
	overview_fixture_add_drift(&o->policy, OVERVIEW_DRIFT_UNIT, "UMask");
}

static void silence_source(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o)->fetched_at_s = o->now_s - (is_bad ? 3 * 300 : 3 * 300 - 1);
	overview_fixture_set(&o->policy.fetch_error, "no route");
}

static void refuse_bundle(struct overview *o, bool is_bad)
{
	struct overview_attempt *last = &overview_fixture_govern(o)->last;
	overview_fixture_set(&last->outcome, "refused");
	overview_fixture_set(&last->reason, "VF5002");
	overview_fixture_set(&last->detail, "it is older");
	last->at_s = o->now_s - OVERVIEW_REFUSED_S + is_bad;
}

/* Since the mount, which nobody else says. */
static void never_reach_source(struct overview *o, bool is_bad)
{
	overview_fixture_govern(o)->fetched_at_s = 0;
	o->started_at_s = o->now_s - (is_bad ? 7200 : 60);
}

static const struct {
	void (*spoil)(struct overview *overview, bool is_bad);
	const char *code;
	const char *line;
} cases[] = {
	{unmount, "not-mounted", "critical: not mounted: nothing is served\n"},
	{spoil_audit, "audit-log", "critical: the audit log cannot be written: nothing can be deployed\n"},
	{damage, "damaged", "critical: functions/main is damaged in the store\n"},
	{block, "blocked", "critical: functions/main (VF2004) is blocked by policy\n"},
	{spoil_list, "list", "critical: the revocation list of account 111122223333 is refused: it is older\n"},
	{lose_list, "list", "critical: the revocation list of account 111122223333 is missing\n"},
	{age_list, "list-due", "warning: the next revocation list of account 111122223333 is due in 24 h\n"},
	{die, "daemon-died",
	 "warning: the daemon died within a day, 2 times since the mount, and was replaced: its log says why\n"},
	{lose_confinement, "not-confined",
	 "warning: the process that serves is not confined: this kernel has no Landlock\n"},
	{fail_reload, "reload-failed", "warning: the last reload failed: a.conf:3: unknown key\n"},
	{break_glass, "break-glass", "warning: functions/main is under break glass\n"},
	{fail_to_deploy, "failed", "warning: functions/main could not be deployed to, the store failed\n"},
	{refuse, "refused", "warning: functions/main (VF2001) refused what came last, within a day\n"},
	{expire_soon, "expiring", "warning: functions/main has a signature that expires soon\n"},
	{expire_certificate, "certificate", "warning: the certificate of account 111122223333 expires in 3 days\n"},
	{warn, "warned", "warning: functions/main serves what Enforce would refuse\n"},
	{would_fail, "warned", "warning: functions/main (VF2003) serves what Enforce would refuse\n"},
	{lose_bundle, "policy-lost", "critical: the policy bundle is lost: it is another one\n"},
	{have_unknown_state, "policy-lost", "critical: the policy bundle is lost\n"},
	{have_no_bundle, "policy-none",
	 "warning: no policy bundle has come yet: nothing that one governs is in force\n"},
	{expire_bundle, "policy-alarm", "critical: policy bundle 7 is expired (VF2003), and kept in force\n"},
	{revoke_bundle, "policy-alarm", "critical: policy bundle 7 is revoked (VF2004), and kept in force\n"},
	{let_bundle_expire, "policy-expiring", "warning: the signature of policy bundle 7 expires in 29 days\n"},
	{roll_back, "policy-rolled-back",
	 "warning: the policy is rolled back from bundle 8 to 7 by uid 0: 8 was wrong\n"},
	{drift_locally, "policy-drift",
	 "warning: the host differs from its policy bundle in 1 thing: local x.conf:3\n"},
	{drift_in_trust, "policy-drift",
	 "critical: the host differs from its policy bundle in 1 thing: trust account 1\n"},
	{drift_in_slots, "policy-drift",
	 "critical: the host differs from its policy bundle in 2 things: slot functions/a, ...\n"},
	{silence_source, "policy-source",
	 "warning: the source of policy bundles has not answered for 15 min: no route\n"},
	{refuse_bundle, "policy-refused",
	 "warning: the policy bundle that came last was refused within a day, VF5002: it is older\n"},
	{never_reach_source, "policy-source",
	 "warning: the source of policy bundles has not answered for 2 h, since the mount\n"},
	{forget, "no-config", "warning: functions/main is served without a section in the configuration\n"},
};

static void each_is_found_by_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct overview *overview = new_healthy();
		struct overview_finding *all = NULL;
		struct buf text = {0};
		size_t count = 0;
		cases[i].spoil(overview, true);
		assert_int_equal(overview_print_health(overview, &text), 0);
		assert_string_equal(text.data, cases[i].line);
		assert_int_equal(overview_find_problems(overview, OVERVIEW_EXPIRY_DAYS, &all, &count), 0);
		assert_int_equal(count, 1);
		assert_string_equal(all[0].code, cases[i].code);
		assert_memory_equal(cases[i].line, overview_health_name(all[0].level),
				    strlen(overview_health_name(all[0].level)));
		free(all);
		buf_done(&text);
		overview_free(overview);
	}
}

static void what_is_nearly_that_is_healthy(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct overview *overview = new_healthy();
		struct buf text = {0};
		cases[i].spoil(overview, false);
		assert_int_equal(overview_print_health(overview, &text), 0);
		assert_string_equal(text.data, "ok\n");
		buf_done(&text);
		overview_free(overview);
	}
}

static void the_worst_comes_first(void **state)
{
	(void)state;
	struct overview *overview = overview_fixture_new_troubled();
	struct buf text = {0};
	assert_int_equal(overview_print_health(overview, &text), 0);
	overview_fixture_assert_golden("health-troubled.txt", &text);
	buf_done(&text);
	overview_free(overview);
}

static void many_slots_are_one_line(void **state)
{
	(void)state;
	struct overview *overview = overview_fixture_new();
	struct buf text = {0};
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		overview_fixture_add_function(overview, names[i])->is_damaged = true;
	assert_int_equal(overview_print_health(overview, &text), 0);
	assert_string_equal(text.data,
			    "critical: 5 slots are damaged in the store: functions/a, functions/b, functions/c "
			    "and 2 more\n");
	buf_done(&text);
	overview_free(overview);
}

static void days_until_it_expires_are_ones_own(void **state)
{
	(void)state;
	struct overview *overview = new_healthy();
	struct overview_finding *all = NULL;
	size_t count;
	only(overview)->expires_at_s = overview->now_s + 10 * DAY_S;
	assert_int_equal(overview_find_problems(overview, 9, &all, &count), 0);
	assert_int_equal(count, 0);
	free(all);
	assert_int_equal(overview_find_problems(overview, 11, &all, &count), 0);
	assert_int_equal(count, 1);
	free(all);
	overview_free(overview);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_found_by_itself),
		cmocka_unit_test(what_is_nearly_that_is_healthy),
		cmocka_unit_test(the_worst_comes_first),
		cmocka_unit_test(many_slots_are_one_line),
		cmocka_unit_test(days_until_it_expires_are_ones_own),
	};
	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
