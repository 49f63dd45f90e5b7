/* Releases: what is committed is what is loaded, records that were touched are refused, objects go with the last. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

#define LEN 5000

static void deploy(struct fixture *f, const char *function, uint64_t number, unsigned seed)
{
	assert_int_equal(fixture_deploy(f->store, function, number, seed, LEN), 0);
}

static int load(struct fixture *f, const char *function, uint64_t number)
{
	struct store_release *release = NULL;
	int r = store_load_release(f->store, function, number, &release);
	store_release_free(release);
	return r;
}

static struct store_release *current(struct fixture *f, const char *function)
{
	struct store_release *release;
	assert_int_equal(store_load_current(f->store, function, &release), 0);
	return release;
}

static void assert_same(const struct store_release *a, const struct store_release *b)
{
	assert_int_equal(a->number, b->number);
	assert_int_equal(a->id, b->id);
	assert_string_equal(a->artifact_name, b->artifact_name);
	assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
	assert_int_equal(a->length_bytes, b->length_bytes);
	assert_int_equal(a->comment_len, b->comment_len);
	assert_memory_equal(a->comment, b->comment, a->comment_len);
	assert_true(a->mtime_s == b->mtime_s && a->mtime_ns == b->mtime_ns);
	assert_int_equal(a->uid, b->uid);
	assert_true(a->created_at_s == b->created_at_s);
	assert_string_equal(a->decision, b->decision);
}

/* Puts an object and prepares a release of it, which the caller changes and commits. */
static void prepare(struct fixture *f, uint64_t number, struct store_release *ret)
{
	uint8_t *bytes = fixture_bytes((unsigned)number, LEN);
	struct store_object *object;
	assert_int_equal(fixture_put(f->store, "main", bytes, LEN, &object), 0);
	assert_int_equal(fixture_release(f->store, number, store_object_digest(object), LEN, ret), 0);
	store_object_unref(object);
	free(bytes);
}

static void test_any_record_comes_back(void **state)
{
	struct fixture *f = *state;
	static char names[][12] = {"a b.zip", "\\x41.zip", "\xff\xfe\n\t.zip", "key: value"};
	static char decisions[][40] = {"", "one: 1\ntwo: 2\n", "sha256: 0\n\nvouchfs-release: 1\n", "\x80"};
	uint8_t *comment = fixture_bytes(9, 65535);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct store_release release;
		prepare(f, i + 1, &release);
		release.artifact_name = names[i];
		release.decision = decisions[i];
		release.comment = comment;
		release.comment_len = i == 0 ? 0 : 65535;
		release.mtime_s = i == 1 ? -1 : INT64_MAX;
		release.mtime_ns = 999999999;
		release.uid = UINT32_MAX;
		assert_int_equal(store_commit_release(f->store, "main", &release), 0);
		fixture_reopen(f);
		struct store_release *found = current(f, "main");
		assert_same(&release, found);
		store_release_free(found);
	}
	free(comment);
}

static void test_refuses_bad_releases(void **state)
{
	struct fixture *f = *state;
	char long_name[300];
	memset(long_name, 'a', sizeof(long_name));
	long_name[256] = '\0';
	char *const bad_names[] = {(char[]){""}, (char[]){"a/b"}, long_name, NULL};
	struct store_release release, good;
	deploy(f, "main", 1, 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad_names); i++) {
		prepare(f, 2, &release);
		release.artifact_name = bad_names[i];
		assert_int_equal(store_commit_release(f->store, "main", &release), -EINVAL);
	}
	prepare(f, 2, &good);
	release = good;
	release.mtime_ns = 1000000000;
	assert_int_equal(store_commit_release(f->store, "main", &release), -EINVAL);
	prepare(f, 0, &release);
	assert_int_equal(store_commit_release(f->store, "main", &release), -EINVAL);
	prepare(f, 2, &release);
	release.id = 0;
	assert_int_equal(store_commit_release(f->store, "main", &release), -EINVAL);
	prepare(f, 1, &release);
	assert_int_equal(store_commit_release(f->store, "main", &release), -EEXIST);
	prepare(f, 2, &release);
	release.digest[0] ^= 1;
	assert_int_equal(store_commit_release(f->store, "main", &release), -ENOENT);
	assert_int_equal(store_commit_release(f->store, ".main", &release), -EINVAL);
	assert_int_equal(store_commit_release(f->store, "a/b", &release), -EINVAL);
	assert_int_equal(store_commit_release(f->store, "", &release), -EINVAL);

	assert_int_equal(fixture_current(f->store, "main"), 1);
	fixture_reopen(f);
	assert_true(fixture_is_whole(f));
	long_name[255] = '\0';
	prepare(f, 2, &release);
	release.artifact_name = long_name;
	assert_int_equal(store_commit_release(f->store, "main", &release), 0);
}

static void test_numbers(void **state)
{
	struct fixture *f = *state;
	uint64_t newest = 99, *numbers;
	size_t count;
	struct store_release *release;
	assert_int_equal(store_newest_release(f->store, "main", &newest), 0);
	assert_int_equal(newest, 0);
	assert_int_equal(store_load_current(f->store, "main", &release), -ENOENT);
	assert_int_equal(load(f, "main", 1), -ENOENT);

	for (uint64_t n = 8; n <= 11; n++)
		deploy(f, "main", n, (unsigned)n);
	assert_int_equal(store_newest_release(f->store, "main", &newest), 0);
	assert_int_equal(newest, 11);
	assert_int_equal(store_list_releases(f->store, "main", &numbers, &count), 0);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(numbers[i], 8 + i);
	free(numbers);
	assert_int_equal(fixture_current(f->store, "main"), 11);
}

static void test_update(void **state)
{
	struct fixture *f = *state;
	deploy(f, "main", 1, 1);
	deploy(f, "main", 2, 2);
	struct store_release *release = current(f, "main"), *found;
	release->mtime_s = 77;
	assert_int_equal(store_update_release(f->store, "main", release), 0);
	found = current(f, "main");
	assert_same(release, found);
	store_release_free(found);
	release->digest[3] ^= 1;
	assert_int_equal(store_update_release(f->store, "main", release), -EINVAL);
	release->number = 3;
	assert_int_equal(store_update_release(f->store, "main", release), -ENOENT);
	store_release_free(release);
}

/* ---- tampering ---- */

static void test_every_byte_of_a_record_counts(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	deploy(f, "main", 1, 1);
	char path[512];
	(void)snprintf(path, sizeof(path), "%s", fixture_path(f, "functions/main/releases/1"));
	assert_int_equal(stat(path, &st), 0);
	for (long at = 0; at < st.st_size; at++) {
		fixture_flip(path, at);
		assert_int_equal(load(f, "main", 1), -EBADMSG);
		fixture_flip(path, at);
	}
	assert_int_equal(load(f, "main", 1), 0);
	for (long len = 0; len < st.st_size; len += 37) {
		char copy[4096];
		FILE *file = fopen(path, "r");
		assert_non_null(file);
		size_t got = fread(copy, 1, sizeof(copy), file);
		(void)fclose(file);
		assert_int_equal(truncate(path, len), 0);
		assert_int_equal(load(f, "main", 1), -EBADMSG);
		fixture_write(path, copy, got);
	}
	assert_int_equal(load(f, "main", 1), 0);
}

static void swap(const struct fixture *f, const char *a, const char *b)
{
	char first[512], second[512], aside[512];
	(void)snprintf(first, sizeof(first), "%s", fixture_path(f, "%s", a));
	(void)snprintf(second, sizeof(second), "%s", fixture_path(f, "%s", b));
	(void)snprintf(aside, sizeof(aside), "%s", fixture_path(f, "aside"));
	assert_int_equal(rename(first, aside), 0);
	assert_int_equal(rename(second, first), 0);
	assert_int_equal(rename(aside, second), 0);
}

static void test_records_know_their_place(void **state)
{
	struct fixture *f = *state;
	deploy(f, "main", 1, 1);
	deploy(f, "main", 2, 2);
	deploy(f, "other", 1, 3);
	swap(f, "functions/main/releases/1", "functions/other/releases/1"); /* the same number */
	assert_int_equal(load(f, "main", 1), -EBADMSG);
	assert_int_equal(load(f, "other", 1), -EBADMSG);
	swap(f, "functions/main/releases/1", "functions/other/releases/1");
	swap(f, "functions/main/releases/1", "functions/main/releases/2"); /* the same function */
	assert_int_equal(load(f, "main", 1), -EBADMSG);
	assert_int_equal(load(f, "main", 2), -EBADMSG);
	swap(f, "functions/main/releases/1", "functions/main/releases/2");
	assert_int_equal(load(f, "main", 1), 0);

	deploy(f, "other", 2, 3);
	deploy(f, "other", 3, 4);
	swap(f, "functions/main/current", "functions/other/current");
	assert_int_equal(fixture_current(f->store, "main"), 2); /* the newest stands in */
	assert_int_equal(fixture_current(f->store, "other"), 3);
}

static void test_a_torn_current_or_record_is_stood_in_for(void **state)
{
	struct fixture *f = *state;
	struct store_release *release;
	for (unsigned n = 1; n <= 3; n++)
		deploy(f, "main", n, n);
	fixture_write(fixture_path(f, "functions/main/current"), "", 0);
	assert_int_equal(fixture_current(f->store, "main"), 3);
	fixture_flip(fixture_path(f, "functions/main/releases/3"), 0);
	assert_int_equal(fixture_current(f->store, "main"), 2);
	fixture_write(fixture_path(f, "functions/main/releases/2"), "", 0);
	release = current(f, "main");
	assert_true(release->number == 1 && fixture_holds(f->store, release, 1));
	store_release_free(release);
	assert_int_equal(unlink(fixture_path(f, "functions/main/releases/1")), 0);
	assert_int_equal(store_load_current(f->store, "main", &release), -EBADMSG);

	deploy(f, "main", 4, 4); /* and a deployment mends it */
	assert_int_equal(fixture_current(f->store, "main"), 4);
}

/* Recovery takes records above current back, but a torn current is no reason to take any back. */
static void test_recovery_keeps_records_when_current_is_torn(void **state)
{
	struct fixture *f = *state;
	struct store_release release;
	deploy(f, "main", 1, 1);
	deploy(f, "main", 2, 2);
	prepare(f, 2, &release); /* the same bytes again, not committed */
	fixture_write(fixture_path(f, "functions/main/current"), "", 0);
	fixture_reopen(f);
	assert_int_equal(fixture_current(f->store, "main"), 2);
	assert_true(fixture_is_whole(f));
}

static void test_odd_files_in_place_of_current(void **state)
{
	struct fixture *f = *state;
	char path[512];
	(void)snprintf(path, sizeof(path), "%s", fixture_path(f, "functions/main/current"));
	deploy(f, "main", 1, 1);
	deploy(f, "main", 2, 2);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("../other/current", path), 0);
	assert_int_equal(fixture_current(f->store, "main"), 2);
	deploy(f, "main", 3, 3);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(fixture_current(f->store, "main"), 3);
	deploy(f, "main", 4, 4);
	assert_int_equal(fixture_current(f->store, "main"), 4);
}

/* ---- objects and who needs them ---- */

static bool has_object(struct fixture *f, const uint8_t *digest)
{
	return fixture_exists(fixture_object_path(f, digest, "payload"));
}

static void test_removal(void **state)
{
	struct fixture *f = *state;
	deploy(f, "main", 1, 1);
	struct store_release *first = current(f, "main");
	struct store_object *object;
	uint8_t found[LEN];
	assert_int_equal(store_open_object(f->store, first->digest, LEN, &object), 0);
	assert_int_equal(store_remove_release(f->store, "main", 1), -EBUSY);
	deploy(f, "main", 2, 2);

	assert_int_equal(store_remove_release(f->store, "main", 1), 0);
	assert_int_equal(store_remove_release(f->store, "main", 1), -ENOENT);
	assert_false(has_object(f, first->digest));
	assert_int_equal(store_object_pread(object, found, LEN, 0), 0); /* open, so still readable */
	store_object_unref(object);
	assert_int_equal(store_open_object(f->store, first->digest, LEN, &object), -ENOENT);
	store_release_free(first);
	assert_true(fixture_is_whole(f));
}

static void test_an_object_goes_with_its_last_release(void **state)
{
	struct fixture *f = *state;
	deploy(f, "main", 1, 1);
	deploy(f, "main", 2, 1);
	deploy(f, "main", 3, 3);
	deploy(f, "other", 1, 1);
	deploy(f, "other", 2, 2);
	struct store_release *release;
	assert_int_equal(store_load_release(f->store, "main", 1, &release), 0);
	assert_int_equal(store_remove_release(f->store, "main", 1), 0);
	assert_true(has_object(f, release->digest)); /* main's second */
	assert_true(fixture_is_whole(f));
	assert_int_equal(store_remove_release(f->store, "main", 2), 0);
	assert_true(has_object(f, release->digest)); /* other's */
	assert_true(fixture_is_whole(f));
	assert_int_equal(store_remove_release(f->store, "other", 1), 0);
	assert_false(has_object(f, release->digest));
	assert_true(fixture_is_whole(f));
	store_release_free(release);
}

static void test_rollback(void **state)
{
	struct fixture *f = *state;
	deploy(f, "main", 1, 1);
	deploy(f, "main", 2, 2);
	struct store_release *release;
	assert_int_equal(store_load_release(f->store, "main", 1, &release), 0);
	release->number = 3;
	assert_int_equal(store_next_id(f->store, &release->id), 0);
	assert_int_equal(store_commit_release(f->store, "main", release), 0);
	assert_int_equal(store_remove_release(f->store, "main", 1), 0);
	assert_true(fixture_holds(f->store, release, 1));
	assert_true(fixture_is_whole(f));
	store_release_free(release);
}

/* Another function is about to use the object, so it must not go. */
static void test_what_is_in_flight_stays(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = fixture_bytes(1, LEN);
	struct store_object *object;
	struct store_release release;
	deploy(f, "main", 1, 1);
	deploy(f, "main", 2, 2);
	assert_int_equal(fixture_put(f->store, "other", bytes, LEN, &object), 0);
	assert_int_equal(store_remove_release(f->store, "main", 1), 0);
	assert_true(has_object(f, store_object_digest(object)));
	assert_int_equal(fixture_release(f->store, 1, store_object_digest(object), LEN, &release), 0);
	assert_int_equal(store_commit_release(f->store, "other", &release), 0);
	assert_true(fixture_is_whole(f));
	store_object_unref(object);
	free(bytes);
}

/* An old release of the same bytes goes while they are being deployed again. */
static void test_removal_leaves_a_pending_object(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = fixture_bytes(1, LEN);
	struct store_object *object;
	struct store_release release;
	deploy(f, "main", 1, 1);
	deploy(f, "main", 2, 2);
	assert_int_equal(fixture_put(f->store, "main", bytes, LEN, &object), 0);
	assert_int_equal(store_remove_release(f->store, "main", 1), 0);
	assert_int_equal(fixture_release(f->store, 3, store_object_digest(object), LEN, &release), 0);
	assert_int_equal(store_commit_release(f->store, "main", &release), 0);
	assert_true(fixture_holds(f->store, &release, 1));
	assert_true(fixture_is_whole(f));
	store_object_unref(object);
	free(bytes);
}

/* ---- several functions that share their objects, changed at once ---- */

#define ROUNDS 60

struct worker {
	pthread_t thread;
	struct store *store;
	char function[8];
	bool failed;
};

/* Deploys one of two artifacts and takes the release before away, again and again. */
static void *work(void *arg)
{
	struct worker *w = arg;
	for (unsigned n = 1; n <= ROUNDS && !w->failed; n++) {
		struct store_release *release = NULL;
		w->failed = fixture_deploy(w->store, w->function, n, n % 2, LEN) < 0 ||
			    (n > 1 && store_remove_release(w->store, w->function, n - 1) < 0) ||
			    store_load_current(w->store, w->function, &release) < 0 ||
			    !fixture_holds(w->store, release, n % 2);
		store_release_free(release);
	}
	return NULL;
}

static void test_functions_at_once(void **state)
{
	struct fixture *f = *state;
	struct worker workers[3];
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		workers[i] = (struct worker){.store = f->store};
		(void)snprintf(workers[i].function, sizeof(workers[i].function), "f%zu", i);
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		assert_false(workers[i].failed);
	}
	assert_true(fixture_is_whole(f));
}

static void test_a_damaged_record_can_be_removed(void **state)
{
	struct fixture *f = *state;
	deploy(f, "main", 1, 1);
	deploy(f, "main", 2, 2);
	fixture_flip(fixture_path(f, "functions/main/releases/1"), 40);
	assert_int_equal(store_remove_release(f->store, "main", 1), 0);
	assert_int_equal(load(f, "main", 1), -ENOENT);
	assert_int_equal(fixture_current(f->store, "main"), 2);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_any_record_comes_back),
		STORE_TEST(test_refuses_bad_releases),
		STORE_TEST(test_numbers),
		STORE_TEST(test_update),
		STORE_TEST(test_every_byte_of_a_record_counts),
		STORE_TEST(test_records_know_their_place),
		STORE_TEST(test_a_torn_current_or_record_is_stood_in_for),
		STORE_TEST(test_recovery_keeps_records_when_current_is_torn),
		STORE_TEST(test_odd_files_in_place_of_current),
		STORE_TEST(test_removal),
		STORE_TEST(test_an_object_goes_with_its_last_release),
		STORE_TEST(test_rollback),
		STORE_TEST(test_what_is_in_flight_stays),
		STORE_TEST(test_removal_leaves_a_pending_object),
		STORE_TEST(test_functions_at_once),
		STORE_TEST(test_a_damaged_record_can_be_removed),
	};
	return cmocka_run_group_tests_name("store_release", tests, fixture_group_setup, fixture_group_teardown);
}
