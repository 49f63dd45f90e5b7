/* audit_search.c - `vouchfs audit search`: the records of the whole log that are asked for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "audit_log.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/cli.h"
#include "host.h"

#define DAY_S 86400

static int run(int argc, char **argv);

const struct cli_command cli_audit_search_commands[] = {
	{.group = "audit",
	 .name = "search",
	 .summary = "the records of the whole log that are asked for",
	 .usage = "Examples:\n"
		  "  vouchfs audit search --outcome refused --since 7d\n"
		  "  vouchfs audit search --slot main-function --since 2026-11-01 --until 2026-11-30\n"
		  "  vouchfs audit search --signer release/ --json | jq -r .artifact\n\n"
		  "Reads all files of the log: of the configuration's store, mounted or not, or of a store or a\n"
		  "directory with files of a log. What is given has to hold, all of it.\n\n"
		  "Options:\n"
		  "      --slot SLOT        main-function, functions/main-function, layers/tools\n"
		  "      --outcome OUTCOME  accepted, warned, refused, failed, blocked, unblocked, damaged\n"
		  "      --reason CODE      VF2001\n"
		  "      --event EVENT      deployment, config-reloaded, ... as the records name it\n"
		  "      --signer TEXT      part of the ARN of the signing profile\n"
		  "      --uid UID          by this user\n"
		  "      --since TIME       2026-11-22, 2026-11-22T08:00:00Z, or how long ago: 12h, 7d\n"
		  "      --until TIME       the same; of a day, its end\n"
		  "      --json             the records as JSON, a line each\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 looked through, whatever was found; 1 it cannot be read, 2 usage.\n",
	 .run = run},
	{.name = NULL},
};

struct search {
	struct event_filter filter;
	struct overview_screen screen;
	bool json;
	uint64_t found;
};

static bool take_record(void *ctx, const char *line, size_t len)
{
	struct search *search = ctx;
	struct event event;
	struct buf text = {0};
	if (event_parse(line, len, &event) < 0)
		return true;
	bool is_found = event_matches(&event, &search->filter);
	if (is_found && search->json)
		(void)printf("%.*s\n", (int)len, line);
	else if (is_found && event_print(&event, &search->screen, &text) == 0)
		(void)fputs(text.data, stdout);
	search->found += is_found;
	buf_done(&text);
	event_done(&event);
	return !ferror(stdout);
}

/* A moment, a day (its first second, or its last), or so long before now. */
static bool parse_time(const char *text, bool is_end, int64_t *ret_s)
{
	char day[CLOCK_UTC_SIZE];
	uint64_t ago_s;
	if (clock_parse_utc(text, strlen(text), ret_s))
		return true;
	if (text_parse_duration(text, UINT32_MAX, &ago_s)) {
		*ret_s = clock_now_s() - (int64_t)ago_s;
		return true;
	}
	(void)snprintf(day, sizeof(day), "%.10sT00:00:00Z", text);
	if (strlen(text) != strlen("2026-11-22") || !clock_parse_utc(day, strlen(day), ret_s))
		return false;
	*ret_s += is_end ? DAY_S - 1 : 0;
	return true;
}

/* 0 or the exit code. */
static int take_time(const char *option, const char *text, int64_t *ret_s)
{
	char shown[128];
	if (!text || parse_time(text, strcmp(option, "until") == 0, ret_s))
		return 0;
	return cli_usage_error(cli_audit_search_commands,
			       "--%s \"%s\" is no time: 2026-11-22, 2026-11-22T08:00:00Z, or how long ago, like 7d",
			       option, text_escape_print(shown, sizeof(shown), text, strlen(text)));
}

static int take_uid(const char *text, struct event_filter *filter)
{
	uint64_t uid;
	if (!text)
		return 0;
	if (!text_parse_u64(text, strlen(text), UINT32_MAX, &uid))
		return cli_usage_error(cli_audit_search_commands, "--uid is a number");
	filter->has_uid = true;
	filter->uid = (uint32_t)uid;
	return 0;
}

static int search_log(struct search *search, const char *given, const char *place)
{
	int dirfd = -1;
	if (cli_open_audit_log(given, place, &dirfd) < 0)
		return CLI_EXIT_FAILURE;
	int r = cli_each_record(dirfd, 1, take_record, search);
	io_close(&dirfd);
	if (r < 0)
		cli_error("the audit log cannot be read: %s", strerror(-r));
	else if (search->found == 0)
		cli_error("no record is like that");
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct search search = {.screen = cli_event_screen()};
	struct event_filter *filter = &search.filter;
	const char *given = NULL, *since = NULL, *until = NULL, *uid = NULL;
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "slot", .kind = CLI_TEXT, .ret_text = &filter->slot},
		{.name = "outcome", .kind = CLI_TEXT, .ret_text = &filter->outcome},
		{.name = "reason", .kind = CLI_TEXT, .ret_text = &filter->reason},
		{.name = "event", .kind = CLI_TEXT, .ret_text = &filter->kind},
		{.name = "signer", .kind = CLI_TEXT, .ret_text = &filter->signer},
		{.name = "since", .kind = CLI_TEXT, .ret_text = &since},
		{.name = "until", .kind = CLI_TEXT, .ret_text = &until},
		{.name = "uid", .kind = CLI_TEXT, .ret_text = &uid},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &search.json},
	};
	int code = cli_parse(cli_audit_search_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	code = take_time("since", since, &filter->since_s);
	if (code == 0)
		code = take_time("until", until, &filter->until_s);
	if (code == 0)
		code = take_uid(uid, filter);
	return code == 0 ? search_log(&search, given, argc > 1 ? argv[1] : NULL) : code;
}
