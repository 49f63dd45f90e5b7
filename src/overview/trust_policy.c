/* Of the tree of `vouchfs trust`: who decides all of it, where that is a policy bundle. */
#include <inttypes.h>

#include "common.h"
#include "policy_words.h"
#include "trust.h"

static void put_bundle(struct drawing *d, const struct overview_policy *policy)
{
	char profile[VIEW_PROFILE_SIZE], since[VIEW_DATE_SIZE], until[VIEW_DATE_SIZE];
	const char *alarm = policy_alarm(policy, d->overview->now_s);
	tree_branch(d->tree, 0, PAINT_BOLD, "policy bundle %" PRIu64 " governs this host", policy->sequence);
	if (policy->description)
		tree_note(d->tree, 0, PAINT_PLAIN, "%s", policy->description);
	tree_note(d->tree, 0, PAINT_PLAIN, "signed by %s until %s, in force since %s",
		  view_profile(policy->profile_version_arn, profile), view_date(policy->expires_at_s, until),
		  view_date(policy->applied_at_s, since));
	if (alarm)
		tree_note(d->tree, 0, PAINT_BAD, "%s (%s), and kept in force until a newer one comes",
			  policy_alarm_word(alarm), alarm);
	if (policy->rollback_reason)
		tree_note(d->tree, 0, PAINT_BAD, "ROLLED BACK from bundle %" PRIu64 " by uid %u: %s",
			  policy->highest_sequence, policy->rollback_by_uid, policy->rollback_reason);
	if (policy_count_drift(policy) > 0)
		tree_note(d->tree, 0, PAINT_BAD, "DRIFT: %" PRIu64 " difference%s; `vouchfs policy drift` shows them",
			  policy_count_drift(policy), policy_count_drift(policy) == 1 ? "" : "s");
}

void trust_put_policy(struct drawing *d)
{
	const struct overview_policy *policy = &d->overview->policy;
	if (policy_is_in_force(policy))
		put_bundle(d, policy);
	else if (policy_has_none_yet(policy))
		tree_branch(d->tree, 0, PAINT_BAD, "NO POLICY BUNDLE has come yet: no code-signing config is in force");
	else if (policy->state)
		tree_branch(d->tree, 0, PAINT_BAD,
			    "THE POLICY BUNDLE IS LOST: no code-signing config of it is in force");
}

const char *trust_missing_section(const struct overview_policy *policy)
{
	if (!policy->state)
		return "NO CONFIG: no [function] section is for it, so nothing can be deployed";
	return policy_is_in_force(policy)
		       ? "NO CONFIG: the policy bundle has no [function] section for it, so nothing can be deployed"
		       : "NO CONFIG: without a policy bundle no [function] section is in force, so nothing can be "
			 "deployed";
}
