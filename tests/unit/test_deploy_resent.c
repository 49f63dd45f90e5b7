/* Requests that the kernel sends again, since the daemon that they were sent to has died. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/slots/deploy.h"
#include "inherit_fixture.h"

#define TEAM "functions/team-x"

static const struct slots_caller again = {.who = {.pid = 3121, .command = "rsync"}, .is_resent = true};
static const struct slots_caller another = {.who = {.pid = 3122, .command = "rsync"}, .is_resent = true};

static struct slot *slot_named(struct slots_fixture *f, const char *name)
{
	struct slot *slot = NULL;
	lock_take(&f->slots->lock);
	HASH_FIND_STR(f->slots->by_name, name, slot);
	lock_drop(&f->slots->lock);
	assert_non_null(slot);
	return slot;
}

/* As it is until a rename into it ends. */
static void put_back_before_the_end(struct slots_fixture *f, const char *name)
{
	const struct slot *slot = slot_named(f, name);
	lock_take(&f->slots->lock);
	tree_names_note_rename(f->slots->names, slot->index - f->slots->first_index, true);
	lock_drop(&f->slots->lock);
}

static void rename_into_place(struct slots_fixture *f, struct told *told UNUSED)
{
	struct buf zip = slots_fixture_zip(f, "renamed");
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), 0);
	assert_int_equal(slots_fixture_put(f, "functions/main", ".a.zip.Xy12", &zip), 0);
	assert_int_equal(slots_fixture_rename(f, "functions/main", ".a.zip.Xy12", "a.zip"), 0);
	put_back_before_the_end(f, "main");
}

/* The second of the two is lost with its daemon, while it is judged. */
static void rename_again_and_again(struct slots_fixture *f, struct told *told UNUSED)
{
	rename_into_place(f, told);
	struct buf zip = slots_fixture_zip(f, "renamed later");
	assert_int_equal(slots_fixture_put(f, "functions/main", ".a.zip.Zz34", &zip), 0);
	assert_int_equal(slots_fixture_rename(f, "functions/main", ".a.zip.Zz34", "a.zip"), 0);
	zip = slots_fixture_zip(f, "lost");
	assert_int_equal(slots_fixture_put(f, "functions/main", ".a.zip.Lo56", &zip), 0);
	deploy_rename_begins(slot_named(f, "main"), "a.zip", &slots_fixture_caller);
}

/* What was answered to nobody was done, by this very process: nothing else is a success. */
static void a_rename_that_was_done_is_a_success(void **state)
{
	struct slots_fixture *f = *state;
	(void)inherit_let_die(f, rename_into_place);
	inherit_start_next(f);
	uint64_t main = inherit_deploy_node(f, "functions/main"), relaxed = inherit_deploy_node(f, "functions/relaxed");
	const struct slots_caller *first = &slots_fixture_caller;
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, "a.zip", 0, first), -ENOENT);
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, "a.zip", 0, &another), -EIO);
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, "b.zip", 0, &again), -EIO);
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, ".b", 0, &again), -EIO);
	assert_int_equal(deploy_rename(f->slots, relaxed, ".a.zip.Xy12", relaxed, "a.zip", 0, &again), -EIO);
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, "a.zip", 0, &again), 0);
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, "a.zip", 0, &again),
			 -EIO); /* another one */
	int error;
	assert_string_equal(slots_fixture_marker(f, ".releases/main/1/task/marker", &error), "renamed");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2"), -ENOENT);
}

/* What is there is what the process was told of before, and not what it asks for now. */
static void a_rename_that_was_lost_is_none_of_before(void **state)
{
	struct slots_fixture *f = *state;
	int error;
	(void)inherit_let_die(f, rename_again_and_again);
	inherit_start_next(f);
	uint64_t main = inherit_deploy_node(f, "functions/main");
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Lo56", main, "a.zip", 0, &again), -EIO);
	assert_string_equal(slots_fixture_marker(f, ".releases/main/2/task/marker", &error), "renamed later");
}

static void a_directory_that_was_made_is_a_success(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	(void)inherit_let_die(f, rename_into_place);
	inherit_start_next(f);
	uint64_t functions = inherit_deploy_node(f, "functions");
	struct slots_caller other = again;
	other.who.uid = 70001;
	assert_int_equal(deploy_mkdir(f->slots, functions, "team-x", &again, &attr), 0);
	assert_int_equal(attr.node, inherit_deploy_node(f, TEAM));
	assert_int_equal(deploy_mkdir(f->slots, functions, "team-x", &slots_fixture_caller, &attr), -EEXIST);
	assert_int_equal(deploy_mkdir(f->slots, functions, "team-x", &other, &attr), -EACCES);
	assert_int_equal(deploy_mkdir(f->slots, functions, "main", &again, &attr), -EEXIST);
	slots_fixture_deploy(f, "team-x", "one"); /* that is older than the request */
	assert_int_equal(deploy_mkdir(f->slots, functions, "team-x", &again, &attr), -EEXIST);
}

static void a_name_that_was_removed_is_a_success(void **state)
{
	struct slots_fixture *f = *state;
	(void)inherit_let_die(f, rename_into_place);
	inherit_start_next(f);
	uint64_t main = inherit_deploy_node(f, "functions/main"), functions = inherit_deploy_node(f, "functions");
	assert_int_equal(deploy_unlink(f->slots, main, "a.zip", &again), 0);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main/a.zip"), -ENOENT);
	assert_int_equal(deploy_unlink(f->slots, main, "a.zip", &again), 0);
	assert_int_equal(deploy_unlink(f->slots, main, "a.zip", &slots_fixture_caller), -ENOENT);
	assert_int_equal(deploy_rmdir(f->slots, functions, "team-x", &again), 0);
	assert_int_equal(deploy_rmdir(f->slots, functions, "team-x", &again), 0);
	assert_int_equal(deploy_rmdir(f->slots, functions, "team-x", &slots_fixture_caller), -ENOENT);
	assert_int_equal(deploy_rmdir(f->slots, functions, "main", &again), -EPERM);
	assert_int_equal(deploy_rmdir(f->slots, main, ".staging", &again), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, inherit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_rename_that_was_done_is_a_success),
		TEST(a_rename_that_was_lost_is_none_of_before),
		TEST(a_directory_that_was_made_is_a_success),
		TEST(a_name_that_was_removed_is_a_success),
	};
	return cmocka_run_group_tests_name("deploy_resent", tests, NULL, NULL);
}
