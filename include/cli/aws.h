/*
 * aws.h - what the verbs of AWS have in common: the options every one takes, those that are refused by name, the form
 * of answers and errors, shorthand values.
 */
#ifndef CLI_AWS_H
#define CLI_AWS_H

#include "base/explain.h"
#include "base/json.h"
#include "cli/cli.h"

struct cli_aws {
	const char *region; /* NULL when not given */
};

/*
 * cli_parse with the options that `aws` takes everywhere: --output json, --region, --no-cli-pager, --no-paginate and
 * --no-cli-auto-prompt are taken, the others are refused with what to do instead. An own option of the same name goes
 * first. No operands.
 */
int cli_aws_parse(const struct cli_command *command, const struct cli_option *options, size_t option_count, int *argc,
		  char **argv, struct cli_aws *ret, bool *ret_done);

/* A timestamp as the AWS CLI prints it: 2026-11-21T17:27:12+00:00. */
void cli_aws_time(struct json *j, const char *key, int64_t at_s);
/* 2026-11-21T17:27:12Z, the same with an offset like +01:00 in place of the Z, or seconds since 1970. */
bool cli_aws_parse_time(const char *text, int64_t *ret_s);

/* Prints the answer; returns the exit code. r: what json_end said. Releases the buffer. */
int cli_print_json(struct buf *text, int r);

/*
 * AWS shorthand: key=value,key=value. A value may be quoted with " or ', a backslash takes the next character as it is.
 * Words without "=" go on the list of the key before them (A=1,2,3) when that key takes a list; lists are handed over
 * joined with commas.
 */
struct cli_shorthand {
	const char *key;
	bool required;
	bool is_list;
	const char *refuse; /* as in struct cli_option */
	char **ret;	    /* free(); NULL when not given */
};
/* 0; -EINVAL with why, and nothing to free; -ENOMEM. */
int cli_parse_shorthand(const char *text, const struct cli_shorthand *keys, size_t key_count, struct explain *ret_why);

#endif
