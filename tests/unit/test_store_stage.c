/* Stages: a private file and the tree that grows beside it, whatever is written in whatever order. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

#define BLOCK MERKLE_BLOCK_BYTES
#define LEN   (3 * BLOCK + 700)
#define SEED  4
#define PIECE ((size_t)300 * 1000)
#define LARGE (18 * PIECE + 77)

static void assert_tree_of(struct store_stage *stage, const uint8_t *expected, size_t len)
{
	struct io_memory memory = {.bytes = expected, .len = len};
	struct io_reader reader = io_reader_memory(&memory);
	struct merkle_tree *whole;
	const struct merkle_tree *grown;
	assert_int_equal(merkle_tree_of(&reader, len, &whole), 0);
	assert_int_equal(store_stage_tree(stage, len, &grown), 0);
	assert_memory_equal(grown->digest, whole->digest, sizeof(whole->digest));
	merkle_tree_free(whole);
}

static void test_stage_keeps_a_tree(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = fixture_bytes(SEED, LEN), found[LEN + 10];
	struct store_stage *stage;
	assert_int_equal(store_stage_new(f->store, &stage), 0);
	assert_int_equal(store_stage_write(stage, bytes + BLOCK + 5, LEN - BLOCK - 5, BLOCK + 5), 0);
	assert_int_equal(store_stage_size(stage), LEN);

	uint8_t holed[LEN] = {0}; /* what was not written reads as zeros */
	memcpy(holed + BLOCK + 5, bytes + BLOCK + 5, LEN - BLOCK - 5);
	assert_tree_of(stage, holed, LEN);
	assert_int_equal(store_stage_read(stage, found, sizeof(found), 0), LEN);
	assert_memory_equal(found, holed, LEN);

	assert_int_equal(store_stage_write(stage, bytes, BLOCK + 5, 0), 0);
	assert_tree_of(stage, bytes, LEN);
	assert_tree_of(stage, bytes, LEN - 22); /* the part in front of a comment */
	assert_int_equal(store_stage_read(stage, found, 10, LEN - 4), 4);
	assert_int_equal(store_stage_read(stage, found, 10, LEN), 0);
	const struct merkle_tree *tree;
	assert_int_equal(store_stage_tree(stage, LEN + 1, &tree), -EINVAL);
	store_stage_free(stage);
	free(bytes);
}

/* What is large is hashed by threads beside the writes, also where it is written again, cut and extended meanwhile. */
static void test_large_stage(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = fixture_bytes(SEED, LARGE), *others = fixture_bytes(SEED + 1, LARGE);
	struct store_stage *stage;
	assert_int_equal(store_stage_new(f->store, &stage), 0);
	for (size_t at = 0; at < LARGE; at += PIECE) {
		size_t len = LARGE - at < PIECE ? LARGE - at : PIECE;
		assert_int_equal(store_stage_write(stage, others + at, len, at), 0);
		assert_int_equal(store_stage_write(stage, bytes + at, len, at), 0);
	}
	assert_tree_of(stage, bytes, LARGE);

	assert_int_equal(store_stage_write(stage, others + 5 * PIECE, LARGE - 5 * PIECE, 5 * PIECE), 0);
	assert_int_equal(store_stage_truncate(stage, 6 * PIECE + 10), 0);
	assert_int_equal(store_stage_truncate(stage, LARGE), 0);
	memcpy(bytes + 5 * PIECE, others + 5 * PIECE, PIECE + 10);
	memset(bytes + 6 * PIECE + 10, 0, LARGE - 6 * PIECE - 10);
	assert_tree_of(stage, bytes, LARGE);
	store_stage_free(stage);
	free(others);
	free(bytes);
}

/* Dropped and put while threads are at it. */
static void test_large_stage_ends(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = fixture_bytes(SEED, LARGE);
	for (int i = 0; i < 4; i++) {
		struct store_stage *stage;
		assert_int_equal(store_stage_new(f->store, &stage), 0);
		for (size_t at = 0; at + PIECE <= LARGE; at += PIECE)
			assert_int_equal(store_stage_write(stage, bytes + at, PIECE, at), 0);
		if (i % 2 == 1) {
			struct store_object *object;
			assert_int_equal(store_put_object(f->store, stage, store_stage_size(stage), "f", &object), 0);
			store_discard_object(f->store, "f", object);
			store_object_unref(object);
		}
		store_stage_free(stage);
	}
	free(bytes);
}

static void test_stage_truncate(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = fixture_bytes(SEED, LEN);
	struct store_stage *stage = fixture_stage(f->store, bytes, LEN);
	assert_tree_of(stage, bytes, LEN);
	assert_int_equal(store_stage_truncate(stage, BLOCK + 9), 0);
	assert_tree_of(stage, bytes, BLOCK + 9);
	assert_int_equal(store_stage_truncate(stage, LEN), 0);
	memset(bytes + BLOCK + 9, 0, LEN - BLOCK - 9);
	assert_tree_of(stage, bytes, LEN);
	assert_int_equal(store_stage_truncate(stage, 0), 0);
	assert_int_equal(store_stage_size(stage), 0);
	assert_tree_of(stage, bytes, 0);
	assert_int_equal(store_stage_write(stage, bytes, 1, MERKLE_SIZE_MAX_BYTES), -EFBIG);
	assert_int_equal(store_stage_write(stage, bytes, 2, UINT64_MAX), -EFBIG);
	store_stage_free(stage);
	free(bytes);
}

static void test_stage_copy(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = fixture_bytes(SEED, LEN), found[LEN + 5];
	struct store_object *object;
	struct store_stage *stage;
	assert_int_equal(fixture_put(f->store, "main", bytes, LEN, &object), 0);
	assert_int_equal(store_stage_copy(f->store, object, "abc", 3, &stage), 0);
	assert_int_equal(store_stage_read(stage, found, sizeof(found), 0), LEN + 5);
	assert_memory_equal(found, bytes, LEN);
	assert_memory_equal(found + LEN,
			    "\x03\x00"
			    "abc",
			    5);
	assert_tree_of(stage, found, LEN + 5);
	store_stage_free(stage);
	assert_int_equal(store_stage_copy(f->store, object, "", 65536, &stage), -EINVAL);

	fixture_flip(fixture_object_path(f, store_object_digest(object), "payload"), BLOCK);
	assert_int_equal(store_stage_copy(f->store, object, NULL, 0, &stage), -EBADMSG);
	store_object_unref(object);
	free(bytes);
}

/* In a child: a write that stops half-way leaves bytes that nobody reported to the tree. */
static int overwrite_in_part(struct fixture *f)
{
	uint8_t *old = fixture_bytes(SEED, LEN), *new = fixture_bytes(SEED + 1, LEN), found[LEN];
	struct store_stage *stage = fixture_stage(f->store, old, LEN);
	struct rlimit limit = {.rlim_cur = BLOCK + 100, .rlim_max = RLIM_INFINITY};
	ASSERT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &limit) == 0);
	if (store_stage_write(stage, new, 2 * BLOCK, 0) != -EFBIG)
		return 1;
	if (store_stage_size(stage) != LEN || store_stage_read(stage, found, LEN, 0) != LEN)
		return 2;
	if (memcmp(found, new, BLOCK + 100) != 0 || memcmp(found + BLOCK + 100, old + BLOCK + 100, 100) != 0)
		return 3;
	struct io_memory memory = {.bytes = found, .len = LEN};
	struct io_reader reader = io_reader_memory(&memory);
	struct merkle_tree *expected;
	const struct merkle_tree *tree;
	ASSERT(merkle_tree_of(&reader, LEN, &expected) == 0 && store_stage_tree(stage, LEN, &tree) == 0);
	return memcmp(tree->digest, expected->digest, sizeof(tree->digest)) == 0 ? 0 : 4;
}

static void test_half_a_write(void **state)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(overwrite_in_part(*state));
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#ifdef VOUCHFS_TEST_HOOKS

/* Runs body in a child with a fault; its asserts end the child with a failure. */
static void with_fault(struct fixture *f, const char *spec, void (*body)(struct fixture *))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		ASSERT(setenv("VOUCHFS_TEST_FAULT", spec, 1) == 0);
		io_fault_arm();
		body(f);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* O_TMPFILE is refused: the file has a name in staging/ until it is placed. */
static void put_with_named_files(struct fixture *f)
{
	uint8_t *bytes = fixture_bytes(SEED, LEN);
	struct store_stage *dropped = NULL, *stage = NULL;
	ASSERT(store_stage_new(f->store, &dropped) == 0);
	ASSERT(fixture_count(fixture_path(f, "staging")) == 1);
	ASSERT(store_stage_write(dropped, bytes, LEN, 0) == 0);
	ASSERT(store_stage_new(f->store, &stage) == 0);
	struct store_object *object;
	ASSERT(store_put_object(f->store, dropped, LEN, "main", &object) == 0);
	ASSERT(fixture_exists(fixture_object_path(f, store_object_digest(object), "payload")));
	ASSERT(fixture_count(fixture_path(f, "staging")) == 1); /* the intent */
	uint8_t found[LEN];
	ASSERT(store_object_pread(object, found, LEN, 0) == 0 && memcmp(found, bytes, LEN) == 0);
}

static void drop_a_named_file(struct fixture *f)
{
	struct store_stage *stage = NULL;
	ASSERT(store_stage_new(f->store, &stage) == 0);
	ASSERT(fixture_count(fixture_path(f, "staging")) == 1);
	store_stage_free(stage);
	ASSERT(fixture_count(fixture_path(f, "staging")) == 0);
}

static void test_named_staging(void **state)
{
	with_fault(*state, "openat:1:EOPNOTSUPP", drop_a_named_file);
	with_fault(*state, "openat:1:EOPNOTSUPP", put_with_named_files);
}

/* The second write fails. What the file holds is found out by reading it. */
static void fail_a_write(struct fixture *f)
{
	uint8_t *bytes = fixture_bytes(SEED, LEN), found[LEN];
	struct store_stage *stage = NULL;
	ASSERT(store_stage_new(f->store, &stage) == 0);
	ASSERT(store_stage_write(stage, bytes, BLOCK, 0) == 0);
	ASSERT(store_stage_write(stage, bytes + BLOCK, BLOCK, BLOCK) == -ENOSPC);
	ASSERT(store_stage_size(stage) == BLOCK);
	ASSERT(store_stage_write(stage, bytes + BLOCK, LEN - BLOCK, BLOCK) == 0);
	struct store_object *object;
	ASSERT(store_put_object(f->store, stage, LEN, "main", &object) == 0);
	ASSERT(store_object_pread(object, found, LEN, 0) == 0 && memcmp(found, bytes, LEN) == 0);
}

static void test_failed_write(void **state)
{
	with_fault(*state, "pwrite:2:ENOSPC", fail_a_write);
}

/* The reference is the intent's file under a second name, or where no file can have two a file of its own. */
static void put_with_a_reference(struct fixture *f)
{
	uint8_t *bytes = fixture_bytes(SEED, LEN);
	struct store_object *object;
	struct stat st;
	bool alone = getenv("VOUCHFS_TEST_FAULT")[0] == 'l';
	ASSERT(fixture_put(f->store, alone ? "alone" : "main", bytes, LEN, &object) == 0);
	const char *reference = alone ? "ref.alone" : "ref.main";
	ASSERT(stat(fixture_object_path(f, store_object_digest(object), reference), &st) == 0);
	ASSERT(S_ISREG(st.st_mode) && st.st_size == 0);
	ASSERT(st.st_nlink == (alone ? 1 : 2));
}

static void test_reference(void **state)
{
	with_fault(*state, "fsync:1:EIO", put_with_a_reference); /* none in a store that is not durable */
	with_fault(*state, "linkat:1:EOPNOTSUPP", put_with_a_reference);
}

#define GROWN ((size_t)20 * 1024 * 1024) /* some of it is sent to the disk before its end */

static struct store_stage *grow(struct fixture *f, uint8_t *bytes)
{
	struct store_stage *stage = NULL;
	ASSERT(store_stage_new(f->store, &stage) == 0);
	for (size_t at = 0; at < GROWN; at += PIECE)
		ASSERT(store_stage_write(stage, bytes + at, GROWN - at < PIECE ? GROWN - at : PIECE, at) == 0);
	return stage;
}

/* The disk refuses some of it while it grows: nothing becomes of it, and the errno comes out. */
static void fail_to_write_back(struct fixture *f)
{
	uint8_t *bytes = fixture_bytes(SEED, GROWN);
	const struct merkle_tree *tree;
	struct store_object *object;
	struct store_stage *stage = grow(f, bytes);
	ASSERT(store_stage_tree(stage, GROWN, &tree) == 0);
	uint8_t digest[CRYPTO_SHA256_BYTES];
	memcpy(digest, tree->digest, sizeof(digest));
	int r = store_put_object(f->store, stage, GROWN, "main", &object);
	ASSERT(r == -ENOSPC || r == -EIO);
	store_stage_free(stage);
	ASSERT(!fixture_exists(fixture_object_path(f, digest, "payload")));
	ASSERT(fixture_count(fixture_path(f, "staging")) == 0);
	store_stage_free(grow(f, bytes)); /* nobody asks for what is dropped */
}

static void write_back(struct fixture *f)
{
	uint8_t *bytes = fixture_bytes(SEED, GROWN);
	struct store_object *object;
	ASSERT(store_put_object(f->store, grow(f, bytes), GROWN, "main", &object) == 0);
	uint8_t found[BLOCK];
	ASSERT(store_object_pread(object, found, BLOCK, GROWN - BLOCK) == 0);
	ASSERT(memcmp(found, bytes + GROWN - BLOCK, BLOCK) == 0);
}

static void open_anew(struct fixture *f, bool durable)
{
	struct store_options options = fixture_options(f);
	options.durable = durable;
	ASSERT(store_open(&options, &f->store, NULL) == 0);
}

static void fail_to_write_back_durably(struct fixture *f)
{
	open_anew(f, true);
	fail_to_write_back(f);
}

static void write_back_durably(struct fixture *f)
{
	open_anew(f, true);
	write_back(f);
}

static void write_back_for_nobody(struct fixture *f)
{
	open_anew(f, false);
	write_back(f);
}

static void test_failed_writeback(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	with_fault(f, "sync_file_range:1+:ENOSPC", fail_to_write_back_durably);
	with_fault(f, "sync_file_range:1:EIO", fail_to_write_back_durably);
	with_fault(f, "sync_file_range:1+:EOPNOTSUPP", write_back_durably); /* not every filesystem can */
	with_fault(f, "sync_file_range:1+:ENOSPC", write_back_for_nobody);
	fixture_reopen(f);
}

#endif

/* Only stages: what was left of others goes, one process has it, and a stage is what it is elsewhere. */
static void test_staging_alone(void **state)
{
	struct fixture *f = *state;
	char path[200], left[220];
	uint8_t *bytes = fixture_bytes(SEED, LEN), found[LEN];
	struct store *area = NULL, *second;
	struct store_stage *stage;
	struct stat st;
	(void)snprintf(path, sizeof(path), "%s/area", f->dir);
	(void)snprintf(left, sizeof(left), "%s/staging/file.left", path);
	assert_int_equal(store_open_staging(path, &area, &f->why), 0);
	fixture_write(left, "x", 1);
	assert_int_equal(store_open_staging(path, &second, &f->why), -EBUSY);
	store_close(area);
	assert_true(fixture_exists(left));
	assert_int_equal(store_open_staging(path, &area, &f->why), 0);
	assert_false(fixture_exists(left));

	assert_int_equal(store_stage_new(area, &stage), 0);
	assert_int_equal(store_stage_write(stage, bytes, LEN, 0), 0);
	assert_int_equal(store_stage_read(stage, found, LEN, 0), LEN);
	assert_memory_equal(found, bytes, LEN);
	assert_int_equal(fstat(store_stage_fd(stage), &st), 0);
	assert_int_equal(st.st_size, LEN);
	assert_tree_of(stage, bytes, LEN);
	store_stage_free(stage);
	store_close(area);

	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(store_open_staging(path, &area, &f->why), -EPERM);
	free(bytes);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_stage_keeps_a_tree), STORE_TEST(test_stage_truncate), STORE_TEST(test_large_stage),
		STORE_TEST(test_large_stage_ends),   STORE_TEST(test_stage_copy),     STORE_TEST(test_half_a_write),
		STORE_TEST(test_staging_alone),
#ifdef VOUCHFS_TEST_HOOKS
		STORE_TEST(test_named_staging),	     STORE_TEST(test_failed_write),   STORE_TEST(test_reference),
		STORE_TEST(test_failed_writeback),
#endif
	};
	return cmocka_run_group_tests_name("store_stage", tests, fixture_group_setup, fixture_group_teardown);
}
