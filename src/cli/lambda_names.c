/* Names and ARNs on the command line, ids, pages of lists. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "lambda.h"

#define SHOWN_SIZE 160

static struct arn_scope scope_of(const struct config *config)
{
	struct arn_scope scope = {.partition = ARN_PARTITION_OURS};
	memcpy(scope.region, config->region, sizeof(scope.region));
	memcpy(scope.account, config->account, sizeof(scope.account));
	return scope;
}

static int not_of_this_host(const struct config *config, const char *what, const struct arn_scope *found,
			    struct explain *ret_why)
{
	explain_set(ret_why,
		    "%s of account %s in region %s (%s); this host is account %s in region %s, and its ARNs begin with "
		    "arn:" ARN_PARTITION_OURS,
		    what, found->account, found->region, found->partition, config->account, config->region);
	return -EINVAL;
}

static int not_a_name(const char *text, const char *expected, struct explain *ret_why)
{
	char shown[SHOWN_SIZE];
	(void)text_escape_print(shown, sizeof(shown), text, strlen(text));
	explain_set(ret_why, "\"%s\" is not %s", shown, expected);
	return -EINVAL;
}

int lambda_config_name(const struct config *config, const char *text, char ret[ARN_LAMBDA_NAME_SIZE],
		       struct explain *ret_why)
{
	struct arn_scope here = scope_of(config);
	struct arn_code_signing arn;
	if (arn_parse_code_signing(text, strlen(text), &arn)) {
		if (!arn_scope_equal(&arn.scope, &here))
			return not_of_this_host(config, "a code-signing config", &arn.scope, ret_why);
		text = arn.name;
	}
	if (!config_is_code_signing_name(text))
		return not_a_name(text,
				  "the ARN or the name of a code-signing config (1 to 29 of A-Z, a-z, 0-9, _ and -)",
				  ret_why);
	(void)snprintf(ret, ARN_LAMBDA_NAME_SIZE, "%s", text);
	return 0;
}

/* "123456789012:function:name" and "name:qualifier" are short for an ARN of this host. */
static bool parse_short(const struct arn_scope *here, const char *text, struct arn_function *ret)
{
	char whole[ARN_TEXT_SIZE];
	const char *head = strstr(text, ":function:") == text + ARN_ACCOUNT_SIZE - 1 ? "" : here->account;
	int len = snprintf(whole, sizeof(whole), "arn:%s:lambda:%s:%s%s%s", here->partition, here->region, head,
			   head[0] != '\0' ? ":function:" : "", text);
	return len < (int)sizeof(whole) && arn_parse_function(whole, (size_t)len, ret);
}

int lambda_function_name(const struct config *config, const char *text, char ret[ARN_LAMBDA_NAME_SIZE],
			 struct explain *ret_why)
{
	struct arn_scope here = scope_of(config);
	struct arn_function arn;
	size_t len = strlen(text);
	bool known = len < ARN_TEXT_SIZE && (arn_parse_function(text, len, &arn) || parse_short(&here, text, &arn));
	if (!known)
		return not_a_name(text, "the ARN or the name of a function (1 to 64 of A-Z, a-z, 0-9, _ and -)",
				  ret_why);
	if (!arn_scope_equal(&arn.scope, &here))
		return not_of_this_host(config, "a function", &arn.scope, ret_why);
	if (arn.qualifier[0] != '\0') {
		explain_set(ret_why,
			    "\"%s:%s\" names a version or an alias; here it is the function as a whole: \"%s\" (its "
			    "releases are below run/.releases/%s)",
			    arn.name, arn.qualifier, arn.name, arn.name);
		return -EINVAL;
	}
	memcpy(ret, arn.name, ARN_LAMBDA_NAME_SIZE);
	return 0;
}

/* The ARN of a layer is that of its version without the last part. */
int lambda_layer_name(const struct config *config, const char *text, char ret[ARN_LAMBDA_NAME_SIZE],
		      struct explain *ret_why)
{
	char versioned[ARN_TEXT_SIZE];
	struct arn_layer_version layer;
	int len = snprintf(versioned, sizeof(versioned), "%s:1", text);
	bool fits = len < (int)sizeof(versioned);
	if (fits && lambda_layer_version(config, versioned, &layer, ret_why) == 0) {
		memcpy(ret, layer.name, ARN_LAMBDA_NAME_SIZE);
		return 0;
	}
	if (fits && arn_parse_layer_version(versioned, (size_t)len, &layer))
		return -EINVAL; /* of another host */
	return not_a_name(text, "the ARN or the name of a layer (1 to 64 of A-Z, a-z, 0-9, _ and -)", ret_why);
}

int lambda_layer_version(const struct config *config, const char *text, struct arn_layer_version *ret,
			 struct explain *ret_why)
{
	struct arn_scope here = scope_of(config);
	struct arn_layer_version layer;
	char whole[ARN_TEXT_SIZE];
	bool is_arn = text_starts_with(text, "arn:");
	int len = snprintf(whole, sizeof(whole), "arn:%s:lambda:%s:%s:layer:%s", here.partition, here.region,
			   here.account, text);
	bool known = is_arn ? arn_parse_layer_version(text, strlen(text), &layer)
			    : len < (int)sizeof(whole) && arn_parse_layer_version(whole, (size_t)len, &layer);
	if (!known)
		return not_a_name(text, "the ARN of a layer version, or NAME:VERSION", ret_why);
	if (!arn_scope_equal(&layer.scope, &here))
		return not_of_this_host(config, "a layer", &layer.scope, ret_why);
	*ret = layer;
	return 0;
}

int cli_lambda_layer_name(const struct lambda_host *host, const char *text, char ret[ARN_LAMBDA_NAME_SIZE])
{
	struct explain why = {0};
	if (lambda_layer_name(host->config, text, ret, &why) == 0)
		return 0;
	return cli_lambda_fail(host->operation, "InvalidParameterValueException", "%s", why.text);
}

int cli_lambda_layer_version(const struct lambda_host *host, const char *text, struct arn_layer_version *ret)
{
	struct explain why = {0};
	if (lambda_layer_version(host->config, text, ret, &why) == 0)
		return 0;
	return cli_lambda_fail(host->operation, "InvalidParameterValueException", "%s", why.text);
}

int cli_lambda_config_name(const struct lambda_host *host, const char *text, char ret[ARN_LAMBDA_NAME_SIZE])
{
	struct explain why = {0};
	if (lambda_config_name(host->config, text, ret, &why) == 0)
		return 0;
	return cli_lambda_fail(host->operation, "InvalidParameterValueException", "%s", why.text);
}

int cli_lambda_function_name(const struct lambda_host *host, const char *text, char ret[ARN_LAMBDA_NAME_SIZE])
{
	struct explain why = {0};
	if (lambda_function_name(host->config, text, ret, &why) == 0)
		return 0;
	return cli_lambda_fail(host->operation, "InvalidParameterValueException", "%s", why.text);
}

void lambda_config_arn(const struct config *config, const char *name, char ret[ARN_TEXT_SIZE])
{
	struct arn_code_signing arn = {.scope = scope_of(config)};
	(void)snprintf(arn.name, sizeof(arn.name), "%s", name);
	arn_print_code_signing(&arn, ret);
}

void lambda_function_arn(const struct config *config, const char *name, char ret[ARN_TEXT_SIZE])
{
	struct arn_function arn = {.scope = scope_of(config)};
	(void)snprintf(arn.name, sizeof(arn.name), "%s", name);
	arn_print_function(&arn, ret);
}

void lambda_layer_version_arn(const struct config *config, const char *name, uint64_t version, char ret[ARN_TEXT_SIZE])
{
	struct arn_layer_version arn = {.scope = scope_of(config), .version = version};
	(void)snprintf(arn.name, sizeof(arn.name), "%s", name);
	arn_print_layer_version(&arn, ret);
}

void lambda_layer_arn(const struct config *config, const char *name, char ret[ARN_TEXT_SIZE])
{
	lambda_layer_version_arn(config, name, 1, ret);
	*strrchr(ret, ':') = '\0';
}

void lambda_new_id(char ret[LAMBDA_ID_SIZE])
{
	uint8_t bytes[9];
	char hex[2 * sizeof(bytes) + 1];
	random_bytes(bytes, sizeof(bytes));
	text_hex(bytes, sizeof(bytes), hex);
	(void)snprintf(ret, LAMBDA_ID_SIZE, "csc-%.17s", hex);
}

/* ---- pages ---- */

#define PAGE_ITEMS_MAX 10000

int lambda_page_check(const struct cli_command *command, struct lambda_page *page)
{
	page->limit = UINT64_MAX;
	if (page->marker && page->starting_token)
		return cli_usage_error(command, "--marker and --starting-token say the same; give one of them");
	if (!page->max_items)
		return 0;
	if (!text_parse_u64(page->max_items, strlen(page->max_items), PAGE_ITEMS_MAX, &page->limit) || page->limit == 0)
		return cli_usage_error(command, "--max-items is a number from 1 to %d", PAGE_ITEMS_MAX);
	return 0;
}

bool lambda_page_skips(const struct lambda_page *page, const char *name)
{
	const char *behind = page->marker ? page->marker : page->starting_token;
	return behind && strcmp(name, behind) <= 0;
}

void lambda_page_print_next(const struct lambda_page *page, struct json *j, const char *last)
{
	json_text(j, page->marker || page->no_paginate ? "NextMarker" : "NextToken", last);
}
