/* Which options of paging go together, and where a page ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/cli/page.h"
#include "capture.h"

static const struct cli_command command = {.group = "signer", .name = "list-things"};

static int check(struct cli_page *page, const char *says)
{
	struct capture capture;
	struct buf out, err;
	capture_begin(&capture);
	int exit_code = cli_page_check(&command, page);
	capture_end(&capture, &out, &err);
	if (says)
		assert_non_null(strstr(err.data, says));
	else
		assert_int_equal(err.len, 0);
	buf_done(&out);
	buf_done(&err);
	return exit_code;
}

static void test_what_goes_together(void **state UNUSED)
{
	static const struct {
		struct cli_page page;
		size_t limit;
		const char *after;
	} good[] = {
		{{0}, 0, NULL},
		{{.max_results = "25", .next_token = "t"}, 25, "t"},
		{{.max_items = "1000", .starting_token = "t", .page_size = "7"}, 1000, "t"},
		{{.no_paginate = true, .max_results = "1"}, 1, NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct cli_page page = good[i].page;
		assert_int_equal(check(&page, NULL), 0);
		assert_int_equal(page.limit, good[i].limit);
		assert_ptr_equal(page.after, good[i].after);
	}
}

static void test_what_does_not(void **state UNUSED)
{
	static const struct {
		struct cli_page page;
		const char *says;
	} bad[] = {
		{{.max_results = "0"}, "--max-results is a number from 1 to 25"},
		{{.max_results = "26"}, "--max-results is a number from 1 to 25"},
		{{.max_results = "x"}, "--max-results is a number"},
		{{.max_items = "0"}, "--max-items is a number from 1"},
		{{.page_size = "-1"}, "--page-size is a number from 1"},
		{{.max_results = "1", .max_items = "1"}, "do not go with --max-results and --next-token"},
		{{.next_token = "t", .page_size = "1"}, "do not go with --max-results and --next-token"},
		{{.no_paginate = true, .max_items = "1"}, "do not go with --no-paginate"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct cli_page page = bad[i].page;
		assert_int_equal(check(&page, bad[i].says), CLI_EXIT_AWS_USAGE);
	}
}

static void test_a_page_ends(void **state UNUSED)
{
	struct cli_page all = {0}, two = {.limit = 2};
	for (int i = 0; i < 1000; i++)
		assert_false(cli_page_is_full(&all));
	assert_false(cli_page_is_full(&two));
	assert_false(cli_page_is_full(&two));
	assert_true(cli_page_is_full(&two));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_goes_together),
		cmocka_unit_test(test_what_does_not),
		cmocka_unit_test(test_a_page_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
