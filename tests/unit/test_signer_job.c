/* Signing jobs: what comes out, what is refused, what is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/zip.h"
#include "base/io.h"
#include "crypto/merkle.h"
#include "signature/signature.h"
#include "signer_fixture.h"

static struct signer_job_request request_for(struct signer_fixture *f, const char *source, const char *output)
{
	return (struct signer_job_request){
		.content = SIGNATURE_OF_ARTIFACT,
		.profile_name = "release",
		.source_path = signer_fixture_path(f, source),
		.output_path = signer_fixture_path(f, output),
		.max_artifact_bytes = 1 << 20,
		.max_unpacked_bytes = 1 << 20,
	};
}

static void write_zip(struct signer_fixture *f, const char *name, const char *comment)
{
	struct buf zip = signer_fixture_zip(comment);
	signer_fixture_write(f, name, zip.data, zip.len);
	buf_done(&zip);
}

/* The facts of a signed file as a host that trusts the account finds them. */
static struct signature_facts examine(struct signer_fixture *f, const char *name)
{
	struct buf file = signer_fixture_read(f, name), ca = signer_fixture_read(f, "home/ca.pem");
	struct io_memory memory = {file.data, file.len};
	struct io_reader reader = io_reader_memory(&memory);
	struct signature_account account = {.id = FIXTURE_ACCOUNT, .list_state = SIGNATURE_LIST_MISSING};
	struct zip_tail tail;
	struct merkle_tree *tree = NULL;
	struct signature_facts facts = {0};
	assert_int_equal(crypto_trust_from_pem(ca.data, ca.len, &account.trust, NULL), 0);
	assert_int_equal(zip_read_tail(&reader, &tail, NULL), 0);
	assert_int_equal(merkle_tree_of(&reader, tail.signed_length, &tree), 0);
	assert_int_equal(signature_examine(SIGNATURE_OF_ARTIFACT, file.data + tail.comment_offset, tail.comment_len,
					   tail.signed_length, tree->digest, &account, 1, NULL, &facts),
			 0);
	merkle_tree_free(tree);
	crypto_trust_unref(account.trust);
	buf_done(&file);
	buf_done(&ca);
	return facts;
}

static void test_signs(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile profile = signer_fixture_profile(f, "release");
	struct signer_job job, described;
	struct explain notice;
	write_zip(f, "in.zip", "");
	struct signer_job_request request = request_for(f, "in.zip", "out.zip");
	assert_int_equal(signer_start_job(f->signer, &request, &job, &notice, &f->why), 0);
	assert_string_equal(notice.text, "");

	/* all before the comment's length is as it was */
	struct buf in = signer_fixture_read(f, "in.zip"), out = signer_fixture_read(f, "out.zip");
	assert_true(out.len > in.len);
	assert_memory_equal(in.data, out.data, in.len - 2);
	assert_int_equal((uint8_t)out.data[in.len - 2] | (uint8_t)out.data[in.len - 1] << 8, out.len - in.len);
	buf_done(&in);
	buf_done(&out);

	struct signature_facts facts = examine(f, "out.zip");
	assert_int_equal(facts.integrity, SIGNATURE_GOOD);
	assert_int_equal(facts.chain, SIGNATURE_GOOD);
	assert_true(arn_profile_equal(&facts.statement.profile_version, &profile.arn));
	assert_string_equal(facts.statement.job.id, job.arn.id);
	assert_int_equal(facts.statement.signed_at_s, FIXTURE_NOW_S);
	assert_int_equal(facts.statement.expires_at_s, job.signature_expires_at_s);

	assert_int_equal(signer_describe_job(f->signer, job.arn.id, &described, &f->why), 0);
	assert_true(described.succeeded);
	assert_string_equal(described.status_reason, "Signing Succeeded");
	assert_string_equal(described.source, request.source_path);
	assert_string_equal(described.signed_object, request.output_path);
	assert_string_equal(described.requested_by, FIXTURE_ACCOUNT);
	assert_int_equal(described.signature_expires_at_s, job.signature_expires_at_s);
	assert_false(described.revoked);
	signer_job_done(&job);
	signer_job_done(&described);
}

/* What is open goes before its path; the record says the paths. */
static void test_open_source_and_directory(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	struct signer_job job;
	write_zip(f, "in.zip", "");
	assert_int_equal(mkdir(signer_fixture_path(f, "results"), 0755), 0);
	int source = open(signer_fixture_path(f, "in.zip"), O_RDONLY | O_CLOEXEC);
	int directory = io_open_dir(signer_fixture_path(f, "results"));
	assert_true(source >= 0 && directory >= 0);
	assert_true(lseek(source, 5, SEEK_SET) == 5);

	struct signer_job_request request = request_for(f, "release/app.zip", "release/signed/app.zip");
	request.source_fd = &source;
	request.output_directory_fd = &directory;
	request.output_name = "app.zip";
	assert_int_equal(signer_start_job(f->signer, &request, &job, NULL, &f->why), 0);
	assert_string_equal(job.source, request.source_path);
	assert_string_equal(job.signed_object, request.output_path);
	assert_int_equal(examine(f, "results/app.zip").integrity, SIGNATURE_GOOD);
	signer_job_done(&job);

	static const char *const bad[] = {"", ".", "..", "../app.zip"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		request.output_name = bad[i];
		assert_int_equal(signer_start_job(f->signer, &request, &job, NULL, &f->why), -EINVAL);
		assert_non_null(strstr(f->why.text, "is not a file name"));
	}
	request.output_name = "app.zip";
	request.source_fd = &directory;
	assert_int_equal(signer_start_job(f->signer, &request, &job, NULL, &f->why), -EINVAL);
	assert_non_null(strstr(f->why.text, "is not a regular file"));
	assert_true(fcntl(source, F_GETFD) >= 0); /* still ours */
	io_close(&source);
	io_close(&directory);
}

static void test_plain_comment_is_dropped(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	struct signer_job job;
	struct explain notice;
	write_zip(f, "plain.zip", "");
	write_zip(f, "comment.zip", "built on Monday");
	struct signer_job_request request = request_for(f, "comment.zip", "out.zip");
	assert_int_equal(signer_start_job(f->signer, &request, &job, &notice, &f->why), 0);
	assert_non_null(strstr(notice.text, "comment (15 bytes) was dropped"));
	signer_job_done(&job);

	struct buf plain = signer_fixture_read(f, "plain.zip"), out = signer_fixture_read(f, "out.zip");
	assert_memory_equal(plain.data, out.data, plain.len - 2);
	assert_int_equal(examine(f, "out.zip").integrity, SIGNATURE_GOOD);
	buf_done(&plain);
	buf_done(&out);
}

/* Refuses, and leaves a record of the failure and no file behind. */
static void check_fails(struct signer_fixture *f, const struct signer_job_request *request, int error, const char *says)
{
	struct signer_job job;
	size_t jobs = signer_fixture_count(f, "home/jobs"), files = signer_fixture_count(f, ".");
	assert_int_equal(signer_start_job(f->signer, request, &job, NULL, &f->why), error);
	if (!strstr(f->why.text, says))
		fail_msg("\"%s\" is not in \"%s\"", says, f->why.text);
	assert_int_equal(signer_fixture_count(f, "home/jobs"), jobs + 1);
	assert_int_equal(signer_fixture_count(f, "."), files);

	char id[ARN_JOB_ID_SIZE];
	assert_int_equal(sscanf(f->why.text, "signing job %36s failed: ", id), 1);
	struct explain why = f->why;
	assert_int_equal(signer_describe_job(f->signer, id, &job, &f->why), 0);
	assert_false(job.succeeded);
	assert_null(job.signed_object);
	assert_non_null(strstr(why.text, job.status_reason));
	signer_job_done(&job);
}

static void test_failures(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	struct signer_job job;
	write_zip(f, "in.zip", "");
	struct signer_job_request request = request_for(f, "in.zip", "signed.zip");
	assert_int_equal(signer_start_job(f->signer, &request, &job, NULL, &f->why), 0);
	signer_job_done(&job);

	request = request_for(f, "signed.zip", "out.zip");
	check_fails(f, &request, -EINVAL, "signed already");

	signer_fixture_write(f, "text.zip", "no ZIP at all, but long enough for one", 38);
	request = request_for(f, "text.zip", "out.zip");
	check_fails(f, &request, -EINVAL, "ZIP-R02");

	struct buf zip = signer_fixture_read(f, "in.zip");
	char *content = memmem(zip.data, zip.len, "print(1)", 8);
	assert_non_null(content);
	content[6] = '2'; /* the CRC is wrong now: only the check of the contents sees it */
	signer_fixture_write(f, "crc.zip", zip.data, zip.len);
	request = request_for(f, "crc.zip", "out.zip");
	check_fails(f, &request, -EINVAL, "ZIP-R07");
	buf_done(&zip);

	request = request_for(f, "in.zip", "out.zip");
	request.max_artifact_bytes = 100;
	check_fails(f, &request, -EINVAL, "more than the 100 that are allowed");
	request = request_for(f, "missing.zip", "out.zip");
	check_fails(f, &request, -ENOENT, "missing.zip");
	request = request_for(f, "home", "out.zip");
	check_fails(f, &request, -EINVAL, "not a regular file");
	request = request_for(f, "in.zip", "nowhere/out.zip");
	check_fails(f, &request, -ENOENT, "nowhere");
	request = request_for(f, "in.zip", "home");
	check_fails(f, &request, -EISDIR, "home");
}

static void test_who_may_not_sign(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_job job;
	write_zip(f, "in.zip", "");
	struct signer_job_request request = request_for(f, "in.zip", "out.zip");
	assert_int_equal(signer_start_job(f->signer, &request, &job, NULL, &f->why), -ENOENT);
	assert_non_null(strstr(f->why.text, "profile with name release does not exist"));

	struct signer_profile profile = signer_fixture_profile(f, "release");
	assert_int_equal(signer_revoke_profile_version(f->signer, "release", profile.arn.version, "leak",
						       FIXTURE_NOW_S - 10, &f->why),
			 0);
	assert_int_equal(signer_start_job(f->signer, &request, &job, NULL, &f->why), -EINVAL);
	assert_non_null(strstr(f->why.text, "Revoked"));
	assert_false(signer_fixture_exists(f, "out.zip"));
	assert_int_equal(signer_fixture_count(f, "home/jobs"), 0);
}

/* The profile's certificate: warns when it ends before the signature does, refuses when it has ended. */
static void test_certificate_ends(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	struct signer_job job;
	struct explain notice;
	write_zip(f, "in.zip", "");
	struct signer_job_request request = request_for(f, "in.zip", "out.zip");

	signer_fixture_set_clock(f, "2027-11-21T17:27:12Z"); /* 135 months before it ends */
	assert_int_equal(signer_start_job(f->signer, &request, &job, &notice, &f->why), 0);
	assert_string_equal(notice.text, "");
	signer_job_done(&job);
	signer_fixture_set_clock(f, "2027-11-22T00:00:00Z");
	assert_int_equal(signer_start_job(f->signer, &request, &job, &notice, &f->why), 0);
	assert_non_null(strstr(notice.text, "ends at 2039-02-21T17:27:12Z, before the signature does"));
	signer_job_done(&job);
	signer_fixture_set_clock(f, "2039-02-21T17:27:13Z");
	assert_int_equal(signer_start_job(f->signer, &request, &job, &notice, &f->why), -EINVAL);
	assert_non_null(strstr(f->why.text, "put-signing-profile"));
	signer_fixture_set_clock(f, "2026-11-21T17:22:11Z"); /* five minutes and a second back */
	assert_int_equal(signer_start_job(f->signer, &request, &job, &notice, &f->why), -EINVAL);
	assert_non_null(strstr(f->why.text, "clock"));
}

static void test_request_token(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	struct signer_job first, again, other;
	write_zip(f, "in.zip", "");
	struct signer_job_request request = request_for(f, "bad.zip", "out.zip");
	request.client_request_token = "../any \n token";
	assert_int_equal(signer_start_job(f->signer, &request, &first, NULL, &f->why), -ENOENT);

	request.source_path = signer_fixture_path(f, "in.zip"); /* what failed may be tried again */
	assert_int_equal(signer_start_job(f->signer, &request, &first, NULL, &f->why), 0);
	request.output_path = signer_fixture_path(f, "second.zip");
	assert_int_equal(signer_start_job(f->signer, &request, &again, NULL, &f->why), 0);
	assert_string_equal(first.arn.id, again.arn.id);
	assert_false(signer_fixture_exists(f, "second.zip"));

	request.client_request_token = "other";
	assert_int_equal(signer_start_job(f->signer, &request, &other, NULL, &f->why), 0);
	assert_string_not_equal(first.arn.id, other.arn.id);
	request.client_request_token = "";
	assert_int_equal(signer_start_job(f->signer, &request, &again, NULL, &f->why), -EINVAL);
	signer_job_done(&first);
	signer_job_done(&again);
	signer_job_done(&other);
}

static void test_directory_and_prefix(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	static const struct {
		const char *prefix, *folder;
	} good[] = {{NULL, "out"}, {"signed-", "out"}, {"a/b/", "out/a/b"}, {"a/b/x-", "out/a/b"}};
	static const char *const bad[] = {"../x", "a/../../x", "/x", "a/.."};
	struct signer_job job;
	write_zip(f, "in.zip", "");
	assert_int_equal(mkdir(signer_fixture_path(f, "out"), 0755), 0);

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct signer_job_request request = request_for(f, "in.zip", "out");
		request.destination_directory = request.output_path;
		request.destination_prefix = good[i].prefix;
		request.output_path = NULL;
		assert_int_equal(signer_start_job(f->signer, &request, &job, NULL, &f->why), 0);
		char expected[256];
		(void)snprintf(expected, sizeof(expected), "%s/out/%s%s.zip", f->directory,
			       good[i].prefix ? good[i].prefix : "", job.arn.id);
		assert_string_equal(job.signed_object, expected);
		assert_int_equal(access(expected, F_OK), 0);
		signer_job_done(&job);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct signer_job_request request = request_for(f, "in.zip", "out");
		request.destination_directory = request.output_path;
		request.destination_prefix = bad[i];
		request.output_path = NULL;
		assert_int_equal(signer_start_job(f->signer, &request, &job, NULL, &f->why), -EINVAL);
	}
}

static void test_in_place_keeps_mode(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	struct signer_job job;
	struct stat st;
	write_zip(f, "in.zip", "");
	assert_int_equal(chmod(signer_fixture_path(f, "in.zip"), 0640), 0);
	struct signer_job_request request = request_for(f, "in.zip", "in.zip");
	assert_int_equal(signer_start_job(f->signer, &request, &job, NULL, &f->why), 0);
	signer_job_done(&job);
	assert_int_equal(stat(signer_fixture_path(f, "in.zip"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(examine(f, "in.zip").integrity, SIGNATURE_GOOD);
}

static void test_describe_refuses(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_job job;
	assert_int_equal(signer_describe_job(f->signer, "../account", &job, &f->why), -EINVAL);
	assert_int_equal(signer_describe_job(f->signer, "621a6850-a128-42db-bc30-bd65cc54e187", &job, &f->why),
			 -ENOENT);
}

static int sign_in_place(struct signer_fixture *f)
{
	struct signer_job job;
	struct signer_job_request request = request_for(f, "in.zip", "in.zip");
	return signer_start_job(f->signer, &request, &job, NULL, &f->why);
}

/* Killed at whatever call: the file is the old or the new one, whole, and every signature has a record. */
static void cut_off(struct signer_fixture *f, const char *what)
{
	write_zip(f, "in.zip", "");
	write_zip(f, "original.zip", "");
	unsigned calls = 0;
	for (bool is_signed = false; !is_signed; calls++) {
		char fault[32];
		(void)snprintf(fault, sizeof(fault), "*:%u:%s", calls + 1, what);
		int r = signer_fixture_run_with_fault(f, sign_in_place, fault);
		struct buf original = signer_fixture_read(f, "original.zip"), now = signer_fixture_read(f, "in.zip");
		is_signed = now.len != original.len;
		if (!is_signed) {
			assert_int_not_equal(r, 0);
			assert_memory_equal(now.data, original.data, now.len);
		} else {
			struct signature_facts facts = examine(f, "in.zip");
			struct signer_job job;
			assert_int_equal(facts.integrity, SIGNATURE_GOOD);
			assert_int_equal(signer_describe_job(f->signer, facts.statement.job.id, &job, &f->why), 0);
			assert_int_equal(signer_revoke_signature(f->signer, NULL, job.arn.id, "cut off", &f->why), 0);
			signer_job_done(&job);
		}
		buf_done(&original);
		buf_done(&now);
	}
	assert_true(calls >= 8);
}

static void test_killed_at_every_call(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	cut_off(f, "kill");
}

static void test_failing_at_every_call(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	cut_off(f, "EIO");
	assert_int_equal(signer_fixture_count(f, "."), 4); /* clock, home, in.zip, original.zip: no temporary file */
}

/* Where the filesystem has no files without a name. */
static void test_named_draft(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	write_zip(f, "in.zip", "");
	assert_int_equal(signer_fixture_run_with_fault(f, sign_in_place, "openat:1:EOPNOTSUPP"), 0);
	assert_int_equal(examine(f, "in.zip").integrity, SIGNATURE_GOOD);
	assert_int_equal(signer_fixture_run_with_fault(f, sign_in_place, "openat:1:EOPNOTSUPP"),
			 -EINVAL); /* signed already */
	assert_int_equal(signer_fixture_count(f, "."), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_signs, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_open_source_and_directory, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_plain_comment_is_dropped, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_failures, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_who_may_not_sign, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_certificate_ends, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_request_token, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_directory_and_prefix, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_in_place_keeps_mode, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_describe_refuses, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_killed_at_every_call, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_failing_at_every_call, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_named_draft, signer_setup, signer_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
