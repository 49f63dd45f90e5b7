/*
 * From a hand-in to a result. The order is the promise: the job's record and the result are durable when
 * signer_start_job returns, then our record of it is, then it is visible. What is cut off in between leaves nothing
 * here, or a job without a result that can be described and revoked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/random.h"
#include "internal.h"

static void note(const struct handin *handin, const struct finding *finding)
{
	const struct handin_identity *identity = &handin->identity;
	signing_note(&(struct attempt){handin->slot, identity->caller.account, identity->name, &identity->who},
		     finding);
}

int handin_refuse_locked(struct handin *handin, int error, const struct finding *finding)
{
	note(handin, finding);
	handin->dirty = false;
	return handin->result = error;
}

/* Principals, permissions and the profile may have changed since the file was opened. */
static int check_profile(struct handin *handin, struct finding *finding)
{
	const struct handin_identity *identity = &handin->identity;
	int r = signing_check_caller(handin->slot, &identity->caller, identity->who.uid, finding);
	return r == 0 ? signing_check_profile(handin->slot, &identity->caller, finding) : r;
}

static int check(struct handin *handin, struct finding *finding)
{
	struct io_reader file = store_stage_reader(handin->stage);
	int r = signing_begin(handin->slot->signing);
	if (r < 0)
		return r;
	r = check_profile(handin, finding);
	if (r == 0)
		r = signing_check_artifact(&file, finding);
	signing_end(handin->slot->signing);
	return r;
}

int handin_check_locked(struct handin *handin)
{
	struct finding finding = {0};
	int r = check(handin, &finding);
	handin->admissible = r == 0;
	return r < 0 && finding.outcome ? handin_refuse_locked(handin, r, &finding) : r;
}

/* ---- signing ---- */

/* What came behind the part that is signed: the length of a comment and the comment, as they were. */
static int read_tail(struct handin *handin, struct result *result)
{
	struct io_reader file = store_stage_reader(handin->stage);
	struct zip_tail tail;
	int r = zip_read_tail(&file, &tail, NULL);
	if (r < 0)
		return r;
	size_t len = (size_t)(file.size_bytes - tail.signed_length);
	result->length_bytes = tail.signed_length;
	r = buf_reserve(&result->tail, len);
	if (r == 0)
		r = io_reader_pread(&file, result->tail.data, len, tail.signed_length);
	if (r == 0)
		result->tail.len = len;
	return r;
}

static int run_job(struct handin *handin, int directory, struct result *result, struct finding *finding)
{
	struct signing_slot *slot = handin->slot;
	const char *name = handin->identity.name;
	char file[ARN_JOB_ID_SIZE + 4], *source = NULL, *output = NULL;
	int fd = store_stage_fd(handin->stage);
	struct signer_job job = {0};
	(void)snprintf(file, sizeof(file), "%s.zip", result->id);
	int r = -ENOMEM;
	if (asprintf(&source, "/%s/%s", slot->name, name) < 0 ||
	    asprintf(&output, "/%s/signed/%s", slot->name, name) < 0)
		goto out;
	const struct signer_job_request request = {
		.content = SIGNATURE_OF_ARTIFACT,
		.caller = &handin->identity.caller,
		.profile_name = slot->name,
		.source_path = source,
		.source_fd = &fd,
		.output_path = output,
		.output_directory_fd = &directory,
		.output_name = file,
		.max_artifact_bytes = LIMIT_ARTIFACT_BYTES_DEFAULT,
		.max_unpacked_bytes = LIMIT_UNPACKED_BYTES_DEFAULT,
	};
	struct explain notice = {0};
	r = signer_start_job(slot->signing->signer, &request, &job, &notice, &finding->found);
	if (r == 0) {
		finding->found = notice;
		memcpy(result->job_id, job.arn.id, sizeof(result->job_id));
		memcpy(finding->job_id, job.arn.id, sizeof(finding->job_id));
		result->signed_at_s = job.completed_at_s;
	}
out:
	signer_job_done(&job);
	free(source);
	free(output);
	return r;
}

static int measure(int directory, struct result *result)
{
	char file[ARN_JOB_ID_SIZE + 4];
	struct stat st;
	(void)snprintf(file, sizeof(file), "%s.zip", result->id);
	int fd = io_openat(directory, file, O_RDONLY, 0);
	int r = fd < 0 ? fd : fstat(fd, &st) < 0 || fchmod(fd, 0600) < 0 ? -errno : 0;
	if (r == 0)
		result->signed_bytes = (uint64_t)st.st_size;
	io_close(&fd);
	return r;
}

static struct result *new_result(const struct handin *handin)
{
	struct result *result = calloc(1, sizeof(*result));
	if (!result)
		return NULL;
	random_uuid(result->id);
	memcpy(result->account, handin->identity.caller.account, sizeof(result->account));
	memcpy(result->name, handin->identity.name, sizeof(result->name));
	result->is_handed_in = result->is_signed = true;
	lock_take(&handin->slot->signing->lock);
	result->uid = handin->uid;
	result->mtime = handin->mtime;
	lock_drop(&handin->slot->signing->lock);
	return result;
}

/* The job is on record; nobody will see its result. The record first, should it have been written after all. */
static void drop_files(int directory, const char *id)
{
	char file[ARN_JOB_ID_SIZE + 4];
	(void)snprintf(file, sizeof(file), "%s.zip", id);
	if (io_unlinkat(directory, id, 0) == 0)
		(void)io_unlinkat(directory, file, 0);
}

static int sign(struct handin *handin, struct finding *finding)
{
	char id[ARN_JOB_ID_SIZE] = "";
	struct result *result = new_result(handin);
	int directory = result ? result_open_directory(handin->slot, handin->identity.caller.account) : -ENOMEM;
	int r = directory < 0 ? directory : read_tail(handin, result);
	if (r == 0)
		r = run_job(handin, directory, result, finding);
	if (r == 0) {
		memcpy(id, result->id, sizeof(id));
		r = measure(directory, result);
	}
	if (r == 0) {
		r = result_add(handin->slot, result);
		result = NULL;
	}
	if (r < 0 && id[0])
		drop_files(directory, id);
	result_free(result);
	io_close(&directory);
	return r;
}

static int sign_and_note(struct handin *handin)
{
	struct finding finding = {.outcome = "signed"};
	int r = signing_begin(handin->slot->signing);
	if (r < 0)
		return r;
	r = sign(handin, &finding);
	if (r < 0) {
		finding.outcome = "failed";
		finding.check = "job";
		if (!finding.found.text[0] || finding.job_id[0])
			explain_set(&finding.found, "the result cannot be kept: %s", strerror(-r));
		explain_set(&finding.remedy, "put right what it says, then hand the artifact in again");
	} else {
		lock_take(&handin->slot->signing->lock);
		handin->is_signed = true;
		lock_drop(&handin->slot->signing->lock);
	}
	note(handin, &finding);
	signing_end(handin->slot->signing);
	return r;
}

static int check_profile_again(struct handin *handin)
{
	struct finding finding = {0};
	int r = check_profile(handin, &finding);
	return r < 0 ? handin_refuse_locked(handin, r, &finding) : 0;
}

/* A write has failed before: there is nothing whole to sign. */
static int report_write_error(struct handin *handin)
{
	struct finding finding = {.outcome = "failed", .check = "write"};
	explain_set(&finding.found, "the artifact could not be written whole: %s", strerror(-handin->write_error));
	explain_set(&finding.remedy, "put right what the disk or its quota lacks, then hand it in again");
	if (handin->dirty)
		note(handin, &finding);
	return handin->write_error;
}

int handin_finish_locked(struct handin *handin)
{
	if (handin->write_error < 0)
		return report_write_error(handin);
	if (!handin->dirty)
		return handin->result;
	int r = handin->admissible ? check_profile_again(handin) : handin_check_locked(handin);
	if (r == 0) {
		r = sign_and_note(handin);
		handin->dirty = false;
		handin->result = r;
	}
	return r;
}

int handin_finish(struct handin *handin)
{
	int r = 0;
	lock_take(&handin->lock);
	/* An empty file is the shell's and dd's early close: there is nothing to sign yet. */
	bool is_empty = handin->dirty && store_stage_size(handin->stage) == 0;
	if (handin->identity.is_final && !is_empty)
		r = handin_finish_locked(handin);
	lock_drop(&handin->lock);
	return r;
}

int handin_finish_as(struct handin *handin, const struct handin_identity *identity)
{
	lock_take(&handin->lock);
	const struct handin_identity before = handin->identity;
	handin->identity = *identity;
	handin->dirty = true;
	handin->admissible = false;
	int r = handin_finish_locked(handin);
	if (r < 0)
		handin->identity = before;
	lock_drop(&handin->lock);
	return r;
}
