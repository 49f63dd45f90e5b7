/* mount.c - `vouchfs mount`, and `vouchfs unmount` for everything that vouchfs has mounted. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "config/config.h"
#include "fs/mount.h"
#include "mount_options.h"

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
			 "      --log WHERE    journal, syslog, stderr, json (an object a line on stderr) or auto\n"
			 "                     (default: what the configuration says)\n"
			 "      --keep         mount alone, and leave it with systemd for the service that serves it\n"
			 "      --kept         serve what systemd has kept, as the user of the service\n"
			 "                     (both: vouchfs-confined@.service)\n"
			 "  -o, --options O    as for mount(8): rw, allow_other, default_permissions, nosuid, nodev,\n"
			 "                     nonempty (MNT may hold something, which is hidden), and what fstab "
			 "needs\n"
			 "                     (nofail, _netdev, x-...)\n"
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
			 "  vouchfs unmount --lazy /srv/functions\n"
			 "  vouchfs unmount --stale /srv/functions\n"
			 "  vouchfs unmount /srv/signing\n\n"
			 "Unmounts the run side, then the deploy side; when the run side is in use, nothing. Or the "
			 "signing\n"
			 "slots (`vouchfs signer mount`).\n\n"
			 "Options:\n"
			 "  -l, --lazy   unmount also what is in use, or what lost its process; who uses it gets "
			 "errors\n"
			 "      --stale  only what lost its process, lazily; anything else is left as it is\n\n"
			 "Exit codes: 0 unmounted and ended, 1 not, 2 usage.\n",
		.run = run_unmount,
	},
	{.name = NULL},
};

/* What would change what is promised. */
static const struct mount_option refused_options[] = {
	{"ro", "deploying is writing; run/ is read-only already"},
	{"noexec", "runtimes map shared objects from run/; where user or users brought it, write user,exec"},
	{"suid", "set-user-id bits in artifacts never count"},
	{"dev", "there are no devices in artifacts"},
	{"remount", "a mount is not changed; `vouchfs reload` takes a changed configuration, else unmount and mount"},
	{.name = NULL},
};

/* ---- the commands ---- */

static int run_mount(int argc, char **argv)
{
	const char *config = NULL, *list = NULL, *log = NULL;
	struct mount_effects effects = {.allow_other = geteuid() == 0};
	struct fs_mount_options options = {0};
	bool is_kept = false, done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &config},
		{.name = "options", .letter = 'o', .kind = CLI_TEXT, .ret_text = &list},
		{.name = "foreground", .letter = 'f', .kind = CLI_FLAG, .ret_flag = &options.foreground},
		{.name = "log", .kind = CLI_TEXT, .ret_text = &log},
		{.name = "keep", .kind = CLI_FLAG, .ret_flag = &options.keep},
		{.name = "kept", .kind = CLI_FLAG, .ret_flag = &is_kept},
	};
	int code = cli_parse(&cli_mount_commands[0], table, ARRAY_SIZE(table), &argc, argv, 1, 1, &done);
	if (code == CLI_EXIT_OK && !done)
		code = mount_options_take(&cli_mount_commands[0], refused_options, list, &effects);
	if (code == CLI_EXIT_OK && !done)
		code = mount_log_take(&cli_mount_commands[0], log, &options.log);
	if (code != CLI_EXIT_OK || done)
		return code;
	options.allow_other = effects.allow_other;
	options.nonempty = effects.nonempty;
	options.foreground |= options.keep;
	if (is_kept) /* what is touched before it is served waits for that */
		return fs_mount_kept();

	char *config_path = NULL, *mountpoint = NULL;
	code = CLI_EXIT_FAILURE;
	if (cli_resolve_config(config, &config_path) == 0 && mount_resolve(argv[1], &mountpoint) == 0) {
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
	bool lazy = false, stale = false, done = false;
	const struct cli_option table[] = {
		{.name = "lazy", .letter = 'l', .kind = CLI_FLAG, .ret_flag = &lazy},
		{.name = "stale", .kind = CLI_FLAG, .ret_flag = &stale},
	};
	int code = cli_parse(&cli_mount_commands[1], table, ARRAY_SIZE(table), &argc, argv, 1, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;

	char *mountpoint = NULL;
	if (mount_resolve(argv[1], &mountpoint) < 0)
		return CLI_EXIT_FAILURE;
	struct explain why = {0};
	int r = stale ? fs_unmount_stale(mountpoint, &why) : fs_unmount(mountpoint, lazy, &why);
	if (r < 0)
		cli_error("%s", why.text);
	free(mountpoint);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}
