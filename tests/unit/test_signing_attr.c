/* Attributes of the signing slots' root and of records, and who sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "signing_fixture.h"

#define CALLER "user.vouchfs.caller"
#define RECORD "user.vouchfs.record"

static const char *of_root(struct signing_fixture *f, const struct slots_caller *caller, const char *name)
{
	static struct buf value;
	buf_reset(&value);
	int r = signing_tree_ops.getxattr(f->signing, TREE_ROOT, name, caller, &value);
	return r < 0 ? "" : value.data;
}

static void test_root(void **state)
{
	struct signing_fixture *f = *state;
	assert_string_equal(of_root(f, &mallory, "user.vouchfs.account"), FIXTURE_ACCOUNT);
	assert_string_equal(of_root(f, &mallory, "user.vouchfs.region"), SIGNER_REGION_DEFAULT);
	assert_string_equal(of_root(f, &owner, CALLER), FIXTURE_ACCOUNT);
	assert_string_equal(of_root(f, &mallory, CALLER), FIXTURE_ACCOUNT);
	assert_string_equal(of_root(f, &alice, CALLER), ALICE_ACCOUNT);
	assert_string_equal(of_root(f, &bob, CALLER), BOB_ACCOUNT);
	assert_string_equal(of_root(f, &alice, "user.vouchfs.last_reason"), "");
	assert_string_equal(of_root(f, &alice, RECORD), "");
}

static void test_caller_who_cannot_be_told(void **state)
{
	struct signing_fixture *f = *state;
	struct buf value = {0};
	signer_fixture_write(f->host, "home/principals", "nonsense\n", 9);
	assert_int_equal(signing_tree_ops.getxattr(f->signing, TREE_ROOT, CALLER, &alice, &value), -EACCES);
	assert_string_equal(of_root(f, &alice, "user.vouchfs.account"), FIXTURE_ACCOUNT);
	assert_string_equal(of_root(f, &owner, CALLER), FIXTURE_ACCOUNT);
	buf_done(&value);
}

static void test_record(void **state)
{
	struct signing_fixture *f = *state;
	char path[128];
	struct slots_attr attr;
	struct buf value = {0};
	struct signer_job job;
	signing_fixture_hand_in(f, &alice, "app.zip", "x");
	const char *id = signing_fixture_only_job(f, &alice);
	(void)snprintf(path, sizeof(path), SLOT "/jobs/%s.json", id);
	assert_int_equal(signing_fixture_path(f, &alice, path, &attr), 0);
	assert_int_equal(signing_tree_ops.getxattr(f->signing, attr.node, RECORD, &carol, &value), 0);
	assert_int_equal(signer_parse_job(&value, &job), 0);
	assert_true(strncmp(path + strlen(SLOT "/jobs/"), job.arn.id, strlen(job.arn.id)) == 0);
	assert_string_equal(job.requested_by, ALICE_ACCOUNT);
	signer_job_done(&job);

	/* who holds the node of another's record reads nothing, nor who has lost sight of the slot */
	buf_reset(&value);
	assert_int_equal(signing_tree_ops.getxattr(f->signing, attr.node, RECORD, &bob, &value), -ENOENT);
	assert_int_equal(signing_tree_ops.getxattr(f->signing, attr.node, RECORD, &mallory, &value), -ENOENT);
	assert_int_equal(value.len, 0);
	assert_int_equal(signing_tree_ops.getxattr(f->signing, attr.node, RECORD, &owner, &value), 0);
	signing_fixture_forget(f, &attr);
	assert_string_equal(signing_fixture_attribute(f, &alice, SLOT "/app.zip", RECORD), "");
	buf_done(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_root, signing_fixture_setup, signing_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_caller_who_cannot_be_told, signing_fixture_setup,
						signing_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_record, signing_fixture_setup, signing_fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
