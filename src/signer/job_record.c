/* The records of signing jobs, and the request tokens that lead to them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "job.h"
#include "record.h"

static void job_path(const char *job_id, char ret[HOME_PATH_SIZE])
{
	(void)snprintf(ret, HOME_PATH_SIZE, "jobs/%s", job_id);
}

void signer_job_done(struct signer_job *job)
{
	free(job->status_reason);
	free(job->source);
	free(job->signed_object);
	free(job->client_request_token);
	free(job->revocation_reason);
	*job = (struct signer_job){0};
}

static int print(const struct signer_job *job, struct buf *text)
{
	char profile_version[ARN_TEXT_SIZE];
	arn_print_profile(&job->profile_version, profile_version);

	int r = record_put(text, "vouchfs-signing-job", "1");
	if (r == 0)
		r = record_put(text, "profile-version-arn", profile_version);
	if (r == 0)
		r = record_put(text, "status", job->succeeded ? "Succeeded" : "Failed");
	if (r == 0)
		r = record_put(text, "status-reason", job->status_reason);
	if (r == 0)
		r = record_put_time(text, "created-at", job->created_at_s);
	if (r == 0)
		r = record_put_time(text, "completed-at", job->completed_at_s);
	if (r == 0 && job->succeeded)
		r = record_put_time(text, "signature-expires-at", job->signature_expires_at_s);
	if (r == 0)
		r = record_put(text, "requested-by", job->requested_by);
	if (r == 0)
		r = record_put(text, "job-invoker", job->job_invoker);
	if (r == 0)
		r = record_put(text, "source", job->source);
	if (r == 0)
		r = record_put(text, "signed-object", job->signed_object);
	if (r == 0)
		r = record_put(text, "client-request-token", job->client_request_token);
	if (r == 0 && strcmp(job->revoked_by, job->arn.scope.account) != 0)
		r = record_put(text, "revoked-by", job->revoked_by);
	return r;
}

int job_write(const struct signer *signer, const struct signer_job *job, struct explain *ret_why)
{
	char path[HOME_PATH_SIZE];
	job_path(job->arn.id, path);
	struct buf text = {0};
	int r = print(job, &text);
	if (r == 0)
		r = home_write(signer, path, &text, ret_why);
	buf_done(&text);
	return r;
}

/* What is elsewhere in a home goes along: whose job it is, and what the revocation list says of it. */
int signer_print_job(const struct signer_job *job, struct buf *ret)
{
	char arn[ARN_TEXT_SIZE];
	arn_print_job(&job->arn, arn);
	int r = print(job, ret);
	if (r == 0)
		r = record_put(ret, "job-arn", arn);
	if (r == 0 && job->revoked)
		r = record_put_time(ret, "revoked-at", job->revoked_at_s);
	if (r == 0 && job->revoked)
		r = record_put(ret, "revocation-reason", job->revocation_reason);
	return r;
}

static bool is_any(const char *text, size_t len)
{
	return text && len > 0;
}

static void parse(struct record *record, struct signer_job *job)
{
	static const char *const statuses[] = {"Failed", "Succeeded"};
	char profile_version[ARN_TEXT_SIZE];
	size_t status;

	record_copy(record, "profile-version-arn", profile_version, sizeof(profile_version), is_any);
	if (!arn_parse_profile_version(profile_version, strlen(profile_version), &job->profile_version))
		record_bad(record, "profile-version-arn");
	record_choice(record, "status", statuses, 2, &status);
	job->succeeded = status == 1;
	record_text(record, "status-reason", &job->status_reason);
	record_time(record, "created-at", &job->created_at_s);
	record_time(record, "completed-at", &job->completed_at_s);
	if (job->succeeded)
		record_time(record, "signature-expires-at", &job->signature_expires_at_s);
	record_copy(record, "requested-by", job->requested_by, sizeof(job->requested_by), arn_is_account);
	record_copy(record, "job-invoker", job->job_invoker, sizeof(job->job_invoker), arn_is_account);
	record_text(record, "source", &job->source);
	record_optional_text(record, "signed-object", &job->signed_object);
	record_optional_text(record, "client-request-token", &job->client_request_token);
	char *revoked_by = NULL;
	record_optional_text(record, "revoked-by", &revoked_by);
	if (revoked_by)
		record_copy(record, "revoked-by", job->revoked_by, sizeof(job->revoked_by), arn_is_account);
	free(revoked_by);
}

int signer_parse_job(const struct buf *text, struct signer_job *ret)
{
	struct signer_job job = {0};
	struct record record;
	char arn[ARN_TEXT_SIZE];
	record_begin(&record, text, "vouchfs-signing-job");
	record_copy(&record, "job-arn", arn, sizeof(arn), is_any);
	if (!arn_parse_job(arn, strlen(arn), &job.arn))
		record_bad(&record, "job-arn");
	memcpy(job.revoked_by, job.arn.scope.account, sizeof(job.revoked_by));
	parse(&record, &job);
	record_optional_text(&record, "revocation-reason", &job.revocation_reason);
	job.revoked = job.revocation_reason;
	if (job.revoked)
		record_time(&record, "revoked-at", &job.revoked_at_s);
	int r = record_end(&record, "", NULL) < 0 ? -EBADMSG : 0;
	if (r == 0)
		*ret = job;
	else
		signer_job_done(&job);
	return r;
}

int job_read(const struct signer *signer, const char *job_id, struct signer_job *ret, struct explain *ret_why)
{
	char path[HOME_PATH_SIZE];
	job_path(job_id, path);
	struct signer_job job = {.arn.scope = signer->scope};
	(void)snprintf(job.arn.id, sizeof(job.arn.id), "%s", job_id);
	memcpy(job.revoked_by, signer->scope.account, sizeof(job.revoked_by));

	struct buf text = {0};
	struct record record;
	int r = home_read(signer, path, LIMIT_RECORD_BYTES, &text, ret_why);
	if (r == 0) {
		record_begin(&record, &text, "vouchfs-signing-job");
		parse(&record, &job);
		r = record_end(&record, path, ret_why);
	}
	if (r == 0)
		*ret = job;
	else
		signer_job_done(&job);
	buf_done(&text);
	return r;
}

/*
 * Tokens are the caller's and may be anything; a digest of one is a file name. Each account has tokens of its own, so
 * that nobody is answered with another's job.
 */
static int token_path(const struct signer *signer, const char *token, const char *account, char ret[HOME_PATH_SIZE])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[CRYPTO_SHA256_HEX_SIZE];
	int r = crypto_sha256(token, strlen(token), digest);
	if (r < 0)
		return r;
	text_hex(digest, sizeof(digest), hex);
	bool is_own = strcmp(account, signer->scope.account) == 0;
	(void)snprintf(ret, HOME_PATH_SIZE, "tokens/%s%s%s", is_own ? "" : account, is_own ? "" : "-", hex);
	return 0;
}

int job_find_token(const struct signer *signer, const char *token, const char *account, struct signer_job *ret,
		   struct explain *ret_why)
{
	char path[HOME_PATH_SIZE], job_id[ARN_JOB_ID_SIZE];
	struct buf text = {0};
	struct record record;
	int r = token_path(signer, token, account, path);
	if (r == 0)
		r = home_read(signer, path, LIMIT_RECORD_BYTES, &text, ret_why);
	if (r == 0) {
		record_begin(&record, &text, "vouchfs-request-token");
		record_copy(&record, "job", job_id, sizeof(job_id), arn_is_uuid);
		r = record_end(&record, path, ret_why);
	}
	if (r == 0)
		r = job_read(signer, job_id, ret, ret_why);
	buf_done(&text);
	return r;
}

int job_write_token(const struct signer *signer, const char *token, const struct signer_job *job,
		    struct explain *ret_why)
{
	char path[HOME_PATH_SIZE];
	struct buf text = {0};
	int r = token_path(signer, token, job->job_invoker, path);
	if (r == 0)
		r = record_put(&text, "vouchfs-request-token", "1");
	if (r == 0)
		r = record_put(&text, "job", job->arn.id);
	if (r == 0)
		r = home_write(signer, path, &text, ret_why);
	buf_done(&text);
	return r;
}
