/* The AWS CLI's options for everything, and its times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "cli/aws.h"

static const struct cli_command command = {.group = "signer", .name = "get", .summary = "s", .usage = "Examples:\n"};

struct result {
	int exit_code;
	const char *region;
	char err[512];
};

static struct result parse(const char *line, bool own_region)
{
	static char words[256];
	char *argv[16] = {0};
	int argc = 0;
	const char *own = NULL;
	const struct cli_option options[] = {{.name = "region", .kind = CLI_TEXT, .ret_text = &own}};
	(void)snprintf(words, sizeof(words), "get %s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;

	struct cli_aws aws = {0};
	struct capture capture;
	struct buf out, err;
	bool done;
	capture_begin(&capture);
	int exit_code = cli_aws_parse(&command, options, own_region ? 1 : 0, &argc, argv, &aws, &done);
	capture_end(&capture, &out, &err);
	struct result result = {.exit_code = exit_code, .region = own_region ? own : aws.region};
	(void)snprintf(result.err, sizeof(result.err), "%s", err.data);
	buf_done(&out);
	buf_done(&err);
	return result;
}

static void test_global_options(void **state UNUSED)
{
	assert_int_equal(parse("--output json --no-cli-pager --no-paginate", false).exit_code, 0);
	assert_string_equal(parse("--region local", false).region, "local");
	assert_string_equal(parse("--region own", true).region, "own");

	assert_int_equal(parse("--output text", false).exit_code, CLI_EXIT_AWS_USAGE);
	struct result result = parse("--profile work", false);
	assert_int_equal(result.exit_code, CLI_EXIT_AWS_USAGE);
	assert_non_null(strstr(result.err, "--profile is not for vouchfs: there are no AWS credentials"));
	assert_non_null(strstr(parse("--cli-input-json x", false).err, "give the parameters as options"));
	assert_int_equal(parse("operand", false).exit_code, CLI_EXIT_AWS_USAGE);
}

static void test_parse_time(void **state UNUSED)
{
	static const struct {
		const char *text;
		int64_t at_s;
	} good[] = {
		{"2026-11-21T17:27:12Z", 1795282032},
		{"2026-11-21T17:27:12+00:00", 1795282032},
		{"2026-11-21T18:27:12+01:00", 1795282032},
		{"2026-11-21T12:57:12-04:30", 1795282032},
		{"1795282032", 1795282032},
		{"0", 0},
	};
	static const char *const bad[] = {
		"",
		"yesterday",
		"2026-11-21",
		"2026-11-21T17:27:12",
		"2026-13-21T17:27:12Z",
		"2026-11-21T17:27:12+1:00",
		"2026-11-21T17:27:12+01:60",
		"2026-11-21T17:27:12+24:00",
		"2026-11-21T17:27:12+01:00x",
		"-5",
		"1970-01-01T00:00:00+01:00",
	};
	int64_t at_s = 0;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(cli_aws_parse_time(good[i].text, &at_s));
		assert_int_equal(at_s, good[i].at_s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (cli_aws_parse_time(bad[i], &at_s))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_print_time(void **state UNUSED)
{
	struct buf text = {0};
	struct json j = {.out = &text};
	json_object(&j, NULL);
	cli_aws_time(&j, "createdAt", 1795282032);
	json_close(&j);
	assert_int_equal(json_end(&j), 0);
	assert_string_equal(text.data, "{\"createdAt\":\"2026-11-21T17:27:12+00:00\"}");
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_global_options),
		cmocka_unit_test(test_parse_time),
		cmocka_unit_test(test_print_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
