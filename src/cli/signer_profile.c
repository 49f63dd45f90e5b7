/* signer put-signing-profile, get-signing-profile, list-signing-profiles */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "signature/statement.h"
#include "signer.h"

static int run_put(int argc, char **argv);
static int run_get(int argc, char **argv);
static int run_list(int argc, char **argv);

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
			 "Again for an Active profile: a new version with a new key, for all signatures to come.\n\n"
			 "Options:\n"
			 "      --platform-id ID     AWSLambda-SHA384-ECDSA (required)\n"
			 "      --profile-name NAME  2 to 64 of A-Z, a-z, 0-9 and \"_\" (required)\n"
			 "      --signature-validity-period value=N,type=DAYS|MONTHS|YEARS\n"
			 "                           one day to 135 months (default: as before, at first 135 "
			 "months)\n" CLI_SIGNER_OPTIONS,
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
			 "      --profile-owner ID   the account; another one's through --service "
			 "DIR\n" CLI_SIGNER_OPTIONS,
		.run = run_get,
	},
	{
		.group = "signer",
		.name = "list-signing-profiles",
		.summary = "list the signing profiles that are Active",
		.usage = "Examples:\n"
			 "  vouchfs signer list-signing-profiles\n"
			 "  vouchfs signer list-signing-profiles --statuses Active Revoked\n\n"
			 "Options:\n"
			 "      --include-canceled   those that are Canceled or Revoked too\n"
			 "      --statuses STATUS... only these: Active, Canceled, Revoked\n"
			 "      --platform-id ID     only those of this platform\n" CLI_SIGNER_OPTIONS,
		.run = run_list,
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

/* The parts of an answer that have the same names everywhere. */
static void print_version(struct json *j, const struct arn_profile *arn)
{
	char text[ARN_TEXT_SIZE];
	arn_print_profile(arn, text);
	json_text(j, "profileVersion", arn->version);
	json_text(j, "profileVersionArn", text);
}

static void print_arn(struct json *j, const struct arn_profile *arn)
{
	char text[ARN_TEXT_SIZE];
	struct arn_profile without_version = *arn;
	without_version.version[0] = '\0';
	arn_print_profile(&without_version, text);
	json_text(j, "arn", text);
}

static void print_validity(struct json *j, const struct signer_validity *validity)
{
	json_object(j, "signatureValidityPeriod");
	json_u64(j, "value", validity->value);
	json_text(j, "type", signer_unit_name(validity->unit));
	json_close(j);
}

static void print_platform(struct json *j)
{
	json_text(j, "platformId", STATEMENT_PLATFORM);
	json_text(j, "platformDisplayName", "AWS Lambda");
}

static int run_put(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_profile_commands[0];
	const char *platform = NULL, *name = NULL, *validity_text = NULL;
	const struct cli_option options[] = {
		{.name = "platform-id", .kind = CLI_TEXT, .required = true, .ret_text = &platform},
		{.name = "profile-name", .kind = CLI_TEXT, .required = true, .ret_text = &name},
		{.name = "signature-validity-period", .kind = CLI_TEXT, .ret_text = &validity_text},
		{.name = "signing-material", .refuse = "the profile gets a key and certificate of its own"},
		{.name = "overrides", .refuse = "the platform has nothing to override"},
		{.name = "signing-parameters", .refuse = "the platform takes none"},
		{.name = "tags", .refuse = "profiles have no tags"},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	struct signer_validity validity;
	if (validity_text && (exit_code = parse_validity(command, validity_text, &validity)) != 0)
		return exit_code;

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, "PutSigningProfile", &common, &signer);
	if (exit_code != 0)
		return exit_code;
	struct explain why = {0};
	struct signer_profile profile;
	int r = signer_put_profile(signer, name, platform, validity_text ? &validity : NULL, &profile, &why);
	signer_close(signer);
	if (r < 0)
		return cli_signer_failed("PutSigningProfile", r, &why);

	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	print_arn(&j, &profile.arn);
	print_version(&j, &profile.arn);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static void print_profile(struct json *j, const struct signer_profile *profile)
{
	json_object(j, NULL);
	json_text(j, "profileName", profile->arn.name);
	print_version(j, &profile->arn);
	if (profile->status == SIGNER_PROFILE_REVOKED) {
		json_object(j, "revocationRecord");
		cli_aws_time(j, "revocationEffectiveFrom", profile->revocation_effective_s);
		cli_aws_time(j, "revokedAt", profile->revoked_at_s);
		json_text(j, "revokedBy", profile->arn.scope.account);
		json_close(j);
	}
	print_platform(j);
	print_validity(j, &profile->validity);
	json_text(j, "status", signer_status_name(profile->status));
	print_arn(j, &profile->arn);
	json_object(j, "tags");
	json_close(j);
	json_close(j);
}

static int run_get(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_profile_commands[1];
	const char *name = NULL, *owner = NULL;
	const struct cli_option options[] = {
		{.name = "profile-name", .kind = CLI_TEXT, .required = true, .ret_text = &name},
		{.name = "profile-owner", .kind = CLI_TEXT, .ret_text = &owner},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;

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
	print_profile(&j, &profile);
	exit_code = cli_print_json(&text, json_end(&j));
out:
	signer_close(signer);
	return exit_code;
}

struct filter {
	struct cli_list statuses;
	bool include_canceled;
	const char *platform;
};

static bool is_wanted(const struct filter *filter, const struct signer_profile *profile)
{
	if (filter->platform && strcmp(filter->platform, STATEMENT_PLATFORM) != 0)
		return false;
	if (filter->statuses.count == 0)
		return filter->include_canceled || profile->status == SIGNER_PROFILE_ACTIVE;
	for (size_t i = 0; i < filter->statuses.count; i++)
		if (strcmp(filter->statuses.items[i], signer_status_name(profile->status)) == 0)
			return true;
	return false;
}

static void print_summary(struct json *j, const struct signer_profile *profile)
{
	json_object(j, NULL);
	json_text(j, "profileName", profile->arn.name);
	print_version(j, &profile->arn);
	print_validity(j, &profile->validity);
	print_platform(j);
	json_text(j, "status", signer_status_name(profile->status));
	print_arn(j, &profile->arn);
	json_object(j, "tags");
	json_close(j);
	json_close(j);
}

static int print_profiles(struct signer *signer, const struct filter *filter)
{
	struct explain why = {0};
	struct signer_profile *profiles = NULL;
	size_t count = 0;
	int r = signer_list_profiles(signer, &profiles, &count, &why);
	if (r < 0)
		return cli_signer_failed("ListSigningProfiles", r, &why);

	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_array(&j, "profiles");
	for (size_t i = 0; i < count; i++)
		if (is_wanted(filter, &profiles[i]))
			print_summary(&j, &profiles[i]);
	json_close(&j);
	json_close(&j);
	free(profiles);
	return cli_print_json(&text, json_end(&j));
}

static int check_statuses(const struct cli_command *command, const struct cli_list *statuses)
{
	for (size_t i = 0; i < statuses->count; i++) {
		bool known = false;
		for (int s = SIGNER_PROFILE_ACTIVE; s <= SIGNER_PROFILE_REVOKED; s++)
			known = known ||
				strcmp(statuses->items[i], signer_status_name((enum signer_profile_status)s)) == 0;
		if (!known)
			return cli_usage_error(command, "--statuses are Active, Canceled, Revoked");
	}
	return 0;
}

static int run_list(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_profile_commands[2];
	struct filter filter = {0};
	const struct cli_option options[] = {
		{.name = "include-canceled", .kind = CLI_FLAG, .ret_flag = &filter.include_canceled},
		{.name = "statuses", .kind = CLI_LIST, .ret_list = &filter.statuses},
		{.name = "platform-id", .kind = CLI_TEXT, .ret_text = &filter.platform},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = check_statuses(command, &filter.statuses);
	if (exit_code != 0)
		return exit_code;

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, "ListSigningProfiles", &common, &signer);
	if (exit_code == 0)
		exit_code = print_profiles(signer, &filter);
	signer_close(signer);
	return exit_code;
}
