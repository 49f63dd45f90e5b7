/* policy_pack.c - `vouchfs policy pack`: check a directory of policy and sign it as a bundle. */
#include "cli/cli.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_pack_commands[] = {
	{.group = "policy",
	 .name = "pack",
	 .summary = "check a directory of policy and sign it as a bundle",
	 .usage = "Examples:\n"
		  "  vouchfs policy pack policy/ --profile policy -o policy.zip\n",
	 .run = run},
	{.name = NULL},
};

static int run(int argc UNUSED, char **argv UNUSED)
{
	cli_error("policy pack is not there yet");
	return CLI_EXIT_FAILURE;
}
