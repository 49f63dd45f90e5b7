/* What Prometheus is told of the policy bundle that governs a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics_scene.h"

static struct overview_policy *govern(struct metrics_scene *s)
{
	struct overview_policy *policy = &s->overview->policy;
	policy->state = strdup(OVERVIEW_POLICY_IN_FORCE);
	policy->sequence = 7;
	policy->highest_sequence = 9;
	policy->expires_at_s = NOW_S + 100;
	policy->applied_at_s = NOW_S - 100;
	return policy;
}

static void no_publisher_no_series(void **state)
{
	struct metrics_scene *s = *state;
	metrics_count_attempt(&s->metrics, METRICS_BUNDLES, METRICS_REFUSED, POLICY_VF5002_SEQUENCE);
	metrics_scene_render(s);
	assert_lacks(s, "vouchfs_policy");
	assert_lacks(s, "VF5001");
	govern(s);
	metrics_scene_render(s);
	assert_lacks(s, "vouchfs_policy_fetch");
	assert_has(s, "vouchfs_policy_bundles_total{mount=\"prod\",outcome=\"refused\",reason=\"VF5002\"} 1");
}

static void a_bundle_in_force(void **state)
{
	struct metrics_scene *s = *state;
	struct overview_policy *policy = govern(s);
	policy->rollback_reason = strdup("");
	metrics_scene_render(s);
	assert_has(s, "vouchfs_policy_bundle_state{mount=\"prod\",state=\"in_force\"} 1");
	assert_has(s, "vouchfs_policy_bundle_state{mount=\"prod\",state=\"lost\"} 0");
	assert_has(s, "vouchfs_policy_bundle_state{mount=\"prod\",state=\"none\"} 0");
	assert_has(s, "vouchfs_policy_bundle_alarm{mount=\"prod\",reason=\"VF2003\"} 0");
	assert_has(s, "vouchfs_policy_bundle_sequence{mount=\"prod\"} 7");
	assert_has(s, "vouchfs_policy_bundle_highest_sequence{mount=\"prod\"} 9");
	assert_has(s, "vouchfs_policy_bundle_rolled_back{mount=\"prod\"} 1");
	assert_has(s, "vouchfs_policy_bundle_expiry_timestamp_seconds{mount=\"prod\"} 1795260100");
	assert_has(s, "vouchfs_policy_bundle_applied_timestamp_seconds{mount=\"prod\"} 1795259900");
	s->overview->now_s = NOW_S + 100;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_policy_bundle_alarm{mount=\"prod\",reason=\"VF2003\"} 1");
	assert_has(s, "vouchfs_policy_bundle_alarm{mount=\"prod\",reason=\"VF2004\"} 0");
	policy->alarm = strdup("VF2004");
	metrics_scene_render(s);
	assert_has(s, "vouchfs_policy_bundle_alarm{mount=\"prod\",reason=\"VF2003\"} 0");
	assert_has(s, "vouchfs_policy_bundle_alarm{mount=\"prod\",reason=\"VF2004\"} 1");
}

static void drift_is_counted_by_kind(void **state)
{
	struct metrics_scene *s = *state;
	struct overview_policy *policy = govern(s);
	policy->drift_by_kind[OVERVIEW_DRIFT_UNIT] = 3;
	policy->drift_checked_at_s = NOW_S - 5;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_policy_drift{mount=\"prod\",kind=\"unit\"} 3");
	assert_has(s, "vouchfs_policy_drift{mount=\"prod\",kind=\"bundle\"} 0");
	assert_has(s, "vouchfs_policy_drift_check_timestamp_seconds{mount=\"prod\"} 1795259995");
	assert_int_equal(metrics_scene_count(s, "vouchfs_policy_drift{"), OVERVIEW_DRIFT_KINDS);
}

static void a_source_says_when_it_answered(void **state)
{
	struct metrics_scene *s = *state;
	struct overview_policy *policy = govern(s);
	policy->source = strdup("https://policy.example");
	policy->fetched_at_s = NOW_S - 3;
	policy->poll_interval_s = 300;
	metrics_scene_render(s);
	assert_has(s, "vouchfs_policy_fetch_timestamp_seconds{mount=\"prod\"} 1795259997");
	assert_has(s, "vouchfs_policy_fetch_failing{mount=\"prod\"} 0");
	assert_has(s, "vouchfs_policy_fetch_interval_seconds{mount=\"prod\"} 300");
	policy->fetch_error = strdup("no route");
	metrics_scene_render(s);
	assert_has(s, "vouchfs_policy_fetch_failing{mount=\"prod\"} 1");
}

static void bundles_have_the_outcomes_that_they_can_have(void **state)
{
	struct metrics_scene *s = *state;
	govern(s);
	metrics_scene_render(s);
	assert_has(s, "vouchfs_policy_bundles_total{mount=\"prod\",outcome=\"accepted\",reason=\"none\"} 0");
	assert_has(s, "vouchfs_policy_bundles_total{mount=\"prod\",outcome=\"failed\",reason=\"none\"} 0");
	assert_has(s, "vouchfs_policy_bundles_total{mount=\"prod\",outcome=\"refused\",reason=\"VF5001\"} 0");
	assert_has(s, "vouchfs_policy_bundles_total{mount=\"prod\",outcome=\"refused\",reason=\"VF2001\"} 0");
	assert_lacks(s, "vouchfs_policy_bundles_total{mount=\"prod\",outcome=\"warned\"");
	assert_lacks(s, "vouchfs_policy_bundles_total{mount=\"prod\",outcome=\"refused\",reason=\"VF2005\"");
	assert_lacks(s, "vouchfs_deployments_total{mount=\"prod\",outcome=\"refused\",reason=\"VF5001\"");
	assert_lacks(s, "vouchfs_layer_publications_total{mount=\"prod\",outcome=\"refused\",reason=\"VF5002\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_publisher_no_series),
		TEST(a_bundle_in_force),
		TEST(drift_is_counted_by_kind),
		TEST(a_source_says_when_it_answered),
		TEST(bundles_have_the_outcomes_that_they_can_have),
	};
	return cmocka_run_group_tests_name("metrics of the policy", tests, NULL, NULL);
}
