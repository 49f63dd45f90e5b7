/*
 * break_glass.c - `vouchfs break-glass`: writes a line into the function's control file of the mount, as the calling
 * user. Whether that is the administrator is for the daemon to say.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/aws.h"
#include "host.h"
#include "policy/reason.h"

#define DIRECTORY  ".vouchfs/break-glass/functions"
#define PATH_SIZE  128
#define FILE_BYTES 4096

static int run(int argc, char **argv);

const struct cli_command cli_break_glass_commands[] = {
	{.name = "break-glass",
	 .summary = "let a function take for a while what its config refuses",
	 .usage = "Examples:\n"
		  "  vouchfs break-glass billing --minutes 30 --reason \"INC-42: signing host is down\"\n"
		  "  vouchfs break-glass billing --end\n"
		  "  vouchfs break-glass                   what is in force\n\n"
		  "Who signed an artifact, its expiry and its revocation are only warned about until then, when\n"
		  "it is deployed and when it runs; integrity, the ZIP rules and limits stay enforced. It ends by\n"
		  "itself. What was deployed meanwhile stays, and is judged on load again: under Enforce it is\n"
		  "blocked then. Beginning and end are recorded, status and metrics show it. Only root and\n"
		  "whoever has mounted may do this. A second one replaces the first.\n\n"
		  "Options:\n"
		  "      --minutes N    1 to 1440\n"
		  "      --reason TEXT  1 to 500 characters of printable ASCII\n"
		  "      --end          end it now\n"
		  "      --json         what is in force then, as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 done or shown, 1 not permitted or failed, 2 usage, 17 no such function.\n",
	 .run = run},
	{.name = NULL},
};

struct request {
	const char *function; /* NULL: all that are in force are shown */
	const char *minutes;
	const char *reason;
	bool is_end;
	bool json;
	int dirfd; /* of the mount */
};

/* ---- what is in force ---- */

struct shown {
	char began[32];
	char until[32];
	char reason[LIMIT_REASON_BYTES + 1];
	uint64_t seconds_left;
	uint64_t uid;
	uint64_t event;
};

static bool take_text(const struct buf *text, const char *key, char *ret, size_t size)
{
	char *value = text_record_get(text->data, text->len, key);
	bool fits = value && strlen(value) < size;
	if (fits)
		memcpy(ret, value, strlen(value) + 1);
	free(value);
	return fits;
}

static bool parse(const struct buf *text, struct shown *ret)
{
	return take_text(text, "began", ret->began, sizeof(ret->began)) &&
	       take_text(text, "until", ret->until, sizeof(ret->until)) &&
	       take_text(text, "reason", ret->reason, sizeof(ret->reason)) &&
	       text_record_get_u64(text->data, text->len, "seconds-left", &ret->seconds_left) &&
	       text_record_get_u64(text->data, text->len, "uid", &ret->uid) &&
	       text_record_get_u64(text->data, text->len, "event", &ret->event);
}

/* 1 and *ret, 0: none is in force, or a negative errno. */
static int read_function(const struct request *request, const char *function, struct shown *ret)
{
	char path[PATH_SIZE];
	struct buf text = {0};
	(void)snprintf(path, sizeof(path), DIRECTORY "/%s", function);
	int r = io_read_file(request->dirfd, path, FILE_BYTES, &text);
	if (r == 0 && text.len > 0)
		r = parse(&text, ret) ? 1 : -EBADMSG;
	buf_done(&text);
	return r;
}

static void put_json(struct json *j, const char *function, const struct shown *shown)
{
	json_object(j, NULL);
	json_text(j, "function", function);
	json_text(j, "began", shown->began);
	json_text(j, "until", shown->until);
	json_u64(j, "secondsLeft", shown->seconds_left);
	json_u64(j, "uid", shown->uid);
	json_text(j, "reason", shown->reason);
	json_u64(j, "event", shown->event);
	json_close(j);
}

static void print_time_left(uint64_t seconds)
{
	if (seconds < 60)
		(void)printf("%" PRIu64 " s left", seconds);
	else
		(void)printf("%" PRIu64 " min left", seconds / 60);
}

static void print_row(const char *function, const struct shown *shown)
{
	(void)printf("functions/%s\n  until %s, ", function, shown->until);
	print_time_left(shown->seconds_left);
	(void)printf("; by uid %" PRIu64 ", event %" PRIu64 "\n", shown->uid, shown->event);
	cli_print_folded(2, shown->reason);
}

static int fail_to_read(const char *what, int error)
{
	cli_error("%s: %s", what, strerror(error));
	return CLI_EXIT_FAILURE;
}

/* 1 when there was one, 0, or a negative errno. One that has just ended, with its slot perhaps, is not shown. */
static int show_one(const struct request *request, const char *function, struct json *j)
{
	struct shown shown = {0};
	int r = read_function(request, function, &shown);
	if (r == 1 && request->json)
		put_json(j, function, &shown);
	else if (r == 1)
		print_row(function, &shown);
	return r == -ENOENT && !request->function ? 0 : r;
}

static int fail_to_show(const struct request *request, int error)
{
	if (error != ENOENT || !request->function)
		return fail_to_read("what is in force cannot be read", error);
	(void)cli_unknown_slot(request->dirfd, "functions", request->function);
	return policy_reason_info(POLICY_VF4001_NO_SLOT)->exit_code;
}

static int show_all(const struct request *request, const struct io_names *names)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	bool is_any = false;
	int r = 0;
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_array(&j, "breakGlass");
	for (size_t i = 0; r >= 0 && i < names->count; i++) {
		r = show_one(request, names->names[i], &j);
		is_any |= r == 1;
	}
	json_close(&j);
	json_close(&j);
	int ended = json_end(&j);
	if (r >= 0 && request->json)
		return cli_print_json(&text, ended);
	buf_done(&text);
	if (r < 0)
		return fail_to_show(request, -r);
	if (!is_any)
		(void)printf("no break glass is in force%s%s\n", request->function ? " on functions/" : "",
			     request->function ? request->function : "");
	return CLI_EXIT_OK;
}

static int show(const struct request *request)
{
	struct io_names names = {0};
	char *one[] = {(char *)request->function};
	if (request->function)
		return show_all(request, &(struct io_names){.names = one, .count = 1});
	int r = io_list_dir(request->dirfd, DIRECTORY, &names);
	if (r < 0)
		return fail_to_read(DIRECTORY, -r);
	int code = show_all(request, &names);
	io_names_done(&names);
	return code;
}

/* ---- beginning and ending ---- */

static int fail_to_open(const struct request *request, int error)
{
	if (error == ENOENT) {
		(void)cli_unknown_slot(request->dirfd, "functions", request->function);
		return policy_reason_info(POLICY_VF4001_NO_SLOT)->exit_code;
	}
	if (error == EACCES)
		cli_error("%s: only root, and the user who has mounted it, may break glass; whoever may deploy there "
			  "may not",
			  request->function);
	else
		cli_error("%s: %s", request->function, strerror(error));
	return CLI_EXIT_FAILURE;
}

static int fail_to_write(const struct request *request, int error)
{
	const char *function = request->function;
	if (error == ENODATA)
		cli_error("%s: no break glass is in force there", function);
	else if (error == EOPNOTSUPP)
		cli_error("%s has code_signing_config = none: nothing is enforced there that could be relaxed",
			  function);
	else if (request->is_end)
		cli_error("%s: its break glass was not ended: %s", function, strerror(error));
	else
		cli_error("%s: nothing is in force: %s; a break glass has to be recorded and kept: see the log of the "
			  "host",
			  function, strerror(error));
	return CLI_EXIT_FAILURE;
}

static int tell(const struct request *request)
{
	struct shown shown = {0};
	if (request->json)
		return show(request);
	if (request->is_end) {
		(void)printf("functions/%s: what its config says is enforced again\n", request->function);
		return CLI_EXIT_OK;
	}
	int r = read_function(request, request->function, &shown);
	if (r <= 0)
		return fail_to_read(request->function, r < 0 ? -r : ETIME);
	(void)printf("BREAK GLASS on functions/%s until %s, event %" PRIu64 "\n", request->function, shown.until,
		     shown.event);
	cli_print_folded(2, "Who signed an artifact, its expiry and its revocation are only warned about now. "
			    "Integrity, the ZIP rules and limits stay enforced.");
	(void)printf("  `vouchfs break-glass %s --end` ends it earlier.\n", request->function);
	return CLI_EXIT_OK;
}

static int change(const struct request *request)
{
	char path[PATH_SIZE], line[LIMIT_REASON_BYTES + 32];
	(void)snprintf(path, sizeof(path), DIRECTORY "/%s", request->function);
	if (request->is_end)
		(void)snprintf(line, sizeof(line), "end\n");
	else
		(void)snprintf(line, sizeof(line), "begin %s %s\n", request->minutes, request->reason);
	int fd = openat(request->dirfd, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_to_open(request, errno);
	ssize_t put = write(fd, line, strlen(line));
	int error = errno;
	io_close(&fd);
	return put < 0 ? fail_to_write(request, error) : tell(request);
}

/* ---- the command line ---- */

static int check_reason(const struct cli_command *command, const char *reason)
{
	size_t len = strlen(reason), printable = 0;
	while (reason[printable] >= 0x20 && reason[printable] <= 0x7e)
		printable++;
	if (printable < len)
		return cli_usage_error(command, "--reason has printable ASCII alone; byte %zu is none", printable + 1);
	if (len < 1 || len > LIMIT_REASON_BYTES)
		return cli_usage_error(command, "--reason has 1 to %u characters, this one has %zu", LIMIT_REASON_BYTES,
				       len);
	return CLI_EXIT_OK;
}

static int check(const struct cli_command *command, const struct request *request)
{
	bool is_begin = request->minutes || request->reason;
	uint64_t minutes;
	if (!request->function && (is_begin || request->is_end))
		return cli_usage_error(command, "which function? The first operand names it");
	if (is_begin && request->is_end)
		return cli_usage_error(command, "--end goes without --minutes and --reason");
	if (!is_begin)
		return CLI_EXIT_OK;
	if (!request->minutes || !request->reason)
		return cli_usage_error(command, "both --minutes and --reason are needed: for how long, and why");
	if (!text_parse_u64(request->minutes, strlen(request->minutes), LIMIT_BREAK_GLASS_MINUTES, &minutes) ||
	    minutes == 0)
		return cli_usage_error(command, "--minutes is a number from 1 to %d", LIMIT_BREAK_GLASS_MINUTES);
	return check_reason(command, request->reason);
}

static int take_operand(const struct cli_command *command, const char *operand, struct request *ret)
{
	if (text_starts_with(operand, "layers/"))
		return cli_usage_error(command, "a layer is judged with each function that has it: name the function");
	ret->function = cli_function_operand(command, operand);
	return ret->function ? CLI_EXIT_OK : CLI_EXIT_USAGE;
}

static int run(int argc, char **argv)
{
	const struct cli_command *command = cli_break_glass_commands;
	struct request request = {.dirfd = -1};
	const char *given = NULL;
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "minutes", .kind = CLI_TEXT, .ret_text = &request.minutes},
		{.name = "reason", .kind = CLI_TEXT, .ret_text = &request.reason},
		{.name = "end", .kind = CLI_FLAG, .ret_flag = &request.is_end},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &request.json},
	};
	int code = cli_parse(command, table, ARRAY_SIZE(table), &argc, argv, 0, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (argc > 1)
		code = take_operand(command, argv[1], &request);
	if (code == CLI_EXIT_OK)
		code = check(command, &request);
	if (code != CLI_EXIT_OK)
		return code;
	if (cli_open_mount(given, &request.dirfd) < 0)
		return CLI_EXIT_FAILURE;
	code = request.minutes || request.is_end ? change(&request) : show(&request);
	io_close(&request.dirfd);
	return code;
}
