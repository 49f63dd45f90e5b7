/* trust.c - `vouchfs trust`: whom a slot trusts, and who may sign for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "host.h"
#include "overview.h"
#include "overview/views.h"
#include "policy/reason.h"
#include "sheet.h"
#include "signers.h"

#define NAME_SIZE  96
#define SHOWN_SIZE 256

static int run(int argc, char **argv);

const struct cli_command cli_trust_commands[] = {
	{.name = "trust",
	 .summary = "whom a slot trusts: its config, the profiles allowed, their accounts, who may sign",
	 .usage = "Examples:\n"
		  "  vouchfs trust main-function\n"
		  "  vouchfs trust                                    # every code-signing config\n"
		  "  vouchfs trust main-function --home /var/lib/vouchfs-signer\n"
		  "  vouchfs trust --json | jq -r '.codeSigningConfigs[].publishers[].arn'\n\n"
		  "A tree from the slot to its code-signing config (with file and line), the profile versions it\n"
		  "allows, their account (certificate, revocation list), and who may sign with them. * is who signed\n"
		  "what is served, ! is revoked or of an account that this host does not trust. Who may sign is kept\n"
		  "with the keys: it is shown where a home or a signing service is named.\n\n"
		  "Options:\n" SIGNERS_USAGE "      --json         as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 shown, 1 not to be had, 2 usage, 17 no such slot, 78 not mounted, and the\n"
		  "configuration is faulty.\n",
	 .run = run},
	{.name = NULL},
};

/* ---- the slot ---- */

static const char *full_name(const struct overview_slot *slot, char ret[NAME_SIZE])
{
	(void)snprintf(ret, NAME_SIZE, "%s/%s", slot->is_layer ? "layers" : "functions", slot->name);
	return ret;
}

/* "functions/F", "layers/L", or a function's bare name. */
static const struct overview_slot *find_slot(const struct overview *overview, const char *operand)
{
	char name[NAME_SIZE];
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		bool is_bare = !slot->is_layer && strcmp(slot->name, operand) == 0;
		if (is_bare || strcmp(full_name(slot, name), operand) == 0)
			return slot;
	}
	return NULL;
}

/* NULL: none is near. */
static const struct overview_slot *find_nearest(const struct overview *overview, const char *operand)
{
	const char *slash = strchr(operand, '/'), *wanted = slash ? slash + 1 : operand;
	const char **names = calloc(overview->slot_count + 1, sizeof(*names));
	for (size_t i = 0; names && i < overview->slot_count; i++)
		names[i] = overview->slots[i].name;
	const char *nearest = names ? text_nearest(wanted, names, overview->slot_count) : NULL;
	free(names);
	for (size_t i = 0; nearest && i < overview->slot_count; i++)
		if (overview->slots[i].name == nearest)
			return &overview->slots[i];
	return NULL;
}

static int unknown_slot(const struct overview *overview, const char *operand)
{
	char shown[SHOWN_SIZE], name[NAME_SIZE];
	const struct overview_slot *nearest = find_nearest(overview, operand);
	(void)text_escape_print(shown, sizeof(shown), operand, strlen(operand));
	if (nearest)
		cli_error("there is no slot %s, did you mean %s?", shown, full_name(nearest, name));
	else
		cli_error("there is no slot %s; `vouchfs status` lists them", shown);
	return policy_reason_info(POLICY_VF4001_NO_SLOT)->exit_code;
}

/* ---- showing ---- */

static bool is_utf8(void)
{
	static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *value = getenv(variables[i]);
		if (value && value[0])
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

static int print(const struct overview_trust *trust)
{
	const struct overview_screen screen = cli_overview_screen();
	struct sheet sheet = sheet_begin();
	sheet.error = overview_print_trust(trust, &screen, is_utf8(), &sheet.text);
	return sheet_print(&sheet, CLI_EXIT_OK);
}

static int print_json(const struct overview_trust *trust)
{
	struct sheet sheet = sheet_begin();
	struct json j = {.out = &sheet.text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "config", trust->overview->config_path);
	json_bool(&j, "mounted", trust->overview->is_mounted);
	overview_put_trust(&j, trust);
	json_close(&j);
	sheet.error = json_end(&j);
	sheet_text(&sheet, "\n");
	return sheet_print(&sheet, CLI_EXIT_OK);
}

static int show(const struct overview *overview, const char *operand, const struct signers_options *options, bool json)
{
	struct overview_trust trust = {.overview = overview, .slot = operand ? find_slot(overview, operand) : NULL};
	if (operand && !trust.slot)
		return unknown_slot(overview, operand);
	struct overview_signers *signers = NULL;
	int code = cli_find_signers(cli_trust_commands, overview->config_path, options, &signers);
	trust.signers = signers;
	if (code == CLI_EXIT_OK && !json && !overview->is_mounted)
		cli_error("notice: not mounted; this is of the store as it lies");
	if (code == CLI_EXIT_OK)
		code = json ? print_json(&trust) : print(&trust);
	overview_signers_free(signers);
	return code;
}

static int run(int argc, char **argv)
{
	const char *given = NULL;
	struct signers_options options = {0};
	bool json = false, done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "home", .kind = CLI_TEXT, .ret_text = &options.home},
		{.name = "service", .kind = CLI_TEXT, .ret_text = &options.service},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	int code = cli_parse(cli_trust_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	struct overview *overview = NULL;
	code = cli_overview(given, &overview);
	if (code == CLI_EXIT_OK)
		code = show(overview, argc > 1 ? argv[1] : NULL, &options, json);
	overview_free(overview);
	return code;
}
