/* A layer version's policy, as the mount has it: read, or changed by a line, and what its errno means. */
#include "lambda_policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "lambda_layer.h"

#define TEXT_BYTES 16384 /* more than LIMIT_LAYER_STATEMENTS statements have */

/* ---- errors ---- */

static int no_version(const struct lambda_policy_file *target)
{
	return cli_lambda_fail(target->host.operation, "ResourceNotFoundException",
			       "there is no version %" PRIu64 " of layer %s; `ls %s/layers/%s` lists what is published",
			       target->version, target->layer, target->host.mountpoint, target->layer);
}

int cli_lambda_policy_failed(const struct lambda_policy_file *target, int error)
{
	const char *operation = target->host.operation;
	if (error == ENOENT)
		return no_version(target);
	if (error == EPERM)
		return cli_lambda_fail(
			operation, "AccessDeniedException",
			"layer %s belongs to account %s, and only who acts for that gives permissions on "
			"it; [principal] sections of the configuration say who acts for another one",
			target->layer, target->host.config->account);
	if (error == EACCES)
		return cli_lambda_fail(operation, "AccessDeniedException",
				       "the policy of layer %s: %s; owner, group and mode of layers/%s say who may",
				       target->layer, strerror(error), target->layer);
	if (error == EIO)
		return cli_lambda_fail(operation, "ServiceException",
				       "the policy of version %" PRIu64
				       " of layer %s is damaged in the store and permits "
				       "nobody; remove the version and publish it again",
				       target->version, target->layer);
	return cli_lambda_fail(operation, "ServiceException", "the policy of version %" PRIu64 " of layer %s: %s",
			       target->version, target->layer, strerror(error));
}

int cli_lambda_policy_other_revision(const struct lambda_policy_file *target)
{
	return cli_lambda_fail(target->host.operation, "PreconditionFailedException",
			       "the policy of version %" PRIu64 " of layer %s has another revision than --revision-id "
			       "says; get-layer-version-policy shows what it is now",
			       target->version, target->layer);
}

static int fail_to_change(const struct lambda_policy_file *target, const char *id, int error)
{
	const char *operation = target->host.operation;
	if (error == EEXIST)
		return cli_lambda_fail(operation, "ResourceConflictException",
				       "version %" PRIu64
				       " of layer %s has a statement %s already; take another id, or "
				       "remove that one first",
				       target->version, target->layer, id);
	if (error == ENOENT)
		return cli_lambda_fail(operation, "ResourceNotFoundException",
				       "version %" PRIu64 " of layer %s has no statement %s; get-layer-version-policy "
				       "shows those it has",
				       target->version, target->layer, id);
	if (error == E2BIG)
		return cli_lambda_fail(operation, "PolicyLengthExceededException",
				       "version %" PRIu64 " of layer %s has %u statements, and that is the most there "
				       "can be; remove one, or permit everyone in an organization",
				       target->version, target->layer, LIMIT_LAYER_STATEMENTS);
	return error == ESTALE ? cli_lambda_policy_other_revision(target) : cli_lambda_policy_failed(target, error);
}

/* ---- the file in the mount ---- */

int cli_lambda_policy_open(const struct cli_command *command, const struct lambda_policy_names *names, int flags,
			   struct lambda_policy_file *target)
{
	char path[ARN_LAMBDA_NAME_SIZE + 64];
	int exit_code = lambda_version_number(command, names->version, &target->version);
	if (exit_code == 0)
		exit_code = cli_lambda_layer_name(&target->host, names->layer, target->layer);
	if (exit_code != 0)
		return exit_code;
	(void)snprintf(path, sizeof(path), ".vouchfs/permissions/layers/%s:%" PRIu64, target->layer, target->version);
	int root = io_open_dir(target->host.mountpoint);
	target->fd = root < 0 ? root : io_openat(root, path, flags, 0);
	io_close(&root);
	return target->fd < 0 ? cli_lambda_policy_failed(target, -target->fd) : 0;
}

void lambda_policy_close(struct lambda_policy_file *target)
{
	io_close(&target->fd);
	lambda_host_done(&target->host);
}

/* "revision: ..." and the policy. */
int lambda_policy_read(const struct lambda_policy_file *target, char ret_revision[LAYER_REVISION_SIZE],
		       struct layer_policy *ret)
{
	char text[TEXT_BYTES];
	struct text_line line;
	size_t len = 0;
	ssize_t got;
	while (len < sizeof(text) && (got = io_pread(target->fd, text + len, sizeof(text) - len, len)) != 0) {
		if (got < 0)
			return (int)got;
		len += (size_t)got;
	}
	const char *at = text, *end = text + len;
	if (!text_next_line(&at, end, &line) || !text_equal(line.key, line.key_len, "revision") ||
	    !arn_is_uuid(line.value, line.value_len))
		return -EBADMSG;
	int r = layer_policy_parse(at, (size_t)(end - at), ret);
	if (r == 0)
		(void)snprintf(ret_revision, LAYER_REVISION_SIZE, "%.*s", (int)line.value_len, line.value);
	return r;
}

/* Writes a line, all of it or nothing. id: of the statement that it is about. */
int cli_lambda_policy_change(const struct lambda_policy_file *target, const char *line, const char *id)
{
	ssize_t put = write(target->fd, line, strlen(line));
	return put < 0 ? fail_to_change(target, id, errno) : 0;
}
