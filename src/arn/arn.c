/* Identifiers. Parsing goes from left to right over the text, piece by piece, and copies only when all of it fits. */
#include "arn/arn.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool arn_is_account(const char *text, size_t len)
{
	return text_consists_of(text, len, DIGITS, ARN_ACCOUNT_SIZE - 1, ARN_ACCOUNT_SIZE - 1);
}

bool arn_is_organization(const char *text, size_t len)
{
	const size_t prefix = 2;
	return len > prefix && memcmp(text, "o-", prefix) == 0 &&
	       text_consists_of(text + prefix, len - prefix, LOWER DIGITS, 10, ARN_ORGANIZATION_SIZE - 1 - prefix);
}

bool arn_is_region(const char *text, size_t len)
{
	return text_consists_of(text, len, LOWER DIGITS "-", 1, ARN_REGION_SIZE - 1);
}

/* Partitions are spelled like regions. */
static bool is_partition(const char *text, size_t len)
{
	return arn_is_region(text, len);
}

bool arn_is_profile_name(const char *text, size_t len)
{
	return text_consists_of(text, len, UPPER LOWER DIGITS "_", 2, ARN_PROFILE_NAME_SIZE - 1);
}

bool arn_is_profile_version(const char *text, size_t len)
{
	return text_consists_of(text, len, UPPER LOWER DIGITS, ARN_PROFILE_VERSION_SIZE - 1,
				ARN_PROFILE_VERSION_SIZE - 1);
}

static bool is_lambda_name(const char *text, size_t len)
{
	return text_consists_of(text, len, UPPER LOWER DIGITS "_-", 1, ARN_LAMBDA_NAME_SIZE - 1);
}

static bool is_qualifier(const char *text, size_t len)
{
	return is_lambda_name(text, len) || text_equal(text, len, "$LATEST");
}

bool arn_is_uuid(const char *text, size_t len)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (len != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (shape[i] == '-' ? text[i] != '-' : !text_consists_of(text + i, 1, DIGITS "abcdef", 1, 1))
			return false;
	return true;
}

/* What is left to read. */
struct cursor {
	const char *at;
	const char *end;
};

static bool take_literal(struct cursor *c, const char *literal)
{
	size_t len = strlen(literal);
	if ((size_t)(c->end - c->at) < len || memcmp(c->at, literal, len) != 0)
		return false;
	c->at += len;
	return true;
}

/* Takes everything up to the stop character or the end, when it is valid and fits into ret. */
static bool take_field(struct cursor *c, char stop, bool (*valid)(const char *, size_t), char *ret, size_t ret_size)
{
	size_t left = (size_t)(c->end - c->at);
	const char *found = left > 0 ? memchr(c->at, stop, left) : NULL;
	size_t len = found ? (size_t)(found - c->at) : left;
	if (len >= ret_size || !valid(c->at, len))
		return false;
	memcpy(ret, c->at, len);
	ret[len] = '\0';
	c->at += len;
	return true;
}

/* service: with the colons around it */
static bool take_service_scope(struct cursor *c, const char *service, struct arn_scope *ret)
{
	return take_literal(c, "arn:") && take_field(c, ':', is_partition, ret->partition, sizeof(ret->partition)) &&
	       take_literal(c, service) && take_field(c, ':', arn_is_region, ret->region, sizeof(ret->region)) &&
	       take_literal(c, ":") && take_field(c, ':', arn_is_account, ret->account, sizeof(ret->account)) &&
	       take_literal(c, ":");
}

static bool take_scope(struct cursor *c, struct arn_scope *ret)
{
	return take_service_scope(c, ":signer:", ret) && take_literal(c, "/");
}

bool arn_parse_profile(const char *text, size_t len, struct arn_profile *ret)
{
	struct cursor c = {text, text + len};
	struct arn_profile profile = {0};

	if (!take_scope(&c, &profile.scope) || !take_literal(&c, "signing-profiles/") ||
	    !take_field(&c, '/', arn_is_profile_name, profile.name, sizeof(profile.name)))
		return false;
	if (c.at < c.end && (!take_literal(&c, "/") ||
			     !take_field(&c, '/', arn_is_profile_version, profile.version, sizeof(profile.version))))
		return false;
	if (c.at != c.end)
		return false;
	*ret = profile;
	return true;
}

bool arn_parse_profile_version(const char *text, size_t len, struct arn_profile *ret)
{
	struct arn_profile profile;
	if (!arn_parse_profile(text, len, &profile) || profile.version[0] == '\0')
		return false;
	*ret = profile;
	return true;
}

bool arn_parse_job(const char *text, size_t len, struct arn_job *ret)
{
	struct cursor c = {text, text + len};
	struct arn_job job = {0};

	if (!take_scope(&c, &job.scope) || !take_literal(&c, "signing-jobs/") ||
	    !take_field(&c, '/', arn_is_uuid, job.id, sizeof(job.id)) || c.at != c.end)
		return false;
	*ret = job;
	return true;
}

bool arn_parse_revocations(const char *text, size_t len, struct arn_scope *ret)
{
	struct cursor c = {text, text + len};
	struct arn_scope scope = {0};

	if (!take_scope(&c, &scope) || !take_literal(&c, "revocations") || c.at != c.end)
		return false;
	*ret = scope;
	return true;
}

bool arn_parse_code_signing(const char *text, size_t len, struct arn_code_signing *ret)
{
	struct cursor c = {text, text + len};
	struct arn_code_signing code_signing = {0};

	if (!take_service_scope(&c, ":lambda:", &code_signing.scope) || !take_literal(&c, "code-signing-config:") ||
	    !take_field(&c, ':', is_lambda_name, code_signing.name, sizeof(code_signing.name)) || c.at != c.end)
		return false;
	*ret = code_signing;
	return true;
}

bool arn_parse_function(const char *text, size_t len, struct arn_function *ret)
{
	struct cursor c = {text, text + len};
	struct arn_function function = {0};

	if (!take_service_scope(&c, ":lambda:", &function.scope) || !take_literal(&c, "function:") ||
	    !take_field(&c, ':', is_lambda_name, function.name, sizeof(function.name)))
		return false;
	if (c.at < c.end && (!take_literal(&c, ":") ||
			     !take_field(&c, ':', is_qualifier, function.qualifier, sizeof(function.qualifier))))
		return false;
	if (c.at != c.end)
		return false;
	*ret = function;
	return true;
}

bool arn_parse_layer_version(const char *text, size_t len, struct arn_layer_version *ret)
{
	struct cursor c = {text, text + len};
	struct arn_layer_version layer = {0};

	if (!take_service_scope(&c, ":lambda:", &layer.scope) || !take_literal(&c, "layer:") ||
	    !take_field(&c, ':', is_lambda_name, layer.name, sizeof(layer.name)) || !take_literal(&c, ":") ||
	    !text_parse_u64(c.at, (size_t)(c.end - c.at), UINT64_MAX, &layer.version) || layer.version == 0)
		return false;
	*ret = layer;
	return true;
}

static void print_arn(const struct arn_scope *scope, char ret[ARN_TEXT_SIZE], const char *resource, const char *a,
		      const char *b)
{
	const char *slash = b[0] != '\0' ? "/" : "";
	int len = snprintf(ret, ARN_TEXT_SIZE, "arn:%s:signer:%s:%s:/%s%s%s%s", scope->partition, scope->region,
			   scope->account, resource, a, slash, b);
	ASSERT(len > 0 && len < ARN_TEXT_SIZE);
}

void arn_print_profile(const struct arn_profile *profile, char ret[ARN_TEXT_SIZE])
{
	print_arn(&profile->scope, ret, "signing-profiles/", profile->name, profile->version);
}

void arn_print_job(const struct arn_job *job, char ret[ARN_TEXT_SIZE])
{
	print_arn(&job->scope, ret, "signing-jobs/", job->id, "");
}

void arn_print_revocations(const struct arn_scope *scope, char ret[ARN_TEXT_SIZE])
{
	print_arn(scope, ret, "revocations", "", "");
}

static void print_lambda_arn(const struct arn_scope *scope, char ret[ARN_TEXT_SIZE], const char *resource,
			     const char *name, const char *qualifier)
{
	int len = snprintf(ret, ARN_TEXT_SIZE, "arn:%s:lambda:%s:%s:%s:%s%s%s", scope->partition, scope->region,
			   scope->account, resource, name, qualifier[0] != '\0' ? ":" : "", qualifier);
	ASSERT(len > 0 && len < ARN_TEXT_SIZE);
}

void arn_print_code_signing(const struct arn_code_signing *code_signing, char ret[ARN_TEXT_SIZE])
{
	print_lambda_arn(&code_signing->scope, ret, "code-signing-config", code_signing->name, "");
}

void arn_print_function(const struct arn_function *function, char ret[ARN_TEXT_SIZE])
{
	print_lambda_arn(&function->scope, ret, "function", function->name, function->qualifier);
}

void arn_print_layer_version(const struct arn_layer_version *layer, char ret[ARN_TEXT_SIZE])
{
	char version[24];
	(void)snprintf(version, sizeof(version), "%" PRIu64, layer->version);
	print_lambda_arn(&layer->scope, ret, "layer", layer->name, version);
}

bool arn_scope_equal(const struct arn_scope *a, const struct arn_scope *b)
{
	return strcmp(a->partition, b->partition) == 0 && strcmp(a->region, b->region) == 0 &&
	       strcmp(a->account, b->account) == 0;
}

static bool same_profile(const struct arn_profile *a, const struct arn_profile *b)
{
	return arn_scope_equal(&a->scope, &b->scope) && strcmp(a->name, b->name) == 0;
}

bool arn_profile_equal(const struct arn_profile *a, const struct arn_profile *b)
{
	return same_profile(a, b) && strcmp(a->version, b->version) == 0;
}

bool arn_profile_matches(const struct arn_profile *pattern, const struct arn_profile *candidate)
{
	if (candidate->version[0] == '\0' || !same_profile(pattern, candidate))
		return false;
	return pattern->version[0] == '\0' || strcmp(pattern->version, candidate->version) == 0;
}
