/* test_store_policy.c - the slot for policy bundles, and the sequence that only grows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

static void test_is_a_slot(void **state)
{
	struct fixture *f = *state;
	char path[STORE_SLOT_PATH_SIZE];
	struct buf text = {0};
	assert_string_equal(store_slot_path(STORE_POLICY_SLOT, path), "policy");
	assert_true(store_is_policy(STORE_POLICY_SLOT));
	assert_false(store_is_policy("policy"));
	assert_false(store_is_layer(STORE_POLICY_SLOT));
	assert_int_equal(store_put_slot_file(f->store, "policy:x", "slot", "x", 1), -EINVAL);
	assert_int_equal(store_put_slot_file(f->store, STORE_POLICY_SLOT, "sequence", "x", 1), -EINVAL);
	assert_int_equal(store_get_slot_file(f->store, STORE_POLICY_SLOT, "note", &text), -ENOENT);
	assert_int_equal(store_put_slot_file(f->store, STORE_POLICY_SLOT, "note", "refused", 7), 0);
	assert_int_equal(store_get_slot_file(f->store, STORE_POLICY_SLOT, "note", &text), 0);
	assert_int_equal(text.len, 7);
	assert_int_equal(store_remove_function(f->store, STORE_POLICY_SLOT), -EINVAL);
	buf_done(&text);
}

static void test_releases(void **state)
{
	struct fixture *f = *state;
	char **names = NULL;
	size_t count = 7;
	assert_false(fixture_exists(fixture_path(f, "policy")));
	assert_int_equal(fixture_deploy(f->store, STORE_POLICY_SLOT, 1, 1, 9000), 0);
	assert_int_equal(fixture_deploy(f->store, STORE_POLICY_SLOT, 2, 2, 9000), 0);
	assert_true(fixture_exists(fixture_path(f, "policy/releases/2")));
	assert_int_equal(fixture_current(f->store, STORE_POLICY_SLOT), 2);
	assert_int_equal(store_list_functions(f->store, &names, &count), 0);
	assert_int_equal(count, 0); /* no function is called so */
	free(names);
	assert_int_equal(store_remove_release(f->store, STORE_POLICY_SLOT, 2), -EBUSY);
	assert_int_equal(store_remove_release(f->store, STORE_POLICY_SLOT, 1), 0);
	fixture_reopen(f);
	assert_int_equal(fixture_current(f->store, STORE_POLICY_SLOT), 2);
	assert_true(fixture_is_whole(f));
}

static void test_ids_are_not_given_again(void **state)
{
	struct fixture *f = *state;
	struct store_release *release = NULL;
	uint64_t id = 0;
	assert_int_equal(fixture_deploy(f->store, STORE_POLICY_SLOT, 1, 1, 9000), 0);
	assert_int_equal(store_load_current(f->store, STORE_POLICY_SLOT, &release), 0);
	fixture_close(f);
	assert_int_equal(unlink(fixture_path(f, "next-id")), 0);
	fixture_reopen(f);
	assert_int_equal(store_next_id(f->store, &id), 0);
	assert_true(id > release->id);
	store_release_free(release);
}

static void assert_sequence(struct fixture *f, uint64_t expected)
{
	uint64_t sequence = 99;
	assert_int_equal(store_policy_sequence(f->store, &sequence), 0);
	assert_int_equal(sequence, expected);
}

static void test_sequence_grows(void **state)
{
	struct fixture *f = *state;
	uint64_t sequence;
	assert_sequence(f, 0);
	assert_int_equal(store_raise_policy_sequence(f->store, 7), 0);
	assert_int_equal(store_raise_policy_sequence(f->store, 5), 0);
	assert_sequence(f, 7);
	fixture_reopen(f);
	assert_sequence(f, 7);
	fixture_flip(fixture_path(f, "policy/sequence"), 3);
	fixture_flip(fixture_path(f, "policy/sequence.again"), 3);
	assert_int_equal(store_policy_sequence(f->store, &sequence), -EBADMSG);
	assert_int_equal(store_raise_policy_sequence(f->store, 8), 0);
	assert_sequence(f, 8);
}

static void open_anchored(struct fixture *f)
{
	struct store_options options = fixture_options(f);
	char anchor[192];
	(void)snprintf(anchor, sizeof(anchor), "%s/anchor", f->dir);
	options.anchor = anchor;
	assert_int_equal(store_open(&options, &f->store, &f->why), 0);
}

static void read_anchor(struct fixture *f, struct buf *ret)
{
	char anchor[192];
	(void)snprintf(anchor, sizeof(anchor), "%s/anchor", f->dir);
	assert_int_equal(io_read_path(anchor, 4096, ret), 0);
}

static void test_anchor_knows_it(void **state)
{
	struct fixture *f = *state;
	struct buf seven = {0};
	char anchor[192];
	(void)snprintf(anchor, sizeof(anchor), "%s/anchor", f->dir);
	fixture_close(f);
	open_anchored(f);
	assert_int_equal(store_raise_policy_sequence(f->store, 7), 0);
	read_anchor(f, &seven);
	assert_non_null(strstr(seven.data, "policy-sequence: 7\n"));
	assert_int_equal(store_raise_policy_sequence(f->store, 8), 0);
	fixture_close(f);

	assert_int_equal(unlink(fixture_path(f, "policy/sequence")), 0); /* the slot's files are set back */
	assert_int_equal(unlink(fixture_path(f, "policy/sequence.again")), 0);
	open_anchored(f);
	assert_sequence(f, 8);
	assert_int_equal(store_raise_policy_sequence(f->store, 9), 0);
	fixture_close(f);

	fixture_write(anchor, seven.data, seven.len); /* the anchor is */
	open_anchored(f);
	assert_sequence(f, 9);
	fixture_close(f);

	fixture_flip(fixture_path(f, "policy/sequence"), 3); /* one is damaged, and the other one knows */
	fixture_flip(fixture_path(f, "policy/sequence.again"), 3);
	open_anchored(f);
	assert_sequence(f, 7);
	buf_done(&seven);
}

static void test_read_only(void **state)
{
	struct fixture *f = *state;
	struct store_options options = fixture_options(f);
	assert_int_equal(store_raise_policy_sequence(f->store, 7), 0);
	fixture_close(f);
	options.read_only = true;
	assert_int_equal(store_open(&options, &f->store, &f->why), 0);
	assert_sequence(f, 7);
	assert_int_equal(store_raise_policy_sequence(f->store, 8), -EROFS);
	assert_sequence(f, 7);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_is_a_slot),
		STORE_TEST(test_releases),
		STORE_TEST(test_ids_are_not_given_again),
		STORE_TEST(test_sequence_grows),
		STORE_TEST(test_anchor_knows_it),
		STORE_TEST(test_read_only),
	};
	return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
