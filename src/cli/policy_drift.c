/*
 * policy_drift.c - `vouchfs policy drift`: where this host differs from its bundle. The daemon compares; what it cannot
 * see, since it opens no path of its own mount, is added by this command (policy_drift_mount.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "cli/aws.h"
#include "host.h"
#include "policy_drift.h"

#define ANSWER_BYTES  262144
#define EXIT_DRIFT    1
#define EXIT_UNKNOWN  2
#define INDENT	      4
#define SENTENCE_SIZE 640

static int run(int argc, char **argv);

const struct cli_command cli_policy_drift_commands[] = {
	{.group = "policy",
	 .name = "drift",
	 .summary = "where this host differs from its bundle",
	 .usage = "Examples:\n"
		  "  vouchfs policy drift\n"
		  "  vouchfs policy drift --json | jq -r '.differences[].subject'\n\n"
		  "Compares what is in force on the host with the policy bundle: the bundle itself, what the\n"
		  "host's own files say about what it governs, configuration and trust files on the disk,\n"
		  "revocation lists, slots as callers see them, and the options of the unit that serves. Of\n"
		  "root, and the user who has mounted it.\n\n"
		  "Options:\n"
		  "      --json         as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 nothing differs; 1 something does; 2 it could not be compared, or no\n"
		  "bundle has come yet.\n",
	 .run = run},
	{.name = NULL},
};

struct request {
	const char *given; /* the configuration, as named */
	char *config;	   /* its path */
	bool json;
};

/* ---- what to do ---- */

static const char *remedy_for(const struct drift_item *item)
{
	static const char *const remedies[DRIFT_KIND_COUNT] = {
		[DRIFT_BUNDLE] = "`vouchfs policy apply` the newest bundle again, or one with a higher sequence",
		[DRIFT_LOCAL] = "take it out of that file, or have it said in the bundle; then `vouchfs reload`",
		[DRIFT_CONFIG] = "`vouchfs check-config`, then `vouchfs reload`; or put the files back as they were",
		[DRIFT_TRUST] =
			"find out which is right (`vouchfs signer export-trust`), put it there, `vouchfs reload`",
		[DRIFT_REVOCATIONS] = "bring the account's current list (`vouchfs signer export-trust`)",
		[DRIFT_SLOT] = "`vouchfs reload`, where ids have changed; unmount what is mounted over it",
		[DRIFT_UNIT] = "`systemctl edit` the unit or change how it is mounted, then mount it again",
	};
	return remedies[item->kind];
}

/* ---- for people ---- */

static void print_row(const char *label, const char *text)
{
	char row[SENTENCE_SIZE];
	(void)snprintf(row, sizeof(row), "%s: %s", label, text);
	cli_print_folded(INDENT, row);
}

static void print_item(const struct drift_item *item, bool remediates)
{
	(void)printf("\n%s  %s\n", drift_kind_name(item->kind), item->subject);
	print_row("expected", item->expected);
	print_row("found", item->found);
	print_row(remediates && item->is_remediable ? "the host puts it right; else" : "to do", remedy_for(item));
}

static void print_head(const struct request *request, const struct drift *drift)
{
	char bundle[64] = "its policy (no bundle is in force)", at[CLOCK_UTC_SIZE];
	if (drift->sequence > 0)
		(void)snprintf(bundle, sizeof(bundle), "policy bundle %" PRIu64, drift->sequence);
	clock_format_utc(drift->checked_at_s, at);
	if (drift->count == 0)
		(void)printf("%s: nothing differs from %s\n", request->config, bundle);
	else
		(void)printf("%s: %zu difference%s from %s\n", request->config, drift->count,
			     drift->count == 1 ? "" : "s", bundle);
	(void)printf("  compared at %s; remediate = %s\n", at, drift->remediates ? "yes" : "no");
}

static void print(const struct request *request, const struct drift *drift)
{
	print_head(request, drift);
	for (size_t i = 0; i < drift_item_count(drift); i++)
		print_item(&drift->items[i], drift->remediates);
	if (drift->count > drift_item_count(drift))
		(void)printf("\nand %zu more\n", drift->count - drift_item_count(drift));
}

/* ---- as JSON ---- */

static void put_item(struct json *j, const struct drift_item *item)
{
	json_object(j, NULL);
	json_text(j, "kind", drift_kind_name(item->kind));
	json_text(j, "subject", item->subject);
	json_text(j, "expected", item->expected);
	json_text(j, "found", item->found);
	json_text(j, "remedy", remedy_for(item));
	json_bool(j, "remediable", item->is_remediable);
	json_close(j);
}

static int print_json(const struct request *request, const struct drift *drift)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	char at[CLOCK_UTC_SIZE];
	clock_format_utc(drift->checked_at_s, at);
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "config", request->config);
	json_text(&j, "checkedAt", at);
	json_u64(&j, "sequence", drift->sequence);
	json_bool(&j, "remediates", drift->remediates);
	json_u64(&j, "count", drift->count);
	json_array(&j, "differences");
	for (size_t i = 0; i < drift_item_count(drift); i++)
		put_item(&j, &drift->items[i]);
	json_close(&j);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

/* ---- comparing ---- */

static int say_failure(const struct request *request, int error)
{
	if (error == -EACCES || error == -EPERM)
		cli_error("only root, and the user who has mounted it, may compare the host with its bundle");
	else if (error == -ENOENT)
		cli_error("%s has no [policy] publisher in force: no bundle governs this host", request->config);
	else if (error == -EBADMSG)
		cli_error("the mount's answer is none that this version understands; is it served by another one?");
	else
		cli_error("the host could not be compared with its bundle: %s", strerror(-error));
	return error;
}

/* Says why it fails. */
static int ask_daemon(const struct request *request, int dirfd, struct drift *ret)
{
	struct buf answer = {0};
	int r = io_read_file(dirfd, ".vouchfs/policy/drift", ANSWER_BYTES, &answer);
	if (r == 0)
		r = drift_parse(answer.data ? answer.data : "", answer.len, ret);
	buf_done(&answer);
	return r < 0 ? say_failure(request, r) : 0;
}

static int compare(const struct request *request, struct drift *ret)
{
	int dirfd = -1;
	int r = cli_open_mount_if_any(request->given, &dirfd);
	if (r == -ENODEV)
		cli_error("%s is not mounted, so there is nothing in force to compare; `vouchfs check-config` looks at "
			  "its files under the bundle in the store",
			  request->config);
	if (r == 0)
		r = ask_daemon(request, dirfd, ret);
	if (r == 0)
		policy_drift_add_seen(request->config, dirfd, ret);
	io_close(&dirfd);
	return r;
}

/* A host that has lost its bundle has a difference. */
static bool has_bundle(const struct drift *drift)
{
	return drift->sequence > 0 || drift->count > 0;
}

static int exit_code(const struct drift *drift)
{
	if (!has_bundle(drift))
		return EXIT_UNKNOWN;
	return drift->count > 0 ? EXIT_DRIFT : CLI_EXIT_OK;
}

static int show(const struct request *request)
{
	struct drift *drift = calloc(1, sizeof(*drift));
	int code = EXIT_UNKNOWN;
	int r = drift ? compare(request, drift) : say_failure(request, -ENOMEM);
	if (r < 0)
		goto out;
	code = exit_code(drift);
	if (request->json)
		code = print_json(request, drift) == CLI_EXIT_OK ? code : EXIT_UNKNOWN;
	else if (has_bundle(drift))
		print(request, drift);
	else
		cli_error("no policy bundle has come yet, so there is nothing to compare this host with; `vouchfs "
			  "policy apply FILE` brings one");
out:
	free(drift);
	return code;
}

static int run(int argc, char **argv)
{
	struct request request = {0};
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &request.given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &request.json},
	};
	int code = cli_parse(cli_policy_drift_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (cli_resolve_config(request.given, &request.config) < 0)
		return EXIT_UNKNOWN;
	code = show(&request);
	free(request.config);
	return code;
}
