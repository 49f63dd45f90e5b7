/* Releases that fell out of keep_releases (two, here) while somebody was on the way to them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "slots_fixture.h"

#define TEAM "functions/team-x"

static void deploy_many(struct slots_fixture *f, const char *function, unsigned count)
{
	char marker[16];
	for (unsigned i = 1; i <= count; i++) {
		(void)snprintf(marker, sizeof(marker), "marker %u", i);
		slots_fixture_deploy(f, function, marker);
	}
}

static int has_release(struct slots_fixture *f, const char *function, unsigned number)
{
	char path[64];
	(void)snprintf(path, sizeof(path), ".releases/%s/%u", function, number);
	return slots_fixture_run_has(f, path);
}

static bool is_stored(struct slots_fixture *f, const char *function, unsigned number)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "store/functions/%s/releases/%u", function, number);
	return slots_fixture_has_file(f, path);
}

static void assert_marker(struct slots_fixture *f, const char *path, const char *expected)
{
	int error;
	const char *found = slots_fixture_marker(f, path, &error);
	assert_int_equal(error, 0);
	assert_string_equal(found, expected);
}

static bool add_name(void *ctx, const struct slots_dirent *entry)
{
	return buf_printf(ctx, "%s ", entry->name) == 0;
}

static void assert_lists(struct slots_fixture *f, const char *expected)
{
	struct slots_attr directory;
	struct buf names = {0};
	assert_int_equal(slots_fixture_run_path(f, ".releases/main", &directory), 0);
	assert_int_equal(run_readdir(f->slots, directory.node, 0, add_name, &names), 0);
	assert_string_equal(names.data, expected);
	run_forget(f->slots, directory.node, 1);
	buf_done(&names);
}

static void move_clock_ms(struct slots_fixture *f, int64_t by_ms)
{
	gate_fixture_set_clock(f->host, clock_now_s() + by_ms / 1000);
}

/* Whoever was quick enough to look it up keeps the path to it. */
static void what_appears_is_not_dropped(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr releases, directory, release;
	char entry[64];
	deploy_many(f, "main", 1);
	assert_int_equal(slots_fixture_run_path(f, ".releases", &releases), 0);
	assert_int_equal(slots_fixture_run_path(f, ".releases/main", &directory), 0);
	assert_int_equal(slots_fixture_run_path(f, ".releases/main/1", &release), 0);
	(void)snprintf(entry, sizeof(entry), "entry %llu main\n", (unsigned long long)releases.node);
	assert_null(strstr(f->pushed.data, entry));
	(void)snprintf(entry, sizeof(entry), "entry %llu 1\n", (unsigned long long)directory.node);
	assert_null(strstr(f->pushed.data, entry));
	gate_fixture_assert_says(&f->pushed, "entry 1 main\n"); /* the link */
	assert_false(run_keeps_missing(f->slots, releases.node));
	assert_false(run_keeps_missing(f->slots, directory.node));
	assert_true(run_keeps_missing(f->slots, release.node));
	assert_true(run_keeps_missing(f->slots, RUN_ROOT));
	run_forget(f->slots, release.node, 1);
	run_forget(f->slots, directory.node, 1);
}

static void who_has_read_the_link_finds_what_it_names(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr link;
	struct buf target = {0}, history = {0};
	deploy_many(f, "main", 1);
	assert_int_equal(slots_fixture_run_path(f, "main", &link), 0);
	deploy_many(f, "main", 3);
	assert_int_equal(run_readlink(f->slots, link.node, &target),
			 0); /* a link that the kernel has not dropped yet */
	assert_string_equal(target.data, ".releases/main/1");
	assert_marker(f, ".releases/main/1/task/marker", "marker 1");
	assert_marker(f, ".releases/main/2/task/marker", "marker 1");
	run_forget(f->slots, link.node, 1);

	assert_lists(f, ". .. 3 4 ");
	slots_fixture_read(f, ".vouchfs/history/functions/main", &history);
	gate_fixture_assert_says(&history, "2 releases are kept");
	buf_done(&history);
	buf_done(&target);
}

static void it_goes_when_the_time_is_over(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr directory;
	char entry[64];
	gate_fixture_set_clock(f->host, clock_now_s());
	deploy_many(f, "main", 3);
	move_clock_ms(f, LIMIT_RELEASE_GRACE_MS - 1000);
	assert_int_equal(slots_sweep(f->slots), 1000);
	assert_int_equal(has_release(f, "main", 1), 0);

	move_clock_ms(f, 1000);
	assert_int_equal(slots_fixture_run_path(f, ".releases/main", &directory), 0);
	buf_reset(&f->pushed);
	assert_int_equal(slots_sweep(f->slots), UINT64_MAX); /* nothing waits any more: nobody is woken up */
	(void)snprintf(entry, sizeof(entry), "entry %llu 1\n", (unsigned long long)directory.node);
	gate_fixture_assert_says(&f->pushed, entry);
	run_forget(f->slots, directory.node, 1);
	assert_int_equal(has_release(f, "main", 1), -ENOENT);
	assert_false(is_stored(f, "main", 1));
	assert_true(is_stored(f, "main", 2));
	assert_int_equal(has_release(f, "main", 2), 0);
}

/* Whoever reads the link now reads another one for long: nothing is to wait. */
static void what_was_replaced_long_ago_goes_at_once(void **state)
{
	struct slots_fixture *f = *state;
	deploy_many(f, "main", 2);
	slots_fixture_pass_grace(f);
	assert_int_equal(has_release(f, "main", 1), 0); /* it is kept */
	deploy_many(f, "main", 1);
	assert_int_equal(has_release(f, "main", 1), -ENOENT);
	assert_false(is_stored(f, "main", 1));
	assert_int_equal(slots_sweep(f->slots), UINT64_MAX);
}

static void a_rollback_takes_nothing_that_is_not_kept(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr control;
	struct tree_handle *file;
	deploy_many(f, "main", 3);
	assert_int_equal(has_release(f, "main", 1), 0);
	assert_int_equal(slots_fixture_deploy_path(f, ".vouchfs/rollback/functions/main", &control), 0);
	assert_int_equal(deploy_open(f->slots, control.node, 1, &slots_fixture_caller, &file), 0);
	assert_int_equal(deploy_write(file, "1", 1, 0), -ENOENT);
	deploy_release(file);
}

static void no_more_than_so_many_wait(void **state)
{
	struct slots_fixture *f = *state;
	const unsigned kept = 2;
	deploy_many(f, "main", kept + LIMIT_RELEASES_IN_GRACE);
	assert_int_equal(has_release(f, "main", 1), 0);
	deploy_many(f, "main", 1);
	assert_int_equal(has_release(f, "main", 1), -ENOENT);
	assert_false(is_stored(f, "main", 1));
	assert_int_equal(has_release(f, "main", 2), 0);
	gate_fixture_set_clock(f->host, clock_now_s() + LIMIT_RELEASE_GRACE_MS / 1000 + 1);
	assert_int_equal(slots_sweep(f->slots), 0); /* a few at a time */
	assert_int_equal(has_release(f, "main", LIMIT_RELEASES_IN_GRACE + 1), 0);
	slots_fixture_pass_grace(f);
	assert_int_equal(has_release(f, "main", LIMIT_RELEASES_IN_GRACE + 1), -ENOENT);
	assert_int_equal(has_release(f, "main", LIMIT_RELEASES_IN_GRACE + 2), 0);
}

static void count_poke(void *ctx)
{
	++*(unsigned *)ctx;
}

static void the_sweep_is_told_when_something_waits(void **state)
{
	struct slots_fixture *f = *state;
	unsigned pokes = 0;
	slots_set_sweeper(f->slots, &(struct slots_sweeper){.ctx = &pokes, .poke = count_poke});
	deploy_many(f, "main", 2);
	assert_int_equal(pokes, 0);
	deploy_many(f, "main", 1);
	assert_int_equal(pokes, 1);
	slots_set_sweeper(f->slots, &(struct slots_sweeper){0});
}

static void a_slot_that_is_removed_takes_them_with_it(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr held, attr;
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), 0);
	deploy_many(f, "team-x", 4);
	assert_int_equal(slots_fixture_run_path(f, ".releases/team-x/1/task/marker", &held), 0);
	assert_int_equal(slots_fixture_unlink(f, TEAM, "a.zip"), 0);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-x"), 0);
	assert_int_equal(has_release(f, "team-x", 1), -ENOENT);
	assert_int_equal(run_getattr(f->slots, held.node, &attr), 0); /* who uses it goes on */
	assert_int_equal(slots_sweep(f->slots), UINT64_MAX);
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), 0);
	deploy_many(f, "team-x", 1);
	run_forget(f->slots, held.node, 1);
	assert_marker(f, ".releases/team-x/1/task/marker", "marker 1");
	slots_fixture_restart(f);
	assert_marker(f, ".releases/team-x/1/task/marker", "marker 1");
}

static void a_stop_removes_them(void **state)
{
	struct slots_fixture *f = *state;
	deploy_many(f, "main", 4);
	assert_true(is_stored(f, "main", 1));
	slots_fixture_stop(f);
	assert_false(is_stored(f, "main", 1));
	assert_false(is_stored(f, "main", 2));
	assert_true(is_stored(f, "main", 3));
	slots_fixture_start(f);
	assert_lists(f, ". .. 3 4 ");
}

static void after_a_crash_they_are_removed(void **state)
{
	struct slots_fixture *f = *state;
	int status;
	slots_fixture_stop(f);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		slots_fixture_start(f);
		deploy_many(f, "main", 4);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(is_stored(f, "main", 1));
	slots_fixture_start(f);
	assert_lists(f, ". .. 3 4 ");
	assert_int_equal(has_release(f, "main", 1), -ENOENT);
	assert_false(is_stored(f, "main", 1));
	assert_false(is_stored(f, "main", 2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_appears_is_not_dropped),
		TEST(who_has_read_the_link_finds_what_it_names),
		TEST(it_goes_when_the_time_is_over),
		TEST(what_was_replaced_long_ago_goes_at_once),
		TEST(a_rollback_takes_nothing_that_is_not_kept),
		TEST(no_more_than_so_many_wait),
		TEST(the_sweep_is_told_when_something_waits),
		TEST(a_slot_that_is_removed_takes_them_with_it),
		TEST(a_stop_removes_them),
		TEST(after_a_crash_they_are_removed),
	};
	return cmocka_run_group_tests_name("release_grace", tests, NULL, NULL);
}
