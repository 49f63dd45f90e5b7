#include "mount_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fs/mount.h"

#define OPTION_NAME_MAX 64
#define CANDIDATES_MAX	48
#define ALLOW_OTHER	"allow_other"
#define NONEMPTY	"nonempty"
#define SLOPPY		"sloppy" /* what nobody knows is passed over, as mount(8) -s asks */

static const char *const without_effect[] = {
	/* always so */
	"rw",
	"default_permissions",
	"nosuid",
	"nodev",
	"noexec",
	"exec",
	"noatime",
	"relatime",
	"nodiratime",
	"async",
	"defaults",
	/* for mount(8) and systemd */
	"auto",
	"noauto",
	"nofail",
	"_netdev",
	"user",
	"users",
	"nouser",
	"nousers",
	"owner",
	"group",
	"loud",
	"silent",
	SLOPPY,
};

static bool has_no_effect(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(without_effect); i++)
		if (strcmp(without_effect[i], name) == 0)
			return true;
	static const char *const prefixes[] = {"x-", "X-", "comment=", "user=", "uhelper=", "helper="};
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (text_starts_with(name, prefixes[i]))
			return true;
	return !*name;
}

static int unknown_option(const struct cli_command *command, const struct mount_option *refused, const char *name)
{
	const char *candidates[CANDIDATES_MAX] = {ALLOW_OTHER, NONEMPTY};
	size_t count = 2;
	_Static_assert(ARRAY_SIZE(without_effect) + 2 <= CANDIDATES_MAX, "there is room for those that are refused");
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
		       bool is_sloppy, struct mount_effects *effects)
{
	if (strcmp(name, ALLOW_OTHER) == 0)
		effects->allow_other = true;
	else if (strcmp(name, NONEMPTY) == 0)
		effects->nonempty = true;
	else if (!has_no_effect(name) && !is_sloppy)
		return unknown_option(command, refused, name);
	return CLI_EXIT_OK;
}

static bool holds_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

/* Before anything is called unknown: for a remount, mount(8) hands over what the kernel shows of the mount, too. */
static int refuse_options(const struct cli_command *command, const struct mount_option *refused, const char *list)
{
	for (const struct mount_option *option = refused; option->name; option++)
		if (holds_word(list, option->name))
			return cli_usage_error(command, "mount option \"%s\" is refused: %s", option->name,
					       option->why);
	return CLI_EXIT_OK;
}

int mount_options_take(const struct cli_command *command, const struct mount_option *refused, const char *list,
		       struct mount_effects *effects)
{
	char *copy = strdup(list ? list : "");
	if (!copy) {
		cli_error("out of memory");
		return CLI_EXIT_FAILURE;
	}
	int code = refuse_options(command, refused, copy);
	char *rest = copy;
	bool is_sloppy = holds_word(copy, SLOPPY);
	for (const char *name; code == CLI_EXIT_OK && (name = strsep(&rest, ","));)
		code = take_option(command, refused, name, is_sloppy, effects);
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
