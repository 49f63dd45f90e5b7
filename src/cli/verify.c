/*
 * verify.c - `vouchfs verify`: the gate of the mount, without a mount.
 *
 * The store of the configuration is only read: it remembers which revocation lists were seen.
 */
#include "verify.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/cli.h"
#include "gate/governed.h"

#define SHOWN_SIZE 512

static int run(int argc, char **argv);

const struct cli_command cli_verify_commands[] = {
	{
		.name = "verify",
		.summary = "check ZIPs as the mount would, and say why",
		.usage = "Examples:\n"
			 "  vouchfs verify --function main-function signed.zip\n"
			 "  vouchfs verify --code-signing-config approved -c ./vouchfs.conf signed.zip\n"
			 "  vouchfs verify --all signed.zip                which configs of this host accept it?\n"
			 "  vouchfs verify --json signed.zip | jq -r .signature.profileVersionArn\n"
			 "  vouchfs verify --policy policy.zip             a policy bundle\n\n"
			 "Without function or config: integrity, chain to any trusted account, expiry, revocation.\n\n"
			 "Options:\n"
			 "      --function F             the rules of this function\n"
			 "      --code-signing-config C  the rules of this code-signing config\n"
			 "      --all                    the rules of every code-signing config, a line for each\n"
			 "      --policy                 the file has to be signed as a policy bundle, by a [policy]\n"
			 "                               publisher where the configuration names any; what it says\n"
			 "                               is not looked at (policy show FILE)\n"
			 "      --full                   inflate every entry and compare the SHA-384, too\n"
			 "      --json                   the decision as JSON, one document for each file\n"
			 "  -c, --config CONF            the configuration (default: $VOUCHFS_CONF, else\n"
			 "                               " CONFIG_DEFAULT_PATH ")\n\n"
			 "Exit codes: 0 accepted or warned, 1 unreadable file, 2 usage, 78 bad configuration;\n"
			 "refused: 10 no signature, 11 source mismatch, 12 expired, 13 integrity, 14 not an\n"
			 "admissible ZIP, 15 revoked, 17 no such function or config, 18 limits, 20 could not be\n"
			 "checked. --all: 0 when at least one config accepts or warns, else the code of the refusal\n"
			 "that came nearest to it. Several files: the first code that is not 0.\n",
		.run = run,
	},
	{.name = NULL},
};

struct request {
	const char *function;
	const char *code_signing;
	const char *config_path;
	bool all;
	bool policy;
	bool full;
	bool json;
};

/* ---- the configuration ---- */

static void explain_config_failure(int r, const char *path, const struct buf *errors)
{
	char shown[SHOWN_SIZE];
	if (errors->data)
		(void)fputs(errors->data, stderr);
	text_escape_print(shown, sizeof(shown), path, strlen(path));
	if (r == -ENOENT)
		cli_error("there is no configuration at %s; name one with -c CONF or $VOUCHFS_CONF", shown);
	else
		cli_error("the configuration %s cannot be used", shown);
}

int cli_load_trust(const char *path, struct trust **ret)
{
	struct buf errors = {0};
	int r = governed_trust_load(path, ret, &errors);
	if (r < 0)
		explain_config_failure(r, path, &errors);
	else if (errors.data)
		cli_error("%.*s", (int)strcspn(errors.data, "\n"), errors.data);
	buf_done(&errors);
	return r;
}

/* ---- the verdict ---- */

/* The rules that the request names. False: it names something that is not there, and *ret says so. */
static bool find_rules(const struct request *request, const struct config *config,
		       const struct config_code_signing **ret_rules, struct policy_verdict *ret)
{
	const char *name = request->function ? request->function : request->code_signing;
	char shown[SHOWN_SIZE], detail[SHOWN_SIZE + 64];
	if (!name) {
		*ret_rules = &policy_any_account;
		return true;
	}
	text_escape_print(shown, sizeof(shown), name, strlen(name));
	if (request->function) {
		const struct config_slot *slot = config_find_function(config, name);
		if (slot) {
			*ret_rules = slot->code_signing;
			return true;
		}
		(void)snprintf(detail, sizeof(detail), "no [function] section is for %s", shown);
	} else {
		*ret_rules = config_find_code_signing(config, name);
		if (*ret_rules)
			return true;
		(void)snprintf(detail, sizeof(detail), "there is no [code-signing-config %s]", shown);
	}
	policy_refuse(POLICY_VF4001_NO_SLOT, detail, "look at the names in the configuration: vouchfs check-config",
		      ret);
	return false;
}

int verify_exit_code(const struct policy_verdict *verdict)
{
	return verdict->outcome == POLICY_REFUSED ? policy_reason_info(verdict->reason)->exit_code : CLI_EXIT_OK;
}

int verify_judge(const struct trust *trust, const struct config_code_signing *rules, const struct verify_file *file,
		 bool full, struct gate_decision *ret)
{
	int fd = file->copy_fd;
	struct gate_artifact artifact = {.content = file->content, .file = io_reader_fd(&fd, file->size_bytes)};
	int r = gate_judge(trust, rules, POLICY_ON_DEPLOYMENT, &artifact, full, ret);
	if (r < 0)
		cli_error("nothing could be checked: %s", strerror(-r));
	return r;
}

/* A first bundle brings the list by which it is judged, and what is in it is not looked at here. */
static void word_missing_list(struct policy_verdict *verdict)
{
	if (verdict->reason == POLICY_VF3001_UNDECIDED && verdict->deciding == POLICY_REVOCATION)
		(void)snprintf(verdict->remedy, sizeof(verdict->remedy),
			       "the bundle may bring the list itself, which only `vouchfs policy apply` looks at; else "
			       "bring the account's current list (vouchfs signer export-trust)");
}

/* As a host does that names publishers of bundles, by its own files; elsewhere by any account that is trusted. */
static int verify_bundle(const struct request *request, const struct trust *trust, const struct verify_file *file)
{
	const struct trust *own = trust->local ? trust->local : trust;
	const struct config_code_signing published = governed_rules(own->config);
	struct gate_decision decision = {.decided_at_s = clock_now_s()};
	if (verify_judge(own, published.publisher_count > 0 ? &published : &policy_any_account, file, request->full,
			 &decision) < 0)
		return CLI_EXIT_FAILURE;
	word_missing_list(&decision.verdict);
	return verify_print(own, file, &decision, request->json);
}

static int verify_one(const struct request *request, const struct trust *trust, const struct verify_file *file)
{
	const struct config_code_signing *rules = NULL;
	struct gate_decision decision = {.decided_at_s = clock_now_s()};
	if (request->policy)
		return verify_bundle(request, trust, file);
	if (request->all)
		return verify_all(trust, file, request->full, request->json);
	if (find_rules(request, trust->config, &rules, &decision.verdict) &&
	    verify_judge(trust, rules, file, request->full, &decision) < 0)
		return CLI_EXIT_FAILURE;
	return verify_print(trust, file, &decision, request->json);
}

/* All files under one trust; the first code that is not 0. */
static int verify(const struct request *request, char **paths, int count)
{
	struct trust *trust = NULL;
	if (cli_load_trust(request->config_path, &trust) < 0 || !trust)
		return CLI_EXIT_CONFIG;

	int first = CLI_EXIT_OK;
	for (int i = 0; i < count; i++) {
		struct verify_file file;
		int code = CLI_EXIT_FAILURE;
		if (verify_file_open(paths[i], trust->config->max_artifact_bytes, &file) == 0) {
			file.content = request->policy ? SIGNATURE_OF_BUNDLE : SIGNATURE_OF_ARTIFACT;
			if (i > 0 && !request->json)
				(void)putchar('\n');
			code = verify_one(request, trust, &file);
			verify_file_close(&file);
		}
		first = first == CLI_EXIT_OK ? code : first;
	}
	trust_unref(trust);
	return first;
}

static int run(int argc, char **argv)
{
	struct request request = {0};
	const char *config = NULL;
	bool done = false;
	const struct cli_option options[] = {
		{.name = "function", .kind = CLI_TEXT, .ret_text = &request.function},
		{.name = "code-signing-config", .kind = CLI_TEXT, .ret_text = &request.code_signing},
		{.name = "all", .kind = CLI_FLAG, .ret_flag = &request.all},
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &config},
		{.name = "policy", .kind = CLI_FLAG, .ret_flag = &request.policy},
		{.name = "full", .kind = CLI_FLAG, .ret_flag = &request.full},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &request.json},
	};
	int code = cli_parse(cli_verify_commands, options, ARRAY_SIZE(options), &argc, argv, 1, INT_MAX, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (!!request.function + !!request.code_signing + request.all + request.policy > 1)
		return cli_usage_error(cli_verify_commands,
				       "--function, --code-signing-config, --all and --policy exclude one another");
	request.config_path = cli_config_path(config);
	return verify(&request, argv + 1, argc - 1);
}
