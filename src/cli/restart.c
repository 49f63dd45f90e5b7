/* restart.c - `vouchfs restart`: the program that is installed now serves what is mounted, and nobody has to notice. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "fs/mount.h"
#include "mount_options.h"

static int run(int argc, char **argv);

const struct cli_command cli_restart_commands[] = {
	{.name = "restart",
	 .summary = "have the program that is installed now serve a mount, without unmounting it",
	 .usage = "Examples:\n"
		  "  vouchfs restart /srv/functions\n"
		  "  vouchfs restart /srv/signing\n\n"
		  "For upgrades. Uploads that are under way end first; who reads or opens meanwhile waits, and then\n"
		  "goes on, working directories and mapped files too. The mount and its process stay. What cannot\n"
		  "serve is not started: a program that does not answer, or a configuration that is faulty, changes\n"
		  "nothing. Needs Linux 6.9 or later.\n\n"
		  "Exit codes: 0 served by the program that is installed; 1 not: by the one before, or not mounted;\n"
		  "2 usage.\n",
	 .run = run},
	{.name = NULL},
};

static int run(int argc, char **argv)
{
	bool done = false;
	int code = cli_parse(&cli_restart_commands[0], NULL, 0, &argc, argv, 1, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	char *mountpoint = NULL;
	if (mount_resolve(argv[1], &mountpoint) < 0)
		return CLI_EXIT_FAILURE;
	struct explain why = {{0}};
	int r = fs_restart(mountpoint, &why);
	if (r < 0)
		cli_error("%s", why.text);
	free(mountpoint);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}
