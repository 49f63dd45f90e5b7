/*
 * The verdict on an upload, where deploy.h draws it, and its publication. What is judged here is what is committed: the
 * bytes do not leave the stage in between (I1).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "policy_change.h"
#include "reload.h"
#include "upload.h"
#include "waiting_list.h"

/* ---- judging ---- */

static void describe(const struct upload *upload, const struct trust *trust, struct gate_deployment *ret)
{
	lock_take(&upload->slots->lock);
	*ret = (struct gate_deployment){
		.function = upload->slot->name,
		.artifact_name = upload->identity.name,
		.who = &upload->identity.who,
		.errno_style = trust->config->errno_style,
		.mtime_s = upload->mtime.tv_sec,
		.mtime_ns = (uint32_t)upload->mtime.tv_nsec,
		.uid = upload->uid,
	};
	lock_drop(&upload->slots->lock);
}

/* Not every failure gets into the audit log, which says all else. The name comes from outside. */
static void log_failure(const struct upload *upload, int error)
{
	char name[4 * sizeof(upload->identity.name)];
	text_escape_print(name, sizeof(name), upload->identity.name, strlen(upload->identity.name));
	log_error("%s: %s was not published: %s", upload->slot->path, name, strerror(-error));
}

/* The slot may have been removed under an open file. */
static bool has_slot(const struct upload *upload, const struct trust *trust)
{
	lock_take(&upload->slots->lock);
	bool present = slot_is_present(upload->slot, slot_section(trust, upload->slot));
	lock_drop(&upload->slots->lock);
	return present;
}

/* Records a refusal everywhere it has to be seen; returns its errno. Slot lock held. */
static int refuse_locked(struct upload *upload, const struct trust *trust)
{
	struct gate_deployment deployment;
	const struct slot *slot = upload->slot;
	const struct release *newest = slot->listed_count > 0 ? slot->listed[slot->listed_count - 1] : NULL;
	const struct release *kept = slot->is_layer ? newest : slot->current;
	uint64_t kept_number = kept ? kept->record->number : 0;
	describe(upload, trust, &deployment);
	gate_record_refusal(upload->slots->audit, &deployment, kept_number, upload->decision);
	if (has_slot(upload, trust))
		slot_set_note_locked(upload->slot, &deployment, upload->decision, kept_number);
	upload->dirty = false;
	upload->result = -policy_verdict_errno(&upload->decision->verdict, deployment.errno_style);
	return upload->result;
}

static int refuse(struct upload *upload, const struct trust *trust)
{
	lock_take(&upload->slot->lock);
	int r = refuse_locked(upload, trust);
	lock_drop(&upload->slot->lock);
	return r;
}

int upload_refuse_size_locked(struct upload *upload, const struct trust *trust, uint64_t size_bytes)
{
	if (upload->judged && upload->decision->verdict.reason == POLICY_VF4002_TOO_LARGE)
		return upload->result;

	struct gate_decision *decision = upload->decision;
	const struct config_slot *section = slot_section(trust, upload->slot);
	char detail[160];
	(void)snprintf(detail, sizeof(detail), "the artifact has more than max_artifact_size (%llu bytes)",
		       (unsigned long long)trust->config->max_artifact_bytes);
	*decision = (struct gate_decision){.size_bytes = size_bytes, .decided_at_s = clock_now_s()};
	policy_refuse(
		POLICY_VF4002_TOO_LARGE, detail,
		upload->slot->is_layer || upload->slot->is_policy
			? "make it smaller, or raise max_artifact_size in the configuration"
			: "make it smaller (move parts into layers), or raise max_artifact_size in the configuration",
		&decision->verdict);
	(void)snprintf(decision->config_name, sizeof(decision->config_name), "%s",
		       section && section->code_signing ? section->code_signing->name : "none");
	upload->judged = true;
	return refuse(upload, trust);
}

struct gate_artifact upload_artifact_locked(const struct upload *upload)
{
	return (struct gate_artifact){
		.content = SIGNATURE_OF_ARTIFACT,
		.file = store_stage_reader(upload->stage),
		.stage = upload->stage,
		.headers = upload->in_order ? &upload->headers : NULL,
	};
}

static int judge(struct upload *upload, const struct trust *trust)
{
	const struct config_slot *section = slot_section(trust, upload->slot);
	if (!section)
		return -policy_reason_errno(POLICY_VF4001_NO_SLOT, trust->config->errno_style);

	int r = slots_begin_verdict(upload->slots);
	if (r < 0)
		return r;
	const struct gate_artifact artifact = upload_artifact_locked(upload);
	struct slot_rules rules;
	slot_rules(upload->slot, section, &rules);
	if (upload->slot->is_policy) /* and once more with what it makes when it is published */
		r = gate_judge_bundle(trust, upload->slots->config_path, upload->slots->store, &artifact,
				      upload->decision, NULL);
	else if (upload->slot->is_layer)
		r = gate_judge_layer(trust, &artifact, upload->decision);
	else if (upload_is_list_locked(upload))
		r = upload_judge_list_locked(upload, trust, &rules);
	else
		r = upload_judge_artifact_locked(upload, trust, &rules);
	slots_end_verdict(upload->slots);
	if (r < 0)
		return r;
	slot_rules_note(&rules, POLICY_ON_DEPLOYMENT, upload->decision);
	upload->judged_break_glass = rules.break_glass.seq;
	upload->judged = true;
	return 0;
}

static bool is_refused(const struct upload *upload)
{
	return upload->decision->verdict.outcome == POLICY_REFUSED;
}

/* A verdict on the bytes as they are; a refusal is recorded and comes back as its errno. */
int upload_judge_locked(struct upload *upload)
{
	struct trust *trust = slots_fresh_trust(upload->slots);
	if (!trust)
		return -ENOMEM;
	int r = judge(upload, trust);
	upload_forget_past_locked(upload);
	if (r == 0 && is_refused(upload))
		r = refuse(upload, trust);
	trust_unref(trust);
	return r;
}

/* ---- publishing ---- */

int upload_read_comment_locked(struct upload *upload, struct buf *ret)
{
	const struct zip_tail *tail = &upload->decision->tail;
	int r = buf_reserve(ret, tail->comment_len);
	if (r < 0)
		return r;
	struct io_reader file = store_stage_reader(upload->stage);
	r = io_reader_pread(&file, ret->data, tail->comment_len, tail->comment_offset);
	if (r == 0)
		ret->len = tail->comment_len;
	return r;
}

/* What one attempt to publish leaves to be done once the slot lock is given back. */
struct published {
	uint64_t number; /* of what was committed */
	struct slot_switch what;
	struct release *before;	      /* what the upload was a copy of */
	struct policy_change *policy; /* what is committed is this bundle; or NULL */
	bool is_policy_in_force;      /* another one than before */
};

/* Takes over the reference on success. */
static int show_locked(struct slot *slot, struct release *release, struct slot_switch *ret)
{
	if (slot->is_layer)
		return version_add_locked(slot, release); /* of which the run side knows nothing */
	*ret = (struct slot_switch){
		.slot_id = slot->facts.id, .number = release->record->number, .is_first = slot->current == NULL};
	return slot_switch_locked(slot, release, &ret->dropped);
}

/* Other layers bring no artifact back whose name was removed. */
static void keep_hidden_locked(struct slot *slot)
{
	struct slot_facts facts = slot->facts;
	facts.hidden_release = slot->current->record->number;
	int r = slot_change_locked(slot, &facts);
	if (r < 0)
		log_warning("%s: the artifact is listed again: %s", slot->path, strerror(-r));
}

static int commit_locked(struct upload *upload, const struct gate_deployment *deployment, struct published *ret)
{
	struct slots *slots = upload->slots;
	struct slot *slot = upload->slot;
	struct buf comment = {0};
	struct store_release *record = NULL;
	struct release *prepared = NULL, *release = NULL;

	int r = slot->facts.id == 0 ? slot_save_locked(slot) : 0;
	bool is_list = upload_is_list_locked(upload), is_hidden = !slot_shows_artifact(slot);
	if (r == 0 && !is_list)
		r = upload_read_comment_locked(upload, &comment);
	if (r == 0)
		r = release_prepare(slot, deployment->layers_of, &prepared);
	if (r < 0)
		goto out;

	if (is_list)
		r = upload_commit_list_locked(upload, deployment, &record);
	else
		r = gate_commit(slots->store, slots->audit, upload->stage, comment.data, comment.len, deployment,
				upload->decision, &record);
	upload_drop_stage_locked(upload); /* used up, either way */
	ret->before = upload->origin;
	upload->origin = NULL;
	if (r < 0)
		goto out;

	ret->number = record->number;
	if (ret->policy)
		policy_change_take_up(ret->policy, record);
	if (!is_list)
		releases_heal(slots, record->digest);
	r = release_take_up(prepared, record, &release);
	prepared = NULL;
	if (r < 0)
		goto out;
	upload->origin = release_ref(release);
	upload->origin_is_list = is_list;
	r = show_locked(slot, release, &ret->what);
	if (r < 0)
		goto out;
	release = NULL;
	if (!slot->is_layer && !slot->is_policy)
		waiting_list_end_locked(slot);
	if (is_list && is_hidden)
		keep_hidden_locked(slot);
out:
	buf_done(&comment);
	release_unprepare(prepared);
	release_put(release);
	return r;
}

static int judge_again_locked(struct upload *upload, const struct trust *trust)
{
	int r = judge(upload, trust);
	return r == 0 && is_refused(upload) ? refuse_locked(upload, trust) : r;
}

/* Other rules than those that judged it? A break glass ends by the time alone, while a file is held open. */
static bool has_other_rules(const struct upload *upload, const struct trust *trust)
{
	struct slot_rules rules;
	slot_rules(upload->slot, slot_section(trust, upload->slot), &rules);
	return upload->decision->trust_generation != trust->generation ||
	       upload->judged_break_glass != rules.break_glass.seq;
}

/* The config that judged is compared again at commit, and what it was judged with: if another trust is in force by now,
 * or an artifact finds other layers or a list another artifact, it is judged again. */
static int publish_locked(struct upload *upload, const struct trust *trust, struct published *ret)
{
	if (!has_slot(upload, trust))
		return -policy_reason_errno(POLICY_VF4001_NO_SLOT, trust->config->errno_style);
	int r = 0;
	if (has_other_rules(upload, trust) || !upload_stands_locked(upload))
		r = judge_again_locked(upload, trust);
	if (r < 0)
		return r;

	struct gate_deployment deployment;
	struct buf about = {0};
	bool is_published = false;
	describe(upload, trust, &deployment);
	deployment.layers_of = upload_layers_locked(upload);
	if (upload->slot->is_layer)
		r = upload_settle_version_locked(upload, &deployment, &is_published, &ret->before);
	else if (upload_is_list_locked(upload))
		r = upload_settle_list_locked(upload, &deployment, &is_published, &ret->before);
	if (r < 0 || is_published)
		return r;
	r = upload_render_about_locked(upload, &about);
	deployment.about = about.data;
	if (r == 0 && upload->slot->is_layer) /* so that the record says it, too */
		upload_name_version_locked(upload, "published as", upload->slot->last_version + 1);
	if (r == 0)
		r = commit_locked(upload, &deployment, ret);
	deployment.about = NULL;
	buf_done(&about);
	if (r == 0)
		slot_set_note_locked(upload->slot, &deployment, upload->decision, ret->number);
	else
		slot_set_failure_note_locked(upload->slot, &deployment, upload->decision->event, r);
	if (r < 0)
		log_failure(upload, r);
	return r;
}

/* ---- a policy bundle ---- */

/* 0 and accepted, with what it makes; or its refusal, recorded. */
static int judge_policy_locked(struct upload *upload, struct policy_change *change)
{
	int r = policy_change_judge(change);
	return r == 0 && is_refused(upload) ? refuse_locked(upload, change->before) : r;
}

/* The bundle that is in force has come again: from now on the upload is a copy of that. */
static void settle_policy_locked(struct upload *upload, const struct trust *trust, struct published *ret)
{
	struct policy_verdict *verdict = &upload->decision->verdict;
	struct gate_deployment deployment;
	describe(upload, trust, &deployment);
	upload_drop_stage_locked(upload);
	ret->before = upload->origin;
	upload->origin = release_ref(upload->slot->current);
	if (verdict->detail[0] == '\0')
		(void)snprintf(verdict->detail, sizeof(verdict->detail), "nothing new, policy bundle %llu is in force",
			       (unsigned long long)trust->governed->sequence);
	slot_set_note_locked(upload->slot, &deployment, upload->decision, 0);
}

static int commit_policy_locked(struct upload *upload, struct policy_change *change, struct published *ret)
{
	struct gate_deployment deployment;
	struct buf about = {0};
	describe(upload, change->before, &deployment);
	int r = governed_about(change->after, NULL, &about);
	deployment.about = about.data;
	ret->policy = change;
	if (r == 0)
		r = commit_locked(upload, &deployment, ret);
	ret->policy = NULL;
	ret->is_policy_in_force = change->is_in_force;
	deployment.about = NULL;
	buf_done(&about);
	policy_change_end(change);
	if (r == 0)
		slot_set_note_locked(upload->slot, &deployment, upload->decision, ret->number);
	else
		slot_set_failure_note_locked(upload->slot, &deployment, upload->decision->event, r);
	return r;
}

static int publish_policy_locked(struct upload *upload, const struct trust *trust, struct published *ret)
{
	if (!has_slot(upload, trust))
		return -policy_reason_errno(POLICY_VF4001_NO_SLOT, trust->config->errno_style);
	const struct gate_artifact artifact = upload_artifact_locked(upload);
	struct policy_change change = {.slots = upload->slots,
				       .artifact = &artifact,
				       .who = &upload->identity.who,
				       .decision = upload->decision};
	bool is_there = false;
	int r;
	do {
		r = judge_policy_locked(upload, &change);
		if (r == 0)
			is_there = policy_is_in_force_locked(upload->slot, change.before->governed, upload->decision) &&
				   governed_is_stored(change.before, upload->slots->store);
		if (r == 0 && !is_there)
			r = policy_change_begin(&change);
	} while (r == -EAGAIN);
	if (r == 0 && is_there)
		settle_policy_locked(upload, change.before, ret);
	else if (r == 0)
		r = commit_policy_locked(upload, &change, ret);
	if (r < 0 && !is_refused(upload))
		log_failure(upload, r);
	policy_change_end(&change);
	return r;
}

/* ---- either ---- */

static int publish_today(struct upload *upload, struct published *ret)
{
	struct slot *slot = upload->slot;
	lock_take(&slot->lock);
	struct trust *trust = slots_fresh_trust(upload->slots);
	int r = !trust		  ? -ENOMEM
		: slot->is_policy ? publish_policy_locked(upload, trust, ret)
				  : publish_locked(upload, trust, ret);
	lock_drop(&slot->lock);
	trust_unref(trust);
	return r;
}

static int publish(struct upload *upload)
{
	int r = slots_begin_verdict(upload->slots);
	if (r < 0)
		return r;

	struct published done = {0};
	struct release *version = NULL;
	r = publish_today(upload, &done);
	if (r == 0) {
		lock_take(&upload->slots->lock);
		upload->is_published = true;
		if (upload->slot->is_layer || upload->slot->is_policy) {
			version = upload->version;
			upload->version = release_ref_locked(upload->origin);
		}
		lock_drop(&upload->slots->lock);
	}
	release_put(version);
	upload_forget_past_locked(upload);
	if (done.what.number > 0)
		slot_notify_switch(upload->slot, &done.what);
	if (done.is_policy_in_force)
		reload_settle(upload->slots);
	release_put(upload->outdated);
	upload->outdated = done.what.dropped;
	release_put(done.before);
	slots_end_verdict(upload->slots);
	return r;
}

/* A write has failed before: there is nothing whole to judge. */
static int report_write_error(struct upload *upload)
{
	struct trust *trust = slots_trust(upload->slots);
	struct gate_deployment deployment;
	lock_take(&upload->slot->lock);
	describe(upload, trust, &deployment);
	if (has_slot(upload, trust))
		slot_set_failure_note_locked(upload->slot, &deployment, 0, upload->write_error);
	lock_drop(&upload->slot->lock);
	trust_unref(trust);
	return upload->write_error;
}

static int finish_locked(struct upload *upload)
{
	bool accepted = upload->judged && !is_refused(upload);
	if (!upload->dirty)
		return upload->result;
	if (upload->write_error < 0)
		return report_write_error(upload);
	int r = accepted ? 0 : upload_judge_locked(upload);
	if (r == 0) {
		r = publish(upload);
		upload->dirty = false;
		upload->result = r;
	}
	return r;
}

/* An empty file is the shell's and dd's early close: there is nothing to judge yet. */
static bool is_empty(const struct upload *upload)
{
	return upload->stage && store_stage_size(upload->stage) == 0;
}

int upload_finish(struct upload *upload)
{
	int r = 0;
	lock_take(&upload->lock);
	if (upload->identity.is_final && !(upload->dirty && is_empty(upload)))
		r = finish_locked(upload);
	lock_drop(&upload->lock);
	return r;
}

int upload_finish_as(struct upload *upload, const char *name, const struct audit_who *who)
{
	lock_take(&upload->lock);
	const struct upload_identity before = upload->identity;
	upload->identity = (struct upload_identity){.is_final = true, .who = *who};
	(void)snprintf(upload->identity.name, sizeof(upload->identity.name), "%s", name);
	upload->dirty = true;
	int r = upload_ensure_stage_locked(upload);
	if (r == 0)
		r = finish_locked(upload);
	if (r < 0)
		upload->identity = before;
	lock_drop(&upload->lock);
	return r;
}
