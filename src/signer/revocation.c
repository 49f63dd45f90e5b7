/*
 * Revoking. The signed list in the home is the only record of what is revoked, so one rename is all it takes: either
 * the account knows it and can hand it out, or it did not happen.
 */
#include "revocation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "crypto/cms.h"
#include "job.h"
#include "profile.h"
#include "signer/access.h"

#define DAY_S 86400

static int sign_list(const struct signer *signer, const struct identity *ca, const struct revocation_list *list,
		     struct buf *ret_pem, struct explain *ret_why)
{
	char san[ARN_TEXT_SIZE];
	arn_print_revocations(&signer->scope, san);

	struct identity leaf = {0};
	int r = identity_make_leaf(ca, NULL, "vouchfs revocation list", san, list->issued_at_s, list->next_update_s,
				   &leaf, ret_why);
	if (r == 0)
		r = revocation_list_sign(list, leaf.key, leaf.cert, ret_pem, ret_why);
	identity_done(&leaf);
	return r;
}

int revocation_publish(const struct signer *signer, const struct identity *ca, struct revocation *entries,
		       size_t entry_count, uint64_t sequence, struct explain *ret_why)
{
	struct revocation_list list = {
		.sequence = sequence, .issued_at_s = clock_now_s(), .entries = entries, .entry_count = entry_count};
	list.next_update_s = list.issued_at_s + (int64_t)signer->revocation_list_days * DAY_S;
	memcpy(list.account, signer->scope.account, sizeof(list.account));

	struct buf pem = {0};
	int r = sign_list(signer, ca, &list, &pem, ret_why);
	if (r == 0)
		r = home_write(signer, HOME_REVOCATIONS, &pem, ret_why);
	buf_done(&pem);
	return r;
}

static int prove_list(struct signer *signer, const struct buf *pem, struct revocation_list **ret,
		      struct explain *ret_why)
{
	struct crypto_trust *trust = NULL;
	int r = identity_read_trust(signer, &trust, ret_why);
	if (r == 0)
		r = revocation_list_read(pem->data, pem->len, signer->scope.account, trust, ret, ret_why);
	if (r == 0)
		proved_list_put(&signer->proved, pem, *ret);
	crypto_trust_unref(trust);
	return r;
}

int signer_read_revocations(struct signer *signer, struct revocation_list **ret, struct explain *ret_why)
{
	struct buf pem = {0};
	int r = home_read(signer, HOME_REVOCATIONS, CRYPTO_CMS_PEM_MAX_BYTES, &pem, ret_why);
	if (r == -ENOENT)
		r = home_refuse(
			ret_why, -EIO,
			"the revocation list is missing in the signer's home; restore it from a backup or a host");
	if (r == 0) {
		r = proved_list_get(&signer->proved, &pem, ret);
		if (r == -ENOENT)
			r = prove_list(signer, &pem, ret, ret_why);
	}
	buf_done(&pem);
	return r;
}

const struct revocation *revocation_find_job(const struct revocation_list *list, const struct arn_job *job)
{
	for (size_t i = 0; i < list->entry_count; i++) {
		const struct revocation *entry = &list->entries[i];
		if (entry->kind == REVOCATION_JOB && strcmp(entry->job.id, job->id) == 0)
			return entry;
	}
	return NULL;
}

const struct revocation *revocation_find_version(const struct revocation_list *list, const struct arn_profile *version)
{
	for (size_t i = 0; i < list->entry_count; i++) {
		const struct revocation *entry = &list->entries[i];
		if (entry->kind == REVOCATION_PROFILE_VERSION && arn_profile_equal(&entry->profile_version, version))
			return entry;
	}
	return NULL;
}

static int publish_next(const struct signer *signer, const struct revocation_list *list, struct revocation *entries,
			size_t entry_count, struct explain *ret_why)
{
	struct identity ca = {0};
	int r = identity_read(signer, HOME_CA_KEY, HOME_CA_CERT, &ca, ret_why);
	if (r == 0)
		r = revocation_publish(signer, &ca, entries, entry_count, list->sequence + 1, ret_why);
	identity_done(&ca);
	return r;
}

/* A list with the new entry, in the place of `old` when there is one. */
static int publish_entry(const struct signer *signer, const struct revocation_list *list, const struct revocation *old,
			 const struct revocation *entry, struct explain *ret_why)
{
	struct revocation *entries = calloc(list->entry_count + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	if (list->entry_count > 0)
		memcpy(entries, list->entries, list->entry_count * sizeof(*entries));
	entries[old ? (size_t)(old - list->entries) : list->entry_count] = *entry;
	int r = publish_next(signer, list, entries, list->entry_count + (old ? 0 : 1), ret_why);
	free(entries);
	return r;
}

int signer_refresh_revocations(struct signer *signer, unsigned list_days, struct explain *ret_why)
{
	if (list_days > SIGNER_LIST_DAYS_MAX)
		return home_refuse(ret_why, -EINVAL, "a revocation list lives 1 to %u days, not %u",
				   SIGNER_LIST_DAYS_MAX, list_days);

	int lock = -1;
	struct revocation_list *list = NULL;
	int r = home_lock(signer, HOME_LOCK, &lock, ret_why);
	if (r == 0)
		r = signer_read_revocations(signer, &list, ret_why);
	if (r == 0 && list_days != 0) {
		signer->revocation_list_days = list_days;
		r = home_write_account(signer, ret_why);
	}
	if (r == 0)
		r = publish_next(signer, list, list->entries, list->entry_count, ret_why);
	revocation_list_free(list);
	io_close(&lock);
	return r;
}

static int check_reason(const char *reason, struct explain *ret_why)
{
	size_t len = strlen(reason), printable = 0;
	while (reason[printable] >= 0x20 && reason[printable] < 0x7f)
		printable++;
	if (printable < len)
		return home_refuse(ret_why, -EINVAL,
				   "a reason has 1 to %u characters of printable ASCII; byte %zu of this one is none",
				   LIMIT_REASON_BYTES, printable + 1);
	if (len < 1 || len > LIMIT_REASON_BYTES)
		return home_refuse(ret_why, -EINVAL,
				   "a reason has 1 to %u characters of printable ASCII; this one has %zu",
				   LIMIT_REASON_BYTES, len);
	return 0;
}

/* Of others' jobs nothing, whatever a statement allows. */
static int authorize(struct signer *signer, const struct signer_caller *caller, const struct signer_job *job,
		     struct explain *ret_why)
{
	if (!caller || caller->is_owner)
		return 0;
	int r = signer_authorize(signer, caller, job->profile_version.name, job->profile_version.version,
				 SIGNER_REVOKE_SIGNATURE, ret_why);
	if (r == 0 && strcmp(job->job_invoker, caller->account) != 0)
		r = home_refuse(ret_why, -EACCES,
				"signing job %s was not started by account %s, which revokes its own signatures only; "
				"the owner, account %s, can revoke it",
				job->arn.id, caller->account, signer->scope.account);
	return r;
}

/* In the job's record before the list says that it is revoked: only then it means anything. */
static int note_revoker(struct signer *signer, struct signer_job *job, const struct signer_caller *caller,
			struct explain *ret_why)
{
	const char *account = caller ? caller->account : signer->scope.account;
	if (strcmp(job->revoked_by, account) == 0)
		return 0;
	memcpy(job->revoked_by, account, sizeof(job->revoked_by));
	return job_write(signer, job, ret_why);
}

static int revoke_job_locked(struct signer *signer, struct signer_job *job, const struct signer_caller *caller,
			     const char *reason, struct explain *ret_why)
{
	struct revocation entry = {.kind = REVOCATION_JOB, .job = job->arn, .revoked_at_s = clock_now_s()};
	memcpy(entry.reason, reason, strlen(reason) + 1);

	struct revocation_list *list = NULL;
	int r = signer_read_revocations(signer, &list, ret_why);
	bool is_new = r == 0 && !revocation_find_job(list, &job->arn);
	if (is_new)
		r = note_revoker(signer, job, caller, ret_why);
	if (r == 0 && is_new)
		r = publish_entry(signer, list, NULL, &entry, ret_why);
	revocation_list_free(list);
	return r;
}

int signer_revoke_signature(struct signer *signer, const struct signer_caller *caller, const char *job_id,
			    const char *reason, struct explain *ret_why)
{
	struct signer_job job = {0};
	int lock = -1;
	int r = check_reason(reason, ret_why);
	if (r == 0)
		r = home_lock(signer, HOME_LOCK, &lock, ret_why);
	if (r == 0)
		r = signer_describe_job(signer, job_id, &job, ret_why);
	if (r == 0)
		r = authorize(signer, caller, &job, ret_why);
	if (r == 0)
		r = revoke_job_locked(signer, &job, caller, reason, ret_why);
	io_close(&lock);
	signer_job_done(&job);
	return r;
}

static int revoke_version_locked(struct signer *signer, const struct revocation *entry, struct explain *ret_why)
{
	struct revocation_list *list = NULL;
	int r = signer_read_revocations(signer, &list, ret_why);
	if (r != 0)
		return r;
	const struct revocation *old = revocation_find_version(list, &entry->profile_version);
	if (old && entry->effective_s > old->effective_s) {
		char effective[CLOCK_UTC_SIZE];
		clock_format_utc(old->effective_s, effective);
		r = home_refuse(
			ret_why, -EINVAL,
			"profile version %s is revoked from %s on already; an effective time moves earlier only",
			entry->profile_version.version, effective);
	} else if (!old || entry->effective_s < old->effective_s) {
		r = publish_entry(signer, list, old, entry, ret_why);
	}
	revocation_list_free(list);
	return r;
}

int signer_revoke_profile_version(struct signer *signer, const char *name, const char *version, const char *reason,
				  int64_t effective_s, struct explain *ret_why)
{
	struct signer_profile profile;
	int lock = -1;
	int r = check_reason(reason, ret_why);
	if (r == 0)
		r = signer_get_profile(signer, name, &profile, ret_why);
	if (r == 0)
		r = profile_check_version(signer, name, version, ret_why);
	if (r < 0)
		return r;

	struct revocation entry = {.kind = REVOCATION_PROFILE_VERSION,
				   .profile_version = profile.arn,
				   .effective_s = effective_s,
				   .revoked_at_s = clock_now_s()};
	memcpy(entry.profile_version.version, version, sizeof(entry.profile_version.version));
	memcpy(entry.reason, reason, strlen(reason) + 1);
	char now[CLOCK_UTC_SIZE];
	clock_format_utc(entry.revoked_at_s, now);
	if (effective_s > entry.revoked_at_s)
		return home_refuse(ret_why, -EINVAL, "the effective time must not lie in the future; now it is %s",
				   now);

	r = home_lock(signer, HOME_LOCK, &lock, ret_why);
	if (r == 0)
		r = revoke_version_locked(signer, &entry, ret_why);
	io_close(&lock);
	return r;
}
