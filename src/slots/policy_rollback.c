/*
 * policy_rollback.c - an administrator takes up a bundle with a lower sequence than there was: recorded with his reason
 * before it happens, otherwise as if the bundle came again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "policy_change.h"
#include "reload.h"

struct rollback {
	struct slot *slot;
	const struct policy_rollback *what;
	struct release *target;
	uint64_t sequence;	/* of the target */
	uint64_t sequence_then; /* that was in force; 0: none */
	struct explain told;	/* what the log says of it */
	struct gate_deployment deployment;
	struct policy_change change;
	struct slot_switch done;
};

/* The newest release of that sequence, or of the highest one below the current. Slot lock held. */
static int find_target(struct rollback *b)
{
	const struct slot *slot = b->slot;
	struct release *found = NULL;
	uint64_t best = 0;
	lock_take(&slot->slots->lock);
	b->sequence_then = slot->current ? governed_sequence_of(slot->current->record) : 0;
	for (size_t i = 0; i < slot->listed_count; i++) {
		uint64_t at = governed_sequence_of(slot->listed[i]->record);
		bool fits = b->what->sequence > 0 ? at == b->what->sequence : at < b->sequence_then;
		if (fits && at > 0 && at >= best) {
			best = at;
			found = slot->listed[i];
		}
	}
	bool is_current = found && best == b->sequence_then;
	if (found && !is_current)
		b->target = release_ref_locked(found);
	lock_drop(&slot->slots->lock);
	b->sequence = best;
	return !found ? -ENOENT : is_current ? -EEXIST : 0;
}

static void describe(struct rollback *b)
{
	const struct store_release *record = b->target->record;
	explain_set(&b->told, "from sequence %llu to %llu: %s", (unsigned long long)b->sequence_then,
		    (unsigned long long)b->sequence, b->what->reason);
	b->deployment = (struct gate_deployment){
		.function = b->slot->name,
		.artifact_name = record->artifact_name,
		.who = b->what->who,
		.errno_style = b->change.before->config->errno_style,
		.mtime_s = record->mtime_s,
		.mtime_ns = record->mtime_ns,
		.uid = b->what->who->uid,
		.rollback_to = record->number,
		.rollback_told = b->told.text,
	};
}

static int refuse(struct rollback *b)
{
	uint64_t kept = b->slot->current ? b->slot->current->record->number : 0;
	gate_record_refusal(b->slot->slots->audit, &b->deployment, kept, b->change.decision);
	slot_set_note_locked(b->slot, &b->deployment, b->change.decision, kept);
	return -policy_verdict_errno(&b->change.decision->verdict, b->deployment.errno_style);
}

static int judge(struct rollback *b)
{
	int r = policy_change_judge(&b->change);
	if (b->change.before)
		describe(b);
	if (r == 0 && atomic_load(&b->target->is_damaged))
		(void)release_report_damage(b->target, "rollback", -EBADMSG);
	if (atomic_load(&b->target->is_damaged))
		return -EBADMSG;
	return r == 0 && b->change.decision->verdict.outcome == POLICY_REFUSED ? refuse(b) : r;
}

static int commit(struct rollback *b)
{
	struct slots *slots = b->slot->slots;
	struct slot *slot = b->slot;
	struct store_release *made = NULL;
	struct release *prepared = NULL, *release = NULL;
	struct buf about = {0};
	int r = governed_about(b->change.after, b->what->reason, &about);
	b->deployment.about = about.data;
	if (r == 0)
		r = release_prepare(slot, NULL, &prepared);
	if (r == 0)
		r = gate_commit_again(slots->store, slots->audit, b->target->record, &b->deployment, b->change.decision,
				      &made);
	b->deployment.about = NULL;
	buf_done(&about);
	if (r < 0) {
		release_unprepare(prepared);
		return r;
	}
	policy_change_take_up(&b->change, made);
	b->done = (struct slot_switch){.slot_id = slot->facts.id, .number = made->number};
	r = release_take_up(prepared, made, &release);
	if (r < 0)
		return r;
	r = slot_switch_locked(slot, release, &b->done.dropped);
	if (r < 0)
		release_put(release);
	return r;
}

static int commit_and_note(struct rollback *b)
{
	int r = commit(b);
	policy_change_end(&b->change);
	if (r == 0)
		slot_set_note_locked(b->slot, &b->deployment, b->change.decision, b->done.number);
	else
		slot_set_failure_note_locked(b->slot, &b->deployment, b->change.decision->event, r);
	return r;
}

static int roll_back_locked(struct rollback *b)
{
	int r = find_target(b);
	if (r == 0)
		r = release_load_view(b->target);
	if (r < 0)
		return b->target && release_is_damaged(b->target) ? -EBADMSG : r;
	const struct gate_artifact artifact = {.file = release_file_reader(b->target)};
	b->change.artifact = &artifact;
	do {
		r = judge(b);
		if (r == 0)
			r = policy_change_begin(&b->change);
	} while (r == -EAGAIN);
	if (r == 0)
		r = commit_and_note(b);
	policy_change_end(&b->change);
	b->change.artifact = NULL;
	if (r < 0)
		log_error("policy: rollback to sequence %llu: %s", (unsigned long long)b->sequence, strerror(-r));
	return r;
}

static bool is_reason(const char *reason)
{
	size_t len = strlen(reason);
	return len > 0 && len <= LIMIT_REASON_BYTES && text_is_printable(reason, len);
}

static bool has_section(struct slots *slots)
{
	lock_take(&slots->lock);
	bool has = slot_section(slots->trust, slots->policy) != NULL;
	lock_drop(&slots->lock);
	return has;
}

int policy_roll_back(struct slots *slots, const struct policy_rollback *what)
{
	struct rollback b = {.slot = slots->policy, .what = what};
	if (!is_reason(what->reason))
		return -EINVAL;
	b.change = (struct policy_change){.slots = slots,
					  .rollback_reason = what->reason,
					  .who = what->who,
					  .decision = calloc(1, sizeof(struct gate_decision))};
	if (!b.change.decision)
		return -ENOMEM;
	int r = slots_begin_verdict(slots);
	if (r < 0)
		goto out;
	lock_take(&b.slot->lock);
	r = has_section(slots) ? roll_back_locked(&b) : -ENOENT;
	lock_drop(&b.slot->lock);
	if (b.done.number > 0) {
		slot_notify_switch(b.slot, &b.done);
		reload_settle(slots);
	}
	release_put(b.done.dropped);
	release_put(b.target);
	slots_end_verdict(slots);
out:
	free(b.change.decision);
	return r;
}
