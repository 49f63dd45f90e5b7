/* policy_apply.c - `vouchfs policy apply`: give a bundle to this host; says what it changes. */
#include "cli/cli.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_apply_commands[] = {
	{.group = "policy",
	 .name = "apply",
	 .summary = "give a bundle to this host; says what it changes",
	 .usage = "Examples:\n"
		  "  vouchfs policy apply policy.zip\n",
	 .run = run},
	{.name = NULL},
};

static int run(int argc UNUSED, char **argv UNUSED)
{
	cli_error("policy apply is not there yet");
	return CLI_EXIT_FAILURE;
}
