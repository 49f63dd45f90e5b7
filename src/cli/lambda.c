/* What the lambda verbs share: the host's configuration and mount, failing as AWS does. */
#include "lambda.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fs/mount.h"
#include "in_force.h"

#define MESSAGE_SIZE 4096

int cli_lambda_parse(const struct cli_command *command, const struct cli_option *options, size_t option_count,
		     int *argc, char **argv, struct cli_lambda *ret, bool *ret_done)
{
	const struct cli_option common[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &ret->config_path},
		{.name = "endpoint-url", .refuse = "there is no endpoint; the host's configuration is -c CONF"},
		{.name = "profile", .refuse = "there are no AWS credentials; who calls is the Unix user"},
	};
	struct cli_option all[CLI_OPTIONS_MAX];
	ASSERT(option_count + ARRAY_SIZE(common) <= CLI_OPTIONS_MAX);
	if (option_count > 0)
		memcpy(all, options, option_count * sizeof(all[0]));
	memcpy(all + option_count, common, sizeof(common));
	return cli_aws_parse(command, all, option_count + ARRAY_SIZE(common), argc, argv, &ret->aws, ret_done);
}

int cli_lambda_fail(const char *operation, const char *error_name, const char *format, ...)
{
	char text[MESSAGE_SIZE];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cli_aws_error(operation, error_name, text);
	return CLI_EXIT_AWS_REFUSED;
}

int cli_lambda_no_memory(const char *operation)
{
	return cli_lambda_fail(operation, "ServiceException", "%s", strerror(ENOMEM));
}

static int open_config(const char *given, struct lambda_host *host)
{
	char shown[512];
	const char *path = cli_config_path(given);
	struct buf errors = {0};
	struct cli_in_force in_force = {0};
	int r = fs_resolve(path, &host->path);
	if (r == 0)
		r = cli_in_force_load(host->path, &in_force, &errors);
	host->config = in_force.config;
	host->bundle = in_force.bundle;
	if (errors.data)
		(void)fputs(errors.data, stderr);
	buf_done(&errors);
	if (r == 0)
		return 0;

	(void)text_escape_print(shown, sizeof(shown), path, strlen(path));
	if (r == -ENOENT)
		return cli_lambda_fail(host->operation, "ServiceException",
				       "there is no configuration at %s; name one with -c CONF or $VOUCHFS_CONF",
				       shown);
	if (r == -EPERM)
		return cli_lambda_fail(host->operation, "AccessDeniedException",
				       "which policy bundle governs this host cannot be known: %s is not mounted, and "
				       "you may not read its store",
				       shown);
	if (r == -EACCES)
		return cli_lambda_fail(host->operation, "AccessDeniedException",
				       "%s: %s; the configuration is public, let others read it (chmod a+r)", shown,
				       strerror(-r));
	return cli_lambda_fail(host->operation, "ServiceException",
			       "the configuration %s cannot be used as it stands; `vouchfs check-config` lists what is "
			       "wrong",
			       shown);
}

int cli_lambda_open(const char *operation, const struct cli_lambda *options, struct lambda_host *ret)
{
	*ret = (struct lambda_host){.operation = operation};
	int exit_code = open_config(options->config_path, ret);
	if (exit_code != 0)
		return exit_code;
	ASSERT(ret->config);
	if (options->aws.region && strcmp(options->aws.region, ret->config->region) != 0)
		return cli_lambda_fail(operation, "InvalidParameterValueException",
				       "--region: this host is in region %s", ret->config->region);

	struct buf mountpoint = {0};
	int r = fs_find_mount(ret->path, &mountpoint);
	if (r == 0) {
		ret->mountpoint = buf_steal(&mountpoint);
		if (!ret->mountpoint)
			r = -ENOMEM;
	}
	buf_done(&mountpoint);
	if (r < 0 && r != -ENOENT)
		return cli_lambda_fail(operation, "ServiceException", "the mount of %s cannot be found: %s", ret->path,
				       strerror(-r));
	return 0;
}

bool cli_lambda_begin(const struct cli_command *command, const char *operation, const struct cli_option *options,
		      size_t option_count, int argc, char **argv, struct lambda_host *ret, int *ret_exit_code)
{
	struct cli_lambda common = {0};
	bool done;
	int exit_code = cli_lambda_parse(command, options, option_count, &argc, argv, &common, &done);
	if (exit_code == 0 && !done)
		exit_code = cli_lambda_open(operation, &common, ret);
	if (exit_code == 0 && !done)
		exit_code = cli_lambda_need_mount(ret);
	*ret_exit_code = exit_code;
	if (exit_code == 0 && !done)
		return true;
	lambda_host_done(ret);
	return false;
}

void lambda_host_done(struct lambda_host *host)
{
	config_free(host->config);
	bundle_unref(host->bundle);
	free(host->path);
	free(host->mountpoint);
	*host = (struct lambda_host){0};
}

int cli_lambda_need_mount(const struct lambda_host *host)
{
	if (host->mountpoint)
		return 0;
	return cli_lambda_fail(host->operation, "ServiceException", "%s is not mounted; `vouchfs mount` does that",
			       host->path);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int lambda_list_below(const struct lambda_host *host, const char *directory, struct io_names *ret)
{
	struct buf path = {0};
	int r = buf_printf(&path, "%s/%s", host->mountpoint, directory);
	int fd = r < 0 ? r : io_open_dir(path.data);
	r = fd < 0 ? fd : io_list_dir(fd, ".", ret);
	if (r == 0 && ret->count > 1)
		qsort(ret->names, ret->count, sizeof(*ret->names), by_name);
	io_close(&fd);
	buf_done(&path);
	return r;
}

/* What is not plain in a URL as %XX. */
int lambda_print_location(const char *path, struct json *j)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-~";
	struct buf url = {0};
	int r = buf_puts(&url, "file://");
	for (size_t i = 0; r == 0 && path[i] != '\0'; i++)
		r = strchr(plain, path[i]) ? buf_putc(&url, path[i])
					   : buf_printf(&url, "%%%02X", (unsigned char)path[i]);
	if (r == 0)
		json_text(j, "Location", url.data);
	buf_done(&url);
	return r;
}
