/*
 * Every file tests/data/config/should-fail-<reason>.conf says what is wrong with it (config_expect.h), and must be
 * refused with those errors, in that order, and no other. They are copied first, because a checkout's modes follow the
 * umask of whoever made it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "config_expect.h"
#include "config_files.h"

#define DATA	  "tests/data/config"
#define FILES_MIN 90

static void check_file(void *ctx, const char *name, const struct buf *bytes)
{
	struct config_files *files = ctx;
	config_files_write(files, "vouchfs.conf", bytes->data, bytes->len);

	int r = config_files_load(files);
	if (r != -EINVAL || files->config)
		fail_msg("%s: expected -EINVAL, found %d", name, r);

	config_expect_errors(name, bytes->data, files->main_path, files->errors.data);
}

static void refuses_with_the_expected_errors(void **state)
{
	config_expect_each(DATA, FILES_MIN, check_file, *state);
}

static void stops_printing_after_a_hundred_errors(void **state)
{
	struct buf text = {0};
	assert_int_equal(buf_puts(&text, "[vouchfs]\naccount = 111122223333\n"), 0);
	for (int i = 0; i < 150; i++)
		assert_int_equal(buf_printf(&text, "nonsense_%d = 1\n", i), 0);
	config_files_write(*state, "vouchfs.conf", text.data, text.len);
	buf_done(&text);

	struct config_files *files = *state;
	assert_int_equal(config_files_load(files), -EINVAL);
	assert_non_null(strstr(files->errors.data, "\"nonsense_99\""));
	assert_null(strstr(files->errors.data, "\"nonsense_100\""));
	assert_true(text_ends_with(files->errors.data, "\n50 more errors are not shown\n"));
}

static void escapes_what_it_quotes(void **state)
{
	config_files_good(*state, "group = \xc3\xa4\xff\\\n");
	config_files_expect_error(*state, "group = \"\\xc3\\xa4\\xff\\\\\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refuses_with_the_expected_errors, config_files_setup,
						config_files_teardown),
		cmocka_unit_test_setup_teardown(stops_printing_after_a_hundred_errors, config_files_setup,
						config_files_teardown),
		cmocka_unit_test_setup_teardown(escapes_what_it_quotes, config_files_setup, config_files_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
