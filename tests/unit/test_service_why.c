/* A signing service's notes, taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/cli/service.h"

static struct service_why parse(const char *text)
{
	struct service_why why;
	service_why_parse(text, &why);
	return why;
}

static void test_refused(void **state)
{
	(void)state;
	struct service_why why = parse("ZIP-R02 refused  slot=release  artifact=app.zip  account=555555555555\n"
				       "  check zip         FAILED  ZIP-R02: FAILED  (here)\n"
				       "  expected          a ZIP\n"
				       "  remedy            make one\n"
				       "  by                uid 5 gid 5 pid 4711 x pid 1  at 2026-11-21T17:27:12Z\n");
	assert_string_equal(why.check, "zip");
	assert_string_equal(why.found, "ZIP-R02: FAILED  (here)");
	assert_string_equal(why.expected, "a ZIP");
	assert_string_equal(why.remedy, "make one");
	assert_int_equal(why.pid, 4711);
}

static void test_signed(void **state)
{
	(void)state;
	struct service_why why = parse("signed  slot=release  artifact=app.zip  account=555555555555\n"
				       "  detail            a comment was dropped\n"
				       "  job               621a6850-a128-42db-bc30-bd65cc54e187\n"
				       "  by                uid 5 gid 5 pid 12 cp  at 2026-11-21T17:27:12Z");
	assert_string_equal(why.check, "");
	assert_string_equal(why.found, "a comment was dropped");
	assert_string_equal(why.remedy, "");
	assert_int_equal(why.pid, 12);
}

static void test_what_is_no_note(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"\n\n\n",
		"  ",
		"  check ",
		"  check zip\n  FAILED  on another line\n",
		"  remedy\n",
		"  by                uid 5",
		"  by                uid 5 gid 5 pid x cp\n",
		"  by                uid 5 gid 5 pid 99999999999 cp\n",
		"by                  uid 5 gid 5 pid 12 cp\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct service_why why = parse(texts[i]);
		assert_string_equal(why.check, "");
		assert_string_equal(why.found, "");
		assert_string_equal(why.remedy, "");
		assert_int_equal(why.pid, 0);
	}
}

static void test_too_long_is_cut(void **state)
{
	(void)state;
	char text[4 * EXPLAIN_MAX];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "  remedy            ", 20);
	assert_int_equal(strlen(parse(text).remedy), EXPLAIN_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_what_is_no_note),
		cmocka_unit_test(test_too_long_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
