/* The statement: read strictly, printed, and compared with what was read. */
#include "signature/statement.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/limits.h"
#include "fields.h"

#define VERSION "1"

static int read_arns(struct fields *fields, struct statement *ret)
{
	struct text_line line;
	int r = fields_next(fields, "profile-version-arn", &line);
	if (r < 0)
		return r;
	if (!arn_parse_profile_version(line.value, line.value_len, &ret->profile_version))
		return fields_refuse(fields, &line, "the ARN of a signing profile version");
	r = fields_next(fields, "job-arn", &line);
	if (r < 0)
		return r;
	if (!arn_parse_job(line.value, line.value_len, &ret->job))
		return fields_refuse(fields, &line, "the ARN of a signing job");
	if (!arn_scope_equal(&ret->profile_version.scope, &ret->job.scope))
		return fields_refuse(fields, &line, "a job of the profile's partition, region and account");
	return 0;
}

static int read_times(struct fields *fields, struct statement *ret)
{
	int r = fields_next_time(fields, "signed-at", &ret->signed_at_s);
	if (r < 0)
		return r;
	r = fields_next_time(fields, "expires-at", &ret->expires_at_s);
	if (r < 0)
		return r;
	if (ret->expires_at_s > ret->signed_at_s)
		return 0;
	explain_set(fields->why, "expires-at is not later than signed-at");
	return -EBADMSG;
}

static int read_statement(struct fields *fields, struct statement *ret)
{
	int r = fields_next_constant(fields, "vouchfs-signature", VERSION);
	if (r < 0)
		return r;
	r = fields_next_constant(fields, "platform", STATEMENT_PLATFORM);
	if (r < 0)
		return r;
	r = fields_next_u64(fields, "length", &ret->length_bytes);
	if (r < 0)
		return r;
	r = fields_next_hex(fields, "sha384", ret->sha384, sizeof(ret->sha384));
	if (r < 0)
		return r;
	r = fields_next_hex(fields, "tree-sha256", ret->tree_sha256, sizeof(ret->tree_sha256));
	if (r < 0)
		return r;
	r = read_arns(fields, ret);
	return r < 0 ? r : read_times(fields, ret);
}

int statement_parse(const char *text, size_t len, struct statement *ret, struct explain *ret_why)
{
	struct fields fields = {.at = text, .end = text + len, .why = ret_why};
	struct statement statement = {0};
	struct buf printed = {0};
	if (len > LIMIT_STATEMENT_BYTES) {
		explain_set(ret_why, "the statement is larger than %u bytes", LIMIT_STATEMENT_BYTES);
		return -EBADMSG;
	}

	int r = read_statement(&fields, &statement);
	if (r < 0)
		goto out;
	r = statement_print(&statement, &printed);
	if (r < 0)
		goto out;
	r = fields_compare(&fields, &printed, text, len);
	if (r < 0)
		goto out;
	*ret = statement;
out:
	buf_done(&printed);
	return r;
}

int statement_print(const struct statement *statement, struct buf *ret)
{
	char sha384[CRYPTO_SHA384_HEX_SIZE], tree[CRYPTO_SHA256_HEX_SIZE];
	char profile[ARN_TEXT_SIZE], job[ARN_TEXT_SIZE];
	char signed_at[CLOCK_UTC_SIZE], expires_at[CLOCK_UTC_SIZE];
	text_hex(statement->sha384, sizeof(statement->sha384), sha384);
	text_hex(statement->tree_sha256, sizeof(statement->tree_sha256), tree);
	arn_print_profile(&statement->profile_version, profile);
	arn_print_job(&statement->job, job);
	clock_format_utc(statement->signed_at_s, signed_at);
	clock_format_utc(statement->expires_at_s, expires_at);
	return buf_printf(ret,
			  "vouchfs-signature: " VERSION "\n"
			  "platform: " STATEMENT_PLATFORM "\n"
			  "length: %" PRIu64 "\n"
			  "sha384: %s\n"
			  "tree-sha256: %s\n"
			  "profile-version-arn: %s\n"
			  "job-arn: %s\n"
			  "signed-at: %s\n"
			  "expires-at: %s\n",
			  statement->length_bytes, sha384, tree, profile, job, signed_at, expires_at);
}
