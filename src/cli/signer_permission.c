/* signer add-profile-permission, remove-profile-permission, list-profile-permissions */
#include <errno.h>

#include "signer.h"
#include "signer/access.h"

static int run_add(int argc, char **argv);
static int run_remove(int argc, char **argv);
static int run_list(int argc, char **argv);

const struct cli_command cli_signer_permission_commands[] = {
	{
		.group = "signer",
		.name = "add-profile-permission",
		.summary = "let an account use a signing profile",
		.usage =
			"Examples:\n"
			"  vouchfs signer add-profile-permission --profile-name profile_for_application_ABC \\\n"
			"      --action signer:StartSigningJob --principal 555555555555 --statement-id allow-dev\n"
			"  vouchfs signer add-profile-permission --profile-name nightly --profile-version a1B2c3D4e5 "
			"\\\n"
			"      --action signer:RevokeSignature --principal 555555555555 --statement-id dev-revokes\n\n"
			"Adds a statement to an Active profile and prints the permissions' new revision. Who acts for\n"
			"an account stands in the file principals of the home; who is named nowhere acts for the\n"
			"home's own account, which needs a statement as well.\n\n"
			"Options:\n"
			"      --profile-name NAME        (required)\n"
			"      --action ACTION            signer:StartSigningJob, signer:SignPayload,\n"
			"                                 signer:GetSigningProfile, signer:RevokeSignature (required)\n"
			"      --principal ID             an account id of 12 digits (required)\n"
			"      --statement-id ID          1 to 64 of A-Z, a-z, 0-9, \"_\" and \"-\" (required)\n"
			"      --profile-version VERSION  for this version only (default: for every one)\n"
			"      --revision-id ID           only when the permissions have this revision "
			"still\n" CLI_SIGNER_OPTIONS,
		.run = run_add,
	},
	{
		.group = "signer",
		.name = "remove-profile-permission",
		.summary = "take a permission away again",
		.usage = "Examples:\n"
			 "  vouchfs signer list-profile-permissions --profile-name nightly   # has the revision\n"
			 "  vouchfs signer remove-profile-permission --profile-name nightly \\\n"
			 "      --statement-id allow-dev --revision-id 621a6850-a128-42db-bc30-bd65cc54e187\n\n"
			 "Prints the permissions' new revision. What was signed meanwhile stays valid.\n\n"
			 "Options:\n"
			 "      --profile-name NAME  (required)\n"
			 "      --statement-id ID    (required)\n"
			 "      --revision-id ID     of the permissions as they were looked at; others are refused\n"
			 "                           (required)\n" CLI_SIGNER_OPTIONS,
		.run = run_remove,
	},
	{
		.group = "signer",
		.name = "list-profile-permissions",
		.summary = "list who may do what with a signing profile",
		.usage = "Examples:\n"
			 "  vouchfs signer list-profile-permissions --profile-name profile_for_application_ABC\n\n"
			 "A profile without permissions: ResourceNotFoundException, as in AWS.\n\n"
			 "Options:\n"
			 "      --profile-name NAME  (required)\n"
			 "      --next-token TOKEN   the answer is always whole, so no token leads "
			 "further\n" CLI_SIGNER_OPTIONS,
		.run = run_list,
	},
	{.name = NULL},
};

static int print_revision(const char *revision_id)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_text(&j, "revisionId", revision_id);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int run_add(int argc, char **argv)
{
	static const char operation[] = "AddProfilePermission";
	const struct cli_command *command = &cli_signer_permission_commands[0];
	const char *profile = NULL, *action = NULL, *principal = NULL, *id = NULL, *version = NULL, *revision = NULL;
	const struct cli_option options[] = {
		{.name = "profile-name", .kind = CLI_TEXT, .required = true, .ret_text = &profile},
		{.name = "action", .kind = CLI_TEXT, .required = true, .ret_text = &action},
		{.name = "principal", .kind = CLI_TEXT, .required = true, .ret_text = &principal},
		{.name = "statement-id", .kind = CLI_TEXT, .required = true, .ret_text = &id},
		{.name = "profile-version", .kind = CLI_TEXT, .ret_text = &version},
		{.name = "revision-id", .kind = CLI_TEXT, .ret_text = &revision},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, operation, &common, &signer);
	if (exit_code != 0)
		return exit_code;
	struct explain why = {0};
	struct signer_statement statement;
	char revision_id[SIGNER_REVISION_ID_SIZE];
	int r = signer_make_statement(id, action, principal, version, &statement, &why);
	if (r == 0)
		r = signer_add_permission(signer, profile, &statement, revision, revision_id, &why);
	signer_close(signer);
	return r < 0 ? cli_signer_failed(operation, r, &why) : print_revision(revision_id);
}

static int run_remove(int argc, char **argv)
{
	static const char operation[] = "RemoveProfilePermission";
	const struct cli_command *command = &cli_signer_permission_commands[1];
	const char *profile = NULL, *id = NULL, *revision = NULL;
	const struct cli_option options[] = {
		{.name = "profile-name", .kind = CLI_TEXT, .required = true, .ret_text = &profile},
		{.name = "statement-id", .kind = CLI_TEXT, .required = true, .ret_text = &id},
		{.name = "revision-id", .kind = CLI_TEXT, .required = true, .ret_text = &revision},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, operation, &common, &signer);
	if (exit_code != 0)
		return exit_code;
	struct explain why = {0};
	char revision_id[SIGNER_REVISION_ID_SIZE];
	int r = signer_remove_permission(signer, profile, id, revision, revision_id, &why);
	signer_close(signer);
	return r < 0 ? cli_signer_failed(operation, r, &why) : print_revision(revision_id);
}

static int print_permissions(const struct signer_permissions *permissions)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_text(&j, "revisionId", permissions->revision_id);
	json_u64(&j, "policySizeBytes", permissions->size_bytes);
	json_array(&j, "permissions");
	for (size_t i = 0; i < permissions->count; i++) {
		const struct signer_statement *statement = &permissions->statements[i];
		json_object(&j, NULL);
		json_text(&j, "action", signer_action_name(statement->action));
		json_text(&j, "principal", statement->principal);
		json_text(&j, "statementId", statement->id);
		if (*statement->version)
			json_text(&j, "profileVersion", statement->version);
		json_close(&j);
	}
	json_close(&j);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int run_list(int argc, char **argv)
{
	static const char operation[] = "ListProfilePermissions";
	const struct cli_command *command = &cli_signer_permission_commands[2];
	const char *profile = NULL, *token = NULL;
	const struct cli_option options[] = {
		{.name = "profile-name", .kind = CLI_TEXT, .required = true, .ret_text = &profile},
		{.name = "next-token", .kind = CLI_TEXT, .ret_text = &token},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, operation, &common, &signer);
	if (exit_code != 0)
		return exit_code;
	struct explain why = {0};
	struct signer_permissions permissions = {0};
	int r = 0;
	if (token) {
		explain_set(&why, "no answer had this next token: the permissions of a profile come in one answer");
		r = -EINVAL;
	} else {
		r = signer_list_permissions(signer, profile, &permissions, &why);
	}
	exit_code = r < 0 ? cli_signer_failed(operation, r, &why) : print_permissions(&permissions);
	signer_permissions_done(&permissions);
	signer_close(signer);
	return exit_code;
}
