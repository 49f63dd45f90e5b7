/* A layer version, read from the mount's slot of the layer, and shown as AWS shows it. */
#include "lambda_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

const struct lambda_about_info lambda_about_infos[LAYER_ABOUT_COUNT] = {
	[LAYER_DESCRIPTION] = {"user.vouchfs.description", "description", "Description", false},
	[LAYER_RUNTIMES] = {"user.vouchfs.compatible_runtimes", "compatible-runtimes", "CompatibleRuntimes", true},
	[LAYER_ARCHITECTURES] = {"user.vouchfs.compatible_architectures", "compatible-architectures",
				 "CompatibleArchitectures", true},
	[LAYER_LICENSE] = {"user.vouchfs.license_info", "license-info", "LicenseInfo", false},
};

const char *lambda_version_file(uint64_t number, char ret[LAMBDA_VERSION_FILE_SIZE])
{
	(void)snprintf(ret, LAMBDA_VERSION_FILE_SIZE, "%" PRIu64 ".zip", number);
	return ret;
}

int lambda_version_number(const struct cli_command *command, const char *text, uint64_t *ret)
{
	if (text_parse_u64(text, strlen(text), INT64_MAX, ret) && *ret > 0)
		return 0;
	return cli_usage_error(command, "--version-number is a number from 1");
}

/* ---- reading ---- */

/* Every version has a number among its attributes, also under the name that it was written under. */
static int read_number(const char *path, uint64_t *ret)
{
	char text[24];
	ssize_t len = getxattr(path, "user.vouchfs.version", text, sizeof(text));
	if (len < 0)
		return errno == ENODATA ? -ENOENT : -errno;
	return text_parse_u64(text, (size_t)len, UINT64_MAX, ret) ? 0 : -EBADMSG;
}

static int read_content(const char *path, struct lambda_layer_version *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : lambda_digest(fd, &ret->size_bytes, ret->sha256);
	io_close(&fd);
	return r;
}

int lambda_layer_read(const struct lambda_host *host, const char *layer, const char *file, bool with_content,
		      struct lambda_layer_version *ret)
{
	struct lambda_layer_version version = {0};
	char *path;
	if (asprintf(&path, "%s/layers/%s/%s", host->mountpoint, layer, file) < 0)
		return -ENOMEM;
	int r = read_number(path, &version.number);
	if (r == 0 && with_content)
		r = read_content(path, &version);
	if (r == 0) {
		version.published_at = lambda_attribute(path, "user.vouchfs.published_at");
		version.profile = lambda_attribute(path, "user.vouchfs.profile_version_arn");
		version.job = lambda_attribute(path, "user.vouchfs.signing_job_arn");
		for (size_t i = 0; i < ARRAY_SIZE(version.about); i++)
			version.about[i] = lambda_attribute(path, lambda_about_infos[i].attribute);
		*ret = version;
	}
	free(path);
	return r;
}

void lambda_layer_done(struct lambda_layer_version *version)
{
	free(version->published_at);
	free(version->profile);
	free(version->job);
	for (size_t i = 0; i < ARRAY_SIZE(version->about); i++)
		free(version->about[i]);
	*version = (struct lambda_layer_version){0};
}

static bool lists(const char *joined, const char *wanted)
{
	size_t len;
	for (const char *at = joined; at; at = at[len] == ',' ? at + len + 1 : NULL) {
		len = strcspn(at, ",");
		if (text_equal(at, len, wanted))
			return true;
	}
	return false;
}

bool lambda_layer_suits(const struct lambda_layer_version *version, const char *runtime, const char *architecture)
{
	return (!runtime || lists(version->about[LAYER_RUNTIMES], runtime)) &&
	       (!architecture || lists(version->about[LAYER_ARCHITECTURES], architecture));
}

/* ---- printing ---- */

static void print_list(const char *joined, const char *key, struct json *j)
{
	char item[LIMIT_LAYER_ABOUT_BYTES + 1];
	size_t len;
	json_array(j, key);
	for (const char *at = joined; at; at = at[len] == ',' ? at + len + 1 : NULL) {
		len = strcspn(at, ",");
		(void)snprintf(item, sizeof(item), "%.*s", (int)len, at);
		json_text(j, NULL, item);
	}
	json_close(j);
}

static void print_about(const struct lambda_layer_version *version, enum lambda_about about, struct json *j)
{
	const struct lambda_about_info *info = &lambda_about_infos[about];
	if (!version->about[about])
		return;
	if (info->is_list)
		print_list(version->about[about], info->member, j);
	else
		json_text(j, info->member, version->about[about]);
}

static void print_members(const struct lambda_host *host, const char *layer, const struct lambda_layer_version *version,
			  struct json *j)
{
	char text[ARN_TEXT_SIZE];
	lambda_layer_version_arn(host->config, layer, version->number, text);
	json_text(j, "LayerVersionArn", text);
	json_u64(j, "Version", version->number);
	json_text(j, "Description", version->about[LAYER_DESCRIPTION] ? version->about[LAYER_DESCRIPTION] : "");
	(void)snprintf(text, sizeof(text), "%.19s.000+0000", version->published_at ? version->published_at : "");
	json_text(j, "CreatedDate", text);
	print_about(version, LAYER_RUNTIMES, j);
	print_about(version, LAYER_LICENSE, j);
	print_about(version, LAYER_ARCHITECTURES, j);
}

void lambda_layer_print_item(const struct lambda_host *host, const char *layer,
			     const struct lambda_layer_version *version, const char *key, struct json *j)
{
	json_object(j, key);
	print_members(host, layer, version, j);
	json_close(j);
}

static int print_content(const struct lambda_host *host, const char *layer, const struct lambda_layer_version *version,
			 struct json *j)
{
	char file[LAMBDA_VERSION_FILE_SIZE], *path;
	if (asprintf(&path, "%s/layers/%s/%s", host->mountpoint, layer, lambda_version_file(version->number, file)) < 0)
		return -ENOMEM;
	json_object(j, "Content");
	int r = lambda_print_location(path, j);
	json_text(j, "CodeSha256", version->sha256);
	json_u64(j, "CodeSize", version->size_bytes);
	if (version->profile)
		json_text(j, "SigningProfileVersionArn", version->profile);
	if (version->job)
		json_text(j, "SigningJobArn", version->job);
	json_close(j);
	free(path);
	return r;
}

int lambda_layer_print(const struct lambda_host *host, const char *layer, const struct lambda_layer_version *version)
{
	char arn[ARN_TEXT_SIZE];
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	int r = print_content(host, layer, version, &j);
	lambda_layer_arn(host->config, layer, arn);
	json_text(&j, "LayerArn", arn);
	print_members(host, layer, version, &j);
	json_close(&j);
	return cli_print_json(&text, r < 0 ? r : json_end(&j));
}
