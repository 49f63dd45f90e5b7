/* When the daemon's main thread sweeps, and how long it sleeps. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/fs/sweep.h"
#include "base/clock.h"
#include "gate_fixture.h"

#define NEVER UINT64_MAX

struct swept {
	struct sweep sweep;
	unsigned count;
	uint64_t next_ms; /* what the next sweep answers */
};

static uint64_t count_sweep(void *tree)
{
	struct swept *s = tree;
	s->count++;
	return s->next_ms;
}

static const struct tree_ops ops = {.sweep = count_sweep};

static void run(struct swept *s)
{
	sweep_run(&s->sweep, &ops, s);
}

static void move_clock_s(struct gate_fixture *f, int64_t by_s)
{
	gate_fixture_set_clock(f, clock_now_s() + by_s);
}

/* One sweep at the start; then asleep. */
static void start(struct gate_fixture *f, struct swept *s)
{
	*s = (struct swept){.next_ms = NEVER};
	gate_fixture_set_clock(f, clock_now_s());
	assert_int_equal(sweep_init(&s->sweep), 0);
	assert_int_equal(sweep_timeout_ms(&s->sweep), 0);
	run(s);
	assert_int_equal(s->count, 1);
	assert_int_equal(sweep_timeout_ms(&s->sweep), -1);
}

static bool is_woken(const struct swept *s)
{
	struct pollfd fd = {.fd = s->sweep.fd, .events = POLLIN};
	return poll(&fd, 1, 0) == 1;
}

static void it_sleeps_while_nothing_waits(void **state)
{
	struct swept s;
	start(*state, &s);
	move_clock_s(*state, 1000000);
	run(&s);
	assert_int_equal(s.count, 1);
	assert_false(is_woken(&s));
	sweep_done(&s.sweep);
}

static void pokes_that_come_together_are_one_sweep(void **state)
{
	struct swept s;
	start(*state, &s);
	sweep_poke(&s.sweep);
	assert_true(is_woken(&s));
	run(&s);
	assert_false(is_woken(&s));
	assert_int_equal(s.count, 1);
	assert_int_equal(sweep_timeout_ms(&s.sweep), 1000);
	sweep_poke(&s.sweep);
	assert_false(is_woken(&s)); /* it looks in a moment anyway */
	move_clock_s(*state, 1);
	run(&s);
	assert_int_equal(s.count, 2);
	assert_int_equal(sweep_timeout_ms(&s.sweep), -1);
	sweep_done(&s.sweep);
}

static void a_poke_does_not_wait_for_what_is_due_tomorrow(void **state)
{
	struct swept s;
	start(*state, &s);
	sweep_poke(&s.sweep);
	move_clock_s(*state, 1);
	s.next_ms = 86400000;
	run(&s);
	assert_int_equal(sweep_timeout_ms(&s.sweep), 86400000);
	sweep_poke(&s.sweep);
	assert_true(is_woken(&s));
	assert_int_equal(sweep_timeout_ms(&s.sweep), 1000);
	move_clock_s(*state, 1);
	s.next_ms = 5000;
	run(&s);
	assert_int_equal(s.count, 3);
	assert_int_equal(sweep_timeout_ms(&s.sweep), 5000);
	sweep_done(&s.sweep);
}

static void what_is_due_at_once_is_swept_at_once(void **state)
{
	struct swept s;
	start(*state, &s);
	sweep_poke(&s.sweep);
	move_clock_s(*state, 1);
	s.next_ms = 0;
	run(&s);
	assert_int_equal(sweep_timeout_ms(&s.sweep), 0);
	run(&s);
	assert_int_equal(s.count, 3);
	sweep_done(&s.sweep);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_fixture_setup, gate_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_sleeps_while_nothing_waits),
		TEST(pokes_that_come_together_are_one_sweep),
		TEST(a_poke_does_not_wait_for_what_is_due_tomorrow),
		TEST(what_is_due_at_once_is_swept_at_once),
	};
	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
