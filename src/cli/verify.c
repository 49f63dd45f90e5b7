/*
 * verify.c - `vouchfs verify`: the gate of the mount, without a mount.
 *
 * The file is opened once and copied once into a private, unnamed file; what is judged is that copy (R16). The store
 * of the configuration is only read: it remembers which revocation lists were seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/cli.h"
#include "gate/gate.h"

#define COPY_BYTES ((size_t)1 << 20)
#define SHOWN_SIZE 512

static int run(int argc, char **argv);

const struct cli_command cli_verify_commands[] = {
	{
		.name = "verify",
		.summary = "check a ZIP as the mount would, and say why",
		.usage = "Examples:\n"
			 "  vouchfs verify --function main-function signed.zip\n"
			 "  vouchfs verify --code-signing-config approved -c ./vouchfs.conf signed.zip\n"
			 "  vouchfs verify --json signed.zip\n\n"
			 "Without function or config: integrity, chain to any trusted account, expiry, revocation.\n\n"
			 "Options:\n"
			 "      --function F             the rules of this function\n"
			 "      --code-signing-config C  the rules of this code-signing config\n"
			 "      --full                   inflate every entry and compare the SHA-384, too\n"
			 "      --json                   the decision as JSON\n"
			 "  -c, --config CONF            the configuration (default: $VOUCHFS_CONF, else\n"
			 "                               " CONFIG_DEFAULT_PATH ")\n\n"
			 "Exit codes: 0 accepted or warned, 1 unreadable file, 2 usage, 78 bad configuration;\n"
			 "refused: 10 no signature, 11 source mismatch, 12 expired, 13 integrity, 14 not an\n"
			 "admissible ZIP, 15 revoked, 17 no such function or config, 18 limits, 20 could not be\n"
			 "checked.\n",
		.run = run,
	},
	{.name = NULL},
};

struct request {
	const char *path;
	const char *function;
	const char *code_signing;
	const char *config_path;
	bool full;
	bool json;
};

/* ---- the artifact ---- */

static int private_file(void)
{
	const char *directory = getenv("TMPDIR");
	int dirfd = io_open_dir(directory && directory[0] ? directory : "/tmp");
	int fd = dirfd < 0 ? dirfd : io_open_unnamed(dirfd, 0600);
	io_close(&dirfd);
	if (fd >= 0)
		return fd;
	fd = memfd_create("vouchfs-verify", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Copies at most max + 1 bytes: one more than allowed is enough to know that it is too large. */
static int copy_bytes(int from, int to, uint64_t max, uint64_t *ret_size)
{
	char *bytes = malloc(COPY_BYTES);
	if (!bytes)
		return -ENOMEM;
	uint64_t size = 0;
	int r = 0;
	while (r == 0 && size <= max) {
		uint64_t room = max - size < COPY_BYTES ? max - size + 1 : COPY_BYTES;
		ssize_t got = io_pread(from, bytes, (size_t)room, size);
		if (got <= 0) {
			r = (int)got;
			break;
		}
		r = io_write_full(to, bytes, (size_t)got);
		size += (uint64_t)got;
	}
	free(bytes);
	if (r == 0)
		*ret_size = size;
	return r;
}

/* Opens the file, copies it, and says on failure what is wrong with it. */
static int take_copy(const char *path, uint64_t max, int *ret_fd, uint64_t *ret_size)
{
	char shown[SHOWN_SIZE];
	text_escape_print(shown, sizeof(shown), path, strlen(path));
	int copy = -1, from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st = {0};
	int r = from < 0 || fstat(from, &st) < 0 ? -errno : 0;
	if (r == 0 && !S_ISREG(st.st_mode)) {
		cli_error("%s: not a regular file", shown);
		r = -EINVAL;
		goto out;
	}
	if (r == 0)
		r = copy = private_file();
	if (r >= 0 && (uint64_t)st.st_size > max) {
		*ret_size = (uint64_t)st.st_size; /* too large to be looked into */
		r = 0;
	} else if (r >= 0) {
		r = copy_bytes(from, copy, max, ret_size);
	}
	if (r < 0) {
		cli_error("%s: %s", shown, strerror(-r));
		goto out;
	}
	*ret_fd = copy;
	copy = -1;
out:
	io_close(&copy);
	io_close(&from);
	return r;
}

/* ---- the configuration ---- */

/* The store of a configuration where there is one that may be read; NULL otherwise, which is no failure. */
static struct store *open_memory(const struct config *config)
{
	struct store_options options = {.path = config->store, .read_only = true, .anchor = config->anchor};
	struct store *store = NULL;
	struct explain why = {0};
	int r = store_open(&options, &store, &why);
	if (r < 0 && r != -ENOENT && r != -EACCES)
		cli_error("warning: what the store remembers of revocation lists is not used: %s", why.text);
	return r < 0 ? NULL : store;
}

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

static int load_trust(const char *path, struct trust **ret)
{
	struct config *config = NULL;
	struct store *store = NULL;
	struct buf errors = {0};
	int r = config_load(path, &config, &errors);
	if (r == 0) {
		store = open_memory(config);
		r = trust_from_config(config, store, ret, &errors);
	}
	if (r < 0)
		explain_config_failure(r, path, &errors);
	store_close(store);
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

static int print_decision(const struct request *request, const struct gate_decision *decision)
{
	struct buf text = {0};
	int r = request->json ? gate_render_json(request->path, decision, &text)
			      : gate_render_report(request->path, decision, &text);
	if (r == 0 && fputs(text.data, stdout) == EOF)
		r = -EIO;
	buf_done(&text);
	if (r < 0) {
		cli_error("the decision cannot be printed: %s", strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	const struct policy_verdict *verdict = &decision->verdict;
	return verdict->outcome == POLICY_REFUSED ? policy_reason_info(verdict->reason)->exit_code : CLI_EXIT_OK;
}

static int verify(const struct request *request)
{
	struct trust *trust = NULL;
	if (load_trust(request->config_path, &trust) < 0 || !trust)
		return CLI_EXIT_CONFIG;

	int code = CLI_EXIT_FAILURE, copy = -1;
	const struct config_code_signing *rules = NULL;
	struct gate_decision decision = {.decided_at_s = clock_now_s()};
	struct gate_artifact artifact = {0};
	uint64_t size = 0;
	int r = take_copy(request->path, trust->config->max_artifact_bytes, &copy, &size);
	if (r < 0)
		goto out;
	if (find_rules(request, trust->config, &rules, &decision.verdict)) {
		artifact.file = io_reader_fd(&copy, size);
		r = gate_judge(trust, rules, POLICY_ON_DEPLOYMENT, &artifact, request->full, &decision);
	}
	if (r < 0)
		cli_error("nothing could be checked: %s", strerror(-r));
	else
		code = print_decision(request, &decision);
out:
	io_close(&copy);
	trust_unref(trust);
	return code;
}

static int run(int argc, char **argv)
{
	struct request request = {0};
	const char *config = NULL;
	bool done = false;
	const struct cli_option options[] = {
		{.name = "function", .kind = CLI_TEXT, .ret_text = &request.function},
		{.name = "code-signing-config", .kind = CLI_TEXT, .ret_text = &request.code_signing},
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &config},
		{.name = "full", .kind = CLI_FLAG, .ret_flag = &request.full},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &request.json},
	};
	int code = cli_parse(cli_verify_commands, options, ARRAY_SIZE(options), &argc, argv, 1, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (request.function && request.code_signing)
		return cli_usage_error(cli_verify_commands, "--function and --code-signing-config exclude each other");
	request.path = argv[1];
	request.config_path = cli_config_path(config);
	return verify(&request);
}
