/* text_unescape_print takes back exactly what text_escape_print writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void test_round_trip(void **state UNUSED)
{
	char all[255], escaped[4 * sizeof(all) + 4], back[sizeof(all) + 1];
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)(i + 1);
	text_escape_print(escaped, sizeof(escaped), all, sizeof(all));
	size_t len;
	assert_true(text_unescape_print(escaped, strlen(escaped), back, sizeof(back), &len));
	assert_int_equal(len, sizeof(all));
	assert_memory_equal(back, all, sizeof(all));
	assert_int_equal(back[len], '\0');
}

static void test_refuses_the_rest(void **state UNUSED)
{
	static const char *const bad[] = {"\\",	   "\\x",   "\\x0",  "\\n", "\\X00", "\\x0G",
					  "\\x41", "\\x5c", "\\xFF", "\n",  "\x80"};
	char back[8];
	size_t len = 77;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (text_unescape_print(bad[i], strlen(bad[i]), back, sizeof(back), &len))
			fail_msg("case %zu", i);
	assert_false(text_unescape_print("12345678", 8, back, sizeof(back), &len));
	assert_int_equal(len, 77);
	assert_true(text_unescape_print("1234567", 7, back, sizeof(back), &len));
	assert_int_equal(len, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refuses_the_rest),
	};
	return cmocka_run_group_tests_name("text_unescape", tests, NULL, NULL);
}
