/* A list of layers that is written before the function has an artifact. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "layers_fixture.h"

#define FILE_NAME "store/functions/main/layers"

static void the_first_artifact_takes_it_up(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\ntools:1\n"), 0);
	assert_int_equal(layers_fixture_release(f, "main"), 0);
	assert_int_equal(slots_fixture_run_has(f, "main"), -ENOENT);
	layers_fixture_assert_list(f, MAIN, "base:1\ntools:1\n");
	layers_fixture_assert_why(f, "main", "waiting  slot=functions/main  artifact=layers\n");

	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(layers_fixture_release(f, "main"), 1);
	layers_fixture_assert_served(f, ".releases/main/1/task/marker", "one");
	layers_fixture_assert_served(f, ".releases/main/1/opt/which", "base 1");
	layers_fixture_assert_served(f, ".releases/main/1/opt/tool", "tools 1");
	layers_fixture_assert_list(f, MAIN, "base:1\ntools:1\n");
	layers_fixture_assert_why(f, "main", "  layer base:1      ok");
	assert_int_equal(slots_fixture_count_records(f, "\"layers\":\"base:1 accepted, tools:1 accepted\""), 1);

	/* what has been taken up does not come again */
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), 0);
	slots_fixture_restart(f);
	slots_fixture_deploy(f, "main", "two");
	layers_fixture_assert_no_list(f, MAIN);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/3/opt/which"), -ENOENT);
}

static void it_outlives_a_restart_with_its_times(void **state)
{
	struct slots_fixture *f = *state;
	const struct timespec mtime = {.tv_sec = 1700000000, .tv_nsec = 42};
	const struct tree_change change = {.mtime = &mtime};
	struct slots_attr attr;
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1"), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(deploy_setattr(f->slots, attr.node, NULL, &change, &attr), 0);
	deploy_forget(f->slots, attr.node, 1);
	slots_fixture_restart(f);
	layers_fixture_assert_list(f, MAIN, "base:1");
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(attr.mtime.tv_sec, mtime.tv_sec);
	assert_int_equal(attr.mtime.tv_nsec, mtime.tv_nsec);
	deploy_forget(f->slots, attr.node, 1);

	slots_fixture_deploy(f, "main", "one");
	layers_fixture_assert_served(f, ".releases/main/1/opt/which", "base 1");
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(attr.mtime.tv_sec, mtime.tv_sec); /* also as a release's */
	deploy_forget(f->slots, attr.node, 1);
}

/* A crash between the release and the end of the list. */
static void one_that_was_taken_up_is_removed_by_the_next_load(void **state)
{
	struct slots_fixture *f = *state;
	struct buf before = {0}, after = {0};
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(io_read_file(f->host->dirfd, FILE_NAME, 4096, &before), 0);
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), 0);
	slots_fixture_stop(f);
	gate_fixture_write(f->host, FILE_NAME, before.data, before.len);
	slots_fixture_start(f);
	layers_fixture_assert_no_list(f, MAIN);
	layers_fixture_assert_served(f, ".releases/main/2/task/marker", "one");
	assert_int_equal(io_read_file(f->host->dirfd, FILE_NAME, 4096, &after), 0);
	assert_null(memmem(after.data, after.len, "base:1", 6));
	buf_done(&before);
	buf_done(&after);
}

static void lines_are_checked_at_once(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\nbase:1\n"), -EINVAL);
	layers_fixture_assert_why(f, "main", "line 2 of layers: layer base is named already");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:9\n"), -ENOENT);
	layers_fixture_assert_no_list(f, MAIN);
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:9\n"), -ENOENT);
	layers_fixture_assert_list(f, MAIN, "base:1\n"); /* the one before */
	assert_int_equal(layers_fixture_attach(f, MAIN, "tools:1\n"), 0);
	layers_fixture_assert_list(f, MAIN, "tools:1\n");
	slots_fixture_deploy(f, "main", "one");
	layers_fixture_assert_served(f, ".releases/main/1/opt/tool", "tools 1");
}

static void all_or_nothing(void **state)
{
	struct slots_fixture *f = *state;
	struct buf zip = slots_fixture_zip(f, "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\nplain:1\n"), 0);
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), -ENOKEY);
	layers_fixture_assert_why(f, "main", "VF2005 refused");
	layers_fixture_assert_why(f, "main", "  layer plain:1     FAILED");
	assert_int_equal(layers_fixture_release(f, "main"), 0);
	layers_fixture_assert_list(f, MAIN, "base:1\nplain:1\n");
	assert_int_equal(slots_fixture_unlink(f, MAIN, "layers"), 0);
	layers_fixture_assert_no_list(f, MAIN);
	slots_fixture_restart(f);
	layers_fixture_assert_no_list(f, MAIN);
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), 0);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1/opt/which"), -ENOENT);
	buf_done(&zip);
}

static void a_version_that_is_removed_meanwhile(void **state)
{
	struct slots_fixture *f = *state;
	struct buf zip = slots_fixture_zip(f, "one");
	assert_int_equal(layers_fixture_attach(f, MAIN, "tools:1\nbase:1\n"), 0);
	assert_int_equal(slots_fixture_unlink(f, "layers/base", "1.zip"), 0);
	slots_fixture_restart(f);
	layers_fixture_assert_list(f, MAIN, "tools:1\nbase:1\n");
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), -ENOENT);
	layers_fixture_assert_why(f, "main", "line 2 of layers: there is no layer version base:1");
	assert_int_equal(layers_fixture_attach(f, MAIN, "tools:1\n"), 0);
	assert_int_equal(slots_fixture_put(f, MAIN, "a.zip", &zip), 0);
	layers_fixture_assert_served(f, ".releases/main/1/opt/tool", "tools 1");
	buf_done(&zip);
}

/* Judged without the list, or with the one before: judged again. */
static void one_that_comes_while_the_artifact_is_written(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, "one");
	assert_int_equal(slots_fixture_open(f, MAIN, "a.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_int_equal(layers_fixture_release(f, "main"), 1);
	layers_fixture_assert_served(f, ".releases/main/1/opt/which", "base 1");
	buf_done(&zip);
}

static void an_artifact_that_comes_while_the_list_is_written(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	assert_int_equal(slots_fixture_open(f, MAIN, "layers", &file), 0);
	assert_int_equal(deploy_write(file, "base:1\n", 7, 0), 0);
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_int_equal(layers_fixture_release(f, "main"), 2);
	layers_fixture_assert_served(f, ".releases/main/2/opt/which", "base 1");
	layers_fixture_assert_served(f, ".releases/main/2/task/marker", "one");
}

static void tools_change_it(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	struct tree_handle *file;
	char text[32] = "";
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	assert_int_equal(slots_fixture_deploy_path(f, MAIN "/layers", &attr), 0);
	assert_int_equal(deploy_open(f->slots, attr.node, O_WRONLY, &slots_fixture_caller, &file), 0); /* >> */
	assert_int_equal(deploy_write(file, "tools:1\n", 8, 7), 0);
	assert_int_equal(deploy_flush(file), 0);
	assert_int_equal(deploy_read(file, text, sizeof(text) - 1, 0), 15);
	assert_string_equal(text, "base:1\ntools:1\n");
	deploy_release(file);
	deploy_forget(f->slots, attr.node, 1);
	layers_fixture_assert_list(f, MAIN, "base:1\ntools:1\n");
	assert_int_equal(slots_fixture_rename(f, MAIN, "layers", "layers~"), 0); /* an editor's backup */
	layers_fixture_assert_list(f, MAIN, "base:1\ntools:1\n");
	assert_int_equal(slots_fixture_rename(f, MAIN, "layers~", "layers"), 0);
	layers_fixture_assert_list(f, MAIN, "base:1\ntools:1\n");
}

static void a_slot_that_is_removed_takes_it_along(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), 0);
	assert_int_equal(layers_fixture_attach(f, "functions/team-x", "base:1\n"), 0);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-x"), -ENOTEMPTY);
	assert_int_equal(slots_fixture_unlink(f, "functions/team-x", "layers"), 0);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-x"), 0);
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), 0);
	layers_fixture_assert_no_list(f, "functions/team-x");
}

static void a_damaged_one_is_as_good_as_none(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(layers_fixture_attach(f, MAIN, "base:1\n"), 0);
	slots_fixture_stop(f);
	gate_fixture_write(f->host, FILE_NAME, "torn", 4);
	gate_fixture_write(f->host, FILE_NAME ".again", "torn", 4);
	slots_fixture_start(f);
	layers_fixture_assert_no_list(f, MAIN);
	slots_fixture_deploy(f, "main", "one");
	layers_fixture_assert_served(f, ".releases/main/1/task/marker", "one");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, layers_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_artifact_takes_it_up),
		TEST(it_outlives_a_restart_with_its_times),
		TEST(one_that_was_taken_up_is_removed_by_the_next_load),
		TEST(lines_are_checked_at_once),
		TEST(all_or_nothing),
		TEST(a_version_that_is_removed_meanwhile),
		TEST(one_that_comes_while_the_artifact_is_written),
		TEST(an_artifact_that_comes_while_the_list_is_written),
		TEST(tools_change_it),
		TEST(a_slot_that_is_removed_takes_it_along),
		TEST(a_damaged_one_is_as_good_as_none),
	};
	return cmocka_run_group_tests_name("waiting_list", tests, NULL, NULL);
}
