/* Pages of an answer: which options go together, and where a page ends. */
#include "page.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/aws.h"
#include "signer.h"

static int parse_count(const struct cli_command *command, const char *option, const char *text, uint64_t max,
		       size_t *ret)
{
	uint64_t value;
	if (!text)
		return 0;
	if (!text_parse_u64(text, strlen(text), max, &value) || value == 0)
		return cli_usage_error(command, "--%s is a number from 1 to %llu", option, (unsigned long long)max);
	*ret = (size_t)value;
	return 0;
}

int cli_page_check(const struct cli_command *command, struct cli_page *page)
{
	bool manual = page->max_results || page->next_token;
	bool automatic = page->max_items || page->starting_token || page->page_size;
	if (automatic && (manual || page->no_paginate))
		return cli_usage_error(command, "--max-items, --starting-token and --page-size do not go with %s",
				       manual ? "--max-results and --next-token" : "--no-paginate");

	size_t page_size; /* of the requests of the AWS CLI: it does not change an answer */
	int exit_code = parse_count(command, "max-results", page->max_results, CLI_PAGE_RESULTS_MAX, &page->limit);
	if (exit_code == 0)
		exit_code = parse_count(command, "max-items", page->max_items, UINT32_MAX, &page->limit);
	if (exit_code == 0)
		exit_code = parse_count(command, "page-size", page->page_size, UINT32_MAX, &page_size);
	page->after = page->next_token ? page->next_token : page->starting_token;
	return exit_code;
}

int cli_page_bad_token(const struct cli_page *page, const char *operation)
{
	struct explain why;
	char escaped[128];
	const char *name = page->next_token ? "next" : "starting";
	explain_set(&why, "--%s-token \"%s\" is none of this verb's; take \"%s\" of the answer before, as it is", name,
		    text_escape_print(escaped, sizeof(escaped), page->after, strlen(page->after)),
		    page->next_token ? "nextToken" : "NextToken");
	return cli_signer_failed(operation, -EINVAL, &why);
}

bool cli_page_is_full(struct cli_page *page)
{
	if (page->limit != 0 && page->count == page->limit)
		return true;
	page->count++;
	return false;
}

void cli_page_put_token(struct json *j, const struct cli_page *page, const char *token)
{
	json_text(j, page->max_items ? "NextToken" : "nextToken", token);
}
