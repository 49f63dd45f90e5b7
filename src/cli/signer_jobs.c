/* signer list-signing-jobs, wait: what became of the jobs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "page.h"
#include "service.h"
#include "signature/statement.h"
#include "signer.h"
#include "signer/render.h"

static int run_list(int argc, char **argv);
static int run_wait(int argc, char **argv);

const struct cli_command cli_signer_jobs_commands[] = {
	{
		.group = "signer",
		.name = "list-signing-jobs",
		.summary = "list the signing jobs, the newest first",
		.usage = "Examples:\n"
			 "  vouchfs signer list-signing-jobs --status Failed\n"
			 "  vouchfs signer list-signing-jobs --requested-by 555555555555 --no-is-revoked\n"
			 "  vouchfs signer list-signing-jobs --signature-expires-before 2027-01-01T00:00:00Z\n\n"
			 "A record that cannot be read hides no other: all others are listed, the message names it, "
			 "and the\n"
			 "command fails.\n\n"
			 "Options:\n"
			 "      --status STATUS        only Succeeded or Failed ones (none is InProgress: a job is "
			 "done\n"
			 "                             when start-signing-job returns)\n"
			 "      --platform-id ID       only those of this platform\n"
			 "      --requested-by ID      only those that this account asked for\n"
			 "      --job-invoker ID       only those that this account started\n"
			 "      --is-revoked, --no-is-revoked\n"
			 "                             only those whose signature is, or is not, revoked\n"
			 "      --signature-expires-before TIME, --signature-expires-after TIME\n"
			 "                             UTC like 2026-11-01T00:00:00Z, with an offset like +01:00, or\n"
			 "                             seconds since 1970; a failed job has no "
			 "signature\n" CLI_PAGE_USAGE CLI_SERVICE_OPTIONS,
		.run = run_list,
	},
	{
		.group = "signer",
		.name = "wait",
		.summary = "succeed when a signing job has succeeded",
		.usage =
			"Examples:\n"
			"  vouchfs signer wait successful-signing-job --job-id 621a6850-a128-42db-bc30-bd65cc54e187\n\n"
			"A job is done when start-signing-job returns, so this never waits. Exits 255 when the job "
			"has\n"
			"failed.\n\n"
			"Options:\n"
			"      --job-id ID   (required)\n" CLI_SERVICE_OPTIONS,
		.run = run_wait,
	},
	{.name = NULL},
};

struct filter {
	const char *status;
	const char *platform;
	const char *requested_by;
	const char *job_invoker;
	bool is_revoked;
	bool is_not_revoked;
	const char *before_text;
	const char *after_text;
	int64_t before_s;
	int64_t after_s;
};

static const char *status_of(const struct signer_job *job)
{
	return job->succeeded ? "Succeeded" : "Failed";
}

static bool is_in_time(const struct filter *filter, const struct signer_job *job)
{
	if ((filter->before_text || filter->after_text) && !job->succeeded)
		return false;
	return (!filter->before_text || job->signature_expires_at_s < filter->before_s) &&
	       (!filter->after_text || job->signature_expires_at_s > filter->after_s);
}

static bool is_wanted(const struct filter *filter, const struct signer_job *job)
{
	return (!filter->status || strcmp(filter->status, status_of(job)) == 0) &&
	       (!filter->platform || strcmp(filter->platform, STATEMENT_PLATFORM) == 0) &&
	       (!filter->requested_by || strcmp(filter->requested_by, job->requested_by) == 0) &&
	       (!filter->job_invoker || strcmp(filter->job_invoker, job->job_invoker) == 0) &&
	       (!filter->is_revoked || job->revoked) && (!filter->is_not_revoked || !job->revoked) &&
	       is_in_time(filter, job);
}

static int parse_time(const struct cli_command *command, const char *option, const char *text, int64_t *ret_s)
{
	if (!text || cli_aws_parse_time(text, ret_s))
		return 0;
	return cli_usage_error(command, "--%s is a time like 2026-11-01T00:00:00Z", option);
}

static int check_account(const struct cli_command *command, const char *option, const char *text)
{
	if (!text || arn_is_account(text, strlen(text)))
		return 0;
	return cli_usage_error(command, "--%s is an account id: 12 digits", option);
}

static bool is_status(const char *text)
{
	return strcmp(text, "InProgress") == 0 || strcmp(text, "Failed") == 0 || strcmp(text, "Succeeded") == 0;
}

static int check_filter(const struct cli_command *command, struct filter *filter)
{
	if (filter->status && !is_status(filter->status))
		return cli_usage_error(command, "--status is InProgress, Failed or Succeeded");
	if (filter->is_revoked && filter->is_not_revoked)
		return cli_usage_error(command, "--is-revoked does not go with --no-is-revoked");
	int exit_code = check_account(command, "requested-by", filter->requested_by);
	if (exit_code == 0)
		exit_code = check_account(command, "job-invoker", filter->job_invoker);
	if (exit_code == 0)
		exit_code = parse_time(command, "signature-expires-before", filter->before_text, &filter->before_s);
	if (exit_code == 0)
		exit_code = parse_time(command, "signature-expires-after", filter->after_text, &filter->after_s);
	return exit_code;
}

/* The last job of a page: its time and its id, as the jobs are sorted. */
struct position {
	int64_t created_at_s;
	char job_id[ARN_JOB_ID_SIZE];
};
#define TOKEN_SIZE (ARN_JOB_ID_SIZE + 24)

static void print_token(const struct signer_job *job, char ret[TOKEN_SIZE])
{
	(void)snprintf(ret, TOKEN_SIZE, "%lld.%s", (long long)job->created_at_s, job->arn.id);
}

static bool parse_token(const char *text, struct position *ret)
{
	const char *dot = strchr(text, '.');
	uint64_t created_at_s;
	if (!dot || !text_parse_u64(text, (size_t)(dot - text), INT64_MAX, &created_at_s) ||
	    !arn_is_uuid(dot + 1, strlen(dot + 1)))
		return false;
	ret->created_at_s = (int64_t)created_at_s;
	memcpy(ret->job_id, dot + 1, sizeof(ret->job_id));
	return true;
}

static bool is_behind(const struct position *position, const struct signer_job *job)
{
	if (job->created_at_s != position->created_at_s)
		return job->created_at_s < position->created_at_s;
	return strcmp(job->arn.id, position->job_id) > 0;
}

static void print_job(struct json *j, const struct signer_job *job)
{
	json_object(j, NULL);
	json_text(j, "jobId", job->arn.id);
	signer_render_file(j, "source", job->source);
	if (job->signed_object)
		signer_render_file(j, "signedObject", job->signed_object);
	cli_aws_time(j, "createdAt", job->created_at_s);
	json_text(j, "status", status_of(job));
	json_bool(j, "isRevoked", job->revoked);
	json_text(j, "profileName", job->profile_version.name);
	json_text(j, "profileVersion", job->profile_version.version);
	signer_render_platform(j);
	if (job->succeeded)
		cli_aws_time(j, "signatureExpiresAt", job->signature_expires_at_s);
	json_text(j, "jobOwner", job->arn.scope.account);
	json_text(j, "jobInvoker", job->job_invoker);
	json_close(j);
}

static void print_jobs(struct json *j, const struct filter *filter, struct cli_page *page,
		       const struct position *position, const struct signer_job *jobs, size_t count)
{
	const struct signer_job *last = NULL;
	bool more = false;
	json_object(j, NULL);
	json_array(j, "jobs");
	for (size_t i = 0; i < count && !more; i++) {
		if (!is_wanted(filter, &jobs[i]) || (page->after && !is_behind(position, &jobs[i])))
			continue;
		more = cli_page_is_full(page);
		if (more)
			continue;
		print_job(j, &jobs[i]);
		last = &jobs[i];
	}
	json_close(j);
	if (more) {
		ASSERT(last);
		char token[TOKEN_SIZE];
		print_token(last, token);
		cli_page_put_token(j, page, token);
	}
	json_close(j);
}

static int read_jobs(struct signer *signer, const struct service *service, struct signer_job **ret, size_t *ret_count,
		     struct explain *ret_damaged, struct explain *ret_why)
{
	return signer ? signer_list_jobs(signer, ret, ret_count, ret_damaged, ret_why)
		      : service_list_jobs(service, ret, ret_count, ret_why);
}

/* signer NULL: through the service. */
static int list(struct signer *signer, const struct service *service, const struct filter *filter,
		struct cli_page *page)
{
	struct explain why = {0}, damaged = {0};
	struct position position = {0};
	struct signer_job *jobs = NULL;
	size_t count = 0;
	if (page->after && !parse_token(page->after, &position))
		return cli_page_bad_token(page, "ListSigningJobs");
	int r = read_jobs(signer, service, &jobs, &count, &damaged, &why);
	if (r < 0)
		return cli_signer_failed("ListSigningJobs", r, &why);

	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	print_jobs(&j, filter, page, &position, jobs, count);
	signer_jobs_free(jobs, count);
	int exit_code = cli_print_json(&text, json_end(&j));
	return damaged.text[0] ? cli_signer_failed("ListSigningJobs", -EIO, &damaged) : exit_code;
}

static int run_list(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_jobs_commands[0];
	struct filter filter = {0};
	struct cli_page page = {0};
	const struct cli_option options[] = {
		{.name = "status", .kind = CLI_TEXT, .ret_text = &filter.status},
		{.name = "platform-id", .kind = CLI_TEXT, .ret_text = &filter.platform},
		{.name = "requested-by", .kind = CLI_TEXT, .ret_text = &filter.requested_by},
		{.name = "job-invoker", .kind = CLI_TEXT, .ret_text = &filter.job_invoker},
		{.name = "is-revoked", .kind = CLI_FLAG, .ret_flag = &filter.is_revoked},
		{.name = "no-is-revoked", .kind = CLI_FLAG, .ret_flag = &filter.is_not_revoked},
		{.name = "signature-expires-before", .kind = CLI_TEXT, .ret_text = &filter.before_text},
		{.name = "signature-expires-after", .kind = CLI_TEXT, .ret_text = &filter.after_text},
		CLI_PAGE_OPTIONS(&page),
	};
	struct cli_signer common = {.takes_service = true};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = check_filter(command, &filter);
	if (exit_code == 0)
		exit_code = cli_page_check(command, &page);
	if (exit_code != 0)
		return exit_code;

	struct signer *signer = NULL;
	struct service service = SERVICE_NONE;
	exit_code = cli_signer_open_either(command, "ListSigningJobs", &common, &signer, &service);
	if (exit_code == 0)
		exit_code = list(signer, &service, &filter, &page);
	service_close(&service);
	signer_close(signer);
	return exit_code;
}

/* What the AWS CLI exits with when what it waits for cannot come any more. */
#define EXIT_WAITED_IN_VAIN 255

static int wait_for(struct signer *signer, const struct service *service, const char *job_id)
{
	struct explain why = {0};
	struct signer_job job = {0};
	char escaped[EXPLAIN_MAX];
	int r = signer ? signer_describe_job(signer, job_id, &job, &why)
		       : service_find_job(service, job_id, &job, NULL, &why);
	if (r < 0)
		return cli_signer_failed("DescribeSigningJob", r, &why);
	if (!job.succeeded)
		cli_error("signing job %s has failed: %s", job.arn.id,
			  text_escape_print(escaped, sizeof(escaped), job.status_reason, strlen(job.status_reason)));
	int exit_code = job.succeeded ? CLI_EXIT_OK : EXIT_WAITED_IN_VAIN;
	signer_job_done(&job);
	return exit_code;
}

static int run_wait(int argc, char **argv)
{
	static const char condition[] = "successful-signing-job";
	const struct cli_command *command = &cli_signer_jobs_commands[1];
	const char *job_id = NULL;
	const struct cli_option options[] = {
		{.name = "job-id", .kind = CLI_TEXT, .required = true, .ret_text = &job_id},
	};
	bool is_named = argc > 1 && strcmp(argv[1], condition) == 0;
	struct cli_signer common = {.takes_service = true};
	bool done;
	if (!is_named && (argc < 2 || argv[1][0] != '-'))
		return cli_usage_error(command, "wait for what? There is: wait %s --job-id ID", condition);
	argc -= is_named;
	argv += is_named;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;

	struct signer *signer = NULL;
	struct service service = SERVICE_NONE;
	exit_code = cli_signer_open_either(command, "DescribeSigningJob", &common, &signer, &service);
	if (exit_code == 0)
		exit_code = wait_for(signer, &service, job_id);
	service_close(&service);
	signer_close(signer);
	return exit_code;
}
