/* Reads of a file whose content is a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void gives_the_part_that_there_is(void **state UNUSED)
{
	static const struct {
		uint64_t offset;
		size_t len;
		const char *expected;
	} rows[] = {
		{0, 3, "abc"}, {0, 1, "a"}, {1, 2, "bc"}, {1, 9, "bc"},
		{2, 2, "c"},   {2, 0, ""},  {3, 1, ""},	  {UINT64_MAX, 1, ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char buf[16] = "................";
		size_t got = text_read("abc", 3, buf, rows[i].len, rows[i].offset);
		assert_int_equal(got, strlen(rows[i].expected));
		assert_memory_equal(buf, rows[i].expected, got);
		assert_int_equal(buf[got], '.'); /* and nothing behind it */
	}
	assert_int_equal(text_read(NULL, 0, NULL, 5, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(gives_the_part_that_there_is)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
