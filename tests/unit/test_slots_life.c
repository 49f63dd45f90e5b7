/* Slots that come, go and come back; what a restart and a reload find. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "slots_fixture.h"

#define TEAM "functions/team-x"

static void make_team(struct slots_fixture *f)
{
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), 0);
}

static void remove_team(struct slots_fixture *f)
{
	(void)slots_fixture_unlink(f, TEAM, "a.zip");
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-x"), 0);
}

static void assert_marker(struct slots_fixture *f, const char *path, const char *expected)
{
	int error;
	const char *found = slots_fixture_marker(f, path, &error);
	assert_int_equal(error, 0);
	assert_string_equal(found, expected);
}

static void assert_status_says(struct slots_fixture *f, const char *part)
{
	struct buf status = {0}, json = {0};
	slots_fixture_read(f, ".vouchfs/status", &status);
	slots_fixture_read(f, ".vouchfs/status.json", &json);
	gate_fixture_assert_says(&status, part);
	gate_fixture_assert_says(&json, "\"slots\"");
	buf_done(&status);
	buf_done(&json);
}

static void reload(struct slots_fixture *f)
{
	struct buf errors = {0};
	if (slots_reload(f->slots, &errors) != 0)
		fail_msg("%s", errors.data);
	buf_done(&errors);
}

/* A release that a process still uses when its slot goes must not take one of the next slot of that name with it. */
static void a_pruned_release_leaves_the_next_slot_alone(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr held;
	make_team(f);
	slots_fixture_deploy(f, "team-x", "one");
	assert_int_equal(slots_fixture_run_path(f, ".releases/team-x/1", &held), 0);
	slots_fixture_deploy(f, "team-x", "two");
	slots_fixture_deploy(f, "team-x", "three");
	slots_fixture_pass_grace(f);
	assert_int_equal(slots_fixture_run_has(f, ".releases/team-x/1"), -ENOENT);
	remove_team(f);
	make_team(f);
	slots_fixture_deploy(f, "team-x", "new one");
	slots_fixture_deploy(f, "team-x", "new two");
	run_forget(f->slots, held.node, 1);
	slots_fixture_restart(f);
	assert_marker(f, ".releases/team-x/1/task/marker", "new one");
	assert_marker(f, ".releases/team-x/2/task/marker", "new two");
}

static void a_pruned_release_goes_when_the_kernel_forgets_it(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr held;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_run_path(f, ".releases/main/1", &held), 0);
	slots_fixture_deploy(f, "main", "two");
	slots_fixture_deploy(f, "main", "three");
	slots_fixture_pass_grace(f);
	assert_true(slots_fixture_has_file(f, "store/functions/main/releases/1"));
	struct slots_attr task;
	assert_int_equal(run_lookup(f->slots, held.node, "task", &task), 0); /* still whole */
	run_forget(f->slots, task.node, 1);
	run_forget(f->slots, held.node, 1);
	assert_false(slots_fixture_has_file(f, "store/functions/main/releases/1"));
	assert_int_equal(run_getattr(f->slots, held.node, &task), -ENOENT);
}

static void what_was_made_is_listed_after_a_restart(void **state)
{
	struct slots_fixture *f = *state;
	make_team(f);
	slots_fixture_deploy(f, "team-x", "one");
	slots_fixture_restart(f);
	assert_true(slots_fixture_lists(f, "functions", "team-x"));
	slots_fixture_restart(f);
	assert_true(slots_fixture_lists(f, ".vouchfs/why/functions", "team-x"));
	remove_team(f);
	assert_false(slots_fixture_lists(f, "functions", "team-x"));
	slots_fixture_restart(f);
	assert_false(slots_fixture_lists(f, "functions", "team-x"));
	assert_int_equal(slots_fixture_deploy_has(f, TEAM), -ENOENT);
}

static void what_a_reload_declares_is_listed(void **state)
{
	struct slots_fixture *f = *state;
	char rest[2048];
	(void)snprintf(rest, sizeof(rest), "%s[function newcomer]\ncode_signing_config = approved\n",
		       slots_fixture_rest);
	assert_false(slots_fixture_lists(f, "functions", "newcomer"));
	slots_fixture_configure(f, "", rest);
	reload(f);
	assert_true(slots_fixture_lists(f, "functions", "newcomer"));
	slots_fixture_deploy(f, "newcomer", "one");
	slots_fixture_configure(f, "", slots_fixture_rest);
	reload(f);
	assert_false(slots_fixture_lists(f, "functions", "newcomer"));
	assert_marker(f, ".releases/newcomer/1/task/marker", "one"); /* goes on being served */
	assert_status_says(f, "~ newcomer             NO CONFIG    1");
}

/* What a reload changes about it must be seen at once. */
static void the_directory_of_functions_is_not_cached(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	assert_int_equal(slots_fixture_deploy_path(f, "functions", &attr), 0);
	assert_false(deploy_is_fixed(attr.node));
	assert_true(deploy_is_fixed(DEPLOY_ROOT));
}

static void a_second_mkdir_is_refused_whatever_is_loaded(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_caller other = slots_fixture_caller;
	struct slots_attr functions, attr;
	make_team(f);
	slots_fixture_restart(f);
	other.who.uid = 1234;
	assert_int_equal(slots_fixture_deploy_path(f, "functions", &functions), 0);
	assert_int_equal(deploy_mkdir(f->slots, functions.node, "team-y", &other, &attr), -EACCES);
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), -EEXIST);
	assert_int_equal(slots_fixture_mkdir(f, "functions", "main"), -EEXIST);
	assert_int_equal(slots_fixture_deploy_path(f, TEAM, &attr), 0);
	assert_int_equal(attr.uid, 0);
}

static void a_slot_that_was_made_and_then_declared_stays(void **state)
{
	struct slots_fixture *f = *state;
	char rest[2048];
	make_team(f);
	(void)snprintf(rest, sizeof(rest), "%s[function team-x]\ncode_signing_config = approved\n", slots_fixture_rest);
	slots_fixture_configure(f, "", rest);
	reload(f);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-x"), -EPERM);
	slots_fixture_configure(f, "", slots_fixture_rest);
	reload(f);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-x"), 0);
}

/* An open file whose name is gone does not bring a removed slot back. */
static void an_upload_does_not_outlive_its_slot(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, "late");
	make_team(f);
	assert_int_equal(slots_fixture_open(f, TEAM, "a.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-x"), -ENOTEMPTY);
	remove_team(f);
	(void)deploy_flush(file);
	deploy_release(file);
	assert_int_equal(slots_fixture_run_has(f, "team-x"), -ENOENT);
	assert_false(slots_fixture_has_file(f, "store/functions/team-x"));
	buf_done(&zip);
}

/* Neither does a refusal. */
static void a_refusal_does_not_bring_a_removed_slot_back(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	struct buf zip = gate_fixture_zip();
	make_team(f);
	assert_int_equal(slots_fixture_open(f, TEAM, "a.zip", &file), 0);
	remove_team(f);
	(void)deploy_write(file, zip.data, zip.len, 0);
	(void)deploy_flush(file);
	deploy_release(file);
	assert_false(slots_fixture_has_file(f, "store/functions/team-x"));
	assert_int_equal(slots_fixture_deploy_has(f, ".vouchfs/why/functions/team-x"), -ENOENT);
	buf_done(&zip);
}

/* A load that fails half-way is tried again from the start. */
static void a_slot_that_could_not_be_loaded_is_loaded_later(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_stop(f);
	int dirfd = f->host->dirfd;
	assert_int_equal(renameat(dirfd, "store/functions/main/releases", dirfd, "aside"), 0);
	gate_fixture_write(f->host, "store/functions/main/releases", "", 0);
	slots_fixture_start(f);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(slots_fixture_run_has(f, "main"), -EIO);
		assert_int_equal(slots_fixture_run_has(f, ".releases/main"), -EIO);
		assert_int_equal(slots_fixture_deploy_has(f, "functions/main"), -EIO);
	}
	assert_true(slots_fixture_lists(f, "functions", "main"));
	assert_status_says(f, "! main                 Enforce      -    - -                  -\n    DAMAGED: ");
	assert_int_equal(unlinkat(dirfd, "store/functions/main/releases", 0), 0);
	assert_int_equal(renameat(dirfd, "aside", dirfd, "store/functions/main/releases"), 0);
	assert_marker(f, ".releases/main/1/task/marker", "one");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2"), -ENOENT);
	slots_fixture_deploy(f, "main", "two");
	slots_fixture_deploy(f, "main", "three");
	slots_fixture_pass_grace(f);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -ENOENT);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2"), 0);
}

static void damage(struct slots_fixture *f, const char *path)
{
	char byte = '?';
	int fd = io_openat(f->host->dirfd, path, O_WRONLY, 0);
	assert_true(fd >= 0);
	assert_int_equal(io_pwrite_full(fd, &byte, 1, 30), 0);
	io_close(&fd);
}

/* A slot of which nothing whole is left can still be deployed to. */
static void a_damaged_slot_heals_when_it_is_deployed_to(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_stop(f);
	damage(f, "store/functions/main/releases/1");
	slots_fixture_start(f);
	assert_int_equal(slots_fixture_run_has(f, "main"), -EIO);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main"), -EIO);
	assert_status_says(f, "! main                 Enforce      -    - -                  -\n    DAMAGED: ");
	slots_fixture_deploy(f, "main", "two");
	assert_status_says(f, "  main                 Enforce      2");
	assert_marker(f, ".releases/main/2/task/marker", "two");
	assert_int_equal(slots_fixture_run_has(f, "main"), 0);
}

static void assert_stands_in(struct slots_fixture *f, const char *what, const char *path, const char *marker,
			     const char *status)
{
	char record[128];
	(void)snprintf(record, sizeof(record), "%s: the stored bytes are not what was put there", what);
	slots_fixture_stop(f);
	assert_int_equal(slots_fixture_count_records(f, record), 0);
	slots_fixture_start(f);
	assert_marker(f, path, marker);
	assert_status_says(f, status);
	assert_status_says(f, "    DAMAGED: ");
	assert_int_equal(slots_fixture_count_records(f, record), 1);
}

/* An older release that is served instead is no secret. */
static void a_release_that_stands_in_is_recorded_and_shown(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_deploy(f, "main", "two");
	damage(f, "store/functions/main/current");
	assert_stands_in(f, "what says which release is current", ".releases/main/2/task/marker", "two",
			 "! main                 Enforce      2");
	damage(f, "store/functions/main/releases/2");
	assert_stands_in(f, "release record", ".releases/main/1/task/marker", "one",
			 "! main                 Enforce      1");
	slots_fixture_deploy(f, "main", "three");
	assert_status_says(f, "  main                 Enforce      3");
	assert_marker(f, ".releases/main/3/task/marker", "three");
}

/* When the slot's facts are lost, what it serves is not. */
static void a_slot_whose_facts_are_damaged_is_served(void **state)
{
	struct slots_fixture *f = *state;
	make_team(f);
	slots_fixture_deploy(f, "team-x", "one");
	slots_fixture_stop(f);
	damage(f, "store/functions/team-x/slot");
	slots_fixture_start(f);
	assert_marker(f, ".releases/team-x/1/task/marker", "one");
	assert_int_equal(slots_fixture_deploy_has(f, TEAM "/a.zip"), 0);
	slots_fixture_deploy(f, "team-x", "two");
	assert_marker(f, ".releases/team-x/2/task/marker", "two");
}

/* What is undeployed while a process looks at it is gone, not damaged. */
static void an_undeployed_release_is_no_damage(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr held, attr;
	make_team(f);
	slots_fixture_deploy(f, "team-x", "one");
	slots_fixture_restart(f);
	assert_int_equal(slots_fixture_run_path(f, ".releases/team-x/1", &held), 0);
	remove_team(f);
	int r = run_lookup(f->slots, held.node, "task", &attr);
	assert_true(r == 0 || r == -ENOENT);
	if (r == 0)
		run_forget(f->slots, attr.node, 1);
	assert_int_equal(slots_fixture_count_records(f, "page-check"), 0);
	run_forget(f->slots, held.node, 1);
}

static void a_name_that_is_hidden_comes_back_with_the_next_release(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(slots_fixture_unlink(f, "functions/main", "a.zip"), 0);
	slots_fixture_restart(f);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main/a.zip"), -ENOENT);
	assert_marker(f, ".releases/main/1/task/marker", "one");
	slots_fixture_deploy(f, "main", "two");
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main/a.zip"), 0);
	slots_fixture_restart(f);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main/a.zip"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pruned_release_leaves_the_next_slot_alone),
		TEST(a_pruned_release_goes_when_the_kernel_forgets_it),
		TEST(what_was_made_is_listed_after_a_restart),
		TEST(what_a_reload_declares_is_listed),
		TEST(the_directory_of_functions_is_not_cached),
		TEST(a_second_mkdir_is_refused_whatever_is_loaded),
		TEST(a_slot_that_was_made_and_then_declared_stays),
		TEST(an_upload_does_not_outlive_its_slot),
		TEST(a_refusal_does_not_bring_a_removed_slot_back),
		TEST(a_slot_that_could_not_be_loaded_is_loaded_later),
		TEST(a_damaged_slot_heals_when_it_is_deployed_to),
		TEST(a_release_that_stands_in_is_recorded_and_shown),
		TEST(a_slot_whose_facts_are_damaged_is_served),
		TEST(an_undeployed_release_is_no_damage),
		TEST(a_name_that_is_hidden_comes_back_with_the_next_release),
	};
	return cmocka_run_group_tests_name("slots_life", tests, NULL, NULL);
}
