/* signer create-account, export-trust: the beginning of an account, and what deployment hosts get of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "signer.h"

static int run_create_account(int argc, char **argv);
static int run_export_trust(int argc, char **argv);

const struct cli_command cli_signer_account_commands[] = {
	{
		.group = "signer",
		.name = "create-account",
		.summary = "make a signing account: its CA and an empty revocation list",
		.usage = "Examples:\n"
			 "  vouchfs signer create-account --account-id 111122223333\n"
			 "  vouchfs signer create-account --account-id 111122223333 --region eu-west-1 \\\n"
			 "      --home /srv/signer --revocation-list-days 7\n"
			 "  vouchfs signer create-account --account-id 111122223333 \\\n"
			 "      --ca-key 'pkcs11:token=vouchfs;object=ca?pin-source=file:/etc/vouchfs-signer/pin'\n\n"
			 "Options:\n"
			 "      --account-id ID              12 digits; they are part of every ARN (required)\n"
			 "      --region REGION              a-z, 0-9 and \"-\", part of every ARN (default local)\n"
			 "      --revocation-list-days DAYS  how long a revocation list is good for (default 30);\n"
			 "                                   hosts refuse one that is older\n"
			 "      --ca-key pkcs11:...          the CA's key pair, which is in a token and stays there:\n"
			 "                                   ECDSA on P-384 (default: a new one in the "
			 "home)\n" CLI_SIGNER_OPTIONS,
		.run = run_create_account,
	},
	{
		.group = "signer",
		.name = "export-trust",
		.summary = "write the CA certificate and the revocation list for deployment hosts",
		.usage =
			"Examples:\n"
			"  vouchfs signer export-trust --directory ./trust\n"
			"  rsync -a trust/ host:/etc/vouchfs/trust/\n\n"
			"Writes <account>.pem and <account>.revocations. A revocation list that is in the second half\n"
			"of its life is signed anew first.\n\n"
			"Options:\n"
			"      --directory DIR  where to; made when it is missing (required)\n" CLI_SIGNER_OPTIONS,
		.run = run_export_trust,
	},
	{.name = NULL},
};

static int print_account(const char *home)
{
	struct signer *signer = NULL;
	struct explain why = {0};
	int r = signer_open(home, &signer, &why);
	if (r < 0)
		return cli_signer_failed("CreateAccount", r, &why);

	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_text(&j, "accountId", signer_scope(signer)->account);
	json_text(&j, "region", signer_scope(signer)->region);
	json_text(&j, "home", home);
	json_close(&j);
	signer_close(signer);
	return cli_print_json(&text, json_end(&j));
}

static int run_create_account(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_account_commands[0];
	const char *account_id = NULL, *region = SIGNER_REGION_DEFAULT, *days_text = NULL, *ca_key = NULL;
	const struct cli_option options[] = {
		{.name = "account-id", .kind = CLI_TEXT, .required = true, .ret_text = &account_id},
		{.name = "region", .kind = CLI_TEXT, .ret_text = &region},
		{.name = "revocation-list-days", .kind = CLI_TEXT, .ret_text = &days_text},
		{.name = "ca-key", .kind = CLI_TEXT, .ret_text = &ca_key},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	uint64_t days = SIGNER_LIST_DAYS_DEFAULT;
	if (days_text && !text_parse_u64(days_text, strlen(days_text), UINT16_MAX, &days))
		return cli_usage_error(command, "--revocation-list-days is a number of days");
	cli_signer_notice_pin(ca_key);

	struct explain why = {0};
	char *home = cli_signer_home(common.home);
	int r = home ? signer_create_account_with_key(home, account_id, region, (unsigned)days, ca_key, &why) : -ENOMEM;
	exit_code = r < 0 ? cli_signer_failed("CreateAccount", r, &why) : print_account(home);
	free(home);
	return exit_code;
}

static int print_trust(const struct signer *signer, const char *directory)
{
	const char *account = signer_scope(signer)->account;
	struct buf text = {0}, path = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	int r = buf_printf(&path, "%s/%s.pem", directory, account);
	json_text(&j, "certificate", path.data);
	buf_reset(&path);
	if (r == 0)
		r = buf_printf(&path, "%s/%s.revocations", directory, account);
	json_text(&j, "revocations", path.data);
	json_close(&j);
	buf_done(&path);
	return cli_print_json(&text, r < 0 ? r : json_end(&j));
}

static int run_export_trust(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_account_commands[1];
	const char *directory = NULL;
	const struct cli_option options[] = {
		{.name = "directory", .kind = CLI_TEXT, .required = true, .ret_text = &directory},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, "ExportTrust", &common, &signer);
	if (exit_code != 0)
		return exit_code;
	struct explain why = {0};
	int r = signer_export_trust(signer, directory, &why);
	exit_code = r < 0 ? cli_signer_failed("ExportTrust", r, &why) : print_trust(signer, directory);
	signer_close(signer);
	return exit_code;
}
