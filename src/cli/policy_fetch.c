/* policy_fetch.c - `vouchfs policy fetch`: has the host look at its source now, and says what came of it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "fs/mount.h"
#include "host.h"
#include "policy_host.h"

#define PAUSE_MS 20

static int run(int argc, char **argv);

const struct cli_command cli_policy_fetch_commands[] = {
	{.group = "policy",
	 .name = "fetch",
	 .summary = "look for a policy bundle at [policy] source now",
	 .usage = "Examples:\n"
		  "  vouchfs policy fetch\n\n"
		  "Has the mount fetch from its source without waiting for poll_interval, also a bundle that it has\n"
		  "refused before, and says what came of that.\n\n"
		  "Options:\n" HOST_CONFIG_USAGE "\nExit codes: 0 the bundle that the source has was taken or is in "
		  "force, 1 not fetched or refused, 2 usage.\n",
	 .run = run},
	{.name = NULL},
};

/* Until one more attempt is told of than before. */
static int await_attempt(int dirfd, uint64_t before, struct buf *status)
{
	uint64_t until_ms = clock_monotonic_ms() + (LIMIT_FETCH_S + LIMIT_FETCH_CONNECT_S) * 1000ULL;
	while (clock_monotonic_ms() < until_ms) {
		buf_reset(status);
		int r = policy_read_status(dirfd, status);
		if (r < 0)
			return r;
		if (policy_status_number(status, "fetch-attempts") > before)
			return 0;
		(void)poll(NULL, 0, PAUSE_MS);
	}
	cli_error("no outcome yet; `vouchfs policy show` and the log tell it");
	return -ETIMEDOUT;
}

static int print_outcome(const struct buf *status)
{
	char *error = policy_status_text(status, "fetch-error");
	char *source = policy_status_text(status, "source");
	int code = CLI_EXIT_OK;
	if (error && error[0]) {
		cli_error("%s", error);
		code = CLI_EXIT_FAILURE;
	} else {
		(void)printf("policy bundle %llu is in force; the source is %s\n",
			     (unsigned long long)policy_status_number(status, "sequence"), source ? source : "");
	}
	free(error);
	free(source);
	return code;
}

static int fetch(const char *config, int dirfd)
{
	struct buf status = {0};
	struct explain why = {{0}};
	int code = CLI_EXIT_FAILURE;
	int r = policy_read_status(dirfd, &status);
	if (r < 0)
		goto out;
	char *source = policy_status_text(&status, "source");
	if (!source || !source[0]) {
		cli_error("nothing is fetched here; write `source = https://...` into [policy] of %s, then `vouchfs "
			  "reload`",
			  config);
		r = -ENOENT;
	}
	free(source);
	if (r < 0)
		goto out;
	uint64_t before = policy_status_number(&status, "fetch-attempts");
	r = fs_ask_to_fetch(config, &why);
	if (r < 0)
		cli_error("%s", why.text);
	else if (await_attempt(dirfd, before, &status) == 0)
		code = print_outcome(&status);
out:
	buf_done(&status);
	return code;
}

static int run(int argc, char **argv)
{
	const char *given = NULL;
	char *config = NULL;
	bool done = false;
	int dirfd = -1;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
	};
	int code = cli_parse(cli_policy_fetch_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	code = CLI_EXIT_FAILURE;
	if (cli_resolve_config(given, &config) == 0 && policy_open_mount(given, &dirfd) == 0)
		code = fetch(config, dirfd);
	io_close(&dirfd);
	free(config);
	return code;
}
