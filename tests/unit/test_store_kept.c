/* Texts that lie there twice: one of the two may be damaged, gone, or set back. And what is told of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "store_fixture.h"

#define NAME	"revocations/111122223333"
#define AGAIN	NAME ".again"
#define ACCOUNT "111122223333"

struct told {
	char text[2048]; /* a line each */
	unsigned count;
};

static void tell(void *ctx, const char *place, const char *what)
{
	struct told *told = ctx;
	size_t used = strlen(told->text);
	(void)snprintf(told->text + used, sizeof(told->text) - used, "%s: %s\n", place, what);
	told->count++;
}

static void put(struct fixture *f, const char *text)
{
	assert_int_equal(store_put_revocations(f->store, ACCOUNT, text, strlen(text)), 0);
}

static void assert_reads(struct fixture *f, const char *expected)
{
	struct buf text = {0};
	int r = store_get_revocations(f->store, ACCOUNT, &text);
	assert_int_equal(r, expected ? 0 : -EBADMSG);
	assert_string_equal(text.data ? text.data : "", expected ? expected : "");
	buf_done(&text);
}

static struct buf bytes_of(const struct fixture *f, const char *name)
{
	struct buf bytes = {0};
	assert_int_equal(io_read_path(fixture_path(f, "%s", name), 65536, &bytes), 0);
	return bytes;
}

static void put_bytes(const struct fixture *f, const char *name, struct buf *bytes)
{
	fixture_write(fixture_path(f, "%s", name), bytes->data, bytes->len);
	buf_done(bytes);
}

/* Something was done to one of the two; what is read is the text, once with this told, then without. */
static void assert_repaired(struct fixture *f, const char *text, const char *says)
{
	struct told told = {.count = 0}, nothing = {.count = 0};
	fixture_reopen(f);
	store_listen(f->store, tell, &told);
	assert_reads(f, text);
	assert_reads(f, text);
	if (told.count != 1 || !strstr(told.text, says))
		fail_msg("told %u times: \"%s\", without \"%s\"", told.count, told.text, says);
	fixture_reopen(f);
	store_listen(f->store, tell, &nothing);
	assert_reads(f, text);
	assert_int_equal(nothing.count, 0);
}

static void one_that_is_damaged_is_written_again(void **state)
{
	static const char *const names[] = {NAME, AGAIN};
	struct fixture *f = *state;
	put(f, "one");
	put(f, "two");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (long at = 0; at < 100; at += 7) {
			fixture_flip(fixture_path(f, "%s", names[i]), at);
			assert_repaired(f, "two", i == 0 ? NAME ": it was" : AGAIN ": it was");
		}
	}
}

static void one_that_is_set_back_does_not_count(void **state)
{
	struct fixture *f = *state;
	put(f, "one");
	struct buf one = bytes_of(f, NAME), again = bytes_of(f, AGAIN);
	put(f, "two");
	put(f, "three");
	put_bytes(f, NAME, &one);
	assert_repaired(f, "three", NAME ": it had been set back");

	put_bytes(f, AGAIN, &again); /* as if a crash had come before the second: nothing is wrong with that */
	assert_reads(f, "three");
}

static void what_comes_again_is_no_setting_back(void **state)
{
	struct fixture *f = *state;
	struct told told = {.count = 0};
	put(f, "one");
	put(f, "two");
	put(f, "one");
	fixture_reopen(f);
	store_listen(f->store, tell, &told);
	assert_reads(f, "one");
	assert_int_equal(told.count, 0);
}

/* A disk that is full for the second one: what was taken back does not come back by it. */
static void a_second_one_that_could_not_be_written_does_not_count(void **state)
{
	struct fixture *f = *state;
	unsigned long long failed = 0;
	for (unsigned nth = 1; nth < 40; nth++) {
		char fault[40];
		put(f, "refused");
		put(f, "allowed");
		(void)snprintf(fault, sizeof(fault), "*:%u:ENOSPC", nth);
		assert_int_equal(setenv("VOUCHFS_TEST_FAULT", fault, 1), 0);
		io_fault_arm();
		int r = store_put_revocations(f->store, ACCOUNT, "refused", strlen("refused"));
		assert_int_equal(unsetenv("VOUCHFS_TEST_FAULT"), 0);
		failed += r < 0;
		fixture_reopen(f);
		if (r == 0)
			assert_reads(f, "refused");
	}
	assert_true(failed > 0);
}

static void one_that_is_gone_is_made_again(void **state)
{
	struct fixture *f = *state;
	put(f, "one");
	assert_int_equal(unlink(fixture_path(f, NAME)), 0);
	assert_repaired(f, "one", NAME ": it was gone");
	assert_int_equal(unlink(fixture_path(f, AGAIN)), 0); /* as older programs leave it */
	assert_reads(f, "one");
	put(f, "two");
	assert_true(fixture_exists(fixture_path(f, AGAIN)));
}

static void both_damaged_are_no_text(void **state)
{
	struct fixture *f = *state;
	struct told told = {.count = 0};
	put(f, "one");
	fixture_flip(fixture_path(f, NAME), 50);
	fixture_flip(fixture_path(f, AGAIN), 50);
	store_listen(f->store, tell, &told);
	assert_reads(f, NULL);
	assert_int_equal(told.count, 1);
	put(f, "two");
	assert_reads(f, "two");
}

static void what_an_older_program_wrote_counts(void **state)
{
	struct fixture *f = *state;
	put(f, "one");
	struct buf again = bytes_of(f, AGAIN);
	put(f, "two");
	put_bytes(f, AGAIN, &again);
	assert_reads(f, "two");
	assert_int_equal(unlink(fixture_path(f, NAME)), 0);
	assert_reads(f, "two"); /* the second one has followed */
}

/* Ids are never given twice, whatever becomes of one of the two numbers. */
static void ids_go_on_when_their_number_is_set_back(void **state)
{
	struct fixture *f = *state;
	uint64_t id = 0, later = 0;
	assert_int_equal(store_next_id(f->store, &id), 0);
	struct buf before = bytes_of(f, "next-id");
	fixture_reopen(f);
	assert_int_equal(store_next_id(f->store, &later), 0);
	assert_true(later > id);
	fixture_close(f);
	put_bytes(f, "next-id", &before);
	fixture_reopen(f);
	assert_int_equal(store_next_id(f->store, &id), 0);
	assert_true(id > later);
}

static void what_opening_finds_waits_for_who_listens(void **state)
{
	struct fixture *f = *state;
	struct told told = {.count = 0};
	uint64_t id;
	assert_int_equal(store_next_id(f->store, &id), 0);
	fixture_close(f);
	fixture_flip(fixture_path(f, "next-id"), 50);
	fixture_reopen(f);
	store_listen(f->store, tell, &told);
	assert_int_equal(told.count, 1);
	assert_non_null(strstr(told.text, "next-id: "));
}

/* current names the newest release, else it has been set back. */
static void current_that_is_set_back_does_not_count(void **state)
{
	struct fixture *f = *state;
	struct store_release *release = NULL;
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, 5000), 0);
	struct buf current = bytes_of(f, "functions/main/current");
	assert_int_equal(fixture_deploy(f->store, "main", 2, 2, 5000), 0);
	assert_int_equal(store_load_current(f->store, "main", &release), 0);
	assert_false(release->stands_in);
	store_release_free(release);

	put_bytes(f, "functions/main/current", &current);
	fixture_reopen(f);
	assert_int_equal(store_load_current(f->store, "main", &release), 0);
	assert_true(release->stands_in);
	assert_int_equal(release->number, 2);
	store_release_free(release);
}

/* Names come from whoever writes the store, and what is told is printed. */
static void a_version_that_is_none_is_not_missed(void **state)
{
	struct fixture *f = *state;
	struct told told = {.count = 0};
	assert_int_equal(fixture_deploy(f->store, "layer:shared", 1, 1, 5000), 0);
	fixture_close(f);
	fixture_write(fixture_path(f, "known/layer:shared@2\033[2J"), "", 0);
	fixture_write(fixture_path(f, "known/layer:shared@+2"), "", 0);
	fixture_write(fixture_path(f, "known/layer:shared@3"), "", 0);
	fixture_reopen(f);
	store_listen(f->store, tell, &told);
	assert_int_equal(told.count, 1);
	assert_non_null(strstr(told.text, "releases/3: "));
}

static void a_lock_file_that_is_replaced_lets_nobody_in(void **state)
{
	struct fixture *f = *state;
	struct store_options options = fixture_options(f);
	struct store *second = NULL;
	struct explain why = {0};
	assert_int_equal(unlink(fixture_path(f, "lock")), 0);
	assert_int_equal(store_open(&options, &second, &why), -EBUSY);
	assert_null(second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_is_damaged_is_written_again),
		TEST(one_that_is_set_back_does_not_count),
		TEST(what_comes_again_is_no_setting_back),
		TEST(a_second_one_that_could_not_be_written_does_not_count),
		TEST(one_that_is_gone_is_made_again),
		TEST(both_damaged_are_no_text),
		TEST(what_an_older_program_wrote_counts),
		TEST(ids_go_on_when_their_number_is_set_back),
		TEST(what_opening_finds_waits_for_who_listens),
		TEST(current_that_is_set_back_does_not_count),
		TEST(a_version_that_is_none_is_not_missed),
		TEST(a_lock_file_that_is_replaced_lets_nobody_in),
	};
	return cmocka_run_group_tests_name("store_kept", tests, fixture_group_setup, fixture_group_teardown);
}
