/*
 * revoke/<job id>: the text that is written is the reason. A write from the start that ends in a newline revokes at
 * once, since `echo` does not look at what close answers; what has no newline does so at the close.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct revoking {
	struct signing_slot *slot;
	struct signer_caller caller;
	struct audit_who who;
	char job_id[ARN_JOB_ID_SIZE];
	pthread_mutex_t lock; /* all below */
	struct buf text;
	bool is_revoked;
	int result;
};

static int refuse(const struct signing_slot *slot, const struct signer_caller *caller, const struct audit_who *who,
		  const char *job_id, int error, struct finding *finding)
{
	if (!finding->outcome) {
		finding->outcome = "refused";
		finding->check = "revocation";
		(void)snprintf(finding->reason, sizeof(finding->reason), "%s",
			       error == -ENOENT	  ? "ENOENT"
			       : error == -EINVAL ? "EINVAL"
						  : "failed");
	}
	signing_note(&(struct attempt){(struct signing_slot *)slot, caller->account, job_id, who}, finding);
	return error;
}

int revoking_new(const struct signing_place *place, const char *job_id, const struct audit_who *who,
		 struct revoking **ret)
{
	struct finding finding = {0};
	struct signer_job job = {0};
	/* A statement may be for the version alone that the job was signed with. */
	int found = signing_find_job(place, job_id, &job);
	int r = signing_check_permission(place->slot, &place->caller, SIGNER_REVOKE_SIGNATURE,
					 found == 0 ? job.profile_version.version : NULL, &finding);
	signer_job_done(&job);
	if (r == 0 && found < 0) {
		r = found;
		explain_set(&finding.found, "no signing job of profile %s and account %s has this id",
			    place->slot->name, place->caller.account);
		explain_set(&finding.expected, "the name of the file is the id of a job, see jobs/");
	}
	if (r < 0)
		return refuse(place->slot, &place->caller, who, job_id, r, &finding);

	struct revoking *revoking = calloc(1, sizeof(*revoking));
	if (!revoking)
		return -ENOMEM;
	*revoking = (struct revoking){.slot = place->slot, .caller = place->caller, .who = *who};
	(void)snprintf(revoking->job_id, sizeof(revoking->job_id), "%s", job_id);
	lock_init(&revoking->lock);
	*ret = revoking;
	return 0;
}

void revoking_free(struct revoking *revoking)
{
	if (!revoking)
		return;
	buf_done(&revoking->text);
	lock_done(&revoking->lock);
	free(revoking);
}

static int revoke_locked(struct revoking *revoking)
{
	struct finding finding = {0};
	char reason[LIMIT_REASON_BYTES + 3] = "";
	size_t len = revoking->text.len;
	if (len > 0 && revoking->text.data[len - 1] == '\n')
		len--;
	if (len > 0)
		memcpy(reason, revoking->text.data, len);
	int r = signing_check_caller(revoking->slot, &revoking->caller, revoking->who.uid, &finding);
	if (r == 0 && strlen(reason) != len) {
		r = -EINVAL;
		explain_set(&finding.found, "a reason is printable text");
	}
	if (r == 0)
		r = signer_revoke_signature(revoking->slot->signing->signer, &revoking->caller, revoking->job_id,
					    reason, &finding.found);
	revoking->result = r;
	if (r < 0)
		return refuse(revoking->slot, &revoking->caller, &revoking->who, revoking->job_id, r, &finding);
	revoking->is_revoked = true;
	finding.outcome = "revoked";
	memcpy(finding.job_id, revoking->job_id, sizeof(finding.job_id));
	signing_note(&(struct attempt){revoking->slot, revoking->caller.account, revoking->job_id, &revoking->who},
		     &finding);
	return 0;
}

/* Appends only, and no more than a reason and its newline. */
static int write_locked(struct revoking *revoking, const char *bytes, size_t len, uint64_t offset)
{
	struct finding finding = {0};
	if (revoking->is_revoked)
		return -EPERM;
	if (offset != revoking->text.len)
		return -EINVAL;
	if (len > LIMIT_REASON_BYTES + 1 - revoking->text.len) {
		explain_set(&finding.found, "the reason has more than %u characters", LIMIT_REASON_BYTES);
		explain_set(&finding.expected, "1 to %u characters of printable ASCII", LIMIT_REASON_BYTES);
		revoking->result = -EINVAL;
		return refuse(revoking->slot, &revoking->caller, &revoking->who, revoking->job_id, -EINVAL, &finding);
	}
	int r = buf_append(&revoking->text, bytes, len);
	if (r == 0 && offset == 0 && bytes[len - 1] == '\n')
		r = revoke_locked(revoking);
	return r;
}

int revoking_write(struct revoking *revoking, const void *buf, size_t len, uint64_t offset)
{
	if (len == 0)
		return 0;
	lock_take(&revoking->lock);
	int r = write_locked(revoking, buf, len, offset);
	lock_drop(&revoking->lock);
	return r;
}

int revoking_truncate(struct revoking *revoking, uint64_t size_bytes)
{
	lock_take(&revoking->lock);
	int r = size_bytes > 0 || revoking->is_revoked ? -EPERM : 0;
	if (r == 0)
		buf_reset(&revoking->text);
	lock_drop(&revoking->lock);
	return r;
}

int revoking_finish(struct revoking *revoking)
{
	lock_take(&revoking->lock);
	bool is_due = !revoking->is_revoked && revoking->result == 0 && revoking->text.len > 0;
	int r = is_due ? revoke_locked(revoking) : revoking->result;
	lock_drop(&revoking->lock);
	return r;
}
