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

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_slot_files),
		STORE_TEST(test_slot_files_are_checked),
		STORE_TEST(test_revocations),
		STORE_TEST(test_removal),
	};
	return cmocka_run_group_tests_name("store_function", tests, fixture_group_setup, fixture_group_teardown);
}
