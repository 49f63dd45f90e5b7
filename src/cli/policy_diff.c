/* policy_diff.c - `vouchfs policy diff`: what differs between two bundles, or between one and the host. */
#include "cli/cli.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_diff_commands[] = {
	{.group = "policy",
	 .name = "diff",
	 .summary = "what differs between two bundles, or between one and the host",
	 .usage = "Examples:\n"
		  "  vouchfs policy diff policy.zip\n",
	 .run = run},
	{.name = NULL},
};

static int run(int argc UNUSED, char **argv UNUSED)
{
	cli_error("policy diff is not there yet");
	return CLI_EXIT_FAILURE;
}
