/* audit_enforce.c - `vouchfs audit --as enforce`: what would be refused if everything were set to Enforce today. */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "host.h"
#include "overview.h"
#include "overview/views.h"
#include "sheet.h"

#define DAYS_DEFAULT 30
#define DAYS_MAX     36500

/* 1 is an answer here, so whoever cannot tell says 2. */
#define EXIT_WOULD_FAIL	 1
#define EXIT_CANNOT_TELL 2

static int run(int argc, char **argv);

const struct cli_command cli_audit_enforce_commands[] = {
	{.name = "audit",
	 .summary = "what would be refused if everything were set to Enforce today, what expires soon",
	 .usage = "Examples:\n"
		  "  vouchfs audit --as enforce\n"
		  "  vouchfs audit --as enforce --days 90\n"
		  "  vouchfs audit --as enforce --json | jq -r '.wouldFail[] | .slot + \" \" + .reason'\n\n"
		  "Judges what is served by today's lists and clock as if every check of every config were set to\n"
		  "Enforce; changes nothing. Then lists which signatures, certificates and revocation lists end\n"
		  "within some days. Functions that no config checks are named, too. Without a mount the store is\n"
		  "looked through, by its owner or root.\n\n"
		  "Options:\n"
		  "      --as enforce   (required)\n"
		  "      --days N       what ends within N days, 0 to 36500 (default: 30)\n"
		  "      --json         as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 nothing would be refused, 1 something would, 2 it cannot be told, or usage, 78 not\n"
		  "mounted, and the configuration is faulty.\n",
	 .run = run},
	{.name = NULL},
};

static void put_json(struct sheet *sheet, const struct overview *overview, unsigned days)
{
	struct json j = {.out = &sheet->text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "config", overview->config_path);
	json_bool(&j, "mounted", overview->is_mounted);
	sheet->error = overview_put_enforce(&j, overview, days);
	json_close(&j);
	int r = json_end(&j);
	if (sheet->error == 0)
		sheet->error = r;
	sheet_text(sheet, "\n");
}

static int show(const struct overview *overview, unsigned days, bool json)
{
	const struct overview_screen screen = cli_overview_screen();
	struct sheet sheet = sheet_begin();
	if (json)
		put_json(&sheet, overview, days);
	else
		sheet.error = overview_print_enforce(overview, days, &screen, &sheet.text);
	if (!json && !overview->is_mounted)
		cli_error("notice: not mounted; this is of the store as it lies");
	bool has_failed = sheet_print(&sheet, CLI_EXIT_OK) != CLI_EXIT_OK;
	if (has_failed)
		return EXIT_CANNOT_TELL;
	return overview_count_enforce(overview) > 0 ? EXIT_WOULD_FAIL : CLI_EXIT_OK;
}

static int run(int argc, char **argv)
{
	const char *given = NULL, *as = NULL, *days_text = NULL;
	uint64_t days = DAYS_DEFAULT;
	bool json = false, done = false;
	const struct cli_option table[] = {
		{.name = "as", .kind = CLI_TEXT, .required = true, .ret_text = &as},
		{.name = "days", .kind = CLI_TEXT, .ret_text = &days_text},
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	const struct cli_command *command = cli_audit_enforce_commands;
	int code = cli_parse(command, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	ASSERT(as); /* it is required */
	if (strcasecmp(as, "enforce") != 0)
		return cli_usage_error(command, "--as takes enforce, the one mode to which everything can be set");
	if (days_text && !text_parse_u64(days_text, strlen(days_text), DAYS_MAX, &days))
		return cli_usage_error(command, "--days takes a number of days from 0 to %d", DAYS_MAX);
	struct overview *overview = NULL;
	code = cli_overview(given, &overview);
	if (code == CLI_EXIT_OK)
		code = show(overview, (unsigned)days, json);
	else if (code == CLI_EXIT_FAILURE)
		code = EXIT_CANNOT_TELL;
	overview_free(overview);
	return code;
}
