/*
 * check_config.c - `vouchfs check-config`: all errors of a configuration at once, or what it says in a few lines.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/policy.h"
#include "in_force.h"

#define JSON_SCHEMA 1

static const char usage[] =
	"vouchfs check-config\n"
	"vouchfs check-config /etc/vouchfs/vouchfs.conf\n"
	"vouchfs check-config -c ./vouchfs.conf --json\n"
	"\n"
	"Reads the configuration and the files of conf.d beside it as the mount would. Prints every\n"
	"error with file and line and exits 78, or exits 0. Trust files are not opened.\n"
	"\n"
	"Where [policy] names a publisher, the policy bundle in force is taken from the store, or from the\n"
	"mount, and what is in force with it is checked, its trust files too; each thing in the host's own\n"
	"files that it leaves no room for is a warning.\n"
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
	if (config->terms)
		printf("governed by policy bundle %" PRIu64 "\n", config->terms->sequence);
	else if (config->policy.publisher_count > 0)
		printf("no policy bundle is in force, so nothing that one would govern is\n");
	print_unchecked(config);
}

static void print_overrides(const struct config *config)
{
	for (size_t i = 0; i < config->override_count; i++)
		(void)fprintf(stderr, "%s:%u: warning: %s\n", config->overrides[i].file, config->overrides[i].line,
			      config->overrides[i].text);
}

static void add_overrides(struct json *j, const struct config *config)
{
	char line[4096];
	for (size_t i = 0; i < config->override_count; i++) {
		(void)snprintf(line, sizeof(line), "%s:%u: %s", config->overrides[i].file, config->overrides[i].line,
			       config->overrides[i].text);
		json_text(j, NULL, line);
	}
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
	json_array(&j, "warnings");
	if (config)
		add_overrides(&j, config);
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
	struct cli_in_force in_force = {0};
	struct buf errors = {0};
	int code = CLI_EXIT_OK, r = cli_in_force_load(options->path, &in_force, &errors);
	const struct config *config = in_force.config;

	if (r == -ENOMEM) {
		cli_error("out of memory");
		code = CLI_EXIT_FAILURE;
	} else if (r == -EPERM) {
		code = CLI_EXIT_FAILURE;
	} else if (r < 0) {
		code = CLI_EXIT_CONFIG;
	}
	if (options->json && r != -ENOMEM && print_json(config, options->path, &errors) < 0)
		code = CLI_EXIT_FAILURE;
	if (!options->json && errors.data)
		(void)fputs(errors.data, stderr);
	if (!options->json && config)
		print_overrides(config);
	if (!options->json && config && options->canonical)
		(void)fputs(config->canonical, stdout);
	else if (!options->json && config)
		print_summary(config, options->path);

	cli_in_force_done(&in_force);
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
