/*
 * events.c - `vouchfs events`: what happened last, and with -f what happens. A mount is asked; where there is none, the
 * log is read, as it lies.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_log.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/cli.h"
#include "host.h"

#define COUNT_DEFAULT 20
#define REOPEN_MAX    1000
#define COUNT_MAX     100000

static int run(int argc, char **argv);

const struct cli_command cli_events_commands[] = {
	{.name = "events",
	 .summary = "what happened last: deployments, blocks, reloads; -f follows",
	 .usage = "Examples:\n"
		  "  vouchfs events\n"
		  "  vouchfs events -f\n"
		  "  vouchfs events -n 100 --slot main-function\n"
		  "  vouchfs events -f --json | jq 'select(.outcome == \"refused\")'\n\n"
		  "Two lines each: number, time, what, slot; then who and why. `vouchfs why NUMBER` shows one\n"
		  "whole, `vouchfs audit search` looks through all there ever were. With -f no record is missed\n"
		  "or shown twice; it ends when the mount does. Without a mount the log is read.\n\n"
		  "Options:\n"
		  "  -f, --follow       go on with what comes\n"
		  "  -n, --lines N      the last N of them (default: 20; 0 with -f: only what comes)\n"
		  "      --slot SLOT    of this slot alone\n"
		  "      --json         the records as JSON, a line each\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 shown, 1 not to be had, 2 usage.\n",
	 .run = run},
	{.name = NULL},
};

struct view {
	const char *given_config;
	struct event_filter filter;
	struct overview_screen screen;
	bool json;
	size_t max;	    /* lines that are wanted */
	char **lines;	    /* the last of them, in a ring */
	size_t count;	    /* that came */
	uint64_t first_seq; /* of all that came, whether wanted or not; 0: none */
	uint64_t last_seq;
	bool is_full; /* out of memory */
};

/* ---- showing ---- */

static void print_line(const struct view *view, const char *line, size_t len, const struct event *event)
{
	struct buf text = {0};
	if (view->json)
		(void)printf("%.*s\n", (int)len, line);
	else if (event_print(event, &view->screen, &text) == 0)
		(void)fputs(text.data, stdout);
	buf_done(&text);
}

/* ---- the last ones ---- */

static void keep_line(struct view *view, const char *line, size_t len)
{
	if (view->max == 0)
		return;
	char **to = &view->lines[view->count++ % view->max];
	free(*to);
	*to = strndup(line, len);
	view->is_full |= !*to;
}

static bool take_past(void *ctx, const char *line, size_t len)
{
	struct view *view = ctx;
	struct event event;
	if (event_parse(line, len, &event) < 0)
		return true;
	if (view->first_seq == 0)
		view->first_seq = event.seq;
	view->last_seq = event.seq;
	if (event_matches(&event, &view->filter))
		keep_line(view, line, len);
	event_done(&event);
	return !view->is_full;
}

static void forget_lines(struct view *view)
{
	for (size_t i = 0; i < view->max; i++) {
		free(view->lines[i]);
		view->lines[i] = NULL;
	}
	view->count = 0;
	view->first_seq = view->last_seq = 0;
}

static void print_lines(const struct view *view)
{
	size_t shown = view->count < view->max ? view->count : view->max;
	for (size_t i = view->count - shown; i < view->count; i++) {
		const char *line = view->lines[i % view->max];
		struct event event;
		if (!line || event_parse(line, strlen(line), &event) < 0)
			continue;
		print_line(view, line, strlen(line), &event);
		event_done(&event);
	}
}

static int read_log(struct view *view, int log_dirfd)
{
	int r = cli_each_record(log_dirfd, 1, take_past, view);
	return view->is_full ? -ENOMEM : r;
}

/* What the mount has in memory; more is wanted of the log where that may be read. */
static int read_recent(struct view *view, int mount)
{
	int fd = openat(mount, CLI_RECENT, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : cli_each_line(fd, take_past, view);
	io_close(&fd);
	bool has_enough = view->count >= view->max || view->first_seq <= 1;
	int log_dirfd = r == 0 && !has_enough ? cli_open_audit_log_if_allowed(view->given_config) : -1;
	if (log_dirfd < 0)
		return view->is_full ? -ENOMEM : r;
	forget_lines(view);
	r = read_log(view, log_dirfd);
	io_close(&log_dirfd);
	return r;
}

/* ---- what comes ---- */

static void show_next(struct view *view, const char *line, size_t len, const struct event *event)
{
	if (event->seq <= view->last_seq)
		return;
	view->last_seq = event->seq;
	if (event_matches(event, &view->filter))
		print_line(view, line, len, event);
}

struct gap {
	struct view *view;
	uint64_t last_seq;
};

static bool take_missed(void *ctx, const char *line, size_t len)
{
	struct gap *gap = ctx;
	struct event event;
	if (event_parse(line, len, &event) < 0)
		return true;
	bool is_in_gap = event.seq <= gap->last_seq;
	if (is_in_gap)
		show_next(gap->view, line, len, &event);
	event_done(&event);
	return is_in_gap;
}

/* The mount has forgotten them meanwhile; the log has not. */
static void fill_gap(struct view *view, const char *line, size_t len, const struct event *missed)
{
	struct gap gap = {.view = view, .last_seq = missed->missed_last};
	int log_dirfd = cli_open_audit_log_if_allowed(view->given_config);
	int r = log_dirfd < 0 ? -EACCES : cli_each_record(log_dirfd, missed->missed_first, take_missed, &gap);
	io_close(&log_dirfd);
	if (r < 0)
		print_line(view, line, len, missed);
}

static bool take_next(void *ctx, const char *line, size_t len)
{
	struct view *view = ctx;
	struct event event;
	if (event_parse(line, len, &event) < 0)
		return true;
	if (strcmp(event.kind, "missed") == 0)
		fill_gap(view, line, len, &event);
	else
		show_next(view, line, len, &event);
	event_done(&event);
	return fflush(stdout) == 0;
}

/* ---- the command ---- */

/* A stream ends with an error when another daemon takes the place of its own: there is a new one then. */
static int follow(struct view *view, int mount, int *stream)
{
	int r = cli_each_line(*stream, take_next, view);
	for (int tries = 0; r == -EIO && tries < REOPEN_MAX; tries++) {
		io_close(stream);
		*stream = openat(mount, CLI_EVENTS, O_RDONLY | O_CLOEXEC);
		int recent = *stream < 0 ? -1 : openat(mount, CLI_RECENT, O_RDONLY | O_CLOEXEC);
		r = recent < 0 ? -errno : cli_each_line(recent, take_next, view); /* what it has missed */
		io_close(&recent);
		if (r == 0)
			r = cli_each_line(*stream, take_next, view);
	}
	return r;
}

/* The stream is opened first, so that nothing falls between the past and it; what is in both is shown once. */
static int show_of_mount(struct view *view, int mount, bool follows)
{
	int stream = follows ? openat(mount, CLI_EVENTS, O_RDONLY | O_CLOEXEC) : -1;
	if (follows && stream < 0) {
		cli_error(errno == ENFILE ? "as many follow the events of this mount as may; end one of them"
					  : "the events of the mount cannot be followed");
		return CLI_EXIT_FAILURE;
	}
	int r = read_recent(view, mount);
	if (r == 0) {
		print_lines(view);
		(void)fflush(stdout);
	}
	if (r == 0 && follows) {
		r = follow(view, mount, &stream);
		if (r == 0)
			cli_error("the mount has ended");
	}
	io_close(&stream);
	if (r < 0)
		cli_error("the events of the mount cannot be read: %s", strerror(-r));
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

static int show_of_store(struct view *view, bool follows)
{
	int log_dirfd = -1;
	if (follows) {
		cli_error("%s is not mounted, so there is nothing to follow", cli_config_path(view->given_config));
		return CLI_EXIT_FAILURE;
	}
	if (cli_open_audit_log(view->given_config, NULL, &log_dirfd) < 0)
		return CLI_EXIT_FAILURE;
	int r = read_log(view, log_dirfd);
	io_close(&log_dirfd);
	if (r == 0)
		print_lines(view);
	else
		cli_error("the audit log cannot be read: %s", strerror(-r));
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

static int show(struct view *view, bool follows)
{
	int mount = -1, r = cli_open_mount_if_any(view->given_config, &mount);
	if (r == -ENODEV)
		return show_of_store(view, follows);
	if (r < 0)
		return CLI_EXIT_FAILURE;
	int code = show_of_mount(view, mount, follows);
	io_close(&mount);
	return code;
}

static int run(int argc, char **argv)
{
	struct view view = {.screen = cli_event_screen()};
	const char *lines = NULL;
	bool follows = false, done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &view.given_config},
		{.name = "follow", .letter = 'f', .kind = CLI_FLAG, .ret_flag = &follows},
		{.name = "lines", .letter = 'n', .kind = CLI_TEXT, .ret_text = &lines},
		{.name = "slot", .kind = CLI_TEXT, .ret_text = &view.filter.slot},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &view.json},
	};
	int code = cli_parse(cli_events_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	uint64_t count = COUNT_DEFAULT;
	if (lines && !text_parse_u64(lines, strlen(lines), COUNT_MAX, &count))
		return cli_usage_error(cli_events_commands, "--lines is a number from 0 to %d", COUNT_MAX);
	view.max = (size_t)count;
	view.lines = calloc(view.max + 1, sizeof(*view.lines));
	if (!view.lines) {
		cli_error("%s", strerror(ENOMEM));
		return CLI_EXIT_FAILURE;
	}
	code = show(&view, follows);
	forget_lines(&view);
	free(view.lines);
	return code;
}
