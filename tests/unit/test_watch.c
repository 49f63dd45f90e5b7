/* The loop's part of policy on load: it wakes for what matters, does what is to be done, and sleeps else. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/fs/watch.h"
#include "base/clock.h"
#include "slots_fixture.h"

#define LIST	    "account.revocations"
#define DEADLINE_MS 5000

static struct watch watch = WATCH_NONE;

static int set_up(void **state)
{
	if (slots_fixture_setup(state) != 0)
		return -1;
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	return watch_init(&watch, f->slots);
}

static int tear_down(void **state)
{
	watch_done(&watch);
	return slots_fixture_teardown(state);
}

static bool wakes(int timeout_ms)
{
	struct pollfd fd = {.fd = watch.fd, .events = POLLIN};
	return poll(&fd, 1, timeout_ms) == 1;
}

/* Runs until it sleeps. */
static void run(void)
{
	while (wakes(0))
		watch_run(&watch);
}

static bool is_blocked(struct slots_fixture *f)
{
	return slots_fixture_count_records(f, "release-blocked") > slots_fixture_count_records(f, "release-unblocked");
}

static void put_revoking_list(struct slots_fixture *f, uint64_t sequence)
{
	const struct revocation entry = {.kind = REVOCATION_PROFILE_VERSION,
					 .profile_version = f->host->alice.profile_version,
					 .effective_s = TRUST_FIXTURE_NOW_S - TRUST_FIXTURE_DAY_S,
					 .revoked_at_s = TRUST_FIXTURE_NOW_S,
					 .reason = "leaked"};
	gate_fixture_put_list(f->host, sequence, &entry);
}

static void a_list_that_changes(void **state)
{
	struct slots_fixture *f = *state;
	run();
	assert_false(wakes(0));
	put_revoking_list(f, 43);
	assert_true(wakes(0));
	run();
	assert_true(is_blocked(f));
	assert_false(wakes(0));
}

static void a_clock_that_is_set(void **state)
{
	struct slots_fixture *f = *state;
	run();
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + TRUST_FIXTURE_YEAR_S);
	run();
	assert_true(is_blocked(f));
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S);
	run();
	assert_false(is_blocked(f));
}

static void a_list_that_stays_bad(void **state)
{
	struct slots_fixture *f = *state;
	gate_fixture_write(f->host, LIST, "hello\n", 6);
	run();
	assert_false(is_blocked(f));
	uint64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
	while (!is_blocked(f)) {
		assert_true(clock_monotonic_ms() < deadline_ms);
		assert_true(wakes(DEADLINE_MS)); /* by itself */
		run();
	}
	assert_false(wakes(0));
}

static void a_reload_that_names_another_list(void **state)
{
	struct slots_fixture *f = *state;
	struct buf errors = {0}, text = {0};
	assert_int_equal(buf_printf(&text,
				    "[vouchfs]\naccount = " GATE_FIXTURE_ACCOUNT "\nregion = local\nstore = %s/store\n"
				    "durability = none\n[account " GATE_FIXTURE_ACCOUNT "]\n"
				    "certificate = account.pem\nrevocations = lists/moved\n%s",
				    f->host->dir, slots_fixture_rest),
			 0);
	assert_int_equal(io_mkdirat(f->host->dirfd, "lists", 0700), 0);
	assert_int_equal(io_renameat(f->host->dirfd, LIST, f->host->dirfd, "lists/moved"), 0);
	gate_fixture_write(f->host, "vouchfs.conf", text.data, text.len);
	assert_int_equal(slots_reload(f->slots, &errors), 0);
	watch_renew(&watch);
	run();
	put_revoking_list(f, 43); /* at the old place */
	run();
	assert_false(is_blocked(f));
	assert_int_equal(io_renameat(f->host->dirfd, LIST, f->host->dirfd, "lists/moved"), 0);
	run();
	assert_true(is_blocked(f));
	buf_done(&text);
}

/* Between reading the lists and watching them. */
static void a_list_that_changed_before_it_was_watched(void **state)
{
	struct slots_fixture *f = *state;
	watch_done(&watch);
	put_revoking_list(f, 43);
	assert_int_equal(watch_init(&watch, f->slots), 0);
	assert_true(is_blocked(f));
}

static void one_that_never_was(void **state UNUSED)
{
	struct watch none = WATCH_NONE;
	watch_renew(&none);
	watch_done(&none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_that_changes),
		TEST(a_clock_that_is_set),
		TEST(a_list_that_stays_bad),
		TEST(a_reload_that_names_another_list),
		TEST(a_list_that_changed_before_it_was_watched),
		TEST(one_that_never_was),
	};
	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
