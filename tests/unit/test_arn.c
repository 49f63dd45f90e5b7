/* Which identifiers parse, what prints back, what matches. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arn/arn.h"

#define HEAD	  "arn:vouchfs:signer:local:111122223333:"
#define PROFILE	  HEAD "/signing-profiles/profile_for_application_ABC"
#define VERSION	  PROFILE "/a1B2c3D4e5"
#define JOB	  HEAD "/signing-jobs/621a6850-a128-42db-bc30-bd65cc54e187"
#define LIST	  HEAD "/revocations"
#define NAME_64	  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789__"
#define REGION_32 "abcdefghijklmnopqrstuvwxyz-01234"

static struct arn_profile profile(const char *text)
{
	struct arn_profile ret;
	if (!arn_parse_profile(text, strlen(text), &ret))
		fail_msg("%s", text);
	return ret;
}

static void test_profile_prints_back(void **state)
{
	(void)state;
	static const char *const texts[] = {
		PROFILE,
		VERSION,
		"arn:aws:signer:eu-central-1:111122223333:/signing-profiles/p1",
		"arn:" REGION_32 ":signer:" REGION_32 ":000000000000:/signing-profiles/" NAME_64 "/AAAAAAAAAA",
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct arn_profile parsed = profile(texts[i]);
		char printed[ARN_TEXT_SIZE];
		arn_print_profile(&parsed, printed);
		assert_string_equal(printed, texts[i]);
	}
	struct arn_profile parsed = profile(VERSION);
	assert_string_equal(parsed.scope.partition, "vouchfs");
	assert_string_equal(parsed.scope.region, "local");
	assert_string_equal(parsed.scope.account, "111122223333");
	assert_string_equal(parsed.name, "profile_for_application_ABC");
	assert_string_equal(parsed.version, "a1B2c3D4e5");
}

static void test_profiles_that_are_none(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"arn",
		HEAD,
		PROFILE "/",
		PROFILE "/a1B2c3D4e",
		PROFILE "/a1B2c3D4e5f",
		PROFILE "/a1B2c3D4e_",
		VERSION "/",
		VERSION " ",
		VERSION "\n",
		" " VERSION,
		"ARN:vouchfs:signer:local:111122223333:/signing-profiles/p1",
		"arn::signer:local:111122223333:/signing-profiles/p1",
		"arn:vouchfs:signer::111122223333:/signing-profiles/p1",
		"arn:vouchfs:lambda:local:111122223333:/signing-profiles/p1",
		"arn:vouchfs:signer:Local:111122223333:/signing-profiles/p1",
		"arn:vouchfs:signer:" REGION_32 "5:111122223333:/signing-profiles/p1",
		"arn:vouchfs:signer:local:11112222333:/signing-profiles/p1",
		"arn:vouchfs:signer:local:1111222233334:/signing-profiles/p1",
		"arn:vouchfs:signer:local:11112222333x:/signing-profiles/p1",
		"arn:vouchfs:signer:local:111122223333:signing-profiles/p1",
		"arn:vouchfs:signer:local:111122223333:/signing-profiles/p",
		"arn:vouchfs:signer:local:111122223333:/signing-profiles/" NAME_64 "x",
		"arn:vouchfs:signer:local:111122223333:/signing-profiles/p-1",
		JOB,
		LIST,
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct arn_profile parsed = {.name = "untouched"};
		if (arn_parse_profile(texts[i], strlen(texts[i]), &parsed))
			fail_msg("%s", texts[i]);
		assert_string_equal(parsed.name, "untouched");
	}
}

/* The length counts, not a NUL. */
static void test_length_is_exact(void **state)
{
	(void)state;
	struct arn_profile parsed;
	struct arn_job job;
	assert_false(arn_parse_profile(VERSION, sizeof(VERSION), &parsed));
	assert_false(arn_parse_profile(VERSION, sizeof(VERSION) - 2, &parsed));
	assert_true(arn_parse_profile(VERSION, sizeof(PROFILE) - 1, &parsed));
	assert_false(arn_parse_job(JOB, sizeof(JOB), &job));
	assert_true(arn_parse_job(JOB, sizeof(JOB) - 1, &job));
	assert_false(arn_parse_profile(NULL, 0, &parsed));
}

static void test_version_is_demanded(void **state)
{
	(void)state;
	struct arn_profile parsed;
	assert_true(arn_parse_profile_version(VERSION, strlen(VERSION), &parsed));
	assert_false(arn_parse_profile_version(PROFILE, strlen(PROFILE), &parsed));
}

static void test_job(void **state)
{
	(void)state;
	static const char *const bad[] = {
		HEAD "/signing-jobs/621A6850-a128-42db-bc30-bd65cc54e187",
		HEAD "/signing-jobs/621a6850a128-42db-bc30-bd65cc54e1878",
		HEAD "/signing-jobs/621a6850-a128-42db-bc30-bd65cc54e18",
		HEAD "/signing-jobs/621a6850-a128-42db-bc30-bd65cc54e18g",
		JOB "/",
		JOB "/x",
		PROFILE,
	};
	struct arn_job job;
	char printed[ARN_TEXT_SIZE];
	assert_true(arn_parse_job(JOB, strlen(JOB), &job));
	arn_print_job(&job, printed);
	assert_string_equal(printed, JOB);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (arn_parse_job(bad[i], strlen(bad[i]), &job))
			fail_msg("%s", bad[i]);
}

static void test_revocations(void **state)
{
	(void)state;
	struct arn_scope scope;
	char printed[ARN_TEXT_SIZE];
	assert_true(arn_parse_revocations(LIST, strlen(LIST), &scope));
	arn_print_revocations(&scope, printed);
	assert_string_equal(printed, LIST);
	assert_false(arn_parse_revocations(LIST "/", sizeof(LIST), &scope));
	assert_false(arn_parse_revocations(LIST, sizeof(LIST) - 2, &scope));
	assert_false(arn_parse_revocations(PROFILE, strlen(PROFILE), &scope));
}

static void test_equal(void **state)
{
	(void)state;
	static const char *const others[] = {
		PROFILE,
		PROFILE "/a1B2c3D4e6",
		HEAD "/signing-profiles/profile_for_application_ABD/a1B2c3D4e5",
		"arn:vouchfs:signer:local:111122223334:/signing-profiles/profile_for_application_ABC/a1B2c3D4e5",
		"arn:vouchfs:signer:other:111122223333:/signing-profiles/profile_for_application_ABC/a1B2c3D4e5",
		"arn:aws:signer:local:111122223333:/signing-profiles/profile_for_application_ABC/a1B2c3D4e5",
	};
	struct arn_profile a = profile(VERSION), b = profile(VERSION);
	assert_true(arn_profile_equal(&a, &b));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		b = profile(others[i]);
		assert_false(arn_profile_equal(&a, &b));
		assert_int_equal(arn_scope_equal(&a.scope, &b.scope), i < 3);
	}
}

static void test_matches(void **state)
{
	(void)state;
	struct arn_profile any = profile(PROFILE), version = profile(VERSION);
	struct arn_profile later = profile(PROFILE "/0000000000");
	struct arn_profile longer = profile(HEAD "/signing-profiles/profile_for_application_ABCD/a1B2c3D4e5");
	assert_true(arn_profile_matches(&any, &version));
	assert_true(arn_profile_matches(&any, &later));
	assert_true(arn_profile_matches(&version, &version));
	assert_false(arn_profile_matches(&version, &later));
	assert_false(arn_profile_matches(&any, &longer));
	assert_false(arn_profile_matches(&any, &any)); /* a signature always names a version */
}

static void test_organization(void **state)
{
	static const char *const bad[] = {"",
					  "o-",
					  "o-a1b2c3d4e",
					  "o-A1B2C3D4E5",
					  "a1b2c3d4e5f6",
					  "O-a1b2c3d4e5",
					  "o-a1b2c3d4e5 ",
					  "o-a1b2c3d4e5a1b2c3d4e5a1b2c3d4e5a1b"};
	(void)state;
	assert_true(arn_is_organization("o-a1b2c3d4e5", 12));
	assert_true(arn_is_organization("o-a1b2c3d4e5a1b2c3d4e5a1b2c3d4e5a1", 34));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(arn_is_organization(bad[i], strlen(bad[i])));
}

static void test_code_signing(void **state)
{
	(void)state;
	static const char text[] = "arn:vouchfs:lambda:local:111122223333:code-signing-config:csc-0123456789abcdef0";
	static const char *const others[] = {
		"arn:vouchfs:lambda:local:111122223333:code-signing-config:",
		"arn:vouchfs:lambda:local:111122223333:code-signing-config:a:b",
		"arn:vouchfs:lambda:local:111122223333:code-signing-config:a*",
		"arn:vouchfs:lambda:local:111122223333:/code-signing-config:a",
		"arn:vouchfs:signer:local:111122223333:code-signing-config:a",
		"arn:vouchfs:lambda:local:11112222333:code-signing-config:a",
	};
	struct arn_code_signing arn;
	char printed[ARN_TEXT_SIZE];
	assert_true(arn_parse_code_signing(text, strlen(text), &arn));
	assert_string_equal(arn.name, "csc-0123456789abcdef0");
	assert_string_equal(arn.scope.account, "111122223333");
	arn_print_code_signing(&arn, printed);
	assert_string_equal(printed, text);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(arn_parse_code_signing(others[i], strlen(others[i]), &arn));
}

static void test_function(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"arn:vouchfs:lambda:local:111122223333:function:main-function",
		"arn:vouchfs:lambda:local:111122223333:function:main-function:12",
		"arn:vouchfs:lambda:local:111122223333:function:main-function:$LATEST",
	};
	static const char *const qualifiers[] = {"", "12", "$LATEST"};
	static const char *const others[] = {
		"arn:vouchfs:lambda:local:111122223333:function:",
		"arn:vouchfs:lambda:local:111122223333:function:a:",
		"arn:vouchfs:lambda:local:111122223333:function:a:b:c",
		"arn:vouchfs:lambda:local:111122223333:function:a:$latest",
		"arn:vouchfs:lambda:local:111122223333:function:a/b",
		"arn:vouchfs:lambda:local:111122223333:layer:a",
	};
	struct arn_function arn;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char printed[ARN_TEXT_SIZE];
		assert_true(arn_parse_function(texts[i], strlen(texts[i]), &arn));
		assert_string_equal(arn.name, "main-function");
		assert_string_equal(arn.qualifier, qualifiers[i]);
		arn_print_function(&arn, printed);
		assert_string_equal(printed, texts[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(arn_parse_function(others[i], strlen(others[i]), &arn));
}

static void test_layer_version(void **state UNUSED)
{
	static const char *const texts[] = {
		"arn:vouchfs:lambda:local:111122223333:layer:lambda_signing:1",
		"arn:vouchfs:lambda:local:111122223333:layer:lambda_signing:18446744073709551615",
	};
	static const char *const others[] = {
		"arn:vouchfs:lambda:local:111122223333:layer:a",
		"arn:vouchfs:lambda:local:111122223333:layer:a:",
		"arn:vouchfs:lambda:local:111122223333:layer:a:0",
		"arn:vouchfs:lambda:local:111122223333:layer:a:01",
		"arn:vouchfs:lambda:local:111122223333:layer:a:1:2",
		"arn:vouchfs:lambda:local:111122223333:layer:a:18446744073709551616",
		"arn:vouchfs:lambda:local:111122223333:layer::1",
		"arn:vouchfs:lambda:local:111122223333:function:a:1",
		"arn:vouchfs:signer:local:111122223333:layer:a:1",
	};
	struct arn_layer_version arn;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char printed[ARN_TEXT_SIZE];
		assert_true(arn_parse_layer_version(texts[i], strlen(texts[i]), &arn));
		assert_string_equal(arn.name, "lambda_signing");
		arn_print_layer_version(&arn, printed);
		assert_string_equal(printed, texts[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(arn_parse_layer_version(others[i], strlen(others[i]), &arn));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profile_prints_back),
		cmocka_unit_test(test_profiles_that_are_none),
		cmocka_unit_test(test_length_is_exact),
		cmocka_unit_test(test_version_is_demanded),
		cmocka_unit_test(test_job),
		cmocka_unit_test(test_revocations),
		cmocka_unit_test(test_organization),
		cmocka_unit_test(test_code_signing),
		cmocka_unit_test(test_function),
		cmocka_unit_test(test_layer_version),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_matches),
	};
	return cmocka_run_group_tests_name("arn", tests, NULL, NULL);
}
