/* When a source is looked at again. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fetch/schedule.h"

#define HIGHEST (SCHEDULE_JITTER_PARTS - 1)

static void test_interval_and_its_jitter(void **state UNUSED)
{
	assert_int_equal(schedule_pause_ms(300000, 0, 0), 270000);
	assert_int_equal(schedule_pause_ms(300000, 0, HIGHEST), 330000);
	uint64_t middle_ms = schedule_pause_ms(300000, 0, HIGHEST / 2);
	assert_in_range(middle_ms, 299000, 301000);
	for (unsigned draw = 0; draw < HIGHEST; draw++)
		assert_true(schedule_pause_ms(300000, 0, draw) <= schedule_pause_ms(300000, 0, draw + 1));
}

static void test_failures_come_back_sooner_and_then_later(void **state UNUSED)
{
	static const uint64_t least_ms[] = {270000, 4500, 9000, 18000, 36000, 72000, 144000, 270000, 270000};
	for (unsigned failures = 0; failures < ARRAY_SIZE(least_ms); failures++)
		assert_int_equal(schedule_pause_ms(300000, failures, 0), least_ms[failures]);
	assert_int_equal(schedule_pause_ms(300000, 4000000000U, HIGHEST), 330000);
}

static void test_a_failure_makes_no_interval_longer(void **state UNUSED)
{
	assert_int_equal(schedule_pause_ms(1000, 1, 0), 900);
	assert_int_equal(schedule_pause_ms(1000, 9, HIGHEST), 1100);
}

static void test_the_dice(void **state UNUSED)
{
	bool differs = false;
	unsigned first = schedule_draw();
	for (int i = 0; i < 200; i++) {
		unsigned draw = schedule_draw();
		assert_true(draw < SCHEDULE_JITTER_PARTS);
		differs |= draw != first;
	}
	assert_true(differs);
	assert_int_equal(setenv("VOUCHFS_TEST_JITTER", "7", 1), 0);
	assert_int_equal(schedule_draw(), 7);
	assert_int_equal(unsetenv("VOUCHFS_TEST_JITTER"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval_and_its_jitter),
		cmocka_unit_test(test_failures_come_back_sooner_and_then_later),
		cmocka_unit_test(test_a_failure_makes_no_interval_longer),
		cmocka_unit_test(test_the_dice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
