/* What is known of signers: looked up, and read of what a service shows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "views_fixture.h"

static void test_find(void **state UNUSED)
{
	static const char revoked[] = "arn:vouchfs:signer:local:111122223333:/signing-profiles/release/AAAAAAAAAA";
	struct overview_signers *signers = views_fixture_signers();
	assert_non_null(overview_find_profile(signers, OVERVIEW_FIXTURE_ACCOUNT, "release"));
	assert_null(overview_find_profile(signers, OVERVIEW_FIXTURE_ACCOUNT, "releas"));
	assert_null(overview_find_profile(signers, VIEWS_FIXTURE_OTHER_ACCOUNT, "release"));
	assert_null(overview_find_profile(NULL, OVERVIEW_FIXTURE_ACCOUNT, "release"));
	assert_non_null(overview_find_revoked(signers, revoked));
	assert_null(overview_find_revoked(signers, OVERVIEW_FIXTURE_PUBLISHER));
	assert_null(overview_find_revoked(NULL, revoked));
	assert_int_equal(overview_find_origin(signers, "strict")->line, 12);
	assert_null(overview_find_origin(signers, "relaxed"));
	overview_signers_free(signers);
	overview_signers_free(NULL);
}

static void test_read_profile(void **state UNUSED)
{
	static const char good[] =
		"{\"profileName\": \"release\", \"profileVersion\": \"CvHbgWCCfY\", \"status\": \"Active\"}";
	static const char *const bad[] = {"", "{}", "{\"status\": 1}", "{\"status\": \"Active\"}"};
	struct overview_signers *signers = overview_signers_new();
	struct overview_profile *profile = signers ? overview_add_profile(signers) : NULL;
	assert_non_null(profile);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(overview_read_profile(bad[i], strlen(bad[i]), profile), -EBADMSG);
	assert_int_equal(overview_read_profile(good, strlen(good), profile), 0);
	assert_string_equal(profile->status, "Active");
	assert_string_equal(profile->version, "CvHbgWCCfY");
	overview_signers_free(signers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_read_profile)};
	return cmocka_run_group_tests_name("signers", tests, NULL, NULL);
}
