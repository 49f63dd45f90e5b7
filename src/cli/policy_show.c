/* policy_show.c - `vouchfs policy show`: the bundle that is in force, or what a file would be. */
#include "cli/cli.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_show_commands[] = {
	{.group = "policy",
	 .name = "show",
	 .summary = "the bundle that is in force, or what a file would be",
	 .usage = "Examples:\n"
		  "  vouchfs policy show\n",
	 .run = run},
	{.name = NULL},
};

static int run(int argc UNUSED, char **argv UNUSED)
{
	cli_error("policy show is not there yet");
	return CLI_EXIT_FAILURE;
}
