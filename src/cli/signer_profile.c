/* signer put-signing-profile, get-signing-profile */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "service.h"
#include "signature/statement.h"
#include "signer.h"
#include "signer/render.h"

static int run_put(int argc, char **argv);
static int run_get(int argc, char **argv);

const struct cli_command cli_signer_profile_commands[] = {
	{
		.group = "signer",
		.name = "put-signing-profile",
		.summary = "make a signing profile, or a new version with a new key",
		.usage = "Examples:\n"
			 "  vouchfs signer put-signing-profile --platform-id AWSLambda-SHA384-ECDSA \\\n"
			 "      --profile-name profile_for_application_ABC\n"
			 "  vouchfs signer put-signing-profile --platform-id AWSLambda-SHA384-ECDSA \\\n"
			 "      --profile-name nightly --signature-validity-period value=30,type=DAYS\n\n"
			 "  vouchfs signer put-signing-profile --platform-id AWSLambda-SHA384-ECDSA \\\n"
			 "      --profile-name release \\\n"
			 "      --signing-key 'pkcs11:token=vouchfs;object=release?pin-source=file:/etc/pin'\n\n"
			 "Again for an Active profile: a new version with a new key, for all signatures to come.\n\n"
			 "Options:\n"
			 "      --platform-id ID     AWSLambda-SHA384-ECDSA (required)\n"
			 "      --profile-name NAME  2 to 64 of A-Z, a-z, 0-9 and \"_\" (required)\n"
			 "      --signature-validity-period value=N,type=DAYS|MONTHS|YEARS\n"
			 "                           one day to 135 months (default: as before, at first 135 "
			 "months)\n"
			 "      --signing-key pkcs11:...\n"
			 "                           the version's key pair, which is in a token and stays there: "
			 "ECDSA on\n"
			 "                           P-384 (default: a new one in the home)\n" CLI_SIGNER_OPTIONS,
		.run = run_put,
	},
	{
		.group = "signer",
		.name = "get-signing-profile",
		.summary = "show a signing profile",
		.usage = "Examples:\n"
			 "  vouchfs signer get-signing-profile --profile-name profile_for_application_ABC\n\n"
			 "Options:\n"
			 "      --profile-name NAME  (required)\n"
			 "      --profile-owner ID   whose profile it is (default: your own account's); another "
			 "account's\n"
			 "                           through its --service DIR\n" CLI_SERVICE_OPTIONS,
		.run = run_get,
	},
	{.name = NULL},
};

static int parse_validity(const struct cli_command *command, const char *text, struct signer_validity *ret)
{
	char *value = NULL, *type = NULL;
	const struct cli_shorthand keys[] = {
		{.key = "value", .required = true, .ret = &value},
		{.key = "type", .required = true, .ret = &type},
	};
	struct explain why = {0};
	int exit_code = 0;
	if (cli_parse_shorthand(text, keys, ARRAY_SIZE(keys), &why) < 0)
		exit_code = cli_usage_error(command, "--signature-validity-period: %s", why.text);
	else if (!text_parse_u64(value, strlen(value), UINT32_MAX, &ret->value))
		exit_code = cli_usage_error(command, "--signature-validity-period: value= is a number");
	else if (!signer_parse_unit(type, strlen(type), &ret->unit))
		exit_code = cli_usage_error(command, "--signature-validity-period: type= is DAYS, MONTHS or YEARS");
	free(value);
	free(type);
	return exit_code;
}

static int run_put(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_profile_commands[0];
	const char *platform = NULL, *name = NULL, *validity_text = NULL, *signing_key = NULL;
	const struct cli_option options[] = {
		{.name = "platform-id", .kind = CLI_TEXT, .required = true, .ret_text = &platform},
		{.name = "profile-name", .kind = CLI_TEXT, .required = true, .ret_text = &name},
		{.name = "signature-validity-period", .kind = CLI_TEXT, .ret_text = &validity_text},
		{.name = "signing-key", .kind = CLI_TEXT, .ret_text = &signing_key},
		{.name = "signing-material",
		 .refuse = "a version gets a key and a certificate of its own; --signing-key takes a key in a token"},
		{.name = "overrides", .refuse = "the platform has one algorithm and one format; leave it out"},
		{.name = "signing-parameters", .refuse = "the platform takes none; leave it out"},
		{.name = "tags", .refuse = "profiles have no tags; say it with the profile's name"},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	struct signer_validity validity;
	if (validity_text && (exit_code = parse_validity(command, validity_text, &validity)) != 0)
		return exit_code;
	cli_signer_notice_pin(signing_key);

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, "PutSigningProfile", &common, &signer);
	if (exit_code != 0)
		return exit_code;
	struct explain why = {0};
	struct signer_profile profile;
	int r = signer_put_profile_with_key(signer, name, platform, validity_text ? &validity : NULL, signing_key,
					    &profile, &why);
	signer_close(signer);
	if (r < 0)
		return cli_signer_failed("PutSigningProfile", r, &why);

	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	signer_render_arn(&j, &profile.arn);
	signer_render_version(&j, &profile.arn);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int get_through(const struct cli_command *command, const struct cli_signer *options, const char *name,
		       const char *owner)
{
	static const char operation[] = "GetSigningProfile";
	struct explain why = {0};
	struct service service = SERVICE_NONE;
	struct buf text = {0};
	int exit_code = cli_signer_open_service(command, operation, options, &service);
	if (exit_code == 0)
		exit_code = cli_service_check_profile_owner(operation, &service, owner, name);
	if (exit_code != 0)
		goto out;
	int r = service_get_profile(&service, name, &text, &why);
	exit_code = r < 0 ? cli_signer_failed(operation, r, &why) : cli_print_json(&text, 0);
out:
	buf_done(&text);
	service_close(&service);
	return exit_code;
}

static int run_get(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_profile_commands[1];
	const char *name = NULL, *owner = NULL;
	const struct cli_option options[] = {
		{.name = "profile-name", .kind = CLI_TEXT, .required = true, .ret_text = &name},
		{.name = "profile-owner", .kind = CLI_TEXT, .ret_text = &owner},
	};
	struct cli_signer common = {.takes_service = true};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	if (common.service)
		return get_through(command, &common, name, owner);

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, "GetSigningProfile", &common, &signer);
	if (exit_code == 0)
		exit_code = cli_signer_check_owner("GetSigningProfile", signer, owner);
	if (exit_code != 0)
		goto out;
	struct explain why = {0};
	struct signer_profile profile;
	int r = signer_get_profile(signer, name, &profile, &why);
	if (r < 0) {
		exit_code = cli_signer_failed("GetSigningProfile", r, &why);
		goto out;
	}
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	signer_render_profile(&j, &profile);
	exit_code = cli_print_json(&text, json_end(&j));
out:
	signer_close(signer);
	return exit_code;
}
