/* What would be refused under Enforce, and what ends: as it is read, and for programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "views_fixture.h"

#define set overview_fixture_set

static const struct overview_screen plain = {.columns = 80};

static void print(const struct overview *overview, unsigned days, struct buf *ret)
{
	assert_int_equal(overview_print_enforce(overview, days, &plain, ret), 0);
}

static void assert_text(const struct overview *overview, unsigned days, const char *expected)
{
	struct buf text = {0};
	print(overview, days, &text);
	assert_string_equal(text.data, expected);
	buf_done(&text);
}

static void test_troubled(void **state UNUSED)
{
	struct overview *overview = overview_fixture_new_troubled();
	struct buf text = {0};
	assert_int_equal(overview_count_enforce(overview), 3);
	print(overview, 30, &text);
	views_fixture_assert_fits(&text);
	views_fixture_compare(&text, "enforce.txt");
	buf_reset(&text);
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	assert_int_equal(overview_put_enforce(&j, overview, 30), 0);
	json_close(&j);
	assert_int_equal(json_end(&j), 0);
	assert_int_equal(buf_putc(&text, '\n'), 0);
	views_fixture_compare(&text, "enforce.json");
	buf_done(&text);
	overview_free(overview);
}

static void test_nothing(void **state UNUSED)
{
	struct overview *overview = overview_fixture_new();
	assert_int_equal(overview_count_enforce(overview), 0);
	assert_text(overview, 1,
		    "Nothing is deployed, so nothing would be refused.\n"
		    "\n"
		    "Nothing expires within 1 day.\n");
	(void)overview_fixture_add_function(overview, "main");
	assert_int_equal(overview_count_enforce(overview), 0);
	assert_text(overview, 3,
		    "If everything were set to Enforce today, all 1 slot would pass.\n"
		    "\n"
		    "Nothing expires within 3 days.\n");
	overview_free(overview);
}

/* A day is in when it is within, to the second. */
static void test_days(void **state UNUSED)
{
	struct overview *overview = overview_fixture_new();
	struct overview_slot *slot = overview_fixture_add_function(overview, "main");
	struct buf text = {0};
	slot->expires_at_s = overview->now_s + 5 * 86400;
	print(overview, 4, &text);
	assert_null(strstr(text.data, "functions/main"));
	buf_reset(&text);
	print(overview, 5, &text);
	assert_non_null(strstr(text.data, "  2026-11-26  in 5 days     signature of functions/main\n"));
	buf_reset(&text);
	slot->expires_at_s++;
	print(overview, 5, &text);
	assert_null(strstr(text.data, "functions/main"));
	buf_done(&text);
	overview_free(overview);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_troubled),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_days),
	};
	return cmocka_run_group_tests_name("enforce", tests, NULL, NULL);
}
