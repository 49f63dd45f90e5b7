/* policy_rollback.c - `vouchfs policy rollback`: make an earlier bundle the one in force again. */
#include "cli/cli.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_rollback_commands[] = {
	{.group = "policy",
	 .name = "rollback",
	 .summary = "make an earlier bundle the one in force again",
	 .usage = "Examples:\n"
		  "  vouchfs policy rollback 6 --reason \"INC-42\"\n",
	 .run = run},
	{.name = NULL},
};

static int run(int argc UNUSED, char **argv UNUSED)
{
	cli_error("policy rollback is not there yet");
	return CLI_EXIT_FAILURE;
}
