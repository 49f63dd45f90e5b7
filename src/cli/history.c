/*
 * history.c - `vouchfs history`: the releases of a function that are kept. A mount is asked for them; where there is
 * none, the store of the configuration is read, as it lies.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "gate/gate.h"
#include "gate/history.h"
#include "history.h"
#include "host.h"
#include "verify.h"

static int run(int argc, char **argv);

const struct cli_command cli_history_commands[] = {
	{.name = "history",
	 .summary = "the releases of a function that are kept, the newest first",
	 .usage = "Examples:\n"
		  "  vouchfs history main-function\n"
		  "  vouchfs history main-function --json | jq '.releases[0].profileVersionArn'\n\n"
		  "A line each: * is the current release, ! one whose files cannot be read: BLOCKED by policy on\n"
		  "load, or DAMAGED in the store. Without a mount the store is read, as it lies.\n\n"
		  "Options:\n"
		  "      --json         as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 shown, 1 not to be had, 2 usage, 17 no such function.\n",
	 .run = run},
	{.name = NULL},
};

/* ---- of a mount ---- */

static int show_of_mount(int dirfd, const char *function, bool json)
{
	char path[128];
	(void)snprintf(path, sizeof(path), ".vouchfs/history/functions/%s%s", function, json ? ".json" : "");
	int r = cli_print_file(dirfd, path);
	if (r == -ENOENT) {
		(void)cli_unknown_slot(dirfd, "functions", function);
		return policy_reason_info(POLICY_VF4001_NO_SLOT)->exit_code;
	}
	if (r < 0)
		cli_error("history of %s: %s", function, strerror(-r));
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

/* ---- of a store ---- */

struct stored {
	struct store *store;
	const struct trust *trust;
	const char *function;
	struct gate_history_row *rows;
	struct store_release **releases; /* behind the rows, to be freed */
	size_t count;
};

/* By the record, as the daemon does; the content itself is not read. */
static enum gate_service judge(const struct stored *stored, const struct store_release *release)
{
	const struct config_slot *section = config_find_function(stored->trust->config, stored->function);
	struct gate_decision *decision = calloc(1, sizeof(*decision));
	enum gate_service service = GATE_UNKNOWN;
	if (decision && gate_judge_release(stored->trust, section ? section->code_signing : NULL, POLICY_ON_LOAD,
					   release, decision) == 0)
		service = decision->verdict.outcome != POLICY_REFUSED	   ? GATE_SERVED
			  : decision->verdict.deciding == POLICY_INTEGRITY ? GATE_DAMAGED
									   : GATE_BLOCKED;
	free(decision);
	return service;
}

static int add_release(struct stored *stored, uint64_t number, uint64_t current)
{
	struct store_release *release = NULL;
	int r = store_load_release(stored->store, stored->function, number, &release);
	if (r == -ENOENT) /* went meanwhile */
		return 0;
	if (r < 0) {
		cli_error("warning: the record of release %" PRIu64 " cannot be read: %s", number, strerror(-r));
		return r == -EBADMSG ? 0 : r;
	}
	stored->releases[stored->count] = release;
	stored->rows[stored->count++] = (struct gate_history_row){
		.release = release, .is_current = number == current, .service = judge(stored, release)};
	return 0;
}

static int add_all(struct stored *stored, const uint64_t *numbers, size_t count)
{
	struct store_release *current = NULL;
	int r = store_load_current(stored->store, stored->function, &current);
	uint64_t number = r == 0 ? current->number : 0;
	store_release_free(current);
	if (r < 0 && r != -ENOENT && r != -EBADMSG)
		return r;
	stored->rows = calloc(count + 1, sizeof(*stored->rows));
	stored->releases = calloc(count + 1, sizeof(struct store_release *));
	r = stored->rows && stored->releases ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_release(stored, numbers[i], number);
	return r;
}

static void stored_done(struct stored *stored)
{
	for (size_t i = 0; i < stored->count; i++)
		store_release_free(stored->releases[i]);
	free(stored->releases);
	free(stored->rows);
}

/* -ENOENT: neither the configuration nor the store knows it. */
static int read_stored(struct stored *stored)
{
	uint64_t *numbers = NULL;
	size_t count = 0;
	int r = store_list_releases(stored->store, stored->function, &numbers, &count);
	const struct config_slot *section = config_find_function(stored->trust->config, stored->function);
	if (r == -ENOENT && section && !section->is_pattern)
		r = 0;
	if (r == 0)
		r = add_all(stored, numbers, count);
	free(numbers);
	return r;
}

int history_of_store(const struct trust *trust, struct store *store, const char *function, bool json, struct buf *ret)
{
	struct stored stored = {.store = store, .trust = trust, .function = function};
	int r = read_stored(&stored);
	const struct gate_history history = {.function = function, .rows = stored.rows, .count = stored.count};
	if (r == 0)
		r = json ? gate_render_history_json(&history, ret) : gate_render_history(&history, ret);
	stored_done(&stored);
	return r;
}

int history_open_store(const struct trust *trust, struct store **ret)
{
	const struct config *config = trust->config;
	const struct store_options options = {.path = config->store, .anchor = config->anchor, .read_only = true};
	struct explain why = {0};
	int r = store_open(&options, ret, &why);
	if (r < 0)
		cli_error("%s", why.text[0] ? why.text : strerror(-r));
	return r;
}

static int show_of_store(const struct trust *trust, const char *function, bool json)
{
	struct store *store = NULL;
	struct buf text = {0};
	if (history_open_store(trust, &store) < 0)
		return CLI_EXIT_FAILURE;
	int r = history_of_store(trust, store, function, json, &text);
	if (r == 0)
		(void)fwrite(text.data, 1, text.len, stdout);
	buf_done(&text);
	store_close(store);
	if (r == -ENOENT) {
		cli_error("there is no function %s, neither in the configuration nor in the store", function);
		return policy_reason_info(POLICY_VF4001_NO_SLOT)->exit_code;
	}
	if (r < 0)
		cli_error("history of %s: %s", function, strerror(-r));
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

static int run(int argc, char **argv)
{
	const char *given = NULL;
	bool json = false, done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	int code = cli_parse(cli_history_commands, table, ARRAY_SIZE(table), &argc, argv, 1, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	const char *function = cli_function_operand(cli_history_commands, argv[1]);
	if (!function)
		return CLI_EXIT_USAGE;

	int dirfd = -1, r = cli_open_mount_if_any(given, &dirfd);
	if (r == 0) {
		code = show_of_mount(dirfd, function, json);
		io_close(&dirfd);
		return code;
	}
	struct trust *trust = NULL;
	if (r != -ENODEV)
		return CLI_EXIT_FAILURE;
	if (cli_load_trust(cli_config_path(given), &trust) < 0 || !trust)
		return CLI_EXIT_CONFIG;
	code = show_of_store(trust, function, json);
	trust_unref(trust);
	return code;
}
