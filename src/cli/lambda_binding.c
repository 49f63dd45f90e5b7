/* lambda put-, get-, delete-function-code-signing-config, list-functions-by-code-signing-config */
#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "lambda.h"

static int run_put(int argc, char **argv);
static int run_get(int argc, char **argv);
static int run_delete(int argc, char **argv);
static int run_list(int argc, char **argv);

enum { PUT, GET, DELETE, LIST };

#define FUNCTION_USAGE "      --function-name F     its name or its ARN, without a version (required)\n"

const struct cli_command cli_lambda_binding_commands[] = {
	[PUT] = {.group = "lambda",
		 .name = "put-function-code-signing-config",
		 .summary = "bind a function to a code-signing config",
		 .usage =
			 "Examples:\n"
			 "  vouchfs lambda put-function-code-signing-config --function-name main-function \\\n"
			 "      --code-signing-config-arn $CSC_ARN\n\n"
			 "Counts from the next deployment on. A function that goes by a pattern gets a section of its\n"
			 "own with the pattern's owner, group and mode. What was written by hand is not changed: the\n"
			 "message names file and line.\n\n"
			 "Options:\n" FUNCTION_USAGE
			 "      --code-signing-config-arn ARN   or its name (required)\n" CLI_LAMBDA_OPTIONS,
		 .run = run_put},
	[GET] = {.group = "lambda",
		 .name = "get-function-code-signing-config",
		 .summary = "show which code-signing config a function has",
		 .usage = "Examples:\n"
			  "  vouchfs lambda get-function-code-signing-config --function-name main-function\n\n"
			  "Without CodeSigningConfigArn in the answer nobody checks the function's signatures.\n\n"
			  "Options:\n" FUNCTION_USAGE CLI_LAMBDA_OPTIONS,
		 .run = run_get},
	[DELETE] = {.group = "lambda",
		    .name = "delete-function-code-signing-config",
		    .summary = "detach a function from its config: nothing is checked",
		    .usage = "Examples:\n"
			     "  vouchfs lambda delete-function-code-signing-config --function-name main-function\n\n"
			     "Says code_signing_config = none, which shows as UNCHECKED everywhere.\n\n"
			     "Options:\n" FUNCTION_USAGE CLI_LAMBDA_OPTIONS,
		    .run = run_delete},
	[LIST] =
		{.group = "lambda",
		 .name = "list-functions-by-code-signing-config",
		 .summary = "list the functions that have a code-signing config",
		 .usage =
			 "Examples:\n"
			 "  vouchfs lambda list-functions-by-code-signing-config --code-signing-config-arn $CSC_ARN\n\n"
			 "Functions by their own sections, and those of the running mount that go by a pattern.\n\n"
			 "Options:\n"
			 "      --code-signing-config-arn ARN   or its name (required)\n" LAMBDA_PAGE_USAGE
				 CLI_LAMBDA_OPTIONS,
		 .run = run_list},
	{.name = NULL},
};

#define QUALIFIER                                                                                                      \
	{                                                                                                              \
		.name = "qualifier",                                                                                   \
		.refuse = "a code-signing config belongs to the function, not to a version or an alias"                \
	}

static int print_binding(const struct config *config, const char *function)
{
	char arn[ARN_TEXT_SIZE];
	const struct config_slot *slot = config_find_function(config, function);
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	if (slot && slot->code_signing) {
		lambda_config_arn(config, slot->code_signing->name, arn);
		json_text(&j, "CodeSigningConfigArn", arn);
	}
	json_text(&j, "FunctionName", function);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

/* Whether the function is there: declared by name, or a slot of the mount. Without a mount a pattern is enough. */
static bool is_function(const struct lambda_host *host, const char *function)
{
	const struct config_slot *slot = config_find_function(host->config, function);
	if (!slot || !slot->is_pattern || !host->mountpoint)
		return slot != NULL;
	int fd = io_open_dir(host->mountpoint);
	int slots = fd < 0 ? fd : io_open_dirat(fd, "functions");
	int found = slots < 0 ? slots : io_open_dirat(slots, function);
	bool is_there = found >= 0 || found == -EACCES;
	io_close(&found);
	io_close(&slots);
	io_close(&fd);
	return is_there;
}

static int find_function(const struct lambda_host *host, const char *text, char ret_name[ARN_LAMBDA_NAME_SIZE])
{
	char arn[ARN_TEXT_SIZE];
	int exit_code = cli_lambda_function_name(host, text, ret_name);
	if (exit_code != 0 || is_function(host, ret_name))
		return exit_code;
	lambda_function_arn(host->config, ret_name, arn);
	return cli_lambda_fail(host->operation, "ResourceNotFoundException", "Function not found: %s", arn);
}

/* ---- put, delete ---- */

static int bind(const struct lambda_host *host, const struct cli_command *command, const char *function,
		const char *config_name)
{
	struct config_edit *edit = NULL;
	int exit_code = cli_lambda_edit(host, &edit);
	if (exit_code == 0)
		exit_code = cli_lambda_bind(host, edit, command->name, function, config_name);
	if (exit_code == 0 && strcmp(config_name, CONFIG_NONE) != 0)
		exit_code = print_binding(config_edit_config(edit), function);
	config_edit_close(edit);
	return exit_code;
}

static int run_put(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_binding_commands[PUT];
	const char *function_text = NULL, *arn = NULL;
	const struct cli_option options[] = {
		{.name = "function-name", .kind = CLI_TEXT, .required = true, .ret_text = &function_text},
		{.name = "code-signing-config-arn", .kind = CLI_TEXT, .required = true, .ret_text = &arn},
		QUALIFIER,
	};
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	char function[ARN_LAMBDA_NAME_SIZE], name[ARN_LAMBDA_NAME_SIZE], full[ARN_TEXT_SIZE];
	bool done;
	int exit_code = cli_lambda_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = cli_lambda_open("PutFunctionCodeSigningConfig", &common, &host);
	if (exit_code == 0)
		exit_code = cli_lambda_config_name(&host, arn, name);
	if (exit_code == 0 && !config_find_code_signing(host.config, name)) {
		lambda_config_arn(host.config, name, full);
		exit_code = cli_lambda_fail(host.operation, "CodeSigningConfigNotFoundException",
					    "The code-signing config cannot be found: %s; `vouchfs lambda "
					    "list-code-signing-configs` lists those of this host",
					    full);
	}
	if (exit_code == 0)
		exit_code = find_function(&host, function_text, function);
	if (exit_code == 0)
		exit_code = bind(&host, command, function, name);
	lambda_host_done(&host);
	return exit_code;
}

static int run_delete(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_binding_commands[DELETE];
	const char *function_text = NULL;
	const struct cli_option options[] = {
		{.name = "function-name", .kind = CLI_TEXT, .required = true, .ret_text = &function_text},
		QUALIFIER,
	};
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	char function[ARN_LAMBDA_NAME_SIZE];
	bool done;
	int exit_code = cli_lambda_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = cli_lambda_open("DeleteFunctionCodeSigningConfig", &common, &host);
	if (exit_code == 0)
		exit_code = find_function(&host, function_text, function);
	if (exit_code == 0)
		exit_code = bind(&host, command, function, CONFIG_NONE);
	lambda_host_done(&host);
	return exit_code;
}

static int run_get(int argc, char **argv)
{
	const char *function_text = NULL;
	const struct cli_option options[] = {
		{.name = "function-name", .kind = CLI_TEXT, .required = true, .ret_text = &function_text},
		QUALIFIER,
	};
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	char function[ARN_LAMBDA_NAME_SIZE];
	bool done;
	int exit_code = cli_lambda_parse(&cli_lambda_binding_commands[GET], options, ARRAY_SIZE(options), &argc, argv,
					 &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = cli_lambda_open("GetFunctionCodeSigningConfig", &common, &host);
	if (exit_code == 0)
		exit_code = find_function(&host, function_text, function);
	if (exit_code == 0)
		exit_code = print_binding(host.config, function);
	lambda_host_done(&host);
	return exit_code;
}

/* ---- list ---- */

static bool has_config(const struct config *config, const char *function, const char *name)
{
	const struct config_slot *slot = config_find_function(config, function);
	return slot && slot->code_signing && strcmp(slot->code_signing->name, name) == 0;
}

/* The next function behind a name that is in either list. NULL: none. */
static const char *next_function(const struct config *config, const struct io_names *slots, const char *behind,
				 const char *config_name)
{
	const char *next = NULL;
	for (size_t i = 0; i < config->function_count + slots->count; i++) {
		bool declared = i < config->function_count;
		const char *name = declared ? config->functions[i].name : slots->names[i - config->function_count];
		if ((declared && config->functions[i].is_pattern) || strcmp(name, behind) <= 0 ||
		    (next && strcmp(name, next) >= 0) || !has_config(config, name, config_name))
			continue;
		next = name;
	}
	return next;
}

static int print_list(const struct lambda_host *host, const struct lambda_page *page, const char *config_name)
{
	struct io_names slots = {0};
	int fd = host->mountpoint ? io_open_dir(host->mountpoint) : -ENOENT;
	if (fd >= 0)
		(void)io_list_dir(fd, "functions", &slots);
	io_close(&fd);

	char arn[ARN_TEXT_SIZE];
	const char *last = NULL, *start = page->marker ? page->marker : page->starting_token;
	const char *name = next_function(host->config, &slots, start ? start : "", config_name);
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_array(&j, "FunctionArns");
	for (uint64_t count = 0; name && count < page->limit; count++) {
		lambda_function_arn(host->config, name, arn);
		json_text(&j, NULL, arn);
		last = name;
		name = next_function(host->config, &slots, last, config_name);
	}
	json_close(&j);
	if (name)
		lambda_page_print_next(page, &j, last);
	json_close(&j);
	int r = json_end(&j);
	io_names_done(&slots);
	return cli_print_json(&text, r);
}

static int run_list(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_binding_commands[LIST];
	struct lambda_page page = {0};
	const char *config_arn = NULL;
	const struct cli_option options[] = {
		{.name = "code-signing-config-arn", .kind = CLI_TEXT, .required = true, .ret_text = &config_arn},
		LAMBDA_PAGE_OPTIONS(page),
	};
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	char name[ARN_LAMBDA_NAME_SIZE], arn[ARN_TEXT_SIZE];
	bool done;
	int exit_code = cli_lambda_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = lambda_page_check(command, &page);
	if (exit_code == 0)
		exit_code = cli_lambda_open("ListFunctionsByCodeSigningConfig", &common, &host);
	if (exit_code == 0)
		exit_code = cli_lambda_config_name(&host, config_arn, name);
	if (exit_code == 0 && !config_find_code_signing(host.config, name)) {
		lambda_config_arn(host.config, name, arn);
		exit_code = cli_lambda_fail(host.operation, "ResourceNotFoundException",
					    "The code-signing config %s cannot be found", arn);
	}
	if (exit_code == 0)
		exit_code = print_list(&host, &page, name);
	lambda_host_done(&host);
	return exit_code;
}
