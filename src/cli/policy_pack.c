/*
 * policy_pack.c - `vouchfs policy pack`: a directory of policy becomes a signed bundle. All that can be known to be
 * wrong is said before anything is signed; what will be wrong later, with its date, after.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "config/policy.h"
#include "policy_file.h"
#include "signer.h"

static int run(int argc, char **argv);

const struct cli_command cli_policy_pack_commands[] = {
	{.group = "policy",
	 .name = "pack",
	 .summary = "check a directory of policy and sign it as a bundle",
	 .usage = "Examples:\n"
		  "  vouchfs policy pack policy/ --profile fleet_policy -o policy.zip\n"
		  "  vouchfs policy pack policy/ --profile fleet_policy -o policy.zip --json | jq .sequence\n\n"
		  "DIR holds, and holds nothing else:\n"
		  "  policy.conf         [policy] sequence = N (higher with each bundle), description, hosts,\n"
		  "                      labels, local = refuse|report, remediate = yes|no; [unit]\n"
		  "  conf.d/<name>.conf  code-signing configs, accounts, functions, layers, principals\n"
		  "  trust/<file>        the certificates and revocation lists that these name\n\n"
		  "All of it is checked first, and every error printed with file and line. The same files make the\n"
		  "same bundle. It is signed as a policy bundle, in a signing job with a record, so that it can be\n"
		  "revoked; it passes for no artifact, and no artifact passes for it.\n\n"
		  "Options:\n"
		  "      --profile NAME  the signing profile (required); hosts name it as [policy] publisher\n"
		  "  -o, --output OUT    where to (required); a bundle that is there is replaced in one step\n"
		  "      --timestamp-url http://HOST/PATH | file:DIR\n"
		  "                      have the signature stamped, as vouchfs sign does\n"
		  "      --json          the answer as JSON\n" CLI_SIGNER_OPTIONS
		  "\nExit codes: 0 packed, 1 failed, 2 usage, 78 what is in DIR is no policy.\n",
	 .run = run},
	{.name = NULL},
};

struct request {
	const char *directory;
	const char *profile;
	const char *output;
	const char *timestamp_url;
	const char *home;
	bool json;
};

static void warn(const char *format, ...) PRINTF_LIKE(1, 2);
static void warn(const char *format, ...)
{
	char text[EXPLAIN_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cli_error("warning: %s", text);
}

/* ---- what is packed ---- */

/* Errors in what a bundle says begin with the name of its file, which lies in the directory. */
static void print_errors(const char *directory, const struct buf *errors)
{
	char shown[256];
	size_t len = strlen(directory);
	while (len > 1 && directory[len - 1] == '/')
		len--;
	text_escape_print(shown, sizeof(shown), directory, len);
	const char *at = errors->data ? errors->data : "";
	while (*at) {
		size_t line = strcspn(at, "\n");
		(void)fprintf(stderr, "%s/%.*s\n", shown, (int)line, at);
		at += line + (at[line] == '\n');
	}
}

static int read_directory(const char *directory, struct policy_file *ret)
{
	struct bundle *bundle = NULL;
	struct buf errors = {0};
	int r = bundle_read_directory(directory, &bundle, &errors);
	if (r < 0 && errors.data) {
		(void)fputs(errors.data, stderr);
	} else if (r == 0) {
		r = policy_file_of(bundle, ret, &errors);
		print_errors(directory, &errors);
	}
	if (r == -EINVAL)
		cli_error("nothing was packed");
	else if (r < 0)
		cli_error("the bundle cannot be made: %s", strerror(-r));
	buf_done(&errors);
	return r;
}

/* ---- where it goes ---- */

/* 0; -EEXIST, said: the output lies in the directory, and would be in the way of the next pack. */
static int check_outside(const struct request *request)
{
	char directory[PATH_MAX], parent[PATH_MAX];
	const char *slash = strrchr(request->output, '/');
	char *folder = slash ? strndup(request->output, (size_t)(slash - request->output) + 1) : strdup(".");
	if (!folder)
		return -ENOMEM;
	bool known = realpath(request->directory, directory) && realpath(folder, parent);
	free(folder);
	size_t len = known ? strlen(directory) : 0;
	if (!known || strncmp(parent, directory, len) != 0 || (parent[len] != '/' && parent[len] != '\0'))
		return 0; /* what is not there is for others to say */
	cli_error("the output lies in the directory that is packed; name one beside it, as in -o policy.zip");
	return -EEXIST;
}

static bool says_the_same(const struct bundle *a, const struct bundle *b)
{
	const struct config_members *x = bundle_members(a), *y = bundle_members(b);
	bool same = x->count == y->count;
	for (size_t i = 0; same && i < x->count; i++)
		same = strcmp(x->all[i].name, y->all[i].name) == 0 && x->all[i].len == y->all[i].len &&
		       memcmp(x->all[i].bytes, y->all[i].bytes, x->all[i].len) == 0;
	return same;
}

/* What is there is replaced when it is a bundle; hosts that have it take no other one with its sequence. */
static int check_output(const struct request *request, const struct policy_file *file)
{
	struct policy_file there = {0};
	struct stat st;
	if (stat(request->output, &st) < 0)
		return 0;
	if (policy_file_open(request->output, &there) < 0) {
		cli_error("what is there under the name of the output is no policy bundle, and is not replaced");
		return -EEXIST;
	}
	uint64_t before = there.config->terms->sequence, now = file->config->terms->sequence;
	if (before >= now && !says_the_same(there.bundle, file->bundle))
		warn("%s had sequence %" PRIu64 ", and said something else: hosts that have it refuse this one, of "
		     "sequence %" PRIu64 "; raise the sequence",
		     there.shown, before, now);
	policy_file_done(&there);
	return 0;
}

/* ---- warnings ---- */

static bool is_stale(const struct revocation_list *list, int64_t now_s)
{
	return list->next_update_s <= now_s;
}

static void warn_of_list(const struct policy_account *account, int64_t now_s)
{
	char ended[CLOCK_UTC_SIZE];
	const struct revocation_list *list = account->list;
	if (!list || !is_stale(list, now_s))
		return;
	clock_format_utc(list->next_update_s, ended);
	warn("%s (list %" PRIu64 ") is stale since %s: put a newer one there (vouchfs signer export-trust)",
	     account->section->revocations, list->sequence, ended);
}

/* Lists end before signatures do: bundles follow each other faster than they expire. */
static void note_next_bundle(const struct policy_file *file, int64_t now_s, int64_t expires_s)
{
	const struct policy_account *first = NULL;
	for (size_t i = 0; i < file->account_count; i++) {
		const struct policy_account *account = &file->accounts[i];
		if (!account->list || is_stale(account->list, now_s) || account->list->next_update_s >= expires_s)
			continue;
		if (!first || account->list->next_update_s < first->list->next_update_s)
			first = account;
	}
	if (!first)
		return;
	char ends[CLOCK_UTC_SIZE];
	clock_format_utc(first->list->next_update_s, ends);
	cli_error("note: hosts need a newer bundle before %s, when the revocation list of account %s ends", ends,
		  first->section->id);
}

static void warn_of_certificate(const struct policy_account *account, int64_t expires_s)
{
	char ends[CLOCK_UTC_SIZE], expires[CLOCK_UTC_SIZE];
	if (!account->trust)
		return;
	int64_t ends_s = crypto_cert_not_after_s(crypto_trust_longest(account->trust));
	clock_format_utc(ends_s, ends);
	clock_format_utc(expires_s, expires);
	if (ends_s < expires_s)
		warn("%s (the CA of account %s) ends at %s, before the bundle's signature does (%s)",
		     account->section->certificate, account->section->id, ends, expires);
}

/* Hosts judge the next bundle by the newest list of the publisher that they know. */
static void warn_of_publisher(const struct request *request, const struct policy_file *file, const char *publisher)
{
	char directory[256];
	for (size_t i = 0; i < file->account_count; i++)
		if (strcmp(file->accounts[i].section->id, publisher) == 0 && file->accounts[i].list)
			return;
	text_escape_print(directory, sizeof(directory), request->directory, strlen(request->directory));
	warn("the bundle does not carry the publisher's own revocation list, by which hosts judge the next bundle: "
	     "vouchfs signer export-trust --directory %s/trust, and in conf.d: [account %s] certificate = "
	     "trust/%s.pem, revocations = trust/%s.revocations",
	     directory, publisher, publisher, publisher);
}

static void warn_of_nothing(const struct config *config)
{
	if (config->code_signing_count + config->function_count + config->layer_count + config->principal_count +
		    config->account_count ==
	    0)
		warn("the bundle has no code-signing config, function, layer, account or principal: it governs "
		     "nothing of these, and the hosts' own files go on saying them");
}

static void warn_of_all(const struct request *request, const struct policy_file *file, const struct signer_job *job)
{
	int64_t now_s = clock_now_s();
	for (size_t i = 0; i < file->account_count; i++) {
		warn_of_certificate(&file->accounts[i], job->signature_expires_at_s);
		warn_of_list(&file->accounts[i], now_s);
	}
	warn_of_publisher(request, file, job->arn.scope.account);
	warn_of_nothing(file->config);
	note_next_bundle(file, now_s, job->signature_expires_at_s);
}

/* ---- the answer ---- */

static int print_json(const struct policy_file *file, const struct signer_job *job)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	cli_signer_put_signed(&j, job);
	policy_file_put_json(&j, file);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int print(const char *output, const struct policy_file *file, const struct signer_job *job)
{
	struct sheet sheet = sheet_begin();
	char shown[256], profile[ARN_TEXT_SIZE];
	int64_t now_s = clock_now_s();
	text_escape_print(shown, sizeof(shown), output, strlen(output));
	arn_print_profile(&job->profile_version, profile);
	sheet_put(&sheet, "%s: policy bundle %" PRIu64 "\n", shown, file->config->terms->sequence);
	sheet_row(&sheet, "signed by", "%s", profile);
	sheet_row(&sheet, "job", "%s", job->arn.id);
	sheet_time(&sheet, "valid until", job->signature_expires_at_s, now_s);
	policy_file_put(&sheet, file, now_s);
	sheet_put(&sheet, "\n");
	sheet_row(&sheet, "next", "on a host: vouchfs policy diff %s, then vouchfs policy apply %s", shown, shown);
	sheet_row(&sheet, "", "for all: put it where [policy] source of the hosts points");
	return sheet_print(&sheet, CLI_EXIT_OK);
}

/* ---- signing ---- */

static int write_bundle(const struct bundle *bundle, int *ret_fd)
{
	struct explain why = {0};
	int fd = memfd_create("vouchfs-policy", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : bundle_write(bundle, fd, &why);
	if (r < 0) {
		cli_error("%s", why.text[0] ? why.text : strerror(-r));
		io_close(&fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int sign(struct signer *signer, const struct request *request, int fd, struct signer_job *ret)
{
	struct explain why = {0}, notice = {0};
	int r = signer_start_job(signer,
				 &(struct signer_job_request){
					 .content = SIGNATURE_OF_BUNDLE,
					 .profile_name = request->profile,
					 .source_path = request->directory,
					 .source_fd = &fd,
					 .output_path = request->output,
					 .timestamp_url = request->timestamp_url,
					 .max_artifact_bytes = LIMIT_ARTIFACT_BYTES_DEFAULT,
					 .max_unpacked_bytes = LIMIT_BUNDLE_BYTES,
				 },
				 ret, &notice, &why);
	if (notice.text[0])
		cli_error("notice: %s", notice.text);
	if (r < 0)
		cli_error("%s", why.text[0] ? why.text : strerror(-r));
	return r;
}

static int pack(const struct request *request, const struct policy_file *file)
{
	struct signer *signer = NULL;
	struct signer_job job = {0};
	int fd = -1, code = CLI_EXIT_FAILURE;
	int r = check_outside(request);
	if (r == 0)
		r = check_output(request, file);
	if (r == 0)
		r = cli_signer_open_plain(request->home, &signer);
	if (r == 0)
		r = write_bundle(file->bundle, &fd);
	if (r == 0)
		r = sign(signer, request, fd, &job);
	if (r == 0) {
		warn_of_all(request, file, &job);
		code = request->json ? print_json(file, &job) : print(request->output, file, &job);
	}
	signer_job_done(&job);
	signer_close(signer);
	io_close(&fd);
	return code;
}

static int run(int argc, char **argv)
{
	struct request request = {0};
	struct policy_file file = {0};
	bool done = false;
	const struct cli_option options[] = {
		{.name = "profile", .kind = CLI_TEXT, .required = true, .ret_text = &request.profile},
		{.name = "output", .letter = 'o', .kind = CLI_TEXT, .required = true, .ret_text = &request.output},
		{.name = "timestamp-url", .kind = CLI_TEXT, .ret_text = &request.timestamp_url},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &request.json},
		{.name = "home", .kind = CLI_TEXT, .ret_text = &request.home},
		{.name = "service",
		 .refuse = "a signing service signs artifacts; bundles are packed where the home is"},
	};
	int code = cli_parse(cli_policy_pack_commands, options, ARRAY_SIZE(options), &argc, argv, 1, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	request.directory = argv[1];
	int r = read_directory(request.directory, &file);
	code = r == -EINVAL ? CLI_EXIT_CONFIG : CLI_EXIT_FAILURE;
	if (r == 0)
		code = pack(&request, &file);
	policy_file_done(&file);
	return code;
}
