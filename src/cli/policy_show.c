/* policy_show.c - `vouchfs policy show`: what a packed bundle says; without a file, what is in force on the host. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "cli/aws.h"
#include "host.h"
#include "policy_file.h"
#include "policy_host.h"
#include "policy_sections.h"
#include "signature/signature.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_show_commands[] = {
	{.group = "policy",
	 .name = "show",
	 .summary = "the bundle that is in force, or what a file says",
	 .usage = "Examples:\n"
		  "  vouchfs policy show               what is in force on this host\n"
		  "  vouchfs policy show policy.zip    what a packed bundle says\n"
		  "  vouchfs policy show policy.zip --json | jq '.accounts[].listNextUpdate'\n\n"
		  "Of a file: its terms, sections, accounts and signature. Whether a host would take it is for\n"
		  "`vouchfs verify --policy` and `vouchfs policy apply` to say.\n\n"
		  "Options:\n"
		  "      --json         as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 shown, 1 not to be had, 2 usage.\n",
	 .run = run},
	{.name = NULL},
};

static void put_signature(struct sheet *sheet, const struct inspection *in)
{
	char arn[ARN_TEXT_SIZE];
	if (!in->claims_signature) {
		sheet_row(sheet, "signed", "no: no host takes it; vouchfs policy pack signs");
		return;
	}
	inspect_put_integrity(sheet, in);
	if (!in->has_statement)
		return;
	arn_print_profile(&in->statement.profile_version, arn);
	sheet_row(sheet, "signed by", "%s", arn);
	sheet_row(sheet, "job", "%s", in->statement.job.id);
	sheet_time(sheet, "signed at", in->statement.signed_at_s, in->now_s);
	bool over = in->now_s >= in->statement.expires_at_s;
	sheet_time(sheet, over ? "expired at" : "valid until", in->statement.expires_at_s, in->now_s);
}

static int put_sections(struct sheet *sheet, const struct policy_file *file)
{
	struct policy_sections sections = {0};
	int r = policy_sections_of(file->config->canonical, &sections);
	for (size_t i = 0; i < sections.count; i++) {
		const struct policy_section *section = &sections.all[i];
		if (strcmp(section->title, POLICY_SECTION_TERMS) == 0)
			continue;
		sheet_put(sheet, "\n  [%s]\n", section->title);
		for (size_t k = 0; k < section->count; k++)
			sheet_put(sheet, "  %s = %s\n", section->settings[k].key, section->settings[k].value);
	}
	policy_sections_done(&sections);
	return r;
}

static int print(const struct policy_file *file)
{
	struct sheet sheet = sheet_begin();
	sheet_put(&sheet, "%s: policy bundle %" PRIu64 "\n", file->shown, file->config->terms->sequence);
	put_signature(&sheet, &file->signature);
	policy_file_put(&sheet, file, file->signature.now_s);
	int r = put_sections(&sheet, file);
	sheet.error = sheet.error == 0 ? r : sheet.error;
	return sheet_print(&sheet, CLI_EXIT_OK);
}

static void put_statement(struct json *j, const struct inspection *in)
{
	char text[ARN_TEXT_SIZE], utc[CLOCK_UTC_SIZE];
	json_bool(j, "signed", in->claims_signature);
	json_text(j, "integrity", !in->claims_signature ? NULL : in->integrity ? "good" : "broken");
	if (!in->has_statement)
		return;
	arn_print_profile(&in->statement.profile_version, text);
	json_text(j, "profileVersionArn", text);
	arn_print_job(&in->statement.job, text);
	json_text(j, "jobArn", text);
	clock_format_utc(in->statement.signed_at_s, utc);
	json_text(j, "signedAt", utc);
	clock_format_utc(in->statement.expires_at_s, utc);
	json_text(j, "expiresAt", utc);
}

static int print_json(const struct policy_file *file, const char *path)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "file", path);
	put_statement(&j, &file->signature);
	policy_file_put_json(&j, file);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int run(int argc, char **argv)
{
	const char *given = NULL;
	struct policy_file file = {0};
	bool json = false, done = false;
	const struct cli_option options[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	int code = cli_parse(cli_policy_show_commands, options, ARRAY_SIZE(options), &argc, argv, 0, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (argc == 1)
		return policy_show_host(given, json);
	if (given)
		return cli_usage_error(cli_policy_show_commands,
				       "a file is shown without a host's configuration: leave --config away");
	if (policy_file_open(argv[1], &file) < 0)
		return CLI_EXIT_FAILURE;
	code = json ? print_json(&file, argv[1]) : print(&file);
	policy_file_done(&file);
	return code;
}
