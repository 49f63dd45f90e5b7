/* status.c - `vouchfs status`: the whole host on one screen. */
#include <errno.h>
#include <string.h>

#include "host.h"
#include "overview.h"
#include "sheet.h"

static int run(int argc, char **argv);

const struct cli_command cli_status_commands[] = {
	{.name = "status",
	 .summary = "the whole host on one screen: what is served, problems first",
	 .usage = "Examples:\n"
		  "  vouchfs status\n"
		  "  vouchfs status --json | jq -r '.slots[] | select(.blocked).slot'\n\n"
		  "A line a slot: ! is not served, or its last attempt was refused, or under break glass; ~ serves\n"
		  "what Enforce would refuse. Signatures that expire within 30 days are marked. Without a mount the\n"
		  "store is looked through, by its owner or root. `vouchfs why SLOT` says more about one slot,\n"
		  "`vouchfs health` is for monitoring.\n\n"
		  "Options:\n"
		  "      --json         as JSON, the same as MNT/.vouchfs/status.json\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 shown, 1 not to be had, 2 usage, 78 not mounted, and the configuration is faulty.\n",
	 .run = run},
	{.name = NULL},
};

static int print(const struct overview *overview)
{
	const struct overview_screen screen = cli_overview_screen();
	struct sheet sheet = sheet_begin();
	sheet.error = overview_print_status(overview, &screen, &sheet.text);
	return sheet_print(&sheet, CLI_EXIT_OK);
}

static int run(int argc, char **argv)
{
	const char *given = NULL;
	bool json = false, done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	int code = cli_parse(cli_status_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	struct overview *overview = NULL;
	code = cli_overview(given, &overview);
	if (code == CLI_EXIT_OK)
		code = json ? cli_overview_print_json(overview) : print(overview);
	overview_free(overview);
	return code;
}
