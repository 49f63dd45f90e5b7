/* From argv to the command: names, groups, help, near misses. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "mount_helper.h"
#include "version.h"

#define NAMES_MAX 160

struct commands {
	const struct cli_command *const *arrays;
	size_t array_count;
};

static bool in_group(const struct cli_command *command, const char *group)
{
	return group ? command->group && strcmp(command->group, group) == 0 : !command->group;
}

static const struct cli_command *find_command(const struct commands *all, const char *group, const char *name)
{
	for (size_t i = 0; i < all->array_count; i++)
		for (const struct cli_command *c = all->arrays[i]; c->name; c++)
			if (in_group(c, group) && strcmp(c->name, name) == 0)
				return c;
	return NULL;
}

static const char *find_group(const struct commands *all, const char *name)
{
	for (size_t i = 0; i < all->array_count; i++)
		for (const struct cli_command *c = all->arrays[i]; c->name; c++)
			if (in_group(c, name))
				return c->group;
	return NULL;
}

static int unknown_command(const struct commands *all, const char *group, const char *name)
{
	const char *candidates[NAMES_MAX];
	size_t count = 0;
	for (size_t i = 0; i < all->array_count; i++) {
		for (const struct cli_command *c = all->arrays[i]; c->name; c++) {
			ASSERT(count < NAMES_MAX);
			if (in_group(c, group) && !c->refuse)
				candidates[count++] = c->name;
			else if (!group)
				candidates[count++] = c->group;
		}
	}

	char escaped[128];
	(void)text_escape_print(escaped, sizeof(escaped), name, strlen(name));
	const char *nearest = text_nearest(name, candidates, count);
	const char *prefix = group ? group : "", *blank = group ? " " : "";
	if (nearest)
		cli_error("there is no command \"%s%s%s\", did you mean \"%s%s%s\"?", prefix, blank, escaped, prefix,
			  blank, nearest);
	else
		cli_error("there is no command \"%s%s%s\"; `vouchfs %s%s--help` lists them", prefix, blank, escaped,
			  prefix, blank);
	return cli_usage_exit(group);
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
	if (!command->refuse)
		return command->run(argc, argv);
	cli_error("%s %s is not for vouchfs: %s", command->group, command->name, command->refuse);
	return cli_usage_exit(command->group);
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* vouchfs help [GROUP] [COMMAND] */
static int help(const struct commands *all, int argc, char **argv)
{
	if (argc == 0) {
		cli_help_all(all->arrays, all->array_count);
		return CLI_EXIT_OK;
	}
	const char *group = find_group(all, argv[0]);
	if (group && argc == 1) {
		cli_help_group(all->arrays, all->array_count, group);
		return CLI_EXIT_OK;
	}
	const char *name = group ? argv[1] : argv[0];
	const struct cli_command *command = find_command(all, group, name);
	if (!command)
		return unknown_command(all, group, name);
	if (command->refuse)
		return run_command(command, argc, argv);
	cli_help_command(command);
	return CLI_EXIT_OK;
}

/* A command may have the name of a group: whoever names no verb behind it means the command. */
static const struct cli_command *find_namesake(const struct commands *all, const char *group, int argc, char **argv)
{
	bool is_verb = argc > 1 && (is_help(argv[1]) || find_command(all, group, argv[1]));
	return is_verb ? NULL : find_command(all, NULL, group);
}

/* The verbs of a group, and the options of the command that has its name. */
static int list_words(const struct commands *all, const char *group, int argc, char **argv)
{
	cli_complete_commands(all->arrays, all->array_count, group);
	const struct cli_command *namesake = group ? find_command(all, NULL, group) : NULL;
	return namesake ? namesake->run(argc, argv) : CLI_EXIT_OK;
}

static int run_in_group(const struct commands *all, const char *group, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], CLI_COMPLETION_WORDS) == 0)
		return list_words(all, group, argc, argv);
	const struct cli_command *namesake = find_namesake(all, group, argc, argv);
	if (namesake)
		return run_command(namesake, argc, argv);
	if (argc < 2) {
		cli_error("which command of \"%s\"? `vouchfs %s --help` lists them", group, group);
		return cli_usage_exit(group);
	}
	if (is_help(argv[1])) {
		argv[1] = argv[0];
		return help(all, argc - 1, argv + 1);
	}
	const struct cli_command *command = find_command(all, group, argv[1]);
	return command ? run_command(command, argc - 1, argv + 1) : unknown_command(all, group, argv[1]);
}

int cli_dispatch(const struct cli_command *const *arrays, size_t array_count, int argc, char **argv)
{
	const struct commands all = {.arrays = arrays, .array_count = array_count};
	int code;

	if (mount_helper_run(find_command(&all, NULL, "mount"), argc, argv, &code))
		return code;
	if (argc < 2) {
		cli_error("which command? `vouchfs --help` lists them");
		return CLI_EXIT_USAGE;
	}
	if (is_help(argv[1]))
		return help(&all, argc - 2, argv + 2);
	if (strcmp(argv[1], "--version") == 0)
		return cli_print_version();
	if (strcmp(argv[1], CLI_COMPLETION_WORDS) == 0)
		return list_words(&all, NULL, argc, argv);
	const char *group = find_group(&all, argv[1]);
	if (group)
		return run_in_group(&all, group, argc - 1, argv + 1);
	const struct cli_command *command = find_command(&all, NULL, argv[1]);
	return command ? command->run(argc - 1, argv + 1) : unknown_command(&all, NULL, argv[1]);
}
