/* env.c - `env`: what a function's current release needs in its environment, for a shell, for systemd, as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/aws.h"
#include "config/config.h"
#include "runtime_env.h"

/* systemd's own, for a unit does not get the PATH of whoever wrote its file. */
#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int run(int argc, char **argv);

const struct cli_command cli_env_commands[] = {
	{.name = "env",
	 .summary = "the environment of a function: PATH, PYTHONPATH, NODE_PATH ... with its layers",
	 .usage = "Examples:\n"
		  "  eval \"$(vouchfs env main-function)\"\n"
		  "  vouchfs env main-function --systemd > /run/main-function.env\n"
		  "  vouchfs env main-function --json\n\n"
		  "Prints what Lambda's runtimes have in their environment, for the release that is current now. All\n"
		  "paths are of this release: a later deployment changes nothing for who has them.\n\n"
		  "Options:\n"
		  "      --systemd      lines for EnvironmentFile=, with the PATH of systemd's services\n"
		  "      --json         as JSON\n"
		  "  -c, --config CONF  the configuration of the mount (default: $VOUCHFS_CONF, else\n"
		  "                     " CONFIG_DEFAULT_PATH ")\n\n"
		  "Exit codes: 0 printed, 1 nothing is served or it is blocked, 2 usage.\n",
	 .run = run},
	{.name = NULL},
};

/* 'it'\''s' */
static void print_shell(const char *name, const char *value)
{
	(void)printf("export %s='", name);
	for (; *value; value++)
		(void)fputs(*value == '\'' ? "'\\''" : (char[]){*value, '\0'}, stdout);
	(void)fputs("'\n", stdout);
}

/* In double quotes, where systemd takes a backslash before these; it expands nothing in such a file. */
static void print_systemd(const char *name, const char *value)
{
	(void)printf("%s=\"", name);
	for (; *value; value++) {
		if (strchr("\"\\$`", *value))
			(void)fputc('\\', stdout);
		(void)fputc(*value, stdout);
	}
	(void)fputs("\"\n", stdout);
}

static int print_json(const char *function, const struct runtime_env *env)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_text(&j, "function", function);
	json_u64(&j, "release", env->number);
	json_text(&j, "path", env->release);
	json_object(&j, "environment");
	for (size_t i = 0; i < env->count; i++)
		json_text(&j, env->items[i].name, env->items[i].value.data);
	json_close(&j);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int print(const char *function, const struct runtime_env *env, bool systemd, bool json)
{
	if (json)
		return print_json(function, env);
	for (size_t i = 0; i < env->count; i++)
		(systemd ? print_systemd : print_shell)(env->items[i].name, env->items[i].value.data);
	return CLI_EXIT_OK;
}

static int run(int argc, char **argv)
{
	const char *config = NULL;
	bool systemd = false, json = false, done;
	const struct cli_option options[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &config},
		{.name = "systemd", .kind = CLI_FLAG, .ret_flag = &systemd},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	const struct cli_command *command = &cli_env_commands[0];
	int code = cli_parse(command, options, ARRAY_SIZE(options), &argc, argv, 1, 1, &done);
	if (code != 0 || done)
		return code;
	if (systemd && json)
		return cli_usage_error(command, "--systemd and --json are two forms of the same; give one of them");

	const char *path = getenv("PATH");
	struct runtime_env env;
	code = cli_runtime_env(config, argv[1], path && !systemd ? path : SYSTEM_PATH, &env);
	if (code == 0)
		code = print(argv[1], &env, systemd, json);
	runtime_env_done(&env);
	return code;
}
