/* Uploads off the straight path: names that go or change under an open file, disks that fail, limits. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/log.h"
#include "slots_fixture.h"

#define MAIN "functions/main"

static void assert_served(struct slots_fixture *f, uint64_t number, const char *expected)
{
	char path[64], target[64];
	int error;
	struct buf link = {0};
	struct slots_attr attr;
	assert_int_equal(slots_fixture_run_path(f, "main", &attr), 0);
	assert_int_equal(run_readlink(f->slots, attr.node, &link), 0);
	run_forget(f->slots, attr.node, 1);
	(void)snprintf(target, sizeof(target), ".releases/main/%u", (unsigned)number);
	assert_string_equal(link.data, target);
	buf_done(&link);
	(void)snprintf(path, sizeof(path), "%s/task/marker", target);
	assert_string_equal(slots_fixture_marker(f, path, &error), expected);
	assert_int_equal(error, 0);
}

/* Every call of this kind fails from here on, until clear_faults. */
static void fail_all(const char *call, const char *error)
{
	char spec[64];
	(void)snprintf(spec, sizeof(spec), "%s:1+:%s", call, error);
	assert_int_equal(setenv("VOUCHFS_TEST_FAULT", spec, 1), 0);
	io_fault_arm();
	log_set_level((enum log_level) - 1);
}

static void clear_faults(void)
{
	assert_int_equal(unsetenv("VOUCHFS_TEST_FAULT"), 0);
	log_set_level(LOG_LEVEL_ERROR);
}

/* ---- names that go or change ---- */

static void a_name_that_is_removed_before_the_close_is_not_published(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, "new");
	slots_fixture_deploy(f, "main", "old");
	assert_int_equal(slots_fixture_open(f, MAIN, "b.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(slots_fixture_unlink(f, MAIN, "b.zip"), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_int_equal(slots_fixture_deploy_has(f, MAIN "/b.zip"), -ENOENT);
	assert_int_equal(slots_fixture_deploy_has(f, MAIN "/a.zip"), 0);
	assert_served(f, 1, "old");
	buf_done(&zip);
}

/* Accepted at the completing write, then the config changes: what counts is the one in force at the commit. */
static void a_config_that_changes_before_the_close_judges_again(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, "new"), errors = {0};
	slots_fixture_deploy(f, "main", "old");
	assert_int_equal(slots_fixture_open(f, MAIN, "a.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	slots_fixture_configure(f, "",
				"[code-signing-config strict]\n"
				"allowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				":/signing-profiles/other\n"
				"untrusted_artifact_on_deployment = Enforce\n"
				"untrusted_artifact_on_load = Ignore\n"
				"[function main]\ncode_signing_config = strict\n");
	assert_int_equal(slots_reload(f->slots, &errors), 0);
	assert_int_equal(deploy_flush(file), -EKEYREJECTED);
	deploy_release(file);
	assert_served(f, 1, "old");
	buf_done(&errors);
	buf_done(&zip);
}

/* Between lookup and open somebody else may have renamed over the name: it is not absent, so that is not said. */
static void a_node_that_lost_its_name_is_stale(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct slots_attr attr;
	struct buf zip = slots_fixture_zip(f, "two");
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_put(f, MAIN, ".a.tmp", &zip), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/a.zip", &attr), 0);
	assert_int_equal(slots_fixture_rename(f, MAIN, ".a.tmp", "a.zip"), 0);
	assert_int_equal(deploy_open(f->slots, attr.node, O_RDONLY, &slots_fixture_caller, &file), -ESTALE);
	assert_int_equal(deploy_open(f->slots, attr.node, O_WRONLY, &slots_fixture_caller, &file), -ESTALE);
	assert_int_equal(deploy_open(f->slots, attr.node, O_WRONLY | O_TRUNC, &slots_fixture_caller, &file), -ESTALE);
	deploy_forget(f->slots, attr.node, 1);
	assert_int_equal(deploy_open(f->slots, attr.node, O_RDONLY, &slots_fixture_caller, &file), -ESTALE);
	assert_served(f, 2, "two");
	buf_done(&zip);
}

static void a_name_that_becomes_staging_before_the_close_is_not_judged(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, "new");
	slots_fixture_deploy(f, "main", "old");
	assert_int_equal(slots_fixture_open(f, MAIN, "b.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len - 1, 0), 0);
	assert_int_equal(slots_fixture_rename(f, MAIN, "b.zip", ".b.zip.part"), 0);
	assert_int_equal(deploy_flush(file), 0);
	assert_int_equal(deploy_write(file, zip.data + zip.len - 1, 1, zip.len - 1), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_served(f, 1, "old");
	assert_int_equal(slots_fixture_rename(f, MAIN, ".b.zip.part", "b.zip"), 0);
	assert_served(f, 2, "new");
	buf_done(&zip);
}

static void a_rename_is_recorded_for_whoever_renames(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_caller other = slots_fixture_caller;
	struct slots_attr slot, staging;
	struct buf zip = slots_fixture_zip(f, "new");
	assert_int_equal(slots_fixture_put(f, MAIN, ".a.zip.tmp", &zip), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN, &slot), 0);
	assert_int_equal(deploy_lookup(f->slots, slot.node, ".a.zip.tmp", &staging), 0);
	other.who.uid = 4321;
	assert_int_equal(deploy_rename(f->slots, slot.node, ".a.zip.tmp", slot.node, "a.zip", 0, &other), 0);
	deploy_forget(f->slots, staging.node, 1);
	assert_int_equal(slots_fixture_count_records(f, "\"uid\":4321"), 1);
	buf_done(&zip);
}

static void the_artifact_is_renamed_to_staging_and_back(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_rename(f, MAIN, "a.zip", ".a.zip~"), 0);
	assert_int_equal(slots_fixture_deploy_has(f, MAIN "/a.zip"), -ENOENT);
	assert_served(f, 1, "one");
	assert_int_equal(slots_fixture_rename(f, MAIN, ".a.zip~", "c.zip"), 0);
	assert_true(slots_fixture_lists(f, MAIN, "c.zip"));
	assert_served(f, 2, "one");
}

static void an_empty_or_refused_staging_file_leaves_the_slot_alone(void **state)
{
	struct slots_fixture *f = *state;
	struct buf empty = {0}, unsigned_zip = gate_fixture_zip(), good = slots_fixture_zip(f, "two");
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_put(f, MAIN, ".x", &empty), 0);
	assert_int_equal(slots_fixture_rename(f, MAIN, ".x", "a.zip"), -EINVAL);
	assert_int_equal(slots_fixture_put(f, MAIN, ".x", &unsigned_zip), 0);
	assert_int_equal(slots_fixture_rename(f, MAIN, ".x", "a.zip"), -ENOKEY);
	assert_int_equal(slots_fixture_rename(f, MAIN, ".x", "a.zip"), -ENOKEY);
	assert_served(f, 1, "one");
	assert_int_equal(slots_fixture_put(f, MAIN, ".x", &good), 0);
	assert_int_equal(slots_fixture_rename(f, MAIN, ".x", "a.zip"), 0);
	assert_int_equal(slots_fixture_deploy_has(f, MAIN "/.x"), -ENOENT);
	assert_served(f, 2, "two");
	buf_done(&unsigned_zip);
	buf_done(&good);
}

/* ---- local headers, which are kept while a ZIP is written ---- */

/* Into relaxed, which warns: a good ZIP but for a byte of its local header, which is written again when all but the
 * last byte has been noted. */
static int put_with_another_header(struct slots_fixture *f, char before, char after)
{
	struct tree_handle *file;
	struct buf zip = gate_fixture_zip();
	const size_t name_at = 30;
	zip.data[name_at] = before;
	assert_int_equal(slots_fixture_open(f, "functions/relaxed", "a.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len - 1, 0), 0);
	assert_int_equal(deploy_write(file, &after, 1, name_at), 0);
	int r = deploy_write(file, zip.data + zip.len - 1, 1, zip.len - 1);
	int at_flush = deploy_flush(file);
	deploy_release(file);
	buf_done(&zip);
	return r < 0 ? r : at_flush;
}

static void a_header_that_is_written_again_is_judged_as_it_is(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(put_with_another_header(f, 'a', 'a'), 0);
	assert_int_equal(put_with_another_header(f, 'b', 'a'), 0);
	assert_true(put_with_another_header(f, 'a', 'b') < 0); /* the directory has another name */
}

/* ---- disks that fail ---- */

static void a_failed_write_is_made_good_by_beginning_anew(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct slots_attr attr;
	struct buf zip = slots_fixture_zip(f, "one");
	const uint64_t zero = 0;
	const struct tree_change empty = {.size_bytes = &zero};
	assert_int_equal(slots_fixture_open(f, MAIN, "a.zip", &file), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/a.zip", &attr), 0);
	fail_all("pwrite", "ENOSPC");
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), -ENOSPC);
	clear_faults();
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(deploy_flush(file), -ENOSPC); /* there may be a hole */
	assert_int_equal(deploy_setattr(f->slots, attr.node, file, &empty, &attr), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	deploy_forget(f->slots, attr.node, 1);
	assert_served(f, 1, "one");
	buf_done(&zip);
}

static void a_failed_commit_is_made_good_by_beginning_anew(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct slots_attr attr;
	struct buf zip = slots_fixture_zip(f, "two");
	const uint64_t zero = 0;
	const struct tree_change empty = {.size_bytes = &zero};
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_open(f, MAIN, "b.zip", &file), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/b.zip", &attr), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	fail_all("renameat", "ENOSPC");
	assert_int_equal(deploy_flush(file), -ENOSPC);
	clear_faults();
	assert_served(f, 1, "one");
	assert_int_equal(deploy_flush(file), -ENOSPC);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), -ENOSPC); /* what it would go on from is gone */
	assert_int_equal(deploy_setattr(f->slots, attr.node, file, &empty, &attr), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	deploy_forget(f->slots, attr.node, 1);
	assert_served(f, 2, "two");
	slots_fixture_restart(f);
	assert_served(f, 2, "two");
	buf_done(&zip);
}

/* Hiding is one write: when it fails, the name is still there. */
static void an_unlink_that_cannot_be_kept_fails(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	fail_all("renameat", "EIO");
	assert_int_equal(slots_fixture_unlink(f, MAIN, "a.zip"), -EIO);
	clear_faults();
	assert_true(slots_fixture_lists(f, MAIN, "a.zip"));
	slots_fixture_restart(f);
	assert_true(slots_fixture_lists(f, MAIN, "a.zip"));
}

/* ---- limits and names ---- */

static void staging_names_are_limited(void **state)
{
	struct slots_fixture *f = *state;
	struct buf zip = slots_fixture_zip(f, "one");
	char name[32];
	for (unsigned i = 0; i < LIMIT_STAGING_FILES_PER_SLOT; i++) {
		(void)snprintf(name, sizeof(name), ".d%u", i);
		assert_int_equal(slots_fixture_mkdir(f, MAIN, name), 0);
	}
	assert_int_equal(slots_fixture_mkdir(f, MAIN, ".more"), -ENOSPC);
	assert_int_equal(slots_fixture_mkdir(f, MAIN "/.d0", ".more"), -ENOSPC);
	assert_int_equal(slots_fixture_put(f, MAIN, ".more", &zip), -ENOSPC);
	slots_fixture_deploy(f, "main", "one"); /* that is no staging */
	assert_int_equal(slots_fixture_rename(f, MAIN, "a.zip", ".more"), -ENOSPC);
	assert_int_equal(slots_fixture_rmdir(f, MAIN, ".d0"), 0);
	assert_int_equal(slots_fixture_put(f, MAIN, ".more", &zip), 0);
	assert_int_equal(slots_fixture_put(f, MAIN, ".more", &zip), 0); /* the same again */
	assert_int_equal(slots_fixture_rename(f, MAIN, ".more", ".other"), 0);
	assert_int_equal(slots_fixture_mkdir(f, "functions/relaxed", ".d"), 0);
	buf_done(&zip);
}

static void bytes_of_staging_are_limited(void **state)
{
	struct slots_fixture *f = *state;
	char name[32];
	struct tree_handle *file;
	slots_fixture_stop(f);
	slots_fixture_configure(f, "max_artifact_size = 10000\n", slots_fixture_rest);
	slots_fixture_start(f);
	struct buf zip = slots_fixture_zip(f, "one");
	for (unsigned i = 0; i < LIMIT_STAGED_PER_SLOT; i++) {
		(void)snprintf(name, sizeof(name), ".s%u", i);
		assert_int_equal(slots_fixture_open(f, MAIN, name, &file), 0);
		assert_int_equal(deploy_write(file, "x", 1, 9999), 0);
		deploy_release(file);
	}
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), -EDQUOT);
	assert_int_equal(slots_fixture_put(f, "functions/relaxed", "a.zip", &zip), 0);
	assert_int_equal(slots_fixture_unlink(f, MAIN, ".s0"), 0);
	for (unsigned i = 0; i < 20; i++) /* what is published counts no more */
		slots_fixture_deploy(f, "main", "one");
	assert_served(f, 20, "one");
	buf_done(&zip);
}

static void open_files_are_limited(void **state)
{
	struct slots_fixture *f = *state;
	static struct tree_handle *files[LIMIT_UPLOADS_PER_SLOT];
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(limit.rlim_cur >= 400); /* as on every machine: then it is three quarters */
	size_t room = limit.rlim_cur / 4 * 3, count = 0;
	room = room < ARRAY_SIZE(files) ? room : ARRAY_SIZE(files);
	while (count < room && slots_fixture_open(f, MAIN, "a.zip", &files[count]) == 0)
		count++;
	assert_int_equal(count, room);
	struct tree_handle *more;
	log_set_level((enum log_level) - 1);
	assert_int_equal(slots_fixture_open(f, MAIN, "a.zip", &more), -ENFILE);
	log_set_level(LOG_LEVEL_ERROR);
	while (count > 0)
		deploy_release(files[--count]);
	slots_fixture_deploy(f, "main", "one");
}

/* Whoever has it open may close it at any time, and nobody tells the sweep of that: it looks again. */
static void a_staging_file_that_is_open_is_swept_later(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	slots_fixture_stop(f);
	slots_fixture_configure(f, "staging_ttl = 1\n", slots_fixture_rest);
	slots_fixture_start(f);
	assert_int_equal(slots_fixture_open(f, MAIN, ".part", &file), 0);
	assert_in_range(slots_sweep(f->slots), 1, 1001);
	assert_int_equal(slots_fixture_deploy_has(f, MAIN "/.part"), 0);
	deploy_release(file);
}

static void a_staging_directory_that_was_swept_takes_nothing_in(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr, dir;
	struct tree_handle *file;
	slots_fixture_stop(f);
	slots_fixture_configure(f, "staging_ttl = 1\n", slots_fixture_rest);
	slots_fixture_start(f);
	assert_int_equal(slots_fixture_mkdir(f, MAIN, ".d"), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/.d", &dir), 0);
	while (slots_sweep(f->slots) != UINT64_MAX)
		(void)usleep(20000);
	assert_int_equal(slots_fixture_deploy_has(f, MAIN "/.d"), -ENOENT);
	assert_int_equal(
		deploy_create(f->slots, dir.node, "x", O_WRONLY | O_CREAT, &slots_fixture_caller, &attr, &file),
		-ENOENT);
	assert_int_equal(deploy_mkdir(f->slots, dir.node, ".x", &slots_fixture_caller, &attr), -ENOENT);
	deploy_forget(f->slots, dir.node, 1);
	assert_int_equal(deploy_getattr(f->slots, dir.node, &attr), -ESTALE);
}

static void names_of_every_length(void **state)
{
	struct slots_fixture *f = *state;
	struct buf zip = slots_fixture_zip(f, "long");
	char name[LIMIT_NAME_BYTES + 2];
	memset(name, 'n', sizeof(name));
	memcpy(name + LIMIT_NAME_BYTES - 4, ".zip", 5);
	assert_int_equal(slots_fixture_put(f, MAIN, name, &zip), 0);
	assert_true(slots_fixture_lists(f, MAIN, name));
	slots_fixture_restart(f);
	assert_true(slots_fixture_lists(f, MAIN, name));
	assert_served(f, 1, "long");

	memset(name, 'n', sizeof(name));
	memcpy(name + LIMIT_NAME_BYTES - 3, ".zip", 5);
	assert_int_equal(slots_fixture_put(f, MAIN, name, &zip), -ENAMETOOLONG);
	name[0] = '.';
	assert_int_equal(slots_fixture_put(f, MAIN, name, &zip), -ENAMETOOLONG);
	assert_int_equal(slots_fixture_mkdir(f, MAIN, name), -ENAMETOOLONG);
	assert_int_equal(slots_fixture_put(f, MAIN, ".ok", &zip), 0);
	assert_int_equal(slots_fixture_rename(f, MAIN, ".ok", name), -ENAMETOOLONG);
	buf_done(&zip);
}

static void sizes_beyond_the_limit(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct slots_attr attr;
	struct buf zip = slots_fixture_zip(f, "one");
	const uint64_t huge = UINT64_MAX, padded = zip.len + 100, exact = zip.len;
	const struct tree_change to_huge = {.size_bytes = &huge}, longer = {.size_bytes = &padded},
				 back = {.size_bytes = &exact};
	assert_int_equal(slots_fixture_open(f, MAIN, "a.zip", &file), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/a.zip", &attr), 0);
	assert_int_equal(deploy_write(file, "x", 1, UINT64_MAX - 1), -EFBIG);
	assert_int_equal(deploy_write(file, "x", 1, UINT64_MAX), -EFBIG);
	assert_int_equal(deploy_write(file, "x", 1, INT64_MAX), -EFBIG);
	assert_int_equal(slots_fixture_count_records(f, "VF4002"), 1); /* one attempt, one record */
	assert_int_equal(deploy_setattr(f->slots, attr.node, file, &to_huge, &attr), -EFBIG);
	assert_int_equal(deploy_flush(file), -EFBIG);

	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(deploy_setattr(f->slots, attr.node, file, &longer, &attr), 0);
	assert_int_equal(attr.size_bytes, padded);
	assert_true(deploy_flush(file) < 0); /* bytes behind the end */
	assert_int_equal(deploy_setattr(f->slots, attr.node, file, &back, &attr), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	deploy_forget(f->slots, attr.node, 1);
	assert_served(f, 1, "one");
	buf_done(&zip);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_that_is_removed_before_the_close_is_not_published),
		TEST(a_config_that_changes_before_the_close_judges_again),
		TEST(a_node_that_lost_its_name_is_stale),
		TEST(a_name_that_becomes_staging_before_the_close_is_not_judged),
		TEST(a_rename_is_recorded_for_whoever_renames),
		TEST(the_artifact_is_renamed_to_staging_and_back),
		TEST(an_empty_or_refused_staging_file_leaves_the_slot_alone),
		TEST(a_header_that_is_written_again_is_judged_as_it_is),
		TEST(a_failed_write_is_made_good_by_beginning_anew),
		TEST(a_failed_commit_is_made_good_by_beginning_anew),
		TEST(an_unlink_that_cannot_be_kept_fails),
		TEST(staging_names_are_limited),
		TEST(bytes_of_staging_are_limited),
		TEST(open_files_are_limited),
		TEST(a_staging_file_that_is_open_is_swept_later),
		TEST(a_staging_directory_that_was_swept_takes_nothing_in),
		TEST(names_of_every_length),
		TEST(sizes_beyond_the_limit),
	};
	return cmocka_run_group_tests_name("slots_upload", tests, NULL, NULL);
}
