/* lambda update-function-configuration: which layers a function has. Written to its file layers, as echo would. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "lambda_write.h"

#define LIST_FILE "layers"

static int run_update(int argc, char **argv);

const struct cli_command cli_lambda_configuration_commands[] = {
	{.group = "lambda",
	 .name = "update-function-configuration",
	 .summary = "attach layer versions to a function, or detach them",
	 .usage = "Examples:\n"
		  "  vouchfs lambda update-function-configuration --function-name main-function \\\n"
		  "      --layers $LAYER_VERSION_ARN\n"
		  "  vouchfs lambda update-function-configuration --function-name main-function --layers\n\n"
		  "The same as writing functions/F/layers: the layers are judged by the function's code-signing\n"
		  "config, and all of them are attached as a new release, or none. An empty list detaches all.\n\n"
		  "Options:\n"
		  "      --function-name F   its name or its ARN (required)\n"
		  "      --layers ARN...     at most 5 layer versions, or NAME:VERSION, the lowest first; without it\n"
		  "                          they stay\n"
		  "      --runtime, --handler, --role, --description, --timeout, --memory-size\n"
		  "                          taken and not kept: who runs the code knows them\n" CLI_LAMBDA_OPTIONS,
	 .run = run_update},
	{.name = NULL},
};

/* ---- the list ---- */

/* The list as a file, of which the mount gets a copy. */
static int render_list(const struct lambda_host *host, const struct cli_list *layers, int *ret_fd)
{
	struct arn_layer_version layer;
	struct buf text = {0};
	char arn[ARN_TEXT_SIZE];
	int fd = -1, r = 0, exit_code = 0;
	for (size_t i = 0; r == 0 && i < layers->count; i++) {
		exit_code = cli_lambda_layer_version(host, layers->items[i], &layer);
		if (exit_code != 0)
			goto out;
		arn_print_layer_version(&layer, arn);
		r = buf_printf(&text, "%s\n", arn);
	}
	if (r == 0)
		r = fd = memfd_create(LIST_FILE, MFD_CLOEXEC);
	if (fd >= 0)
		r = io_write_full(fd, text.data, text.len);
	if (r < 0) {
		io_close(&fd);
		exit_code = cli_lambda_fail(host->operation, "ServiceException", "%s", strerror(-r));
	} else {
		*ret_fd = fd;
	}
out:
	buf_done(&text);
	return exit_code;
}

static int write_list(const struct lambda_host *host, const struct lambda_target *target, const struct cli_list *layers)
{
	int list = -1, to = -1;
	int exit_code = render_list(host, layers, &list);
	int r = exit_code == 0 ? lambda_target_open(host, target, LIST_FILE, &to) : 0;
	if (r < 0)
		exit_code = cli_lambda_target_failed(host, target, -r);
	else if (exit_code == 0)
		exit_code = cli_lambda_target_write(host, target, list, &to);
	io_close(&list);
	return exit_code;
}

/* What is not there is detached already. */
static int remove_list(const struct lambda_host *host, const struct lambda_target *target)
{
	int slot = lambda_open_below(host, target->slot);
	int r = slot < 0 ? slot : unlinkat(slot, LIST_FILE, 0) < 0 ? -errno : 0;
	io_close(&slot);
	return r == 0 || r == -ENOENT ? 0 : cli_lambda_target_failed(host, target, -r);
}

int lambda_attach(const struct lambda_host *host, const char *function, const struct cli_list *layers)
{
	struct lambda_target target;
	lambda_target_layers(function, &target);
	return layers->count > 0 ? write_list(host, &target, layers) : remove_list(host, &target);
}

/* ---- the verb ---- */

static int run_update(int argc, char **argv)
{
	const char *text = NULL;
	struct lambda_unkept unkept;
	struct cli_list layers = {0};
	const struct cli_option options[] = {
		{.name = "function-name", .kind = CLI_TEXT, .required = true, .ret_text = &text},
		{.name = "layers", .kind = CLI_LIST, .may_be_empty = true, .ret_list = &layers},
		LAMBDA_UNKEPT_OPTIONS(unkept),
		LAMBDA_RUNTIME_OPTIONS,
		{.name = "revision-id", .refuse = "functions have no revision ids; the last deployment stands"},
	};
	struct lambda_host host = {0};
	char function[ARN_LAMBDA_NAME_SIZE];
	int exit_code;
	if (!cli_lambda_begin(cli_lambda_configuration_commands, "UpdateFunctionConfiguration", options,
			      ARRAY_SIZE(options), argc, argv, &host, &exit_code))
		return exit_code;
	exit_code = cli_lambda_function_name(&host, text, function);
	int r = exit_code == 0 ? lambda_release_find(&host, function) : 0;
	if (r < 0)
		exit_code = cli_lambda_release_failed(&host, function, r);
	else if (exit_code == 0 && layers.is_given)
		exit_code = lambda_attach(&host, function, &layers);
	if (exit_code == 0)
		exit_code = lambda_print_function(&host, function, false);
	lambda_host_done(&host);
	return exit_code;
}
