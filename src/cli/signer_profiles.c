/* signer list-signing-profiles */
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "signature/statement.h"
#include "signer.h"
#include "signer/render.h"

static int run_list(int argc, char **argv);

const struct cli_command cli_signer_profiles_commands[] = {
	{
		.group = "signer",
		.name = "list-signing-profiles",
		.summary = "list the signing profiles that are Active",
		.usage = "Examples:\n"
			 "  vouchfs signer list-signing-profiles\n"
			 "  vouchfs signer list-signing-profiles --statuses Active Revoked\n\n"
			 "Options:\n"
			 "      --include-canceled     those that are Canceled or Revoked too\n"
			 "      --statuses STATUS...   only these: Active, Canceled, Revoked\n"
			 "      --platform-id ID       only those of this platform\n" CLI_PAGE_USAGE CLI_SIGNER_OPTIONS,
		.run = run_list,
	},
	{.name = NULL},
};

struct filter {
	struct cli_list statuses;
	bool include_canceled;
	bool no_include_canceled;
	const char *platform;
};

static bool is_wanted(const struct filter *filter, const struct signer_profile *profile)
{
	if (filter->platform && strcmp(filter->platform, STATEMENT_PLATFORM) != 0)
		return false;
	if (filter->statuses.count == 0)
		return filter->include_canceled || profile->status == SIGNER_PROFILE_ACTIVE;
	for (size_t i = 0; i < filter->statuses.count; i++)
		if (strcmp(filter->statuses.items[i], signer_status_name(profile->status)) == 0)
			return true;
	return false;
}

static void print_summary(struct json *j, const struct signer_profile *profile)
{
	json_object(j, NULL);
	json_text(j, "profileName", profile->arn.name);
	signer_render_version(j, &profile->arn);
	signer_render_validity(j, &profile->validity);
	signer_render_platform(j);
	json_text(j, "status", signer_status_name(profile->status));
	signer_render_arn(j, &profile->arn);
	json_object(j, "tags");
	json_close(j);
	json_close(j);
}

static void print_profiles(struct json *j, const struct filter *filter, struct cli_page *page,
			   const struct signer_profile *profiles, size_t count)
{
	const char *last = NULL;
	bool more = false;
	json_object(j, NULL);
	json_array(j, "profiles");
	for (size_t i = 0; i < count && !more; i++) {
		const char *name = profiles[i].arn.name;
		if (!is_wanted(filter, &profiles[i]) || (page->after && strcmp(name, page->after) <= 0))
			continue;
		more = cli_page_is_full(page);
		if (more)
			continue;
		print_summary(j, &profiles[i]);
		last = name;
	}
	json_close(j);
	if (more)
		cli_page_put_token(j, page, last);
	json_close(j);
}

static int list(struct signer *signer, const struct filter *filter, struct cli_page *page)
{
	struct explain why = {0};
	struct signer_profile *profiles = NULL;
	size_t count = 0;
	if (page->after && !arn_is_profile_name(page->after, strlen(page->after)))
		return cli_page_bad_token(page, "ListSigningProfiles");
	int r = signer_list_profiles(signer, &profiles, &count, &why);
	if (r < 0)
		return cli_signer_failed("ListSigningProfiles", r, &why);

	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	print_profiles(&j, filter, page, profiles, count);
	free(profiles);
	return cli_print_json(&text, json_end(&j));
}

static bool is_status(const char *text)
{
	for (int s = SIGNER_PROFILE_ACTIVE; s <= SIGNER_PROFILE_REVOKED; s++)
		if (strcmp(text, signer_status_name((enum signer_profile_status)s)) == 0)
			return true;
	return false;
}

static int check_filter(const struct cli_command *command, const struct filter *filter)
{
	for (size_t i = 0; i < filter->statuses.count; i++)
		if (!is_status(filter->statuses.items[i]))
			return cli_usage_error(command, "--statuses are Active, Canceled, Revoked");
	if (filter->include_canceled && filter->no_include_canceled)
		return cli_usage_error(command, "--include-canceled does not go with --no-include-canceled");
	return 0;
}

static int run_list(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_profiles_commands[0];
	struct filter filter = {0};
	struct cli_page page = {0};
	const struct cli_option options[] = {
		{.name = "include-canceled", .kind = CLI_FLAG, .ret_flag = &filter.include_canceled},
		{.name = "no-include-canceled", .kind = CLI_FLAG, .ret_flag = &filter.no_include_canceled},
		{.name = "statuses", .kind = CLI_LIST, .ret_list = &filter.statuses},
		{.name = "platform-id", .kind = CLI_TEXT, .ret_text = &filter.platform},
		CLI_PAGE_OPTIONS(&page),
	};
	struct cli_signer common = {0};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = check_filter(command, &filter);
	if (exit_code == 0)
		exit_code = cli_page_check(command, &page);
	if (exit_code != 0)
		return exit_code;

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, "ListSigningProfiles", &common, &signer);
	if (exit_code == 0)
		exit_code = list(signer, &filter, &page);
	signer_close(signer);
	return exit_code;
}
