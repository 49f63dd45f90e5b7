/* Times in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/words.h"

static int64_t at(const char *utc)
{
	int64_t at_s = 0;
	assert_true(clock_parse_utc(utc, strlen(utc), &at_s));
	return at_s;
}

static void test_words(void **state UNUSED)
{
	static const struct {
		const char *time, *now, *words;
	} cases[] = {
		{"2038-02-21T17:27:12Z", "2026-11-21T17:27:12Z", "in 135 months"},
		{"2038-02-21T17:27:12Z", "2026-11-21T17:27:13Z", "in 134 months"},
		{"2026-11-21T17:27:12Z", "2027-02-21T17:27:12Z", "3 months ago"},
		{"2027-01-21T17:27:12Z", "2026-11-21T17:27:12Z", "in 2 months"},
		{"2027-01-21T17:27:11Z", "2026-11-21T17:27:12Z", "in 60 days"},
		{"2026-11-23T17:27:12Z", "2026-11-21T17:27:12Z", "in 2 days"},
		{"2026-11-23T17:27:11Z", "2026-11-21T17:27:12Z", "in 47 hours"},
		{"2026-11-21T17:27:12Z", "2026-11-21T19:27:11Z", "119 minutes ago"},
		{"2026-11-21T17:27:12Z", "2026-11-21T17:29:11Z", "119 seconds ago"},
		{"2026-11-21T17:27:12Z", "2026-11-21T17:27:13Z", "a second ago"},
		{"2026-11-21T17:27:13Z", "2026-11-21T17:27:12Z", "in a second"},
		{"2026-11-21T17:27:12Z", "2026-11-21T17:27:12Z", "now"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char words[CLI_WORDS_SIZE];
		assert_string_equal(cli_time_words(at(cases[i].time), at(cases[i].now), words), cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
