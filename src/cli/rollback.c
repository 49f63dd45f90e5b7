/*
 * rollback.c - `vouchfs rollback`: writes the number of a release into the function's control file of the mount, as the
 * calling user. Whether that is allowed is for the slot's owner, group and mode to say, whether the release may come
 * back for the gate; the errno of the write is the verdict, and `.vouchfs/why` says the rest.
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
#include "base/text.h"
#include "host.h"
#include "lambda.h"
#include "policy/reason.h"

#define WHY_BYTES 65536
#define PREVIOUS  "previous"

static int run(int argc, char **argv);

const struct cli_command cli_rollback_commands[] = {
	{.name = "rollback",
	 .summary = "make an earlier release of a function current again",
	 .usage = "Examples:\n"
		  "  vouchfs rollback main-function         the release before the current one\n"
		  "  vouchfs rollback main-function 7\n\n"
		  "The release is judged again, as a deployment today: what has expired or was revoked meanwhile is\n"
		  "refused where the function's config says Enforce. It gets a new number; `vouchfs history` shows\n"
		  "which there are. Whoever may deploy to the function may do this.\n\n"
		  "Options:\n"
		  "      --json         what it became, as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 done, 1 failed, 2 usage, 17 no such function; refused: as of `vouchfs verify`.\n",
	 .run = run},
	{.name = NULL},
};

struct request {
	const char *function;
	const char *number; /* or PREVIOUS */
	int dirfd;	    /* of the mount */
	bool json;
};

/* ---- what went wrong ---- */

/* What `.vouchfs/why` says, when that is about this very attempt. */
static bool read_why(const struct request *request, struct buf *ret_text, struct lambda_why *ret)
{
	char path[128];
	(void)snprintf(path, sizeof(path), ".vouchfs/why/functions/%s", request->function);
	if (io_read_file(request->dirfd, path, WHY_BYTES, ret_text) < 0 || ret_text->len == 0)
		return false;
	lambda_why_parse(ret_text->data, ret);
	return ret->pid == (uint64_t)getpid();
}

/* The decision on this very attempt, whole. False: what is there is about another one. */
static bool tell_refusal(const struct request *request, int *ret_exit_code)
{
	struct buf text = {0};
	struct lambda_why why;
	bool is_ours = read_why(request, &text, &why) && strcmp(why.outcome, "refused") == 0;
	if (is_ours) {
		(void)fputs(text.data, stderr);
		*ret_exit_code = lambda_why_exit_code(&why);
	}
	buf_done(&text);
	return is_ours;
}

/* From a process namespace that the daemon does not see, nothing says that the decision is about this attempt. */
static int exit_code_of_errno(int error)
{
	size_t count;
	const struct policy_reason_info *all = policy_reasons(&count);
	for (size_t i = 0; error != ENOENT && i < count; i++)
		if (all[i].errno_key == error)
			return all[i].exit_code;
	return CLI_EXIT_FAILURE;
}

/* Returns the exit code. */
static int tell_errno(const struct request *request, int error)
{
	const char *function = request->function;
	bool is_previous = strcmp(request->number, PREVIOUS) == 0;
	if (error == ENOENT && is_previous)
		cli_error("%s: no release before the current one is kept; `vouchfs history %s` lists what is", function,
			  function);
	else if (error == ENOENT)
		cli_error("%s: release %s is not kept; `vouchfs history %s` lists what is", function, request->number,
			  function);
	else if (error == EEXIST)
		cli_error("%s: release %s is the current one already", function, request->number);
	else if (error == EBADMSG)
		cli_error("%s: that release is damaged in the store and cannot come back; deploy its artifact again",
			  function);
	else if (error == EIO)
		cli_error("%s was not rolled back: %s; look at the disk of the store, and try again", function,
			  strerror(error));
	else
		cli_error("%s was not rolled back: %s; `vouchfs why %s` may say more", function, strerror(error),
			  function);
	return exit_code_of_errno(error);
}

static int fail_to_open(const struct request *request, int error)
{
	if (error == ENOENT) {
		(void)cli_unknown_slot(request->dirfd, "functions", request->function);
		return policy_reason_info(POLICY_VF4001_NO_SLOT)->exit_code;
	}
	if (error == EACCES)
		cli_error("%s: only whoever may deploy to it may roll it back: owner, group and mode of "
			  "functions/%s say who",
			  request->function, request->function);
	else
		cli_error("%s cannot be rolled back: %s", request->function, strerror(error));
	return CLI_EXIT_FAILURE;
}

/* ---- what came of it ---- */

/* A warning is not hidden by the success. */
static void tell_warning(const struct request *request)
{
	struct buf text = {0};
	struct lambda_why why;
	if (read_why(request, &text, &why) && strcmp(why.outcome, "warned") == 0)
		cli_error("warning: %s %s; `vouchfs why %s` says more", why.code, why.title, request->function);
	buf_done(&text);
}

/* "<new number> <number of the one that it is again>" */
static bool read_numbers(int fd, uint64_t *ret_release, uint64_t *ret_rollback_to)
{
	char text[64];
	ssize_t got = io_pread(fd, text, sizeof(text), 0);
	const char *blank = got > 0 ? memchr(text, ' ', (size_t)got) : NULL;
	if (!blank || text[got - 1] != '\n')
		return false;
	size_t first = (size_t)(blank - text);
	return text_parse_u64(text, first, UINT64_MAX, ret_release) &&
	       text_parse_u64(blank + 1, (size_t)got - first - 2, UINT64_MAX, ret_rollback_to);
}

static int print_result(const struct request *request, int fd)
{
	uint64_t release, rollback_to;
	if (!read_numbers(fd, &release, &rollback_to)) {
		cli_error("%s was rolled back; which number that got cannot be read", request->function);
		return CLI_EXIT_FAILURE;
	}
	if (!request->json) {
		(void)printf("%s: release %" PRIu64 " is current, the content of release %" PRIu64 "\n",
			     request->function, release, rollback_to);
		return CLI_EXIT_OK;
	}
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "function", request->function);
	json_u64(&j, "release", release);
	json_u64(&j, "rollbackTo", rollback_to);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int roll_back(const struct request *request)
{
	char path[128];
	int code = CLI_EXIT_FAILURE;
	(void)snprintf(path, sizeof(path), ".vouchfs/rollback/functions/%s", request->function);
	int fd = openat(request->dirfd, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail_to_open(request, errno);
	ssize_t put = write(fd, request->number, strlen(request->number));
	int error = errno;
	if (put >= 0) {
		tell_warning(request);
		code = print_result(request, fd);
	} else if (!tell_refusal(request, &code)) {
		code = tell_errno(request, error);
	}
	io_close(&fd);
	return code;
}

static int run(int argc, char **argv)
{
	struct request request = {.number = PREVIOUS, .dirfd = -1};
	const char *given = NULL;
	bool done = false;
	uint64_t number;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &request.json},
	};
	int code = cli_parse(cli_rollback_commands, table, ARRAY_SIZE(table), &argc, argv, 1, 2, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	request.function = cli_function_operand(cli_rollback_commands, argv[1]);
	if (!request.function)
		return CLI_EXIT_USAGE;
	if (argc > 2) {
		request.number = argv[2];
		if (!text_parse_u64(argv[2], strlen(argv[2]), UINT64_MAX, &number) || number == 0)
			return cli_usage_error(cli_rollback_commands,
					       "the second operand is the number of a release, like 7");
	}
	if (cli_open_mount(given, &request.dirfd) < 0)
		return CLI_EXIT_FAILURE;
	code = roll_back(&request);
	io_close(&request.dirfd);
	return code;
}
