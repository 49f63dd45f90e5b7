/* What is served of a function, read from the run side, as AWS's FunctionConfiguration. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "lambda.h"

#define LINK_SIZE      256
#define ATTRIBUTE_SIZE 4096 /* the longest: five layers, with what they were signed with */

/* "MNT/run/" with what comes behind; the run side of an ordinary user's mount is behind a symlink. NULL: no memory. */
static char *run_path(const struct lambda_host *host, const char *rest)
{
	char *path;
	return asprintf(&path, "%s/run/%s", host->mountpoint, rest) < 0 ? NULL : path;
}

/* The number of the current release and when it came, from the link that names it. */
static int read_link(const struct lambda_host *host, const char *function, char ret_target[LINK_SIZE],
		     struct lambda_release *ret)
{
	struct stat st;
	char *path = run_path(host, function);
	if (!path)
		return -ENOMEM;
	int r = lstat(path, &st) < 0 ? -errno : 0;
	ssize_t len = r == 0 ? readlink(path, ret_target, LINK_SIZE - 1) : 0;
	if (len < 0)
		r = -errno;
	free(path);
	if (r < 0)
		return r;
	ret_target[len] = '\0';
	const char *slash = strrchr(ret_target, '/');
	if (!slash || !text_parse_u64(slash + 1, strlen(slash + 1), UINT64_MAX, &ret->number))
		return -EBADMSG;
	ret->released_at_s = st.st_mtim.tv_sec;
	return 0;
}

char *lambda_attribute(const char *path, const char *name)
{
	char value[ATTRIBUTE_SIZE];
	ssize_t len = getxattr(path, name, value, sizeof(value) - 1);
	return len > 0 ? strndup(value, (size_t)len) : NULL;
}

int lambda_digest(int fd, uint64_t *ret_size, char ret_sha256[LAMBDA_SHA256_SIZE])
{
	struct stat st;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	if (fstat(fd, &st) < 0)
		return -errno;
	const struct io_reader reader = io_reader_fd(&fd, (uint64_t)st.st_size);
	int r = crypto_sha256_reader(&reader, (uint64_t)st.st_size, digest);
	if (r < 0)
		return r;
	*ret_size = (uint64_t)st.st_size;
	text_base64(digest, sizeof(digest), ret_sha256);
	return 0;
}

/* What is below run/ of the release at target. */
static int read_code(const struct lambda_host *host, const char *target, struct lambda_release *ret)
{
	char code[LINK_SIZE + 16], opt[LINK_SIZE + 16];
	(void)snprintf(code, sizeof(code), "%s/code.zip", target);
	(void)snprintf(opt, sizeof(opt), "%s/opt", target);
	char *code_path = run_path(host, code), *opt_path = run_path(host, opt);
	int r = code_path && opt_path ? 0 : -ENOMEM;
	int fd = r == 0 ? open(code_path, O_RDONLY | O_CLOEXEC) : -1;
	if (r == 0 && fd < 0 && errno == EACCES)
		ret->is_blocked = true;
	else if (r == 0)
		r = fd < 0 ? -errno : lambda_digest(fd, &ret->size_bytes, ret->sha256);
	if (r == 0 && fd >= 0) {
		ret->profile = lambda_attribute(code_path, "user.vouchfs.profile_version_arn");
		ret->job = lambda_attribute(code_path, "user.vouchfs.signing_job_arn");
		ret->layers = lambda_attribute(opt_path, "user.vouchfs.layer_versions");
	}
	io_close(&fd);
	free(code_path);
	free(opt_path);
	return r;
}

int lambda_release_find(const struct lambda_host *host, const char *function)
{
	char target[LINK_SIZE];
	struct lambda_release release = {0};
	return read_link(host, function, target, &release);
}

int lambda_release_read(const struct lambda_host *host, const char *function, struct lambda_release *ret)
{
	char target[LINK_SIZE];
	struct lambda_release release = {0};
	int r = read_link(host, function, target, &release);
	if (r == 0)
		r = read_code(host, target, &release);
	if (r == 0)
		*ret = release;
	return r;
}

void lambda_release_done(struct lambda_release *release)
{
	free(release->profile);
	free(release->job);
	free(release->layers);
	*release = (struct lambda_release){0};
}

/* "tools:3 1280 arn:... -" */
static void print_layer(const struct lambda_host *host, char *line, struct json *j)
{
	char *name = strsep(&line, " "), *size = strsep(&line, " "), *profile = strsep(&line, " "), *job = line;
	struct arn_layer_version layer;
	struct explain why;
	uint64_t size_bytes;
	if (!job || lambda_layer_version(host->config, name, &layer, &why) < 0 ||
	    !text_parse_u64(size, strlen(size), UINT64_MAX, &size_bytes))
		return;
	char arn[ARN_TEXT_SIZE];
	arn_print_layer_version(&layer, arn);
	json_object(j, NULL);
	json_text(j, "Arn", arn);
	json_u64(j, "CodeSize", size_bytes);
	if (strcmp(profile, "-") != 0)
		json_text(j, "SigningProfileVersionArn", profile);
	if (strcmp(job, "-") != 0)
		json_text(j, "SigningJobArn", job);
	json_close(j);
}

static void print_layers(const struct lambda_host *host, const char *layers, struct json *j)
{
	char text[ATTRIBUTE_SIZE], *rest = text;
	(void)snprintf(text, sizeof(text), "%s", layers);
	json_array(j, "Layers");
	for (char *line; (line = strsep(&rest, "\n"));)
		print_layer(host, line, j);
	json_close(j);
}

void lambda_release_print(const struct lambda_host *host, const char *function, const struct lambda_release *release,
			  bool published, const char *key, struct json *j)
{
	char text[ARN_TEXT_SIZE], utc[CLOCK_UTC_SIZE];
	json_object(j, key);
	json_text(j, "FunctionName", function);
	lambda_function_arn(host->config, function, text);
	json_text(j, "FunctionArn", text);
	if (!release->is_blocked) {
		json_u64(j, "CodeSize", release->size_bytes);
		json_text(j, "CodeSha256", release->sha256);
	}
	clock_format_utc(release->released_at_s, utc);
	(void)snprintf(text, sizeof(text), "%.19s.000+0000", utc);
	json_text(j, "LastModified", text);
	(void)snprintf(text, sizeof(text), "%" PRIu64, release->number);
	json_text(j, "Version", published ? text : "$LATEST");
	json_text(j, "State", release->is_blocked ? "Failed" : "Active");
	if (release->is_blocked) {
		(void)snprintf(text, sizeof(text), "release %" PRIu64 " is blocked by policy on load; `vouchfs why %s`",
			       release->number, function);
		json_text(j, "StateReason", text);
	}
	json_text(j, "LastUpdateStatus", "Successful");
	if (release->layers)
		print_layers(host, release->layers, j);
	json_text(j, "PackageType", "Zip");
	if (release->profile)
		json_text(j, "SigningProfileVersionArn", release->profile);
	if (release->job)
		json_text(j, "SigningJobArn", release->job);
	json_close(j);
}

int lambda_print_function(const struct lambda_host *host, const char *function, bool published)
{
	struct lambda_release release = {0};
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	int r = lambda_release_read(host, function, &release);
	if (r < 0)
		return cli_lambda_release_failed(host, function, r);
	lambda_release_print(host, function, &release, published, NULL, &j);
	lambda_release_done(&release);
	return cli_print_json(&text, json_end(&j));
}

int cli_lambda_release_failed(const struct lambda_host *host, const char *function, int r)
{
	char arn[ARN_TEXT_SIZE];
	lambda_function_arn(host->config, function, arn);
	if (r == -ENOENT)
		return cli_lambda_fail(host->operation, "ResourceNotFoundException", "Function not found: %s%s", arn,
				       config_find_function(host->config, function)
					       ? "; nothing was deployed to it yet"
					       : "; no [function] section is for it");
	return cli_lambda_fail(host->operation, "ServiceException", "function %s: what is served cannot be read: %s",
			       function, strerror(-r));
}
