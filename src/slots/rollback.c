/*
 * rollback.c - an earlier release is made current again, as a new one: the same bytes under the same name with the same
 * layers, judged as a deployment is, with everything that a deployment leaves behind. All under the slot's commit lock,
 * so what was looked up as current is current when it is replaced.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"

struct rollback {
	struct slot *slot;
	const struct audit_who *who;
	struct trust *trust;
	struct release *target; /* the one that is taken up again */
	struct gate_deployment deployment;
	struct gate_decision *decision;
	struct slot_switch what;
};

/* The release of this number, or the newest before the current one; with a reference. Slot lock held. */
static int find_target(struct slot *slot, uint64_t number, struct release **ret)
{
	struct release *found = NULL;
	int r = 0;
	lock_take(&slot->slots->lock);
	uint64_t current = slot->current ? slot->current->record->number : UINT64_MAX;
	for (size_t i = 0; i < slot->listed_count; i++) {
		uint64_t at = slot->listed[i]->record->number;
		if (number > 0 ? at == number : at < current)
			found = slot->listed[i];
	}
	if (!found)
		r = -ENOENT;
	else if (found == slot->current)
		r = -EEXIST;
	else
		*ret = release_ref_locked(found);
	lock_drop(&slot->slots->lock);
	return r;
}

static void describe(struct rollback *b)
{
	const struct store_release *record = b->target->record;
	lock_take(&b->slot->slots->lock);
	b->deployment = (struct gate_deployment){
		.function = b->slot->name,
		.artifact_name = record->artifact_name,
		.who = b->who,
		.errno_style = b->trust->config->errno_style,
		.mtime_s = record->mtime_s,
		.mtime_ns = record->mtime_ns,
		.uid = b->who->uid,
		.rollback_to = record->number,
		.layers_of = record,
	};
	lock_drop(&b->slot->slots->lock);
}

/* The whole artifact with the layers that it had, as if it came again: what does not come out of the store whole is not
 * made current. */
static int judge(struct rollback *b)
{
	int r = release_load_view(b->target);
	if (r < 0) /* whoever asked is told whether another try may help */
		return release_is_damaged(b->target) ? -EBADMSG : r;
	const struct gate_artifact artifact = {.content = SIGNATURE_OF_ARTIFACT,
					       .file = release_file_reader(b->target)};
	struct slot_rules rules;
	slot_rules(b->slot, slot_section(b->trust, b->slot), &rules);
	r = layers_judge_artifact(b->slot, b->trust, &rules, &artifact, b->target->record, b->decision);
	if (r == 0)
		slot_rules_note(&rules, POLICY_ON_DEPLOYMENT, b->decision);
	if (r == 0 && atomic_load(&b->target->is_damaged))
		(void)release_report_damage(b->target, "rollback", -EBADMSG);
	return atomic_load(&b->target->is_damaged) ? -EBADMSG : r;
}

static uint64_t current_number(const struct slot *slot)
{
	return slot->current ? slot->current->record->number : 0;
}

static int refuse(struct rollback *b)
{
	gate_record_refusal(b->slot->slots->audit, &b->deployment, current_number(b->slot), b->decision);
	slot_set_note_locked(b->slot, &b->deployment, b->decision, current_number(b->slot));
	return -policy_verdict_errno(&b->decision->verdict, b->deployment.errno_style);
}

static int commit(struct rollback *b)
{
	struct slots *slots = b->slot->slots;
	struct slot *slot = b->slot;
	struct store_release *record = NULL;
	struct release *prepared = NULL, *release = NULL;
	inherit_touch(slot);
	int r = release_prepare(slot, b->target->record, &prepared);
	if (r == 0)
		r = gate_commit_again(slots->store, slots->audit, b->target->record, &b->deployment, b->decision,
				      &record);
	if (r < 0) {
		release_unprepare(prepared);
		return r;
	}
	b->what = (struct slot_switch){
		.slot_id = slot->facts.id, .number = record->number, .is_first = slot->current == NULL};
	r = release_take_up(prepared, record, &release);
	if (r < 0)
		return r;
	r = slot_switch_locked(slot, release, &b->what.dropped);
	if (r < 0)
		release_put(release);
	return r;
}

static int roll_back_locked(struct rollback *b, uint64_t number)
{
	const struct config_slot *section = slot_section(b->trust, b->slot);
	lock_take(&b->slot->slots->lock);
	bool is_present = slot_is_present(b->slot, section);
	lock_drop(&b->slot->slots->lock);
	if (!is_present)
		return -policy_reason_errno(POLICY_VF4001_NO_SLOT, b->trust->config->errno_style);

	int r = find_target(b->slot, number, &b->target);
	if (r < 0)
		return r;
	describe(b);
	r = judge(b);
	if (r == 0 && b->decision->verdict.outcome == POLICY_REFUSED)
		return refuse(b);
	if (r == 0)
		r = commit(b);
	if (r == 0)
		slot_set_note_locked(b->slot, &b->deployment, b->decision, b->what.number);
	else
		slot_set_failure_note_locked(b->slot, &b->deployment, b->decision->event, r);
	if (r < 0)
		log_error("%s: rollback to release %llu: %s", b->slot->path,
			  (unsigned long long)b->deployment.rollback_to, strerror(-r));
	return r;
}

static int roll_back(struct rollback *b, uint64_t number)
{
	b->decision = calloc(1, sizeof(*b->decision));
	if (!b->decision)
		return -ENOMEM;
	lock_take(&b->slot->lock);
	b->trust = slots_fresh_trust(b->slot->slots);
	int r = b->trust ? roll_back_locked(b, number) : -ENOMEM;
	lock_drop(&b->slot->lock);
	return r;
}

int slot_roll_back(struct slot *slot, uint64_t *number, const struct audit_who *who, uint64_t *ret_number)
{
	struct rollback b = {.slot = slot, .who = who};
	int r = slots_begin_verdict(slot->slots);
	if (r < 0)
		return r;
	r = roll_back(&b, *number);
	if (r == 0) {
		*number = b.deployment.rollback_to;
		*ret_number = b.what.number;
	}
	if (b.what.number > 0)
		slot_notify_switch(slot, &b.what);
	release_put(b.what.dropped);
	release_put(b.target);
	trust_unref(b.trust);
	free(b.decision);
	slots_end_verdict(slot->slots);
	return r;
}
