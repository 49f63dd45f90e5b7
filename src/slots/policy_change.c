#include "policy_change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bindings.h"
#include "policy.h"
#include "reload.h"

static void forget(struct policy_change *change)
{
	trust_unref(change->before);
	trust_unref(change->after);
	free(change->effects);
	change->before = change->after = NULL;
	change->effects = NULL;
}

/* What a reload would refuse for the same reason. */
static void check_store(struct policy_change *change)
{
	if (strcmp(change->before->config->store, change->after->config->store) == 0)
		return;
	policy_refuse(POLICY_VF5001_BUNDLE,
		      "the configuration on the disk names another store, which cannot change while mounted",
		      "unmount and mount again, or put the store back as it was", &change->decision->verdict);
}

static int find_effects(struct policy_change *change)
{
	const struct effects_question question = {
		.before = change->before, .after = change->after, .everything = true, .keep = true};
	change->effects = reload_compare(change->slots, &question);
	return change->effects ? 0 : -ENOMEM;
}

int policy_change_judge(struct policy_change *change)
{
	struct slots *slots = change->slots;
	forget(change);
	change->before = slots_fresh_trust(slots);
	if (!change->before)
		return -ENOMEM;
	int (*judge)(const struct trust *, const char *, struct store *, const struct gate_artifact *,
		     struct gate_decision *, struct trust **) = change->rollback_reason ? gate_judge_rollback
											: gate_judge_bundle;
	int r = judge(change->before, slots->config_path, slots->store, change->artifact, change->decision,
		      &change->after);
	if (r == 0 && change->decision->verdict.outcome != POLICY_REFUSED)
		check_store(change);
	if (r == 0 && change->decision->verdict.outcome != POLICY_REFUSED)
		r = find_effects(change);
	return r;
}

int policy_change_begin(struct policy_change *change)
{
	struct slots *slots = change->slots;
	struct buf errors = {0};
	ASSERT(change->after && change->effects && !change->is_begun);
	lock_take(&slots->refresh_lock); /* nobody else replaces the trust */
	int r = slots->trust == change->before ? 0 : -EAGAIN;
	if (r == 0)
		r = reload_prepare_locked(slots, change->after, change->who, &errors);
	if (errors.len > 0)
		log_error("policy: %s", errors.data);
	buf_done(&errors);
	change->is_begun = r == 0;
	if (r < 0)
		lock_drop(&slots->refresh_lock);
	return r;
}

void policy_change_take_up(struct policy_change *change, const struct store_release *release)
{
	ASSERT(change->is_begun);
	governed_take_up(change->after, change->slots->store, release);
	slots_replace_trust(change->slots, change->after);
	change->is_in_force = true;
	int r = bindings_keep(change->slots, change->after);
	if (r < 0)
		log_error("store: bindings: %s; the next start tells once more what has changed now", strerror(-r));
}

void policy_change_end(struct policy_change *change)
{
	char what[64];
	if (change->is_begun)
		lock_drop(&change->slots->refresh_lock);
	change->is_begun = false;
	if (change->is_in_force) {
		(void)snprintf(what, sizeof(what), "policy bundle %llu",
			       (unsigned long long)change->after->governed->sequence);
		reload_note(change->slots, change->effects, what);
		change->effects = NULL;
		change->is_in_force = false;
	}
	forget(change);
}
