/*
 * Signing jobs. The order of the last steps is the promise: the draft is durable, then the job's record, then the
 * result gets its name, then the request token leads to the job. So every signature that anyone can see has a record
 * and can be revoked, and a call that was cut off can be repeated.
 */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/random.h"
#include "base/text.h"
#include "destination.h"
#include "profile.h"
#include "revocation.h"
#include "signer/access.h"
#include "stamp.h"

static int check_request(const struct signer_job_request *request, struct explain *ret_why)
{
	ASSERT(request->output_path || request->destination_directory);
	ASSERT(request->content != SIGNATURE_OF_NOTHING);
	ASSERT(!request->output_directory_fd || (request->output_path && request->output_name));
	if (request->timestamp_url) {
		int r = stamp_check_url(request->timestamp_url, false, ret_why);
		if (r < 0)
			return r;
	}
	const char *token = request->client_request_token;
	if (token && (*token == '\0' || strlen(token) > SIGNER_REQUEST_TOKEN_BYTES))
		return home_refuse(ret_why, -EINVAL, "a client request token has 1 to %u bytes, this one has %zu",
				   SIGNER_REQUEST_TOKEN_BYTES, strlen(token));
	return 0;
}

int signer_check_request(const struct signer_job_request *request, struct explain *ret_why)
{
	int r = check_request(request, ret_why);
	return r == 0 ? destination_check(request, ret_why) : r;
}

static const char *invoker_of(const struct signer *signer, const struct signer_job_request *request)
{
	return request->caller ? request->caller->account : signer->scope.account;
}

static int begin_job(const struct signer *signer, const struct signer_job_request *request,
		     const struct signer_profile *profile, struct signer_job *job, struct explain *ret_why)
{
	*job = (struct signer_job){
		.arn.scope = signer->scope, .profile_version = profile->arn, .created_at_s = clock_now_s()};
	random_uuid(job->arn.id);
	const char *invoker = invoker_of(signer, request);
	memcpy(job->revoked_by, signer->scope.account, sizeof(job->revoked_by));
	memcpy(job->requested_by, invoker, sizeof(job->requested_by));
	memcpy(job->job_invoker, invoker, sizeof(job->job_invoker));

	int r = destination_absolute(request->source_path, &job->source);
	if (r == 0 && request->client_request_token &&
	    !(job->client_request_token = strdup(request->client_request_token)))
		r = -ENOMEM;
	if (r == 0)
		r = destination_path(request, &job->arn, &job->signed_object, ret_why);
	return r;
}

static int finish_job(const struct signer *signer, struct signer_job *job, bool succeeded, const char *reason,
		      struct explain *ret_why)
{
	free(job->status_reason);
	job->succeeded = succeeded;
	job->completed_at_s = clock_now_s();
	job->status_reason = strdup(reason);
	if (!succeeded) {
		free(job->signed_object);
		job->signed_object = NULL;
	}
	return job->status_reason ? job_write(signer, job, ret_why) : -ENOMEM;
}

/* The record of a failed job is worth having, but that it could not be written is not what the caller has to know. */
static int fail_job(const struct signer *signer, struct signer_job *job, int error, struct explain *why)
{
	(void)finish_job(signer, job, false, why->text, NULL);
	explain_prefix(why, "signing job %s failed", job->arn.id);
	return error == -EBADMSG || error == -EFBIG ? -EINVAL : error;
}

static int run_job(const struct signer *signer, const struct signer_job_request *request,
		   const struct signer_profile *profile, struct signer_job *job, struct explain *ret_notice,
		   struct explain *ret_why)
{
	const struct draft_files files = {job->source, request->source_fd, job->signed_object,
					  request->output_directory_fd, request->output_name};
	struct draft draft = DRAFT_NONE;
	struct identity identity = {0};
	int r = profile_read_identity(signer, profile, &identity, ret_why);
	if (r == 0)
		r = draft_open(&files, request->max_artifact_bytes, &draft, ret_why);
	if (r == 0)
		r = job_sign_draft(signer, &identity, profile, request, &draft, job, ret_notice, ret_why);
	if (r == 0)
		r = finish_job(signer, job, true, "Signing Succeeded", ret_why);
	if (r == 0)
		r = draft_publish(&draft, ret_why);
	draft_done(&draft);
	identity_done(&identity);
	return r;
}

static int start_new_job(struct signer *signer, const struct signer_job_request *request, struct signer_job *ret,
			 struct explain *ret_notice, struct explain *ret_why)
{
	struct signer_profile profile;
	struct signer_job job = {0};
	int r = signer_get_profile(signer, request->profile_name, &profile, ret_why);
	if (r == 0 && request->caller) /* for the version that will sign: there may be a new one since we asked */
		r = signer_authorize(signer, request->caller, profile.arn.name, profile.arn.version,
				     SIGNER_START_SIGNING_JOB, ret_why);
	if (r == 0 && profile.status != SIGNER_PROFILE_ACTIVE)
		r = home_refuse(ret_why, -EINVAL, "profile with name %s is %s and signs no more; name another one",
				request->profile_name, signer_status_name(profile.status));
	if (r < 0)
		return r;

	r = begin_job(signer, request, &profile, &job, ret_why);
	if (r == 0) {
		r = run_job(signer, request, &profile, &job, ret_notice, ret_why);
		if (r < 0)
			r = fail_job(signer, &job, r, ret_why);
		else if (job.client_request_token)
			r = job_write_token(signer, job.client_request_token, &job, ret_why);
	}
	if (r == 0) {
		*ret = job;
		job = (struct signer_job){0};
	}
	signer_job_done(&job);
	return r;
}

int signer_start_job(struct signer *signer, const struct signer_job_request *request, struct signer_job *ret,
		     struct explain *ret_notice, struct explain *ret_why)
{
	/* Filled in any case: a failure goes into the job's record. */
	struct explain own_why = {0};
	struct explain *why = ret_why ? ret_why : &own_why;
	why->text[0] = '\0';
	if (ret_notice)
		ret_notice->text[0] = '\0';
	int r = check_request(request, why);
	if (r == 0 && request->caller)
		r = signer_authorize(signer, request->caller, request->profile_name, NULL, SIGNER_START_SIGNING_JOB,
				     why);
	if (r < 0)
		return r;
	if (!request->client_request_token)
		return start_new_job(signer, request, ret, ret_notice, why);

	/* One call at a time with a token, so that two calls with the same one make one signature. */
	int lock = -1;
	r = home_lock(signer, HOME_TOKEN_LOCK, &lock, why);
	if (r == 0)
		r = job_find_token(signer, request->client_request_token, invoker_of(signer, request), ret, why);
	if (r == -ENOENT)
		r = start_new_job(signer, request, ret, ret_notice, why);
	io_close(&lock);
	return r;
}

int job_apply_revocation(struct signer_job *job, const struct revocation_list *list)
{
	const struct revocation *entry = revocation_find_job(list, &job->arn);
	if (!entry)
		return 0;
	job->revoked = true;
	job->revoked_at_s = entry->revoked_at_s;
	job->revocation_reason = strdup(entry->reason);
	return job->revocation_reason ? 0 : -ENOMEM;
}

static int apply_revocation(struct signer *signer, struct signer_job *job, struct explain *ret_why)
{
	struct revocation_list *list = NULL;
	int r = signer_read_revocations(signer, &list, ret_why);
	if (r == 0)
		r = job_apply_revocation(job, list);
	revocation_list_free(list);
	return r;
}

int signer_describe_job(struct signer *signer, const char *job_id, struct signer_job *ret, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	if (!arn_is_uuid(job_id, strlen(job_id)))
		return home_refuse(ret_why, -EINVAL,
				   "\"%s\" is no job id; one looks like 621a6850-a128-42db-bc30-bd65cc54e187",
				   home_printable(job_id, escaped));
	struct signer_job job = {0};
	int r = job_read(signer, job_id, &job, ret_why);
	if (r == -ENOENT)
		return home_refuse(ret_why, r,
				   "signing job %s does not exist in account %s; list-signing-jobs shows those that do",
				   job_id, signer->scope.account);
	if (r == 0)
		r = apply_revocation(signer, &job, ret_why);
	if (r == 0)
		*ret = job;
	else
		signer_job_done(&job);
	return r;
}
