#include "mount_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fs/mount.h"

#define OPTION_NAME_MAX 64
#define CANDIDATES_MAX	32
#define ALLOW_OTHER	"allow_other"

static const char *const without_effect[] = {
	/* always so */
	"rw",
	"default_permissions",
	"nosuid",
	"nodev",
	"noexec",
	"exec",
	"noatime",
	"defaults",
	/* for mount(8) and systemd */
	"auto",
	"noauto",
	"nofail",
	"_netdev",
	"user",
	"nouser",
};

static bool has_no_effect(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(without_effect); i++)
		if (strcmp(without_effect[i], name) == 0)
			return true;
	return text_starts_with(name, "x-") || text_starts_with(name, "comment=") || !*name;
}

static int unknown_option(const struct cli_command *command, const struct mount_option *refused, const char *name)
{
	const char *candidates[CANDIDATES_MAX] = {ALLOW_OTHER};
	size_t count = 1;
	for (size_t i = 0; i < ARRAY_SIZE(without_effect); i++)
		candidates[count++] = without_effect[i];
	for (; refused->name && count < CANDIDATES_MAX; refused++)
		candidates[count++] = refused->name;

	char shown[OPTION_NAME_MAX];
	(void)text_escape_print(shown, sizeof(shown), name, strlen(name));
	const char *nearest = text_nearest(name, candidates, count);
	if (nearest)
		return cli_usage_error(command, "unknown mount option \"%s\", did you mean \"%s\"?", shown, nearest);
	return cli_usage_error(command, "unknown mount option \"%s\"", shown);
}

static int take_option(const struct cli_command *command, const struct mount_option *refused, const char *name,
		       bool *ret_allow_other)
{
	for (const struct mount_option *option = refused; option->name; option++)
		if (strcmp(option->name, name) == 0)
			return cli_usage_error(command, "mount option \"%s\" is refused: %s", name, option->why);
	if (strcmp(name, ALLOW_OTHER) == 0)
		*ret_allow_other = true;
	else if (!has_no_effect(name))
		return unknown_option(command, refused, name);
	return CLI_EXIT_OK;
}

int mount_options_take(const struct cli_command *command, const struct mount_option *refused, const char *list,
		       bool *ret_allow_other)
{
	char *copy = strdup(list ? list : "");
	if (!copy) {
		cli_error("out of memory");
		return CLI_EXIT_FAILURE;
	}
	int code = CLI_EXIT_OK;
	char *rest = copy;
	for (const char *name; code == CLI_EXIT_OK && (name = strsep(&rest, ","));)
		code = take_option(command, refused, name, ret_allow_other);
	free(copy);
	return code;
}

int mount_log_take(const struct cli_command *command, const char *name, enum log_target *ret)
{
	if (!name || log_target_parse(name, ret))
		return CLI_EXIT_OK;
	char shown[OPTION_NAME_MAX];
	(void)text_escape_print(shown, sizeof(shown), name, strlen(name));
	return cli_usage_error(command, "--log %s: expected journal, syslog, stderr, json or auto", shown);
}

int mount_resolve(const char *path, char **ret)
{
	int r = fs_resolve(path, ret);
	if (r < 0)
		cli_error("%s: %s", path, strerror(-r));
	return r;
}
