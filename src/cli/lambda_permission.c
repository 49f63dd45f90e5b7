/*
 * lambda add-layer-version-permission, remove-layer-version-permission, get-layer-version-policy: a line into, or what
 * is in, the version's file of the mount, as the calling user. Who may, and what is so, the mount decides; the errno of
 * the write is its answer.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "lambda_policy.h"

#define SHOWN_SIZE 160
#define LINE_SIZE  256

static int run_add(int argc, char **argv);
static int run_remove(int argc, char **argv);
static int run_get(int argc, char **argv);

enum { ADD, REMOVE, GET };

const struct cli_command cli_lambda_permission_commands[] = {
	[ADD] = {.group = "lambda",
		 .name = "add-layer-version-permission",
		 .summary = "let another account use a layer version",
		 .usage = "Examples:\n"
			  "  vouchfs lambda add-layer-version-permission --layer-name lambda_signing \\\n"
			  "      --version-number 1 --statement-id for-consuming-account \\\n"
			  "      --action lambda:GetLayerVersion --principal 444455556666\n"
			  "  vouchfs lambda add-layer-version-permission --layer-name lambda_signing \\\n"
			  "      --version-number 1 --statement-id for-all-of-us \\\n"
			  "      --action lambda:GetLayerVersion --principal '*' --organization-id o-a1b2c3d4e5\n\n"
			  "Who acts for another account, and in which organization that is, stands in the sections\n"
			  "[principal] of the configuration. The host's own account needs no permission, and its\n"
			  "members, as far as they may publish versions of the layer, may give them.\n\n"
			  "Options:\n" LAMBDA_POLICY_USAGE
			  "      --statement-id ID      1 to 100 of A-Z, a-z, 0-9, \"_\" and \"-\" (required)\n"
			  "      --action ACTION        lambda:GetLayerVersion (required)\n"
			  "      --principal ID         an account id of 12 digits, or \"*\" for everyone (required)\n"
			  "      --organization-id O    with \"*\": only accounts in this organization\n"
			  "      --revision-id ID       only when the policy has this revision "
			  "still\n" CLI_LAMBDA_OPTIONS,
		 .run = run_add},
	[REMOVE] = {.group = "lambda",
		    .name = "remove-layer-version-permission",
		    .summary = "take a permission on a layer version away again",
		    .usage = "Examples:\n"
			     "  vouchfs lambda remove-layer-version-permission --layer-name lambda_signing \\\n"
			     "      --version-number 1 --statement-id for-consuming-account\n\n"
			     "Functions that have the layer keep it; nobody else attaches it.\n\n"
			     "Options:\n" LAMBDA_POLICY_USAGE "      --statement-id ID      (required)\n"
			     "      --revision-id ID       only when the policy has this revision "
			     "still\n" CLI_LAMBDA_OPTIONS,
		    .run = run_remove},
	[GET] = {.group = "lambda",
		 .name = "get-layer-version-policy",
		 .summary = "show who may use a layer version",
		 .usage = "Examples:\n"
			  "  vouchfs lambda get-layer-version-policy --layer-name lambda_signing --version-number 1\n\n"
			  "A version that nobody else may use: ResourceNotFoundException, as in AWS.\n\n"
			  "Options:\n" LAMBDA_POLICY_USAGE CLI_LAMBDA_OPTIONS,
		 .run = run_get},
	{.name = NULL},
};

static int bad_value(const struct lambda_host *host, const char *value, const char *expected)
{
	char shown[SHOWN_SIZE];
	return cli_lambda_fail(host->operation, "InvalidParameterValueException", "\"%s\" is not %s",
			       text_escape_print(shown, sizeof(shown), value, strlen(value)), expected);
}

/* ---- JSON, as policies of AWS are written ---- */

static void print_statement(const struct lambda_policy_file *target, const struct layer_statement *s, struct json *j)
{
	char arn[ARN_TEXT_SIZE];
	json_object(j, NULL);
	json_text(j, "Sid", s->id);
	json_text(j, "Effect", "Allow");
	if (strcmp(s->principal, LAYER_PRINCIPAL_EVERYONE) == 0) {
		json_text(j, "Principal", s->principal);
	} else {
		(void)snprintf(arn, sizeof(arn), "arn:" ARN_PARTITION_OURS ":iam::%s:root", s->principal);
		json_object(j, "Principal");
		json_text(j, "AWS", arn);
		json_close(j);
	}
	json_text(j, "Action", LAYER_POLICY_ACTION);
	lambda_layer_version_arn(target->host.config, target->layer, target->version, arn);
	json_text(j, "Resource", arn);
	if (s->organization[0] != '\0') {
		json_object(j, "Condition");
		json_object(j, "StringEquals");
		json_text(j, "aws:PrincipalOrgID", s->organization);
		json_close(j);
		json_close(j);
	}
	json_close(j);
}

/* An answer whose first member is JSON in a string. */
static int print_answer(const char *key, struct buf *inner, int r, const char *revision)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	if (r == 0) {
		json_object(&j, NULL);
		json_text_n(&j, key, inner->data, inner->len);
		json_text(&j, "RevisionId", revision);
		json_close(&j);
		r = json_end(&j);
	}
	buf_done(inner);
	return cli_print_json(&text, r);
}

/* ---- the verbs ---- */

/* An account, also as AWS names its root user. */
static bool take_principal(const char *text, char ret[ARN_ACCOUNT_SIZE])
{
	static const char prefix[] = "arn:", middle[] = ":iam::", root[] = ":root";
	size_t len = strlen(text);
	bool is_arn = text_starts_with(text, prefix) && text_ends_with(text, root);
	const char *account = is_arn ? strstr(text, middle) : NULL;
	if (account) {
		account += strlen(middle);
		len -= (size_t)(account - text) + strlen(root);
	} else {
		account = text;
	}
	if (!arn_is_account(account, len) && strcmp(text, LAYER_PRINCIPAL_EVERYONE) != 0)
		return false;
	(void)snprintf(ret, ARN_ACCOUNT_SIZE, "%.*s", (int)len, account);
	return true;
}

struct wanted {
	const char *id, *action, *principal, *organization, *revision;
};

/* 0, or the exit code after having said what is expected. */
static int make_statement(const struct lambda_host *host, const struct wanted *wanted, struct layer_statement *ret)
{
	const char *organization = wanted->organization ? wanted->organization : "";
	struct layer_statement s = {0};
	if (strcmp(wanted->action, LAYER_POLICY_ACTION) != 0)
		return bad_value(host, wanted->action,
				 "an action on layer versions; the only one is " LAYER_POLICY_ACTION);
	if (!layer_policy_is_statement_id(wanted->id))
		return bad_value(host, wanted->id, "a statement id (1 to 100 of A-Z, a-z, 0-9, _ and -)");
	if (!take_principal(wanted->principal, s.principal))
		return bad_value(host, wanted->principal,
				 "a principal: an account id of 12 digits, like 444455556666, or * for everyone");
	if (wanted->organization && !arn_is_organization(organization, strlen(organization)))
		return bad_value(host, organization, "the id of an organization (o- and 10 to 32 of a-z and 0-9)");
	if (wanted->organization && strcmp(s.principal, LAYER_PRINCIPAL_EVERYONE) != 0)
		return cli_lambda_fail(host->operation, "InvalidParameterValueException",
				       "--organization-id goes with --principal \"*\": everyone in the organization");
	(void)snprintf(s.id, sizeof(s.id), "%s", wanted->id);
	(void)snprintf(s.organization, sizeof(s.organization), "%s", organization);
	*ret = s;
	return 0;
}

static int print_added(const struct lambda_policy_file *target, const struct layer_statement *statement)
{
	struct layer_policy policy;
	char revision[LAYER_REVISION_SIZE] = "";
	struct buf text = {0};
	struct json j = {.out = &text};
	int r = lambda_policy_read(target, revision, &policy);
	print_statement(target, statement, &j);
	return print_answer("Statement", &text, r < 0 ? r : json_end(&j), revision);
}

static int add(const struct lambda_policy_file *target, const struct wanted *wanted)
{
	struct layer_statement s = {0};
	char line[LINE_SIZE];
	int exit_code = make_statement(&target->host, wanted, &s);
	if (exit_code != 0)
		return exit_code;
	if (wanted->revision && !arn_is_uuid(wanted->revision, strlen(wanted->revision)))
		return cli_lambda_policy_other_revision(target);
	(void)snprintf(line, sizeof(line), "add %s %s%s%s%s%s\n", s.id, s.principal, s.organization[0] ? " " : "",
		       s.organization, wanted->revision ? " revision=" : "", wanted->revision ? wanted->revision : "");
	exit_code = cli_lambda_policy_change(target, line, s.id);
	return exit_code == 0 ? print_added(target, &s) : exit_code;
}

static int run_add(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_permission_commands[ADD];
	struct lambda_policy_names names = {0};
	struct wanted wanted = {0};
	const struct cli_option options[] = {
		LAMBDA_POLICY_OPTIONS(names),
		{.name = "statement-id", .kind = CLI_TEXT, .required = true, .ret_text = &wanted.id},
		{.name = "action", .kind = CLI_TEXT, .required = true, .ret_text = &wanted.action},
		{.name = "principal", .kind = CLI_TEXT, .required = true, .ret_text = &wanted.principal},
		{.name = "organization-id", .kind = CLI_TEXT, .ret_text = &wanted.organization},
		{.name = "revision-id", .kind = CLI_TEXT, .ret_text = &wanted.revision},
	};
	struct lambda_policy_file target = {.fd = -1};
	int exit_code;
	if (!cli_lambda_begin(command, "AddLayerVersionPermission", options, ARRAY_SIZE(options), argc, argv,
			      &target.host, &exit_code))
		return exit_code;
	exit_code = cli_lambda_policy_open(command, &names, O_RDWR, &target);
	if (exit_code == 0)
		exit_code = add(&target, &wanted);
	lambda_policy_close(&target);
	return exit_code;
}

static int remove_statement(const struct lambda_policy_file *target, const char *id, const char *revision)
{
	char line[LINE_SIZE];
	if (!layer_policy_is_statement_id(id))
		return bad_value(&target->host, id, "a statement id (1 to 100 of A-Z, a-z, 0-9, _ and -)");
	if (revision && !arn_is_uuid(revision, strlen(revision)))
		return cli_lambda_policy_other_revision(target);
	(void)snprintf(line, sizeof(line), "remove %s%s%s\n", id, revision ? " revision=" : "",
		       revision ? revision : "");
	return cli_lambda_policy_change(target, line, id);
}

static int run_remove(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_permission_commands[REMOVE];
	const char *id = NULL, *revision = NULL;
	struct lambda_policy_names names = {0};
	const struct cli_option options[] = {
		LAMBDA_POLICY_OPTIONS(names),
		{.name = "statement-id", .kind = CLI_TEXT, .required = true, .ret_text = &id},
		{.name = "revision-id", .kind = CLI_TEXT, .ret_text = &revision},
	};
	struct lambda_policy_file target = {.fd = -1};
	int exit_code;
	if (!cli_lambda_begin(command, "RemoveLayerVersionPermission", options, ARRAY_SIZE(options), argc, argv,
			      &target.host, &exit_code))
		return exit_code;
	exit_code = cli_lambda_policy_open(command, &names, O_RDWR, &target);
	if (exit_code == 0)
		exit_code = remove_statement(&target, id, revision);
	lambda_policy_close(&target);
	return exit_code;
}

static int print_policy(const struct lambda_policy_file *target)
{
	struct layer_policy policy;
	char revision[LAYER_REVISION_SIZE];
	struct buf text = {0};
	struct json j = {.out = &text};
	int r = lambda_policy_read(target, revision, &policy);
	if (r < 0)
		return cli_lambda_policy_failed(target, -r);
	if (policy.count == 0)
		return cli_lambda_fail(target->host.operation, "ResourceNotFoundException",
				       "version %" PRIu64 " of layer %s has no policy: no other account may use it; "
				       "add-layer-version-permission permits one",
				       target->version, target->layer);
	json_object(&j, NULL);
	json_text(&j, "Version", "2012-10-17");
	json_text(&j, "Id", "default");
	json_array(&j, "Statement");
	for (size_t i = 0; i < policy.count; i++)
		print_statement(target, &policy.statements[i], &j);
	json_close(&j);
	json_close(&j);
	return print_answer("Policy", &text, json_end(&j), revision);
}

static int run_get(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_permission_commands[GET];
	struct lambda_policy_names names = {0};
	const struct cli_option options[] = {LAMBDA_POLICY_OPTIONS(names)};
	struct lambda_policy_file target = {.fd = -1};
	int exit_code;
	if (!cli_lambda_begin(command, "GetLayerVersionPolicy", options, ARRAY_SIZE(options), argc, argv, &target.host,
			      &exit_code))
		return exit_code;
	exit_code = cli_lambda_policy_open(command, &names, O_RDONLY, &target);
	if (exit_code == 0)
		exit_code = print_policy(&target);
	lambda_policy_close(&target);
	return exit_code;
}
