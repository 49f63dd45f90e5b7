/* Texts that are made when they are opened: profile.json, records of jobs, reasons, the last attempt. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "internal.h"
#include "signer/render.h"

#define JOB_SUFFIX ".json"

static int end_json(struct json *j)
{
	int r = json_end(j);
	return r == 0 ? buf_putc(j->out, '\n') : r;
}

int signing_render_profile(struct signing_slot *slot, struct buf *ret)
{
	struct signer_profile profile;
	int r = signer_get_profile(slot->signing->signer, slot->name, &profile, NULL);
	if (r < 0)
		return r;
	struct json j = {.out = ret, .pretty = true};
	signer_render_profile(&j, &profile);
	return end_json(&j);
}

bool signing_job_id(const char *name, char ret[ARN_JOB_ID_SIZE])
{
	size_t len = strlen(name);
	if (len != ARN_JOB_ID_SIZE - 1 + strlen(JOB_SUFFIX) || !text_ends_with(name, JOB_SUFFIX) ||
	    !arn_is_uuid(name, ARN_JOB_ID_SIZE - 1))
		return false;
	memcpy(ret, name, ARN_JOB_ID_SIZE - 1);
	ret[ARN_JOB_ID_SIZE - 1] = '\0';
	return true;
}

bool signing_may_see_job(const struct signing_place *place, const struct signer_job *job)
{
	return strcmp(job->profile_version.name, place->slot->name) == 0 &&
	       (place->caller.is_owner || strcmp(job->requested_by, place->caller.account) == 0);
}

int signing_find_job(const struct signing_place *place, const char *job_id, struct signer_job *ret)
{
	struct signer_job job = {0};
	if (!arn_is_uuid(job_id, strlen(job_id)))
		return -ENOENT;
	int r = signer_describe_job(place->slot->signing->signer, job_id, &job, NULL);
	if (r == 0 && !signing_may_see_job(place, &job))
		r = -ENOENT;
	if (r < 0)
		signer_job_done(&job);
	else
		*ret = job;
	return r;
}

static int render_job(const struct signer_job *job, struct buf *ret)
{
	struct json j = {.out = ret, .pretty = true};
	signer_render_job(&j, job);
	return end_json(&j);
}

int signing_open_job(const struct signing_place *place, const char *name, struct buf *ret)
{
	char job_id[ARN_JOB_ID_SIZE];
	struct signer_job job = {0};
	int r = signing_job_id(name, job_id) ? signing_find_job(place, job_id, &job) : -ENOENT;
	if (r == 0)
		r = render_job(&job, ret);
	signer_job_done(&job);
	return r;
}

static int print_reason(const struct signer_job *job, struct buf *ret)
{
	return job->revoked ? buf_printf(ret, "%s\n", job->revocation_reason) : 0;
}

int signing_open_reason(const struct signing_place *place, const char *job_id, struct buf *ret)
{
	struct signer_job job = {0};
	int r = signing_find_job(place, job_id, &job);
	if (r == 0)
		r = print_reason(&job, ret);
	signer_job_done(&job);
	return r;
}

int signing_measure_job(struct signing *signing, enum signing_kind kind, const char *name, struct slots_attr *attr)
{
	char job_id[ARN_JOB_ID_SIZE];
	struct signer_job job = {0};
	struct buf text = {0};
	bool is_record = kind == KIND_JOB;
	if (is_record && !signing_job_id(name, job_id))
		return -ENOENT;
	int r = signer_describe_job(signing->signer, is_record ? job_id : name, &job, NULL);
	if (r == 0)
		r = is_record ? render_job(&job, &text) : print_reason(&job, &text);
	if (r == 0) {
		attr->size_bytes = text.len;
		attr->mtime = (struct timespec){.tv_sec = is_record ? job.completed_at_s : job.revoked_at_s};
	}
	signer_job_done(&job);
	buf_done(&text);
	return r;
}

/* ---- what every slot has ---- */

static int open_profile(struct signing_slot *slot, const struct signer_caller *who, const struct slots_caller *caller,
			struct buf *ret)
{
	struct finding finding = {0};
	int r = signing_check_permission(slot, who, SIGNER_GET_SIGNING_PROFILE, NULL, &finding);
	if (r == 0)
		return signing_render_profile(slot, ret);
	signing_note(&(struct attempt){slot, who->account, "profile.json", &caller->who}, &finding);
	return r;
}

int signing_open_text(struct signing *signing, uint64_t node, const struct slots_caller *caller, struct buf *ret)
{
	struct signer_caller who;
	struct signing_slot *visible, *slot = signing_slot_of(signing, node);
	int r = slot ? signing_identify(signing, caller, &who) : -ENOENT;
	if (r == 0)
		r = signing_find_slot(signing, slot->name, &who, &visible);
	if (r < 0)
		return r;
	if (signing_part_of(node) == PART_PROFILE)
		return open_profile(slot, &who, caller, ret);
	return signing_part_of(node) == PART_WHY ? signing_read_why(slot, who.account, ret) : -EISDIR;
}
