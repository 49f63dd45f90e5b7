/* What the verbs of `vouchfs policy` share that ask or change a mounted host. */
#include "policy_host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/aws.h"
#include "effects_print.h"
#include "host.h"
#include "lambda.h"

#define ANSWER_BYTES 262144

int policy_open_mount(const char *given_config, int *ret_dirfd)
{
	int r = cli_open_mount(given_config, ret_dirfd);
	if (r < 0 || faccessat(*ret_dirfd, "policy", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return r;
	r = -errno;
	if (r == -ENOENT)
		cli_error("this host takes no policy bundles; write `publisher = <profile ARN>` into [policy] of %s, "
			  "then `vouchfs reload`",
			  cli_config_path(given_config));
	else
		cli_error("policy: %s", strerror(-r));
	io_close(ret_dirfd);
	return r;
}

/* ---- status ---- */

int policy_read_status(int dirfd, struct buf *ret)
{
	int r = io_read_file(dirfd, ".vouchfs/policy/status", ANSWER_BYTES, ret);
	if (r < 0)
		cli_error("the status of the policy bundle cannot be read: %s", strerror(-r));
	return r;
}

char *policy_status_text(const struct buf *status, const char *key)
{
	return status->data ? text_record_get(status->data, status->len, key) : NULL;
}

uint64_t policy_status_number(const struct buf *status, const char *key)
{
	uint64_t value = 0;
	return status->data && text_record_get_u64(status->data, status->len, key, &value) ? value : 0;
}

int policy_read_release(int dirfd, uint64_t *ret)
{
	struct buf status = {0};
	int r = policy_read_status(dirfd, &status);
	if (r == 0)
		*ret = policy_status_number(&status, "release");
	buf_done(&status);
	return r;
}

/* ---- refused ---- */

bool policy_tell_refusal(int dirfd, int *ret_exit_code)
{
	struct buf text = {0};
	struct lambda_why why;
	bool is_ours = io_read_file(dirfd, ".vouchfs/why/policy", ANSWER_BYTES, &text) == 0 && text.len > 0;
	if (is_ours) {
		lambda_why_parse(text.data, &why);
		is_ours = why.pid == (uint64_t)getpid() && strcmp(why.outcome, "refused") == 0;
	}
	if (is_ours) {
		(void)fputs(text.data, stderr);
		*ret_exit_code = lambda_why_exit_code(&why);
	}
	buf_done(&text);
	return is_ours;
}

/* ---- in force ---- */

static int read_effects(int dirfd, struct effects *ret)
{
	struct buf text = {0};
	int r = io_read_file(dirfd, ".vouchfs/reload", ANSWER_BYTES, &text);
	if (r == 0)
		r = effects_parse(text.data ? text.data : "", text.len, ret);
	buf_done(&text);
	if (r < 0)
		cli_error("the bundle is in force; what it changes cannot be read: %s", strerror(-r));
	return r;
}

static int print_json(uint64_t sequence, const struct effects *effects)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_u64(&j, "sequence", sequence);
	json_bool(&j, "changed", effects != NULL);
	if (effects)
		effects_put_json(&j, effects);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int print_unchanged(uint64_t sequence, bool json)
{
	if (json)
		return print_json(sequence, NULL);
	(void)printf("policy bundle %" PRIu64 " was in force already; nothing was changed\n", sequence);
	return CLI_EXIT_OK;
}

static int print_effects(int dirfd, uint64_t sequence, bool json)
{
	struct effects *effects = calloc(1, sizeof(*effects));
	int code = CLI_EXIT_FAILURE;
	if (effects && read_effects(dirfd, effects) == 0) {
		if (json) {
			code = print_json(sequence, effects);
		} else {
			(void)printf("policy bundle %" PRIu64 " is in force, generation %" PRIu64 "\n", sequence,
				     effects->generation);
			effects_print(effects);
			code = CLI_EXIT_OK;
		}
	}
	free(effects);
	return code;
}

int policy_print_in_force(int dirfd, uint64_t release_before, bool json)
{
	struct buf status = {0};
	if (policy_read_status(dirfd, &status) < 0)
		return CLI_EXIT_FAILURE;
	uint64_t sequence = policy_status_number(&status, "sequence"),
		 release = policy_status_number(&status, "release");
	buf_done(&status);
	return release == release_before ? print_unchanged(sequence, json) : print_effects(dirfd, sequence, json);
}
