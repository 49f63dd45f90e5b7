/* By which rules a function is judged: its config's, or those relaxed while a break glass is in force. */
#include "break_glass.h"
#include "internal.h"

static enum config_mode relax(enum config_mode mode)
{
	return mode == CONFIG_ENFORCE ? CONFIG_WARN : mode;
}

void rules_relax(const struct config_code_signing *rules, struct config_code_signing *ret)
{
	*ret = *rules;
	ret->mismatch = relax(rules->mismatch);
	ret->expiry = relax(rules->expiry);
	ret->revocation = relax(rules->revocation);
	ret->deployment = relax(rules->deployment);
	ret->on_load = relax(rules->on_load);
}

void slot_rules(struct slot *slot, const struct config_slot *section, struct slot_rules *ret)
{
	struct break_glass glass;
	memset(ret, 0, sizeof(*ret));
	ret->rules = ret->configured = section ? section->code_signing : NULL;
	lock_take(&slot->slots->lock);
	bool is_in_force = slot_break_glass_locked(slot, &glass);
	ret->break_glass_seen = atomic_load(&slot->glass_seq);
	lock_drop(&slot->slots->lock);
	if (!is_in_force || !ret->configured)
		return;
	ret->break_glass = glass.what;
	ret->break_glass_from_s = glass.began_at_s;
	rules_relax(ret->configured, &ret->relaxed);
	ret->rules = &ret->relaxed;
}

void slot_rules_note(const struct slot_rules *rules, enum policy_moment moment, struct gate_decision *decision)
{
	if (rules->break_glass.seq == 0 || decision->verdict.outcome != POLICY_WARNED)
		return;
	bool refused = policy_would_refuse(&decision->verdict, rules->configured, moment);
	for (size_t i = 0; i < decision->layer_count; i++)
		refused |= policy_would_refuse(&decision->layers[i].verdict, rules->configured, moment);
	if (refused)
		decision->break_glass = rules->break_glass;
}
