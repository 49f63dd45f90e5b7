/* signer mount: the signing service. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "fs/mount.h"
#include "mount_options.h"
#include "signer.h"

static int run_mount(int argc, char **argv);

const struct cli_command cli_signer_mount_commands[] = {
	{
		.group = "signer",
		.name = "mount",
		.summary = "serve signing slots: whoever is permitted signs by writing a ZIP",
		.usage = "Examples:\n"
			 "  vouchfs signer mount /srv/signing\n"
			 "  vouchfs signer mount --home ./home -f ./mnt\n"
			 "  cp app.zip /srv/signing/release/ && cp /srv/signing/release/signed/app.zip .\n"
			 "  vouchfs unmount /srv/signing\n\n"
			 "Returns when the slots are served, a directory for each profile, seen by those whom a\n"
			 "statement of its policy permits. The daemon is the home's owner; keys never leave it.\n"
			 "Root serves everybody, others serve themselves (fusermount3), and everybody only with\n"
			 "-o allow_other where /etc/fuse.conf says user_allow_other.\n"
			 "SIGHUP reads the home again, SIGTERM unmounts and ends.\n\n"
			 "Options:\n"
			 "  -f, --foreground   stay, and say on stderr what goes on\n"
			 "      --log WHERE    journal, syslog, stderr, json (an object a line on stderr) or auto\n"
			 "  -o, --options O    as for mount(8): rw, allow_other, default_permissions, nosuid, nodev,\n"
			 "                     noexec, nonempty and what fstab needs (nofail, _netdev, "
			 "x-...)\n" CLI_SIGNER_OPTIONS "\n"
			 "Exit codes: 0 served (with -f: unmounted), 1 not mounted, 78 something in the home is\n"
			 "malformed, 252 usage.\n",
		.run = run_mount,
	},
	{.name = NULL},
};

/* What would change what is promised. */
static const struct mount_option refused_options[] = {
	{"ro", "a signature is asked for by writing"},
	{"exec", "nothing is to be run from a signing slot"},
	{"suid", "nothing is to be run from a signing slot"},
	{"dev", "there are no devices in signing slots"},
	{"remount", "a mount is not changed; unmount and mount"},
	{.name = NULL},
};

static int mount_home(const char *given_home, const char *given_mountpoint, struct fs_signer_mount_options *options)
{
	char *given = cli_signer_home(given_home), *home = NULL, *mountpoint = NULL;
	int code = CLI_EXIT_FAILURE;
	if (!given)
		cli_error("out of memory");
	else if (mount_resolve(given, &home) == 0 && mount_resolve(given_mountpoint, &mountpoint) == 0) {
		options->home = home;
		options->mountpoint = mountpoint;
		code = fs_signer_mount(options);
	}
	free(given);
	free(home);
	free(mountpoint);
	return code;
}

static int run_mount(int argc, char **argv)
{
	const char *home = NULL, *list = NULL, *log = NULL;
	struct mount_effects effects = {.allow_other = geteuid() == 0};
	struct fs_signer_mount_options options = {0};
	bool done = false;
	const struct cli_option table[] = {
		{.name = "home", .kind = CLI_TEXT, .ret_text = &home},
		{.name = "options", .letter = 'o', .kind = CLI_TEXT, .ret_text = &list},
		{.name = "foreground", .letter = 'f', .kind = CLI_FLAG, .ret_flag = &options.foreground},
		{.name = "log", .kind = CLI_TEXT, .ret_text = &log},
	};
	const struct cli_command *command = &cli_signer_mount_commands[0];
	int code = cli_parse(command, table, ARRAY_SIZE(table), &argc, argv, 1, 1, &done);
	if (code == CLI_EXIT_OK && !done)
		code = mount_options_take(command, refused_options, list, &effects);
	if (code == CLI_EXIT_OK && !done)
		code = mount_log_take(command, log, &options.log);
	if (code != CLI_EXIT_OK || done)
		return code;
	options.allow_other = effects.allow_other;
	options.nonempty = effects.nonempty;
	return mount_home(home, argv[1], &options);
}
