/*
 * One upload: the private copy that an open file or a staging name writes to, judged where deploy.h draws it. What is
 * judged here is what is committed: the bytes do not leave the stage in between (I1).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"

int upload_new(struct slots *slots, struct slot *slot, const char *name, bool is_final, const struct audit_who *who,
	       struct release *origin, struct upload **ret)
{
	struct upload *upload = calloc(1, sizeof(*upload));
	if (!upload)
		return -ENOMEM;
	*upload = (struct upload){
		.slots = slots,
		.slot = slot,
		.refs = 1,
		.uid = who->uid,
		.mtime = clock_now(),
		.who = *who,
		.is_final = is_final,
		.in_order = !origin,
	};
	(void)snprintf(upload->name, sizeof(upload->name), "%s", name);
	upload->decision = calloc(1, sizeof(*upload->decision));
	int r = upload->decision ? 0 : -ENOMEM;
	if (r == 0 && origin) {
		upload->size_bytes = release_file_size(origin);
		upload->mtime = (struct timespec){.tv_sec = origin->record->mtime_s,
						  .tv_nsec = origin->record->mtime_ns};
		upload->origin = release_ref(origin);
		upload->is_published = true;
	}
	if (r == 0 && !origin)
		r = store_stage_new(slots->store, &upload->stage);
	lock_init(&upload->lock);
	if (r < 0) {
		upload_put(upload);
		return r;
	}
	*ret = upload;
	return 0;
}

struct upload *upload_ref_locked(struct upload *upload)
{
	ASSERT(upload->refs > 0);
	upload->refs++;
	return upload;
}

struct upload *upload_ref(struct upload *upload)
{
	lock_take(&upload->slots->lock);
	upload_ref_locked(upload);
	lock_drop(&upload->slots->lock);
	return upload;
}

void upload_put(struct upload *upload)
{
	if (!upload)
		return;
	lock_take(&upload->slots->lock);
	bool last = --upload->refs == 0;
	lock_drop(&upload->slots->lock);
	if (!last)
		return;
	store_stage_free(upload->stage);
	release_put(upload->origin);
	free(upload->decision);
	lock_done(&upload->lock);
	free(upload);
}

/* ---- writing ---- */

static void set_size(struct upload *upload, uint64_t size_bytes)
{
	lock_take(&upload->slots->lock);
	upload->size_bytes = size_bytes;
	upload->mtime = clock_now();
	upload->is_published = false;
	lock_drop(&upload->slots->lock);
}

/* What was published, or opened without O_TRUNC, is copied when it is first written to. */
static int ensure_stage(struct upload *upload)
{
	if (upload->stage)
		return 0;
	if (!upload->origin)
		return -EIO;			   /* a commit failed half-way; only a new open helps */
	int r = release_load_view(upload->origin); /* opens its object */
	if (r < 0)
		return r;
	const struct store_release *record = upload->origin->record;
	upload->in_order = false;
	return store_stage_copy(upload->slots->store, upload->origin->object, record->comment, record->comment_len,
				&upload->stage);
}

static void describe(const struct upload *upload, const struct trust *trust, struct gate_deployment *ret)
{
	lock_take(&upload->slots->lock);
	*ret = (struct gate_deployment){
		.function = upload->slot->name,
		.artifact_name = upload->name,
		.who = &upload->who,
		.errno_style = trust->config->errno_style,
		.mtime_s = upload->mtime.tv_sec,
		.mtime_ns = (uint32_t)upload->mtime.tv_nsec,
		.uid = upload->uid,
	};
	lock_drop(&upload->slots->lock);
}

/* One line for the log; the name comes from outside. */
static void log_outcome(const struct upload *upload, const char *text)
{
	char name[4 * sizeof(upload->name)];
	text_escape_print(name, sizeof(name), upload->name, strlen(upload->name));
	log_notice("functions/%s: %s %s", upload->slot->name, name, text);
}

/* Records a refusal everywhere it has to be seen; returns its errno. */
static int refuse(struct upload *upload, const struct trust *trust)
{
	struct gate_deployment deployment;
	describe(upload, trust, &deployment);
	struct release *kept = slot_current(upload->slot);
	gate_record_refusal(upload->slots->audit, &deployment, upload->decision);
	slot_set_note(upload->slot, &deployment, upload->decision, kept ? kept->record->number : 0);
	log_outcome(upload, "refused");
	release_put(kept);
	return -policy_reason_errno(upload->decision->verdict.reason, deployment.errno_style);
}

static int refuse_size(struct upload *upload, const struct trust *trust, uint64_t size_bytes)
{
	if (upload->judged && upload->decision->verdict.reason == POLICY_VF4002_TOO_LARGE)
		return upload->result;

	struct gate_decision *decision = upload->decision;
	const struct config_slot *section = slot_section(trust, upload->slot);
	char detail[160];
	(void)snprintf(detail, sizeof(detail), "the artifact has more than max_artifact_size (%llu bytes)",
		       (unsigned long long)trust->config->max_artifact_bytes);
	*decision = (struct gate_decision){.size_bytes = size_bytes, .decided_at_s = clock_now_s()};
	policy_refuse(POLICY_VF4002_TOO_LARGE, detail,
		      "make it smaller (move parts into layers), or raise max_artifact_size in the configuration",
		      &decision->verdict);
	(void)snprintf(decision->config_name, sizeof(decision->config_name), "%s",
		       section && section->code_signing ? section->code_signing->name : "none");
	upload->judged = true;
	upload->dirty = false;
	upload->result = refuse(upload, trust);
	return upload->result;
}

static int judge(struct upload *upload, const struct trust *trust)
{
	const struct config_slot *section = slot_section(trust, upload->slot);
	if (!section)
		return -policy_reason_errno(POLICY_VF4001_NO_SLOT, trust->config->errno_style);

	int r = slots_begin_verdict(upload->slots);
	if (r < 0)
		return r;
	const struct gate_artifact artifact = {.file = store_stage_reader(upload->stage), .stage = upload->stage};
	r = gate_judge(trust, section->code_signing, POLICY_ON_DEPLOYMENT, &artifact, false, upload->decision);
	slots_end_verdict(upload->slots);
	if (r < 0)
		return r;
	upload->judged = true;
	return 0;
}

/* A verdict on the bytes as they are; a refusal is recorded and comes back as its errno. */
static int judge_or_refuse(struct upload *upload, const struct trust *trust)
{
	int r = judge(upload, trust);
	if (r < 0)
		return r;
	if (upload->decision->verdict.outcome != POLICY_REFUSED)
		return 0;
	upload->dirty = false;
	upload->result = refuse(upload, trust);
	return upload->result;
}

static int judge_today(struct upload *upload)
{
	struct trust *trust = slots_fresh_trust(upload->slots);
	if (!trust)
		return -ENOMEM;
	int r = judge_or_refuse(upload, trust);
	trust_unref(trust);
	return r;
}

static int write_locked(struct upload *upload, const struct trust *trust, const void *buf, size_t len, uint64_t offset)
{
	uint64_t end;
	if (!base_add_u64(offset, len, &end) || end > trust->config->max_artifact_bytes)
		return refuse_size(upload, trust, end);
	int r = ensure_stage(upload);
	if (r < 0)
		return r;

	upload->dirty = true;
	upload->judged = false;
	upload->in_order = upload->in_order && offset == store_stage_size(upload->stage);
	r = store_stage_write(upload->stage, buf, len, offset);
	if (r < 0) {
		upload->write_error = r;
		return r;
	}
	set_size(upload, store_stage_size(upload->stage));
	bool is_complete = upload->in_order && end_scan_completes(&upload->scan, buf, len, offset);
	return is_complete && upload->is_final ? judge_today(upload) : 0;
}

int upload_write(struct upload *upload, const void *buf, size_t len, uint64_t offset)
{
	if (len == 0)
		return 0;
	struct trust *trust = slots_trust(upload->slots);
	lock_take(&upload->lock);
	int r = write_locked(upload, trust, buf, len, offset);
	lock_drop(&upload->lock);
	trust_unref(trust);
	return r;
}

static int truncate_locked(struct upload *upload, const struct trust *trust, uint64_t size_bytes)
{
	if (size_bytes > trust->config->max_artifact_bytes)
		return refuse_size(upload, trust, size_bytes);
	int r = ensure_stage(upload);
	if (r < 0)
		return r;
	if (size_bytes == store_stage_size(upload->stage))
		return 0;
	r = store_stage_truncate(upload->stage, size_bytes);
	if (r < 0)
		return r;
	upload->dirty = true;
	upload->judged = false;
	upload->in_order = size_bytes == 0;
	if (size_bytes == 0) {
		upload->scan = (struct end_scan){0};
		upload->write_error = 0;
	}
	set_size(upload, size_bytes);
	return 0;
}

int upload_truncate(struct upload *upload, uint64_t size_bytes)
{
	struct trust *trust = slots_trust(upload->slots);
	lock_take(&upload->lock);
	int r = truncate_locked(upload, trust, size_bytes);
	lock_drop(&upload->lock);
	trust_unref(trust);
	return r;
}

ssize_t upload_read(struct upload *upload, void *buf, size_t len, uint64_t offset)
{
	lock_take(&upload->lock);
	ssize_t got = 0;
	if (upload->stage)
		got = store_stage_read(upload->stage, buf, len, offset);
	else if (upload->origin)
		got = release_read(upload->origin, buf, len, offset);
	lock_drop(&upload->lock);
	return got;
}

/* ---- publishing ---- */

static int read_comment(struct upload *upload, struct buf *ret)
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

/* What a switch has to tell the kernel once no lock is held. */
struct switched {
	uint64_t number;
	struct release *dropped;
	bool is_first;
};

static int commit_locked(struct upload *upload, const struct gate_deployment *deployment, struct switched *ret)
{
	struct slots *slots = upload->slots;
	struct slot *slot = upload->slot;
	struct buf comment = {0};
	struct store_release *record = NULL;
	struct release *release = NULL;

	int r = slot->id == 0 || slot->hidden ? slot_save_locked(slot) : 0;
	if (r == 0)
		r = read_comment(upload, &comment);
	if (r < 0)
		goto out;

	ret->is_first = slot->current == NULL;
	r = gate_commit(slots->store, slots->audit, upload->stage, comment.data, comment.len, deployment,
			upload->decision, &record);
	store_stage_free(upload->stage); /* used up, either way */
	upload->stage = NULL;
	release_put(upload->origin);
	upload->origin = NULL;
	if (r < 0)
		goto out;

	ret->number = record->number;
	r = release_new(slots, slot, record, &release);
	if (r < 0)
		goto out;
	record = NULL;
	upload->origin = release_ref(release);
	bool was_hidden = slot->hidden;
	r = slot_switch_locked(slot, release, &ret->dropped);
	if (r == 0) {
		release = NULL;
		if (was_hidden)
			r = slot_save_locked(slot);
	}
out:
	buf_done(&comment);
	store_release_free(record);
	release_put(release);
	return r;
}

/* The config that judged is compared again at commit: if another trust is in force by now, the artifact is judged
 * again. */
static int publish_locked(struct upload *upload, struct switched *ret)
{
	struct slots *slots = upload->slots;
	struct trust *trust = slots_fresh_trust(slots);
	if (!trust)
		return -ENOMEM;

	int r = 0;
	if (upload->decision->trust_generation != trust->generation)
		r = judge_or_refuse(upload, trust);
	if (r == 0) {
		struct gate_deployment deployment;
		describe(upload, trust, &deployment);
		r = commit_locked(upload, &deployment, ret);
		if (r == 0)
			slot_set_note(upload->slot, &deployment, upload->decision, ret->number);
		log_outcome(upload, r < 0 ? strerror(-r) : policy_outcome_name(upload->decision->verdict.outcome));
	}
	trust_unref(trust);
	return r;
}

static int publish(struct upload *upload)
{
	int r = slots_begin_verdict(upload->slots);
	if (r < 0)
		return r;

	struct switched switched = {0};
	lock_take(&upload->slot->lock);
	r = publish_locked(upload, &switched);
	lock_drop(&upload->slot->lock);

	if (r == 0) {
		lock_take(&upload->slots->lock);
		upload->is_published = true;
		lock_drop(&upload->slots->lock);
	}
	if (switched.number > 0)
		slot_notify_switch(upload->slot, switched.number, switched.dropped, switched.is_first);
	release_put(switched.dropped);
	slots_end_verdict(upload->slots);
	return r;
}

static int finish_locked(struct upload *upload)
{
	bool accepted = upload->judged && upload->decision->verdict.outcome != POLICY_REFUSED;
	if (!upload->dirty)
		return upload->result;
	if (upload->write_error < 0)
		return upload->write_error;
	int r = 0;
	if (!accepted)
		r = judge_today(upload);
	if (r == 0) {
		r = publish(upload);
		upload->dirty = false;
		upload->result = r;
	}
	return r;
}

int upload_finish(struct upload *upload)
{
	lock_take(&upload->lock);
	/* An empty file is the shell's and dd's early close: there is nothing to judge yet. */
	bool is_due = upload->is_final && !(upload->stage && store_stage_size(upload->stage) == 0);
	int r = is_due ? finish_locked(upload) : 0;
	lock_drop(&upload->lock);
	return r;
}

int upload_finish_as(struct upload *upload, const char *name)
{
	char before[sizeof(upload->name)];

	lock_take(&upload->lock);
	bool was_final = upload->is_final;
	memcpy(before, upload->name, sizeof(before));
	(void)snprintf(upload->name, sizeof(upload->name), "%s", name);
	upload->is_final = true;
	upload->dirty = true;
	int r = ensure_stage(upload);
	if (r == 0)
		r = finish_locked(upload);
	if (r < 0) {
		upload->is_final = was_final;
		memcpy(upload->name, before, sizeof(before));
	}
	lock_drop(&upload->lock);
	return r;
}
