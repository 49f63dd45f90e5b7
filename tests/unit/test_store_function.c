/* Slots and their small files, their removal, and the memory of revocation lists. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "store_fixture.h"

#define LEN 5000

static int put(struct fixture *f, const char *function, const char *file, const char *text)
{
	return store_put_slot_file(f->store, function, file, text, strlen(text));
}

static void assert_slot_file(struct fixture *f, const char *function, const char *file, const char *expected)
{
	struct buf text = {0};
	assert_int_equal(store_get_slot_file(f->store, function, file, &text), 0);
	assert_string_equal(text.data ? text.data : "", expected);
	buf_done(&text);
}

static int get(struct fixture *f, const char *function, const char *file)
{
	struct buf text = {0};
	int r = store_get_slot_file(f->store, function, file, &text);
	assert_true(r == 0 || text.len == 0);
	buf_done(&text);
	return r;
}

static void test_slot_files(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(get(f, "main", "slot"), -ENOENT);
	assert_int_equal(put(f, "main", "slot", "group: 5\n"), 0);
	assert_int_equal(put(f, "main", "note", ""), 0);
	assert_slot_file(f, "main", "slot", "group: 5\n");
	assert_slot_file(f, "main", "note", "");
	assert_int_equal(put(f, "main", "note", "no newline"), 0);
	fixture_reopen(f);
	assert_slot_file(f, "main", "note", "no newline");

	assert_int_equal(put(f, "main", "current", "1"), -EINVAL);
	assert_int_equal(put(f, "main", "releases", "1"), -EINVAL);
	assert_int_equal(put(f, "main", "../slot", "1"), -EINVAL);
	assert_int_equal(put(f, "..", "slot", "1"), -EINVAL);
	assert_int_equal(get(f, "..", "slot"), -EINVAL);
	char *big = calloc(1, LIMIT_RECORD_BYTES + 1);
	assert_non_null(big);
	assert_int_equal(store_put_slot_file(f->store, "main", "note", big, LIMIT_RECORD_BYTES + 1), -EFBIG);
	assert_int_equal(store_put_slot_file(f->store, "main", "note", big, LIMIT_RECORD_BYTES), 0);
	assert_int_equal(get(f, "main", "note"), 0);
	free(big);
}

static void test_slot_files_are_checked(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, "main", "slot", "group: 5\n"), 0);
	assert_int_equal(put(f, "other", "slot", "group: 6\n"), 0);
	fixture_flip(fixture_path(f, "functions/main/slot"), 50);
	assert_int_equal(get(f, "main", "slot"), -EBADMSG);
	fixture_flip(fixture_path(f, "functions/main/slot"), 50);
	assert_int_equal(get(f, "main", "slot"), 0);

	char other[512];
	(void)snprintf(other, sizeof(other), "%s", fixture_path(f, "functions/other/slot"));
	assert_int_equal(rename(other, fixture_path(f, "functions/main/slot")), 0);
	assert_int_equal(get(f, "main", "slot"), -EBADMSG);
	fixture_write(fixture_path(f, "functions/main/slot"), "", 0);
	assert_int_equal(get(f, "main", "slot"), -EBADMSG);
}

static void test_revocations(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};
	assert_int_equal(store_get_revocations(f->store, "111122223333", &text), -ENOENT);
	assert_int_equal(store_put_revocations(f->store, "111122223333", "sequence: 4\n", 12), 0);
	assert_int_equal(store_get_revocations(f->store, "111122223333", &text), 0);
	assert_string_equal(text.data, "sequence: 4\n");
	assert_int_equal(store_put_revocations(f->store, "a/b", "", 0), -EINVAL);
	assert_int_equal(store_get_revocations(f->store, "a/b", &text), -EINVAL);
	fixture_flip(fixture_path(f, "revocations/111122223333"), -1);
	fixture_flip(fixture_path(f, "revocations/111122223333.again"), -1);
	assert_int_equal(store_get_revocations(f->store, "111122223333", &text), -EBADMSG);
	buf_done(&text);
}

static void assert_functions(struct fixture *f, size_t expected, const char *one)
{
	char **names;
	size_t count;
	bool found = false;
	assert_int_equal(store_list_functions(f->store, &names, &count), 0);
	for (size_t i = 0; i < count; i++) {
		found = found || strcmp(names[i], one) == 0;
		free(names[i]);
	}
	free(names);
	assert_int_equal(count, expected);
	assert_true(found);
}

static void test_removal(void **state)
{
	struct fixture *f = *state;
	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(fixture_deploy(f->store, "main", n, n, LEN), 0);
	assert_int_equal(fixture_deploy(f->store, "other", 1, 1, LEN), 0);
	assert_int_equal(put(f, "main", "slot", "x"), 0);
	fixture_write(fixture_path(f, "functions/.hidden"), "", 0);
	assert_functions(f, 2, "main");

	assert_int_equal(store_remove_function(f->store, "main"), 0);
	assert_functions(f, 1, "other");
	assert_true(fixture_is_whole(f));
	struct store_release *release;
	assert_int_equal(store_load_current(f->store, "main", &release), -ENOENT);
	assert_int_equal(store_load_current(f->store, "other", &release), 0);
	assert_true(fixture_holds(f->store, release, 1));
	store_release_free(release);

	assert_int_equal(store_remove_function(f->store, "main"), -ENOENT);
	assert_int_equal(store_remove_function(f->store, "."), -EINVAL);
	assert_int_equal(fixture_deploy(f->store, "main", 1, 2, LEN), 0); /* it may come back */
	assert_true(fixture_is_whole(f));
}

static size_t count_layers(struct fixture *f)
{
	char **names;
	size_t count;
	assert_int_equal(store_list_layers(f->store, &names, &count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(names[i], "main");
		free(names[i]);
	}
	free(names);
	return count;
}

/* The function and the layer of one name have nothing in common but an object. */
static void test_layers(void **state)
{
	struct fixture *f = *state;
	struct store_release *release;
	char path[STORE_SLOT_PATH_SIZE];
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, LEN), 0);
	assert_int_equal(fixture_deploy(f->store, "layer:main", 1, 1, LEN), 0);
	assert_int_equal(fixture_deploy(f->store, "layer:main", 2, 2, LEN), 0);
	assert_int_equal(fixture_deploy(f->store, "layer:main", 2, 2, LEN), -EEXIST);
	assert_int_equal(put(f, "layer:main", "slot", "made: 1\n"), 0);
	assert_int_equal(put(f, "layer:main", "last", "1"), -EINVAL);
	fixture_reopen(f);
	assert_functions(f, 1, "main");
	assert_int_equal(count_layers(f), 1);
	assert_slot_file(f, "layer:main", "slot", "made: 1\n");
	assert_int_equal(get(f, "main", "slot"), -ENOENT);
	assert_int_equal(store_load_current(f->store, "layer:main", &release), -ENOENT);
	assert_true(fixture_exists(fixture_path(f, "layers/main/releases/2")));
	assert_false(fixture_exists(fixture_path(f, "layers/main/current")));
	assert_true(fixture_is_whole(f));
	assert_string_equal(store_slot_path("layer:main", path), "layers/main");
	assert_string_equal(store_slot_path("main", path), "functions/main");

	assert_int_equal(store_remove_function(f->store, "main"), 0);
	assert_int_equal(store_load_release(f->store, "layer:main", 1, &release), 0);
	assert_true(fixture_holds(f->store, release, 1));
	store_release_free(release);
	assert_int_equal(store_remove_function(f->store, "layer:main"), 0);
	assert_int_equal(count_layers(f), 0);
	assert_true(fixture_is_whole(f));
	assert_int_equal(fixture_deploy(f->store, "layer:.main", 1, 1, LEN), -EINVAL);
	assert_int_equal(fixture_deploy(f->store, "layer:layer:main", 1, 1, LEN), -EINVAL);
	assert_int_equal(fixture_deploy(f->store, "other:main", 1, 1, LEN), -EINVAL);
}

static uint64_t newest_version(struct fixture *f)
{
	uint64_t newest;
	assert_int_equal(store_newest_release(f->store, "layer:main", &newest), 0);
	return newest;
}

static void test_numbers_of_removed_versions_are_not_given_again(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(newest_version(f), 0);
	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(fixture_deploy(f->store, "layer:main", n, n, LEN), 0);
	assert_int_equal(store_remove_release(f->store, "layer:main", 3), 0);
	assert_int_equal(store_remove_release(f->store, "layer:main", 1), 0);
	assert_int_equal(newest_version(f), 3);
	assert_int_equal(store_remove_release(f->store, "layer:main", 2), 0);
	fixture_reopen(f);
	assert_int_equal(newest_version(f), 3);
	assert_true(fixture_is_whole(f));
	assert_int_equal(fixture_deploy(f->store, "layer:main", 4, 4, LEN), 0);
	assert_int_equal(newest_version(f), 4);
	fixture_flip(fixture_path(f, "layers/main/last"), 0); /* what is there still counts */
	assert_int_equal(newest_version(f), 4);
}

/* A store that was made before there were layers. */
static void test_a_store_without_layers(void **state)
{
	struct fixture *f = *state;
	struct store_options options = fixture_options(f);
	uint64_t newest;
	char **names;
	size_t count;
	options.read_only = true;
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, LEN), 0);
	fixture_close(f);
	assert_int_equal(remove(fixture_path(f, "layers")), 0);
	assert_int_equal(store_open(&options, &f->store, &f->why), 0);
	assert_int_equal(store_list_layers(f->store, &names, &count), 0);
	free(names);
	assert_int_equal(count, 0);
	assert_int_equal(store_newest_release(f->store, "layer:main", &newest), 0);
	assert_int_equal(newest, 0);
	fixture_reopen(f);
	assert_int_equal(fixture_deploy(f->store, "layer:main", 1, 1, LEN), 0);
	assert_int_equal(fixture_current(f->store, "main"), 1);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_slot_files),
		STORE_TEST(test_slot_files_are_checked),
		STORE_TEST(test_revocations),
		STORE_TEST(test_removal),
		STORE_TEST(test_layers),
		STORE_TEST(test_numbers_of_removed_versions_are_not_given_again),
		STORE_TEST(test_a_store_without_layers),
	};
	return cmocka_run_group_tests_name("store_function", tests, fixture_group_setup, fixture_group_teardown);
}
