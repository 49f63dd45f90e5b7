/* Options by their table: what is taken, what is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "cli/cli.h"

static const struct cli_command plain = {.name = "sign", .summary = "s", .usage = "Examples:\n"};
static const struct cli_command like_aws = {.group = "signer", .name = "put", .summary = "s", .usage = "Examples:\n"};

struct result {
	int exit_code;
	bool done, flag, other;
	const char *text;
	struct cli_list list;
	int argc;
	char *argv[16];
	char out[512], err[512];
};

#define MAX_OPERANDS 2

static struct result parse_for(const struct cli_command *command, bool required, int min_operands, const char *line)
{
	static char words[256];
	struct result r = {0};
	const struct cli_option options[] = {
		{.name = "source", .letter = 's', .kind = CLI_TEXT, .required = required, .ret_text = &r.text},
		{.name = "json", .letter = 'j', .kind = CLI_FLAG, .ret_flag = &r.flag},
		{.name = "full", .letter = 'f', .kind = CLI_FLAG, .ret_flag = &r.other},
		{.name = "statuses", .kind = CLI_LIST, .ret_list = &r.list},
		{.name = "layers", .kind = CLI_LIST, .may_be_empty = true, .ret_list = &r.list},
		{.name = "endpoint-url", .refuse = "there is none"},
	};
	(void)snprintf(words, sizeof(words), "cmd %s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		r.argv[r.argc++] = word;

	struct capture capture;
	struct buf out, err;
	capture_begin(&capture);
	r.exit_code = cli_parse(command, options, ARRAY_SIZE(options), &r.argc, r.argv, min_operands, MAX_OPERANDS,
				&r.done);
	capture_end(&capture, &out, &err);
	(void)snprintf(r.out, sizeof(r.out), "%s", out.data);
	(void)snprintf(r.err, sizeof(r.err), "%s", err.data);
	buf_done(&out);
	buf_done(&err);
	return r;
}

static struct result parse(const char *line)
{
	return parse_for(&plain, false, 0, line);
}

static void test_values(void **state UNUSED)
{
	static const char *const lines[] = {"--source a.zip", "--source=a.zip", "-s a.zip", "-sa.zip", "-jsa.zip"};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct result r = parse(lines[i]);
		assert_int_equal(r.exit_code, 0);
		assert_false(r.done);
		assert_string_equal(r.text, "a.zip");
		assert_int_equal(r.argc, 1);
		assert_string_equal(r.err, "");
	}
	assert_true(parse("-jsa.zip").flag);
	assert_false(parse("-sa.zip").flag);
	assert_string_equal(parse("--source=--odd").text, "--odd");
	assert_string_equal(parse("--source=").text, "");
	assert_null(parse("").text);
}

static void test_operands_keep_their_order(void **state UNUSED)
{
	struct result r = parse("one --json two");
	assert_int_equal(r.exit_code, 0);
	assert_int_equal(r.argc, 3);
	assert_string_equal(r.argv[1], "one");
	assert_string_equal(r.argv[2], "two");
	assert_true(r.flag);

	r = parse("-- --json -x");
	assert_int_equal(r.exit_code, 0);
	assert_false(r.flag);
	assert_string_equal(r.argv[1], "--json");
	assert_string_equal(r.argv[2], "-x");

	r = parse("-");
	assert_int_equal(r.argc, 2);
	assert_string_equal(r.argv[1], "-");
}

static void test_list(void **state UNUSED)
{
	struct result r = parse("--statuses a b --json c");
	assert_int_equal(r.exit_code, 0);
	assert_int_equal(r.list.count, 2);
	assert_string_equal(r.list.items[1], "b");
	assert_string_equal(r.argv[1], "c");
	assert_int_equal(parse("--statuses=a b").list.count, 2);
	assert_non_null(strstr(parse("--statuses --json").err, "--statuses needs a value"));
	assert_int_equal(parse("--statuses []").list.count, 1);
}

static void test_list_that_may_be_empty(void **state UNUSED)
{
	static const char *const empty[] = {"--layers", "--layers --json", "--layers []", "--layers=[]"};
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		struct result r = parse(empty[i]);
		assert_int_equal(r.exit_code, 0);
		assert_true(r.list.is_given);
		assert_int_equal(r.list.count, 0);
	}
	assert_false(parse("--json").list.is_given);
	assert_int_equal(parse("--layers a b").list.count, 2);
	assert_int_equal(parse("--layers [] b").list.count, 2);
}

static void test_refusals(void **state UNUSED)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"--sorce x", "unknown option --sorce, did you mean --source?"},
		{"--sorce=x", "did you mean --source?"},
		{"--zzzzzz", "unknown option --zzzzzz\n"},
		{"--sour x", "unknown option --sour"},
		{"-x", "unknown option -x"},
		{"-jx", "unknown option -x"},
		{"--source", "--source needs a value"},
		{"--source --json", "--source needs a value"},
		{"-s", "--source needs a value"},
		{"--json=yes", "--json takes no value"},
		{"--json -j", "--json is given twice"},
		{"-s a --source b", "--source is given twice"},
		{"--endpoint-url x", "--endpoint-url is not for vouchfs: there is none"},
		{"--endpoint-urk x", "unknown option --endpoint-urk\n"}, /* no suggestion that is refused then */
		{"a b c", "unexpected argument \"c\""},
		{"a b c\033[2J", "unexpected argument \"c\\x1b[2J\""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct result r = parse(cases[i].line);
		assert_int_equal(r.exit_code, CLI_EXIT_USAGE);
		if (!strstr(r.err, cases[i].says))
			fail_msg("%s: \"%s\" is not in \"%s\"", cases[i].line, cases[i].says, r.err);
		assert_non_null(strstr(r.err, "Try `vouchfs sign --help`."));
		assert_string_equal(r.out, "");
	}
}

static void test_required(void **state UNUSED)
{
	struct result r = parse_for(&like_aws, true, 0, "--json");
	assert_int_equal(r.exit_code, CLI_EXIT_AWS_USAGE);
	assert_non_null(strstr(r.err, "vouchfs signer put: the following arguments are required: --source"));
	assert_int_equal(parse_for(&like_aws, true, 0, "--source x").exit_code, 0);

	assert_int_equal(parse_for(&plain, false, 1, "").exit_code, CLI_EXIT_USAGE);
	assert_int_equal(parse_for(&plain, false, 1, "file").exit_code, 0);
}

static void test_help_wins(void **state UNUSED)
{
	static const char *const lines[] = {"--help", "--unknown --help", "a b c --help", "--source --help"};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct result r = parse_for(&plain, true, 0, lines[i]);
		assert_int_equal(r.exit_code, 0);
		assert_true(r.done);
		assert_string_equal(r.out, "vouchfs sign - s\n\nExamples:\n");
	}
	assert_false(parse("-- --help").done);
	assert_false(parse("help").done); /* an operand where operands are taken */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	  cmocka_unit_test(test_operands_keep_their_order),
		cmocka_unit_test(test_list),	  cmocka_unit_test(test_list_that_may_be_empty),
		cmocka_unit_test(test_refusals),  cmocka_unit_test(test_required),
		cmocka_unit_test(test_help_wins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
