/* lambda create-, update-, get-, delete-code-signing-config, list-code-signing-configs */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lambda_settings.h"

static int run_create(int argc, char **argv);
static int run_update(int argc, char **argv);
static int run_get(int argc, char **argv);
static int run_delete(int argc, char **argv);
static int run_list(int argc, char **argv);

enum { CREATE, UPDATE, GET, DELETE, LIST };

#define SETTINGS_USAGE                                                                                                 \
	"      --description D       at most 184 characters: a line of the configuration\n"                            \
	"      --allowed-publishers SigningProfileVersionArns=ARN,ARN\n"                                               \
	"                            1 to 20 profiles (an ARN without a version allows all of them); their\n"          \
	"                            accounts are trusted with [account ID]\n"                                         \
	"      --code-signing-policies UntrustedArtifactOnDeployment=Warn|Enforce\n"

const struct cli_command cli_lambda_csc_commands[] = {
	[CREATE] = {.group = "lambda",
		    .name = "create-code-signing-config",
		    .summary = "declare whose signatures count, and Warn or Enforce",
		    .usage =
			    "Examples:\n"
			    "  vouchfs lambda create-code-signing-config --description \"Program ABC CSC\" \\\n"
			    "      --allowed-publishers SigningProfileVersionArns=$PROFILE_VERSION_ARN \\\n"
			    "      --code-signing-policies \"UntrustedArtifactOnDeployment\"=\"Enforce\"\n\n"
			    "Writes a file of conf.d beside the configuration, and returns when the running mount has\n"
			    "read it. A config that would be faulty is refused, and nothing changes.\n\n"
			    "Options:\n" SETTINGS_USAGE "                            (default Warn)\n"
			    "      --code-signing-config-id NAME\n"
			    "                            1 to 29 of A-Z, a-z, 0-9, _ and - (default: made "
			    "up)\n" CLI_LAMBDA_OPTIONS,
		    .run = run_create},
	[UPDATE] = {.group = "lambda",
		    .name = "update-code-signing-config",
		    .summary = "change a code-signing config",
		    .usage = "Examples:\n"
			     "  vouchfs lambda update-code-signing-config --code-signing-config-arn $CSC_ARN \\\n"
			     "      --code-signing-policies UntrustedArtifactOnDeployment=Enforce\n\n"
			     "What is not given stays; publishers are replaced whole. Counts from the next deployment "
			     "on.\n\n"
			     "Options:\n"
			     "      --code-signing-config-arn ARN   or its name (required)\n" SETTINGS_USAGE
				     CLI_LAMBDA_OPTIONS,
		    .run = run_update},
	[GET] = {.group = "lambda",
		 .name = "get-code-signing-config",
		 .summary = "show a code-signing config",
		 .usage = "Examples:\n"
			  "  vouchfs lambda get-code-signing-config --code-signing-config-arn $CSC_ARN\n\n"
			  "Options:\n"
			  "      --code-signing-config-arn ARN   or its name (required)\n" CLI_LAMBDA_OPTIONS,
		 .run = run_get},
	[DELETE] = {.group = "lambda",
		    .name = "delete-code-signing-config",
		    .summary = "delete a code-signing config that nothing uses",
		    .usage = "Examples:\n"
			     "  vouchfs lambda delete-code-signing-config --code-signing-config-arn $CSC_ARN\n\n"
			     "One that functions or patterns use is kept, and the message names them.\n\n"
			     "Options:\n"
			     "      --code-signing-config-arn ARN   or its name (required)\n" CLI_LAMBDA_OPTIONS,
		    .run = run_delete},
	[LIST] = {.group = "lambda",
		  .name = "list-code-signing-configs",
		  .summary = "list the code-signing configs of this host",
		  .usage = "Examples:\n"
			   "  vouchfs lambda list-code-signing-configs\n\n"
			   "Options:\n" LAMBDA_PAGE_USAGE CLI_LAMBDA_OPTIONS,
		  .run = run_list},
	{.name = NULL},
};

/* ---- answers ---- */

static void print_modified(struct json *j, const struct config_origin *origin)
{
	char utc[CLOCK_UTC_SIZE], text[CLOCK_UTC_SIZE + 16];
	clock_format_utc(origin->mtime_s, utc);
	(void)snprintf(text, sizeof(text), "%.19s.%09uZ", utc, origin->mtime_ns);
	json_text(j, "LastModified", text);
}

static void print_config(struct json *j, const char *key, const struct config *config,
			 const struct config_code_signing *csc)
{
	char arn[ARN_TEXT_SIZE];
	lambda_config_arn(config, csc->name, arn);
	json_object(j, key);
	json_text(j, "CodeSigningConfigId", csc->name);
	json_text(j, "CodeSigningConfigArn", arn);
	if (csc->description[0] != '\0')
		json_text(j, "Description", csc->description);
	json_object(j, "AllowedPublishers");
	json_array(j, "SigningProfileVersionArns");
	for (size_t i = 0; i < csc->publisher_count; i++) {
		arn_print_profile(&csc->publishers[i], arn);
		json_text(j, NULL, arn);
	}
	json_close(j);
	json_close(j);
	json_object(j, "CodeSigningPolicies");
	json_text(j, "UntrustedArtifactOnDeployment", config_mode_name(csc->deployment));
	json_close(j);
	print_modified(j, &csc->origin);
	json_close(j);
}

static int print_one(const struct config *config, const char *name)
{
	const struct config_code_signing *csc = config_find_code_signing(config, name);
	ASSERT(csc);
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	print_config(&j, "CodeSigningConfig", config, csc);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int not_found(const struct lambda_host *host, const char *name)
{
	char arn[ARN_TEXT_SIZE];
	lambda_config_arn(host->config, name, arn);
	return cli_lambda_fail(host->operation, "ResourceNotFoundException",
			       "The code-signing config %s cannot be found; `vouchfs lambda list-code-signing-configs` "
			       "lists those of this host",
			       arn);
}

static int put_settings(const struct lambda_host *host, struct config_edit *edit, const struct cli_command *command,
			const char *name, const struct lambda_settings *s)
{
	char section[LAMBDA_SECTION_SIZE];
	const struct config_section_text text = {
		.section = lambda_section("code-signing-config", name, section),
		.command = command->name,
		.lines = s->lines,
		.line_count = s->line_count,
	};
	return cli_lambda_put(host, edit, &text);
}

/* ---- create ---- */

static int create(const struct lambda_host *host, const struct cli_command *command, const char *name,
		  struct lambda_settings *s)
{
	char section[LAMBDA_SECTION_SIZE];
	struct config_edit *edit = NULL;
	int exit_code = cli_lambda_may_say(host, lambda_section("code-signing-config", name, section));
	if (exit_code == 0)
		exit_code = lambda_render_settings(host, s);
	if (exit_code == 0)
		exit_code = cli_lambda_edit(host, &edit);
	if (exit_code != 0)
		return exit_code;

	const struct config_code_signing *there = config_find_code_signing(config_edit_config(edit), name);
	if (there)
		exit_code = cli_lambda_fail(host->operation, "ResourceConflictException",
					    "there is a code-signing config %s already, at %s:%u; "
					    "update-code-signing-config changes it",
					    name, there->origin.file, there->origin.line);
	else
		exit_code = put_settings(host, edit, command, name, s);
	if (exit_code == 0)
		exit_code = print_one(config_edit_config(edit), name);
	config_edit_close(edit);
	return exit_code;
}

static int run_create(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_csc_commands[CREATE];
	struct lambda_settings s = {0};
	const char *id = NULL;
	const struct cli_option options[] = {
		{.name = "description", .kind = CLI_TEXT, .ret_text = &s.description},
		{.name = "allowed-publishers", .kind = CLI_TEXT, .required = true, .ret_text = &s.publishers_text},
		{.name = "code-signing-policies", .kind = CLI_TEXT, .ret_text = &s.policies_text},
		{.name = "code-signing-config-id", .kind = CLI_TEXT, .ret_text = &id},
		{.name = "tags", .refuse = "code-signing configs have no tags"},
	};
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	char made_up[LAMBDA_ID_SIZE], name[ARN_LAMBDA_NAME_SIZE];
	bool done;
	int exit_code = cli_lambda_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = lambda_parse_settings(command, &s);
	if (exit_code == 0 && !s.policy) {
		s.policy = strdup("Warn");
		exit_code = s.policy ? 0 : cli_lambda_no_memory("CreateCodeSigningConfig");
	}
	if (exit_code == 0)
		exit_code = cli_lambda_open("CreateCodeSigningConfig", &common, &host);
	lambda_new_id(made_up);
	if (exit_code == 0)
		exit_code = cli_lambda_config_name(&host, id ? id : made_up, name);
	if (exit_code == 0)
		exit_code = create(&host, command, name, &s);
	lambda_host_done(&host);
	lambda_settings_done(&s);
	return exit_code;
}

/* ---- the verbs that name a config ---- */

/* Parses, opens, and finds the config. The options' first is --code-signing-config-arn. */
static int open_named(const char *operation, const struct cli_lambda *common, const char *arn, struct lambda_host *host,
		      char ret_name[ARN_LAMBDA_NAME_SIZE])
{
	int exit_code = cli_lambda_open(operation, common, host);
	if (exit_code == 0)
		exit_code = cli_lambda_config_name(host, arn, ret_name);
	if (exit_code == 0 && !config_find_code_signing(host->config, ret_name))
		exit_code = not_found(host, ret_name);
	return exit_code;
}

/* 0 and the config under the lock, when a command wrote it. */
static int find_ours(const struct lambda_host *host, const struct config_edit *edit, const char *name,
		     const char *what_to_do)
{
	char section[LAMBDA_SECTION_SIZE];
	const struct config_code_signing *csc = config_find_code_signing(config_edit_config(edit), name);
	if (!csc)
		return not_found(host, name);
	int exit_code = cli_lambda_may_say(host, lambda_section("code-signing-config", name, section));
	if (exit_code != 0 || config_edit_is_ours(edit, section, &csc->origin))
		return exit_code;
	return cli_lambda_fail(
		host->operation, "ResourceConflictException",
		"[code-signing-config %s] was written by hand, so it is not changed from here: %s at %s:%u, "
		"then `vouchfs reload`",
		name, what_to_do, csc->origin.file, csc->origin.line);
}

static int update(const struct lambda_host *host, const struct cli_command *command, const char *name,
		  struct lambda_settings *s)
{
	char section[LAMBDA_SECTION_SIZE];
	struct config_edit *edit = NULL;
	int exit_code = cli_lambda_may_say(host, lambda_section("code-signing-config", name, section));
	if (exit_code == 0)
		exit_code = lambda_render_settings(host, s);
	if (exit_code == 0 && s->line_count == 0)
		return print_one(host->config, name);
	if (exit_code == 0)
		exit_code = cli_lambda_edit(host, &edit);
	if (exit_code == 0)
		exit_code = find_ours(host, edit, name,
				      "change description, allowed_publisher or untrusted_artifact_on_deployment");
	if (exit_code == 0)
		exit_code = put_settings(host, edit, command, name, s);
	if (exit_code == 0)
		exit_code = print_one(config_edit_config(edit), name);
	config_edit_close(edit);
	return exit_code;
}

static int run_update(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_csc_commands[UPDATE];
	struct lambda_settings s = {0};
	const char *arn = NULL;
	const struct cli_option options[] = {
		{.name = "code-signing-config-arn", .kind = CLI_TEXT, .required = true, .ret_text = &arn},
		{.name = "description", .kind = CLI_TEXT, .ret_text = &s.description},
		{.name = "allowed-publishers", .kind = CLI_TEXT, .ret_text = &s.publishers_text},
		{.name = "code-signing-policies", .kind = CLI_TEXT, .ret_text = &s.policies_text},
	};
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	char name[ARN_LAMBDA_NAME_SIZE];
	bool done;
	int exit_code = cli_lambda_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = lambda_parse_settings(command, &s);
	if (exit_code == 0)
		exit_code = open_named("UpdateCodeSigningConfig", &common, arn, &host, name);
	if (exit_code == 0)
		exit_code = update(&host, command, name, &s);
	lambda_host_done(&host);
	lambda_settings_done(&s);
	return exit_code;
}

static int run_get(int argc, char **argv)
{
	const char *arn = NULL;
	const struct cli_option options[] = {
		{.name = "code-signing-config-arn", .kind = CLI_TEXT, .required = true, .ret_text = &arn},
	};
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	char name[ARN_LAMBDA_NAME_SIZE];
	bool done;
	int exit_code = cli_lambda_parse(&cli_lambda_csc_commands[GET], options, ARRAY_SIZE(options), &argc, argv,
					 &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = open_named("GetCodeSigningConfig", &common, arn, &host, name);
	if (exit_code == 0)
		exit_code = print_one(host.config, name);
	lambda_host_done(&host);
	return exit_code;
}

/* ---- delete ---- */

/* "functions a, b; patterns c-*": whoever is governed by the config. Empty when nobody is. */
static int list_users(const struct config *config, const char *name, struct buf *ret)
{
	int r = 0;
	for (int patterns = 0; patterns <= 1; patterns++) {
		size_t count = 0;
		for (size_t i = 0; r == 0 && i < config->function_count; i++) {
			const struct config_slot *slot = &config->functions[i];
			if (slot->is_pattern != (patterns == 1) || !slot->code_signing ||
			    strcmp(slot->code_signing->name, name) != 0)
				continue;
			const char *before = count++ > 0 ? ", " : ret->len > 0 ? "; " : "";
			const char *kind = count > 1 ? "" : patterns ? "pattern " : "function ";
			r = buf_printf(ret, "%s%s%s", before, kind, slot->name);
		}
	}
	return r;
}

static int delete_unused(const struct lambda_host *host, struct config_edit *edit, const char *name)
{
	char section[LAMBDA_SECTION_SIZE];
	struct buf users = {0};
	int exit_code = 0;
	if (list_users(config_edit_config(edit), name, &users) < 0)
		exit_code = cli_lambda_no_memory(host->operation);
	else if (users.len > 0)
		exit_code = cli_lambda_fail(host->operation, "ResourceConflictException",
					    "code-signing config %s is in use by %s; give them another with "
					    "put-function-code-signing-config, or change their [function] sections",
					    name, users.data);
	else
		exit_code = cli_lambda_remove(host, edit, lambda_section("code-signing-config", name, section));
	buf_done(&users);
	return exit_code;
}

static int run_delete(int argc, char **argv)
{
	const char *arn = NULL;
	const struct cli_option options[] = {
		{.name = "code-signing-config-arn", .kind = CLI_TEXT, .required = true, .ret_text = &arn},
	};
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	struct config_edit *edit = NULL;
	char name[ARN_LAMBDA_NAME_SIZE];
	bool done;
	int exit_code = cli_lambda_parse(&cli_lambda_csc_commands[DELETE], options, ARRAY_SIZE(options), &argc, argv,
					 &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = open_named("DeleteCodeSigningConfig", &common, arn, &host, name);
	if (exit_code == 0)
		exit_code = cli_lambda_edit(&host, &edit);
	if (exit_code == 0)
		exit_code = find_ours(&host, edit, name, "delete the section");
	if (exit_code == 0)
		exit_code = delete_unused(&host, edit, name);
	config_edit_close(edit);
	lambda_host_done(&host);
	return exit_code;
}

/* ---- list ---- */

static int print_list(const struct config *config, const struct lambda_page *page)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	const char *last = NULL;
	uint64_t count = 0;
	json_object(&j, NULL);
	json_array(&j, "CodeSigningConfigs");
	size_t i = 0;
	for (; i < config->code_signing_count && count < page->limit; i++) {
		if (lambda_page_skips(page, config->code_signing[i].name))
			continue;
		last = config->code_signing[i].name;
		print_config(&j, NULL, config, &config->code_signing[i]);
		count++;
	}
	json_close(&j);
	if (i < config->code_signing_count)
		lambda_page_print_next(page, &j, last);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int run_list(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_csc_commands[LIST];
	struct lambda_page page = {0};
	const struct cli_option options[] = {LAMBDA_PAGE_OPTIONS(page)};
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	bool done;
	int exit_code = cli_lambda_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = lambda_page_check(command, &page);
	if (exit_code == 0)
		exit_code = cli_lambda_open("ListCodeSigningConfigs", &common, &host);
	if (exit_code == 0)
		exit_code = print_list(host.config, &page);
	lambda_host_done(&host);
	return exit_code;
}
