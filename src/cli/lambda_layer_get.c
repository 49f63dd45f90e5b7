/* lambda list-layers, list-layer-versions, get-layer-version, get-layer-version-by-arn: what is published. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lambda_layer.h"

static int run_list(int argc, char **argv);
static int run_list_versions(int argc, char **argv);
static int run_get(int argc, char **argv);
static int run_get_by_arn(int argc, char **argv);

enum { LIST, LIST_VERSIONS, GET, GET_BY_ARN };

#define FILTER_USAGE                                                                                                   \
	"      --compatible-runtime R       only versions that were published with it\n"                               \
	"      --compatible-architecture A  the same\n"

const struct cli_command cli_lambda_layer_get_commands[] = {
	[LIST] = {.group = "lambda",
		  .name = "list-layers",
		  .summary = "list the layers that have a version, each with its newest",
		  .usage = "Examples:\n"
			   "  vouchfs lambda list-layers --compatible-runtime python3.11\n\n"
			   "Options:\n" FILTER_USAGE LAMBDA_PAGE_USAGE CLI_LAMBDA_OPTIONS,
		  .run = run_list},
	[LIST_VERSIONS] = {.group = "lambda",
			   .name = "list-layer-versions",
			   .summary = "list the versions of a layer, the newest first",
			   .usage = "Examples:\n"
				    "  vouchfs lambda list-layer-versions --layer-name lambda_signing\n\n"
				    "Options:\n"
				    "      --layer-name L               its name or its ARN (required)\n" FILTER_USAGE
					    LAMBDA_PAGE_USAGE CLI_LAMBDA_OPTIONS,
			   .run = run_list_versions},
	[GET] = {.group = "lambda",
		 .name = "get-layer-version",
		 .summary = "show a layer version, and where its content is",
		 .usage = "Examples:\n"
			  "  vouchfs lambda get-layer-version --layer-name lambda_signing --version-number 1\n\n"
			  "Content.Location is the ZIP as it was published; `curl -o layer.zip LOCATION` gets it.\n\n"
			  "Options:\n"
			  "      --layer-name L         its name or its ARN (required)\n"
			  "      --version-number N     (required)\n" CLI_LAMBDA_OPTIONS,
		 .run = run_get},
	[GET_BY_ARN] = {.group = "lambda",
			.name = "get-layer-version-by-arn",
			.summary = "the same, by the version's ARN",
			.usage = "Examples:\n"
				 "  vouchfs lambda get-layer-version-by-arn --arn $LAYER_VERSION_ARN\n\n"
				 "Options:\n"
				 "      --arn ARN   or NAME:VERSION (required)\n" CLI_LAMBDA_OPTIONS,
			.run = run_get_by_arn},
	{.name = NULL},
};

/* ---- the versions of a layer ---- */

struct filter {
	const char *runtime, *architecture;
};

#define FILTER_OPTIONS(filter)                                                                                         \
	{.name = "compatible-runtime", .kind = CLI_TEXT, .ret_text = &(filter).runtime},                               \
	{                                                                                                              \
		.name = "compatible-architecture", .kind = CLI_TEXT, .ret_text = &(filter).architecture                \
	}

static int newest_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* The numbers of what the slot lists, the newest first (free). */
static int list_numbers(const struct lambda_host *host, const char *layer, uint64_t **ret, size_t *ret_count)
{
	char directory[ARN_LAMBDA_NAME_SIZE + 16];
	struct io_names names = {0};
	(void)snprintf(directory, sizeof(directory), "layers/%s", layer);
	int r = lambda_list_below(host, directory, &names);
	uint64_t *numbers = r == 0 ? calloc(names.count + 1, sizeof(*numbers)) : NULL;
	size_t count = 0;
	for (size_t i = 0; numbers && i < names.count; i++) {
		size_t len = strlen(names.names[i]), digits = strspn(names.names[i], "0123456789");
		bool is_version = digits + strlen(".zip") == len && text_ends_with(names.names[i], ".zip");
		if (is_version && text_parse_u64(names.names[i], digits, UINT64_MAX, &numbers[count]))
			count++;
	}
	io_names_done(&names);
	if (r == 0 && !numbers)
		r = -ENOMEM;
	if (r < 0)
		return r;
	if (count > 1)
		qsort(numbers, count, sizeof(*numbers), newest_first);
	*ret = numbers;
	*ret_count = count;
	return 0;
}

/* The next version from *at on that suits the filter; -ENOENT: there is none. */
static int next_version(const struct lambda_host *host, const char *layer, const struct filter *filter,
			const uint64_t *numbers, size_t count, size_t *at, struct lambda_layer_version *ret)
{
	char file[LAMBDA_VERSION_FILE_SIZE];
	while (*at < count) {
		int r = lambda_layer_read(host, layer, lambda_version_file(numbers[(*at)++], file), false, ret);
		if (r == -ENOENT) /* it went meanwhile */
			continue;
		if (r < 0 || lambda_layer_suits(ret, filter->runtime, filter->architecture))
			return r;
		lambda_layer_done(ret);
	}
	return -ENOENT;
}

static int not_read(const struct lambda_host *host, const char *layer, int r)
{
	bool denied = r == -EACCES || r == -EPERM;
	return cli_lambda_fail(host->operation, denied ? "AccessDeniedException" : "ServiceException",
			       "layer %s cannot be read: %s%s", layer, strerror(-r),
			       denied ? "; owner, group and mode of its [layer] section say who may" : "");
}

/* ---- list-layers ---- */

/* The layer's newest version that suits. -ENOENT: it has none, and is not listed. */
static int newest_version(const struct lambda_host *host, const char *layer, const struct filter *filter,
			  struct lambda_layer_version *ret)
{
	uint64_t *numbers = NULL;
	size_t count = 0, at = 0;
	int r = list_numbers(host, layer, &numbers, &count);
	if (r == 0)
		r = next_version(host, layer, filter, numbers, count, &at, ret);
	free(numbers);
	return r;
}

static void print_layer(const struct lambda_host *host, const char *layer, const struct lambda_layer_version *newest,
			struct json *j)
{
	char arn[ARN_TEXT_SIZE];
	json_object(j, NULL);
	json_text(j, "LayerName", layer);
	lambda_layer_arn(host->config, layer, arn);
	json_text(j, "LayerArn", arn);
	lambda_layer_print_item(host, layer, newest, "LatestMatchingVersion", j);
	json_close(j);
}

/* A page ends when one more layer would be too many, so that the last page has no token. */
static int print_layers(const struct lambda_host *host, const struct lambda_page *page, const struct filter *filter,
			const struct io_names *names)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	const char *last = NULL;
	uint64_t count = 0;
	bool is_cut = false;
	json_object(&j, NULL);
	json_array(&j, "Layers");
	for (size_t i = 0; i < names->count && !is_cut; i++) {
		struct lambda_layer_version newest = {0};
		const char *layer = names->names[i];
		int r = lambda_page_skips(page, layer) ? -ENOENT : newest_version(host, layer, filter, &newest);
		is_cut = r == 0 && count == page->limit;
		if (r == 0 && !is_cut) {
			print_layer(host, layer, &newest, &j);
			last = layer;
			count++;
		} else if (r < 0 && r != -ENOENT) {
			cli_error("layer %s is not listed: %s", layer, strerror(-r));
		}
		lambda_layer_done(&newest);
	}
	json_close(&j);
	if (is_cut)
		lambda_page_print_next(page, &j, last);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int run_list(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_layer_get_commands[LIST];
	struct lambda_page page = {0};
	struct filter filter = {0};
	const struct cli_option options[] = {LAMBDA_PAGE_OPTIONS(page), FILTER_OPTIONS(filter)};
	struct lambda_host host = {0};
	struct io_names names = {0};
	int exit_code;
	if (!cli_lambda_begin(command, "ListLayers", options, ARRAY_SIZE(options), argc, argv, &host, &exit_code))
		return exit_code;
	exit_code = lambda_page_check(command, &page);
	if (exit_code == 0) {
		int r = lambda_list_below(&host, "layers", &names);
		exit_code = r < 0 ? cli_lambda_fail(host.operation, "ServiceException", "%s/layers: %s",
						    host.mountpoint, strerror(-r))
				  : print_layers(&host, &page, &filter, &names);
	}
	io_names_done(&names);
	lambda_host_done(&host);
	return exit_code;
}

/* ---- list-layer-versions ---- */

/* The token is the number of the last version that was shown. */
static int print_versions(const struct lambda_host *host, const struct lambda_page *page, const struct filter *filter,
			  const char *layer, const uint64_t *numbers, size_t number_count, uint64_t behind)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	struct lambda_layer_version version = {0};
	char last[24] = "";
	uint64_t count = 0;
	size_t at = 0;
	int r = 0;
	while (at < number_count && numbers[at] >= behind)
		at++;
	json_object(&j, NULL);
	json_array(&j, "LayerVersions");
	while ((r = next_version(host, layer, filter, numbers, number_count, &at, &version)) == 0 &&
	       count++ < page->limit) {
		lambda_layer_print_item(host, layer, &version, NULL, &j);
		(void)snprintf(last, sizeof(last), "%" PRIu64, version.number);
		lambda_layer_done(&version);
	}
	json_close(&j);
	if (r == 0)
		lambda_page_print_next(page, &j, last);
	lambda_layer_done(&version);
	json_close(&j);
	if (r == 0 || r == -ENOENT)
		return cli_print_json(&text, json_end(&j));
	buf_done(&text);
	return not_read(host, layer, r);
}

static int list_versions(const struct lambda_host *host, const struct cli_command *command,
			 const struct lambda_page *page, const struct filter *filter, const char *layer)
{
	const char *token = page->marker ? page->marker : page->starting_token;
	uint64_t *numbers = NULL, behind = UINT64_MAX;
	size_t count = 0;
	char arn[ARN_TEXT_SIZE];
	if (token && !text_parse_u64(token, strlen(token), UINT64_MAX, &behind))
		return cli_usage_error(command, "--%s is none of this verb's; take it of the answer before, as it is",
				       page->marker ? "marker" : "starting-token");
	int r = list_numbers(host, layer, &numbers, &count);
	if (r == -ENOENT && !config_find_layer(host->config, layer)) {
		lambda_layer_arn(host->config, layer, arn);
		return cli_lambda_fail(host->operation, "ResourceNotFoundException",
				       "Layer not found: %s; no [layer] section is for it", arn);
	}
	if (r < 0 && r != -ENOENT)
		return not_read(host, layer, r);
	int exit_code = print_versions(host, page, filter, layer, numbers, count, behind);
	free(numbers);
	return exit_code;
}

static int run_list_versions(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_layer_get_commands[LIST_VERSIONS];
	struct lambda_page page = {0};
	struct filter filter = {0};
	const char *text = NULL;
	const struct cli_option options[] = {
		{.name = "layer-name", .kind = CLI_TEXT, .required = true, .ret_text = &text},
		LAMBDA_PAGE_OPTIONS(page),
		FILTER_OPTIONS(filter),
	};
	struct lambda_host host = {0};
	char layer[ARN_LAMBDA_NAME_SIZE];
	int exit_code;
	if (!cli_lambda_begin(command, "ListLayerVersions", options, ARRAY_SIZE(options), argc, argv, &host,
			      &exit_code))
		return exit_code;
	exit_code = lambda_page_check(command, &page);
	if (exit_code == 0)
		exit_code = cli_lambda_layer_name(&host, text, layer);
	if (exit_code == 0)
		exit_code = list_versions(&host, command, &page, &filter, layer);
	lambda_host_done(&host);
	return exit_code;
}

/* ---- get-layer-version ---- */

static int print_version(const struct lambda_host *host, const char *layer, uint64_t number)
{
	char file[LAMBDA_VERSION_FILE_SIZE], arn[ARN_TEXT_SIZE];
	struct lambda_layer_version version = {0};
	int r = lambda_layer_read(host, layer, lambda_version_file(number, file), true, &version);
	if (r == -ENOENT) {
		lambda_layer_version_arn(host->config, layer, number, arn);
		return cli_lambda_fail(host->operation, "ResourceNotFoundException",
				       "The resource you requested does not exist: %s; `vouchfs lambda "
				       "list-layer-versions --layer-name %s` lists those of the layer",
				       arn, layer);
	}
	int exit_code = r < 0 ? not_read(host, layer, r) : lambda_layer_print(host, layer, &version);
	lambda_layer_done(&version);
	return exit_code;
}

static int run_get(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_layer_get_commands[GET];
	const char *text = NULL, *number_text = NULL;
	const struct cli_option options[] = {
		{.name = "layer-name", .kind = CLI_TEXT, .required = true, .ret_text = &text},
		{.name = "version-number", .kind = CLI_TEXT, .required = true, .ret_text = &number_text},
	};
	struct lambda_host host = {0};
	char layer[ARN_LAMBDA_NAME_SIZE];
	uint64_t number;
	int exit_code;
	if (!cli_lambda_begin(command, "GetLayerVersion", options, ARRAY_SIZE(options), argc, argv, &host, &exit_code))
		return exit_code;
	exit_code = lambda_version_number(command, number_text, &number);
	if (exit_code == 0)
		exit_code = cli_lambda_layer_name(&host, text, layer);
	if (exit_code == 0)
		exit_code = print_version(&host, layer, number);
	lambda_host_done(&host);
	return exit_code;
}

static int run_get_by_arn(int argc, char **argv)
{
	const char *text = NULL;
	const struct cli_option options[] = {
		{.name = "arn", .kind = CLI_TEXT, .required = true, .ret_text = &text},
	};
	struct lambda_host host = {0};
	struct arn_layer_version arn;
	int exit_code;
	if (!cli_lambda_begin(&cli_lambda_layer_get_commands[GET_BY_ARN], "GetLayerVersionByArn", options,
			      ARRAY_SIZE(options), argc, argv, &host, &exit_code))
		return exit_code;
	exit_code = cli_lambda_layer_version(&host, text, &arn);
	if (exit_code == 0)
		exit_code = print_version(&host, arn.name, arn.version);
	lambda_host_done(&host);
	return exit_code;
}
