/* What is served follows revocation lists and time, without anybody looking it up. */
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

#include "base/clock.h"
#include "slots_fixture.h"

#define MARKER	   ".releases/main/1/task/marker"
#define LIST	   "account.revocations"
#define DEADLINE_S 5

static struct revocation revoked(const struct slots_fixture *f)
{
	return (struct revocation){.kind = REVOCATION_PROFILE_VERSION,
				   .profile_version = f->host->alice.profile_version,
				   .effective_s = TRUST_FIXTURE_NOW_S - TRUST_FIXTURE_DAY_S,
				   .revoked_at_s = TRUST_FIXTURE_NOW_S,
				   .reason = "leaked"};
}

static void revoke(struct slots_fixture *f, uint64_t sequence)
{
	const struct revocation entry = revoked(f);
	gate_fixture_put_list(f->host, sequence, &entry);
}

static uint64_t follow(struct slots_fixture *f)
{
	buf_reset(&f->pushed);
	return slots_follow(f->slots);
}

static bool is_served(struct slots_fixture *f)
{
	int error;
	(void)slots_fixture_marker(f, MARKER, &error);
	assert_true(error == 0 || error == -EACCES);
	return error == 0;
}

static void assert_nothing_pushed(const struct slots_fixture *f)
{
	assert_int_equal(f->pushed.len, 0);
}

static bool is_due(const struct slots_fixture *f)
{
	struct pollfd fd = {.fd = slots_due_fd(f->slots), .events = POLLIN};
	return poll(&fd, 1, 0) == 1;
}

static void a_list_that_revokes_blocks_and_is_pushed_once(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr task;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_run_path(f, ".releases/main/1/task", &task), 0);
	assert_int_equal(follow(f), UINT64_MAX);
	assert_nothing_pushed(f);

	revoke(f, 43);
	assert_int_equal(follow(f), UINT64_MAX);
	gate_fixture_assert_says(&f->pushed, "entry ");
	gate_fixture_assert_says(&f->pushed, " 1\n");
	char nodes[64]; /* all of the release: the five fixed ones, task and marker */
	(void)snprintf(nodes, sizeof(nodes), "inodes %llu 7\n", (unsigned long long)(task.node & ~0xffffffULL));
	gate_fixture_assert_says(&f->pushed, nodes);
	assert_true(strstr(f->pushed.data, "entry ") < strstr(f->pushed.data, "inodes "));
	assert_false(is_served(f));
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 1);
	assert_int_equal(slots_fixture_count_records(f, "list 43 is in force"), 1);
	assert_int_equal(slots_fixture_count_records(f, "\"profileVersionArn\":"), 2); /* deployed, and blocked */

	assert_int_equal(follow(f), UINT64_MAX);
	assert_nothing_pushed(f);
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 1);
	assert_int_equal(slots_fixture_count_records(f, "revocation-list"), 1);
	run_forget(f->slots, task.node, 1);
}

/* Whoever asks after the kernel was told gets the new verdict: nothing can be remembered that has to be forgotten. */
static struct slots_fixture *asking;
static unsigned asked;
static void ask(void *ctx UNUSED, uint64_t parent UNUSED, const char *name UNUSED)
{
	asked++;
	assert_int_equal(slots_fixture_run_has(asking, MARKER), -EACCES);
}
static void ask_too(void *ctx UNUSED, uint64_t first UNUSED, uint64_t count UNUSED)
{
	ask(NULL, 0, "");
}

static void it_is_blocked_before_the_kernel_is_told(void **state)
{
	struct slots_fixture *f = asking = *state;
	const struct slots_notify notify = {.entry = ask, .inodes = ask_too};
	slots_fixture_deploy(f, "main", "one");
	assert_true(is_served(f));
	slots_set_notify(f->slots, &notify);
	revoke(f, 43);
	(void)slots_follow(f->slots);
	assert_int_equal(asked, 2);
}

/* Recording waits for the disk; nothing that is to be blocked waits for that. */
static void count_entry(void *ctx, uint64_t parent UNUSED, const char *name UNUSED)
{
	unsigned *count = ctx;
	(*count)++;
	assert_int_equal(slots_fixture_count_records(asking, "release-blocked"), 0);
}

static void all_are_blocked_before_the_first_is_recorded(void **state)
{
	struct slots_fixture *f = asking = *state;
	unsigned count = 0;
	const struct slots_notify notify = {.ctx = &count, .entry = count_entry};
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-a"), 0);
	slots_fixture_deploy(f, "team-a", "one");
	slots_set_notify(f->slots, &notify);
	revoke(f, 43);
	(void)slots_follow(f->slots);
	assert_int_equal(count, 2);
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 2);
	slots_set_notify(f->slots, &(struct slots_notify){0});
}

/* What a request finds is not pushed from the request. */
static void a_block_that_a_lookup_finds_is_pushed_by_the_next_look(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_true(is_served(f));
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + TRUST_FIXTURE_YEAR_S);
	buf_reset(&f->pushed);
	assert_false(is_due(f));
	assert_false(is_served(f));
	assert_nothing_pushed(f);
	assert_true(is_due(f));
	(void)follow(f);
	gate_fixture_assert_says(&f->pushed, "inodes ");
	assert_false(is_due(f));
}

static void a_deployment_that_finds_a_new_list_says_so(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	revoke(f, 43);
	struct buf zip = gate_fixture_zip();
	assert_int_equal(slots_fixture_put(f, "functions/relaxed", "a.zip", &zip), 0);
	buf_done(&zip);
	assert_true(is_due(f));
	(void)follow(f);
	gate_fixture_assert_says(&f->pushed, "inodes ");
	assert_false(is_due(f));
}

/* ---- lists that are no good ---- */

static uint64_t spoil(struct slots_fixture *f, const char *text)
{
	gate_fixture_write(f->host, LIST, text, strlen(text));
	return follow(f);
}

static void a_file_in_the_middle_of_being_written_blocks_nothing(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	uint64_t again_ms = spoil(f, "");
	assert_true(again_ms > 0 && again_ms <= LIMIT_LIST_SETTLE_MS);
	assert_true(is_served(f));
	assert_true(spoil(f, "-----BEGIN CMS-----\n") <= LIMIT_LIST_SETTLE_MS);
	assert_int_equal(io_unlinkat(f->host->dirfd, LIST, 0), 0);
	assert_true(follow(f) <= LIMIT_LIST_SETTLE_MS);
	slots_fixture_deploy(f, "main", "two"); /* the list before is in force there, too */
	assert_true(is_served(f));
	gate_fixture_put_list(f->host, 43, NULL);
	assert_int_equal(follow(f), UINT64_MAX);
	assert_true(is_served(f));
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 0);
	assert_int_equal(slots_fixture_count_records(f, "refused: "), 0);
	assert_int_equal(slots_fixture_count_records(f, "list 43 is in force"), 1);
}

static void what_stays_bad_is_refused_and_recorded_once(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	uint64_t deadline_ms = clock_monotonic_ms() + DEADLINE_S * 1000ULL;
	(void)spoil(f, "hello\n");
	while (is_served(f)) {
		assert_true(clock_monotonic_ms() < deadline_ms);
		uint64_t again_ms = follow(f);
		(void)poll(NULL, 0, again_ms == UINT64_MAX ? 0 : (int)again_ms + 1);
	}
	gate_fixture_assert_says(&f->pushed, "inodes ");
	assert_int_equal(follow(f), UINT64_MAX);
	assert_int_equal(slots_fixture_count_records(f, "refused: "), 1);
	assert_int_equal(slots_fixture_count_records(f, "VF3001"), 1);

	gate_fixture_put_list(f->host, 42, NULL);
	assert_int_equal(follow(f), UINT64_MAX);
	assert_true(is_served(f));
	assert_int_equal(slots_fixture_count_records(f, "release-unblocked"), 1);
}

static void an_older_list_is_refused_at_once_and_what_was_seen_stays(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	gate_fixture_put_list(f->host, 50, NULL);
	(void)follow(f);
	gate_fixture_put_list(f->host, 49, NULL);
	assert_int_equal(follow(f), UINT64_MAX);
	assert_false(is_served(f));
	assert_int_equal(slots_fixture_count_records(f, "is older than list 50"), 2); /* the list, the release */
	gate_fixture_put_list(f->host, 49, NULL);
	(void)follow(f);
	assert_int_equal(slots_fixture_count_records(f, "is older than list 50"), 2);
	gate_fixture_put_list(f->host, 51, NULL);
	(void)follow(f);
	assert_true(is_served(f));
}

/* ---- time ---- */

static void time_alone_blocks_and_a_clock_that_is_set_back_unblocks(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + 30 * TRUST_FIXTURE_DAY_S);
	(void)follow(f);
	assert_nothing_pushed(f);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S + 30 * TRUST_FIXTURE_DAY_S + 1);
	(void)follow(f);
	gate_fixture_assert_says(&f->pushed, "inodes "); /* the list's next update has passed */
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 1);
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S);
	(void)follow(f);
	assert_int_equal(slots_fixture_count_records(f, "release-unblocked"), 1);
	assert_true(is_served(f));
}

static void a_list_that_is_not_valid_yet_becomes_valid(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S - 60);
	(void)follow(f);
	assert_false(is_served(f));
	gate_fixture_set_clock(f->host, TRUST_FIXTURE_NOW_S);
	(void)follow(f);
	assert_true(is_served(f));
}

/* ---- what is judged ---- */

static void only_what_is_current_or_known_to_the_kernel_is_judged(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_deploy(f, "main", "two");
	revoke(f, 43);
	(void)follow(f);
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 1);
	assert_false(is_served(f)); /* release 1 */
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 2);
}

static void status_shows_what_nobody_has_asked_for(void **state)
{
	struct slots_fixture *f = *state;
	struct buf status = {0};
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_stop(f);
	revoke(f, 43);
	slots_fixture_start(f);
	slots_fixture_read(f, ".vouchfs/status", &status);
	gate_fixture_assert_says(&status, "BLOCKED: its files");
	buf_done(&status);
}

static void count_path(void *ctx, const char *path)
{
	unsigned *count = ctx;
	assert_non_null(strstr(path, "/" LIST));
	(*count)++;
}

static void lists_are_named(void **state)
{
	struct slots_fixture *f = *state;
	unsigned count = 0;
	slots_each_list(f->slots, count_path, &count);
	assert_int_equal(count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_that_revokes_blocks_and_is_pushed_once),
		TEST(it_is_blocked_before_the_kernel_is_told),
		TEST(all_are_blocked_before_the_first_is_recorded),
		TEST(a_block_that_a_lookup_finds_is_pushed_by_the_next_look),
		TEST(a_deployment_that_finds_a_new_list_says_so),
		TEST(a_file_in_the_middle_of_being_written_blocks_nothing),
		TEST(what_stays_bad_is_refused_and_recorded_once),
		TEST(an_older_list_is_refused_at_once_and_what_was_seen_stays),
		TEST(time_alone_blocks_and_a_clock_that_is_set_back_unblocks),
		TEST(a_list_that_is_not_valid_yet_becomes_valid),
		TEST(only_what_is_current_or_known_to_the_kernel_is_judged),
		TEST(status_shows_what_nobody_has_asked_for),
		TEST(lists_are_named),
	};
	return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
