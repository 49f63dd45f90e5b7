/*
 * The archives in tests/data/zip. should-fail-RNN-why.zip must be refused by rule NN; should-pass-tool.zip, made by the
 * tools of Debian 12, must pass.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "zip_probe.h"

#define DATA_DIR  "tests/data/zip" /* tests run at the top of the project */
#define FILE_MAX  (64U * 1024U)
#define FILES_MIN 30U

static unsigned expected_rule(const char *name)
{
	if (text_starts_with(name, "should-pass-"))
		return 0;
	assert_true(text_starts_with(name, "should-fail-R"));
	return (unsigned)strtoul(name + strlen("should-fail-R"), NULL, 10);
}

static void probe_file(int dirfd, const char *name)
{
	struct buf zip = {0};
	struct zip_refusal refusal;
	assert_int_equal(io_read_file(dirfd, name, FILE_MAX, &zip), 0);
	unsigned rule = zip_probe(&zip, &refusal);
	buf_done(&zip);
	if (rule != expected_rule(name))
		fail_msg("%s: got rule %u %s", name, rule, refusal.text.text);
}

static void test_files(void **state UNUSED)
{
	unsigned count = 0;
	DIR *dir = opendir(DATA_DIR);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		probe_file(dirfd(dir), entry->d_name);
		count++;
	}
	assert_int_equal(closedir(dir), 0);
	assert_true(count >= FILES_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_files)};
	return cmocka_run_group_tests_name("zip_files", tests, NULL, NULL);
}
