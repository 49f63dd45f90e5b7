/* Changes of the configuration on behalf of a verb: checked, written, and in force in the mount, or taken back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/text.h"
#include "bundle/bundle.h"
#include "config/policy.h"
#include "fs/mount.h"
#include "lambda.h"

const char *lambda_section(const char *kind, const char *name, char ret[LAMBDA_SECTION_SIZE])
{
	(void)snprintf(ret, LAMBDA_SECTION_SIZE, "%s %s", kind, name);
	return ret;
}

int cli_lambda_edit(const struct lambda_host *host, struct config_edit **ret)
{
	struct buf errors = {0};
	struct explain why = {0};
	const struct config_members *bundle = host->bundle ? bundle_members(host->bundle) : NULL;
	int r = config_edit_open(host->path, bundle, ret, &errors, &why);
	if (errors.data)
		(void)fputs(errors.data, stderr);
	buf_done(&errors);
	if (r == 0)
		return 0;
	if (r == -EACCES)
		return cli_lambda_fail(
			host->operation, "AccessDeniedException",
			"%s; code-signing configs, and which function has which, are changed by whoever may "
			"write conf.d beside %s: ask its administrator",
			why.text, host->path);
	return cli_lambda_fail(host->operation, "ServiceException", "%s",
			       why.text[0] ? why.text
					   : "the configuration has just become faulty; `vouchfs check-config`");
}

void cli_lambda_take_back(const struct lambda_host *host, struct config_edit *edit)
{
	struct buf errors = {0};
	struct explain why = {0};
	if (config_edit_undo(edit, &why) < 0)
		cli_error("the change could not be taken back: %s", why.text);
	else if (host->mountpoint && fs_reload(host->path, &errors, &why) < 0)
		cli_error("the mount has not read that the change was taken back; `vouchfs reload` does that");
	buf_done(&errors);
}

/* The change is written. 0 when it is in force, else it is taken back. */
static int put_in_force(const struct lambda_host *host, struct config_edit *edit)
{
	struct buf errors = {0};
	struct explain why = {0}, undo_why = {0};
	int r = host->mountpoint ? fs_reload(host->path, &errors, &why) : 0;
	if (r == 0)
		goto out;
	if (errors.data)
		(void)fputs(errors.data, stderr);
	if (config_edit_undo(edit, &undo_why) < 0)
		cli_error("the change could not be taken back: %s", undo_why.text);
out:
	buf_done(&errors);
	if (r == 0)
		return 0;
	if (r == -EINVAL)
		return cli_lambda_fail(
			host->operation, "ServiceException",
			"the mount on %s has refused the configuration with this change, so it was taken "
			"back; `vouchfs reload` shows what is wrong",
			host->mountpoint);
	bool denied = r == -EPERM || r == -EACCES || r == -ENOENT;
	return cli_lambda_fail(
		host->operation, denied ? "AccessDeniedException" : "ServiceException",
		"the mount on %s could not be made to read this change, so it was taken back: %s; whoever "
		"has mounted it may do that",
		host->mountpoint, why.text);
}

/* The configuration with the change would be faulty, or the file cannot be written. */
static int not_written(const struct lambda_host *host, int r, const struct explain *why)
{
	const char *name = "ServiceException";
	if (r == -EINVAL)
		name = "InvalidParameterValueException";
	else if (r == -EEXIST)
		name = "ResourceConflictException";
	else if (r == -EACCES || r == -EPERM)
		name = "AccessDeniedException";
	return cli_lambda_fail(host->operation, name, "nothing was changed: %s",
			       why->text[0] ? why->text : strerror(-r));
}

int cli_lambda_may_say(const struct lambda_host *host, const char *section)
{
	struct explain why = {0};
	if (!config_is_governed(host->config, section, &why))
		return 0;
	return cli_lambda_fail(host->operation, "AccessDeniedException", "nothing was changed: %s", why.text);
}

int cli_lambda_put(const struct lambda_host *host, struct config_edit *edit, const struct config_section_text *text)
{
	struct buf errors = {0};
	struct explain why = {0};
	int r = config_edit_put(edit, text, &errors, &why);
	buf_done(&errors);
	return r < 0 ? not_written(host, r, &why) : put_in_force(host, edit);
}

int cli_lambda_remove(const struct lambda_host *host, struct config_edit *edit, const char *section)
{
	struct buf errors = {0};
	struct explain why = {0};
	int r = config_edit_remove(edit, section, &errors, &why);
	buf_done(&errors);
	return r < 0 ? not_written(host, r, &why) : put_in_force(host, edit);
}

/* ---- binding a function ---- */

/* Who made a slot under a pattern owns it, and goes on owning it. */
static bool find_maker(const struct lambda_host *host, const char *function, uid_t *ret)
{
	char path[4096 + LIMIT_FUNCTION_NAME_BYTES];
	struct stat st;
	if (!host->mountpoint)
		return false;
	(void)snprintf(path, sizeof(path), "%s/functions/%s", host->mountpoint, function);
	if (stat(path, &st) < 0)
		return false;
	*ret = st.st_uid;
	return true;
}

/* A section of its own for a function that a pattern governs. */
static int bind_by_name(const struct lambda_host *host, struct config_edit *edit, struct config_section_text text,
			const struct config_slot *pattern, const char *function, const char *config_name)
{
	char owner[16], group[16], mode[16];
	uid_t uid = pattern->owner;
	bool has_owner = find_maker(host, function, &uid) || pattern->has_owner;
	(void)snprintf(owner, sizeof(owner), "%u", uid);
	(void)snprintf(group, sizeof(group), "%u", pattern->group);
	(void)snprintf(mode, sizeof(mode), "%04o", (unsigned)pattern->mode);
	const struct config_line lines[] = {
		{"code_signing_config", config_name},
		{"owner", has_owner ? owner : NULL},
		{"group", pattern->has_group ? group : NULL},
		{"mode", mode},
	};
	text.lines = lines;
	text.line_count = ARRAY_SIZE(lines);
	return cli_lambda_put(host, edit, &text);
}

int cli_lambda_bind(const struct lambda_host *host, struct config_edit *edit, const char *command, const char *function,
		    const char *config_name)
{
	char section[LAMBDA_SECTION_SIZE], arn[ARN_TEXT_SIZE];
	struct config_section_text text = {.section = lambda_section("function", function, section),
					   .command = command};
	const struct config_slot *slot = config_find_function(config_edit_config(edit), function);
	if (!slot) {
		lambda_function_arn(host->config, function, arn);
		return cli_lambda_fail(
			host->operation, "ResourceNotFoundException",
			"Function not found: %s; no [function] section is for it: declare it, or a pattern "
			"it falls under, in %s",
			arn, host->path);
	}
	if (strlen(section) > LIMIT_CONFIG_SECTION_BYTES)
		return cli_lambda_fail(
			host->operation, "InvalidParameterValueException",
			"a section of the configuration can name functions of at most %zu characters; bind "
			"[function %s], by which it goes",
			(size_t)LIMIT_CONFIG_SECTION_BYTES - strlen("function "), slot->name);
	int exit_code = cli_lambda_may_say(host, section);
	if (exit_code != 0)
		return exit_code;
	if (slot->is_pattern)
		return bind_by_name(host, edit, text, slot, function, config_name);
	const char *bound = slot->code_signing ? slot->code_signing->name : CONFIG_NONE;
	if (strcmp(bound, config_name) == 0)
		return 0;
	if (!config_edit_is_ours(edit, section, &slot->origin))
		return cli_lambda_fail(host->operation, "ResourceConflictException",
				       "[function %s] was written by hand, so it is not changed from here: say "
				       "\"code_signing_config = %s\" at %s:%u, then `vouchfs reload`",
				       function, config_name, slot->origin.file, slot->origin.line);
	const struct config_line line = {"code_signing_config", config_name};
	text.lines = &line;
	text.line_count = 1;
	return cli_lambda_put(host, edit, &text);
}
