/*
 * lambda_write.c - a file into a slot, as any copy would do it: open, write, close, and the errno. Who is the caller,
 * and what may be deployed, the mount decides; its explanation becomes the error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "lambda_write.h"

#define WHY_BYTES 65536

void lambda_target_function(const char *function, struct lambda_target *ret)
{
	*ret = (struct lambda_target){.section = "function"};
	(void)snprintf(ret->slot, sizeof(ret->slot), "functions/%s", function);
	(void)snprintf(ret->failure, sizeof(ret->failure), "function %s was not deployed", function);
}

void lambda_target_layers(const char *function, struct lambda_target *ret)
{
	lambda_target_function(function, ret);
	ret->is_list = true;
	(void)snprintf(ret->failure, sizeof(ret->failure), "the layers of function %s were not changed", function);
}

void lambda_target_layer(const char *layer, struct lambda_target *ret)
{
	*ret = (struct lambda_target){.section = "layer"};
	(void)snprintf(ret->slot, sizeof(ret->slot), "layers/%s", layer);
	(void)snprintf(ret->failure, sizeof(ret->failure), "layer %s was not published", layer);
}

/* ---- what the mount says ---- */

bool lambda_target_why(const struct lambda_host *host, const struct lambda_target *target, struct lambda_why *ret)
{
	char path[sizeof(target->slot) + 32];
	struct buf text = {0};
	(void)snprintf(path, sizeof(path), ".vouchfs/why/%s", target->slot);
	int dirfd = io_open_dir(host->mountpoint);
	int r = dirfd < 0 ? dirfd : io_read_file(dirfd, path, WHY_BYTES, &text);
	bool is_told = r == 0 && text.len > 0;
	if (is_told)
		lambda_why_parse(text.data, ret);
	io_close(&dirfd);
	buf_done(&text);
	return is_told && (ret->pid == (uint64_t)getpid() || strcmp(ret->outcome, "failed") == 0);
}

/* No check has spoken: the errno alone. */
static int fail_by_errno(const struct lambda_host *host, const struct lambda_target *target, int error)
{
	const char *name = "ServiceException", *remedy = "";
	char who[128];
	if (error == ENOSPC || error == EDQUOT) {
		name = "CodeStorageExceededException";
		remedy = "; the store of this host is full";
	} else if (error == EFBIG) {
		name = "RequestEntityTooLargeException";
		remedy = "; max_artifact_size of the configuration is the limit";
	} else if (error == EACCES || error == EPERM) {
		name = "AccessDeniedException";
		(void)snprintf(who, sizeof(who), "; owner, group and mode of its [%s] section say who may write it",
			       target->section);
		remedy = who;
	}
	return cli_lambda_fail(host->operation, name, "%s: %s%s", target->failure, strerror(error), remedy);
}

int cli_lambda_target_failed(const struct lambda_host *host, const struct lambda_target *target, int error)
{
	struct lambda_why why;
	if (!lambda_target_why(host, target, &why) || strcmp(why.outcome, "refused") != 0)
		return fail_by_errno(host, target, error);
	const char *name = lambda_why_error_name(&why);
	if (target->is_list && strcmp(why.code, "VF4001") == 0) /* a layer version, as AWS says it */
		name = "InvalidParameterValueException";
	return cli_lambda_refuse(host->operation, name, target->failure, &why);
}

/* What was let in although a check failed. */
static void print_warning(const struct lambda_host *host, const struct lambda_target *target)
{
	struct lambda_why why;
	if (!lambda_target_why(host, target, &why) || strcmp(why.outcome, "warned") != 0)
		return;
	const char *name = strchr(target->slot, '/') + 1;
	if (why.mode[0] != '\0')
		cli_error("warning: %s %s: %s %s; %s (the config says %s)", target->section, name, why.code, why.title,
			  why.remedy, why.mode);
	else /* no check of the artifact's own: a layer's, and the detail says which */
		cli_error("warning: %s %s: %s %s: %s; %s", target->section, name, why.code, why.title, why.detail,
			  why.remedy);
}

/* ---- writing ---- */

int lambda_open_below(const struct lambda_host *host, const char *directory)
{
	int root = io_open_dir(host->mountpoint);
	int fd = root < 0 ? root : io_open_dirat(root, directory);
	io_close(&root);
	return fd;
}

int lambda_target_open(const struct lambda_host *host, const struct lambda_target *target, const char *file,
		       int *ret_fd)
{
	int slot = lambda_open_below(host, target->slot);
	if (slot < 0)
		return slot;
	int fd = openat(slot, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0664);
	int r = fd < 0 ? -errno : 0;
	io_close(&slot);
	if (r == 0)
		*ret_fd = fd;
	return r;
}

int cli_lambda_target_write(const struct lambda_host *host, const struct lambda_target *target, int from, int *to)
{
	uint64_t size;
	int r = io_copy(from, *to, UINT64_MAX, &size); /* in order, so that the verdict falls at the last write */
	if (close(*to) < 0 && r == 0)
		r = -errno;
	*to = -1;
	if (r < 0)
		return cli_lambda_target_failed(host, target, -r);
	if (size == 0)
		return cli_lambda_fail(host->operation, "InvalidParameterValueException",
				       "%s: Uploaded file must be a non-empty zip", target->failure);
	print_warning(host, target);
	return 0;
}
