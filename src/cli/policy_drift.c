/* policy_drift.c - `vouchfs policy drift`: where this host differs from its bundle. */
#include "cli/cli.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_drift_commands[] = {
	{.group = "policy",
	 .name = "drift",
	 .summary = "where this host differs from its bundle",
	 .usage = "Examples:\n"
		  "  vouchfs policy drift\n",
	 .run = run},
	{.name = NULL},
};

static int run(int argc UNUSED, char **argv UNUSED)
{
	cli_error("policy drift is not there yet");
	return CLI_EXIT_FAILURE;
}
