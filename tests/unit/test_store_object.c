/* Objects: what is put is what is read, and nothing else ever is (I1). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

#define BLOCK MERKLE_BLOCK_BYTES
#define LEN   (3 * BLOCK + 700)
#define SEED  4

/* A put object of LEN bytes with its release, closed. */
static void deploy(struct fixture *f, struct store_release **ret)
{
	assert_int_equal(fixture_deploy(f->store, "main", 1, SEED, LEN), 0);
	assert_int_equal(store_load_current(f->store, "main", ret), 0);
}

static int open_object(struct fixture *f, const struct store_release *release, struct store_object **ret)
{
	*ret = NULL;
	return store_open_object(f->store, release->digest, release->length_bytes, ret);
}

static void test_reads_at_any_offset(void **state)
{
	struct fixture *f = *state;
	static const size_t edges[] = {0,	  1,	     BLOCK - 1,	    BLOCK,   BLOCK + 1,
				       2 * BLOCK, 3 * BLOCK, 3 * BLOCK + 1, LEN - 1, LEN};
	uint8_t *bytes = fixture_bytes(SEED, LEN), found[LEN];
	struct store_release *release;
	struct store_object *object;
	deploy(f, &release);
	assert_int_equal(open_object(f, release, &object), 0);
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		for (size_t j = i; j < ARRAY_SIZE(edges); j++) {
			size_t len = edges[j] - edges[i];
			memset(found, 0xee, sizeof(found));
			assert_int_equal(store_object_pread(object, found, len, edges[i]), 0);
			assert_memory_equal(found, bytes + edges[i], len);
		}
	}
	assert_int_equal(store_object_pread(object, found, 2, LEN - 1), -EIO);
	assert_int_equal(store_object_pread(object, found, 2, UINT64_MAX), -EIO);
	struct io_reader reader = store_object_reader(object);
	assert_int_equal(reader.size_bytes, LEN);
	assert_int_equal(io_reader_pread(&reader, found, 100, BLOCK - 50), 0);
	assert_memory_equal(found, bytes + BLOCK - 50, 100);
	store_object_unref(object);
	store_release_free(release);
	free(bytes);
}

static void test_empty_object(void **state)
{
	struct fixture *f = *state;
	struct store_object *object;
	uint8_t byte;
	assert_int_equal(fixture_deploy(f->store, "main", 1, SEED, 0), 0);
	struct store_release *release;
	assert_int_equal(store_load_current(f->store, "main", &release), 0);
	assert_int_equal(open_object(f, release, &object), 0);
	assert_int_equal(store_object_pread(object, &byte, 0, 0), 0);
	assert_int_equal(store_object_pread(object, &byte, 1, 0), -EIO);
	store_object_unref(object);
	const char *path = fixture_object_path(f, release->digest, "payload");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0); /* of the right size */
	assert_int_equal(open_object(f, release, &object), -EBADMSG);
	store_release_free(release);
}

/* ---- sums ---- */

#define LARGE_LEN ((size_t)1024 * 1024 + 700)

static uint32_t first_byte(uint32_t sum, const void *bytes, size_t len)
{
	return sum + *(const uint8_t *)bytes + (uint32_t)len;
}

static void open_with_sums(struct fixture *f, uint32_t (*sum)(uint32_t, const void *, size_t))
{
	struct store_options options = fixture_options(f);
	fixture_close(f);
	options.sum = sum;
	assert_int_equal(store_open(&options, &f->store, &f->why), 0);
}

static void expect_sums(const struct store_object *object)
{
	uint8_t *bytes = fixture_bytes(SEED, LARGE_LEN);
	const uint32_t *sums = store_object_sums(object);
	assert_non_null(sums);
	for (size_t at = 0; at < LARGE_LEN; at += BLOCK)
		assert_int_equal(sums[at / BLOCK],
				 first_byte(0, bytes + at, LARGE_LEN - at < BLOCK ? LARGE_LEN - at : BLOCK));
	free(bytes);
}

/* Whether there are sums when it is opened anew. */
static bool has_sums(struct fixture *f, const struct store_release *release)
{
	struct store_object *object;
	assert_int_equal(open_object(f, release, &object), 0);
	bool has = store_object_sums(object) != NULL;
	store_object_unref(object);
	return has;
}

static void test_sums_are_kept_beside_large_objects(void **state)
{
	struct fixture *f = *state;
	struct store_release *release;
	struct store_object *object;
	open_with_sums(f, first_byte);
	assert_int_equal(fixture_deploy(f->store, "main", 1, SEED, LARGE_LEN), 0);
	assert_int_equal(store_load_current(f->store, "main", &release), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(open_object(f, release, &object), 0);
		expect_sums(object);
		store_object_unref(object);
		open_with_sums(f, first_byte);
	}
	assert_true(has_sums(f, release));
	open_with_sums(f, NULL); /* nobody asks */
	assert_false(has_sums(f, release));
	open_with_sums(f, first_byte);
	assert_int_equal(truncate(fixture_object_path(f, release->digest, "sums"), BLOCK), 0);
	assert_false(has_sums(f, release));
	assert_int_equal(unlink(fixture_object_path(f, release->digest, "sums")), 0);
	assert_false(has_sums(f, release));
	store_release_free(release);

	assert_int_equal(fixture_deploy(f->store, "main", 2, SEED, LEN), 0);
	assert_int_equal(store_load_current(f->store, "main", &release), 0);
	assert_false(fixture_exists(fixture_object_path(f, release->digest, "sums")));
	store_release_free(release);
}

static void test_sums_go_with_their_object(void **state)
{
	struct fixture *f = *state;
	struct store_release *release;
	open_with_sums(f, first_byte);
	assert_int_equal(fixture_deploy(f->store, "main", 1, SEED, LARGE_LEN), 0);
	assert_int_equal(store_load_current(f->store, "main", &release), 0);
	assert_int_equal(fixture_deploy(f->store, "main", 2, SEED + 1, LEN), 0);
	assert_int_equal(store_remove_release(f->store, "main", 1), 0);
	assert_false(fixture_exists(fixture_object_path(f, release->digest, "")));
	assert_true(fixture_is_whole(f));
	store_release_free(release);
}

static void test_is_shared_while_open(void **state)
{
	struct fixture *f = *state;
	struct store_release *release;
	struct store_object *one, *two;
	deploy(f, &release);
	assert_int_equal(open_object(f, release, &one), 0);
	assert_int_equal(open_object(f, release, &two), 0);
	assert_ptr_equal(one, two);
	assert_ptr_equal(store_object_ref(one), one);
	store_object_unref(one);
	store_object_unref(one);
	assert_int_equal(store_open_object(f->store, release->digest, LEN + 1, &one), -EBADMSG);
	store_object_unref(two);
	store_object_unref(NULL);
	assert_int_equal(store_open_object(f->store, release->digest, LEN + 1, &one), -EBADMSG);
	assert_int_equal(store_open_object(f->store, release->digest, UINT64_MAX, &one), -EBADMSG);
	release->digest[0] ^= 1;
	assert_int_equal(open_object(f, release, &one), -ENOENT);
	store_release_free(release);
}

static void test_every_block_is_checked_every_time(void **state)
{
	struct fixture *f = *state;
	struct store_release *release;
	struct store_object *object;
	uint8_t found[LEN], zeros[LEN] = {0};
	deploy(f, &release);
	assert_int_equal(open_object(f, release, &object), 0);
	assert_int_equal(store_object_pread(object, found, LEN, 0), 0);

	fixture_flip(fixture_object_path(f, release->digest, "payload"), BLOCK + 17);
	assert_int_equal(store_object_pread(object, found, LEN, 0), -EBADMSG);
	assert_memory_equal(found, zeros, LEN); /* nothing is left in the buffer */
	assert_int_equal(store_object_pread(object, found, 1, BLOCK), -EBADMSG);
	assert_int_equal(store_object_pread(object, found, 2, 2 * BLOCK - 2), -EBADMSG);
	assert_int_equal(store_object_pread(object, found, BLOCK, 0), 0);
	assert_int_equal(store_object_pread(object, found, LEN - 2 * BLOCK, 2 * BLOCK), 0);

	fixture_flip(fixture_object_path(f, release->digest, "payload"), BLOCK + 17);
	assert_int_equal(store_object_pread(object, found, LEN, 0), 0);
	fixture_flip(fixture_object_path(f, release->digest, "payload"), -1);
	assert_int_equal(store_object_pread(object, found, 1, LEN - 2), -EBADMSG);
	assert_int_equal(truncate(fixture_object_path(f, release->digest, "payload"), BLOCK), 0);
	assert_int_equal(store_object_pread(object, found, BLOCK, 0), 0);
	assert_int_equal(store_object_pread(object, found, 1, BLOCK), -EBADMSG);
	store_object_unref(object);
	store_release_free(release);
}

static void replace_by_symlink(const char *path)
{
	char target[512];
	(void)snprintf(target, sizeof(target), "%s.moved", path);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(strrchr(target, '/') + 1, path), 0);
}

static void replace_by_fifo(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void replace_by_dir(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

static void cut(const char *path)
{
	assert_int_equal(truncate(path, 64), 0);
}

static void grow(const char *path)
{
	assert_int_equal(truncate(path, LEN + 32), 0);
}

static void flip(const char *path)
{
	fixture_flip(path, 3);
}

static void remove_file(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void test_refuses_what_was_not_put(void **state)
{
	static const struct {
		const char *file;
		void (*spoil)(const char *path);
		int expected;
		bool heals;
	} cases[] = {
		{"payload", replace_by_symlink, -EBADMSG, true},
		{"payload", replace_by_fifo, -EBADMSG, true},
		{"payload", replace_by_dir, -EBADMSG, false},
		{"payload", cut, -EBADMSG, true},
		{"payload", grow, -EBADMSG, true},
		{"payload", remove_file, -ENOENT, true},
		{"tree", replace_by_symlink, -EBADMSG, true},
		{"tree", replace_by_fifo, -EBADMSG, true},
		{"tree", flip, -EBADMSG, true},
		{"tree", cut, -EBADMSG, true},
		{"tree", grow, -EBADMSG, true},
		{"tree", remove_file, -EBADMSG, true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		void *inner;
		assert_int_equal(fixture_setup(&inner), 0);
		struct fixture *f = inner;
		struct store_release *release;
		struct store_object *object;
		deploy(f, &release);
		const char *path = fixture_object_path(f, release->digest, cases[i].file);
		assert_int_equal(chmod(path, 0600), 0);
		cases[i].spoil(path);
		if (open_object(f, release, &object) != cases[i].expected)
			fail_msg("case %zu", i);
		if (cases[i].heals) {
			assert_int_equal(fixture_deploy(f->store, "main", 2, SEED, LEN), 0);
			assert_true(fixture_holds(f->store, release, SEED));
		}
		store_release_free(release);
		assert_int_equal(fixture_teardown(&inner), 0);
	}
	(void)state;
}

static void test_put_again_heals(void **state)
{
	struct fixture *f = *state;
	struct store_release *release;
	struct store_object *old, *fresh;
	uint8_t byte;
	deploy(f, &release);
	assert_int_equal(open_object(f, release, &old), 0);
	fixture_flip(fixture_object_path(f, release->digest, "payload"), 0);
	assert_int_equal(store_object_pread(old, &byte, 1, 0), -EBADMSG);

	for (unsigned number = 2; number <= 3; number++) { /* also for who has it open, and once more */
		assert_int_equal(fixture_deploy(f->store, "main", number, SEED, LEN), 0);
		assert_int_equal(open_object(f, release, &fresh), 0);
		assert_ptr_equal(old, fresh);
		assert_int_equal(store_object_pread(old, &byte, 1, 0), 0);
		store_object_unref(fresh);
		fixture_flip(fixture_object_path(f, release->digest, "payload"), 0);
		assert_int_equal(store_object_pread(old, &byte, 1, 0), -EBADMSG);
	}
	assert_int_equal(fixture_deploy(f->store, "main", 4, SEED, LEN), 0);
	store_object_unref(old);
	store_release_free(release);
	assert_true(fixture_is_whole(f));
}

static void test_put_cuts_and_locks(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = fixture_bytes(SEED, LEN);
	struct store_stage *stage = fixture_stage(f->store, bytes, LEN);
	struct store_object *object;
	struct stat st;
	assert_int_equal(store_put_object(f->store, stage, LEN - 100, "main", &object), 0);
	assert_int_equal(stat(fixture_object_path(f, store_object_digest(object), "payload"), &st), 0);
	assert_int_equal(st.st_size, LEN - 100);
	assert_int_equal(st.st_mode & 07777, 0400);
	store_stage_free(stage);

	stage = fixture_stage(f->store, bytes, LEN);
	struct store_object *none = NULL;
	assert_int_equal(store_put_object(f->store, stage, LEN + 1, "main", &none), -EINVAL);
	store_stage_free(stage);
	stage = fixture_stage(f->store, bytes, LEN);
	assert_int_equal(store_put_object(f->store, stage, LEN, "../main", &none), -EINVAL);
	store_stage_free(stage);
	assert_null(none);
	store_object_unref(object);
	free(bytes);
}

static void test_discard(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = fixture_bytes(SEED, LEN), found[LEN];
	struct store_object *object;
	assert_int_equal(fixture_put(f->store, "main", bytes, LEN, &object), 0);
	store_discard_object(f->store, "main", object);
	assert_false(fixture_exists(fixture_object_path(f, store_object_digest(object), "payload")));
	assert_int_equal(store_object_pread(object, found, LEN, 0), 0); /* open, so still there */
	store_object_unref(object);

	assert_int_equal(fixture_put(f->store, "main", bytes, LEN, &object), 0);
	store_object_unref(object);
	fixture_reopen(f); /* forgotten: recovery removes it */
	assert_true(fixture_is_whole(f));
	free(bytes);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_reads_at_any_offset),
		STORE_TEST(test_empty_object),
		STORE_TEST(test_sums_are_kept_beside_large_objects),
		STORE_TEST(test_sums_go_with_their_object),
		STORE_TEST(test_is_shared_while_open),
		STORE_TEST(test_every_block_is_checked_every_time),
		STORE_TEST(test_refuses_what_was_not_put),
		STORE_TEST(test_put_again_heals),
		STORE_TEST(test_put_cuts_and_locks),
		STORE_TEST(test_discard),
	};
	return cmocka_run_group_tests_name("store_object", tests, fixture_group_setup, fixture_group_teardown);
}
