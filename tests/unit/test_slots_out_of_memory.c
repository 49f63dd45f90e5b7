/*
 * Every allocation fails once, and then with all behind it, while what is served is judged again: the kernel forgets
 * what may be blocked now, and asks; nobody is let in by the verdict of before. Linked with failing_malloc.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../sweep/failing_malloc.h"
#include "slots_fixture.h"

#define PUSHED_MAX_BYTES 65536

/* The signature has ended: main's release 1 is blocked. */
static bool judge_once(struct slots_fixture *f, uint64_t nth, bool for_good)
{
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S);
	(void)slots_follow(f->slots);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), 0);

	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + TRUST_FIXTURE_YEAR_S);
	buf_reset(&f->pushed);
	failing_malloc_arm(nth, for_good);
	(void)slots_follow(f->slots);
	bool fired = failing_malloc_disarm();
	gate_fixture_assert_says(&f->pushed, " 1\n");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -EACCES);
	return fired;
}

static void what_is_served_is_judged(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(buf_reserve(&f->pushed, PUSHED_MAX_BYTES), 0); /* the kernel has memory */
	for (int for_good = 0; for_good <= 1; for_good++) {
		uint64_t nth = 1;
		while (judge_once(f, nth, for_good == 1))
			nth++;
		assert_true(nth > 3); /* it did hit something */
		print_message("%llu points%s\n", (unsigned long long)nth, for_good ? ", for good" : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_served_is_judged, slots_fixture_setup, slots_fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
