/*
 * revocations.h - an account's signed revocation list: read, look up, write.
 *
 * One canonical PEM CMS block (crypto/cms.h), content type REVOCATIONS_CONTENT_TYPE, signed by a leaf under the
 * account's CA whose URI SAN is arn:<partition>:signer:<region>:<account>:/revocations. Its statement:
 *
 *     vouchfs-revocations: 1
 *     account: <12 digits>
 *     sequence: <number, grows by one a list>
 *     issued-at: <UTC>
 *     next-update: <UTC>
 *     job: <job ARN> revoked-at=<UTC> reason=<1..500 printable ASCII>
 *     profile-version: <ARN> effective=<UTC> revoked-at=<UTC> reason=...
 *     certificate: <SHA-256 of its DER> revoked-at=<UTC> reason=...
 *
 * Entries in any order, none twice, only of this account; at most LIMIT_REVOCATION_LIST_BYTES.
 */
#ifndef SIGNATURE_REVOCATIONS_H
#define SIGNATURE_REVOCATIONS_H

#include "arn/arn.h"
#include "base/buf.h"
#include "base/explain.h"
#include "base/limits.h"
#include "crypto/cert.h"
#include "crypto/digest.h"

#define REVOCATIONS_CONTENT_TYPE "2.25.31263345018714979115839923832534216022"

enum revocation_kind { REVOCATION_JOB = 1, REVOCATION_PROFILE_VERSION, REVOCATION_CERTIFICATE };

struct revocation {
	enum revocation_kind kind;
	struct arn_job job;
	struct arn_profile profile_version;
	uint8_t certificate[CRYPTO_SHA256_BYTES];
	int64_t effective_s; /* profile versions: signatures made at or after it are revoked */
	int64_t revoked_at_s;
	char reason[LIMIT_REASON_BYTES + 1];
};

struct revocation_list {
	char account[ARN_ACCOUNT_SIZE];
	uint64_t sequence;
	int64_t issued_at_s;
	int64_t next_update_s;
	struct revocation *entries;
	size_t entry_count;
	uint8_t digest[CRYPTO_SHA256_BYTES]; /* of the statement: tells apart two lists with one sequence */
};

/*
 * Parses and proves a list: form, signature, chain at issued-at, account. Time and sequence are not judged here
 * (policy, gate). 0; -EBADMSG: not a list of this account, with why; other negative errno: undecided.
 */
int revocation_list_read(const char *pem, size_t len, const char *account, const struct crypto_trust *trust,
			 struct revocation_list **ret, struct explain *ret_why);
void revocation_list_free(struct revocation_list *list);

/* The unsigned statement text, and the struct from it (grammar only). */
int revocation_statement_print(const struct revocation_list *list, struct buf *ret);
int revocation_statement_parse(const char *text, size_t len, struct revocation_list **ret, struct explain *ret_why);

/* Signs list with a leaf that speaks for `san` (arn_print_revocations). */
int revocation_list_sign(const struct revocation_list *list, const struct crypto_key *key,
			 const struct crypto_cert *leaf, struct buf *ret_pem, struct explain *ret_why);

/* The first entry that revokes such a signature, or NULL. A profile version counts when effective <= signed_at. */
const struct revocation *revocation_list_find(const struct revocation_list *list, const struct arn_job *job,
					      const struct arn_profile *profile_version, int64_t signed_at_s,
					      const uint8_t (*certificates)[CRYPTO_SHA256_BYTES],
					      size_t certificate_count);

#endif
