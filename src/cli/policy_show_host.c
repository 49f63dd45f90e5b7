/* policy_show_host.c - `vouchfs policy show` without a file: what is in force on the host. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/aws.h"
#include "overview/overview.h"
#include "policy_host.h"

/* A line of the status: how it is shown, and as what it is a member. */
struct member {
	const char *key;
	const char *label; /* NULL: in the head */
	const char *name;
	enum { TEXT, NUMBER, WORDS, YES } kind;
};

static const struct member members[] = {
	{"state", NULL, "state", TEXT},
	{"detail", NULL, "detail", TEXT},
	{"sequence", NULL, "sequence", NUMBER},
	{"highest-sequence", "highest so far", "highestSequence", NUMBER},
	{"description", "description", "description", TEXT},
	{"alarm", "ALARM", "alarm", TEXT},
	{"alarm-detail", "", "alarmDetail", TEXT},
	{"rollback-reason", "ROLLED BACK", "rollbackReason", TEXT},
	{"rollback-by-uid", "  by uid", "rollbackByUid", NUMBER},
	{"profile-version-arn", "signed by", "profileVersionArn", TEXT},
	{"job-arn", "job", "jobArn", TEXT},
	{"signed-at", "signed at", "signedAt", TEXT},
	{"expires-at", "valid until", "expiresAt", TEXT},
	{"applied-at", "in force since", "appliedAt", TEXT},
	{"applied-by-uid", "brought by uid", "appliedByUid", NUMBER},
	{"artifact", "as", "artifact", TEXT},
	{"release", "release", "release", NUMBER},
	{"tree-sha256", "tree-sha256", "treeSha256", TEXT},
	{"for-hosts", "for hosts", "forHosts", WORDS},
	{"for-labels", "for labels", "forLabels", WORDS},
	{"local", "local settings", "local", TEXT},
	{"overrides", "not in force", "overrides", NUMBER},
	{"remediate", "puts drift right", "remediate", YES},
	{"functions", "functions", "functions", NUMBER},
	{"layers", "layers", "layers", NUMBER},
	{"code-signing-configs", "configs", "codeSigningConfigs", NUMBER},
	{"accounts", "accounts", "accounts", NUMBER},
	{"principals", "principals", "principals", NUMBER},
	{"host", "this host", "host", TEXT},
	{"labels", "its labels", "labels", WORDS},
	{"publishers", "publishers", "publishers", WORDS},
	{"source", "fetched from", "source", TEXT},
	{"poll-interval-s", "asked every (s)", "pollIntervalSeconds", NUMBER},
	{"fetched-at", "last fetched", "fetchedAt", TEXT},
	{"fetch-error", "FETCH ERROR", "fetchError", TEXT},
};

/* ---- the screen ---- */

static void print_head(const struct buf *status)
{
	char *state = policy_status_text(status, "state"), *detail = policy_status_text(status, "detail");
	if (state && strcmp(state, OVERVIEW_POLICY_IN_FORCE) == 0)
		(void)printf("policy bundle %" PRIu64 " is in force\n", policy_status_number(status, "sequence"));
	else if (state && strcmp(state, OVERVIEW_POLICY_LOST) == 0)
		(void)printf("THE POLICY BUNDLE IS LOST: %s\n"
			     "nothing that it governs is in force until it comes again (`vouchfs policy apply`)\n",
			     detail ? detail : "");
	else
		(void)printf("no policy bundle has come yet, so nothing that one would govern is in force;\n"
			     "`vouchfs policy apply FILE` brings one\n");
	free(state);
	free(detail);
}

static int print(const struct buf *status)
{
	print_head(status);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		char *value = members[i].label ? policy_status_text(status, members[i].key) : NULL;
		if (value)
			(void)printf("  %-16s  %s\n", members[i].label, value);
		free(value);
	}
	return CLI_EXIT_OK;
}

/* ---- as JSON ---- */

static void put_words(struct json *j, const char *name, const char *words)
{
	json_array(j, name);
	while (words && *words) {
		size_t len = strcspn(words, " ");
		json_text_n(j, NULL, words, len);
		words += len + (words[len] == ' ');
	}
	json_close(j);
}

static void put(struct json *j, const struct member *member, const struct buf *status)
{
	uint64_t number;
	char *value = policy_status_text(status, member->key);
	if (member->kind == WORDS)
		put_words(j, member->name, value);
	else if (value && member->kind == YES)
		json_bool(j, member->name, strcmp(value, "yes") == 0);
	else if (value && member->kind == NUMBER && text_parse_u64(value, strlen(value), UINT64_MAX, &number))
		json_u64(j, member->name, number);
	else
		json_text(j, member->name, value);
	free(value);
}

static int print_json(const struct buf *status)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		put(&j, &members[i], status);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

int policy_show_host(const char *given_config, bool json)
{
	struct buf status = {0};
	int dirfd = -1, code = CLI_EXIT_FAILURE;
	if (policy_open_mount(given_config, &dirfd) == 0 && policy_read_status(dirfd, &status) == 0)
		code = json ? print_json(&status) : print(&status);
	buf_done(&status);
	io_close(&dirfd);
	return code;
}
