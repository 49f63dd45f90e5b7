/*
 * lambda_deploy.c - a ZIP into a slot, as any copy would do it: open, write, close, and the errno. Who is the caller,
 * and what may be deployed, the mount decides; its explanation becomes the error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "lambda.h"
#include "verify.h"

#define WHY_BYTES  65536
#define SHOWN_SIZE 512

int lambda_open_zip(const struct cli_command *command, const char *value, int *ret_fd)
{
	static const char prefix[] = "fileb://";
	char shown[SHOWN_SIZE];
	(void)text_escape_print(shown, sizeof(shown), value, strlen(value));
	if (!text_starts_with(value, prefix))
		return cli_usage_error(command, "--zip-file is a file, written fileb://PATH, not \"%s\"", shown);

	const char *path = value + strlen(prefix);
	struct stat st = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && !S_ISREG(st.st_mode))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (r < 0) {
		io_close(&fd);
		return cli_usage_error(command, "--zip-file: %s cannot be read: %s", shown, strerror(-r));
	}
	*ret_fd = fd;
	return 0;
}

/* ---- what the mount says ---- */

/* The explanation of the last attempt, when it was this process's. */
static bool read_why(const struct lambda_host *host, const char *function, struct lambda_why *ret)
{
	char path[LIMIT_FUNCTION_NAME_BYTES + 64];
	char *text = calloc(1, WHY_BYTES + 1);
	(void)snprintf(path, sizeof(path), ".vouchfs/why/functions/%s", function);
	int dirfd = io_open_dir(host->mountpoint);
	int fd = dirfd < 0 ? -1 : openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 0;
	while (fd >= 0 && text && len < WHY_BYTES && (got = read(fd, text + len, WHY_BYTES - len)) > 0)
		len += (size_t)got;
	if (text)
		lambda_why_parse(text, ret);
	io_close(&fd);
	io_close(&dirfd);
	free(text);
	return len > 0 && (ret->pid == (uint64_t)getpid() || strcmp(ret->outcome, "failed") == 0);
}

/* No check has spoken: the errno alone. */
static int fail_by_errno(const struct lambda_host *host, const char *function, int error)
{
	const char *name = "ServiceException", *remedy = "";
	if (error == ENOSPC || error == EDQUOT) {
		name = "CodeStorageExceededException";
		remedy = "; the store of this host is full";
	} else if (error == EFBIG) {
		name = "RequestEntityTooLargeException";
		remedy = "; max_artifact_size of the configuration is the limit";
	} else if (error == EACCES || error == EPERM) {
		name = "AccessDeniedException";
		remedy = "; owner, group and mode of its [function] section say who may write it";
	}
	return cli_lambda_fail(host->operation, name, "function %s was not deployed: %s%s", function, strerror(error),
			       remedy);
}

static int explain_refusal(const struct lambda_host *host, const char *function, int error)
{
	struct lambda_why why;
	if (read_why(host, function, &why) && strcmp(why.outcome, "refused") == 0)
		return cli_lambda_refuse(host->operation, function, &why);
	return fail_by_errno(host, function, error);
}

/* What was let in although a check failed. */
static void print_warning(const struct lambda_host *host, const char *function)
{
	struct lambda_why why;
	if (read_why(host, function, &why) && strcmp(why.outcome, "warned") == 0)
		cli_error("warning: function %s: %s %s; %s (the config says %s)", function, why.code, why.title,
			  why.remedy, why.mode);
}

/* ---- writing ---- */

static int open_slot(const struct lambda_host *host, const char *function)
{
	int root = io_open_dir(host->mountpoint);
	int functions = root < 0 ? root : io_open_dirat(root, "functions");
	int slot = functions < 0 ? functions : io_open_dirat(functions, function);
	io_close(&functions);
	io_close(&root);
	return slot;
}

int lambda_deploy(const struct lambda_host *host, const char *function, int zip_fd)
{
	char name[LIMIT_FUNCTION_NAME_BYTES + 8], arn[ARN_TEXT_SIZE];
	(void)snprintf(name, sizeof(name), "%s.zip", function);
	int slot = open_slot(host, function);
	if (slot == -ENOENT) {
		lambda_function_arn(host->config, function, arn);
		return cli_lambda_fail(host->operation, "ResourceNotFoundException",
				       "Function not found: %s; create-function makes it", arn);
	}
	int to = slot < 0 ? slot : openat(slot, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0664);
	int opened = slot < 0 ? slot : to < 0 ? -errno : 0;
	io_close(&slot);
	if (opened < 0)
		return fail_by_errno(host, function, -opened);

	uint64_t size;
	int r = io_copy(zip_fd, to, UINT64_MAX, &size); /* in order, so that the verdict falls at the last write */
	if (close(to) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		return explain_refusal(host, function, -r);
	print_warning(host, function);
	return 0;
}

/* ---- the same without deploying ---- */

/* What the gate would say of it, in the mount's words. */
static int explain_decision(const char *function, const struct gate_decision *decision, struct lambda_why *ret)
{
	struct buf text = {0};
	const struct gate_deployment deployment = {.function = function};
	int r = gate_render_why(&deployment, decision, 0, &text);
	if (r == 0)
		lambda_why_parse(text.data, ret);
	ret->kept[0] = '\0';
	buf_done(&text);
	return r;
}

static int judge(const struct lambda_host *host, const char *function, int zip_fd, struct gate_decision *decision,
		 struct lambda_release *ret)
{
	struct trust *trust = NULL;
	int copy = -1, r = cli_load_trust(host->path, &trust);
	if (r < 0)
		return r;
	const struct config_slot *slot = config_find_function(trust->config, function);
	uint64_t size = 0;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	r = slot ? cli_private_copy(zip_fd, trust->config->max_artifact_bytes, &copy, &size) : -ENOENT;
	if (r == 0) {
		struct gate_artifact artifact = {.file = io_reader_fd(&copy, size)};
		r = gate_judge(trust, slot->code_signing, POLICY_ON_DEPLOYMENT, &artifact, false, decision);
		if (r == 0 && decision->verdict.outcome != POLICY_REFUSED) {
			r = crypto_sha256_reader(&artifact.file, size, digest);
			text_base64(digest, sizeof(digest), ret->sha256);
			ret->size_bytes = size;
		}
	}
	io_close(&copy);
	trust_unref(trust);
	return r;
}

static int describe_signature(const struct gate_decision *decision, struct lambda_release *ret)
{
	const struct signature_facts *s = &decision->facts;
	char text[ARN_TEXT_SIZE];
	ret->released_at_s = decision->decided_at_s;
	if (s->form != SIGNATURE_NATIVE || s->integrity != SIGNATURE_GOOD)
		return 0;
	arn_print_profile(&s->statement.profile_version, text);
	ret->profile = strdup(text);
	arn_print_job(&s->statement.job, text);
	ret->job = strdup(text);
	return ret->profile && ret->job ? 0 : -ENOMEM;
}

int lambda_dry_run(const struct lambda_host *host, const char *function, int zip_fd)
{
	struct gate_decision decision = {.decided_at_s = clock_now_s()};
	struct lambda_release release = {0};
	struct lambda_why why;
	int exit_code = 0;
	int r = judge(host, function, zip_fd, &decision, &release);
	if (r == 0)
		r = explain_decision(function, &decision, &why);
	if (r == 0)
		r = describe_signature(&decision, &release);
	if (r < 0)
		exit_code = cli_lambda_fail(host->operation, "ServiceException", "nothing could be checked: %s",
					    strerror(-r));
	else if (decision.verdict.outcome == POLICY_REFUSED)
		exit_code = cli_lambda_refuse(host->operation, function, &why);
	else {
		struct buf text = {0};
		struct json j = {.out = &text, .pretty = true};
		lambda_release_print(host, function, &release, false, NULL, &j);
		exit_code = cli_print_json(&text, json_end(&j));
	}
	lambda_release_done(&release);
	return exit_code;
}
