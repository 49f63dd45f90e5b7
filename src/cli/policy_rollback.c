/*
 * policy_rollback.c - `vouchfs policy rollback`: an administrator writes the sequence of a bundle that is kept, with
 * his reason, into a file of the mount. The errno of the write is the verdict, and `.vouchfs/why/policy` says the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "host.h"
#include "policy_host.h"

#define PREVIOUS "previous"

static int run(int argc, char **argv);

const struct cli_command cli_policy_rollback_commands[] = {
	{.group = "policy",
	 .name = "rollback",
	 .summary = "make an earlier bundle the one in force again",
	 .usage = "Examples:\n"
		  "  vouchfs policy rollback previous --reason \"INC-42: 7 blocks billing\"\n"
		  "  vouchfs policy rollback 6 --reason \"INC-42\"\n\n"
		  "Only root, and the user who has mounted it. The bundle is judged again; only that its sequence\n"
		  "is lower than that of a bundle before is no reason to refuse it. With its reason it stands in\n"
		  "the audit log, and the host shows it as drift until a bundle with a higher sequence comes, or\n"
		  "this command takes up the newest one. `vouchfs policy history` shows which there are.\n\n"
		  "Options:\n"
		  "      --reason TEXT  why, up to 500 characters of ASCII; required\n"
		  "      --json         what it changes, as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 in force; 1 not mounted, not permitted or failed; 2 usage; refused: as of\n"
		  "`vouchfs verify`.\n",
	 .run = run},
	{.name = NULL},
};

struct request {
	const char *sequence; /* or PREVIOUS */
	const char *reason;
	int dirfd; /* of the mount */
	bool json;
};

static int fail_to_open(int error)
{
	if (error == EACCES || error == EPERM)
		cli_error("only root, and the user who has mounted it, may roll the policy back");
	else
		cli_error("the policy cannot be rolled back: %s", strerror(error));
	return CLI_EXIT_FAILURE;
}

static int tell_errno(const struct request *request, int error)
{
	bool is_previous = strcmp(request->sequence, PREVIOUS) == 0;
	if (error == ENOENT && is_previous)
		cli_error("no bundle with a lower sequence is kept; `vouchfs policy history` lists what is");
	else if (error == ENOENT)
		cli_error("policy bundle %s is not kept; `vouchfs policy history` lists what is", request->sequence);
	else if (error == EEXIST)
		cli_error("policy bundle %s is the one in force already", request->sequence);
	else if (error == EBADMSG)
		cli_error("that bundle is damaged in the store and cannot come back; apply its file again");
	else
		cli_error("the policy was not rolled back: %s; `vouchfs why policy` may say more", strerror(error));
	return CLI_EXIT_FAILURE;
}

static int roll_back(const struct request *request)
{
	uint64_t before;
	char line[LIMIT_REASON_BYTES + 32];
	int code = CLI_EXIT_FAILURE;
	if (policy_read_release(request->dirfd, &before) < 0)
		return code;

	int fd = openat(request->dirfd, ".vouchfs/rollback/policy", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_to_open(errno);
	int len = snprintf(line, sizeof(line), "%s %s\n", request->sequence, request->reason);
	ssize_t put = write(fd, line, (size_t)len);
	int error = errno;
	if (put >= 0)
		code = policy_print_in_force(request->dirfd, before, request->json);
	else if (!policy_tell_refusal(request->dirfd, &code))
		code = tell_errno(request, error);
	io_close(&fd);
	return code;
}

/* Whether the daemon would take them; 0, or the exit code. */
static int check(const struct request *request)
{
	uint64_t number;
	const char *sequence = request->sequence;
	bool is_number = text_parse_u64(sequence, strlen(sequence), INT64_MAX, &number) && number > 0;
	if (!is_number && strcmp(sequence, PREVIOUS) != 0)
		return cli_usage_error(cli_policy_rollback_commands,
				       "the operand is the sequence of a bundle, like 6, or \"" PREVIOUS "\"");
	size_t len = request->reason ? strlen(request->reason) : 0;
	if (len == 0 || len > LIMIT_REASON_BYTES || !text_is_printable(request->reason, len))
		return cli_usage_error(cli_policy_rollback_commands,
				       "--reason says why, in 1 to %u characters of ASCII", LIMIT_REASON_BYTES);
	return CLI_EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct request request = {.dirfd = -1};
	const char *given = NULL;
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "reason", .kind = CLI_TEXT, .ret_text = &request.reason},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &request.json},
	};
	int code = cli_parse(cli_policy_rollback_commands, table, ARRAY_SIZE(table), &argc, argv, 1, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	request.sequence = argv[1];
	code = check(&request);
	if (code != CLI_EXIT_OK)
		return code;
	code = policy_open_mount(given, &request.dirfd) == 0 ? roll_back(&request) : CLI_EXIT_FAILURE;
	io_close(&request.dirfd);
	return code;
}
