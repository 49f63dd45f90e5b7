/*
 * mount.c - `vouchfs mount` and `vouchfs unmount`. As mount.vouchfs (cli_dispatch) it takes what fstab says, so options
 * that mount(8) or systemd mean for themselves are passed over; one that would have to change something is refused.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"
#include "fs/mount.h"

#define OPTION_NAME_MAX 64

static int run_mount(int argc, char **argv);
static int run_unmount(int argc, char **argv);

const struct cli_command cli_mount_commands[] = {
	{
		.name = "mount",
		.summary = "mount a configuration and serve it",
		.usage = "Examples:\n"
			 "  vouchfs mount /srv/functions\n"
			 "  vouchfs mount -c ./vouchfs.conf -f ./mnt\n"
			 "  mount -t vouchfs /etc/vouchfs/vouchfs.conf /srv/functions\n\n"
			 "Returns when both sides are served: the deployment slots at MNT, what runs at MNT/run.\n"
			 "Root serves everybody, as the configured user; others serve themselves (fusermount3).\n"
			 "SIGHUP reloads the configuration, SIGTERM unmounts and ends.\n\n"
			 "Options:\n"
			 "  -f, --foreground   stay, and say on stderr what goes on\n"
			 "  -o, --options O    as for mount(8): rw, allow_other, default_permissions, nosuid, nodev\n"
			 "                     and what fstab needs (nofail, _netdev, x-...)\n"
			 "  -c, --config CONF  the configuration (default: $VOUCHFS_CONF, else\n"
			 "                     " CONFIG_DEFAULT_PATH ")\n\n"
			 "Exit codes: 0 served (with -f: unmounted), 1 not mounted, 2 usage, 78 bad configuration.\n",
		.run = run_mount,
	},
	{
		.name = "unmount",
		.summary = "finish what is being judged, unmount, and wait for the daemon's end",
		.usage = "Examples:\n"
			 "  vouchfs unmount /srv/functions\n"
			 "  vouchfs unmount --lazy /srv/functions\n\n"
			 "Unmounts the run side, then the deploy side. When the run side is in use, nothing is "
			 "unmounted.\n\n"
			 "Options:\n"
			 "  -l, --lazy  unmount also what is in use, or what lost its process; who uses it gets "
			 "errors\n\n"
			 "Exit codes: 0 unmounted and ended, 1 not, 2 usage.\n",
		.run = run_unmount,
	},
	{.name = NULL},
};

/* ---- mount -o ---- */

enum meaning { ALLOW_OTHER = 1, NO_EFFECT, REFUSED };

static const struct {
	const char *name;
	enum meaning meaning;
	const char *why; /* it is refused */
} mount_options[] = {
	{"allow_other", ALLOW_OTHER, NULL},
	/* always so */
	{"rw", NO_EFFECT, NULL},
	{"default_permissions", NO_EFFECT, NULL},
	{"nosuid", NO_EFFECT, NULL},
	{"nodev", NO_EFFECT, NULL},
	{"exec", NO_EFFECT, NULL},
	{"noatime", NO_EFFECT, NULL},
	{"defaults", NO_EFFECT, NULL},
	/* for mount(8) and systemd */
	{"auto", NO_EFFECT, NULL},
	{"noauto", NO_EFFECT, NULL},
	{"nofail", NO_EFFECT, NULL},
	{"_netdev", NO_EFFECT, NULL},
	{"user", NO_EFFECT, NULL},
	{"nouser", NO_EFFECT, NULL},
	/* would change what is promised */
	{"ro", REFUSED, "deploying is writing; run/ is read-only already"},
	{"noexec", REFUSED, "runtimes map shared objects from run/"},
	{"suid", REFUSED, "set-user-id bits in artifacts never count"},
	{"dev", REFUSED, "there are no devices in artifacts"},
};

static bool is_passed_over(const char *name)
{
	return text_starts_with(name, "x-") || text_starts_with(name, "comment=") || !*name;
}

static int unknown_option(const char *name)
{
	const char *candidates[ARRAY_SIZE(mount_options)];
	for (size_t i = 0; i < ARRAY_SIZE(mount_options); i++)
		candidates[i] = mount_options[i].name;
	char shown[OPTION_NAME_MAX];
	(void)text_escape_print(shown, sizeof(shown), name, strlen(name));
	const char *nearest = text_nearest(name, candidates, ARRAY_SIZE(candidates));
	if (nearest)
		return cli_usage_error(&cli_mount_commands[0], "unknown mount option \"%s\", did you mean \"%s\"?",
				       shown, nearest);
	return cli_usage_error(&cli_mount_commands[0], "unknown mount option \"%s\"", shown);
}

static int take_option(const char *name, struct fs_mount_options *options)
{
	if (is_passed_over(name))
		return CLI_EXIT_OK;
	for (size_t i = 0; i < ARRAY_SIZE(mount_options); i++) {
		if (strcmp(mount_options[i].name, name) != 0)
			continue;
		if (mount_options[i].meaning == REFUSED)
			return cli_usage_error(&cli_mount_commands[0], "mount option \"%s\" is refused: %s", name,
					       mount_options[i].why);
		options->allow_other = options->allow_other || mount_options[i].meaning == ALLOW_OTHER;
		return CLI_EXIT_OK;
	}
	return unknown_option(name);
}

static int take_options(const char *list, struct fs_mount_options *options)
{
	char *copy = strdup(list ? list : "");
	if (!copy) {
		cli_error("out of memory");
		return CLI_EXIT_FAILURE;
	}
	int code = CLI_EXIT_OK;
	char *rest = copy;
	for (const char *name; code == CLI_EXIT_OK && (name = strsep(&rest, ","));)
		code = take_option(name, options);
	free(copy);
	return code;
}

/* ---- the commands ---- */

static int resolve(const char *path, char **ret)
{
	int r = fs_resolve(path, ret);
	if (r < 0)
		cli_error("%s: %s", path, strerror(-r));
	return r;
}

static int run_mount(int argc, char **argv)
{
	const char *config = NULL, *list = NULL;
	struct fs_mount_options options = {.allow_other = geteuid() == 0};
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &config},
		{.name = "options", .letter = 'o', .kind = CLI_TEXT, .ret_text = &list},
		{.name = "foreground", .letter = 'f', .kind = CLI_FLAG, .ret_flag = &options.foreground},
	};
	int code = cli_parse(&cli_mount_commands[0], table, ARRAY_SIZE(table), &argc, argv, 1, 1, &done);
	if (code == CLI_EXIT_OK && !done)
		code = take_options(list, &options);
	if (code != CLI_EXIT_OK || done)
		return code;

	char *config_path = NULL, *mountpoint = NULL;
	code = CLI_EXIT_FAILURE;
	if (resolve(cli_config_path(config), &config_path) == 0 && resolve(argv[1], &mountpoint) == 0) {
		options.config_path = config_path;
		options.mountpoint = mountpoint;
		code = fs_mount(&options);
	}
	free(config_path);
	free(mountpoint);
	return code;
}

static int run_unmount(int argc, char **argv)
{
	bool lazy = false, done = false;
	const struct cli_option table[] = {
		{.name = "lazy", .letter = 'l', .kind = CLI_FLAG, .ret_flag = &lazy},
	};
	int code = cli_parse(&cli_mount_commands[1], table, ARRAY_SIZE(table), &argc, argv, 1, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;

	char *mountpoint = NULL;
	if (resolve(argv[1], &mountpoint) < 0)
		return CLI_EXIT_FAILURE;
	struct explain why = {0};
	int r = fs_unmount(mountpoint, lazy, &why);
	if (r < 0)
		cli_error("%s", why.text);
	free(mountpoint);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}
