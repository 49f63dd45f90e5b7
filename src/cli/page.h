/*
 * page.h - answers in pages, as the AWS CLI has them. Private to src/cli.
 *
 * --max-results and --next-token are the service's: one page, and "nextToken" leads to the next one. --max-items and
 * --starting-token are the AWS CLI's own, and its key is "NextToken". Without any of them the answer is whole. A token
 * names the last item of its page, so what comes and goes between two calls makes no item appear twice or be left out.
 */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include "base/json.h"
#include "cli/cli.h"

#define CLI_PAGE_RESULTS_MAX 25U

struct cli_page {
	const char *max_results, *next_token, *max_items, *starting_token, *page_size;
	bool no_paginate;

	size_t limit;	   /* 0: none */
	const char *after; /* the token; NULL: from the beginning */
	size_t count;	   /* of the items that were printed */
};

#define CLI_PAGE_OPTIONS(page)                                                                                         \
	{.name = "max-results", .kind = CLI_TEXT, .ret_text = &(page)->max_results},                                   \
		{.name = "next-token", .kind = CLI_TEXT, .ret_text = &(page)->next_token},                             \
		{.name = "max-items", .kind = CLI_TEXT, .ret_text = &(page)->max_items},                               \
		{.name = "starting-token", .kind = CLI_TEXT, .ret_text = &(page)->starting_token},                     \
		{.name = "page-size", .kind = CLI_TEXT, .ret_text = &(page)->page_size},                               \
	{                                                                                                              \
		.name = "no-paginate", .kind = CLI_FLAG, .ret_flag = &(page)->no_paginate                              \
	}

#define CLI_PAGE_USAGE                                                                                                 \
	"      --max-results N        at most N, 1 to 25; where there are more the answer has \"nextToken\"\n"         \
	"      --next-token TOKEN     what comes after that page\n"                                                    \
	"      --max-items N          the same in the words of the AWS CLI, any N; the token is \"NextToken\"\n"       \
	"      --starting-token TOKEN\n"

/* Checks what was given and fills limit and after; 0 or the exit code. */
int cli_page_check(const struct cli_command *command, struct cli_page *page);

/* Says that the token is none; returns the exit code. */
int cli_page_bad_token(const struct cli_page *page, const char *operation);

/* True when one more item is one too many. Else it counts as printed. */
bool cli_page_is_full(struct cli_page *page);
void cli_page_put_token(struct json *j, const struct cli_page *page, const char *token);

#endif
