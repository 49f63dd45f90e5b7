/* Revoking by writing a reason. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "signing_fixture.h"

#define OPS (&signing_tree_ops)

/* ---- revoking ---- */

static int give_reason(struct signing_fixture *f, const struct slots_caller *caller, const char *job,
		       const char *reason)
{
	struct buf text = {0};
	assert_int_equal(buf_puts(&text, reason), 0);
	int r = signing_fixture_put(f, caller, SLOT "/revoke", job, &text);
	buf_done(&text);
	return r;
}

static void writing_a_reason_revokes(void **state)
{
	struct signing_fixture *f = *state;
	char path[128];
	struct buf reason = {0}, record = {0};
	signing_fixture_hand_in(f, &alice, "app.zip", "x");
	const char *job = signing_fixture_only_job(f, &alice);
	(void)snprintf(path, sizeof(path), SLOT "/revoke/%s", job);
	assert_int_equal(signing_fixture_has(f, &alice, path), -ENOENT);
	assert_int_equal(give_reason(f, &alice, job, "key was lost\n"), 0);
	assert_int_equal(signing_fixture_read(f, &alice, path, &reason), 0);
	assert_string_equal(reason.data, "key was lost\n");
	(void)snprintf(path, sizeof(path), SLOT "/jobs/%s.json", job);
	assert_int_equal(signing_fixture_read(f, &alice, path, &record), 0);
	assert_non_null(strstr(record.data, "\"reason\": \"key was lost\""));
	assert_string_equal(signing_fixture_last(f, &alice, "outcome"), "revoked");
	assert_int_equal(give_reason(f, &alice, job, "once more\n"), 0); /* nothing changes */
	buf_done(&reason);
	buf_done(&record);
}

static void who_may_not_revoke_is_refused_at_the_open(void **state)
{
	struct signing_fixture *f = *state;
	struct signer_job job = {0};
	signing_fixture_hand_in(f, &bob, "app.zip", "x");
	const char *id = signing_fixture_only_job(f, &bob);
	assert_int_equal(give_reason(f, &bob, id, "lost\n"), -EACCES);
	assert_string_equal(signing_fixture_last(f, &bob, "reason"), "EACCES");
	assert_int_equal(give_reason(f, &alice, id, "lost\n"), -ENOENT); /* another account's */
	assert_int_equal(give_reason(f, &alice, "no-job", "lost\n"), -ENOENT);
	assert_int_equal(signer_describe_job(f->host->signer, id, &job, &f->host->why), 0);
	assert_false(job.revoked);
	signer_job_done(&job);
	assert_int_equal(give_reason(f, &owner, id, "lost\n"), 0);
}

static void a_reason_that_is_none_is_refused(void **state)
{
	struct signing_fixture *f = *state;
	char reason[LIMIT_REASON_BYTES + 2];
	signing_fixture_hand_in(f, &alice, "app.zip", "x");
	const char *id = signing_fixture_only_job(f, &alice);
	memset(reason, 'x', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	assert_int_equal(give_reason(f, &alice, id, "\n"), -EINVAL);
	assert_int_equal(give_reason(f, &alice, id, "not\001printable\n"), -EINVAL);
	assert_int_equal(give_reason(f, &alice, id, reason), -EINVAL);
	assert_string_equal(signing_fixture_last(f, &alice, "outcome"), "refused");
	assert_int_equal(give_reason(f, &alice, id, "without a newline"), 0);
}

static void a_statement_for_the_version_that_signed_is_enough(void **state)
{
	struct signing_fixture *f = *state;
	struct signer_statement statement = {.action = SIGNER_REVOKE_SIGNATURE, .id = "bob-revoke"};
	char revision[SIGNER_REVISION_ID_SIZE];
	struct signer_profile before;
	signing_fixture_hand_in(f, &bob, "app.zip", "x");
	const char *job = signing_fixture_only_job(f, &bob);
	assert_int_equal(signer_get_profile(f->host->signer, SLOT, &before, &f->host->why), 0);
	memcpy(statement.principal, BOB_ACCOUNT, sizeof(statement.principal));
	memcpy(statement.version, before.arn.version, sizeof(statement.version));
	assert_int_equal(signer_add_permission(f->host->signer, SLOT, &statement, NULL, revision, &f->host->why), 0);
	(void)signer_fixture_profile(f->host, SLOT); /* another version is the current one now */
	assert_int_equal(give_reason(f, &bob, job, "lost\n"), 0);
}

static void who_acts_for_another_account_by_the_close_revokes_nothing(void **state)
{
	struct signing_fixture *f = *state;
	static const char nobody[] = "[principal " ALICE_ACCOUNT "]\nuser = 70003\n";
	struct signer_job job = {0};
	struct tree_handle *file;
	signing_fixture_hand_in(f, &alice, "app.zip", "x");
	const char *id = signing_fixture_only_job(f, &alice);
	assert_int_equal(signing_fixture_open(f, &alice, SLOT "/revoke", id, &file), 0);
	signer_fixture_write(f->host, "home/principals", nobody, sizeof(nobody) - 1);
	assert_int_equal(OPS->write(file, "lost\n", 5, 0), -EACCES);
	OPS->release(file);
	assert_int_equal(signer_describe_job(f->host->signer, id, &job, &f->host->why), 0);
	assert_false(job.revoked);
	signer_job_done(&job);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, signing_fixture_setup, signing_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writing_a_reason_revokes),
		TEST(who_may_not_revoke_is_refused_at_the_open),
		TEST(a_statement_for_the_version_that_signed_is_enough),
		TEST(who_acts_for_another_account_by_the_close_revokes_nothing),
		TEST(a_reason_that_is_none_is_refused),
	};
	return cmocka_run_group_tests_name("signing revoke", tests, NULL, NULL);
}
