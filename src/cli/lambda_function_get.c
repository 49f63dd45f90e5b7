/* lambda get-function, get-function-configuration, list-functions: what is served, as AWS shows it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/io.h"
#include "lambda.h"

static int run_get(int argc, char **argv);
static int run_get_configuration(int argc, char **argv);
static int run_list(int argc, char **argv);

enum { GET, GET_CONFIGURATION, LIST };

const struct cli_command cli_lambda_function_get_commands[] = {
	[GET] = {.group = "lambda",
		 .name = "get-function",
		 .summary = "show what is served of a function, and where it is",
		 .usage = "Examples:\n"
			  "  vouchfs lambda get-function --function-name main-function\n\n"
			  "Code.Location is the artifact as it was deployed; `curl -o code.zip LOCATION` gets it.\n\n"
			  "Options:\n"
			  "      --function-name F   its name or its ARN (required)\n" CLI_LAMBDA_OPTIONS,
		 .run = run_get},
	[GET_CONFIGURATION] = {.group = "lambda",
			       .name = "get-function-configuration",
			       .summary = "show what is served of a function",
			       .usage = "Examples:\n"
					"  vouchfs lambda get-function-configuration --function-name main-function\n\n"
					"Options:\n"
					"      --function-name F   its name or its ARN (required)\n" CLI_LAMBDA_OPTIONS,
			       .run = run_get_configuration},
	[LIST] = {.group = "lambda",
		  .name = "list-functions",
		  .summary = "list the functions that are served",
		  .usage = "Examples:\n"
			   "  vouchfs lambda list-functions\n\n"
			   "Options:\n" LAMBDA_PAGE_USAGE CLI_LAMBDA_OPTIONS,
		  .run = run_list},
	{.name = NULL},
};

#define QUALIFIER                                                                                                      \
	{                                                                                                              \
		.name = "qualifier", .refuse = "the releases of a function are below run/.releases/F"                  \
	}

static int print_code(const struct lambda_host *host, const char *function, uint64_t release, struct json *j)
{
	struct buf path = {0};
	int r = buf_printf(&path, "%s/run/.releases/%s/%" PRIu64 "/code.zip", host->mountpoint, function, release);
	json_object(j, "Code");
	json_text(j, "RepositoryType", "vouchfs");
	if (r == 0)
		r = lambda_print_location(path.data, j);
	json_close(j);
	buf_done(&path);
	return r;
}

static int print_configuration(const struct lambda_host *host, const char *function)
{
	return lambda_print_function(host, function, false);
}

static int print_function(const struct lambda_host *host, const char *function)
{
	struct lambda_release release = {0};
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	int r = lambda_release_read(host, function, &release);
	if (r < 0)
		return cli_lambda_release_failed(host, function, r);
	json_object(&j, NULL);
	lambda_release_print(host, function, &release, false, "Configuration", &j);
	r = print_code(host, function, release.number, &j);
	json_close(&j);
	lambda_release_done(&release);
	return cli_print_json(&text, r < 0 ? r : json_end(&j));
}

/* The two verbs that show one function. */
static int show(const struct cli_command *command, const char *operation, int argc, char **argv,
		int (*print)(const struct lambda_host *host, const char *function))
{
	const char *text = NULL;
	const struct cli_option options[] = {
		{.name = "function-name", .kind = CLI_TEXT, .required = true, .ret_text = &text},
		QUALIFIER,
	};
	struct lambda_host host = {0};
	char function[ARN_LAMBDA_NAME_SIZE];
	int exit_code;
	if (!cli_lambda_begin(command, operation, options, ARRAY_SIZE(options), argc, argv, &host, &exit_code))
		return exit_code;
	exit_code = cli_lambda_function_name(&host, text, function);
	if (exit_code == 0)
		exit_code = print(&host, function);
	lambda_host_done(&host);
	return exit_code;
}

static int run_get(int argc, char **argv)
{
	return show(&cli_lambda_function_get_commands[GET], "GetFunction", argc, argv, print_function);
}

static int run_get_configuration(int argc, char **argv)
{
	return show(&cli_lambda_function_get_commands[GET_CONFIGURATION], "GetFunctionConfiguration", argc, argv,
		    print_configuration);
}

/* ---- list ---- */

static int print_functions(const struct lambda_host *host, const struct lambda_page *page, const struct io_names *names)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	const char *last = NULL;
	uint64_t count = 0;
	size_t i = 0;
	json_object(&j, NULL);
	json_array(&j, "Functions");
	for (; i < names->count && count < page->limit; i++) {
		struct lambda_release release = {0};
		const char *name = names->names[i];
		if (!config_is_function_name(name) || lambda_page_skips(page, name))
			continue;
		int r = lambda_release_read(host, name, &release);
		if (r == -ENOENT) /* it went meanwhile */
			continue;
		if (r < 0) {
			buf_done(&text);
			return cli_lambda_release_failed(host, name, r);
		}
		lambda_release_print(host, name, &release, false, NULL, &j);
		lambda_release_done(&release);
		last = name;
		count++;
	}
	json_close(&j);
	if (last && i < names->count)
		lambda_page_print_next(page, &j, last);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int run_list(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_function_get_commands[LIST];
	struct lambda_page page = {0};
	const struct cli_option options[] = {
		LAMBDA_PAGE_OPTIONS(page),
		{.name = "function-version", .refuse = "the list has what is served now"},
		{.name = "master-region", .refuse = "a host is in one region"},
	};
	struct lambda_host host = {0};
	struct io_names names = {0};
	int exit_code;
	if (!cli_lambda_begin(command, "ListFunctions", options, ARRAY_SIZE(options), argc, argv, &host, &exit_code))
		return exit_code;
	exit_code = lambda_page_check(command, &page);
	int r = exit_code == 0 ? lambda_list_below(&host, "run", &names) : 0;
	if (r < 0)
		exit_code = cli_lambda_fail(host.operation, "ServiceException", "%s/run: %s", host.mountpoint,
					    strerror(-r));
	if (exit_code == 0)
		exit_code = print_functions(&host, &page, &names);
	io_names_done(&names);
	lambda_host_done(&host);
	return exit_code;
}
