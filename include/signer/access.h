/*
 * access.h - who may do what with a signing profile: statements on the profile, and accounts of Unix users.
 *
 * The owner of the home (its uid) and root may do everything. Everybody else acts for an account: the one that the
 * home's file `principals` names for the user or one of the groups ([principal <account>], user =, group =; as on a
 * host), else the home's own; and that account needs a statement. Source of the shapes: the API model of AWS Signer
 * (AddProfilePermission, RemoveProfilePermission, ListProfilePermissions).
 */
#ifndef SIGNER_ACCESS_H
#define SIGNER_ACCESS_H

#include "signer/signer.h"

#define SIGNER_STATEMENT_ID_SIZE 65 /* [A-Za-z0-9_-]{1,64} and NUL */
#define SIGNER_REVISION_ID_SIZE	 37 /* a UUID and NUL; a new one with each change of a profile's statements */
#define SIGNER_STATEMENTS_MAX	 100U

enum signer_action {
	SIGNER_ACTION_NONE = 0,
	SIGNER_START_SIGNING_JOB,
	SIGNER_SIGN_PAYLOAD,
	SIGNER_GET_SIGNING_PROFILE,
	SIGNER_REVOKE_SIGNATURE,
};
const char *signer_action_name(enum signer_action action); /* "signer:StartSigningJob" ... */
bool signer_parse_action(const char *text, enum signer_action *ret);

struct signer_statement {
	char id[SIGNER_STATEMENT_ID_SIZE];
	enum signer_action action;
	char principal[ARN_ACCOUNT_SIZE];
	char version[ARN_PROFILE_VERSION_SIZE]; /* "": every version */
};

struct signer_permissions {
	char revision_id[SIGNER_REVISION_ID_SIZE];
	struct signer_statement *statements; /* in the order in which they were added */
	size_t count;
	size_t size_bytes; /* of the file that holds them */
};
void signer_permissions_done(struct signer_permissions *permissions);

/* From words as people give them: each is checked, and -EINVAL says what is expected. version: NULL for every one. */
int signer_make_statement(const char *id, const char *action, const char *principal, const char *version,
			  struct signer_statement *ret, struct explain *ret_why);

/*
 * Statements are added to an Active profile only (else -EINVAL), and taken away from any; a version that a statement
 * names must exist. -E2BIG: SIGNER_STATEMENTS_MAX are there already.
 * revision_id NULL: whatever the revision is (add only). -EEXIST (ConflictException): another revision by now, or the
 * statement id is in use; -ENOENT: no such profile, no such statement, and for list: no statement yet.
 */
int signer_add_permission(struct signer *signer, const char *profile, const struct signer_statement *statement,
			  const char *revision_id, char ret_revision_id[SIGNER_REVISION_ID_SIZE],
			  struct explain *ret_why);
int signer_remove_permission(struct signer *signer, const char *profile, const char *statement_id,
			     const char *revision_id, char ret_revision_id[SIGNER_REVISION_ID_SIZE],
			     struct explain *ret_why);
int signer_list_permissions(struct signer *signer, const char *profile, struct signer_permissions *ret,
			    struct explain *ret_why);

/* ---- callers ---- */

struct signer_caller {
	char account[ARN_ACCOUNT_SIZE];
	bool is_owner; /* of the home, or root */
	bool by_group; /* the account was found by this group */
	gid_t group;
};
/*
 * in_group (NULL: in none) is asked for the groups that `principals` names: user before group, and of several groups
 * that whose account comes first. The owner acts for the home's account whatever the file says. A missing file: nobody
 * acts for another account. -EINVAL: the file is not well formed; nobody but the owner is let in then, nor after any
 * other failure.
 */
int signer_identify(struct signer *signer, uid_t uid, bool (*in_group)(void *ctx, gid_t group), void *ctx,
		    struct signer_caller *ret, struct explain *ret_why);

/*
 * For what a caller goes on doing after he was identified: 0 while `principals` still says the same of him (of the
 * group by which he was found, where it was one), else -EACCES with why; other errnos as signer_identify.
 */
int signer_identify_again(struct signer *signer, uid_t uid, const struct signer_caller *caller,
			  struct explain *ret_why);

/*
 * 0, or -EACCES with why (which account, which action, how to allow it); other errnos: it cannot be told, so no. A
 * profile that does not exist is refused like one without a statement. version: NULL for the current one.
 */
int signer_authorize(struct signer *signer, const struct signer_caller *caller, const char *profile,
		     const char *version, enum signer_action action, struct explain *ret_why);
/* Whether any statement lets the caller do anything with the profile. */
bool signer_is_visible(struct signer *signer, const struct signer_caller *caller, const char *profile);

#endif
