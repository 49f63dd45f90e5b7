/* What the daemon's log says of each record, and that the catalog of the journal explains what has a message id. */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/say.h"
#include "base/io.h"
#include "capture.h"

#define CATALOG "conf/systemd/vouchfs.catalog"

static const struct audit_who who = {.uid = 1001, .gid = 1002, .pid = 3121, .command = "rs\x1bync"};

struct fixture {
	char path[64];
	int dirfd;
	struct audit *audit;
	struct buf said; /* the last record, as JSON */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	(void)snprintf(f->path, sizeof(f->path), "/tmp/vouchfs-say-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->dirfd = io_open_dir(f->path);
	log_open(&(struct log_options){.target = LOG_TO_JSON});
	if (f->dirfd < 0 || audit_open(f->dirfd, false, &f->audit, NULL) < 0)
		return -1;
	return audit_say_all(f->audit);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct io_names names = {0};
	audit_close(f->audit);
	if (io_list_dir(f->dirfd, ".", &names) == 0)
		for (size_t i = 0; i < names.count; i++)
			(void)io_unlinkat(f->dirfd, names.names[i], 0);
	io_names_done(&names);
	io_close(&f->dirfd);
	buf_done(&f->said);
	int r = rmdir(f->path);
	free(f);
	return r;
}

static void append(struct fixture *f, const struct audit_record *record)
{
	struct capture capture;
	struct buf out = {0};
	buf_done(&f->said);
	capture_begin(&capture);
	int r = audit_append(f->audit, record, NULL);
	capture_end(&capture, &out, &f->said);
	buf_done(&out);
	assert_int_equal(r, 0);
}

static void assert_says(const struct fixture *f, const char *part)
{
	if (!f->said.data || !strstr(f->said.data, part))
		fail_msg("%s\ndoes not say %s", f->said.data ? f->said.data : "nothing", part);
}

static void assert_is_silent(const struct fixture *f, const char *part)
{
	if (strstr(f->said.data, part))
		fail_msg("%s\nsays %s", f->said.data, part);
}

static void refusal_names_code_slot_artifact_who_and_why(void **state)
{
	struct fixture *f = *state;
	struct policy_verdict verdict;
	policy_refuse(POLICY_VF2001_UNSIGNED, "source mismatch: no signature", "sign it", &verdict);
	append(f, &(struct audit_record){.event = AUDIT_DEPLOYMENT,
					 .who = &who,
					 .slot = "functions/main",
					 .artifact = "a\n.zip",
					 .config = "prod",
					 .verdict = &verdict,
					 .errno_given = EKEYREJECTED});
	assert_says(f, "\"level\":\"warning\",\"message\":\"event 1: refused VF2001 (EKEYREJECTED): functions/main, "
		       "a\\\\x0a.zip: source mismatch: no signature (uid 1001, rs\\\\x1bync)\","
		       "\"messageId\":\"ac3d1b34934744dca4eecb5a0b16c109\",\"eventId\":1,\"event\":\"deployment\","
		       "\"outcome\":\"refused\",\"reason\":\"VF2001\",\"errno\":\"EKEYREJECTED\","
		       "\"slot\":\"functions/main\",\"artifact\":\"a\\\\x0a.zip\",\"config\":\"prod\","
		       "\"detail\":\"source mismatch: no signature\",\"remedy\":\"sign it\",\"uid\":1001,\"pid\":3121,"
		       "\"command\":\"rs\\\\x1bync\",\"auditHead\":\"1:");
}

static void acceptance_names_the_release_and_is_no_warning(void **state)
{
	struct fixture *f = *state;
	struct policy_verdict verdict = {.outcome = POLICY_ACCEPTED};
	struct statement statement = {0};
	const char *arn = "arn:vouchfs:signer:local:111122223333:/signing-profiles/acme/a1B2c3D4e5";
	assert_true(arn_parse_profile_version(arn, strlen(arn), &statement.profile_version));
	append(f, &(struct audit_record){.event = AUDIT_DEPLOYMENT,
					 .who = &(struct audit_who){.uid = 0, .pid = 1, .command = "cp"},
					 .slot = "functions/main",
					 .artifact = "a.zip",
					 .release = 7,
					 .rollback_to = 3,
					 .verdict = &verdict,
					 .statement = &statement});
	assert_says(f, "\"level\":\"notice\",\"message\":\"event 1: accepted: functions/main release 7, a.zip, "
		       "rollback to 3 (uid 0, cp)\",\"messageId\":\"00766e5b670144b1a71d15ab76ed5a8b\"");
	assert_says(f, "\"release\":7,\"rollbackTo\":3,");
	assert_says(f, "\"profileVersionArn\":\"arn:vouchfs:signer:local:111122223333:/signing-profiles/acme/"
		       "a1B2c3D4e5\"");
	assert_says(f, "\"uid\":0,");
	assert_is_silent(f, "\"reason\"");
	assert_is_silent(f, "\"remedy\"");
}

static void warning_of_a_layer_names_its_version(void **state)
{
	struct fixture *f = *state;
	struct policy_verdict verdict = {.outcome = POLICY_WARNED, .reason = POLICY_VF2003_EXPIRED};
	append(f, &(struct audit_record){
			  .event = AUDIT_PUBLICATION, .slot = "layers/tools", .release = 2, .verdict = &verdict});
	assert_says(f, "\"level\":\"warning\",\"message\":\"event 1: warned VF2003: layers/tools version 2\","
		       "\"messageId\":\"89d09c41dcb040969c0a57383510f6d9\"");
}

static void head_is_that_of_the_log_after_the_record(void **state)
{
	struct fixture *f = *state;
	char head[65], expected[128];
	uint64_t seq;
	append(f, &(struct audit_record){.event = AUDIT_START});
	append(f, &(struct audit_record){.event = AUDIT_STOP});
	audit_head(f->audit, &seq, head);
	(void)snprintf(expected, sizeof(expected), "\"auditHead\":\"2:%s\"", head);
	assert_int_equal(seq, 2);
	assert_says(f, expected);
}

static void other_events_have_words_and_levels_of_their_own(void **state)
{
	static const struct {
		struct audit_record record;
		const char *level, *line, *outcome;
	} rows[] = {
		{{.event = AUDIT_START, .detail = "/etc/vouchfs.conf"},
		 "notice",
		 "started: /etc/vouchfs.conf",
		 "started"},
		{{.event = AUDIT_STOP}, "notice", "stopped", "stopped"},
		{{.event = AUDIT_RECOVERY}, "warning", "repaired", "repaired"},
		{{.event = AUDIT_UNDEPLOY, .slot = "functions/a"}, "notice", "undeployed: functions/a", "removed"},
		{{.event = AUDIT_BLOCKED, .slot = "functions/a", .release = 1, .errno_given = EACCES},
		 "error",
		 "blocked (EACCES): functions/a release 1",
		 "blocked"},
		{{.event = AUDIT_UNBLOCKED, .slot = "functions/a"}, "notice", "unblocked: functions/a", "unblocked"},
		{{.event = AUDIT_RELEASE_WARNED, .slot = "functions/a"},
		 "warning",
		 "warned, and served on: functions/a",
		 "warned"},
		{{.event = AUDIT_CONFIG_RELOADED}, "notice", "configuration reloaded", "reloaded"},
		{{.event = AUDIT_CONFIG_REFUSED, .detail = "a:1: one\na:2: two\n"},
		 "error",
		 "configuration refused: a:1: one",
		 "refused"},
		{{.event = AUDIT_REVOCATIONS, .detail = "list 2"}, "notice", "revocation list: list 2", "taken"},
		{{.event = AUDIT_REVOCATIONS, .is_refused = true}, "warning", "revocation list refused", "refused"},
		{{.event = AUDIT_PAGE_CHECK, .slot = "functions/a", .errno_given = EIO},
		 "error",
		 "damaged (EIO): functions/a",
		 "damaged"},
		{{.event = AUDIT_DEPLOYMENT_FAILED, .slot = "functions/a", .errno_given = ENOSPC},
		 "error",
		 "failed (ENOSPC): functions/a",
		 "failed"},
		{{.event = AUDIT_PERMISSION_ADDED, .slot = "layers/a"},
		 "notice",
		 "permission added: layers/a",
		 "added"},
		{{.event = AUDIT_PERMISSION_ADDED, .slot = "layers/a", .errno_given = ENOSPC},
		 "error",
		 "permission not changed (ENOSPC): layers/a",
		 "failed"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char level[64], line[128], outcome[64];
		append(*state, &rows[i].record);
		(void)snprintf(level, sizeof(level), "\"level\":\"%s\"", rows[i].level);
		(void)snprintf(line, sizeof(line), "\"message\":\"event %zu: %s\"", i + 1, rows[i].line);
		(void)snprintf(outcome, sizeof(outcome), "\"outcome\":\"%s\"", rows[i].outcome);
		assert_says(*state, level);
		assert_says(*state, line);
		assert_says(*state, outcome);
		assert_string_equal(audit_outcome_name(&rows[i].record), rows[i].outcome);
	}
}

/* The compiler says so for an enum that grows; a row that is missing in the table does not. */
static void every_event_has_an_outcome(void **state)
{
	(void)state;
	for (int event = AUDIT_START; event <= AUDIT_POLICY_REMEDIED; event++) {
		const struct policy_verdict verdict = {.outcome = POLICY_ACCEPTED};
		const struct audit_record record = {.event = (enum audit_event)event, .verdict = &verdict};
		const char *outcome = audit_outcome_name(&record);
		assert_string_not_equal(outcome, "recorded");
		assert_int_equal(outcome[strspn(outcome, "abcdefghijklmnopqrstuvwxyz-")], '\0'); /* as hooks get it */
	}
}

/* ---- the catalog ---- */

static struct buf read_catalog(void)
{
	struct buf text = {0};
	assert_int_equal(io_read_path(CATALOG, 1 << 20, &text), 0);
	return text;
}

static void catalog_and_table_have_the_same_ids(void **state)
{
	(void)state;
	struct buf catalog = read_catalog();
	size_t count, explained = 0;
	const struct audit_message *messages = audit_messages(&count);
	for (const char *at = catalog.data; (at = strstr(at, "\n-- ")); at++) {
		bool is_known = false;
		for (size_t i = 0; i < count; i++)
			is_known |= strncmp(at + 4, messages[i].id, 32) == 0 && at[36] == '\n';
		if (!is_known)
			fail_msg("no message has the id %.32s", at + 4);
		explained++;
	}
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(strspn(messages[i].id, "0123456789abcdef"), 32);
		if (!strstr(catalog.data, messages[i].id))
			fail_msg(CATALOG " does not explain \"%s\" (%s)", messages[i].what, messages[i].id);
	}
	assert_int_equal(explained, count); /* so each once */
	buf_done(&catalog);
}

/* "@VOUCHFS_REMEDY@" -> "remedy" in the JSON of a record that has everything. */
static void catalog_speaks_of_fields_that_there_are(void **state)
{
	struct fixture *f = *state;
	struct policy_verdict verdict;
	policy_refuse(POLICY_VF2001_UNSIGNED, "d", "r", &verdict);
	append(f, &(struct audit_record){.event = AUDIT_DEPLOYMENT,
					 .who = &who,
					 .slot = "functions/main",
					 .artifact = "a.zip",
					 .verdict = &verdict});
	struct buf catalog = read_catalog();
	size_t count = 0;
	for (const char *at = catalog.data; (at = strstr(at, "@VOUCHFS_")); at = strchr(at + 1, '@') + 1) {
		char key[64] = "\"";
		size_t len = 1;
		for (const char *c = at + strlen("@VOUCHFS_"); *c != '@'; c++)
			key[len++] = *c == '_' ? *++c : (char)tolower(*c);
		key[len++] = '"';
		assert_says(f, key);
		count++;
	}
	assert_true(count > 10);
	buf_done(&catalog);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(refusal_names_code_slot_artifact_who_and_why),
		TEST(acceptance_names_the_release_and_is_no_warning),
		TEST(warning_of_a_layer_names_its_version),
		TEST(head_is_that_of_the_log_after_the_record),
		TEST(other_events_have_words_and_levels_of_their_own),
		TEST(every_event_has_an_outcome),
		TEST(catalog_and_table_have_the_same_ids),
		TEST(catalog_speaks_of_fields_that_there_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
