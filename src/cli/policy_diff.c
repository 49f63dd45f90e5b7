/*
 * policy_diff.c - `vouchfs policy diff`: what another bundle would change, in the words of its files: what it says of
 * itself, its sections with their keys, its trust files.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/text.h"
#include "cli/aws.h"
#include "host.h"
#include "policy_diff.h"
#include "policy_file.h"

#define EXIT_DIFFER  1
#define EXIT_TROUBLE 2

static int run(int argc, char **argv);

const struct cli_command cli_policy_diff_commands[] = {
	{.group = "policy",
	 .name = "diff",
	 .summary = "what differs between two bundles, or between the host's and one",
	 .usage = "Examples:\n"
		  "  vouchfs policy diff policy.zip              from what is in force here to policy.zip\n"
		  "  vouchfs policy diff policy-7.zip policy-8.zip\n"
		  "  vouchfs policy diff 7.zip 8.zip --json | jq -r '.sections[].section'\n\n"
		  "What bundles say of themselves (sequence, hosts), sections that are added (+), removed (-) or\n"
		  "changed (~), each with its keys, and trust files. Comments and the order of files make no\n"
		  "difference. What that does to what is served says `vouchfs policy apply`.\n\n"
		  "Options:\n"
		  "      --json         as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes, as of diff(1): 0 the same, 1 different, 2 trouble.\n",
	 .run = run},
	{.name = NULL},
};

/* ---- keys ---- */

/* The settings with this key that begin at *at, which moves behind them; NULL: none. */
static const struct policy_setting *take(const struct policy_section *section, const char *key, size_t *at,
					 size_t *ret_count)
{
	size_t begin = *at;
	while (*at < section->count && strcmp(section->settings[*at].key, key) == 0)
		++*at;
	*ret_count = *at - begin;
	return *ret_count > 0 ? &section->settings[begin] : NULL;
}

bool policy_diff_next(struct policy_diff_keys *keys, struct policy_key_change *ret)
{
	const struct policy_section none = {0};
	const struct policy_section *from = keys->from ? keys->from : &none, *to = keys->to ? keys->to : &none;
	while (keys->i < from->count || keys->k < to->count) {
		const char *a = keys->i < from->count ? from->settings[keys->i].key : NULL;
		const char *b = keys->k < to->count ? to->settings[keys->k].key : NULL;
		const char *key = !a || (b && strcmp(b, a) < 0) ? b : a;
		*ret = (struct policy_key_change){.key = key};
		ret->from = take(from, key, &keys->i, &ret->from_count);
		ret->to = take(to, key, &keys->k, &ret->to_count);
		bool same = ret->from_count == ret->to_count;
		for (size_t n = 0; same && n < ret->from_count; n++)
			same = strcmp(ret->from[n].value, ret->to[n].value) == 0;
		if (!same)
			return true;
	}
	return false;
}

static bool section_differs(const struct policy_section *from, const struct policy_section *to)
{
	struct policy_diff_keys keys = {.from = from, .to = to};
	struct policy_key_change change;
	return policy_diff_next(&keys, &change);
}

/* ---- sections and trust files ---- */

static void add_row(struct policy_diff *diff, const struct policy_diff_row *row)
{
	diff->rows[diff->count++] = *row;
}

static void compare_sections(struct policy_diff *diff)
{
	const struct policy_sections *a = &diff->from_sections, *b = &diff->to_sections;
	size_t i = 0, k = 0;
	while (i < a->count || k < b->count) {
		int order = i == a->count ? 1 : k == b->count ? -1 : policy_section_order(&a->all[i], &b->all[k]);
		const struct policy_section *from = order <= 0 ? &a->all[i++] : NULL;
		const struct policy_section *to = order >= 0 ? &b->all[k++] : NULL;
		if (order != 0 || section_differs(from, to))
			add_row(diff, &(struct policy_diff_row){.from = from, .to = to});
	}
}

/* The next member that is a trust file; they stand together, by name. */
static const struct config_member *next_trust(const struct config_members *members, size_t *at)
{
	while (*at < members->count && !text_starts_with(members->all[*at].name, CONFIG_TERMS_TRUST))
		++*at;
	return *at < members->count ? &members->all[*at] : NULL;
}

static void compare_trust(struct policy_diff *diff)
{
	const struct config_members *a = bundle_members(diff->from->bundle), *b = bundle_members(diff->to->bundle);
	size_t i = 0, k = 0;
	for (;;) {
		const struct config_member *from = next_trust(a, &i), *to = next_trust(b, &k);
		if (!from && !to)
			return;
		int order = !from ? 1 : !to ? -1 : strcmp(from->name, to->name);
		i += order <= 0;
		k += order >= 0;
		from = order <= 0 ? from : NULL;
		to = order >= 0 ? to : NULL;
		if (!from || !to || from->len != to->len || memcmp(from->bytes, to->bytes, from->len) != 0)
			add_row(diff, &(struct policy_diff_row){.from_file = from, .to_file = to});
	}
}

static int compare(struct policy_diff *diff)
{
	size_t members = bundle_members(diff->from->bundle)->count + bundle_members(diff->to->bundle)->count;
	int r = policy_sections_of(diff->from->config->canonical, &diff->from_sections);
	if (r == 0)
		r = policy_sections_of(diff->to->config->canonical, &diff->to_sections);
	if (r < 0)
		return r;
	diff->rows = calloc(diff->from_sections.count + diff->to_sections.count + members + 1, sizeof(diff->rows[0]));
	if (!diff->rows)
		return -ENOMEM;
	compare_sections(diff);
	compare_trust(diff);
	return 0;
}

static void done(struct policy_diff *diff)
{
	policy_sections_done(&diff->from_sections);
	policy_sections_done(&diff->to_sections);
	free(diff->rows);
}

/* ---- the host's ---- */

/* The one bundle that lies in MNT/policy; free(). NULL after having said why. */
static char *find_hosts(const char *given_config)
{
	struct buf mount = {0};
	struct io_names names = {0};
	char *path = NULL;
	if (cli_find_mount(given_config, &mount) < 0)
		return NULL;
	int dirfd = io_open_dir(mount.data);
	int r = dirfd < 0 ? dirfd : io_list_dir(dirfd, "policy", &names);
	if (r == -ENOENT)
		cli_error("this host takes no policy bundles: %s has no [policy] publisher",
			  cli_config_path(given_config));
	else if (r < 0)
		cli_error("the bundle of this host cannot be read: %s", strerror(-r));
	else if (names.count == 0)
		cli_error("no policy bundle is in force here; `vouchfs policy show FILE` says what one brings");
	else if (asprintf(&path, "%s/policy/%s", mount.data, names.names[0]) < 0)
		path = NULL;
	io_close(&dirfd);
	io_names_done(&names);
	buf_done(&mount);
	return path;
}

/* ---- the command ---- */

static int diff_files(const char *from_path, const char *to_path, bool json)
{
	struct policy_file from = {0}, to = {0};
	struct policy_diff diff = {.from = &from, .to = &to, .from_path = from_path, .to_path = to_path};
	int code = EXIT_TROUBLE, r = policy_file_open(from_path, &from);
	if (r == 0)
		r = policy_file_open(to_path, &to);
	if (r < 0)
		goto out;
	r = compare(&diff);
	if (r < 0) {
		cli_error("the bundles cannot be compared: %s", strerror(-r));
		goto out;
	}
	code = json ? policy_diff_print_json(&diff) : policy_diff_print(&diff);
	if (code != CLI_EXIT_OK)
		code = EXIT_TROUBLE;
	else if (diff.count > 0)
		code = EXIT_DIFFER;
out:
	done(&diff);
	policy_file_done(&from);
	policy_file_done(&to);
	return code;
}

static int run(int argc, char **argv)
{
	const char *given = NULL;
	bool json = false, is_done = false;
	const struct cli_option options[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	int code = cli_parse(cli_policy_diff_commands, options, ARRAY_SIZE(options), &argc, argv, 1, 2, &is_done);
	if (code != CLI_EXIT_OK || is_done)
		return code;
	if (argc == 3 && given)
		return cli_usage_error(cli_policy_diff_commands,
				       "two files are compared without a host's configuration: leave --config away");
	char *hosts = argc == 2 ? find_hosts(given) : NULL;
	if (argc == 2 && !hosts)
		return EXIT_TROUBLE;
	code = diff_files(hosts ? hosts : argv[1], argv[argc - 1], json);
	free(hosts);
	return code;
}
