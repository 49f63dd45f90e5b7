/* The AWS CLI's conventions: its options for everything, its times, its pretty JSON. */
#include "cli/aws.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static const struct {
	const char *name;
	const char *instead;
} refused[] = {
	{"ca-bundle", "nothing goes over a network"},
	{"cli-auto-prompt", "see --help"},
	{"cli-binary-format", "binary parameters are given as fileb://FILE"},
	{"cli-connect-timeout", "nothing goes over a network"},
	{"cli-input-json", "give the parameters as options"},
	{"cli-input-yaml", "give the parameters as options"},
	{"cli-read-timeout", "nothing goes over a network"},
	{"color", "messages are coloured on a terminal unless NO_COLOR is set"},
	{"debug", "every refusal says its reason without it"},
	{"endpoint-url", "there is no endpoint, the account is in its home on this machine (--home DIR)"},
	{"generate-cli-skeleton", "give the parameters as options"},
	{"max-items", "answers are always whole"},
	{"max-results", "answers are always whole"},
	{"next-token", "answers are always whole"},
	{"no-sign-request", "nothing goes over a network"},
	{"no-verify-ssl", "nothing goes over a network"},
	{"page-size", "answers are always whole"},
	{"profile", "there are no AWS credentials; an account is chosen with --home DIR, a signing profile with "
		    "--profile-name"},
	{"query", "the answer is JSON, ask it with jq"},
	{"starting-token", "answers are always whole"},
	{"version", "that is: vouchfs --version"},
};

static bool is_own(const struct cli_option *options, size_t option_count, const char *name)
{
	for (size_t i = 0; i < option_count; i++)
		if (strcmp(options[i].name, name) == 0)
			return true;
	return false;
}

int cli_aws_parse(const struct cli_command *command, const struct cli_option *options, size_t option_count, int *argc,
		  char **argv, struct cli_aws *ret, bool *ret_done)
{
	struct cli_option all[CLI_OPTIONS_MAX];
	size_t count = option_count;
	const char *output = "json";
	bool no_pager = false, no_paginate = false, no_prompt = false;
	const struct cli_option common[] = {
		{.name = "output", .kind = CLI_TEXT, .ret_text = &output},
		{.name = "region", .kind = CLI_TEXT, .ret_text = &ret->region},
		{.name = "no-cli-pager", .kind = CLI_FLAG, .ret_flag = &no_pager},
		{.name = "no-paginate", .kind = CLI_FLAG, .ret_flag = &no_paginate},
		{.name = "no-cli-auto-prompt", .kind = CLI_FLAG, .ret_flag = &no_prompt},
	};

	ASSERT(option_count + ARRAY_SIZE(common) + ARRAY_SIZE(refused) <= CLI_OPTIONS_MAX);
	memcpy(all, options, option_count * sizeof(all[0]));
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		if (!is_own(options, option_count, common[i].name))
			all[count++] = common[i];
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (!is_own(options, option_count, refused[i].name))
			all[count++] = (struct cli_option){.name = refused[i].name, .refuse = refused[i].instead};

	int exit_code = cli_parse(command, all, count, argc, argv, 0, 0, ret_done);
	if (exit_code == 0 && strcmp(output, "json") != 0)
		return cli_usage_error(command, "--output is json, nothing else");
	return exit_code;
}

void cli_aws_time(struct json *j, const char *key, int64_t at_s)
{
	json_aws_time(j, key, at_s);
}

/* "+hh:mm" or "-hh:mm" */
static bool parse_offset(const char *text, int64_t *ret_s)
{
	static const char digits[] = "0123456789";
	if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
	    !text_consists_of(text + 1, 2, digits, 2, 2) || !text_consists_of(text + 4, 2, digits, 2, 2))
		return false;
	int hours = (text[1] - '0') * 10 + text[2] - '0', minutes = (text[4] - '0') * 10 + text[5] - '0';
	int offset_s = hours * 3600 + minutes * 60;
	*ret_s = text[0] == '+' ? offset_s : -offset_s;
	return hours < 24 && minutes < 60;
}

bool cli_aws_parse_time(const char *text, int64_t *ret_s)
{
	char utc[CLOCK_UTC_SIZE];
	int64_t local_s, offset_s;
	uint64_t seconds;
	size_t len = strlen(text);

	if (clock_parse_utc(text, len, ret_s))
		return true;
	if (text_parse_u64(text, len, UINT32_MAX, &seconds)) {
		*ret_s = (int64_t)seconds;
		return true;
	}
	if (len < 19 || !parse_offset(text + 19, &offset_s))
		return false;
	(void)snprintf(utc, sizeof(utc), "%.19sZ", text);
	if (!clock_parse_utc(utc, strlen(utc), &local_s) || local_s < offset_s)
		return false;
	*ret_s = local_s - offset_s;
	return true;
}

int cli_print_json(struct buf *text, int r)
{
	if (r == 0)
		(void)printf("%s\n", text->data);
	else
		cli_error("out of memory");
	buf_done(text);
	return r == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILURE;
}
