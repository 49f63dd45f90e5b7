/* The control files of a slot: who may write them, what may be written, and what a rollback leaves behind. */
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

#define ROLLBACK ".vouchfs/rollback/functions/"
#define HISTORY	 ".vouchfs/history/functions/"

static bool in_group_4711(void *ctx UNUSED, gid_t group)
{
	return group == 4711;
}

static int open_control(struct slots_fixture *f, const char *path, int flags, const struct slots_caller *caller,
			struct tree_handle **ret)
{
	struct slots_attr attr;
	int r = slots_fixture_deploy_path(f, path, &attr);
	if (r == 0)
		r = deploy_open(f->slots, attr.node, flags, caller, ret);
	return r;
}

/* What a write of this text answers; what can be read afterwards is compared with expected, when that is given. */
static int write_control(struct slots_fixture *f, const char *function, const char *text, const char *expected)
{
	char path[128], found[64] = "";
	struct tree_handle *handle = NULL;
	(void)snprintf(path, sizeof(path), ROLLBACK "%s", function);
	assert_int_equal(open_control(f, path, O_RDWR, &slots_fixture_caller, &handle), 0);
	int r = deploy_write(handle, text, strlen(text), 0);
	assert_true(deploy_read(handle, found, sizeof(found) - 1, 0) >= 0);
	assert_int_equal(deploy_flush(handle), 0);
	deploy_release(handle);
	if (expected)
		assert_string_equal(found, expected);
	return r;
}

static void assert_current(struct slots_fixture *f, const char *marker)
{
	int error;
	const char *found = slots_fixture_marker(f, ".releases/main/3/task/marker", &error);
	assert_int_equal(error, 0);
	assert_string_equal(found, marker);
}

static void deploy_two(struct slots_fixture *f)
{
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_deploy(f, "main", "two");
}

static void assert_history_says(struct slots_fixture *f, const char *name, const char *part)
{
	struct buf text = {0};
	char path[128];
	(void)snprintf(path, sizeof(path), HISTORY "%s", name);
	slots_fixture_read(f, path, &text);
	gate_fixture_assert_says(&text, part);
	buf_done(&text);
}

static void the_release_before_comes_back_under_a_new_number(void **state)
{
	struct slots_fixture *f = *state;
	deploy_two(f);
	buf_reset(&f->pushed);
	assert_int_equal(write_control(f, "main", "previous\n", "3 1\n"), 0);
	assert_current(f, "one");
	gate_fixture_assert_says(&f->pushed, "entry 1 main\n");
	assert_int_equal(slots_fixture_count_records(f, "\"release\":3,\"rollbackTo\":1,"), 1);
	slots_fixture_pass_grace(f);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -ENOENT); /* two are kept */
	assert_history_says(f, "main", "release 3 is current");
	assert_history_says(f, "main", "rollback to release 1");
	assert_history_says(f, "main.json", "\"rollbackTo\": 1");
	slots_fixture_restart(f);
	assert_current(f, "one");
}

static void an_artifact_that_was_unlinked_is_listed_again(void **state)
{
	struct slots_fixture *f = *state;
	deploy_two(f);
	assert_int_equal(slots_fixture_unlink(f, "functions/main", "a.zip"), 0);
	assert_false(slots_fixture_lists(f, "functions/main", "a.zip"));
	assert_int_equal(write_control(f, "main", "1", "3 1\n"), 0);
	assert_true(slots_fixture_lists(f, "functions/main", "a.zip"));
}

static void what_cannot_be_gone_back_to(void **state)
{
	static const char *const malformed[] = {
		"", "\n", "0", "-1", "01", "1 ", "1\n\n", "Previous", "18446744073709551616"};
	struct slots_fixture *f = *state;
	assert_int_equal(write_control(f, "main", "previous", "0\n"), -ENOENT);
	deploy_two(f);
	assert_int_equal(write_control(f, "main", "3", "2\n"), -ENOENT);
	assert_int_equal(write_control(f, "main", "2", "2\n"), -EEXIST);
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
		assert_int_equal(write_control(f, "main", malformed[i], "2\n"), -EINVAL);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/3"), -ENOENT);
	assert_int_equal(slots_fixture_count_records(f, "rollbackTo"), 0);
}

static void what_would_be_refused_today_is_refused(void **state)
{
	struct slots_fixture *f = *state;
	deploy_two(f);
	slots_fixture_configure(f, "",
				"[code-signing-config approved]\n"
				"allowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				":/signing-profiles/other\n"
				"untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = Enforce\n"
				"[function main]\ncode_signing_config = approved\n");
	struct buf errors = {0};
	assert_int_equal(slots_reload(f->slots, &errors), 0);
	assert_int_equal(write_control(f, "main", "1", "2\n"), -EKEYREJECTED);
	assert_int_equal(slots_fixture_count_records(f, "\"rollbackTo\":1,"), 1);
	assert_int_equal(slots_fixture_count_records(f, "\"errno\":\"EKEYREJECTED\""), 1);
	assert_history_says(f, "main", "BLOCKED");
	assert_history_says(f, "main.json", "\"blocked\": true");
	assert_history_says(f, "main", "release 2 is current");
}

/* The kernel asks the modes first; this is what stands behind it. */
static void only_who_may_write_the_slot_opens_it_for_writing(void **state)
{
	struct slots_fixture *f = *state;
	char rest[2048];
	(void)snprintf(rest, sizeof(rest),
		       "%s[function grouped]\ncode_signing_config = watched\nowner = 1000\ngroup = 4711\n"
		       "[function private]\ncode_signing_config = watched\nowner = 1000\ngroup = 4711\nmode = 0755\n",
		       slots_fixture_rest);
	slots_fixture_configure(f, "", rest);
	struct buf errors = {0};
	if (slots_reload(f->slots, &errors) != 0)
		fail_msg("%s", errors.data);
	const struct {
		const char *function;
		uid_t uid;
		bool in_group;
		int expected;
	} rows[] = {
		{"grouped", 0, false, 0},	   {"grouped", 1000, false, 0},	      {"grouped", 1001, true, 0},
		{"grouped", 1001, false, -EACCES}, {"private", 0, false, 0},	      {"private", 1000, false, 0},
		{"private", 1001, true, -EACCES},  {"private", 1001, false, -EACCES},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct slots_caller caller = {.who = {.uid = rows[i].uid, .gid = 1},
						    .in_group = rows[i].in_group ? in_group_4711 : NULL};
		struct tree_handle *handle = NULL;
		char path[128];
		(void)snprintf(path, sizeof(path), ROLLBACK "%s", rows[i].function);
		int r = open_control(f, path, O_WRONLY, &caller, &handle);
		if (r != rows[i].expected)
			fail_msg("row %zu: %d", i, r);
		if (r == 0)
			deploy_release(handle);
		assert_int_equal(open_control(f, path, O_RDONLY, &caller, &handle), 0); /* anybody may look */
		deploy_release(handle);
	}
}

static void history_is_read_only_and_of_slots_alone(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *handle;
	struct slots_attr attr;
	char name[] = HISTORY "a-name-that-has-far-more-than-the-sixty-four-bytes-of-a-function-name.json";
	assert_int_equal(open_control(f, HISTORY "main", O_RDWR, &slots_fixture_caller, &handle), -EACCES);
	assert_int_equal(slots_fixture_deploy_path(f, HISTORY "nobody", &attr), -ENOENT);
	assert_int_equal(slots_fixture_deploy_path(f, HISTORY ".json", &attr), -ENOENT);
	assert_int_equal(slots_fixture_deploy_path(f, name, &attr), -ENOENT);
	assert_int_equal(slots_fixture_deploy_path(f, ROLLBACK "main.json", &attr), -ENOENT);
	assert_true(slots_fixture_lists(f, ".vouchfs/history/functions", "main"));
	assert_true(slots_fixture_lists(f, ".vouchfs/rollback/functions", "main"));
	assert_int_equal(slots_fixture_put(f, ".vouchfs/rollback/functions", "new", &(struct buf){0}), -EPERM);
	assert_history_says(f, "main", "function main: 0 releases are kept, none is current");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)
		TEST(the_release_before_comes_back_under_a_new_number),
		TEST(an_artifact_that_was_unlinked_is_listed_again),
		TEST(what_cannot_be_gone_back_to),
		TEST(what_would_be_refused_today_is_refused),
		TEST(only_who_may_write_the_slot_opens_it_for_writing),
		TEST(history_is_read_only_and_of_slots_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
