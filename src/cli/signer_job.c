/* signer start-signing-job, describe-signing-job */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "signer.h"
#include "signer/render.h"

static int run_start(int argc, char **argv);
static int run_describe(int argc, char **argv);

const struct cli_command cli_signer_job_commands[] = {
	{
		.group = "signer",
		.name = "start-signing-job",
		.summary = "check a ZIP and sign it",
		.usage = "Examples:\n"
			 "  vouchfs signer start-signing-job --source file=build/app.zip \\\n"
			 "      --destination directory=out,prefix=signed- --profile-name "
			 "profile_for_application_ABC\n"
			 "  vouchfs signer start-signing-job --service /srv/signing --profile-owner 111122223333 \\\n"
			 "      --source file=app.zip --destination directory=out --profile-name release\n\n"
			 "Writes <directory>/<prefix><job id>.zip and prints the job's id. When the command returns, "
			 "the\n"
			 "job is done. A ZIP that is signed already, or that breaks one of the rules for ZIPs, "
			 "fails.\n"
			 "Through a service a token is remembered for 7 days, and a ZIP that it refuses makes no "
			 "job.\n\n"
			 "Options:\n"
			 "      --source file=PATH             (required)\n"
			 "      --destination directory=DIR[,prefix=TEXT]  (required)\n"
			 "      --profile-name NAME            (required)\n"
			 "      --profile-owner ID             whose profile it is (default: your own account's);\n"
			 "                                     another account's through its --service DIR\n"
			 "      --client-request-token TOKEN   once signed, the same token gives the same job "
			 "again\n"
			 "      --timestamp-url http://HOST/PATH | file:DIR\n"
			 "                                     have the signature stamped by an RFC 3161 authority\n"
			 "                                     (see: vouchfs timestamp --help);\n"
			 "                                     not through a service\n"
			 "      --max-unpacked-size BYTES      how much the content may be, for hosts whose\n"
			 "                                     max_unpacked_size is not the default (262144000);\n"
			 "                                     not through a service\n" CLI_SERVICE_OPTIONS,
		.run = run_start,
	},
	{
		.group = "signer",
		.name = "describe-signing-job",
		.summary = "show a signing job",
		.usage = "Examples:\n"
			 "  vouchfs signer describe-signing-job --job-id 621a6850-a128-42db-bc30-bd65cc54e187\n\n"
			 "Options:\n"
			 "      --job-id ID   (required)\n" CLI_SERVICE_OPTIONS,
		.run = run_describe,
	},
	{.name = NULL},
};

#define NO_S3 "there is no S3 here, "

struct paths {
	char *file;
	char *directory;
	char *prefix;
};

static void paths_done(struct paths *paths)
{
	free(paths->file);
	free(paths->directory);
	free(paths->prefix);
}

static int parse_paths(const struct cli_command *command, const char *source, const char *destination,
		       struct paths *ret)
{
	const struct cli_shorthand source_keys[] = {
		{.key = "file", .required = true, .ret = &ret->file},
		{.key = "s3", .refuse = NO_S3 "write --source file=PATH"},
	};
	const struct cli_shorthand destination_keys[] = {
		{.key = "directory", .required = true, .ret = &ret->directory},
		{.key = "prefix", .ret = &ret->prefix},
		{.key = "s3", .refuse = NO_S3 "write --destination directory=DIR,prefix=TEXT"},
	};
	struct explain why = {0};
	if (cli_parse_shorthand(source, source_keys, ARRAY_SIZE(source_keys), &why) < 0)
		return cli_usage_error(command, "--source: %s", why.text);
	if (cli_parse_shorthand(destination, destination_keys, ARRAY_SIZE(destination_keys), &why) < 0)
		return cli_usage_error(command, "--destination: %s", why.text);
	return 0;
}

/* signer NULL: through the service. */
static int start_job(struct signer *signer, const struct service *service, const struct signer_job_request *request)
{
	struct explain why = {0}, notice = {0};
	struct signer_job job = {0};
	int r = signer ? signer_start_job(signer, request, &job, &notice, &why)
		       : service_start_job(service, request, &job, &notice, &why);
	if (notice.text[0])
		cli_error("notice: %s", notice.text);
	if (r < 0)
		return cli_signer_failed("StartSigningJob", r, &why);

	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_text(&j, "jobId", job.arn.id);
	json_text(&j, "jobOwner", job.arn.scope.account);
	json_close(&j);
	signer_job_done(&job);
	return cli_print_json(&text, json_end(&j));
}

static int start(const struct cli_command *command, const struct cli_signer *options, const char *owner,
		 const struct signer_job_request *request)
{
	static const char operation[] = "StartSigningJob";
	struct signer *signer = NULL;
	struct service service = SERVICE_NONE;
	int exit_code = cli_signer_open_either(command, operation, options, &signer, &service);
	if (exit_code == 0)
		exit_code = options->service
				    ? cli_service_check_profile_owner(operation, &service, owner, request->profile_name)
				    : cli_signer_check_owner(operation, signer, owner);
	if (exit_code == 0)
		exit_code = start_job(signer, &service, request);
	service_close(&service);
	signer_close(signer);
	return exit_code;
}

static int run_start(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_job_commands[0];
	const char *source = NULL, *destination = NULL, *name = NULL, *owner = NULL, *token = NULL, *stamp = NULL;
	const char *max_unpacked = NULL;
	struct cli_signer_limits limits;
	const struct cli_option options[] = {
		{.name = "source", .kind = CLI_TEXT, .required = true, .ret_text = &source},
		{.name = "destination", .kind = CLI_TEXT, .required = true, .ret_text = &destination},
		{.name = "profile-name", .kind = CLI_TEXT, .required = true, .ret_text = &name},
		{.name = "profile-owner", .kind = CLI_TEXT, .ret_text = &owner},
		{.name = "client-request-token", .kind = CLI_TEXT, .ret_text = &token},
		{.name = "timestamp-url", .kind = CLI_TEXT, .ret_text = &stamp},
		{.name = "max-unpacked-size", .kind = CLI_TEXT, .ret_text = &max_unpacked},
	};
	struct cli_signer common = {.takes_service = true};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	if (common.service && stamp)
		return cli_usage_error(command, "--timestamp-url does not go with a signing service; stamp the result: "
						"vouchfs timestamp");
	exit_code = cli_signer_parse_limits(command, max_unpacked, common.service, &limits);
	if (exit_code != 0)
		return exit_code;

	struct paths paths = {0};
	exit_code = parse_paths(command, source, destination, &paths);
	if (exit_code == 0)
		exit_code = start(command, &common, owner,
				  &(struct signer_job_request){
					  .content = SIGNATURE_OF_ARTIFACT,
					  .profile_name = name,
					  .source_path = paths.file,
					  .destination_directory = paths.directory,
					  .destination_prefix = paths.prefix,
					  .client_request_token = token,
					  .timestamp_url = stamp,
					  .max_artifact_bytes = limits.max_artifact_bytes,
					  .max_unpacked_bytes = limits.max_unpacked_bytes,
				  });
	paths_done(&paths);
	return exit_code;
}

static int describe_job(struct signer *signer, const char *job_id)
{
	struct explain why = {0};
	struct signer_job job = {0};
	int r = signer_describe_job(signer, job_id, &job, &why);
	if (r < 0)
		return cli_signer_failed("DescribeSigningJob", r, &why);
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	signer_render_job(&j, &job);
	signer_job_done(&job);
	return cli_print_json(&text, json_end(&j));
}

static int describe_through(const struct cli_command *command, const struct cli_signer *options, const char *job_id)
{
	static const char operation[] = "DescribeSigningJob";
	struct explain why = {0};
	struct service service = SERVICE_NONE;
	struct buf text = {0};
	int exit_code = cli_signer_open_service(command, operation, options, &service);
	if (exit_code != 0)
		return exit_code;
	int r = service_describe_job(&service, job_id, &text, &why);
	service_close(&service);
	if (r == 0)
		return cli_print_json(&text, 0);
	buf_done(&text);
	return cli_signer_failed(operation, r, &why);
}

static int run_describe(int argc, char **argv)
{
	const struct cli_command *command = &cli_signer_job_commands[1];
	const char *job_id = NULL;
	const struct cli_option options[] = {
		{.name = "job-id", .kind = CLI_TEXT, .required = true, .ret_text = &job_id},
	};
	struct cli_signer common = {.takes_service = true};
	bool done;
	int exit_code = cli_signer_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	if (common.service)
		return describe_through(command, &common, job_id);

	struct signer *signer = NULL;
	exit_code = cli_signer_open(command, "DescribeSigningJob", &common, &signer);
	if (exit_code == 0)
		exit_code = describe_job(signer, job_id);
	signer_close(signer);
	return exit_code;
}
