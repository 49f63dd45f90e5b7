/* The supervisor's side of vouchfs-fetch: what keeps it from being started for a while, and what for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fs/fetcher.h"
#include "../../src/fs/plan.h"

static struct plan plan_of(const char *why_not)
{
	static char source[] = "file:///nowhere", mountpoint[] = "/nowhere/mnt";
	struct plan plan = {.kind = PLAN_DEPLOYMENT, .mountpoint = mountpoint, .foreground = true};
	plan.fetch.source = source;
	plan.fetch.interval_s = 60;
	explain_set(&plan.fetch.why_not, "%s", why_not);
	return plan;
}

static void where_no_descriptor_is_left_it_is_tried_again(void **state)
{
	(void)state;
	struct fetcher fetcher = FETCHER_NONE;
	const struct plan plan = plan_of("");
	struct rlimit before, none;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	fetcher_begin(&fetcher, &plan);
	uint64_t first_ms = fetcher.due_ms;
	fetcher_take_time(&fetcher);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(fetcher.state, FETCHER_WAITING);
	assert_true(first_ms < UINT64_MAX && fetcher.due_ms < UINT64_MAX);
	assert_true(fetcher.due_ms >= first_ms + 1000); /* later each time */
	fetcher_end(&fetcher);
	assert_int_equal(fetcher.state, FETCHER_OFF);
}

static void what_does_not_pass_is_given_up(void **state)
{
	(void)state;
	struct fetcher fetcher = FETCHER_NONE;
	const struct plan plan = plan_of("there is nobody who could fetch");
	fetcher_begin(&fetcher, &plan);
	assert_int_equal(fetcher.state, FETCHER_GIVEN_UP);
	assert_true(fetcher.due_ms == UINT64_MAX);
	fetcher_end(&fetcher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_no_descriptor_is_left_it_is_tried_again),
		cmocka_unit_test(what_does_not_pass_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
