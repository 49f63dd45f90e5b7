/*
 * arn.h - identifiers: parse, print, compare. Value types without pointers.
 *
 *     arn:<partition>:signer:<region>:<account>:/signing-profiles/<name>             a profile, any version
 *     arn:<partition>:signer:<region>:<account>:/signing-profiles/<name>/<version>   a profile version
 *     arn:<partition>:signer:<region>:<account>:/signing-jobs/<uuid>                 a signing job
 *     arn:<partition>:signer:<region>:<account>:/revocations                         an account's revocation list
 *     arn:<partition>:lambda:<region>:<account>:code-signing-config:<name>           a code-signing config of a host
 *     arn:<partition>:lambda:<region>:<account>:function:<name>[:<qualifier>]        a function of a host
 *     arn:<partition>:lambda:<region>:<account>:layer:<name>:<version>               a layer version of a host
 *
 * Partition and region are [a-z0-9-]{1,32}, the account is 12 digits, a profile name [A-Za-z0-9_]{2,64}, a version ten
 * of [A-Za-z0-9], a job id a lower-case UUID; names and qualifiers of lambda are [A-Za-z0-9_-]{1,64} ("$LATEST" is a
 * qualifier, too). An organization, which has no ARN here, is o-[a-z0-9]{10,32}. Source of the forms: AWS Signer API
 * 2017-08-25, Lambda API 2015-03-31. Anything else does not parse.
 */
#ifndef ARN_ARN_H
#define ARN_ARN_H

#include "base/base.h"

#define ARN_PARTITION_SIZE	 33
#define ARN_REGION_SIZE		 33
#define ARN_ACCOUNT_SIZE	 13
#define ARN_PROFILE_NAME_SIZE	 65
#define ARN_PROFILE_VERSION_SIZE 11
#define ARN_JOB_ID_SIZE		 37
#define ARN_LAMBDA_NAME_SIZE	 65
#define ARN_ORGANIZATION_SIZE	 35
#define ARN_TEXT_SIZE		 256 /* enough for every form, with NUL */
#define ARN_PARTITION_OURS	 "vouchfs"

struct arn_scope {
	char partition[ARN_PARTITION_SIZE];
	char region[ARN_REGION_SIZE];
	char account[ARN_ACCOUNT_SIZE];
};

struct arn_profile {
	struct arn_scope scope;
	char name[ARN_PROFILE_NAME_SIZE];
	char version[ARN_PROFILE_VERSION_SIZE]; /* "" stands for any version */
};

struct arn_job {
	struct arn_scope scope;
	char id[ARN_JOB_ID_SIZE];
};

struct arn_code_signing {
	struct arn_scope scope;
	char name[ARN_LAMBDA_NAME_SIZE];
};

struct arn_function {
	struct arn_scope scope;
	char name[ARN_LAMBDA_NAME_SIZE];
	char qualifier[ARN_LAMBDA_NAME_SIZE]; /* "" where there is none */
};

struct arn_layer_version {
	struct arn_scope scope;
	char name[ARN_LAMBDA_NAME_SIZE];
	uint64_t version; /* from 1 */
};

bool arn_is_account(const char *text, size_t len);
bool arn_is_organization(const char *text, size_t len);
bool arn_is_region(const char *text, size_t len);
bool arn_is_profile_name(const char *text, size_t len);
bool arn_is_profile_version(const char *text, size_t len);
bool arn_is_uuid(const char *text, size_t len);

/* False, with *ret unchanged, when the text is not exactly such an ARN. */
bool arn_parse_profile(const char *text, size_t len, struct arn_profile *ret);	       /* version or none */
bool arn_parse_profile_version(const char *text, size_t len, struct arn_profile *ret); /* version demanded */
bool arn_parse_job(const char *text, size_t len, struct arn_job *ret);
bool arn_parse_revocations(const char *text, size_t len, struct arn_scope *ret);
bool arn_parse_code_signing(const char *text, size_t len, struct arn_code_signing *ret);
bool arn_parse_function(const char *text, size_t len, struct arn_function *ret);

bool arn_parse_layer_version(const char *text, size_t len, struct arn_layer_version *ret);

void arn_print_profile(const struct arn_profile *profile, char ret[ARN_TEXT_SIZE]);
void arn_print_job(const struct arn_job *job, char ret[ARN_TEXT_SIZE]);
void arn_print_revocations(const struct arn_scope *scope, char ret[ARN_TEXT_SIZE]);
void arn_print_code_signing(const struct arn_code_signing *code_signing, char ret[ARN_TEXT_SIZE]);
void arn_print_function(const struct arn_function *function, char ret[ARN_TEXT_SIZE]);
void arn_print_layer_version(const struct arn_layer_version *layer, char ret[ARN_TEXT_SIZE]);

bool arn_scope_equal(const struct arn_scope *a, const struct arn_scope *b);
bool arn_profile_equal(const struct arn_profile *a, const struct arn_profile *b);

/* True when candidate, which has a version, is the pattern or a version of the version-less pattern. */
bool arn_profile_matches(const struct arn_profile *pattern, const struct arn_profile *candidate);

#endif
