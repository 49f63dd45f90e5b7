/* The pages of --help: all commands, one group, one command. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define NAME_WIDTH_MIN 24

static bool same_group(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The names of a group in one column. */
static int name_width(const struct cli_command *const *arrays, size_t array_count, const char *group)
{
	size_t width = NAME_WIDTH_MIN;
	for (size_t i = 0; i < array_count; i++)
		for (const struct cli_command *c = arrays[i]; c->name; c++)
			if (same_group(c->group, group) && !c->refuse && strlen(c->name) > width)
				width = strlen(c->name);
	return (int)width;
}

static void list_group(const struct cli_command *const *arrays, size_t array_count, const char *group)
{
	int width = name_width(arrays, array_count, group);
	for (size_t i = 0; i < array_count; i++)
		for (const struct cli_command *c = arrays[i]; c->name; c++)
			if (same_group(c->group, group) && !c->refuse)
				(void)printf("  %-*s %s\n", width, c->name, c->summary);
}

void cli_help_all(const struct cli_command *const *arrays, size_t array_count)
{
	static const struct {
		const char *name;
		const char *heading;
	} groups[] = {
		{NULL, "Commands:"},
		{"signer", "On the signing host, vouchfs signer ...:"},
		{"lambda", "On the deployment host, vouchfs lambda ...:"},
		{"audit", "The audit log, vouchfs audit ...:"},
		{"policy", "One policy for many hosts, vouchfs policy ...:"},
	};

	(void)fputs("vouchfs - a filesystem that serves only signed code\n\n"
		    "Usage:\n"
		    "  vouchfs COMMAND [OPTIONS]      vouchfs help COMMAND      vouchfs --version\n",
		    stdout);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		bool any = false;
		for (size_t k = 0; k < array_count && !any; k++)
			for (const struct cli_command *c = arrays[k]; c->name; c++)
				any = any || same_group(c->group, groups[i].name);
		if (!any)
			continue;
		(void)printf("\n%s\n", groups[i].heading);
		list_group(arrays, array_count, groups[i].name);
	}
}

void cli_help_group(const struct cli_command *const *arrays, size_t array_count, const char *group)
{
	(void)printf("Usage:\n"
		     "  vouchfs %s COMMAND [OPTIONS]      vouchfs %s COMMAND --help\n\nCommands:\n",
		     group, group);
	list_group(arrays, array_count, group);
	for (size_t i = 0; i < array_count; i++)
		for (const struct cli_command *c = arrays[i]; c->name; c++)
			if (!c->group && same_group(c->name, group))
				(void)printf("\nWithout a command, vouchfs %s [OPTIONS]: %s\n\n%s", group, c->summary,
					     c->usage);
}

void cli_help_command(const struct cli_command *command)
{
	(void)printf("vouchfs %s%s%s - %s\n\n%s", command->group ? command->group : "", command->group ? " " : "",
		     command->name, command->summary, command->usage);
}
