/* policy_fleet.c - `vouchfs policy fleet`: one table of many hosts, from their status.json files. */
#include "cli/cli.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_fleet_commands[] = {
	{.group = "policy",
	 .name = "fleet",
	 .summary = "one table of many hosts, from their status.json files",
	 .usage = "Examples:\n"
		  "  vouchfs policy fleet collected/\n",
	 .run = run},
	{.name = NULL},
};

static int run(int argc UNUSED, char **argv UNUSED)
{
	cli_error("policy fleet is not there yet");
	return CLI_EXIT_FAILURE;
}
