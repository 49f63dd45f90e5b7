/* A function's ZIP: into its slot, or only judged. */
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
#include "lambda_write.h"
#include "verify.h"

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

int lambda_deploy(const struct lambda_host *host, const char *function, int zip_fd)
{
	struct lambda_target target;
	char name[LIMIT_FUNCTION_NAME_BYTES + 8], arn[ARN_TEXT_SIZE];
	int to = -1;
	lambda_target_function(function, &target);
	(void)snprintf(name, sizeof(name), "%s.zip", function);
	int r = lambda_target_open(host, &target, name, &to);
	if (r == -ENOENT) {
		lambda_function_arn(host->config, function, arn);
		return cli_lambda_fail(host->operation, "ResourceNotFoundException",
				       "Function not found: %s; create-function makes it", arn);
	}
	return r < 0 ? cli_lambda_target_failed(host, &target, -r)
		     : cli_lambda_target_write(host, &target, zip_fd, &to);
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
		struct gate_artifact artifact = {.content = SIGNATURE_OF_ARTIFACT, .file = io_reader_fd(&copy, size)};
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

static int refuse(const struct lambda_host *host, const char *function, const struct lambda_why *why)
{
	struct lambda_target target;
	lambda_target_function(function, &target);
	return cli_lambda_refuse(host->operation, lambda_why_error_name(why), target.failure, why);
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
		exit_code = refuse(host, function, &why);
	else {
		struct buf text = {0};
		struct json j = {.out = &text, .pretty = true};
		lambda_release_print(host, function, &release, false, NULL, &j);
		exit_code = cli_print_json(&text, json_end(&j));
	}
	lambda_release_done(&release);
	return exit_code;
}
