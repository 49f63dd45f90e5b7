/* .vouchfs/permissions/layers: who may write there, what a line may say, and what a change leaves behind. */
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
#include "layers_fixture.h"

#define PERMISSIONS ".vouchfs/permissions/layers/"
#define BASE	    PERMISSIONS "base:1"
#define ADD_OTHER   "add use " OTHER "\n"

static int open_file(struct slots_fixture *f, const char *path, int flags, const struct slots_caller *caller,
		     struct tree_handle **ret)
{
	struct slots_attr attr;
	int r = slots_fixture_deploy_path(f, path, &attr);
	return r < 0 ? r : deploy_open(f->slots, attr.node, flags, caller, ret);
}

static int put(struct tree_handle *file, const char *text)
{
	return deploy_write(file, text, strlen(text), 0);
}

/* What one line, by the host's own account, is answered with. */
static int change(struct slots_fixture *f, const char *path, const char *line)
{
	struct tree_handle *file;
	int r = open_file(f, path, O_WRONLY, &slots_fixture_caller, &file);
	if (r < 0)
		return r;
	r = put(file, line);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	return r;
}

static void read_file(struct slots_fixture *f, const char *path, char *ret, size_t size)
{
	struct tree_handle *file;
	assert_int_equal(open_file(f, path, O_RDONLY, &slots_fixture_caller, &file), 0);
	ssize_t got = deploy_read(file, ret, size - 1, 0);
	assert_true(got >= 0);
	ret[got] = '\0';
	deploy_release(file);
}

static void revision_of(struct slots_fixture *f, const char *path, char ret[LAYER_REVISION_SIZE])
{
	char text[4096];
	read_file(f, path, text, sizeof(text));
	assert_true(strncmp(text, "revision: ", 10) == 0 && strlen(text) > 46 && text[46] == '\n');
	(void)snprintf(ret, LAYER_REVISION_SIZE, "%s", text + 10);
}

/* The policy that is shown is the stored one. */
static void assert_policy(struct slots_fixture *f, const char *path, const char *expected)
{
	char text[4096];
	read_file(f, path, text, sizeof(text));
	assert_string_equal(strchr(text, '\n') + 1, expected);
}

#define HEAD "vouchfs-layer-policy: 1\n"
#define USE  "statement: use\nprincipal: " OTHER "\norganization: -\n"

static void a_line_gives_and_a_line_takes(void **state)
{
	struct slots_fixture *f = *state;
	assert_policy(f, BASE, HEAD);
	assert_int_equal(change(f, BASE, ADD_OTHER), 0);
	assert_policy(f, BASE, HEAD USE);
	assert_policy(f, PERMISSIONS "tools:1", HEAD);
	assert_int_equal(change(f, BASE, "add all *\n"), 0);
	assert_int_equal(change(f, BASE, "add some * " ORGANIZATION "\n"), 0);
	assert_policy(f, BASE,
		      HEAD USE "statement: all\nprincipal: *\norganization: -\n"
			       "statement: some\nprincipal: *\norganization: " ORGANIZATION "\n");
	assert_int_equal(change(f, BASE, "remove all\n"), 0);
	assert_int_equal(change(f, BASE, "remove some\n"), 0);
	slots_fixture_restart(f);
	assert_policy(f, BASE, HEAD USE);
	assert_int_equal(change(f, BASE, "remove use\n"), 0);
	assert_policy(f, BASE, HEAD);
}

static void each_change_is_recorded(void **state)
{
	struct slots_fixture *f = *state;
	assert_int_equal(change(f, BASE, ADD_OTHER), 0);
	assert_int_equal(change(f, BASE, ADD_OTHER), -EEXIST);
	assert_int_equal(change(f, BASE, "add some * " ORGANIZATION "\n"), 0);
	assert_int_equal(change(f, BASE, "remove use\n"), 0);
	assert_int_equal(change(f, BASE, "remove use\n"), -ENOENT);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"layer-permission-"), 3);
	assert_int_equal(
		slots_fixture_count_records(f, "\"slot\":\"layers/base\",\"release\":1,\"detail\":\"statement use: "
					       "lambda:GetLayerVersion for account " OTHER "\""),
		2);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"layer-permission-removed\""), 1);
	assert_int_equal(slots_fixture_count_records(f, "for everyone in organization " ORGANIZATION "\""), 1);
	assert_int_equal(slots_fixture_count_records(f, "\"event\":\"layer-permission-added\",\"who\":{\"uid\":"), 2);
}

static void what_is_no_line_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"add\n",
		"add use\n",
		"add use " OTHER,
		"add use  " OTHER "\n",
		" add use " OTHER "\n",
		"add use " OTHER " \n",
		"Add use " OTHER "\n",
		"add u/e " OTHER "\n",
		"add use 44445555666\n",
		"add use 4444555566667\n",
		"add use everyone\n",
		"add use " OTHER " " ORGANIZATION "\n",
		"add use * o-short\n",
		"add use * o-A1B2C3D4E5\n",
		"add use * -\n",
		"add use * " ORGANIZATION " x\n",
		"add use * revision=\n",
		"add use * revision=x\n",
		"add use * revision=00000000-0000-8000-8000-000000000000 " ORGANIZATION "\n",
		"add use " OTHER "\nadd all *\n",
		"add use " OTHER "\r\n",
		"remove\n",
		"remove a b\n",
		"remove use",
		"revision=00000000-0000-8000-8000-000000000000\n",
		"remove revision=00000000-0000-8000-8000-000000000000\n",
		"clear all\n",
	};
	struct slots_fixture *f = *state;
	char text[512];
	assert_int_equal(change(f, BASE, "add keep " OTHER "\n"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (change(f, BASE, bad[i]) != -EINVAL)
			fail_msg("%s", bad[i]);
	memset(text, 'a', sizeof(text));
	memcpy(text, "remove ", strlen("remove "));
	memcpy(text + sizeof(text) - 2, "\n", 2);
	assert_int_equal(change(f, BASE, text), -EINVAL);
	struct tree_handle *file;
	assert_int_equal(open_file(f, BASE, O_WRONLY, &slots_fixture_caller, &file), 0);
	assert_int_equal(deploy_write(file, "add use *\0\n", 11, 0), -EINVAL);
	deploy_release(file);
	assert_policy(f, BASE, HEAD "statement: keep\nprincipal: " OTHER "\norganization: -\n");
	assert_int_equal(slots_fixture_count_records(f, "layer-permission-"), 1);
}

static void a_revision_has_to_be_todays(void **state)
{
	struct slots_fixture *f = *state;
	char before[LAYER_REVISION_SIZE], after[LAYER_REVISION_SIZE], line[256], text[512];
	struct tree_handle *file;
	revision_of(f, BASE, before);
	(void)snprintf(line, sizeof(line), "add use " OTHER " revision=%s\n", before);
	assert_int_equal(open_file(f, BASE, O_RDWR, &slots_fixture_caller, &file), 0);
	assert_int_equal(put(file, line), 0);
	ssize_t got = deploy_read(file, text, sizeof(text) - 1, 0); /* what it is now, in the same file */
	assert_true(got > 46);
	revision_of(f, BASE, after);
	assert_string_not_equal(before, after);
	assert_memory_equal(text + 10, after, strlen(after));
	assert_int_equal(deploy_read(file, text, sizeof(text), 100000), 0);

	(void)snprintf(line, sizeof(line), "add more " OTHER " revision=%s\n", before);
	assert_int_equal(put(file, line), -ESTALE);
	(void)snprintf(line, sizeof(line), "remove use revision=%s\n", before);
	assert_int_equal(put(file, line), -ESTALE);
	deploy_release(file);
	assert_policy(f, BASE, HEAD USE);
	(void)snprintf(line, sizeof(line), "remove use revision=%s\n", after);
	assert_int_equal(change(f, BASE, line), 0);
}

static void there_are_at_most_so_many(void **state)
{
	struct slots_fixture *f = *state;
	char line[64];
	for (unsigned i = 0; i < LIMIT_LAYER_STATEMENTS; i++) {
		(void)snprintf(line, sizeof(line), "add n%u " OTHER "\n", i);
		assert_int_equal(change(f, BASE, line), 0);
	}
	assert_int_equal(change(f, BASE, ADD_OTHER), -E2BIG);
	assert_int_equal(change(f, BASE, "remove n7\n"), 0);
	assert_int_equal(change(f, BASE, ADD_OTHER), 0);
}

static bool in_no_group(void *ctx UNUSED, gid_t group UNUSED)
{
	return false;
}

static bool in_group_4711(void *ctx UNUSED, gid_t group)
{
	return group == 4711;
}

static bool has_secret_groups(void *ctx UNUSED)
{
	return false;
}

/* Owner, group and mode of the slot, and the account: the kernel asks the first, and they are asked again. */
static void only_the_owners_own_may_write(void **state)
{
	static const char layer[] = "[layer base]\nowner = 1000\ngroup = 4711\nmode = %s\n"
				    "[principal 888899990000]\nuser = 1001\ngroup = 4712\n";
	const struct {
		const char *mode;
		uid_t uid;
		bool in_group, is_hidden;
		int expected;
	} rows[] = {
		{"0775", 1000, false, false, 0},	{"0775", 0, false, false, 0},
		{"0775", 1002, true, false, 0},		{"0775", 1002, false, false, -EACCES},
		{"0755", 1002, true, false, -EACCES},	{"0775", 1001, true, false, -EPERM}, /* of another account */
		{"0775", GUEST, true, false, -EPERM},					     /* the same */
		{"0775", MEMBER, true, false, -EPERM},	/* the same, in an organization */
		{"0775", GUEST, false, false, -EACCES}, /* may not write anyway */
		{"0775", 1000, false, true, -EPERM},	/* perhaps of the other account's group 4712 */
	};
	struct slots_fixture *f = *state;
	char rest[4096], sections[512];
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slots_caller caller = {.who = {.uid = rows[i].uid, .gid = 1, .command = "sh"}};
		struct tree_handle *file = NULL;
		caller.in_group = rows[i].in_group ? in_group_4711 : in_no_group;
		caller.knows_groups = rows[i].is_hidden ? has_secret_groups : NULL;
		(void)snprintf(sections, sizeof(sections), layer, rows[i].mode);
		(void)snprintf(rest, sizeof(rest), "%s%s", slots_fixture_rest, sections);
		layers_fixture_configure(f, layers_fixture_head, rest);
		int r = open_file(f, BASE, O_WRONLY, &caller, &file);
		if (r != rows[i].expected)
			fail_msg("row %zu: %d", i, r);
		if (r == 0)
			deploy_release(file);
		assert_int_equal(open_file(f, BASE, O_RDONLY, &caller, &file), 0);
		assert_int_equal(put(file, ADD_OTHER), -EBADF);
		deploy_release(file);
	}
	assert_policy(f, BASE, HEAD);
}

static void it_looks_like_the_slot(void **state)
{
	static const char layer[] = "[layer base]\nowner = 1000\ngroup = 4711\nmode = 0750\n";
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	char rest[4096];
	(void)snprintf(rest, sizeof(rest), "%s%s", slots_fixture_rest, layer);
	layers_fixture_configure(f, layers_fixture_head, rest);
	assert_int_equal(slots_fixture_deploy_path(f, BASE, &attr), 0);
	assert_int_equal(attr.mode, S_IFREG | 0640);
	assert_int_equal(attr.uid, 1000);
	assert_int_equal(attr.gid, 4711);
	assert_true(slots_fixture_lists(f, ".vouchfs/permissions/layers", "base:1"));
	assert_true(slots_fixture_lists(f, ".vouchfs/permissions/layers", "tools:1"));
	assert_int_equal(slots_fixture_deploy_path(f, BASE, &attr), 0);
	assert_int_equal(deploy_mkdir(f->slots, attr.node, "x", &slots_fixture_caller, &attr), -EPERM);
}

static void names_of_no_version(void **state)
{
	static const char *const names[] = {
		"base",
		"base:",
		"base:0",
		"base:01",
		"base:2",
		"base:1 ",
		"base:1:1",
		":1",
		"nosuch:1",
		"base:x",
		"base:16777216",
		"base:16777217",
		"base:18446744073709551616",
		"a-name-that-has-far-more-than-the-sixty-four-bytes-that-a-layers-name-may-have:1",
	};
	struct slots_fixture *f = *state;
	char path[256];
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), PERMISSIONS "%s", names[i]);
		if (slots_fixture_deploy_has(f, path) != -ENOENT)
			fail_msg("%s", names[i]);
	}
	assert_int_equal(slots_fixture_put(f, ".vouchfs/permissions/layers", "base:2", &(struct buf){0}), -EPERM);
}

/* Its number does not come back, also when the layer is made again; so nobody is permitted what comes later. */
static void a_removed_version_has_no_file(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	assert_int_equal(change(f, BASE, ADD_OTHER), 0);
	assert_int_equal(open_file(f, BASE, O_RDWR, &slots_fixture_caller, &file), 0);
	assert_int_equal(slots_fixture_unlink(f, "layers/base", "1.zip"), 0);
	assert_int_equal(put(file, "add more " OTHER "\n"), -ENOENT);
	deploy_release(file);
	assert_int_equal(slots_fixture_deploy_has(f, BASE), -ENOENT);
	assert_int_equal(slots_fixture_rmdir(f, "layers", "base"), 0);
	layers_fixture_publish(f, "base", "which", "base 1", true);
	assert_int_equal(slots_fixture_deploy_has(f, BASE), -ENOENT);
	assert_policy(f, PERMISSIONS "base:2", HEAD);
}

static void a_damaged_policy_is_not_written_over(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	assert_int_equal(open_file(f, BASE, O_WRONLY, &slots_fixture_caller, &file), 0);
	assert_int_equal(store_put_slot_file(f->slots->store, "layer:base", "policy.1", "torn", 4), 0);
	assert_int_equal(put(file, ADD_OTHER), -EIO);
	deploy_release(file);
	assert_int_equal(open_file(f, BASE, O_RDONLY, &slots_fixture_caller, &file), -EIO);
	assert_int_equal(slots_fixture_count_records(f, "layer-permission-"), 0);
}

static void nothing_is_changed_while_the_mount_goes(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file;
	assert_int_equal(open_file(f, BASE, O_WRONLY, &slots_fixture_caller, &file), 0);
	slots_drain(f->slots);
	assert_int_equal(put(file, ADD_OTHER), -ESHUTDOWN);
	deploy_release(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, layers_fixture_setup, slots_fixture_teardown)
		TEST(a_line_gives_and_a_line_takes),
		TEST(each_change_is_recorded),
		TEST(what_is_no_line_changes_nothing),
		TEST(a_revision_has_to_be_todays),
		TEST(there_are_at_most_so_many),
		TEST(only_the_owners_own_may_write),
		TEST(it_looks_like_the_slot),
		TEST(names_of_no_version),
		TEST(a_removed_version_has_no_file),
		TEST(a_damaged_policy_is_not_written_over),
		TEST(nothing_is_changed_while_the_mount_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
