/*
 * Policy on load: what is served is judged again under every new trust, and when a time has come that can change a
 * verdict. A release that is judged differently is recorded, once for each change.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"
#include "run_node.h"

/* Audit log and daemon's log: a release is blocked, warned about, or neither any more. */
static void record_change(struct release *release, enum audit_event event, const struct gate_decision *decision)
{
	char slot[LIMIT_FUNCTION_NAME_BYTES + 16];
	(void)snprintf(slot, sizeof(slot), "functions/%s", release->slot->name);
	struct audit_record entry = {
		.event = event,
		.slot = slot,
		.artifact = release->record->artifact_name,
		.release = release->record->number,
		.config = decision->config_name,
		.config_sha256 = decision->config_sha256,
		.verdict = &decision->verdict,
		.errno_given = event == AUDIT_BLOCKED ? EACCES : 0,
	};
	int r = audit_append(release->slots->audit, &entry, NULL);
	if (r < 0)
		log_error("audit log: %s", strerror(-r));
	log_notice("%s release %" PRIu64 ": %s: %s", slot, release->record->number, audit_event_name(event),
		   decision->verdict.detail);
}

/* What it was deployed with: a warning that was recorded then is no news. */
static bool was_deployed_with_warning(const struct release *release)
{
	const char *decision = release->record->decision;
	char *outcome = text_record_get(decision, strlen(decision), "outcome");
	bool warned = outcome && strcmp(outcome, policy_outcome_name(POLICY_WARNED)) == 0;
	free(outcome);
	return warned;
}

static int block_of(const struct policy_verdict *verdict)
{
	if (verdict->outcome != POLICY_REFUSED)
		return 0;
	return verdict->deciding == POLICY_INTEGRITY ? -EIO : -EACCES;
}

static void take_verdict_locked(struct release *release, const struct gate_decision *decision)
{
	int before = atomic_load(&release->blocked), now = block_of(&decision->verdict);
	bool warned = decision->verdict.outcome == POLICY_WARNED;
	bool was_warned = release->judged_generation > 0 ? release->warned : was_deployed_with_warning(release);

	if (now == -EIO && before != -EIO)
		(void)release_report_damage(release, "release record", -EBADMSG);
	else if (now == -EACCES && before != -EACCES)
		record_change(release, AUDIT_BLOCKED, decision);
	else if (before == -EACCES && now == 0)
		record_change(release, AUDIT_UNBLOCKED, decision);
	else if (warned && !was_warned)
		record_change(release, AUDIT_RELEASE_WARNED, decision);
	release->to_be_pushed |= now != before && now != 0;
	atomic_store(&release->blocked, now);
	release->warned = warned;
}

/* The next moment at which the same facts can be judged otherwise. */
static int64_t next_change_s(const struct gate_decision *decision)
{
	const struct signature_facts *facts = &decision->facts;
	const int64_t moments[] = {
		facts->statement.signed_at_s - LIMIT_CLOCK_AHEAD_S,
		facts->statement.signed_at_s,
		facts->statement.expires_at_s,
		facts->list_issued_at_s,
		facts->list_next_update_s + 1, /* its last second is a good one */
	};
	int64_t next = INT64_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++)
		if (moments[i] > decision->decided_at_s && moments[i] < next)
			next = moments[i];
	return next;
}

/* A release whose slot has no section any more is judged for its signature's integrity alone, and goes on being served.
 */
static int judge_locked(struct release *release, const struct trust *trust)
{
	struct gate_decision *decision = calloc(1, sizeof(*decision));
	if (!decision)
		return -ENOMEM;

	const struct config_slot *section = slot_section(trust, release->slot);
	int r = gate_judge_release(trust, section ? section->code_signing : NULL, POLICY_ON_LOAD, release->record,
				   decision);
	if (r == 0) {
		take_verdict_locked(release, decision);
		release->judged_generation = trust->generation;
		release->judge_again_at_s = next_change_s(decision);
	}
	free(decision);
	return r;
}

int release_admit(struct release *release)
{
	struct trust *trust = slots_trust(release->slots);
	lock_take(&release->lock);
	bool is_due = release->judged_generation < trust->generation || /* another thread may have had a newer one */
		      clock_now_s() >= release->judge_again_at_s;
	int r = is_due ? judge_locked(release, trust) : 0;
	if (r == 0)
		r = atomic_load(&release->blocked);
	lock_drop(&release->lock);
	trust_unref(trust);
	return r == 0 || r == -EACCES || r == -ENOMEM ? r : -EIO;
}

/* ---- after a change of trust ---- */

/* What the kernel remembers of the way into a release that is blocked now is taken from it. */
static void push_block(struct release *release)
{
	const struct slots_notify *notify = &release->slots->notify;
	char name[24];
	lock_take(&release->lock);
	bool is_due = release->to_be_pushed;
	release->to_be_pushed = false;
	lock_drop(&release->lock);
	if (!is_due || !notify->entry)
		return;
	(void)snprintf(name, sizeof(name), "%" PRIu64, release->record->number);
	notify->entry(notify->ctx, run_node(release->slot_id, RUN_INDEX_DIR), name);
}

/* All that the kernel can know of, those too that fell out of their slot's list. With references; free. */
static int collect_releases(struct slots *slots, struct release ***ret, size_t *ret_count)
{
	struct release *release, *next;
	size_t count = 0;
	lock_take(&slots->lock);
	struct release **all = calloc(HASH_COUNT(slots->releases) + 1, sizeof(struct release *));
	if (all)
		HASH_ITER(hh, slots->releases, release, next)
	all[count++] = release_ref_locked(release);
	lock_drop(&slots->lock);
	*ret = all;
	*ret_count = count;
	return all ? 0 : -ENOMEM;
}

void slots_judge_served(struct slots *slots)
{
	struct release **all;
	size_t count;
	int r = collect_releases(slots, &all, &count);
	if (r < 0) {
		log_error("what is served could not be judged again: %s", strerror(-r));
		return; /* each is, when it is next looked up */
	}
	for (size_t i = 0; i < count; i++) {
		(void)release_admit(all[i]);
		push_block(all[i]);
		release_put(all[i]);
	}
	free(all);
	if (slots->notify.settle)
		slots->notify.settle(slots->notify.ctx);
}
