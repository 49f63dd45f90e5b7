/*
 * audit.c - `vouchfs audit head` and `audit verify`: the end of the audit log, to be kept elsewhere, and whether the
 * log is still what was written.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit/verify.h"
#include "audit_log.h"
#include "base/io.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "host.h"
#include "sheet.h"

static int run_head(int argc, char **argv);
static int run_verify(int argc, char **argv);

enum { HEAD, VERIFY };

const struct cli_command cli_audit_commands[] = {
	[HEAD] =
		{.group = "audit",
		 .name = "head",
		 .summary = "number and hash of the last record, to be kept elsewhere",
		 .usage =
			 "Examples:\n"
			 "  vouchfs audit head >>/mnt/elsewhere/heads\n"
			 "  vouchfs audit head --json\n"
			 "  vouchfs audit head /backup/store\n\n"
			 "Prints \"number:sha256\". Of a mount anybody may ask; a store, or a copy of its log, is "
			 "read\n"
			 "as it lies. Whoever can write the log can cut records off its end: only a head that is kept\n"
			 "where he cannot write shows that (`vouchfs audit verify --head`).\n\n"
			 "Options:\n"
			 "      --json         as JSON\n" HOST_CONFIG_USAGE
			 "\nExit codes: 0 printed, 1 not to be had, 2 usage.\n",
		 .run = run_head},
	[VERIFY] =
		{.group = "audit",
		 .name = "verify",
		 .summary = "whether the log is what was written; names the first record that is not",
		 .usage = "Examples:\n"
			  "  vouchfs audit verify\n"
			  "  vouchfs audit verify --head \"$(tail -n 1 /mnt/elsewhere/heads)\"\n"
			  "  vouchfs audit verify --first 120001 /backup/audit\n\n"
			  "Reads all of the log: of the configuration's store, mounted or not, or of a store or a\n"
			  "directory with files of a log. Without --head, records that were cut off its end, or a log\n"
			  "that was written anew as a whole, go unseen.\n\n"
			  "Options:\n"
			  "      --head HEAD    what `audit head` printed: the log has to reach it\n"
			  "      --exact        the head is the end: nothing may be behind it\n"
			  "      --from HEAD    begin behind that record; what is before it may be archived\n"
			  "      --first N      begin with record N; what is before it may be archived\n"
			  "      --json         as JSON\n" HOST_CONFIG_USAGE
			  "\nExit codes: 0 whole, 30 edited, 31 removed, 32 reordered, 33 duplicated, 34 truncated,\n"
			  "35 forked, 36 unsigned (behind an --exact head), 37 clock-back (by more than 5 minutes);\n"
			  "1 it cannot be read, 2 usage.\n",
		 .run = run_verify},
	{.name = NULL},
};

/* ---- head ---- */

struct last {
	struct audit_point point;
	int r;
};

static bool take_last(void *ctx, const char *line, size_t len)
{
	struct last *last = ctx;
	struct event event;
	last->r = event_parse(line, len, &event);
	if (last->r == 0) {
		last->r = audit_point_of_line(event.seq, line, len, &last->point);
		event_done(&event);
	}
	return last->r == 0;
}

/* The last of the records that the mount has in memory is the log's. */
static int head_of_mount(int dirfd, struct audit_point *ret)
{
	struct last last = {.r = -ENOENT};
	int fd = openat(dirfd, CLI_RECENT, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : cli_each_line(fd, take_last, &last);
	io_close(&fd);
	if (r == 0)
		r = last.r;
	if (r == 0)
		*ret = last.point;
	else
		cli_error("the mount does not say which record is the last: %s", strerror(-r));
	return r;
}

static int head_of_files(const char *given, const char *place, struct audit_point *ret)
{
	int dirfd = -1;
	int r = cli_open_audit_log(given, place, &dirfd);
	if (r < 0)
		return r;
	r = audit_read_head(dirfd, ret);
	if (r == -ENOENT)
		cli_error("there is no record of an audit log here");
	else if (r == -EBADMSG)
		cli_error("the last line of the audit log is no record; `vouchfs audit verify` says more");
	else if (r < 0)
		cli_error("the audit log cannot be read: %s", strerror(-r));
	io_close(&dirfd);
	return r;
}

static int find_head(const char *given, const char *place, struct audit_point *ret)
{
	int dirfd = -1, r = place ? -ENODEV : cli_open_mount_if_any(given, &dirfd);
	if (r == -ENODEV)
		return head_of_files(given, place, ret);
	if (r < 0)
		return r;
	r = head_of_mount(dirfd, ret);
	io_close(&dirfd);
	return r;
}

static int print_json(struct buf *text, int exit_code)
{
	(void)fwrite(text->data, 1, text->len, stdout);
	(void)putchar('\n');
	return exit_code;
}

static int print_head_json(const struct audit_point *head)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_u64(&j, "seq", head->seq);
	json_text(&j, "sha256", head->sha256);
	json_close(&j);
	int code = json_end(&j) == 0 ? print_json(&text, CLI_EXIT_OK) : CLI_EXIT_FAILURE;
	buf_done(&text);
	return code;
}

static int run_head(int argc, char **argv)
{
	const char *given = NULL;
	bool json = false, done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	int code = cli_parse(&cli_audit_commands[HEAD], table, ARRAY_SIZE(table), &argc, argv, 0, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	struct audit_point head = {0};
	if (find_head(given, argc > 1 ? argv[1] : NULL, &head) < 0)
		return CLI_EXIT_FAILURE;
	if (json)
		return print_head_json(&head);
	char text[AUDIT_POINT_SIZE];
	audit_point_print(&head, text);
	(void)puts(text);
	return CLI_EXIT_OK;
}

/* ---- verify ---- */

static int print_finding_json(const struct audit_finding *finding, const struct audit_expectation *expected)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	char head[AUDIT_POINT_SIZE];
	audit_point_print(&finding->last, head);
	bool is_whole = finding->damage == AUDIT_WHOLE;
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "result", audit_damage_name(finding->damage));
	json_i64(&j, "exitCode", finding->damage);
	if (is_whole)
		json_text(&j, "seq", NULL);
	else
		json_u64(&j, "seq", finding->seq);
	json_text(&j, "detail", is_whole ? NULL : finding->why.text);
	json_text(&j, "file", finding->file[0] ? finding->file : NULL);
	json_u64(&j, "records", finding->record_count);
	json_u64(&j, "firstSeq", finding->first_seq);
	json_u64(&j, "lastSeq", finding->last.seq);
	json_text(&j, "head", finding->last.seq > 0 ? head : NULL);
	json_bool(&j, "headGiven", expected->head != NULL);
	json_u64(&j, "tornBytes", finding->torn_bytes);
	json_close(&j);
	int code = json_end(&j) == 0 ? print_json(&text, (int)finding->damage) : CLI_EXIT_FAILURE;
	buf_done(&text);
	return code;
}

static void put_whole(struct sheet *sheet, const struct audit_finding *finding,
		      const struct audit_expectation *expected)
{
	char head[AUDIT_POINT_SIZE];
	audit_point_print(&finding->last, head);
	sheet_paint(sheet, SHEET_GOOD, 0, "whole");
	sheet_put(sheet, ": %" PRIu64 " records, %" PRIu64 " to %" PRIu64 "\n", finding->record_count,
		  finding->first_seq, finding->last.seq);
	sheet_put(sheet, "  head  %s\n", head);
	if (finding->torn_bytes > 0)
		sheet_put(sheet,
			  "  %" PRIu64
			  " bytes of a record are behind it: a crash while it was written, or one that is\n"
			  "  being written; the next start cuts them off\n",
			  finding->torn_bytes);
	if (expected->head)
		sheet_put(sheet, "  record %" PRIu64 " is the one that was exported\n", expected->head->seq);
	if (expected->head && finding->last.seq > expected->head->seq)
		sheet_put(sheet, "  %" PRIu64 " behind it fit the chain, and nobody has vouched for them (--exact)\n",
			  finding->last.seq - expected->head->seq);
	else
		sheet_text(sheet, "  Records cut off the end go unseen without --head: keep what `vouchfs audit\n"
				  "  head` prints where nobody can change it.\n");
}

static void put_damage(struct sheet *sheet, const struct audit_finding *finding)
{
	sheet_paint(sheet, SHEET_BAD, 0, audit_damage_name(finding->damage));
	sheet_put(sheet, ": record %" PRIu64 "\n  %s\n", finding->seq, finding->why.text);
	if (finding->file[0])
		sheet_put(sheet, "  seen in  %s\n", finding->file);
	if (finding->record_count > 0 && finding->seq > finding->first_seq)
		sheet_put(sheet, "  whole    records %" PRIu64 " to %" PRIu64 "\n", finding->first_seq,
			  finding->seq - 1);
	sheet_text(sheet, "  Keep the log as it is, compare it with a copy, and find out who changed it.\n");
}

static int print_finding(const struct audit_finding *finding, const struct audit_expectation *expected)
{
	struct sheet sheet = sheet_begin();
	if (finding->damage == AUDIT_WHOLE)
		put_whole(&sheet, finding, expected);
	else
		put_damage(&sheet, finding);
	return sheet_print(&sheet, (int)finding->damage);
}

/* A head that lies before what is looked at was compared with nothing. */
static bool was_compared(const struct audit_finding *finding, const struct audit_expectation *expected)
{
	return finding->damage != AUDIT_WHOLE || !expected->head || expected->head->seq >= finding->first_seq;
}

static int verify(const char *given, const char *place, const struct audit_expectation *expected, bool json)
{
	struct audit_finding finding;
	int dirfd = -1;
	if (cli_open_audit_log(given, place, &dirfd) < 0)
		return CLI_EXIT_FAILURE;
	int r = audit_verify(dirfd, expected, &finding);
	io_close(&dirfd);
	if (r == -ENOENT)
		cli_error("there are no files of an audit log here (audit-<number>.jsonl)");
	else if (r < 0)
		cli_error("the audit log cannot be read: %s", strerror(-r));
	else if (!was_compared(&finding, expected))
		cli_error("record %" PRIu64 " of --head is before record %" PRIu64 ", with which the log begins: "
			  "nothing was compared with it; give a later head",
			  expected->head->seq, finding.first_seq);
	else
		return json ? print_finding_json(&finding, expected) : print_finding(&finding, expected);
	return CLI_EXIT_FAILURE;
}

/* 0 or the exit code. */
static int take_point(const char *option, const char *text, struct audit_point *to, const struct audit_point **ret)
{
	char shown[128];
	if (!text)
		return 0;
	if (!audit_point_parse(text, to))
		return cli_usage_error(&cli_audit_commands[VERIFY],
				       "--%s \"%s\" is not what `vouchfs audit head` prints: number:sha256", option,
				       text_escape_print(shown, sizeof(shown), text, strlen(text)));
	*ret = to;
	return 0;
}

static int run_verify(int argc, char **argv)
{
	const char *given = NULL, *head = NULL, *from = NULL, *first = NULL;
	bool json = false, exact = false, done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "exact", .kind = CLI_FLAG, .ret_flag = &exact},
		{.name = "head", .kind = CLI_TEXT, .ret_text = &head},
		{.name = "from", .kind = CLI_TEXT, .ret_text = &from},
		{.name = "first", .kind = CLI_TEXT, .ret_text = &first},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	const struct cli_command *command = &cli_audit_commands[VERIFY];
	int code = cli_parse(command, table, ARRAY_SIZE(table), &argc, argv, 0, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;

	struct audit_expectation expected = {0};
	struct audit_point head_point, from_point;
	code = take_point("head", head, &head_point, &expected.head);
	if (code == 0)
		code = take_point("from", from, &from_point, &expected.from);
	if (code != 0)
		return code;
	if (exact && !head)
		return cli_usage_error(command, "--exact says that --head is the end; give that, too");
	expected.is_end = exact;
	if (first && from)
		return cli_usage_error(command, "--first and --from both say where to begin; give one of them");
	if (first && (!text_parse_u64(first, strlen(first), INT64_MAX, &expected.first_seq) || expected.first_seq == 0))
		return cli_usage_error(command, "--first is the number of a record, from 1 on");
	return verify(given, argc > 1 ? argv[1] : NULL, &expected, json);
}
