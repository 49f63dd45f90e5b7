/* Profiles: versions with keys of their own, validity, what ends them. */
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

#include "crypto/cert.h"
#include "signer_fixture.h"

static struct crypto_cert *read_cert(struct signer_fixture *f, const struct arn_profile *arn)
{
	char name[160];
	(void)snprintf(name, sizeof(name), "home/profiles/%s/versions/%s/cert.pem", arn->name, arn->version);
	struct buf pem = signer_fixture_read(f, name);
	struct crypto_cert *cert = NULL;
	assert_int_equal(crypto_cert_from_pem(pem.data, pem.len, &cert, &f->why), 0);
	buf_done(&pem);
	return cert;
}

static void test_put_and_get(void **state)
{
	struct signer_fixture *f = *state;
	const struct signer_validity validity = {12, SIGNER_MONTHS};
	struct signer_profile put, got;
	assert_int_equal(signer_put_profile(f->signer, "release", FIXTURE_PLATFORM, &validity, &put, &f->why), 0);
	assert_int_equal(signer_get_profile(f->signer, "release", &got, &f->why), 0);
	assert_true(arn_profile_equal(&put.arn, &got.arn));
	assert_string_equal(got.arn.name, "release");
	assert_string_equal(got.arn.scope.account, FIXTURE_ACCOUNT);
	assert_true(arn_is_profile_version(got.arn.version, strlen(got.arn.version)));
	assert_int_equal(got.status, SIGNER_PROFILE_ACTIVE);
	assert_int_equal(got.validity.value, 12);
	assert_int_equal(got.validity.unit, SIGNER_MONTHS);
	assert_int_equal(got.created_at_s, FIXTURE_NOW_S);
}

/* The certificate speaks for the version's ARN and no other, and lives as long as the header says. */
static void test_certificate(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile profile = signer_fixture_profile(f, "release");
	struct crypto_cert *cert = read_cert(f, &profile.arn);
	struct buf uri = {0};
	char arn[ARN_TEXT_SIZE];
	arn_print_profile(&profile.arn, arn);
	assert_int_equal(crypto_cert_san_uri(cert, &uri), 0);
	assert_string_equal(uri.data, arn);
	assert_int_equal(crypto_cert_not_before_s(cert), FIXTURE_NOW_S - 300);
	assert_int_equal(crypto_cert_not_after_s(cert), 2181922032); /* 2039-02-21T17:27:12Z */
	buf_done(&uri);
	crypto_cert_free(cert);
}

static void test_new_version(void **state)
{
	struct signer_fixture *f = *state;
	const struct signer_validity days = {30, SIGNER_DAYS};
	struct signer_profile first, second, third;
	assert_int_equal(signer_put_profile(f->signer, "release", FIXTURE_PLATFORM, &days, &first, &f->why), 0);
	signer_fixture_set_clock(f, "2027-11-21T17:27:12Z");
	assert_int_equal(signer_put_profile(f->signer, "release", FIXTURE_PLATFORM, NULL, &second, &f->why), 0);
	assert_string_not_equal(first.arn.version, second.arn.version);
	assert_int_equal(second.created_at_s, FIXTURE_NOW_S); /* the profile's */
	assert_int_equal(second.validity.value, 30);	      /* as before when nothing is said */
	assert_int_equal(second.validity.unit, SIGNER_DAYS);

	struct crypto_cert *a = read_cert(f, &first.arn), *b = read_cert(f, &second.arn);
	uint8_t digest_a[CRYPTO_SHA256_BYTES], digest_b[CRYPTO_SHA256_BYTES];
	assert_int_equal(crypto_cert_digest(a, digest_a), 0);
	assert_int_equal(crypto_cert_digest(b, digest_b), 0);
	assert_memory_not_equal(digest_a, digest_b, sizeof(digest_a));
	crypto_cert_free(a);
	crypto_cert_free(b);

	assert_int_equal(signer_get_profile(f->signer, "release", &third, &f->why), 0);
	assert_string_equal(third.arn.version, second.arn.version);
}

/* A certificate never outlives its CA, and a CA that has ended makes none. */
static void test_late_versions(void **state)
{
	struct signer_fixture *f = *state;
	signer_fixture_set_clock(f, "2050-01-01T00:00:00Z");
	struct signer_profile profile = signer_fixture_profile(f, "release");
	struct crypto_cert *cert = read_cert(f, &profile.arn);
	assert_int_equal(crypto_cert_not_after_s(cert), 2742053232); /* the CA's: 2056-11-21T17:27:12Z */
	crypto_cert_free(cert);

	signer_fixture_set_clock(f, "2056-11-21T17:27:13Z");
	assert_int_equal(signer_put_profile(f->signer, "late", FIXTURE_PLATFORM, NULL, &profile, &f->why), -EINVAL);
	assert_non_null(strstr(f->why.text, "CA"));
}

static void test_refusals(void **state)
{
	struct signer_fixture *f = *state;
	static const char *const names[] = {"", "a", "has-hyphen", "has space", "../x", "umlaut\xc3\xa4"};
	static const struct signer_validity validities[] = {
		{0, SIGNER_DAYS}, {136, SIGNER_MONTHS}, {12, SIGNER_YEARS}, {4107, SIGNER_DAYS}};
	struct signer_profile profile;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(signer_put_profile(f->signer, names[i], FIXTURE_PLATFORM, NULL, &profile, &f->why),
				 -EINVAL);
		assert_int_equal(signer_get_profile(f->signer, names[i], &profile, &f->why), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(validities); i++)
		assert_int_equal(
			signer_put_profile(f->signer, "release", FIXTURE_PLATFORM, &validities[i], &profile, &f->why),
			-EINVAL);
	assert_int_equal(signer_put_profile(f->signer, "release", "AmazonFreeRTOS-Default", NULL, &profile, &f->why),
			 -EINVAL);
	assert_int_equal(signer_get_profile(f->signer, "release", &profile, &f->why), -ENOENT);
	assert_non_null(strstr(f->why.text, "profile with name release does not exist"));
	assert_int_equal(signer_fixture_count(f, "home/profiles"), 0);
}

static void test_ended_profiles_get_no_version(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile profile = signer_fixture_profile(f, "revoked");
	assert_int_equal(signer_revoke_profile_version(f->signer, "revoked", profile.arn.version, "leak",
						       FIXTURE_NOW_S - 10, &f->why),
			 0);
	assert_int_equal(signer_put_profile(f->signer, "revoked", FIXTURE_PLATFORM, NULL, &profile, &f->why), -EINVAL);
	assert_non_null(strstr(f->why.text, "is Revoked"));

	profile = signer_fixture_profile(f, "canceled");
	struct buf text = signer_fixture_read(f, "home/profiles/canceled/profile");
	char *active = strstr(text.data, "Active");
	assert_non_null(active);
	struct buf canceled = {0};
	assert_int_equal(buf_printf(&canceled, "%.*sCanceled%s", (int)(active - text.data), text.data,
				    active + strlen("Active")),
			 0);
	signer_fixture_write(f, "home/profiles/canceled/profile", canceled.data, canceled.len);
	assert_int_equal(signer_put_profile(f->signer, "canceled", FIXTURE_PLATFORM, NULL, &profile, &f->why), -EINVAL);
	assert_non_null(strstr(f->why.text, "is Canceled"));
	buf_done(&text);
	buf_done(&canceled);
}

static void test_list(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile *profiles;
	size_t count;
	assert_int_equal(signer_list_profiles(f->signer, &profiles, &count, &f->why), 0);
	assert_int_equal(count, 0);
	free(profiles);

	(void)signer_fixture_profile(f, "bb");
	(void)signer_fixture_profile(f, "cc");
	struct signer_profile aa = signer_fixture_profile(f, "aa");
	assert_int_equal(signer_revoke_profile_version(f->signer, "aa", aa.arn.version, "leak", FIXTURE_NOW_S, &f->why),
			 0);
	assert_int_equal(mkdir(signer_fixture_path(f, "home/profiles/cut_off"), 0700), 0); /* no record yet */
	assert_int_equal(signer_list_profiles(f->signer, &profiles, &count, &f->why), 0);
	assert_int_equal(count, 3);
	assert_string_equal(profiles[0].arn.name, "aa");
	assert_int_equal(profiles[0].status, SIGNER_PROFILE_REVOKED);
	assert_string_equal(profiles[1].arn.name, "bb");
	assert_int_equal(profiles[1].status, SIGNER_PROFILE_ACTIVE);
	assert_string_equal(profiles[2].arn.name, "cc");
	free(profiles);
}

static int put_release(struct signer_fixture *f)
{
	struct signer_profile put;
	return signer_put_profile(f->signer, "release", FIXTURE_PLATFORM, NULL, &put, &f->why);
}

/* A put that is cut off, at whatever call, leaves the profile as it was; the next one succeeds. */
static void test_cut_off_at_every_call(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile before = signer_fixture_profile(f, "release"), after;
	unsigned calls = signer_fixture_cut_off_at_every_call(f, put_release, "kill");
	assert_true(calls >= 15);
	assert_int_equal(signer_get_profile(f->signer, "release", &after, &f->why), 0);
	assert_string_not_equal(after.arn.version, before.arn.version);
}

static void check_still_first(struct signer_fixture *f, const struct signer_profile *before)
{
	struct signer_profile after;
	assert_int_equal(signer_get_profile(f->signer, "release", &after, &f->why), 0);
	assert_string_equal(after.arn.version, before->arn.version);
}

static void test_full_disk(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile before = signer_fixture_profile(f, "release");
	assert_int_equal(signer_fixture_run_with_fault(f, put_release, "write:2:ENOSPC"), -ENOSPC);
	check_still_first(f, &before);
	assert_int_equal(signer_fixture_run_with_fault(f, put_release, "renameat:4:EIO"), -EIO); /* the record itself */
	check_still_first(f, &before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_put_and_get, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_certificate, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_new_version, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_late_versions, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_refusals, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_ended_profiles_get_no_version, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_list, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_cut_off_at_every_call, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, signer_setup, signer_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
