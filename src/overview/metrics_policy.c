/* The metrics of the policy bundle that governs a host. Where no publisher is configured there are none of them. */
#include "common.h"
#include "metrics_text.h"
#include "policy_words.h"

/* ---- the bundle ---- */

static void put_state(struct metrics_text *t, const struct overview_policy *policy)
{
	const struct {
		const char *name;
		bool is_so;
	} states[] = {{"in_force", policy_is_in_force(policy)},
		      {"lost", policy_is_lost(policy)},
		      {"none", policy_has_none_yet(policy)}};
	metrics_family(t, "vouchfs_policy_bundle_state", METRICS_GAUGE,
		       "1 for the state that the policy bundle is in: in force, lost, or none has come yet.");
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const struct metrics_label label = {"state", states[i].name};
		metrics_sample(t, &label, 1, states[i].is_so);
	}
}

static void put_alarm(struct metrics_text *t, const struct overview *overview)
{
	static const char *const reasons[] = {"VF2003", "VF2004", "VF3001"};
	const char *alarm = policy_alarm(&overview->policy, overview->now_s);
	metrics_family(
		t, "vouchfs_policy_bundle_alarm", METRICS_GAUGE,
		"1 where the bundle in force has expired, is revoked, or nobody can tell, and is kept in force.");
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		const struct metrics_label label = {"reason", reasons[i]};
		metrics_sample(t, &label, 1, view_is(alarm, reasons[i]));
	}
}

static void put_bundle(struct metrics_text *t, const struct overview_policy *policy)
{
	metrics_single(t, "vouchfs_policy_bundle_sequence", METRICS_GAUGE,
		       "The sequence of the bundle in force; 0 for none.", policy->sequence);
	metrics_single(t, "vouchfs_policy_bundle_highest_sequence", METRICS_GAUGE,
		       "The highest sequence that was ever in force here.", policy->highest_sequence);
	metrics_single(t, "vouchfs_policy_bundle_rolled_back", METRICS_GAUGE,
		       "Whether an administrator has taken up a bundle with a lower sequence.",
		       policy_is_in_force(policy) && policy->rollback_reason);
	metrics_single(t, "vouchfs_policy_bundle_expiry_timestamp_seconds", METRICS_GAUGE,
		       "When the signature of the bundle in force expires; 0 for none.",
		       (uint64_t)policy->expires_at_s);
	metrics_single(t, "vouchfs_policy_bundle_applied_timestamp_seconds", METRICS_GAUGE,
		       "When the bundle in force was taken up; 0 for none.", (uint64_t)policy->applied_at_s);
}

/* ---- drift ---- */

static void put_drift(struct metrics_text *t, const struct overview_policy *policy)
{
	metrics_family(t, "vouchfs_policy_drift", METRICS_GAUGE,
		       "In how many things the host differs from its bundle, by kind.");
	for (size_t kind = 0; kind < OVERVIEW_DRIFT_KINDS; kind++) {
		const struct metrics_label label = {"kind", overview_drift_name((enum overview_drift)kind)};
		metrics_sample(t, &label, 1, policy->drift_by_kind[kind]);
	}
	metrics_single(t, "vouchfs_policy_drift_check_timestamp_seconds", METRICS_GAUGE,
		       "When that was looked at last; 0 for not yet.", (uint64_t)policy->drift_checked_at_s);
}

/* ---- the source ---- */

static void put_source(struct metrics_text *t, const struct overview_policy *policy)
{
	metrics_single(t, "vouchfs_policy_fetch_timestamp_seconds", METRICS_GAUGE,
		       "When the source of bundles last answered; 0 for not since the mount.",
		       (uint64_t)policy->fetched_at_s);
	metrics_single(t, "vouchfs_policy_fetch_failing", METRICS_GAUGE, "Whether the last attempt to ask it failed.",
		       policy->fetch_error != NULL);
	metrics_single(t, "vouchfs_policy_fetch_interval_seconds", METRICS_GAUGE, "How often it is asked.",
		       policy->poll_interval_s);
}

void metrics_put_policy(struct metrics_text *t, const struct overview *overview)
{
	const struct overview_policy *policy = &overview->policy;
	if (!policy->state)
		return;
	put_state(t, policy);
	put_alarm(t, overview);
	put_bundle(t, policy);
	put_drift(t, policy);
	if (policy->source)
		put_source(t, policy);
}
