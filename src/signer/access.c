/*
 * Who calls, and what a statement allows. All starts from a refusal: only the owner, or a statement that names the
 * account, the action and the version (or every one), gets past it; a file that cannot be read lets nobody past.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "permission.h"
#include "profile.h"

#define PRINCIPALS "principals"

static int is_owner(const struct signer *signer, uid_t uid, bool *ret, struct explain *ret_why)
{
	struct stat st;
	if (fstat(signer->fd, &st) < 0)
		return home_failed(ret_why, -errno, "the signer's home cannot be examined");
	*ret = uid == 0 || uid == st.st_uid;
	return 0;
}

/* All lines as one sentence; each has its file and line in front. */
static void explain_errors(const struct buf *errors, struct explain *ret_why)
{
	char *lines = errors->len > 0 ? strndup(errors->data, errors->len - 1) : NULL;
	for (char *newline = lines ? strchr(lines, '\n') : NULL; newline; newline = strchr(newline, '\n'))
		*newline = ';';
	explain_set(ret_why,
		    "the signer's home does not say who acts for which account, so nobody but its owner is let "
		    "in; mend %s",
		    lines ? lines : PRINCIPALS);
	free(lines);
}

/* A symlink that leads nowhere is a file that is lost, and not one that nobody has written. */
static bool has_principals(const struct signer *signer)
{
	struct stat st;
	return io_statat(signer->fd, PRINCIPALS, &st) != -ENOENT;
}

/* *ret is NULL when there is no such file. */
static int load_principals(const struct signer *signer, struct config **ret, struct explain *ret_why)
{
	struct buf errors = {0};
	int r = config_load_principals(signer->fd, PRINCIPALS, ret, &errors);
	if (r == -ENOENT && !has_principals(signer)) {
		*ret = NULL;
		r = 0;
	} else if (r < 0) {
		explain_errors(&errors, ret_why);
	}
	buf_done(&errors);
	return r;
}

/* Asks on behalf of the search, and keeps the group by which it ends. */
struct asking {
	bool (*in_group)(void *ctx, gid_t group);
	void *ctx;
	struct signer_caller *caller;
};

static bool ask_group(void *ctx, gid_t group)
{
	const struct asking *asking = ctx;
	bool is_in = asking->in_group && asking->in_group(asking->ctx, group);
	asking->caller->by_group = is_in;
	asking->caller->group = group;
	return is_in;
}

int signer_identify(struct signer *signer, uid_t uid, bool (*in_group)(void *ctx, gid_t group), void *ctx,
		    struct signer_caller *ret, struct explain *ret_why)
{
	struct signer_caller caller = {0};
	struct asking asking = {in_group, ctx, &caller};
	struct config *config = NULL;
	int r = is_owner(signer, uid, &caller.is_owner, ret_why);
	if (r == 0 && !caller.is_owner)
		r = load_principals(signer, &config, ret_why);
	if (r < 0)
		return r;
	const struct config_principal *principal = config ? config_identify(config, uid, ask_group, &asking) : NULL;
	memcpy(caller.account, principal ? principal->account : signer->scope.account, sizeof(caller.account));
	config_free(config);
	*ret = caller;
	return 0;
}

static bool is_group_of(void *ctx, gid_t group)
{
	const struct signer_caller *caller = ctx;
	return caller->by_group && caller->group == group;
}

int signer_identify_again(struct signer *signer, uid_t uid, const struct signer_caller *caller, struct explain *ret_why)
{
	struct signer_caller before = *caller, now;
	int r = signer_identify(signer, uid, is_group_of, &before, &now, ret_why);
	if (r < 0)
		return r;
	if (strcmp(now.account, caller->account) == 0 && now.is_owner == caller->is_owner)
		return 0;
	return home_refuse(ret_why, -EACCES, "user id %u does not act for account %s any more", (unsigned)uid,
			   caller->account);
}

static bool is_allowed(const struct signer_permissions *permissions, const struct signer_caller *caller,
		       enum signer_action action, const char *version)
{
	for (size_t i = 0; i < permissions->count; i++) {
		const struct signer_statement *statement = &permissions->statements[i];
		if (statement->action == action && strcmp(statement->principal, caller->account) == 0 &&
		    (*statement->version == '\0' || strcmp(statement->version, version) == 0))
			return true;
	}
	return false;
}

/* A statement id that is free, for the command that the refusal tells. */
static void suggest_id(const struct signer_permissions *permissions, const char *account, enum signer_action action,
		       char ret[SIGNER_STATEMENT_ID_SIZE])
{
	const char *verb = strchr(signer_action_name(action), ':') + 1;
	(void)snprintf(ret, SIGNER_STATEMENT_ID_SIZE, "%s-%s", verb, account);
	for (unsigned n = 2; permission_find(permissions, ret); n++)
		(void)snprintf(ret, SIGNER_STATEMENT_ID_SIZE, "%s-%s-%u", verb, account, n);
}

static int refuse(const struct signer *signer, const struct signer_permissions *permissions,
		  const struct signer_caller *caller, const char *profile, const char *version,
		  enum signer_action action, struct explain *ret_why)
{
	char id[SIGNER_STATEMENT_ID_SIZE];
	const char *name = signer_action_name(action);
	suggest_id(permissions, caller->account, action, id);
	return home_refuse(ret_why, -EACCES,
			   "account %s has no permission for %s with profile %s%s%s of account %s; its owner allows it "
			   "with: vouchfs signer add-profile-permission --profile-name %s --action %s --principal %s "
			   "--statement-id %s",
			   caller->account, name, profile, *version ? ", version " : "", version, signer->scope.account,
			   profile, name, caller->account, id);
}

/* What is not there allows nothing, and is refused like what is there, so that nobody learns names by asking. */
static int read_statements(const struct signer *signer, const char *profile, const char *version,
			   struct signer_permissions *ret, char ret_version[ARN_PROFILE_VERSION_SIZE],
			   struct explain *ret_why)
{
	struct signer_profile found = {0};
	int r = profile_read(signer, profile, &found, ret_why);
	if (r == -ENOENT) {
		*ret = (struct signer_permissions){0};
		r = 0;
	} else if (r == 0) {
		r = permission_read(signer, profile, ret, ret_why);
	}
	if (r == 0)
		(void)snprintf(ret_version, ARN_PROFILE_VERSION_SIZE, "%s", version ? version : found.arn.version);
	return r;
}

int signer_authorize(struct signer *signer, const struct signer_caller *caller, const char *profile,
		     const char *version, enum signer_action action, struct explain *ret_why)
{
	if (caller->is_owner)
		return 0;
	struct signer_permissions permissions = {0};
	char wanted[ARN_PROFILE_VERSION_SIZE];
	int r = read_statements(signer, profile, version, &permissions, wanted, ret_why);
	if (r != 0)
		return r;
	if (!is_allowed(&permissions, caller, action, wanted))
		r = refuse(signer, &permissions, caller, profile, wanted, action, ret_why);
	signer_permissions_done(&permissions);
	return r;
}

bool signer_is_visible(struct signer *signer, const struct signer_caller *caller, const char *profile)
{
	struct signer_profile found;
	if (caller->is_owner)
		return profile_read(signer, profile, &found, NULL) == 0;
	struct signer_permissions permissions = {0};
	char current[ARN_PROFILE_VERSION_SIZE];
	if (read_statements(signer, profile, NULL, &permissions, current, NULL) != 0)
		return false;
	bool is_visible = false;
	for (size_t i = 0; i < permissions.count; i++)
		is_visible = is_visible || strcmp(permissions.statements[i].principal, caller->account) == 0;
	signer_permissions_done(&permissions);
	return is_visible;
}
