/* Layer slots: the names and numbers of versions, what removes them, and names that linger after a publication. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/slots/internal.h"
#include "base/log.h"
#include "slots_fixture.h"

#define BASE "layers/base"

static int setup(void **state)
{
	int r = slots_fixture_setup(state);
	struct slots_fixture *f = *state;
	char rest[2048];
	(void)snprintf(rest, sizeof(rest), "%s[layer base]\n[layer main]\n[layer team-*]\n", slots_fixture_rest);
	slots_fixture_configure(f, "keep_releases = 1\n", rest);
	slots_fixture_restart(f);
	return r;
}

static int publish_as(struct slots_fixture *f, const char *name, const char *marker)
{
	struct buf zip = slots_fixture_zip(f, marker);
	int r = slots_fixture_put(f, BASE, name, &zip);
	buf_done(&zip);
	return r;
}

/* The same ZIP every time: a signature has a job of its own. */
static int publish_unsigned(struct slots_fixture *f, const char *name)
{
	struct buf zip = gate_fixture_zip();
	int r = slots_fixture_put(f, BASE, name, &zip);
	buf_done(&zip);
	return r;
}

static int rename_unsigned(struct slots_fixture *f, const char *name)
{
	int r = publish_unsigned(f, ".x.tmp");
	if (r == 0)
		r = slots_fixture_rename(f, BASE, ".x.tmp", name);
	(void)slots_fixture_unlink(f, BASE, ".x.tmp");
	return r;
}

static void assert_why(struct slots_fixture *f, const char *part)
{
	struct buf text = {0};
	slots_fixture_read(f, ".vouchfs/why/" BASE, &text);
	gate_fixture_assert_says(&text, part);
	buf_done(&text);
}

static void every_version_stays(void **state)
{
	struct slots_fixture *f = *state;
	char name[16];
	for (unsigned n = 1; n <= 4; n++) { /* keep_releases is for functions */
		(void)snprintf(name, sizeof(name), "v%u.zip", n);
		assert_int_equal(publish_as(f, name, name), 0);
	}
	for (int i = 0; i < 2; i++) {
		for (unsigned n = 1; n <= 4; n++) {
			(void)snprintf(name, sizeof(name), "%u.zip", n);
			assert_true(slots_fixture_lists(f, BASE, name));
		}
		assert_false(slots_fixture_lists(f, BASE, "v1.zip"));
		assert_int_equal(slots_fixture_run_has(f, "base"), -ENOENT);
		assert_int_equal(slots_fixture_run_has(f, "layer:base"), -ENOENT);
		assert_int_equal(slots_fixture_run_has(f, ".releases/base"), -ENOENT);
		slots_fixture_restart(f);
	}
	assert_int_equal(f->pushed.len, 0); /* the run side has nothing to forget */
}

/* A function and a layer may have one name. */
static void a_function_of_the_same_name_is_another_slot(void **state)
{
	struct slots_fixture *f = *state;
	struct buf zip = gate_fixture_zip();
	assert_int_equal(slots_fixture_put(f, "layers/main", "a.zip", &zip), 0);
	assert_false(slots_fixture_lists(f, "functions/main", "a.zip"));
	assert_false(slots_fixture_lists(f, ".vouchfs/why/functions", "main"));
	assert_true(slots_fixture_lists(f, ".vouchfs/why/layers", "main"));
	assert_int_equal(slots_fixture_deploy_has(f, "functions/base"), -ENOENT);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/layer:main"), -ENOENT);
	assert_int_equal(slots_fixture_deploy_has(f, "layers/relaxed"), -ENOENT);
	buf_done(&zip);
}

static void names_that_are_numbers(void **state)
{
	struct slots_fixture *f = *state;
	static const struct {
		const char *name;
		int expected;
	} rows[] = {
		{"0.zip", -EINVAL},
		{"02.zip", -EINVAL},
		{"3.zip", -EINVAL}, /* a gap */
		{"99999999999999999999999.zip", -EINVAL},
		{"1.zip", -EEXIST},
		{"2.txt", -EINVAL},
		{"layers", -EINVAL},
		{"2.zip", 0},
		{"2", -EINVAL},
		{"4a.zip", 0},
		{"4.0.zip", 0},
		{"-4.zip", 0},
	};
	assert_int_equal(publish_unsigned(f, "1.zip"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (publish_as(f, rows[i].name, rows[i].name) != rows[i].expected)
			fail_msg("%s: not %d", rows[i].name, rows[i].expected);
	assert_true(slots_fixture_lists(f, BASE, "5.zip"));
	assert_false(slots_fixture_lists(f, BASE, "6.zip"));
}

static void a_rename_to_a_number(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(publish_as(f, "a.zip", "one"), 0);
	assert_int_equal(rename_unsigned(f, "1.zip"), -EEXIST);
	assert_why(f, "version 1 is published already, with other content");
	assert_int_equal(rename_unsigned(f, "3.zip"), -EINVAL);
	assert_why(f, "version 3 would leave a gap: the next one is 2");
	assert_int_equal(rename_unsigned(f, "layers"), -EINVAL);
	assert_int_equal(rename_unsigned(f, "2.zip"), 0);
	assert_why(f, "published as version 2");
	assert_int_equal(rename_unsigned(f, "2.zip"), 0); /* rsync again */
	assert_why(f, "nothing new, the content is that of version 2");
	assert_int_equal(rename_unsigned(f, "3.zip"), -EEXIST);
	assert_why(f, "this content is published already, as version 2");
	assert_int_equal(slots_fixture_rename(f, BASE, "2.zip", "b.zip"), -EPERM);
	assert_int_equal(slots_fixture_rename(f, BASE, "2.zip", ".b.tmp"), -EPERM);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"layer-publication\""), 2);
}

static void versions_are_not_written_to(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	struct tree_handle *file;
	const struct timespec then = {.tv_sec = 1700000000};
	const struct tree_change times = {.mtime = &then};
	assert_int_equal(publish_as(f, "a.zip", "one"), 0);
	assert_int_equal(slots_fixture_deploy_path(f, BASE "/1.zip", &attr), 0);
	assert_int_equal(deploy_open(f->slots, attr.node, O_WRONLY, &slots_fixture_caller, &file), -EEXIST);
	assert_int_equal(deploy_open(f->slots, attr.node, O_RDWR | O_TRUNC, &slots_fixture_caller, &file), -EEXIST);
	assert_int_equal(deploy_open(f->slots, attr.node, O_RDONLY, &slots_fixture_caller, &file), 0);
	deploy_release(file);
	assert_int_equal(deploy_setattr(f->slots, attr.node, NULL, &times, &attr), 0); /* but tools may set times */
	deploy_forget(f->slots, attr.node, 1);
	slots_fixture_restart(f);
	assert_int_equal(slots_fixture_deploy_path(f, BASE "/1.zip", &attr), 0);
	assert_int_equal(attr.mtime.tv_sec, then.tv_sec);
	deploy_forget(f->slots, attr.node, 1);
}

/* Both began with 1.zip; the second to close has other content, or the same. */
static void two_writers_of_one_number(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *files[3];
	struct buf zips[] = {gate_fixture_zip(), slots_fixture_zip(f, "other"), gate_fixture_zip()};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(slots_fixture_open(f, BASE, "1.zip", &files[i]), 0);
		assert_int_equal(deploy_write(files[i], zips[i].data, zips[i].len, 0), 0);
	}
	assert_int_equal(deploy_flush(files[0]), 0);
	assert_int_equal(deploy_flush(files[1]), -EEXIST);
	assert_int_equal(deploy_flush(files[1]), -EEXIST); /* a dup of it */
	assert_int_equal(deploy_flush(files[2]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		deploy_release(files[i]);
		buf_done(&zips[i]);
	}
	assert_true(slots_fixture_lists(f, BASE, "1.zip"));
	assert_false(slots_fixture_lists(f, BASE, "2.zip"));
}

static void a_removed_version_is_not_given_again(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	struct tree_handle *reader;
	char bytes[64];
	assert_int_equal(publish_unsigned(f, "a.zip"), 0);
	assert_int_equal(publish_as(f, "b.zip", "two"), 0);
	assert_int_equal(slots_fixture_deploy_path(f, BASE "/2.zip", &attr), 0);
	assert_int_equal(deploy_open(f->slots, attr.node, O_RDONLY, &slots_fixture_caller, &reader), 0);
	assert_int_equal(slots_fixture_unlink(f, BASE, "2.zip"), 0);
	assert_int_equal(slots_fixture_unlink(f, BASE, "2.zip"), -ENOENT);
	assert_int_equal(deploy_read(reader, bytes, sizeof(bytes), 0), sizeof(bytes));
	deploy_release(reader);
	deploy_forget(f->slots, attr.node, 1);
	assert_false(slots_fixture_has_file(f, "store/layers/base/releases/2"));
	assert_int_equal(publish_as(f, "2.zip", "again"), -EINVAL);
	assert_why(f, "version 2 was removed, and its number is not given again: the next one is 3");
	slots_fixture_restart(f);
	assert_int_equal(publish_as(f, "2.zip", "again"), -EINVAL);
	assert_int_equal(publish_as(f, "c.zip", "two"), 0);
	assert_true(slots_fixture_lists(f, BASE, "3.zip"));
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"layer-version-removed\""), 1);
}

static void an_unlink_that_cannot_be_kept_fails(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(publish_as(f, "a.zip", "one"), 0);
	assert_int_equal(setenv("VOUCHFS_TEST_FAULT", "*:1+:EIO", 1), 0);
	io_fault_arm();
	log_set_level((enum log_level) - 1);
	assert_int_equal(slots_fixture_unlink(f, BASE, "1.zip"), -EIO);
	assert_int_equal(unsetenv("VOUCHFS_TEST_FAULT"), 0);
	log_set_level(LOG_LEVEL_ERROR);
	assert_true(slots_fixture_lists(f, BASE, "1.zip"));
	slots_fixture_restart(f);
	assert_true(slots_fixture_lists(f, BASE, "1.zip"));
}

static struct deploy_node *find_node(struct slots_fixture *f, uint64_t id)
{
	struct deploy_node *node;
	HASH_FIND(hh, f->slots->nodes, &id, sizeof(id), node);
	return node;
}

/* Found while the kernel knows it, for a minute. */
static void the_written_name_lingers(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr, again;
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, "one");
	const struct timespec then = {.tv_sec = 1700000000};
	const struct tree_change times = {.mtime = &then};
	assert_int_equal(slots_fixture_open(f, BASE, "a.zip", &file), 0);
	assert_int_equal(slots_fixture_deploy_path(f, BASE "/a.zip", &attr), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_int_equal(slots_fixture_deploy_has(f, BASE "/a.zip"), 0);
	assert_false(slots_fixture_lists(f, BASE, "a.zip"));
	assert_int_equal(deploy_setattr(f->slots, attr.node, NULL, &times, &attr), 0);
	assert_int_equal(attr.size_bytes, zip.len);
	assert_int_equal(slots_fixture_deploy_path(f, BASE "/1.zip", &again), 0);
	assert_int_equal(again.mtime.tv_sec, then.tv_sec); /* they are the version's */
	deploy_forget(f->slots, again.node, 1);

	assert_in_range(slots_sweep(f->slots), 1, LIMIT_PUBLISHED_NAME_MS);
	assert_int_equal(slots_fixture_deploy_has(f, BASE "/a.zip"), 0);
	find_node(f, attr.node)->touched_ms -= LIMIT_PUBLISHED_NAME_MS;
	assert_int_equal(slots_sweep(f->slots), UINT64_MAX);
	assert_int_equal(slots_fixture_deploy_has(f, BASE "/a.zip"), -ENOENT);
	assert_true(slots_fixture_lists(f, BASE, "1.zip"));
	deploy_forget(f->slots, attr.node, 1);
	assert_null(find_node(f, attr.node));
	buf_done(&zip);
}

/* It counts as no upload any more, so there may be any number of them. */
static void lingering_names_do_not_fill_the_slot(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attrs[3];
	struct slot *slot;
	char name[32];
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		struct tree_handle *file;
		struct buf zip = slots_fixture_zip(f, "one");
		(void)snprintf(name, sizeof(name), BASE "/v%zu.zip", i);
		assert_int_equal(slots_fixture_open(f, BASE, strrchr(name, '/') + 1, &file), 0);
		assert_int_equal(slots_fixture_deploy_path(f, name, &attrs[i]), 0);
		assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
		assert_int_equal(deploy_flush(file), 0);
		deploy_release(file);
		buf_done(&zip);
	}
	assert_int_equal(slot_find_layer(f->slots, "base", &slot), 0);
	assert_int_equal(slot->upload_count, 0);
	assert_int_equal(slot->staged_bytes, 0);
	/* a name may be used again, renamed away, or removed; the versions stay */
	assert_int_equal(publish_as(f, "v0.zip", "again"), 0);
	assert_int_equal(slots_fixture_rename(f, BASE, "v1.zip", ".v1.tmp"), 0);
	assert_int_equal(slots_fixture_unlink(f, BASE, "v2.zip"), 0);
	assert_int_equal(slots_fixture_deploy_has(f, BASE "/v2.zip"), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		deploy_forget(f->slots, attrs[i].node, 1);
	assert_int_equal(slots_fixture_deploy_has(f, BASE "/v0.zip"), -ENOENT);
	assert_true(slots_fixture_lists(f, BASE, "4.zip"));
	assert_int_equal(slot->upload_count, 1); /* .v1.tmp */
	assert_int_equal(slots_fixture_unlink(f, BASE, ".v1.tmp"), 0);
	assert_int_equal(slot->upload_count, 0);
}

static void a_layer_that_is_made_again_goes_on_with_its_numbers(void **state)
{
	struct slots_fixture *f = *state;
	struct buf zip = gate_fixture_zip();
	assert_int_equal(slots_fixture_mkdir(f, "layers", "base"), -EEXIST);
	assert_int_equal(slots_fixture_mkdir(f, "layers", "other"), -EACCES);
	assert_int_equal(slots_fixture_mkdir(f, "layers", "a.b"), -EINVAL);
	assert_int_equal(slots_fixture_rmdir(f, "layers", "base"), -EPERM);
	assert_int_equal(slots_fixture_mkdir(f, "layers", "team-x"), 0);
	assert_int_equal(slots_fixture_put(f, "layers/team-x", "a.zip", &zip), 0);
	assert_int_equal(slots_fixture_rmdir(f, "layers", "team-x"), -ENOTEMPTY);
	assert_int_equal(slots_fixture_unlink(f, "layers/team-x", "1.zip"), 0);
	assert_int_equal(slots_fixture_rmdir(f, "layers", "team-x"), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(slots_fixture_deploy_has(f, "layers/team-x"), -ENOENT);
		assert_false(slots_fixture_lists(f, "layers", "team-x"));
		assert_false(slots_fixture_lists(f, ".vouchfs/why/layers", "team-x"));
		slots_fixture_restart(f);
	}
	assert_int_equal(slots_fixture_mkdir(f, "layers", "team-x"), 0);
	assert_int_equal(slots_fixture_put(f, "layers/team-x", "a.zip", &zip), 0);
	assert_true(slots_fixture_lists(f, "layers/team-x", "2.zip"));
	buf_done(&zip);
}

static void a_disk_that_fails_publishes_nothing(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, "one");
	assert_int_equal(slots_fixture_open(f, BASE, "a.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(setenv("VOUCHFS_TEST_FAULT", "write:1:ENOSPC", 1), 0);
	io_fault_arm();
	log_set_level((enum log_level) - 1);
	int r = deploy_flush(file);
	assert_int_equal(unsetenv("VOUCHFS_TEST_FAULT"), 0);
	log_set_level(LOG_LEVEL_ERROR);
	deploy_release(file);
	assert_int_equal(r, -ENOSPC);
	assert_why(f, "not published  slot=" BASE);
	assert_false(slots_fixture_lists(f, BASE, "1.zip"));
	assert_int_equal(slots_fixture_put(f, BASE, "1.zip", &zip), 0);
	assert_true(slots_fixture_lists(f, BASE, "1.zip"));
	buf_done(&zip);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_version_stays),
		TEST(a_function_of_the_same_name_is_another_slot),
		TEST(names_that_are_numbers),
		TEST(a_rename_to_a_number),
		TEST(versions_are_not_written_to),
		TEST(two_writers_of_one_number),
		TEST(a_removed_version_is_not_given_again),
		TEST(an_unlink_that_cannot_be_kept_fails),
		TEST(the_written_name_lingers),
		TEST(lingering_names_do_not_fill_the_slot),
		TEST(a_layer_that_is_made_again_goes_on_with_its_numbers),
		TEST(a_disk_that_fails_publishes_nothing),
	};
	return cmocka_run_group_tests_name("slot_version", tests, NULL, NULL);
}
