/* sign: one local file, in place or to another. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "service.h"
#include "signer.h"

static int run(int argc, char **argv);

const struct cli_command cli_sign_commands[] = {
	{
		.name = "sign",
		.summary = "check a ZIP and sign it, in place or to another file",
		.usage = "Examples:\n"
			 "  vouchfs sign --profile profile_for_application_ABC app.zip\n"
			 "  vouchfs sign --profile profile_for_application_ABC build/app.zip -o signed/app.zip\n\n"
			 "The file is replaced in one step; a failure leaves it as it was.\n\n"
			 "Options:\n"
			 "      --profile NAME  the signing profile (required)\n"
			 "  -o, --output OUT    where to (default: in place)\n"
			 "      --timestamp-url http://HOST/PATH | file:DIR\n"
			 "                      have the signature stamped: by an RFC 3161 authority, or through a\n"
			 "                      directory of queries and replies (see: vouchfs timestamp --help)\n"
			 "      --max-unpacked-size BYTES\n"
			 "                      how much the content may be, for hosts whose max_unpacked_size is\n"
			 "                      not the default (262144000); not through a service\n"
			 "      --json          the answer as JSON\n" CLI_SERVICE_OPTIONS,
		.run = run,
	},
	{.name = NULL},
};

void cli_signer_put_signed(struct json *j, const struct signer_job *job)
{
	char arn[ARN_TEXT_SIZE], profile[ARN_TEXT_SIZE], expires[CLOCK_UTC_SIZE];
	arn_print_job(&job->arn, arn);
	arn_print_profile(&job->profile_version, profile);
	clock_format_utc(job->signature_expires_at_s, expires);
	json_u64(j, "schema", 1);
	json_text(j, "file", job->signed_object);
	json_text(j, "jobId", job->arn.id);
	json_text(j, "jobArn", arn);
	json_text(j, "profileVersionArn", profile);
	json_text(j, "expiresAt", expires);
}

static int print_json(const struct signer_job *job)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	cli_signer_put_signed(&j, job);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int print_line(const char *output, const struct signer_job *job)
{
	char file[256], profile[ARN_TEXT_SIZE], expires[CLOCK_UTC_SIZE];
	(void)text_escape_print(file, sizeof(file), output, strlen(output));
	arn_print_profile(&job->profile_version, profile);
	clock_format_utc(job->signature_expires_at_s, expires);
	(void)printf("%s: signed by %s, job %s, until %s\n", file, profile, job->arn.id, expires);
	return CLI_EXIT_OK;
}

/* signer NULL: through the service. */
static int sign(struct signer *signer, const struct service *service, const struct signer_job_request *request,
		bool json)
{
	struct explain why = {0}, notice = {0};
	struct signer_job job = {0};
	int r = signer ? signer_start_job(signer, request, &job, &notice, &why)
		       : service_start_job(service, request, &job, &notice, &why);
	if (notice.text[0])
		cli_error("notice: %s", notice.text);
	if (r < 0) {
		cli_error("%s", why.text[0] ? why.text : strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	int exit_code = json ? print_json(&job) : print_line(request->output_path, &job);
	signer_job_done(&job);
	return exit_code;
}

static int open_either(const char *home, const char *service_path, struct signer **ret_signer,
		       struct service *ret_service)
{
	struct explain why = {0};
	if (!service_path)
		return cli_signer_open_plain(home, ret_signer);
	int r = service_open(service_path, ret_service, &why);
	if (r < 0)
		cli_error("%s", why.text);
	return r;
}

static int run(int argc, char **argv)
{
	const char *profile = NULL, *output = NULL, *home = NULL, *timestamp_url = NULL, *service_path = NULL;
	const char *max_unpacked = NULL;
	struct cli_signer_limits limits;
	bool json = false, done;
	const struct cli_option options[] = {
		{.name = "profile", .kind = CLI_TEXT, .required = true, .ret_text = &profile},
		{.name = "output", .letter = 'o', .kind = CLI_TEXT, .ret_text = &output},
		{.name = "timestamp-url", .kind = CLI_TEXT, .ret_text = &timestamp_url},
		{.name = "max-unpacked-size", .kind = CLI_TEXT, .ret_text = &max_unpacked},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
		{.name = "home", .kind = CLI_TEXT, .ret_text = &home},
		{.name = "service", .kind = CLI_TEXT, .ret_text = &service_path},
	};
	int exit_code = cli_parse(&cli_sign_commands[0], options, ARRAY_SIZE(options), &argc, argv, 1, 1, &done);
	if (exit_code != 0 || done)
		return exit_code;
	if (home && service_path)
		return cli_usage_error(&cli_sign_commands[0],
				       "--service does not go with --home: it is one or the other");
	service_path = cli_signer_service(home, service_path);
	if (service_path && timestamp_url)
		return cli_usage_error(&cli_sign_commands[0], "--timestamp-url does not go with a signing service; "
							      "stamp the result: vouchfs timestamp");
	exit_code = cli_signer_parse_limits(&cli_sign_commands[0], max_unpacked, service_path, &limits);
	if (exit_code != 0)
		return exit_code;

	/* In place means the file that a symlink leads to. */
	char *in_place = output ? NULL : realpath(argv[1], NULL);
	if (!output && !in_place) {
		char file[256];
		int error = errno;
		cli_error("%s: %s", text_escape_print(file, sizeof(file), argv[1], strlen(argv[1])), strerror(error));
		return CLI_EXIT_FAILURE;
	}
	struct signer *signer = NULL;
	struct service service = SERVICE_NONE;
	exit_code = CLI_EXIT_FAILURE;
	if (open_either(home, service_path, &signer, &service) == 0)
		exit_code = sign(signer, &service,
				 &(struct signer_job_request){
					 .content = SIGNATURE_OF_ARTIFACT,
					 .profile_name = profile,
					 .source_path = argv[1],
					 .output_path = output ? output : in_place,
					 .timestamp_url = timestamp_url,
					 .max_artifact_bytes = limits.max_artifact_bytes,
					 .max_unpacked_bytes = limits.max_unpacked_bytes,
				 },
				 json);
	service_close(&service);
	signer_close(signer);
	free(in_place);
	return exit_code;
}
