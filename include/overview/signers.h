/*
 * signers.h - what is known of those who sign beyond the overview: where configs stand and which profile versions are
 * revoked, from the configuration's files; status and statements of profiles, from a signer's home or through a
 * signing service. Plain data, as struct overview is; a command fills it.
 */
#ifndef OVERVIEW_SIGNERS_H
#define OVERVIEW_SIGNERS_H

#include "base/base.h"

/* Who may do what with a profile. */
struct overview_statement {
	char *id;
	char *action;	 /* "signer:StartSigningJob" ... */
	char *principal; /* an account id */
	char *version;	 /* NULL: every one */
};

struct overview_profile {
	char *name;
	char *version; /* the current one, or NULL */
	char *status;  /* "Active", "Canceled", "Revoked"; NULL: it cannot be seen */
	char *hidden;  /* why there are no statements to be seen, one sentence; NULL: they are all here */
	struct overview_statement *statements;
	size_t statement_count;
};

/* A profile version whose signatures from a time on count no more. */
struct overview_revoked {
	char *profile_version_arn;
	char *reason;
	int64_t effective_s;
	int64_t revoked_at_s;
};

/* Where a code-signing config stands. */
struct overview_origin {
	char *config;
	char *file;
	unsigned line;
};

struct overview_signers {
	char *account; /* whose profiles these are; NULL: nobody was asked */
	char *source;  /* "home /var/lib/vouchfs-signer", "service /srv/sign" */
	struct overview_profile *profiles;
	size_t profile_count;
	struct overview_revoked *revoked;
	size_t revoked_count;
	struct overview_origin *origins;
	size_t origin_count;
};

struct overview_signers *overview_signers_new(void); /* NULL: out of memory */
void overview_signers_free(struct overview_signers *signers);
/* A new last element of an array, all zero; NULL: out of memory. */
struct overview_profile *overview_add_profile(struct overview_signers *signers);
struct overview_statement *overview_add_statement(struct overview_profile *profile);
struct overview_revoked *overview_add_revoked(struct overview_signers *signers);
struct overview_origin *overview_add_origin(struct overview_signers *signers);

/* What a signing service shows of a profile: the JSON of get-signing-profile. -EBADMSG: it is none. */
int overview_read_profile(const char *text, size_t len, struct overview_profile *profile);

/* All of these take NULL for signers, and return NULL for what is not known. */
const struct overview_profile *overview_find_profile(const struct overview_signers *signers, const char *account,
						     const char *name);
const struct overview_revoked *overview_find_revoked(const struct overview_signers *signers,
						     const char *profile_version_arn);
const struct overview_origin *overview_find_origin(const struct overview_signers *signers, const char *config);

#endif
