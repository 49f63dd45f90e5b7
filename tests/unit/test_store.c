/* Opening a store: whose it is, whether it is one, who has it; its counters and its anchor. */
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

/* Opens what must not open; the explanation must name something. */
static void refused(struct fixture *f, const struct store_options *options, int expected, const char *says)
{
	struct store *store = NULL;
	memset(&f->why, 0, sizeof(f->why));
	assert_int_equal(store_open(options, &store, &f->why), expected);
	assert_null(store);
	if (!strstr(f->why.text, says))
		fail_msg("\"%s\" does not say \"%s\"", f->why.text, says);
}

static void test_makes_a_private_store(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	fixture_reopen(f);
	assert_true(store_audit_dirfd(f->store) >= 0);
	struct statvfs vfs;
	assert_int_equal(store_statvfs(f->store, &vfs), 0);
	assert_true(vfs.f_blocks > 0);
}

static void test_second_open_names_the_holder(void **state)
{
	struct fixture *f = *state;
	struct store_options options = fixture_options(f);
	char pid[32];
	(void)snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	refused(f, &options, -EBUSY, pid);
	fixture_reopen(f);
}

static void test_missing(void **state)
{
	struct fixture *f = *state;
	char path[192];
	(void)snprintf(path, sizeof(path), "%s/a/b", f->dir);
	struct store_options options = {.path = path, .create = true};
	refused(f, &options, -ENOENT, "make that first");
	(void)snprintf(path, sizeof(path), "%s/a", f->dir);
	options.create = false;
	refused(f, &options, -ENOENT, "cannot be opened");
	options.path = "a";
	refused(f, &options, -EINVAL, "absolute");
}

static void test_not_private(void **state)
{
	struct fixture *f = *state;
	struct store_options options = fixture_options(f);
	fixture_close(f);
	assert_int_equal(chmod(f->path, 0750), 0);
	refused(f, &options, -EPERM, "0750");
	assert_int_equal(chmod(f->path, 0700), 0);
	fixture_reopen(f);
}

static void test_not_a_store(void **state)
{
	struct fixture *f = *state;
	struct store_options options = fixture_options(f);
	fixture_close(f);
	assert_int_equal(unlink(fixture_path(f, "format")), 0);
	fixture_write(fixture_path(f, "letter.txt"), "x", 1);
	refused(f, &options, -EBADMSG, "not a store");
	assert_true(fixture_exists(fixture_path(f, "letter.txt")));

	/* as a crash in the middle of making it leaves it */
	assert_int_equal(unlink(fixture_path(f, "letter.txt")), 0);
	assert_int_equal(unlink(fixture_path(f, "next-id")), -1);
	assert_int_equal(rmdir(fixture_path(f, "audit")), 0);
	fixture_reopen(f);
	assert_true(fixture_exists(fixture_path(f, "format")));
}

static void test_sweeps_staging(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	fixture_write(fixture_path(f, "staging/file.xyz"), "x", 1);
	fixture_write(fixture_path(f, "staging/intent.7.zz.main"), "", 0);
	fixture_reopen(f);
	assert_int_equal(fixture_count(fixture_path(f, "staging")), 0);
}

static void test_read_only(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, 5000), 0);
	struct store_options options = fixture_options(f);
	options.read_only = true;
	struct store *beside;
	assert_int_equal(store_open(&options, &beside, NULL), 0);

	struct store_release *release;
	struct store_stage *stage = NULL;
	assert_int_equal(store_load_current(beside, "main", &release), 0);
	assert_true(fixture_holds(beside, release, 1));
	assert_int_equal(store_commit_release(beside, "main", release), -EROFS);
	assert_int_equal(store_update_release(beside, "main", release), -EROFS);
	assert_int_equal(store_stage_new(beside, &stage), -EROFS);
	assert_int_equal(store_remove_release(beside, "main", 1), -EROFS);
	assert_int_equal(store_remove_function(beside, "main"), -EROFS);
	assert_int_equal(store_put_slot_file(beside, "main", "slot", "x", 1), -EROFS);
	assert_int_equal(store_put_revocations(beside, "1", "x", 1), -EROFS);
	uint64_t none = 0;
	assert_int_equal(store_next_id(beside, &none), -EROFS);
	assert_int_equal(none, 0);
	store_release_free(release);
	store_close(beside);
	assert_true(fixture_is_whole(f));
}

static void test_read_only_makes_nothing(void **state)
{
	struct fixture *f = *state;
	char path[192];
	(void)snprintf(path, sizeof(path), "%s/none", f->dir);
	struct store_options options = {.path = path, .create = true, .read_only = true};
	refused(f, &options, -ENOENT, "cannot be opened");
	assert_false(fixture_exists(path));
}

static void test_ids_never_repeat(void **state)
{
	struct fixture *f = *state;
	uint64_t last = 0;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 1500; i++) { /* more than a block */
			uint64_t id = 0;
			assert_int_equal(store_next_id(f->store, &id), 0);
			assert_true(id > last);
			last = id;
		}
		fixture_reopen(f);
	}
}

static void test_ids_after_loss(void **state)
{
	struct fixture *f = *state;
	uint64_t id = 0;
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(store_next_id(f->store, &id), 0);
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, 100), 0);
	struct store_release *release;
	assert_int_equal(store_load_current(f->store, "main", &release), 0);
	fixture_close(f);
	fixture_flip(fixture_path(f, "next-id"), 30);
	fixture_reopen(f);
	assert_int_equal(store_next_id(f->store, &id), 0);
	assert_true(id > release->id);
	store_release_free(release);
}

/* ---- the anchor ---- */

static void open_anchored(struct fixture *f, struct store_options *options, char anchor[192])
{
	(void)snprintf(anchor, 192, "%s/anchor", f->dir);
	*options = fixture_options(f);
	options->anchor = anchor;
	fixture_close(f);
	assert_int_equal(store_open(options, &f->store, &f->why), 0);
}

static void read_all(const char *path, char *ret, size_t size)
{
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	ret[fread(ret, 1, size - 1, file)] = '\0';
	(void)fclose(file);
}

static void test_anchor_refuses_an_older_store(void **state)
{
	struct fixture *f = *state;
	struct store_options options;
	char anchor[192], older[512], text[128];
	open_anchored(f, &options, anchor);
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, 100), 0);
	read_all(fixture_path(f, "generation"), older, sizeof(older));
	assert_int_equal(fixture_deploy(f->store, "main", 2, 2, 100), 0);
	read_all(anchor, text, sizeof(text));
	assert_string_equal(text, "vouchfs-anchor: 1\ngeneration: 2\n");

	fixture_close(f);
	assert_int_equal(store_open(&options, &f->store, &f->why), 0); /* as it was left */
	fixture_close(f);
	fixture_write(fixture_path(f, "generation"), older, strlen(older));
	refused(f, &options, -EBADMSG, "set back");
	assert_int_equal(unlink(fixture_path(f, "generation")), 0);
	refused(f, &options, -EBADMSG, "set back");

	assert_int_equal(unlink(anchor), 0); /* the administrator says it was meant */
	assert_int_equal(store_open(&options, &f->store, &f->why), 0);
}

static void test_anchor_follows_a_newer_store(void **state)
{
	struct fixture *f = *state;
	struct store_options options;
	char anchor[192], text[128];
	open_anchored(f, &options, anchor);
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, 100), 0);
	assert_int_equal(store_remove_function(f->store, "main"), 0);
	fixture_close(f);
	fixture_write(anchor, "vouchfs-anchor: 1\ngeneration: 1\n", 32);
	assert_int_equal(store_open(&options, &f->store, &f->why), 0);
	read_all(anchor, text, sizeof(text));
	assert_string_equal(text, "vouchfs-anchor: 1\ngeneration: 2\n");
}

#ifdef VOUCHFS_TEST_HOOKS

/* The generation of a killed process may not be on the disk yet, and an anchor above it would refuse the store. */
static void test_anchor_waits_for_the_generation(void **state)
{
	struct fixture *f = *state;
	struct store_options options;
	char anchor[192], text[128];
	open_anchored(f, &options, anchor);
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, 5000), 0);
	fixture_close(f);
	fixture_write(anchor, "vouchfs-anchor: 1\ngeneration: 0\n", 32);
	options.durable = true;
	io_fault_arm();
	assert_int_equal(setenv("VOUCHFS_TEST_FAULT", "fsync:1:EIO", 1), 0);
	refused(f, &options, -EIO, "generation cannot be made durable");
	assert_int_equal(unsetenv("VOUCHFS_TEST_FAULT"), 0);
	read_all(anchor, text, sizeof(text));
	assert_string_equal(text, "vouchfs-anchor: 1\ngeneration: 0\n");
}

#endif

static void test_anchor_is_written_by_every_open(void **state)
{
	struct fixture *f = *state;
	struct store_options options;
	char anchor[192], text[128];
	open_anchored(f, &options, anchor);
	read_all(anchor, text, sizeof(text));
	assert_string_equal(text, "vouchfs-anchor: 1\ngeneration: 0\n");

	fixture_close(f);
	options.anchor = "/proc/anchor"; /* nobody makes files there */
	refused(f, &options, -ENOENT, "cannot be written");
}

static void test_damaged_anchor(void **state)
{
	struct fixture *f = *state;
	struct store_options options;
	char anchor[192];
	open_anchored(f, &options, anchor);
	fixture_close(f);
	fixture_write(anchor, "vouchfs-anchor: 1\n", 18);
	refused(f, &options, -EBADMSG, "anchor");
	fixture_write(anchor, "vouchfs-anchor: 2\ngeneration: 0\n", 32);
	refused(f, &options, -EBADMSG, "anchor");
	fixture_write(anchor, "", 0);
	refused(f, &options, -EBADMSG, "anchor");
	options.anchor = "/nonexistent-directory/anchor";
	refused(f, &options, -ENOENT, "anchor");
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_makes_a_private_store),
		STORE_TEST(test_second_open_names_the_holder),
		STORE_TEST(test_missing),
		STORE_TEST(test_not_private),
		STORE_TEST(test_not_a_store),
		STORE_TEST(test_sweeps_staging),
		STORE_TEST(test_read_only),
		STORE_TEST(test_read_only_makes_nothing),
		STORE_TEST(test_ids_never_repeat),
		STORE_TEST(test_ids_after_loss),
		STORE_TEST(test_anchor_refuses_an_older_store),
		STORE_TEST(test_anchor_follows_a_newer_store),
#ifdef VOUCHFS_TEST_HOOKS
		STORE_TEST(test_anchor_waits_for_the_generation),
#endif
		STORE_TEST(test_anchor_is_written_by_every_open),
		STORE_TEST(test_damaged_anchor),
	};
	return cmocka_run_group_tests_name("store", tests, fixture_group_setup, fixture_group_teardown);
}
