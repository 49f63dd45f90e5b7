/* policy_history.c - `vouchfs policy history`: the bundles that were in force, newest first. */
#include "cli/cli.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_history_commands[] = {
	{.group = "policy",
	 .name = "history",
	 .summary = "the bundles that were in force, newest first",
	 .usage = "Examples:\n"
		  "  vouchfs policy history\n",
	 .run = run},
	{.name = NULL},
};

static int run(int argc UNUSED, char **argv UNUSED)
{
	cli_error("policy history is not there yet");
	return CLI_EXIT_FAILURE;
}
