/* run.c - `run`: a command in the environment of a function's current release. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"
#include "runtime_env.h"

/* As env(1) and every shell. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND	127

static int run(int argc, char **argv);

const struct cli_command cli_run_commands[] = {
	{.name = "run",
	 .summary = "start a command in a function's release, with its layers in the environment",
	 .usage = "Examples:\n"
		  "  vouchfs run main-function -- python3 app.py\n"
		  "  vouchfs run main-function -- node index.js --port 8080\n"
		  "  vouchfs run main-function -- ./bootstrap\n\n"
		  "The working directory is the release's task/, the environment the caller's and over it what\n"
		  "`vouchfs env` prints. vouchfs becomes the command: its exit code and signals are its own.\n\n"
		  "Options, before the --:\n"
		  "  -c, --config CONF  the configuration of the mount (default: $VOUCHFS_CONF, else\n"
		  "                     " CONFIG_DEFAULT_PATH ")\n\n"
		  "Exit codes: those of the command; 1 nothing is served or it is blocked, 2 usage, 126 the command\n"
		  "cannot be run, 127 there is no such command.\n",
	 .run = run},
	{.name = NULL},
};

static int enter(const struct runtime_env *env)
{
	char *task = NULL;
	for (size_t i = 0; i < env->count; i++) {
		if (setenv(env->items[i].name, env->items[i].value.data, 1) < 0)
			return -errno;
		if (strcmp(env->items[i].name, "LAMBDA_TASK_ROOT") == 0)
			task = env->items[i].value.data;
	}
	ASSERT(task);
	return chdir(task) < 0 ? -errno : 0;
}

/* Returns only when it fails. */
static int become(char **command)
{
	char shown[256];
	(void)execvp(command[0], command);
	int error = errno;
	cli_error("%s: %s", text_escape_print(shown, sizeof(shown), command[0], strlen(command[0])), strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

/* Where the command begins, behind the first "--"; argc: there is none. */
static int find_command(int argc, char **argv)
{
	int at = 1;
	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	return at < argc ? at + 1 : argc;
}

static int run(int argc, char **argv)
{
	const char *config = NULL;
	bool done;
	const struct cli_option options[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &config},
	};
	const struct cli_command *usage = &cli_run_commands[0];
	int command = find_command(argc, argv), own_argc = command < argc ? command - 1 : argc;
	int code = cli_parse(usage, options, ARRAY_SIZE(options), &own_argc, argv, 1, command < argc ? 1 : argc, &done);
	if (code != 0 || done)
		return code;
	if (command == argc)
		return cli_usage_error(usage, "which command? It comes behind --: vouchfs run FUNCTION -- COMMAND");

	const char *path = getenv("PATH");
	struct runtime_env env;
	code = cli_runtime_env(config, argv[1], path ? path : "/usr/local/bin:/usr/bin:/bin", &env);
	int r = code == 0 ? enter(&env) : 0;
	if (r < 0) {
		cli_error("%s: %s", env.release, strerror(-r));
		code = CLI_EXIT_FAILURE;
	}
	runtime_env_done(&env);
	return code == 0 ? become(argv + command) : code;
}
