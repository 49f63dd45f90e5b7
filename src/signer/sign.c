/*
 * One draft: checked, hashed, signed, and the signature verified as a host will. Nothing here reads the source again;
 * what is signed is the copy that was checked.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/zip.h"
#include "base/clock.h"
#include "base/io.h"
#include "crypto/digest.h"
#include "crypto/merkle.h"
#include "job.h"
#include "signature/signature.h"
#include "stamp.h"

/* Adds a sentence to the notices that are there already. */
static void PRINTF_LIKE(2, 3) add_notice(struct explain *notice, const char *format, ...)
{
	if (!notice)
		return;
	char text[EXPLAIN_MAX];
	size_t used = strlen(notice->text);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)snprintf(notice->text + used, sizeof(notice->text) - used, "%s%s", used > 0 ? "; " : "", text);
}

/* Every refusal of the gate is one sentence with its remedy. */
static int zip_failed(int r, const struct zip_refusal *refusal, struct explain *ret_why)
{
	if (r != -EBADMSG && r != -EEXIST)
		return home_failed(ret_why, r, "the artifact cannot be checked");
	const char *remedy = refusal->remedy.text;
	return home_refuse(ret_why, -EBADMSG, "%s%s%s", refusal->text.text, *remedy ? "; " : "", remedy);
}

static int check_comment(const struct io_reader *file, const struct zip_tail *tail, struct zip_refusal *ret_refusal)
{
	if (tail->comment_len == 0)
		return 0;
	char *comment = malloc(tail->comment_len);
	if (!comment)
		return -ENOMEM;
	int r = io_reader_pread(file, comment, tail->comment_len, tail->comment_offset);
	if (r == 0 && signature_is_claimed(comment, tail->comment_len)) {
		*ret_refusal = (struct zip_refusal){0};
		explain_set(&ret_refusal->text, "the artifact is signed already");
		explain_set(&ret_refusal->remedy, "sign the ZIP that the build made (zip -z with an empty comment "
						  "takes the signature off)");
		r = -EEXIST;
	}
	free(comment);
	return r;
}

/* All the ZIP rules, contents too: what a signer passes, a host may serve. */
static int check_zip(const struct io_reader *file, uint64_t max_unpacked_bytes, struct zip_tail *ret_tail,
		     struct zip_refusal *ret_refusal)
{
	const struct zip_limits limits = {.max_unpacked_bytes = max_unpacked_bytes};
	struct zip_archive *archive = NULL;
	int r = zip_read_tail(file, ret_tail, ret_refusal);
	if (r == 0)
		r = check_comment(file, ret_tail, ret_refusal);
	if (r == 0)
		r = zip_open_archive(file, &limits, &archive, ret_refusal);
	if (r == 0)
		r = zip_check_contents(file, archive, &limits, ret_refusal);
	zip_close_archive(archive);
	return r;
}

int signer_check_artifact(const struct io_reader *file, uint64_t max_unpacked_bytes, struct zip_refusal *ret_refusal)
{
	struct zip_tail tail;
	return check_zip(file, max_unpacked_bytes, &tail, ret_refusal);
}

static int hash(const struct io_reader *file, uint64_t length, struct statement *statement)
{
	struct merkle_tree *tree = NULL;
	statement->length_bytes = length;
	int r = crypto_sha384_reader(file, length, statement->sha384);
	if (r == 0)
		r = merkle_tree_of(file, length, &tree);
	if (r == 0)
		memcpy(statement->tree_sha256, tree->digest, sizeof(statement->tree_sha256));
	merkle_tree_free(tree);
	return r;
}

static int check_certificate(const struct identity *identity, const struct statement *statement,
			     struct explain *ret_notice, struct explain *ret_why)
{
	char ends[CLOCK_UTC_SIZE], expires[CLOCK_UTC_SIZE];
	int64_t not_after_s = crypto_cert_not_after_s(identity->cert);
	clock_format_utc(not_after_s, ends);
	clock_format_utc(statement->expires_at_s, expires);

	if (statement->signed_at_s > not_after_s)
		return home_refuse(ret_why, -EINVAL,
				   "the certificate of profile version %s ended at %s; make a new version with "
				   "put-signing-profile",
				   statement->profile_version.version, ends);
	if (statement->signed_at_s < crypto_cert_not_before_s(identity->cert))
		return home_refuse(ret_why, -EINVAL,
				   "the clock stands before the certificate of profile version %s begins; set it right",
				   statement->profile_version.version);
	if (not_after_s < statement->expires_at_s)
		add_notice(ret_notice,
			   "the certificate of profile version %s ends at %s, before the signature does (%s); "
			   "put-signing-profile makes a new version",
			   statement->profile_version.version, ends, expires);
	return 0;
}

/* Would a host that trusts this account take it? Guards against a key, certificate or CA that do not belong together.
 */
static int verify_own(const struct signer *signer, enum signature_content content, const struct statement *statement,
		      const struct buf *comment, struct explain *ret_why)
{
	struct signature_account account = {.list_state = SIGNATURE_LIST_MISSING};
	memcpy(account.id, signer->scope.account, sizeof(account.id));
	int r = identity_read_trust(signer, &account.trust, ret_why);
	if (r < 0)
		return r;

	struct signature_facts *facts = calloc(1, sizeof(*facts));
	r = !facts ? -ENOMEM
		   : signature_examine(content, comment->data, comment->len, statement->length_bytes,
				       statement->tree_sha256, &account, 1, NULL, facts);
	if (r == 0 && facts->integrity != SIGNATURE_GOOD)
		r = home_refuse(ret_why, -EIO, "the new signature does not verify: %s", facts->integrity_why.text);
	else if (r == 0 && facts->chain != SIGNATURE_GOOD)
		r = home_refuse(ret_why, -EIO, "the new signature does not verify: %s", facts->chain_why.text);
	free(facts);
	crypto_trust_unref(account.trust);
	return r;
}

/* What cannot be stamped is not handed out, but for a query that waits for its reply. */
static int stamp(const char *url, struct buf *comment, struct explain *ret_notice, struct explain *ret_why)
{
	bool pending;
	struct explain notice = {0};
	int r = stamp_comment(url, comment, &pending, &notice, ret_why);
	if (r == 0 && pending)
		add_notice(ret_notice, "%s", notice.text);
	return r;
}

int job_sign_draft(const struct signer *signer, const struct identity *identity, const struct signer_profile *profile,
		   const struct signer_job_request *request, struct draft *draft, struct signer_job *job,
		   struct explain *ret_notice, struct explain *ret_why)
{
	struct io_reader file = io_reader_fd(&draft->fd, draft->size_bytes);
	struct statement statement = {.profile_version = profile->arn, .job = job->arn};
	struct zip_tail tail;
	struct zip_refusal refusal = {0};
	struct buf comment = {0};

	int r = check_zip(&file, request->max_unpacked_bytes, &tail, &refusal);
	if (r < 0)
		return zip_failed(r, &refusal, ret_why);
	if (tail.comment_len > 0)
		add_notice(ret_notice,
			   "the ZIP's comment (%" PRIu32 " bytes) was dropped, the signature takes its place",
			   tail.comment_len);
	r = hash(&file, tail.signed_length, &statement);
	if (r < 0)
		return home_failed(ret_why, r, "the artifact cannot be hashed");

	statement.signed_at_s = clock_now_s();
	statement.expires_at_s = signer_expiry(statement.signed_at_s, &profile->validity);
	r = check_certificate(identity, &statement, ret_notice, ret_why);
	if (r == 0)
		r = signature_make(request->content, &statement, identity->key,
				   (const struct crypto_cert *const[]){identity->cert}, 1, &comment, ret_why);
	if (r == 0)
		r = verify_own(signer, request->content, &statement, &comment, ret_why);
	if (r == 0 && request->timestamp_url)
		r = stamp(request->timestamp_url, &comment, ret_notice, ret_why);
	if (r == 0)
		r = draft_seal(draft, tail.signed_length, &comment, ret_why);
	if (r == 0)
		job->signature_expires_at_s = statement.expires_at_s;
	buf_done(&comment);
	return r;
}
