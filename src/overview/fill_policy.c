/* The policy bundle that governs a host, of what trust_load has found and proved. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "common.h"
#include "config/policy.h"
#include "gate/governed.h"
#include "overview/fill.h"
#include "policy/reason.h"

static const char *state_name(enum governed_state state)
{
	switch (state) {
	case GOVERNED_NONE:
		return OVERVIEW_POLICY_NONE;
	case GOVERNED_IN_FORCE:
		return OVERVIEW_POLICY_IN_FORCE;
	case GOVERNED_LOST:
		break;
	}
	return OVERVIEW_POLICY_LOST;
}

static int fill_alarm(const struct governed *governed, struct overview_policy *policy)
{
	if (governed->alarm == POLICY_REASON_NONE)
		return 0;
	int r = view_copy(policy_reason_info(governed->alarm)->code, &policy->alarm);
	return r == 0 && governed->alarm_why.text[0] ? view_copy(governed->alarm_why.text, &policy->alarm_detail) : r;
}

static int fill_bundle(const struct governed *governed, const struct config_terms *terms,
		       struct overview_policy *policy)
{
	char arn[ARN_TEXT_SIZE], hex[CRYPTO_SHA256_HEX_SIZE];
	arn_print_profile(&governed->profile_version, arn);
	text_hex(governed->tree_sha256, sizeof(governed->tree_sha256), hex);
	policy->sequence = governed->sequence;
	policy->signed_at_s = governed->signed_at_s;
	policy->expires_at_s = governed->expires_at_s;
	policy->applied_at_s = governed->applied_at_s;
	policy->applied_by_uid = governed->applied_by_uid;
	policy->rollback_by_uid = governed->rollback_by_uid;
	int r = view_copy(arn, &policy->profile_version_arn);
	if (r == 0)
		r = view_copy(hex, &policy->tree_sha256);
	if (r == 0 && terms && terms->description && terms->description[0])
		r = view_copy(terms->description, &policy->description);
	if (r == 0 && governed->is_rolled_back)
		r = view_copy(governed->rollback_reason, &policy->rollback_reason);
	return r == 0 ? fill_alarm(governed, policy) : r;
}

int overview_fill_policy(const struct trust *trust, struct overview *overview)
{
	const struct governed *governed = trust->governed;
	struct overview_policy *policy = &overview->policy;
	int r = view_copy(trust->config->policy.host, &overview->host);
	if (r < 0 || !governed)
		return r;
	r = view_copy(state_name(governed->state), &policy->state);
	policy->highest_sequence = governed->highest_sequence;
	policy->poll_interval_s = trust->config->policy.poll_interval_s;
	if (r == 0)
		r = view_copy(trust->config->policy.source, &policy->source);
	if (r == 0 && governed->state == GOVERNED_LOST && governed->why.text[0])
		r = view_copy(governed->why.text, &policy->detail);
	return r == 0 && governed->state == GOVERNED_IN_FORCE ? fill_bundle(governed, trust->config->terms, policy) : r;
}
