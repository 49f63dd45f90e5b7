/* The list of signing jobs: its order, what is revoked, and records that are damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "signer_fixture.h"

static void sign_at(struct signer_fixture *f, const char *utc, char ret_id[ARN_JOB_ID_SIZE])
{
	struct signer_job job;
	struct buf zip = signer_fixture_zip("");
	signer_fixture_write(f, "in.zip", zip.data, zip.len);
	buf_done(&zip);
	signer_fixture_set_clock(f, utc);
	struct signer_job_request request = {.content = SIGNATURE_OF_ARTIFACT,
					     .profile_name = "release",
					     .source_path = signer_fixture_path(f, "in.zip"),
					     .output_path = signer_fixture_path(f, "out.zip"),
					     .max_artifact_bytes = 1 << 20,
					     .max_unpacked_bytes = 1 << 20};
	assert_int_equal(signer_start_job(f->signer, &request, &job, NULL, &f->why), 0);
	memcpy(ret_id, job.arn.id, ARN_JOB_ID_SIZE);
	signer_job_done(&job);
}

struct listed {
	struct signer_job *jobs;
	size_t count;
	struct explain damaged;
};

static struct listed list(struct signer_fixture *f)
{
	struct listed listed = {.damaged.text = "unset"};
	assert_int_equal(signer_list_jobs(f->signer, &listed.jobs, &listed.count, &listed.damaged, &f->why), 0);
	return listed;
}

static void test_none(void **state)
{
	struct listed listed = list(*state);
	assert_int_equal(listed.count, 0);
	assert_string_equal(listed.damaged.text, "");
	signer_jobs_free(listed.jobs, listed.count);
}

static void test_newest_first(void **state)
{
	struct signer_fixture *f = *state;
	char oldest[ARN_JOB_ID_SIZE], middle[ARN_JOB_ID_SIZE], newest[ARN_JOB_ID_SIZE];
	(void)signer_fixture_profile(f, "release");
	sign_at(f, "2026-11-21T18:00:00Z", oldest);
	sign_at(f, "2026-11-23T18:00:00Z", newest);
	sign_at(f, "2026-11-22T18:00:00Z", middle);
	assert_int_equal(signer_revoke_signature(f->signer, NULL, middle, "leaked", &f->why), 0);
	signer_fixture_write(f, "home/jobs/.left.over", "x", 1); /* of a call that was cut off */

	struct listed listed = list(f);
	assert_int_equal(listed.count, 3);
	assert_string_equal(listed.jobs[0].arn.id, newest);
	assert_string_equal(listed.jobs[1].arn.id, middle);
	assert_string_equal(listed.jobs[2].arn.id, oldest);
	assert_false(listed.jobs[0].revoked);
	assert_true(listed.jobs[1].revoked);
	assert_string_equal(listed.jobs[1].revocation_reason, "leaked");
	assert_string_equal(listed.damaged.text, "");
	signer_jobs_free(listed.jobs, listed.count);
}

static void test_one_second_has_an_order(void **state)
{
	struct signer_fixture *f = *state;
	char id[ARN_JOB_ID_SIZE];
	(void)signer_fixture_profile(f, "release");
	for (int i = 0; i < 5; i++)
		sign_at(f, FIXTURE_NOW_TEXT, id);
	struct listed listed = list(f);
	assert_int_equal(listed.count, 5);
	for (size_t i = 1; i < listed.count; i++)
		assert_true(strcmp(listed.jobs[i - 1].arn.id, listed.jobs[i].arn.id) < 0);
	signer_jobs_free(listed.jobs, listed.count);
}

static void test_damage_is_told_and_hides_nothing(void **state)
{
	struct signer_fixture *f = *state;
	char good[ARN_JOB_ID_SIZE], cut[ARN_JOB_ID_SIZE], name[64];
	(void)signer_fixture_profile(f, "release");
	sign_at(f, "2026-11-21T18:00:00Z", good);
	sign_at(f, "2026-11-22T18:00:00Z", cut);
	(void)snprintf(name, sizeof(name), "home/jobs/%s", cut);
	signer_fixture_write(f, name, "vouchfs-signing-job: 1\n", 23);

	struct listed listed = list(f);
	assert_int_equal(listed.count, 1);
	assert_string_equal(listed.jobs[0].arn.id, good);
	assert_non_null(strstr(listed.damaged.text, "one job is not listed: jobs/"));
	assert_non_null(strstr(listed.damaged.text, cut));
	signer_jobs_free(listed.jobs, listed.count);

	(void)snprintf(name, sizeof(name), "home/jobs/%s", good);
	assert_int_equal(unlink(signer_fixture_path(f, name)), 0);
	assert_int_equal(symlink("nowhere", signer_fixture_path(f, name)), 0);
	listed = list(f);
	assert_int_equal(listed.count, 0);
	assert_non_null(strstr(listed.damaged.text, "2 jobs are not listed: "));
	assert_non_null(strstr(listed.damaged.text, "(and 1 more)"));
	signer_jobs_free(listed.jobs, listed.count);
}

static void test_no_directory(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_job *jobs = NULL;
	struct explain damaged;
	size_t count;
	assert_int_equal(rmdir(signer_fixture_path(f, "home/jobs")), 0);
	assert_int_equal(signer_list_jobs(f->signer, &jobs, &count, &damaged, &f->why), -EIO);
	assert_non_null(strstr(f->why.text, "jobs is missing"));
	signer_jobs_free(jobs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_newest_first, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_one_second_has_an_order, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_damage_is_told_and_hides_nothing, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_no_directory, signer_setup, signer_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
