/* Base64 as RFC 4648 gives it in its examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void encodes(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		const char *text;
	} cases[] = {{"", ""},
		     {"f", "Zg=="},
		     {"fo", "Zm8="},
		     {"foo", "Zm9v"},
		     {"foob", "Zm9vYg=="},
		     {"fooba", "Zm9vYmE="},
		     {"\xff\xef\xbe", "/+++"}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[TEXT_BASE64_SIZE(8)];
		text_base64((const uint8_t *)cases[i].bytes, strlen(cases[i].bytes), text);
		assert_string_equal(text, cases[i].text);
	}
	assert_int_equal(TEXT_BASE64_SIZE(32), 45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(encodes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
