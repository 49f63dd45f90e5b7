/*
 * signer.h - a signing account on its signing host: profiles, jobs, revocation. The keys never leave its home.
 *
 * The home (0700; keys 0600, PEM or a pkcs11: reference to a token; every file written atomically; changing calls hold
 * the lock):
 *
 *     account                          id, partition, region, created-at, revocation-list-days
 *     ca.key ca.pem                    the account's CA
 *     profiles/<name>/profile          platform, status, validity, current version, created-at
 *     profiles/<name>/permissions      statements and their revision (access.h)
 *     profiles/<name>/versions/<v>/    version (created-at), key.pem, cert.pem
 *     jobs/<job id>                    record of a job
 *     tokens/[<account>-]<digest>      client request token -> job id; each account has its own
 *     revocations                      the signed list as it is handed out; the one record of what is revoked
 *     principals                       who acts for another account (access.h); written by the administrator
 *     lock, tokens/lock
 *
 * Certificates begin 5 minutes before they are made, so that a clock that is set back a little can go on signing; hosts
 * judge a chain at signed-at, which is this machine's clock as well. The CA ends after 30 years, a profile version's
 * certificate after 147 months (the longest signature and a year) but never after its CA. A revocation list is signed
 * with a key of its own that lives as long as the call.
 *
 * Failures: negative errno and a sentence in ret_why. The errno stands for AWS's error names (signer_error_name):
 * -ENOENT ResourceNotFoundException, -EINVAL ValidationException, -EACCES AccessDeniedException, -EEXIST
 * ConflictException, -E2BIG ServiceLimitExceededException, -ENFILE TooManyRequestsException.
 */
#ifndef SIGNER_SIGNER_H
#define SIGNER_SIGNER_H

#include "archive/zip.h"
#include "arn/arn.h"
#include "base/buf.h"
#include "base/explain.h"
#include "base/limits.h"
#include "signature/revocations.h"
#include "signature/statement.h"

#define SIGNER_REGION_DEFAULT	   "local"
#define SIGNER_LIST_DAYS_DEFAULT   30U
#define SIGNER_LIST_DAYS_MAX	   3650U
#define SIGNER_MONTHS_MAX	   135U
#define SIGNER_DAYS_MAX		   4106U /* so many days has the shortest run of 135 months */
#define SIGNER_YEARS_MAX	   11U
#define SIGNER_REQUEST_TOKEN_BYTES 256U

struct signer; /* an open home */

const char *signer_error_name(int error); /* for the message on stderr; "InternalServiceErrorException" for the rest */

/* The default home: $VOUCHFS_SIGNER_HOME, /var/lib/vouchfs-signer for root, else $XDG_DATA_HOME/vouchfs-signer. free().
 */
char *signer_default_home(void);

int signer_create_account(const char *home, const char *account_id, const char *region, struct explain *ret_why);
/* revocation_list_days: how long a list is good for, 1 to SIGNER_LIST_DAYS_MAX. */
int signer_create_account_with(const char *home, const char *account_id, const char *region,
			       unsigned revocation_list_days, struct explain *ret_why);
/* ca_key: the CA's key pair is in a token, a pkcs11: reference (crypto/cert.h); NULL: a new one in the home. */
int signer_create_account_with_key(const char *home, const char *account_id, const char *region,
				   unsigned revocation_list_days, const char *ca_key, struct explain *ret_why);
int signer_open(const char *home, struct signer **ret, struct explain *ret_why);
void signer_close(struct signer *signer);
const struct arn_scope *signer_scope(const struct signer *signer);

/* ---- profiles ---- */

enum signer_profile_status { SIGNER_PROFILE_ACTIVE = 1, SIGNER_PROFILE_CANCELED, SIGNER_PROFILE_REVOKED };
enum signer_validity_unit { SIGNER_DAYS = 1, SIGNER_MONTHS, SIGNER_YEARS };

struct signer_validity {
	uint64_t value;
	enum signer_validity_unit unit;
};

struct signer_profile {
	struct arn_profile arn; /* with the current version */
	enum signer_profile_status status;
	struct signer_validity validity;
	int64_t created_at_s;
	/* of the current version, when status is REVOKED */
	int64_t revoked_at_s;
	int64_t revocation_effective_s;
};

/*
 * A new profile, or a new version (with a new key) of an Active one. validity NULL: what the profile has, else 135
 * months. Bounds: one day to 135 months.
 */
int signer_put_profile(struct signer *signer, const char *name, const char *platform,
		       const struct signer_validity *validity, struct signer_profile *ret, struct explain *ret_why);
/* signing_key: the version's key pair is in a token, a pkcs11: reference; NULL: a new one in the home. */
int signer_put_profile_with_key(struct signer *signer, const char *name, const char *platform,
				const struct signer_validity *validity, const char *signing_key,
				struct signer_profile *ret, struct explain *ret_why);
int signer_get_profile(struct signer *signer, const char *name, struct signer_profile *ret, struct explain *ret_why);
/* Of every status, by name; free() the array. */
int signer_list_profiles(struct signer *signer, struct signer_profile **ret, size_t *ret_count,
			 struct explain *ret_why);

/* Signs no more; what it signed stays valid; its name stays taken. Again: 0. -EINVAL: it is revoked. */
int signer_cancel_profile(struct signer *signer, const char *name, struct explain *ret_why);

const char *signer_status_name(enum signer_profile_status status); /* "Active", "Canceled", "Revoked" */
const char *signer_unit_name(enum signer_validity_unit unit);	   /* "DAYS", "MONTHS", "YEARS" */
bool signer_parse_unit(const char *text, size_t len, enum signer_validity_unit *ret);
int64_t signer_expiry(int64_t signed_at_s, const struct signer_validity *validity);

/* ---- signing jobs ---- */

struct signer_job {
	struct arn_job arn;
	struct arn_profile profile_version;
	int64_t created_at_s;
	int64_t completed_at_s;
	int64_t signature_expires_at_s;
	char requested_by[ARN_ACCOUNT_SIZE];
	char job_invoker[ARN_ACCOUNT_SIZE];
	bool succeeded;
	char *status_reason;
	char *source;		    /* absolute path */
	char *signed_object;	    /* absolute path; NULL when failed */
	char *client_request_token; /* or NULL */
	bool revoked;
	int64_t revoked_at_s;
	char revoked_by[ARN_ACCOUNT_SIZE]; /* when revoked */
	char *revocation_reason;
};
void signer_job_done(struct signer_job *job);

struct signer_caller; /* access.h */

struct signer_job_request {
	enum signature_content content;	    /* what it is signed as; a service signs artifacts alone */
	const struct signer_caller *caller; /* NULL: the owner. Others need signer:StartSigningJob */
	const char *profile_name;
	const char *source_path;
	/* An open regular file that is read in the place of source_path, whatever its offset; source_path is then what
	   the record says. NULL: source_path is opened. */
	const int *source_fd;
	const char *destination_directory; /* result is <directory>/<prefix><job id>.zip; folders of the prefix are
					      made ... */
	const char *destination_prefix;
	const char *output_path; /* ... or exactly this file, replaced atomically */
	/* ... or output_name in this open directory; output_path, which is needed as well, is what the record says. */
	const int *output_directory_fd;
	const char *output_name;
	const char *client_request_token; /* NULL: a fresh one */
	const char *timestamp_url; /* http://... or file:DIR (signer_timestamp_file); NULL: without a time stamp */
	uint64_t max_artifact_bytes;
	uint64_t max_unpacked_bytes;
};

/*
 * Checks the ZIP rules in full (R7 too), refuses a ZIP that is signed already, signs, writes the result (temporary
 * file, fsync, rename); a file that is replaced keeps its mode. A comment that is no signature is dropped; *ret_notice
 * says so. A job that fails has a record, too, and the error names it. The record is durable before the result is
 * visible, so every signature can be revoked. A client request token that was used before: its job again, nothing is
 * signed.
 */
int signer_start_job(struct signer *signer, const struct signer_job_request *request, struct signer_job *ret,
		     struct explain *ret_notice, struct explain *ret_why);

/*
 * What a job checks of an artifact, without a job: 0, or with ret_refusal -EBADMSG (a ZIP rule) or -EEXIST (signed
 * already); other negative errno: could not be checked.
 */
int signer_check_artifact(const struct io_reader *file, uint64_t max_unpacked_bytes, struct zip_refusal *ret_refusal);

/*
 * Puts an RFC 3161 time stamp into a signed file, which is replaced in one step; the bytes that were signed stay. No
 * home is needed. url: http://HOST[:PORT]/PATH of a time stamp authority; or file:DIR, where the query goes into
 * DIR/<job id>.tsq, and the reply (DER, as `openssl ts -reply` writes it) is taken from DIR/<job id>.tsr when it is
 * there, else *ret_pending; or file:PATH of such a reply.
 */
int signer_timestamp_file(const char *path, const char *url, uint64_t max_artifact_bytes, bool *ret_pending,
			  struct explain *ret_notice, struct explain *ret_why);

int signer_describe_job(struct signer *signer, const char *job_id, struct signer_job *ret, struct explain *ret_why);

/*
 * Newest first; free with signer_jobs_free. A record that cannot be read hides no other: ret_damaged says how many
 * there are and names one; its text is empty when there is none.
 */
int signer_list_jobs(struct signer *signer, struct signer_job **ret, size_t *ret_count, struct explain *ret_damaged,
		     struct explain *ret_why);
void signer_sort_jobs(struct signer_job *jobs, size_t count);
void signer_jobs_free(struct signer_job *jobs, size_t count);

/* ---- for those who have a job done by a signing service (signing/signing.h): no home is needed ---- */

/* What is asked of a request before anything is signed: a token, the destination. The folders of its prefix are made.
 */
int signer_check_request(const struct signer_job_request *request, struct explain *ret_why);
/* A regular file of at most max_bytes; failures as of signer_start_job. */
int signer_open_source(const char *path, uint64_t max_bytes, int *ret_fd, struct explain *ret_why);
/* Copies an open file to where the request wants the job's result: whole or not at all, durable. *ret_path: free(). */
int signer_place_result(int fd, const struct signer_job_request *request, const struct arn_job *job, char **ret_path,
			struct explain *ret_why);
/* A whole job as text, and back; signer_job_done. Parsing: -EBADMSG when it is none. */
int signer_print_job(const struct signer_job *job, struct buf *ret);
int signer_parse_job(const struct buf *text, struct signer_job *ret);

/* Whether a key of the home is in a token; false also of what cannot be read. */
bool signer_uses_tokens(const char *home);

/* ---- revocation: irreversible; each call that changes something signs a list with the next sequence ---- */

/* The list as it is handed out; revocation_list_free. */
int signer_read_revocations(struct signer *signer, struct revocation_list **ret, struct explain *ret_why);
/* Signs the list anew; list_days other than 0 becomes the lifetime of this list and those to come. */
int signer_refresh_revocations(struct signer *signer, unsigned list_days, struct explain *ret_why);

/*
 * Of any job, a failed one too. Again for a job that is revoked: 0, nothing changes. caller NULL: the owner; others
 * need signer:RevokeSignature and may revoke what their own account has signed.
 */
int signer_revoke_signature(struct signer *signer, const struct signer_caller *caller, const char *job_id,
			    const char *reason, struct explain *ret_why);
/* effective_s lies in the past; revoking again moves it earlier only. */
int signer_revoke_profile_version(struct signer *signer, const char *name, const char *version, const char *reason,
				  int64_t effective_s, struct explain *ret_why);

/*
 * Writes <account>.pem and <account>.revocations into a directory (made when missing), each atomically, 0644. Signs the
 * list anew when it is in the second half of its life.
 */
int signer_export_trust(struct signer *signer, const char *directory, struct explain *ret_why);

#endif
