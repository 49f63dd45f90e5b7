/* The home: who may have one, and what becomes of a damaged one. */
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

#include "../../src/signer/home.h"
#include "signer_fixture.h"

static void test_error_names(void **state UNUSED)
{
	assert_string_equal(signer_error_name(-ENOENT), "ResourceNotFoundException");
	assert_string_equal(signer_error_name(-EINVAL), "ValidationException");
	assert_string_equal(signer_error_name(-EACCES), "AccessDeniedException");
	assert_string_equal(signer_error_name(-EEXIST), "ConflictException");
	assert_string_equal(signer_error_name(-EIO), "InternalServiceErrorException");
}

static void test_create_and_open(void **state)
{
	struct signer_fixture *f = *state;
	assert_int_equal(signer_open(f->home, &f->signer, &f->why), -ENOENT);
	assert_non_null(strstr(f->why.text, "create-account"));

	assert_int_equal(signer_create_account_with(f->home, FIXTURE_ACCOUNT, "eu-west-1", 7, &f->why), 0);
	assert_int_equal(signer_open(f->home, &f->signer, &f->why), 0);
	const struct arn_scope *scope = signer_scope(f->signer);
	assert_string_equal(scope->account, FIXTURE_ACCOUNT);
	assert_string_equal(scope->region, "eu-west-1");
	assert_string_equal(scope->partition, "vouchfs");

	struct revocation_list *list = NULL;
	assert_int_equal(signer_read_revocations(f->signer, &list, &f->why), 0);
	assert_int_equal(list->sequence, 1);
	assert_int_equal(list->entry_count, 0);
	assert_int_equal(list->issued_at_s, FIXTURE_NOW_S);
	assert_int_equal(list->next_update_s, FIXTURE_NOW_S + 7 * 86400);
	revocation_list_free(list);
}

static void test_modes(void **state)
{
	struct signer_fixture *f = *state;
	static const struct {
		const char *name;
		mode_t mode;
	} expected[] = {{"home", 0700}, {"home/ca.key", 0600}, {"home/ca.pem", 0600}, {"home/account", 0600}};
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct stat st;
		assert_int_equal(stat(signer_fixture_path(f, expected[i].name), &st), 0);
		assert_int_equal(st.st_mode & 07777, expected[i].mode);
	}
}

static void test_existing_account_stays(void **state)
{
	struct signer_fixture *f = *state;
	struct buf before = signer_fixture_read(f, "home/ca.pem");
	assert_int_equal(signer_create_account(f->home, "444455556666", "local", &f->why), -EEXIST);
	struct buf after = signer_fixture_read(f, "home/ca.pem");
	assert_string_equal(after.data, before.data);
	buf_done(&before);
	buf_done(&after);
}

static void test_bad_parameters(void **state)
{
	struct signer_fixture *f = *state;
	assert_int_equal(signer_create_account(f->home, "11112222333", "local", &f->why), -EINVAL);
	assert_int_equal(signer_create_account(f->home, "11112222333x", "local", &f->why), -EINVAL);
	assert_int_equal(signer_create_account(f->home, FIXTURE_ACCOUNT, "EU", &f->why), -EINVAL);
	assert_int_equal(signer_create_account_with(f->home, FIXTURE_ACCOUNT, "eu", 0, &f->why), -EINVAL);
	assert_int_equal(signer_create_account_with(f->home, FIXTURE_ACCOUNT, "eu", 3651, &f->why), -EINVAL);
	assert_false(signer_fixture_exists(f, "home"));
}

/* A home that others can look into is refused, for a new account too. */
static void test_open_home_is_refused(void **state)
{
	struct signer_fixture *f = *state;
	static const mode_t modes[] = {0755, 0750, 0701, 0720};
	struct signer *signer;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		assert_int_equal(chmod(f->home, modes[i]), 0);
		assert_int_equal(signer_open(f->home, &signer, &f->why), -EACCES);
		assert_non_null(strstr(f->why.text, "chmod 700"));
	}
	assert_int_equal(mkdir(signer_fixture_path(f, "other"), 0755), 0);
	assert_int_equal(chmod(signer_fixture_path(f, "other"), 0755), 0);
	assert_int_equal(signer_create_account(signer_fixture_path(f, "other"), FIXTURE_ACCOUNT, "local", &f->why),
			 -EACCES);
	assert_int_equal(chmod(f->home, 0700), 0);
	assert_int_equal(signer_open(f->home, &signer, &f->why), 0);
	signer_close(signer);
}

static void test_open_key_is_refused(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile profile;
	assert_int_equal(chmod(signer_fixture_path(f, "home/ca.key"), 0640), 0);
	assert_int_equal(signer_put_profile(f->signer, "abc", FIXTURE_PLATFORM, NULL, &profile, &f->why), -EACCES);
	assert_non_null(strstr(f->why.text, "ca.key"));
	assert_int_equal(chmod(signer_fixture_path(f, "home/ca.key"), 0600), 0);
	assert_int_equal(signer_put_profile(f->signer, "abc", FIXTURE_PLATFORM, NULL, &profile, &f->why), 0);
}

static void test_damaged_account(void **state)
{
	struct signer_fixture *f = *state;
	static const char *const damaged[] = {
		"",
		"vouchfs-signer-account: 2\n",
		"vouchfs-signer-account: 1\nid: 111122223333\n",
		("vouchfs-signer-account: 1\nid: 1\npartition: vouchfs\nregion: local\n"
		 "created-at: 2026-11-21T17:27:12Z\nrevocation-list-days: 30\n"),
	};
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		struct signer *signer;
		signer_fixture_write(f, "home/account", damaged[i], strlen(damaged[i]));
		assert_int_equal(signer_open(f->home, &signer, &f->why), -EIO);
		assert_non_null(strstr(f->why.text, "damaged"));
	}
}

static void test_default_home(void **state UNUSED)
{
	assert_int_equal(setenv("VOUCHFS_SIGNER_HOME", "/some/where", 1), 0);
	char *home = signer_default_home();
	assert_string_equal(home, "/some/where");
	free(home);
	assert_int_equal(unsetenv("VOUCHFS_SIGNER_HOME"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_names),
		cmocka_unit_test(test_default_home),
		cmocka_unit_test_setup_teardown(test_create_and_open, signer_setup_empty, signer_teardown),
		cmocka_unit_test_setup_teardown(test_bad_parameters, signer_setup_empty, signer_teardown),
		cmocka_unit_test_setup_teardown(test_modes, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_existing_account_stays, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_open_home_is_refused, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_open_key_is_refused, signer_setup, signer_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_account, signer_setup, signer_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
