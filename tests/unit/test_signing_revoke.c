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

#define TEST(name) cmocka_unit_test_setup_teardown(name, signing_fixture_setup, signing_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writing_a_reason_revokes),
		TEST(who_may_not_revoke_is_refused_at_the_open),
		TEST(a_reason_that_is_none_is_refused),
	};
	return cmocka_run_group_tests_name("signing revoke", tests, NULL, NULL);
}
