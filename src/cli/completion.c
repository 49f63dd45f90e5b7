/*
 * What a shell offers to complete, a word a line: commands where no command is given yet, else the options of one. The
 * tables that parse are what is listed; which values an option takes conf/completions/vouchfs knows.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* Groups are told once, by their first array, and not when a command of the same name is. */
static bool is_new_group(const struct cli_command *const *arrays, size_t array_count, size_t at)
{
	const char *group = arrays[at]->group;
	for (size_t i = 0; i < array_count; i++)
		for (const struct cli_command *c = arrays[i]; c->name; c++)
			if (c->group ? i < at && strcmp(c->group, group) == 0 : strcmp(c->name, group) == 0)
				return false;
	return true;
}

static void list_commands(const struct cli_command *c, const char *group)
{
	for (; c->name; c++)
		if (!c->refuse && (group ? c->group && strcmp(c->group, group) == 0 : !c->group))
			(void)puts(c->name);
}

void cli_complete_commands(const struct cli_command *const *arrays, size_t array_count, const char *group)
{
	for (size_t i = 0; i < array_count; i++) {
		list_commands(arrays[i], group);
		if (!group && arrays[i]->group && is_new_group(arrays, array_count, i))
			(void)puts(arrays[i]->group);
	}
	(void)puts("help\n--help");
	if (!group)
		(void)puts("--version");
}

/* A value is announced by "=", a list of them by "=...". */
void cli_complete_options(const struct cli_option *options, size_t option_count)
{
	static const char *const values[] = {[CLI_TEXT] = "=", [CLI_FLAG] = "", [CLI_LIST] = "=..."};
	for (size_t i = 0; i < option_count; i++) {
		if (options[i].refuse)
			continue;
		(void)printf("--%s%s\n", options[i].name, values[options[i].kind]);
		if (options[i].letter)
			(void)printf("-%c%s\n", options[i].letter, values[options[i].kind]);
	}
	(void)puts("--help");
}
