/*
 * check_config.c - `vouchfs check-config`: all errors of a configuration at once, or what it says in a few lines.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"

#define JSON_SCHEMA 1

static const char usage[] =
	"vouchfs check-config\n"
	"vouchfs check-config /etc/vouchfs/vouchfs.conf\n"
	"vouchfs check-config -c ./vouchfs.conf --json\n"
	"\n"
	"Reads the configuration and the files of conf.d beside it as the mount would. Prints every\n"
	"error with file and line and exits 78, or exits 0. Trust files are not opened.\n"
	"\n"
	"  -c, --config FILE  the configuration (default: $VOUCHFS_CONF, else " CONFIG_DEFAULT_PATH ")\n"
	"      --canonical    print all values in effect, defaults too\n"
	"      --json         print the outcome as JSON\n";

/* Slots whose signatures nobody checks are worth a line each. */
static void print_unchecked(const struct config *config)
{
	for (size_t i = 0; i < config->function_count; i++)
		if (!config->functions[i].code_signing)
			printf("unchecked: function %s has code_signing_config = " CONFIG_NONE "\n",
			       config->functions[i].name);
}

static void print_summary(const struct config *config, const char *path)
{
	char shown[512];
	printf("%s: ok: accounts %zu, code-signing configs %zu, functions %zu, layers %zu, principals %zu\n",
	       text_escape_print(shown, sizeof(shown), path, strlen(path)), config->account_count,
	       config->code_signing_count, config->function_count, config->layer_count, config->principal_count);
	print_unchecked(config);
}

static void add_lines(struct json *j, const struct buf *errors)
{
	const char *at = errors->data, *end = errors->data + errors->len;
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((line_end ? line_end : end) - at);
		json_text_n(j, NULL, at, len);
		at += len + 1;
	}
}

static int print_json(const struct config *config, const char *path, const struct buf *errors)
{
	struct buf out = {0};
	struct json j = {.out = &out, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", JSON_SCHEMA);
	json_text(&j, "config", path);
	json_bool(&j, "ok", config != NULL);
	json_array(&j, "errors");
	if (errors->data)
		add_lines(&j, errors);
	json_close(&j);
	json_close(&j);
	int r = json_end(&j);
	if (r == 0)
		puts(out.data);
	buf_done(&out);
	return r;
}

struct options {
	const char *path;
	bool canonical, json;
};

static int check(const struct options *options)
{
	struct config *config = NULL;
	struct buf errors = {0};
	int code = CLI_EXIT_OK, r = config_load(options->path, &config, &errors);

	if (r == -ENOMEM) {
		cli_error("out of memory");
		code = CLI_EXIT_FAILURE;
	} else if (r < 0) {
		code = CLI_EXIT_CONFIG;
	}
	if (options->json && r != -ENOMEM && print_json(config, options->path, &errors) < 0)
		code = CLI_EXIT_FAILURE;
	if (!options->json && errors.data)
		(void)fputs(errors.data, stderr);
	if (!options->json && config && options->canonical)
		(void)fputs(config->canonical, stdout);
	else if (!options->json && config)
		print_summary(config, options->path);

	config_free(config);
	buf_done(&errors);
	return code;
}

static int run(int argc, char **argv)
{
	struct options options = {0};
	const char *given = NULL;
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "canonical", .kind = CLI_FLAG, .ret_flag = &options.canonical},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &options.json},
	};
	const struct cli_command *command = &cli_check_config_commands[0];
	int code = cli_parse(command, table, ARRAY_SIZE(table), &argc, argv, 0, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (given && argc > 1)
		return cli_usage_error(command, "the file is named twice, as --config and as operand");
	options.path = cli_config_path(argc > 1 ? argv[1] : given);
	return check(&options);
}

const struct cli_command cli_check_config_commands[] = {
	{.name = "check-config",
	 .summary = "check the configuration and print every error",
	 .usage = usage,
	 .run = run},
	{0},
};
