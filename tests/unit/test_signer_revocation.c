/* Revocation: one list, growing numbers, and no way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>

#include "signer_fixture.h"

static struct revocation_list *read_list(struct signer_fixture *f)
{
	struct revocation_list *list = NULL;
	assert_int_equal(signer_read_revocations(f->signer, &list, &f->why), 0);
	return list;
}

static void check_list(struct signer_fixture *f, uint64_t sequence, size_t entries)
{
	struct revocation_list *list = read_list(f);
	assert_int_equal(list->sequence, sequence);
	assert_int_equal(list->entry_count, entries);
	revocation_list_free(list);
}

static void sign_one(struct signer_fixture *f, char ret_id[ARN_JOB_ID_SIZE])
{
	struct buf zip = signer_fixture_zip("");
	signer_fixture_write(f, "in.zip", zip.data, zip.len);
	buf_done(&zip);
	struct signer_job job;
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

static void test_revoke_signature(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	char id[ARN_JOB_ID_SIZE], other_id[ARN_JOB_ID_SIZE];
	sign_one(f, id);
	sign_one(f, other_id);
	assert_int_equal(signer_revoke_signature(f->signer, NULL, id, "leaked build host", &f->why), 0);
	check_list(f, 2, 1);

	struct signer_job job;
	assert_int_equal(signer_describe_job(f->signer, id, &job, &f->why), 0);
	assert_true(job.revoked);
	assert_true(job.succeeded);
	assert_int_equal(job.revoked_at_s, FIXTURE_NOW_S);
	assert_string_equal(job.revocation_reason, "leaked build host");
	signer_job_done(&job);
	assert_int_equal(signer_describe_job(f->signer, other_id, &job, &f->why), 0);
	assert_false(job.revoked);
	signer_job_done(&job);

	/* again: nothing changes, not the reason either */
	assert_int_equal(signer_revoke_signature(f->signer, NULL, id, "another reason", &f->why), 0);
	check_list(f, 2, 1);
	assert_int_equal(signer_revoke_signature(f->signer, NULL, other_id, "too", &f->why), 0);
	check_list(f, 3, 2);
}

static void test_reasons(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	char id[ARN_JOB_ID_SIZE], longest[502];
	sign_one(f, id);
	memset(longest, 'x', sizeof(longest));
	longest[501] = '\0';
	const char *const bad[] = {"", longest, "two\nlines", "tab\t", "umlaut\xc3\xa4"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(signer_revoke_signature(f->signer, NULL, id, bad[i], &f->why), -EINVAL);
	check_list(f, 1, 0);
	longest[500] = '\0';
	assert_int_equal(signer_revoke_signature(f->signer, NULL, id, longest, &f->why), 0);
	check_list(f, 2, 1);
}

static void test_revoke_profile_version(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile old = signer_fixture_profile(f, "release"),
			      profile = signer_fixture_profile(f, "release");
	const char *version = profile.arn.version;
	const int64_t day_s = 86400, effective_s = FIXTURE_NOW_S - day_s;

	assert_int_equal(
		signer_revoke_profile_version(f->signer, "release", version, "leak", FIXTURE_NOW_S + 1, &f->why),
		-EINVAL);
	assert_int_equal(
		signer_revoke_profile_version(f->signer, "release", "0123456789", "leak", effective_s, &f->why),
		-ENOENT);
	assert_int_equal(signer_revoke_profile_version(f->signer, "release", "../..", "leak", effective_s, &f->why),
			 -EINVAL);
	assert_int_equal(signer_revoke_profile_version(f->signer, "nobody", version, "leak", effective_s, &f->why),
			 -ENOENT);
	check_list(f, 1, 0);

	/* an old version: the profile goes on */
	assert_int_equal(
		signer_revoke_profile_version(f->signer, "release", old.arn.version, "leak", FIXTURE_NOW_S, &f->why),
		0);
	assert_int_equal(signer_get_profile(f->signer, "release", &profile, &f->why), 0);
	assert_int_equal(profile.status, SIGNER_PROFILE_ACTIVE);

	assert_int_equal(signer_revoke_profile_version(f->signer, "release", version, "leak", effective_s, &f->why), 0);
	assert_int_equal(signer_get_profile(f->signer, "release", &profile, &f->why), 0);
	assert_int_equal(profile.status, SIGNER_PROFILE_REVOKED);
	assert_int_equal(profile.revocation_effective_s, effective_s);
	assert_int_equal(profile.revoked_at_s, FIXTURE_NOW_S);
	check_list(f, 3, 2);
}

static void test_effective_time_moves_earlier_only(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile profile = signer_fixture_profile(f, "release");
	static const struct {
		int64_t before_now_s;
		int r;
		uint64_t sequence;
		int64_t then_before_now_s;
	} steps[] = {
		{100, 0, 2, 100}, {99, -EINVAL, 2, 100}, {100, 0, 2, 100}, {101, 0, 3, 101}, {0, -EINVAL, 3, 101},
	};
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		assert_int_equal(signer_revoke_profile_version(f->signer, "release", profile.arn.version, "leak",
							       FIXTURE_NOW_S - steps[i].before_now_s, &f->why),
				 steps[i].r);
		struct signer_profile now;
		assert_int_equal(signer_get_profile(f->signer, "release", &now, &f->why), 0);
		assert_int_equal(now.revocation_effective_s, FIXTURE_NOW_S - steps[i].then_before_now_s);
		check_list(f, steps[i].sequence, 1);
	}
}

static void test_refresh(void **state)
{
	struct signer_fixture *f = *state;
	signer_fixture_set_clock(f, "2026-11-22T17:27:12Z");
	assert_int_equal(signer_refresh_revocations(f->signer, 0, &f->why), 0);
	struct revocation_list *list = read_list(f);
	assert_int_equal(list->sequence, 2);
	assert_int_equal(list->issued_at_s, FIXTURE_NOW_S + 86400);
	assert_int_equal(list->next_update_s, list->issued_at_s + 30 * 86400);
	revocation_list_free(list);

	/* the new lifetime is remembered */
	assert_int_equal(signer_refresh_revocations(f->signer, 7, &f->why), 0);
	signer_close(f->signer);
	assert_int_equal(signer_open(f->home, &f->signer, &f->why), 0);
	assert_int_equal(signer_refresh_revocations(f->signer, 0, &f->why), 0);
	list = read_list(f);
	assert_int_equal(list->sequence, 4);
	assert_int_equal(list->next_update_s, list->issued_at_s + 7 * 86400);
	revocation_list_free(list);
	assert_int_equal(signer_refresh_revocations(f->signer, 3651, &f->why), -EINVAL);
}

static void test_export(void **state)
{
	struct signer_fixture *f = *state;
	assert_int_equal(signer_export_trust(f->signer, signer_fixture_path(f, "trust"), &f->why), 0);
	struct buf ca = signer_fixture_read(f, "home/ca.pem"),
		   exported = signer_fixture_read(f, "trust/" FIXTURE_ACCOUNT ".pem");
	assert_string_equal(ca.data, exported.data);
	struct buf list = signer_fixture_read(f, "home/revocations"),
		   exported_list = signer_fixture_read(f, "trust/" FIXTURE_ACCOUNT ".revocations");
	assert_string_equal(list.data, exported_list.data);
	struct stat st;
	assert_int_equal(stat(signer_fixture_path(f, "trust/" FIXTURE_ACCOUNT ".pem"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	buf_done(&ca);
	buf_done(&exported);
	buf_done(&list);
	buf_done(&exported_list);

	signer_fixture_set_clock(f, "2026-12-06T17:27:11Z"); /* a second before half of the 30 days */
	assert_int_equal(signer_export_trust(f->signer, signer_fixture_path(f, "trust"), &f->why), 0);
	check_list(f, 1, 0);
	signer_fixture_set_clock(f, "2026-12-06T17:27:12Z");
	assert_int_equal(signer_export_trust(f->signer, signer_fixture_path(f, "trust"), &f->why), 0);
	check_list(f, 2, 0);
	assert_int_equal(signer_export_trust(f->signer, signer_fixture_path(f, "in/a/missing"), &f->why), -ENOENT);
}

/* A list that is gone or forged is never taken for an empty one. */
static void test_unreadable_list(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	struct signer_profile profile;
	signer_fixture_write(f, "home/revocations", "nonsense\n", 9);
	assert_true(signer_get_profile(f->signer, "release", &profile, &f->why) < 0);
	assert_int_equal(remove(signer_fixture_path(f, "home/revocations")), 0);
	assert_int_equal(signer_get_profile(f->signer, "release", &profile, &f->why), -EIO);
	assert_int_equal(signer_refresh_revocations(f->signer, 0, &f->why), -EIO);
	assert_non_null(strstr(f->why.text, "missing"));
}

/* One byte of a list that was proved before is another: what was remembered does not answer for it. */
static void test_list_changed_under_an_open_home(void **state)
{
	struct signer_fixture *f = *state;
	check_list(f, 1, 0);
	check_list(f, 1, 0); /* from memory */
	struct buf pem = signer_fixture_read(f, "home/revocations");
	pem.data[pem.len / 2] ^= 1;
	signer_fixture_write(f, "home/revocations", pem.data, pem.len);
	struct revocation_list *list = NULL;
	assert_int_equal(signer_read_revocations(f->signer, &list, &f->why), -EBADMSG);
	pem.data[pem.len / 2] ^= 1;
	signer_fixture_write(f, "home/revocations", pem.data, pem.len);
	check_list(f, 1, 0);
	buf_done(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_revoke_signature, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_reasons, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_revoke_profile_version, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_effective_time_moves_earlier_only, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_refresh, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_export, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_unreadable_list, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_list_changed_under_an_open_home, signer_setup, signer_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
