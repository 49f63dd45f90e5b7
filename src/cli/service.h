/*
 * service.h - a signing service (signing/signing.h) as its callers use it: files in, files out. The kernel says who
 * calls and the service decides; nothing here does. Private to src/cli.
 *
 * Failures are as the signer's: a negative errno that stands for AWS's error name (signer_error_name), and a sentence.
 * What the service refuses has the service's own words, from .vouchfs/why, when its last note is of this process.
 */
#ifndef CLI_SERVICE_PRIVATE_H
#define CLI_SERVICE_PRIVATE_H

#include "signer.h"
#include "signer/access.h"

struct service {
	const char *path; /* as it was given */
	int root;
	char account[ARN_ACCOUNT_SIZE]; /* whose profiles it signs with */
	char region[ARN_REGION_SIZE];
	char caller[ARN_ACCOUNT_SIZE]; /* for whom the user of this process acts */
	bool is_owner;		       /* he sees everything, as root does */
};

#define SERVICE_NONE ((struct service){.root = -1})

/* -EINVAL: the directory is no signing service. */
int service_open(const char *path, struct service *ret, struct explain *ret_why);
void service_close(struct service *service);

/*
 * --profile-owner, --job-owner (NULL: the caller's own account): 0 when that is the service's account. -ENOENT: the
 * caller's account, which has nothing here; -EACCES: another one. what: "profile release", "signing job ...", escaped.
 */
int service_check_owner(const struct service *service, const char *option, const char *owner, const char *what,
			struct explain *ret_why);

/*
 * The directory of a profile. A profile that this caller does not see is like one that is not there: -EACCES, as AWS
 * answers who has no permission; -ENOENT for those who see all.
 */
int service_open_profile(const struct service *service, const char *profile, enum signer_action action, int *ret_fd,
			 struct explain *ret_why);

/* The service's own words, when its last note is of a refusal of this process. */
bool service_tells(const struct service *service, const char *profile, struct explain *ret_why);
/* Says why error (negative errno of a call on the profile's files) came; returns the errno that names AWS's error. */
int service_refused(const struct service *service, const char *profile, enum signer_action action, int error,
		    struct explain *ret_why);
/* What the service noted beside a signature of this process; "" when nothing. */
void service_notice(const struct service *service, const char *profile, struct explain *ret);

/* A text attribute of an open file, which fits. -ENODATA */
int service_attribute(int fd, const char *name, char *ret, size_t ret_size);

/* ---- records (service_records.c) ---- */

/* jobs/<job id>.json below a profile's directory. -ENOENT without why. */
int service_read_record(int profile_fd, const char *job_id, struct signer_job *ret);
/* The job, and the profile's directory (may be NULL), where one of the profiles that the caller sees has it. */
int service_find_job(const struct service *service, const char *job_id, struct signer_job *ret, int *ret_profile_fd,
		     struct explain *ret_why);
/* Newest first; signer_jobs_free. */
int service_list_jobs(const struct service *service, struct signer_job **ret, size_t *ret_count,
		      struct explain *ret_why);
/* The JSON of get-signing-profile and describe-signing-job, as the service prints it. */
int service_get_profile(const struct service *service, const char *profile, struct buf *ret, struct explain *ret_why);
int service_describe_job(const struct service *service, const char *job_id, struct buf *ret, struct explain *ret_why);
int service_revoke(const struct service *service, const char *job_id, const char *reason, struct explain *ret_why);

/* ---- signing (service_sign.c) ---- */

/*
 * signer_start_job through the service, with what of a request has a meaning there: profile, source and destination,
 * token. ret->signed_object is where the result was put. A result that cannot be put there stays in the service.
 */
int service_start_job(const struct service *service, const struct signer_job_request *request, struct signer_job *ret,
		      struct explain *ret_notice, struct explain *ret_why);

/* ---- the note of the last attempt (service_why.c) ---- */

struct service_why {
	uint64_t pid; /* 0: not said */
	char check[32];
	char found[EXPLAIN_MAX], expected[EXPLAIN_MAX], remedy[EXPLAIN_MAX];
};
void service_why_parse(const char *text, struct service_why *ret);

#endif
