/* policy_history.c - `vouchfs policy history`: the bundles that were in force, newest first. */
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "host.h"
#include "policy_host.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_history_commands[] = {
	{.group = "policy",
	 .name = "history",
	 .summary = "the bundles that were in force, newest first",
	 .usage = "Examples:\n"
		  "  vouchfs policy history\n"
		  "  vouchfs policy history --json | jq '.bundles[0].expiresAt'\n\n"
		  "A line each: * is the one in force, then its sequence, since when, who signed it and until when,\n"
		  "and who brought it. At least ten are kept.\n\n"
		  "Options:\n"
		  "      --json         as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 shown, 1 not to be had, 2 usage.\n",
	 .run = run},
	{.name = NULL},
};

static int run(int argc, char **argv)
{
	const char *given = NULL;
	bool json = false, done = false;
	int dirfd = -1;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	int code = cli_parse(cli_policy_history_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (policy_open_mount(given, &dirfd) < 0)
		return CLI_EXIT_FAILURE;
	int r = cli_print_file(dirfd, json ? ".vouchfs/history/policy.json" : ".vouchfs/history/policy");
	if (r < 0)
		cli_error("the history of policy bundles: %s", strerror(-r));
	io_close(&dirfd);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}
