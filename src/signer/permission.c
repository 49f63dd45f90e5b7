/*
 * Changing and listing the statements of a profile. A change reads, changes and replaces the file while it holds the
 * home's lock; the revision tells one who looked before that somebody else was faster.
 */
#include "permission.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/random.h"
#include "base/text.h"
#include "profile.h"

static int check_id(const char *id, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	if (permission_is_statement_id(id, strlen(id)))
		return 0;
	return home_refuse(ret_why, -EINVAL,
			   "\"%s\" is no statement id; one has 1 to %u of A-Z, a-z, 0-9, \"_\" and \"-\"",
			   home_printable(id, escaped), SIGNER_STATEMENT_ID_SIZE - 1);
}

/* There are no roles here; an account stands for all who are mapped to it. */
static int check_principal(const char *principal, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	if (arn_is_account(principal, strlen(principal)))
		return 0;
	if (text_starts_with(principal, "arn:"))
		return home_refuse(ret_why, -EINVAL,
				   "the principal %s is an ARN, and there are no IAM roles or users here; write the "
				   "account's 12 digits, and name the Unix users or groups that act for it in the "
				   "file principals of the signer's home",
				   home_printable(principal, escaped));
	return home_refuse(ret_why, -EINVAL,
			   "the principal \"%s\" is no account id; one has 12 digits, like 555555555555",
			   home_printable(principal, escaped));
}

static int parse_action(const char *action, enum signer_action *ret, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	if (signer_parse_action(action, ret))
		return 0;
	return home_refuse(ret_why, -EINVAL, "the action \"%s\" is none of %s, %s, %s, %s",
			   home_printable(action, escaped), signer_action_name(SIGNER_START_SIGNING_JOB),
			   signer_action_name(SIGNER_SIGN_PAYLOAD), signer_action_name(SIGNER_GET_SIGNING_PROFILE),
			   signer_action_name(SIGNER_REVOKE_SIGNATURE));
}

int signer_make_statement(const char *id, const char *action, const char *principal, const char *version,
			  struct signer_statement *ret, struct explain *ret_why)
{
	struct signer_statement statement = {0};
	int r = check_id(id, ret_why);
	if (r == 0)
		r = parse_action(action, &statement.action, ret_why);
	if (r == 0)
		r = check_principal(principal, ret_why);
	if (r == 0 && version)
		r = profile_check_version_name(version, ret_why);
	if (r < 0)
		return r;
	(void)snprintf(statement.id, sizeof(statement.id), "%s", id);
	(void)snprintf(statement.principal, sizeof(statement.principal), "%s", principal);
	(void)snprintf(statement.version, sizeof(statement.version), "%s", version ? version : "");
	*ret = statement;
	return 0;
}

static int check_revision(const struct signer_permissions *permissions, const char *profile, const char *revision_id,
			  struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	if (strcmp(revision_id, permissions->revision_id) == 0)
		return 0;
	(void)home_printable(revision_id, escaped);
	if (!*permissions->revision_id)
		return home_refuse(ret_why, -EEXIST,
				   "profile %s never had a permission, so there is no revision %s; leave "
				   "--revision-id out",
				   profile, escaped);
	return home_refuse(ret_why, -EEXIST,
			   "the permissions of profile %s were changed meanwhile: they have revision %s, not %s; look "
			   "at them with list-profile-permissions, then repeat with the new revision",
			   profile, permissions->revision_id, escaped);
}

static int store(const struct signer *signer, const char *profile, struct signer_permissions *permissions,
		 struct explain *ret_why)
{
	random_uuid(permissions->revision_id);
	return permission_write(signer, profile, permissions, ret_why);
}

static int check_addition(const struct signer_permissions *permissions, const char *profile,
			  const struct signer_statement *statement, struct explain *ret_why)
{
	if (permission_find(permissions, statement->id))
		return home_refuse(ret_why, -EEXIST,
				   "profile %s has a statement %s already; choose another --statement-id, or remove "
				   "that one first with remove-profile-permission",
				   profile, statement->id);
	if (permissions->count >= SIGNER_STATEMENTS_MAX)
		return home_refuse(ret_why, -E2BIG,
				   "profile %s has %zu statements, and more there cannot be; remove one", profile,
				   permissions->count);
	return 0;
}

static int add_locked(const struct signer *signer, const char *profile, const struct signer_statement *statement,
		      const char *revision_id, char ret_revision_id[SIGNER_REVISION_ID_SIZE], struct explain *ret_why)
{
	struct signer_permissions permissions = {0};
	int r = permission_read(signer, profile, &permissions, ret_why);
	if (r == 0 && revision_id)
		r = check_revision(&permissions, profile, revision_id, ret_why);
	if (r == 0)
		r = check_addition(&permissions, profile, statement, ret_why);
	if (r == 0) {
		permissions.statements[permissions.count++] = *statement;
		r = store(signer, profile, &permissions, ret_why);
	}
	if (r == 0)
		memcpy(ret_revision_id, permissions.revision_id, SIGNER_REVISION_ID_SIZE);
	signer_permissions_done(&permissions);
	return r;
}

static int check_is_active(struct signer *signer, const char *name, struct explain *ret_why)
{
	struct signer_profile profile;
	int r = signer_get_profile(signer, name, &profile, ret_why);
	if (r == 0 && profile.status != SIGNER_PROFILE_ACTIVE)
		r = home_refuse(ret_why, -EINVAL,
				"profile with name %s is %s; permissions are added to profiles that are Active", name,
				signer_status_name(profile.status));
	return r;
}

int signer_add_permission(struct signer *signer, const char *profile, const struct signer_statement *statement,
			  const char *revision_id, char ret_revision_id[SIGNER_REVISION_ID_SIZE],
			  struct explain *ret_why)
{
	ASSERT(statement->action != SIGNER_ACTION_NONE);
	int lock = -1;
	int r = check_id(statement->id, ret_why);
	if (r == 0)
		r = check_principal(statement->principal, ret_why);
	if (r == 0)
		r = home_lock(signer, HOME_LOCK, &lock, ret_why);
	if (r == 0)
		r = check_is_active(signer, profile, ret_why);
	if (r == 0 && *statement->version)
		r = profile_check_version(signer, profile, statement->version, ret_why);
	if (r == 0)
		r = add_locked(signer, profile, statement, revision_id, ret_revision_id, ret_why);
	io_close(&lock);
	return r;
}

static void remove_statement(struct signer_permissions *permissions, const struct signer_statement *statement)
{
	size_t at = (size_t)(statement - permissions->statements);
	permissions->count--;
	memmove(&permissions->statements[at], &permissions->statements[at + 1],
		(permissions->count - at) * sizeof(*statement));
}

static int remove_locked(const struct signer *signer, const char *profile, const char *statement_id,
			 const char *revision_id, char ret_revision_id[SIGNER_REVISION_ID_SIZE],
			 struct explain *ret_why)
{
	struct signer_permissions permissions = {0};
	const struct signer_statement *statement = NULL;
	int r = permission_read(signer, profile, &permissions, ret_why);
	if (r == 0 && permissions.count > 0)
		r = check_revision(&permissions, profile, revision_id, ret_why);
	if (r == 0 && !(statement = permission_find(&permissions, statement_id)))
		r = home_refuse(ret_why, -ENOENT, "profile %s has no statement %s; list-profile-permissions shows all",
				profile, statement_id);
	if (r == 0) {
		remove_statement(&permissions, statement);
		r = store(signer, profile, &permissions, ret_why);
	}
	if (r == 0)
		memcpy(ret_revision_id, permissions.revision_id, SIGNER_REVISION_ID_SIZE);
	signer_permissions_done(&permissions);
	return r;
}

int signer_remove_permission(struct signer *signer, const char *profile, const char *statement_id,
			     const char *revision_id, char ret_revision_id[SIGNER_REVISION_ID_SIZE],
			     struct explain *ret_why)
{
	ASSERT(revision_id);
	int lock = -1;
	struct signer_profile found;
	int r = check_id(statement_id, ret_why);
	if (r == 0)
		r = profile_read(signer, profile, &found, ret_why);
	if (r == 0)
		r = home_lock(signer, HOME_LOCK, &lock, ret_why);
	if (r == 0)
		r = remove_locked(signer, profile, statement_id, revision_id, ret_revision_id, ret_why);
	io_close(&lock);
	return r;
}

int signer_list_permissions(struct signer *signer, const char *profile, struct signer_permissions *ret,
			    struct explain *ret_why)
{
	struct signer_profile found;
	struct signer_permissions permissions = {0};
	int r = profile_read(signer, profile, &found, ret_why);
	if (r == 0)
		r = permission_read(signer, profile, &permissions, ret_why);
	if (r == 0 && permissions.count == 0)
		r = home_refuse(ret_why, -ENOENT,
				"profile %s has no permissions; add-profile-permission lets an account use it",
				profile);
	if (r == 0)
		*ret = permissions;
	else
		signer_permissions_done(&permissions);
	return r;
}
