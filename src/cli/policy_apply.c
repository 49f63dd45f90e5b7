/*
 * policy_apply.c - `vouchfs policy apply`: a bundle into MNT/policy, as any copy would do it. Whether it may come is
 * for owner, group and mode of the slot to say, whether it comes into force for the gate.
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
#include "slots/names.h"

#define SHOWN_SIZE   512
#define DEFAULT_NAME "policy.zip"

static int run(int argc, char **argv);

const struct cli_command cli_policy_apply_commands[] = {
	{.group = "policy",
	 .name = "apply",
	 .summary = "give a bundle to this host; says what it changes",
	 .usage = "Examples:\n"
		  "  vouchfs policy apply policy.zip\n"
		  "  vouchfs policy apply policy.zip --json | jq .counts\n\n"
		  "The same as cp into policy/ of the mount: the bundle is judged, and takes effect as a whole or\n"
		  "not at all. Says which functions are blocked now, allowed again or warned about. Who may write\n"
		  "policy/ of the mount may do this. The bundle that is in force may come again.\n\n"
		  "Options:\n"
		  "      --json         as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 in force; 1 not mounted, not permitted or failed; 2 usage; refused: as of\n"
		  "`vouchfs verify`, 21 no bundle that this host can use, 22 its sequence is too low.\n",
	 .run = run},
	{.name = NULL},
};

struct request {
	const char *path;
	char shown[SHOWN_SIZE]; /* of the path */
	int dirfd;		/* of the mount */
	bool json;
};

/* Under its own name, where that is one that is judged. */
static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	return deploy_name_kind(name) == DEPLOY_NAME_FINAL ? name : DEFAULT_NAME;
}

static int tell_errno(const struct request *request, int error)
{
	if (error == EACCES || error == EPERM)
		cli_error("%s: this user may not bring a policy bundle; owner, group and mode of policy/ of the mount "
			  "say who may ([policy] of the configuration sets them)",
			  request->shown);
	else if (error == EISDIR)
		cli_error("%s is a directory; `vouchfs policy pack` makes a bundle of it", request->shown);
	else if (error == EFBIG)
		cli_error("%s: it is larger than max_artifact_size of the configuration", request->shown);
	else
		cli_error("%s did not come into force: %s; `vouchfs why policy` may say more", request->shown,
			  strerror(error));
	return CLI_EXIT_FAILURE;
}

/* In order, so that the verdict falls at the last write. */
static int copy(const struct request *request, int from, bool *ret_is_empty)
{
	char path[LIMIT_NAME_BYTES + 16];
	uint64_t size = 0;
	(void)snprintf(path, sizeof(path), "policy/%s", name_of(request->path));
	int to = openat(request->dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0664);
	int r = to < 0 ? -errno : io_copy(from, to, UINT64_MAX, &size);
	if (to >= 0 && close(to) < 0 && r == 0)
		r = -errno;
	*ret_is_empty = r == 0 && size == 0;
	return r;
}

static int apply(const struct request *request, int from)
{
	uint64_t before;
	bool is_empty;
	int code = CLI_EXIT_FAILURE;
	if (policy_read_release(request->dirfd, &before) < 0)
		return code;
	int r = copy(request, from, &is_empty);
	if (r < 0 && policy_tell_refusal(request->dirfd, &code))
		return code;
	if (r < 0)
		return tell_errno(request, -r);
	if (is_empty) {
		cli_error("%s is empty; `vouchfs policy pack` makes a bundle", request->shown);
		return code;
	}
	return policy_print_in_force(request->dirfd, before, request->json);
}

static int run(int argc, char **argv)
{
	struct request request = {.dirfd = -1};
	const char *given = NULL;
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &request.json},
	};
	int code = cli_parse(cli_policy_apply_commands, table, ARRAY_SIZE(table), &argc, argv, 1, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	request.path = argv[1];
	text_escape_print(request.shown, sizeof(request.shown), request.path, strlen(request.path));
	int from = open(request.path, O_RDONLY | O_CLOEXEC);
	if (from < 0) {
		cli_error("%s: %s", request.shown, strerror(errno));
		return CLI_EXIT_FAILURE;
	}
	code = policy_open_mount(given, &request.dirfd) == 0 ? apply(&request, from) : CLI_EXIT_FAILURE;
	io_close(&request.dirfd);
	io_close(&from);
	return code;
}
