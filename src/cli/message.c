/* What the commands say on stderr, all in one form. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

void cli_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)fputs("vouchfs: ", stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
}

int cli_usage_exit(const char *group)
{
	bool like_aws = group && (strcmp(group, "signer") == 0 || strcmp(group, "lambda") == 0);
	return like_aws ? CLI_EXIT_AWS_USAGE : CLI_EXIT_USAGE;
}

int cli_usage_error(const struct cli_command *command, const char *format, ...)
{
	char name[128];
	(void)snprintf(name, sizeof(name), "vouchfs %s%s%s", command->group ? command->group : "",
		       command->group ? " " : "", command->name);

	va_list args;
	va_start(args, format);
	(void)fprintf(stderr, "%s: ", name);
	(void)vfprintf(stderr, format, args);
	(void)fprintf(stderr, "\nTry `%s --help`.\n", name);
	va_end(args);
	return cli_usage_exit(command->group);
}

void cli_aws_error(const char *operation, const char *error_name, const char *text)
{
	(void)fprintf(stderr, "An error occurred (%s) when calling the %s operation: %s\n", error_name, operation,
		      text);
}
