/* The timer of policy on load: it fires in time, not before, and for whoever is first. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/slots/due.h"
#include "base/clock.h"

static int set_up(void **state)
{
	static struct due due;
	(void)unsetenv("VOUCHFS_TEST_CLOCK");
	*state = &due;
	return due_init(&due);
}

static int tear_down(void **state)
{
	due_done(*state);
	(void)unsetenv("VOUCHFS_TEST_CLOCK");
	return 0;
}

static bool fires_within(const struct due *due, int timeout_ms)
{
	struct pollfd fd = {.fd = due->fd, .events = POLLIN};
	return poll(&fd, 1, timeout_ms) == 1;
}

static void asleep_while_nothing_is_due(void **state)
{
	struct due *due = *state;
	assert_false(fires_within(due, 0));
	due_by(due, INT64_MAX);
	due_by(due, clock_now_s() + 3600);
	assert_false(fires_within(due, 0));
}

static void what_is_past_is_due_at_once_and_taken_once(void **state)
{
	struct due *due = *state;
	due_by(due, clock_now_s() - 1);
	assert_true(fires_within(due, 0));
	due_take(due);
	assert_false(fires_within(due, 0));
	due_by(due, INT64_MIN + 1);
	assert_true(fires_within(due, 0));
}

static void the_first_moment_counts(void **state)
{
	struct due *due = *state;
	int64_t now_s = clock_now_s();
	due_by(due, now_s + 3600);
	due_by(due, now_s + 1);
	due_by(due, now_s + 7200);
	assert_true(fires_within(due, 5000));
	assert_true(clock_now_s() >= now_s + 1);
}

static void who_asks_for_now_is_not_put_off(void **state)
{
	struct due *due = *state;
	due_now(due);
	due_by(due, clock_now_s() + 3600);
	assert_true(fires_within(due, 0));
	due_take(due);
	assert_false(fires_within(due, 0));
}

/* Else a test whose clock stands in the past would keep it firing. */
static void times_of_a_test_clock_are_not_waited_for(void **state)
{
	struct due *due = *state;
	assert_int_equal(setenv("VOUCHFS_TEST_CLOCK", "/nonexistent", 1), 0);
	due_by(due, 1);
	assert_false(fires_within(due, 0));
	due_now(due);
	assert_true(fires_within(due, 0));
}

static void one_that_was_never_opened_can_be_closed(void **state UNUSED)
{
	struct due due = {.fd = -1};
	due_done(&due);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asleep_while_nothing_is_due),
		TEST(what_is_past_is_due_at_once_and_taken_once),
		TEST(the_first_moment_counts),
		TEST(who_asks_for_now_is_not_put_off),
		TEST(times_of_a_test_clock_are_not_waited_for),
		TEST(one_that_was_never_opened_can_be_closed),
	};
	return cmocka_run_group_tests_name("due", tests, NULL, NULL);
}
