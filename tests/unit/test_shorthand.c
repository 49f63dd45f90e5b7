/* key=value,key=value */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "cli/aws.h"

struct result {
	int r;
	char *value, *type, *arns;
	struct explain why;
};

static struct result parse(const char *text)
{
	struct result result = {0};
	const struct cli_shorthand keys[] = {
		{.key = "value", .required = true, .ret = &result.value},
		{.key = "type", .ret = &result.type},
		{.key = "Arns", .is_list = true, .ret = &result.arns},
		{.key = "s3", .refuse = "write file=PATH"},
	};
	result.r = cli_parse_shorthand(text, keys, ARRAY_SIZE(keys), &result.why);
	return result;
}

static void done(struct result *result)
{
	free(result->value);
	free(result->type);
	free(result->arns);
}

static void check(const char *got, const char *expected)
{
	if (expected)
		assert_string_equal(got, expected);
	else
		assert_null(got);
}

static void test_taken(void **state UNUSED)
{
	static const struct {
		const char *text, *value, *type, *arns;
	} cases[] = {
		{"value=12,type=MONTHS", "12", "MONTHS", NULL},
		{"type=MONTHS,value=12", "12", "MONTHS", NULL},
		{"value=12", "12", NULL, NULL},
		{"value=a=b", "a=b", NULL, NULL},
		{"value=\"a,b\",type='c\"d'", "a,b", "c\"d", NULL},
		{"value=a\\,b\\\\", "a,b\\", NULL, NULL},
		{"value=in\" the \"middle", "in the middle", NULL, NULL},
		{"Arns=a,b,c,value=1", "1", NULL, "a,b,c"},
		{"value=1,Arns=arn:x:/y", "1", NULL, "arn:x:/y"},
		{"value=x y.zip", "x y.zip", NULL, NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct result result = parse(cases[i].text);
		if (result.r != 0)
			fail_msg("%s: %s", cases[i].text, result.why.text);
		check(result.value, cases[i].value);
		check(result.type, cases[i].type);
		check(result.arns, cases[i].arns);
		done(&result);
	}
}

static void test_refused(void **state UNUSED)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "expected key=value"},
		{"12", "expected key=value"},
		{"value=1,2", "expected key=value"},
		{"valeu=12", "unknown key \"valeu\", did you mean \"value\"?"},
		{"zzzzzz=12", "unknown key \"zzzzzz\", expected value="},
		{"value=1,value=2", "value= is given twice"},
		{"value=", "value= has no value"},
		{"type=X", "value= is missing"},
		{"value='1", "a quote is not closed"},
		{"s3={bucketName=b,key=k}", "s3= is not for vouchfs: write file=PATH"},
		{"{\"value\": 12}", "JSON is not read here"},
		{"\033=1", "unknown key \"\\x1b\""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct result result = parse(cases[i].text);
		assert_int_equal(result.r, -EINVAL);
		if (!strstr(result.why.text, cases[i].says))
			fail_msg("%s: \"%s\" is not in \"%s\"", cases[i].text, cases[i].says, result.why.text);
		assert_null(result.value);
		assert_null(result.type);
		assert_null(result.arns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_taken), cmocka_unit_test(test_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
