/* policy_fleet.c - `vouchfs policy fleet`: one table of many hosts, from their status.json files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "overview.h"
#include "overview/fleet.h"
#include "sheet.h"

#define SUFFIX	      ".json"
#define STATUS_FILE   "/status.json"
#define MAX_AGE_S     86400
#define MAX_MAX_AGE_S (3650 * (uint64_t)86400)
#define SHOWN_SIZE    512
#define EXIT_ALL_WELL 0
#define EXIT_LOOK     1
#define EXIT_ERROR    2

static int run(int argc, char **argv);

const struct cli_command cli_policy_fleet_commands[] = {
	{.group = "policy",
	 .name = "fleet",
	 .summary = "one table of many hosts, from their status.json files",
	 .usage = "Examples:\n"
		  "  vouchfs policy fleet collected/\n"
		  "  vouchfs policy fleet collected/ --max-age 15m\n"
		  "  vouchfs policy fleet collected/ --json | jq -r '.hosts[] | select(.behind).host'\n\n"
		  "DIR has a status.json of each host, as DIR/<host>.json or DIR/<host>/status.json. They are\n"
		  "made when they are read: collect them by ssh web-1 vouchfs status --json >collected/web-1.json, or\n"
		  "cat MNT/.vouchfs/status.json there (rsync finds a file of size 0, and brings that). Problems come\n"
		  "first: ! is unreadable, not seen for long, governed by no bundle, critical, or has another bundle\n"
		  "of the same sequence; ~ is behind the highest sequence, or its health is a warning. SLOTS are\n"
		  "served, blocked, and refused at the last attempt; SEEN is how old the file is by its own word.\n\n"
		  "Options:\n"
		  "      --max-age TIME  not seen for longer is a problem (24h)\n"
		  "      --json          as JSON\n\n"
		  "Exit codes: 0 all are well and on the newest bundle, 1 some need attention, 2 error and usage.\n",
	 .run = run},
	{.name = NULL},
};

/* ---- collecting ---- */

static const char *explain_error(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no status.json in its directory";
	case -ELOOP:
		return "it is a symbolic link, and those are not followed";
	case -EINVAL:
		return "it is not a regular file";
	case -EFBIG:
		return "it is larger than a status.json can be";
	default:
		return strerror(-error);
	}
}

static int add_file(struct fleet *fleet, int dirfd, const char *host, const char *path)
{
	struct buf text = {0};
	int r = io_read_file(dirfd, path, LIMIT_STATUS_BYTES, &text);
	if (r == -ENOMEM)
		return r;
	r = r < 0 ? fleet_add_unreadable(fleet, host, explain_error(r))
		  : fleet_add(fleet, host, text.data ? text.data : "", text.len);
	buf_done(&text);
	return r;
}

static int add_directory(struct fleet *fleet, int dirfd, const char *name)
{
	char path[LIMIT_NAME_BYTES + sizeof(STATUS_FILE)];
	(void)snprintf(path, sizeof(path), "%s" STATUS_FILE, name);
	return add_file(fleet, dirfd, name, path);
}

/* Hidden names are what copies have while they are written; other files have nothing to do with it. */
static int add_name(struct fleet *fleet, int dirfd, const char *name)
{
	char host[LIMIT_NAME_BYTES + 1];
	struct stat st;
	if (name[0] == '.' || strlen(name) > LIMIT_NAME_BYTES || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return add_directory(fleet, dirfd, name);
	if (!text_ends_with(name, SUFFIX))
		return 0;
	(void)snprintf(host, sizeof(host), "%.*s", (int)(strlen(name) - strlen(SUFFIX)), name);
	return add_file(fleet, dirfd, host, name);
}

static int add_all(struct fleet *fleet, int dirfd)
{
	struct io_names names = {0};
	int r = io_list_dir(dirfd, ".", &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = fleet->count < LIMIT_FLEET_HOSTS ? add_name(fleet, dirfd, names.names[i]) : -E2BIG;
	io_names_done(&names);
	return r == 0 && fleet->count == 0 ? -ENODATA : r;
}

static void say_failure(const char *directory, int error)
{
	char shown[SHOWN_SIZE];
	text_escape_print(shown, sizeof(shown), directory, strlen(directory));
	if (error == -ENODATA)
		cli_error("policy fleet: %s has neither <host>.json nor <host>/status.json; put there what "
			  "`vouchfs status --json` prints on each host",
			  shown);
	else if (error == -E2BIG)
		cli_error("policy fleet: %s has more than %u hosts; divide them among directories", shown,
			  LIMIT_FLEET_HOSTS);
	else
		cli_error("policy fleet: %s: %s", shown, strerror(-error));
}

static int collect(const char *directory, uint64_t max_age_s, struct fleet **ret)
{
	struct fleet *fleet = fleet_new(clock_now_s(), max_age_s);
	int dirfd = io_open_dir(directory), r = dirfd < 0 ? dirfd : fleet ? 0 : -ENOMEM;
	if (r == 0)
		r = add_all(fleet, dirfd);
	if (r == 0)
		r = fleet_judge(fleet);
	io_close(&dirfd);
	if (r < 0) {
		say_failure(directory, r);
		fleet_free(fleet);
		return r;
	}
	*ret = fleet;
	return 0;
}

/* ---- showing ---- */

static int print_json(const struct fleet *fleet, struct buf *ret)
{
	struct json j = {.out = ret, .pretty = true};
	json_object(&j, NULL);
	int r = fleet_put_json(&j, fleet);
	json_close(&j);
	int end = json_end(&j);
	r = r < 0 ? r : end;
	return r == 0 ? buf_putc(ret, '\n') : r;
}

static int show(const struct fleet *fleet, bool json)
{
	const struct overview_screen screen = cli_overview_screen();
	struct sheet sheet = sheet_begin();
	int code = fleet_count_attention(fleet) > 0 ? EXIT_LOOK : EXIT_ALL_WELL;
	sheet.error = json ? print_json(fleet, &sheet.text) : fleet_print(fleet, &screen, &sheet.text);
	bool has_failed = sheet.error < 0;
	int printed = sheet_print(&sheet, code);
	return has_failed || printed != code ? EXIT_ERROR : code;
}

static int run(int argc, char **argv)
{
	const char *max_age = NULL;
	bool json = false, done = false;
	uint64_t max_age_s = MAX_AGE_S;
	const struct cli_option table[] = {
		{.name = "max-age", .kind = CLI_TEXT, .ret_text = &max_age},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	int code = cli_parse(cli_policy_fleet_commands, table, ARRAY_SIZE(table), &argc, argv, 1, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (max_age && !text_parse_duration(max_age, MAX_MAX_AGE_S, &max_age_s))
		return cli_usage_error(cli_policy_fleet_commands, "--max-age wants a time such as 15m, 24h or 7d");
	struct fleet *fleet = NULL;
	if (collect(argv[1], max_age_s, &fleet) < 0)
		return EXIT_ERROR;
	code = show(fleet, json);
	fleet_free(fleet);
	return code;
}
