#include "policy_words.h"

#include <string.h>

#include "arn/arn.h"
#include "common.h"
#include "config/policy.h"

bool policy_is_in_force(const struct overview_policy *policy)
{
	return view_is(policy->state, OVERVIEW_POLICY_IN_FORCE);
}

bool policy_has_none_yet(const struct overview_policy *policy)
{
	return view_is(policy->state, OVERVIEW_POLICY_NONE);
}

bool policy_is_lost(const struct overview_policy *policy)
{
	return policy->state && !policy_is_in_force(policy) && !policy_has_none_yet(policy);
}

/* By the clock, too: what raises the alarm does not look every second. */
const char *policy_alarm(const struct overview_policy *policy, int64_t now_s)
{
	bool is_over = policy->expires_at_s > 0 && policy->expires_at_s <= now_s;
	if (!policy_is_in_force(policy))
		return NULL;
	return policy->alarm ? policy->alarm : is_over ? "VF2003" : NULL;
}

const char *policy_alarm_word(const char *alarm)
{
	if (view_is(alarm, "VF2003"))
		return "EXPIRED";
	return view_is(alarm, "VF2004") ? "REVOKED" : "UNDECIDED";
}

uint64_t policy_count_drift(const struct overview_policy *policy)
{
	uint64_t of_bundle = policy->drift_by_kind[OVERVIEW_DRIFT_BUNDLE];
	return policy->drift_count > of_bundle ? policy->drift_count - of_bundle : 0;
}

bool policy_is_overridden(const struct overview_policy *policy)
{
	return policy->drift_by_kind[OVERVIEW_DRIFT_TRUST] + policy->drift_by_kind[OVERVIEW_DRIFT_SLOT] > 0;
}

static bool is_of_bundle(const char *text)
{
	return strncmp(text, "bundle ", strlen("bundle ")) == 0;
}

size_t policy_list_drift(const struct overview_policy *policy, const char *ret[POLICY_DRIFT_SHOWN])
{
	size_t count = 0;
	for (size_t i = 0; i < policy->drift_shown && count < POLICY_DRIFT_SHOWN; i++)
		if (!is_of_bundle(policy->drift[i]))
			ret[count++] = policy->drift[i];
	return count;
}

bool policy_was_refused(const struct overview_policy *policy)
{
	return policy->state && (view_is(policy->last.outcome, "refused") || view_is(policy->last.outcome, "failed"));
}

bool policy_is_signed_by(const struct overview_policy *policy, const char *account)
{
	struct arn_profile profile;
	const char *arn = policy->profile_version_arn;
	return arn && arn_parse_profile(arn, strlen(arn), &profile) && strcmp(profile.scope.account, account) == 0;
}

static int64_t last_answer_s(const struct overview *overview)
{
	int64_t fetched_s = overview->policy.fetched_at_s, started_s = overview->started_at_s;
	return fetched_s > started_s ? fetched_s : started_s;
}

bool policy_is_source_silent(const struct overview *overview)
{
	const struct overview_policy *policy = &overview->policy;
	uint64_t interval_s = policy->poll_interval_s ? policy->poll_interval_s : CONFIG_POLL_INTERVAL_DEFAULT_S;
	int64_t silent_s = overview->now_s - last_answer_s(overview);
	return overview->is_mounted && policy->state && policy->source && silent_s > 0 &&
	       (uint64_t)silent_s / POLICY_SILENT_INTERVALS >= interval_s;
}
