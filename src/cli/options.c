/*
 * A command's options, parsed by its table. One pass; operands are moved to the front of argv as they come.
 *
 * Not getopt_long: it takes abbreviations (which change their meaning when an option is added), and it can neither name
 * the nearest option nor tell that one was given twice.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

struct parser {
	const struct cli_command *command;
	const struct cli_option *options;
	size_t option_count;
	bool seen[CLI_OPTIONS_MAX];
	char **argv;
	int argc;
	int at;
	int operands;
};

#define WORD_MAX 128

static const char *printable(const char *word, char escaped[WORD_MAX])
{
	return text_escape_print(escaped, WORD_MAX, word, strlen(word));
}

static int unknown_option(const struct parser *p, const char *name)
{
	const char *candidates[CLI_OPTIONS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < p->option_count; i++)
		if (!p->options[i].refuse)
			candidates[count++] = p->options[i].name;

	char escaped[WORD_MAX];
	const char *nearest = text_nearest(name, candidates, count);
	if (nearest)
		return cli_usage_error(p->command, "unknown option --%s, did you mean --%s?", printable(name, escaped),
				       nearest);
	return cli_usage_error(p->command, "unknown option --%s", printable(name, escaped));
}

/* The value of a text option: what is attached to it, else the next word. */
static int take_value(struct parser *p, const struct cli_option *option, const char *attached)
{
	if (!attached) {
		if (p->at + 1 >= p->argc)
			return cli_usage_error(p->command, "--%s needs a value", option->name);
		attached = p->argv[++p->at];
		if (text_starts_with(attached, "--"))
			return cli_usage_error(p->command,
					       "--%s needs a value (one that begins with dashes is written --%s=VALUE)",
					       option->name, option->name);
	}
	*option->ret_text = attached;
	return 0;
}

/* The words up to the next option; one that is attached is the first of them. "[]" is an empty list in JSON. */
static int take_list(struct parser *p, const struct cli_option *option, const char *attached)
{
	struct cli_list *list = option->ret_list;
	list->count = 0;
	list->is_given = true;
	if (attached)
		list->items[list->count++] = attached;
	while (p->at + 1 < p->argc && p->argv[p->at + 1][0] != '-') {
		if (list->count == CLI_LIST_MAX)
			return cli_usage_error(p->command, "--%s takes at most %d values", option->name, CLI_LIST_MAX);
		list->items[list->count++] = p->argv[++p->at];
	}
	if (option->may_be_empty && list->count == 1 && strcmp(list->items[0], "[]") == 0)
		list->count = 0;
	bool is_enough = list->count > 0 || option->may_be_empty;
	return is_enough ? 0 : cli_usage_error(p->command, "--%s needs a value", option->name);
}

static int take_option(struct parser *p, size_t index, const char *attached)
{
	const struct cli_option *option = &p->options[index];

	if (option->refuse)
		return cli_usage_error(p->command, "--%s is not for vouchfs: %s", option->name, option->refuse);
	if (p->seen[index])
		return cli_usage_error(p->command, "--%s is given twice", option->name);
	p->seen[index] = true;

	if (option->kind == CLI_TEXT)
		return take_value(p, option, attached);
	if (option->kind == CLI_LIST)
		return take_list(p, option, attached);
	if (attached)
		return cli_usage_error(p->command, "--%s takes no value", option->name);
	*option->ret_flag = true;
	return 0;
}

static int take_long(struct parser *p, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	for (size_t i = 0; i < p->option_count; i++)
		if (text_equal(word, len, p->options[i].name))
			return take_option(p, i, equals ? equals + 1 : NULL);

	char name[WORD_MAX];
	(void)snprintf(name, sizeof(name), "%.*s", (int)(len < WORD_MAX ? len : WORD_MAX - 1), word);
	return unknown_option(p, name);
}

/* "-f", "-c value", "-cvalue", "-fc value" */
static int take_letters(struct parser *p, const char *letters)
{
	for (; *letters; letters++) {
		size_t i = 0;
		while (i < p->option_count && p->options[i].letter != *letters)
			i++;
		char letter[WORD_MAX];
		if (i == p->option_count)
			return cli_usage_error(p->command, "unknown option -%s",
					       text_escape_print(letter, sizeof(letter), letters, 1));
		bool takes_rest = p->options[i].kind == CLI_TEXT && letters[1] != '\0';
		int exit_code = take_option(p, i, takes_rest ? letters + 1 : NULL);
		if (exit_code != 0 || takes_rest)
			return exit_code;
	}
	return 0;
}

static int check_required(const struct parser *p)
{
	char missing[1024] = "";
	size_t used = 0;
	for (size_t i = 0; i < p->option_count; i++)
		if (p->options[i].required && !p->seen[i] && used < sizeof(missing))
			used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s--%s", used ? ", " : "",
						 p->options[i].name);
	if (used == 0)
		return 0;
	return cli_usage_error(p->command, "the following arguments are required: %s", missing);
}

static int check_operands(const struct parser *p, int min_operands, int max_operands)
{
	char escaped[WORD_MAX];
	if (p->operands > max_operands)
		return cli_usage_error(p->command, "unexpected argument \"%s\"",
				       printable(p->argv[1 + max_operands], escaped));
	if (p->operands < min_operands)
		return cli_usage_error(p->command, "%d argument%s expected, %d given", min_operands,
				       min_operands == 1 ? " is" : "s are", p->operands);
	return 0;
}

/* Also the AWS CLI's way to ask: the single word "help" where no operand is expected. */
static bool asks_for_help(const struct parser *p, int max_operands)
{
	if (p->argc == 2 && max_operands == 0 && strcmp(p->argv[1], "help") == 0)
		return true;
	for (int i = 1; i < p->argc && strcmp(p->argv[i], "--") != 0; i++)
		if (strcmp(p->argv[i], "--help") == 0)
			return true;
	return false;
}

int cli_parse(const struct cli_command *command, const struct cli_option *options, size_t option_count, int *argc,
	      char **argv, int min_operands, int max_operands, bool *ret_done)
{
	ASSERT(option_count <= CLI_OPTIONS_MAX);
	struct parser p = {
		.command = command, .options = options, .option_count = option_count, .argv = argv, .argc = *argc};

	*ret_done = asks_for_help(&p, max_operands);
	if (*ret_done) {
		cli_help_command(command);
		return 0;
	}

	*ret_done = p.argc == 2 && strcmp(p.argv[1], CLI_COMPLETION_WORDS) == 0;
	if (*ret_done) {
		cli_complete_options(options, option_count);
		return 0;
	}

	bool options_ended = false;
	for (p.at = 1; p.at < p.argc; p.at++) {
		char *word = argv[p.at];
		int exit_code = 0;
		if (options_ended || word[0] != '-' || word[1] == '\0')
			argv[1 + p.operands++] = word;
		else if (strcmp(word, "--") == 0)
			options_ended = true;
		else if (word[1] == '-')
			exit_code = take_long(&p, word + 2);
		else
			exit_code = take_letters(&p, word + 1);
		if (exit_code != 0)
			return exit_code;
	}
	*argc = 1 + p.operands;
	int exit_code = check_operands(&p, min_operands, max_operands);
	return exit_code != 0 ? exit_code : check_required(&p);
}
