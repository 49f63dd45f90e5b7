/* signer list-signing-platforms, get-signing-platform: a table. */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "page.h"
#include "signature/statement.h"
#include "signer.h"

static int run_list(int argc, char **argv);
static int run_get(int argc, char **argv);

const struct cli_command cli_signer_platform_commands[] = {
	{
		.group = "signer",
		.name = "list-signing-platforms",
		.summary = "list what can be signed for",
		.usage = "Examples:\n"
			 "  vouchfs signer list-signing-platforms\n\n"
			 "Options:\n"
			 "      --category TEXT        only those of this category, like AWS\n"
			 "      --partner TEXT         only those of this partner, like AWSLambda\n"
			 "      --target TEXT          only those with this target, like SHA384-ECDSA\n" CLI_PAGE_USAGE
				 CLI_SIGNER_OPTIONS,
		.run = run_list,
	},
	{
		.group = "signer",
		.name = "get-signing-platform",
		.summary = "show a signing platform",
		.usage = "Examples:\n"
			 "  vouchfs signer get-signing-platform --platform-id AWSLambda-SHA384-ECDSA\n\n"
			 "Options:\n"
			 "      --platform-id ID   (required)\n" CLI_SIGNER_OPTIONS,
		.run = run_get,
	},
	{.name = NULL},
};

/* By platform id. What a platform has several of is joined to lists as soon as there is such a one. */
struct platform {
	const char *id;
	const char *display_name;
	const char *partner;
	const char *target;
	const char *category;
	const char *encryption;
	const char *hash;
	const char *image_format;
	uint64_t max_size_bytes;
	bool is_revocable;
};

static const struct platform platforms[] = {
	{
		.id = STATEMENT_PLATFORM,
		.display_name = CLI_PLATFORM_DISPLAY_NAME,
		.partner = "AWSLambda",
		.target = "SHA384-ECDSA",
		.category = "AWS",
		.encryption = "ECDSA",
		.hash = "SHA384",
		.image_format = "JSONDetached",
		.max_size_bytes = LIMIT_ARTIFACT_BYTES_DEFAULT,
		.is_revocable = true,
	},
};

/* Those that AWS has besides. */
static const struct {
	const char *id;
	const char *signs;
} absent[] = {
	{"Notation-OCI-SHA384-ECDSA", "container images"},
	{"AWSIoTDeviceManagement-SHA256-ECDSA", "updates of devices"},
	{"AmazonFreeRTOS-Default", "firmware of microcontrollers"},
	{"AmazonFreeRTOS-TI-CC3220SF", "firmware of microcontrollers"},
};

static void print_choice(struct json *j, const char *key, const char *values_key, const char *default_key,
			 const char *value)
{
	json_object(j, key);
	json_array(j, values_key);
	json_text(j, NULL, value);
	json_close(j);
	json_text(j, default_key, value);
	json_close(j);
}

static void print(struct json *j, const struct platform *platform)
{
	json_object(j, NULL);
	json_text(j, "platformId", platform->id);
	json_text(j, "displayName", platform->display_name);
	json_text(j, "partner", platform->partner);
	json_text(j, "target", platform->target);
	json_text(j, "category", platform->category);
	json_object(j, "signingConfiguration");
	print_choice(j, "encryptionAlgorithmOptions", "allowedValues", "defaultValue", platform->encryption);
	print_choice(j, "hashAlgorithmOptions", "allowedValues", "defaultValue", platform->hash);
	json_close(j);
	print_choice(j, "signingImageFormat", "supportedFormats", "defaultFormat", platform->image_format);
	json_u64(j, "maxSizeInMB", platform->max_size_bytes >> 20);
	json_bool(j, "revocationSupported", platform->is_revocable);
	json_close(j);
}

static const struct platform *find(const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(platforms); i++)
		if (strcmp(platforms[i].id, id) == 0)
			return &platforms[i];
	return NULL;
}

static int not_found(const char *id)
{
	struct explain why;
	char escaped[128];
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		if (strcmp(absent[i].id, id) != 0)
			continue;
		explain_set(&why, "platform %s signs %s and is not offered here; %s signs ZIPs", id, absent[i].signs,
			    STATEMENT_PLATFORM);
		return cli_signer_failed("GetSigningPlatform", -ENOENT, &why);
	}
	explain_set(&why, "there is no platform %s; there is %s",
		    text_escape_print(escaped, sizeof(escaped), id, strlen(id)), STATEMENT_PLATFORM);
	return cli_signer_failed("GetSigningPlatform", -ENOENT, &why);
}

static int run_get(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_platform_commands[1];
	const char *id = NULL;
	const struct cli_option options[] = {
		{.name = "platform-id", .kind = CLI_TEXT, .required = true, .ret_text = &id},
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	const struct platform *platform = find(id);
	if (!platform)
		return not_found(id);

	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	print(&j, platform);
	return cli_print_json(&text, json_end(&j));
}

struct filter {
	const char *category;
	const char *partner;
	const char *target;
};

static bool is_wanted(const struct filter *filter, const struct cli_page *page, const struct platform *platform)
{
	return (!page->after || strcmp(platform->id, page->after) > 0) &&
	       (!filter->category || strcmp(filter->category, platform->category) == 0) &&
	       (!filter->partner || strcmp(filter->partner, platform->partner) == 0) &&
	       (!filter->target || strcmp(filter->target, platform->target) == 0);
}

static int list(const struct filter *filter, struct cli_page *page)
{
	if (page->after && !find(page->after))
		return cli_page_bad_token(page, "ListSigningPlatforms");

	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	const char *last = NULL, *token = NULL;
	json_object(&j, NULL);
	json_array(&j, "platforms");
	for (size_t i = 0; i < ARRAY_SIZE(platforms) && !token; i++) {
		if (!is_wanted(filter, page, &platforms[i]))
			continue;
		if (cli_page_is_full(page)) {
			token = last;
			continue;
		}
		print(&j, &platforms[i]);
		last = platforms[i].id;
	}
	json_close(&j);
	if (token)
		cli_page_put_token(&j, page, token);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int run_list(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_platform_commands[0];
	struct filter filter = {0};
	struct cli_page page = {0};
	const struct cli_option options[] = {
		{.name = "category", .kind = CLI_TEXT, .ret_text = &filter.category},
		{.name = "partner", .kind = CLI_TEXT, .ret_text = &filter.partner},
		{.name = "target", .kind = CLI_TEXT, .ret_text = &filter.target},
		CLI_PAGE_OPTIONS(&page),
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code == 0 && !done)
		exit_code = cli_page_check(command, &page);
	return exit_code != 0 || done ? exit_code : list(&filter, &page);
}
