/* A whole job as text, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "signer/render.h"
#include "signer_fixture.h"

/* As describe-signing-job prints it: whatever anybody sees of a job. */
static struct buf render(const struct signer_job *job)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	signer_render_job(&j, job);
	assert_int_equal(json_end(&j), 0);
	return text;
}

static void assert_comes_back(const struct signer_job *job)
{
	struct buf text = {0};
	struct signer_job back;
	assert_int_equal(signer_print_job(job, &text), 0);
	assert_int_equal(signer_parse_job(&text, &back), 0);
	struct buf expected = render(job), found = render(&back);
	assert_string_equal(found.data, expected.data);
	assert_true(arn_scope_equal(&back.arn.scope, &job->arn.scope));
	buf_done(&expected);
	buf_done(&found);
	buf_done(&text);
	signer_job_done(&back);
}

static struct signer_job start(struct signer_fixture *f, const char *name, int expected)
{
	struct buf zip = signer_fixture_zip("");
	struct signer_job job = {0};
	struct explain notice;
	signer_fixture_profile(f, "release");
	signer_fixture_write(f, name, zip.data, expected == 0 ? zip.len : 3);
	const struct signer_job_request request = {
		.content = SIGNATURE_OF_ARTIFACT,
		.profile_name = "release",
		.source_path = signer_fixture_path(f, name),
		.output_path = signer_fixture_path(f, "out.zip"),
		.max_artifact_bytes = 1 << 20,
		.max_unpacked_bytes = 1 << 20,
	};
	assert_int_equal(signer_start_job(f->signer, &request, &job, &notice, &f->why), expected);
	buf_done(&zip);
	return job;
}

static void test_signed_and_revoked(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_job job = start(f, "a\nb\x1b\xff.zip", 0), described;
	assert_comes_back(&job);
	assert_int_equal(signer_revoke_signature(f->signer, NULL, job.arn.id, "lost: \\ \"it\"", &f->why), 0);
	assert_int_equal(signer_describe_job(f->signer, job.arn.id, &described, &f->why), 0);
	assert_true(described.revoked);
	assert_comes_back(&described);
	signer_job_done(&described);
	signer_job_done(&job);
}

static void test_failed(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_job *jobs = NULL;
	struct explain damaged;
	size_t count = 0;
	(void)start(f, "cut.zip", -EINVAL);
	assert_int_equal(signer_list_jobs(f->signer, &jobs, &count, &damaged, &f->why), 0);
	assert_int_equal(count, 1);
	assert_false(jobs[0].succeeded);
	assert_comes_back(&jobs[0]);
	signer_jobs_free(jobs, count);
}

static void test_what_is_no_job(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_job job = start(f, "in.zip", 0), back;
	struct buf text = {0}, cut;
	assert_int_equal(signer_print_job(&job, &text), 0);
	char *arn = strstr(text.data, "job-arn: ");
	assert_non_null(arn);
	arn[0] = 'J'; /* no such line */
	assert_int_equal(signer_parse_job(&text, &back), -EBADMSG);
	arn[0] = 'j';
	arn[9] = 'x'; /* no ARN */
	assert_int_equal(signer_parse_job(&text, &back), -EBADMSG);
	cut = (struct buf){.data = text.data, .len = 20};
	assert_int_equal(signer_parse_job(&cut, &back), -EBADMSG);
	cut.len = 0;
	assert_int_equal(signer_parse_job(&cut, &back), -EBADMSG);
	buf_done(&text);
	signer_job_done(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_signed_and_revoked, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_failed, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_job, signer_setup, signer_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
