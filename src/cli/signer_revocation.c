/* signer revoke-signature, revoke-signing-profile, refresh-revocations */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "service.h"
#include "signer.h"

static int run_revoke_signature(int argc, char **argv);
static int run_revoke_profile(int argc, char **argv);
static int run_refresh(int argc, char **argv);

const struct cli_command cli_signer_revocation_commands[] = {
	{
		.group = "signer",
		.name = "revoke-signature",
		.summary = "revoke the signature of one job, for ever",
		.usage = "Examples:\n"
			 "  vouchfs signer revoke-signature --job-id 621a6850-a128-42db-bc30-bd65cc54e187 \\\n"
			 "      --reason 'leaked build host'\n"
			 "  vouchfs signer export-trust --directory trust   # then carry it to the hosts\n\n"
			 "Options:\n"
			 "      --job-id ID      (required)\n"
			 "      --reason TEXT    1 to 500 characters of printable ASCII (required)\n"
			 "      --job-owner ID   whose job it is (default: your own account's); another account's "
			 "through\n"
			 "                       its --service DIR, where you revoke what your account has had "
			 "signed\n" CLI_SERVICE_OPTIONS,
		.run = run_revoke_signature,
	},
	{
		.group = "signer",
		.name = "revoke-signing-profile",
		.summary = "revoke a profile version, for ever, from a time in the past on",
		.usage = "Examples:\n"
			 "  vouchfs signer revoke-signing-profile --profile-name nightly --profile-version a1B2c3D4e5 "
			 "\\\n"
			 "      --reason 'key compromise' --effective-time 2026-11-01T00:00:00Z\n\n"
			 "Signatures made at or after the effective time are revoked, earlier ones stay good. Again "
			 "for\n"
			 "the same version: the effective time moves earlier, never later.\n\n"
			 "Options:\n"
			 "      --profile-name NAME        (required)\n"
			 "      --profile-version VERSION  (required)\n"
			 "      --reason TEXT              1 to 500 characters of printable ASCII (required)\n"
			 "      --effective-time TIME      UTC like 2026-11-01T00:00:00Z, with an offset like +01:00,\n"
			 "                                 or seconds since 1970 (required)\n" CLI_SIGNER_OPTIONS,
		.run = run_revoke_profile,
	},
	{
		.group = "signer",
		.name = "refresh-revocations",
		.summary = "sign the revocation list anew, with a new lifetime",
		.usage = "Examples:\n"
			 "  vouchfs signer refresh-revocations\n"
			 "  vouchfs signer refresh-revocations --revocation-list-days 7\n\n"
			 "Hosts refuse a list that is past its next update, so this runs regularly, or export-trust "
			 "does.\n\n"
			 "Options:\n"
			 "      --revocation-list-days DAYS  the lifetime of this list and those to "
			 "come\n" CLI_SIGNER_OPTIONS,
		.run = run_refresh,
	},
	{.name = NULL},
};

static int revoke_through(const struct cli_command *command, const struct cli_signer *options, const char *job_id,
			  const char *owner, const char *reason)
{
	static const char operation[] = "RevokeSignature";
	struct explain why = {0};
	struct service service = SERVICE_NONE;
	char what[160], escaped[128];
	int exit_code = cli_signer_open_service(command, operation, options, &service);
	if (exit_code != 0)
		return exit_code;
	(void)snprintf(what, sizeof(what), "signing job %s",
		       text_escape_print(escaped, sizeof(escaped), job_id, strlen(job_id)));
	int r = service_check_owner(&service, "job-owner", owner, what, &why);
	if (r == 0)
		r = service_revoke(&service, job_id, reason, &why);
	service_close(&service);
	return r < 0 ? cli_signer_failed(operation, r, &why) : CLI_EXIT_OK;
}

static int run_revoke_signature(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_revocation_commands[0];
	const char *job_id = NULL, *reason = NULL, *owner = NULL;
	const struct cli_option options[] = {
		{.name = "job-id", .kind = CLI_TEXT, .required = true, .ret_text = &job_id},
		{.name = "reason", .kind = CLI_TEXT, .required = true, .ret_text = &reason},
		{.name = "job-owner", .kind = CLI_TEXT, .ret_text = &owner},
	};
	struct cli_signer common = {.takes_service = true};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	if (common.service)
		return revoke_through(command, &common, job_id, owner, reason);

	struct signer *signer = NULL;
	struct explain why = {0};
	exit_code = cli_signer_open(command, "RevokeSignature", &common, &signer);
	if (exit_code == 0)
		exit_code = cli_signer_check_owner("RevokeSignature", signer, owner);
	if (exit_code == 0) {
		int r = signer_revoke_signature(signer, NULL, job_id, reason, &why);
		exit_code = r < 0 ? cli_signer_failed("RevokeSignature", r, &why) : CLI_EXIT_OK;
	}
	signer_close(signer);
	return exit_code;
}

static int run_revoke_profile(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_revocation_commands[1];
	const char *name = NULL, *version = NULL, *reason = NULL, *effective = NULL;
	const struct cli_option options[] = {
		{.name = "profile-name", .kind = CLI_TEXT, .required = true, .ret_text = &name},
		{.name = "profile-version", .kind = CLI_TEXT, .required = true, .ret_text = &version},
		{.name = "reason", .kind = CLI_TEXT, .required = true, .ret_text = &reason},
		{.name = "effective-time", .kind = CLI_TEXT, .required = true, .ret_text = &effective},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	int64_t effective_s;
	if (!cli_aws_parse_time(effective, &effective_s))
		return cli_usage_error(command, "--effective-time is a time like 2026-11-01T00:00:00Z");

	struct signer *signer = NULL;
	struct explain why = {0};
	exit_code = cli_signer_open(command, "RevokeSigningProfile", &common, &signer);
	if (exit_code == 0) {
		int r = signer_revoke_profile_version(signer, name, version, reason, effective_s, &why);
		exit_code = r < 0 ? cli_signer_failed("RevokeSigningProfile", r, &why) : CLI_EXIT_OK;
	}
	signer_close(signer);
	return exit_code;
}

static int refresh(struct signer *signer, unsigned days)
{
	struct explain why = {0};
	struct revocation_list *list = NULL;
	int r = signer_refresh_revocations(signer, days, &why);
	if (r == 0)
		r = signer_read_revocations(signer, &list, &why);
	if (r < 0)
		return cli_signer_failed("RefreshRevocations", r, &why);
	ASSERT(list);

	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "sequence", list->sequence);
	cli_aws_time(&j, "issuedAt", list->issued_at_s);
	cli_aws_time(&j, "nextUpdate", list->next_update_s);
	json_close(&j);
	revocation_list_free(list);
	return cli_print_json(&text, json_end(&j));
}

static int run_refresh(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_revocation_commands[2];
	const char *days_text = NULL;
	const struct cli_option options[] = {
		{.name = "revocation-list-days", .kind = CLI_TEXT, .ret_text = &days_text},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	uint64_t days = 0;
	if (days_text && (!text_parse_u64(days_text, strlen(days_text), UINT16_MAX, &days) || days == 0))
		return cli_usage_error(command, "--revocation-list-days is a number of days");

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, "RefreshRevocations", &common, &signer);
	if (exit_code == 0)
		exit_code = refresh(signer, (unsigned)days);
	signer_close(signer);
	return exit_code;
}
