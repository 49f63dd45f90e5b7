/* Names and ARNs that the lambda verbs take, made-up ids, pages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/cli/lambda.h"

#define HEAD "arn:vouchfs:lambda:local:111122223333:"

static const struct config config = {.account = "111122223333", .region = "local"};

static void takes_functions(void **state)
{
	(void)state;
	static const char *const good[] = {"f-1_X", HEAD "function:f-1_X", "111122223333:function:f-1_X"};
	static const char *const bad[] = {
		"",
		"a b",
		"../a",
		"f:1",
		"f:$LATEST",
		HEAD "function:f:live",
		"111122223333:function:f:1",
		"222233334444:function:f",
		"arn:vouchfs:lambda:eu-1:111122223333:function:f",
		"arn:aws:lambda:local:111122223333:function:f",
		HEAD "function:",
		"function:f",
	};
	char name[ARN_LAMBDA_NAME_SIZE];
	struct explain why = {0};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(lambda_function_name(&config, good[i], name, &why), 0);
		assert_string_equal(name, "f-1_X");
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (lambda_function_name(&config, bad[i], name, &why) != -EINVAL)
			fail_msg("%s", bad[i]);
	assert_string_equal(name, "f-1_X");
	assert_int_equal(lambda_function_name(&config, "f:1", name, &why), -EINVAL);
	assert_non_null(strstr(why.text, "the function as a whole: \"f\""));
}

static void takes_configs(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"none",
		"a.b",
		HEAD "code-signing-config:none",
		HEAD "function:a",
		"arn:vouchfs:lambda:local:222233334444:code-signing-config:a",
		"123456789012345678901234567890", /* one more than a section's name has room for */
	};
	char name[ARN_LAMBDA_NAME_SIZE], arn[ARN_TEXT_SIZE];
	struct explain why = {0};
	assert_int_equal(lambda_config_name(&config, "12345678901234567890123456789", name, &why), 0);
	assert_int_equal(lambda_config_name(&config, HEAD "code-signing-config:approved", name, &why), 0);
	assert_string_equal(name, "approved");
	lambda_config_arn(&config, name, arn);
	assert_string_equal(arn, HEAD "code-signing-config:approved");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (lambda_config_name(&config, bad[i], name, &why) != -EINVAL)
			fail_msg("%s", bad[i]);
}

static void takes_layers(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"a b",
		"../a",
		"tools:3",
		HEAD "layer:tools:3",
		HEAD "layer:",
		HEAD "function:tools",
		"arn:vouchfs:lambda:local:222233334444:layer:tools",
		"arn:aws:lambda:local:111122223333:layer:tools",
	};
	char name[ARN_LAMBDA_NAME_SIZE] = "", arn[ARN_TEXT_SIZE], long_name[ARN_TEXT_SIZE + 8];
	struct explain why = {0};
	assert_int_equal(lambda_layer_name(&config, "tools", name, &why), 0);
	assert_string_equal(name, "tools");
	assert_int_equal(lambda_layer_name(&config, HEAD "layer:base-1_X", name, &why), 0);
	assert_string_equal(name, "base-1_X");
	lambda_layer_arn(&config, name, arn);
	assert_string_equal(arn, HEAD "layer:base-1_X");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (lambda_layer_name(&config, bad[i], name, &why) != -EINVAL)
			fail_msg("%s", bad[i]);
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(lambda_layer_name(&config, long_name, name, &why), -EINVAL);
	assert_string_equal(name, "base-1_X");
	assert_int_equal(lambda_layer_name(&config, "arn:vouchfs:lambda:eu-1:111122223333:layer:a", name, &why),
			 -EINVAL);
	assert_non_null(strstr(why.text, "a layer of account 111122223333 in region eu-1"));
	assert_int_equal(lambda_layer_name(&config, "a:1", name, &why), -EINVAL);
	assert_non_null(strstr(why.text, "\"a:1\" is not the ARN or the name of a layer"));
}

static void takes_layer_versions(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"tools",
		"tools:0",
		"tools:01",
		"tools:x",
		"tools:1:2",
		HEAD "layer:tools",
		"arn:vouchfs:lambda:local:222233334444:layer:tools:3",
		"layer:tools:3",
	};
	struct arn_layer_version layer = {0};
	struct explain why = {0};
	char arn[ARN_TEXT_SIZE];
	assert_int_equal(lambda_layer_version(&config, "tools:3", &layer, &why), 0);
	arn_print_layer_version(&layer, arn);
	assert_string_equal(arn, HEAD "layer:tools:3");
	assert_int_equal(lambda_layer_version(&config, arn, &layer, &why), 0);
	assert_int_equal(layer.version, 3);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (lambda_layer_version(&config, bad[i], &layer, &why) != -EINVAL)
			fail_msg("%s", bad[i]);
	assert_int_equal(layer.version, 3);
	lambda_layer_version_arn(&config, "tools", 7, arn);
	assert_string_equal(arn, HEAD "layer:tools:7");
}

static void makes_ids_up(void **state)
{
	(void)state;
	char one[LAMBDA_ID_SIZE], two[LAMBDA_ID_SIZE];
	lambda_new_id(one);
	lambda_new_id(two);
	assert_int_equal(strlen(one), 4 + 17);
	assert_int_equal(strspn(one + 4, "0123456789abcdef"), 17);
	assert_memory_equal(one, "csc-", 4);
	assert_string_not_equal(one, two);
	assert_true(config_is_code_signing_name(one));
}

static void skips_what_was_shown(void **state)
{
	(void)state;
	const struct lambda_page all = {0}, token = {.starting_token = "b"}, marker = {.marker = "b"};
	assert_false(lambda_page_skips(&all, "a"));
	assert_true(lambda_page_skips(&token, "a"));
	assert_true(lambda_page_skips(&token, "b"));
	assert_false(lambda_page_skips(&token, "ba"));
	assert_true(lambda_page_skips(&marker, "b"));
	assert_false(lambda_page_skips(&marker, "c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_functions), cmocka_unit_test(takes_configs),
		cmocka_unit_test(takes_layers),	   cmocka_unit_test(takes_layer_versions),
		cmocka_unit_test(makes_ids_up),	   cmocka_unit_test(skips_what_was_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
