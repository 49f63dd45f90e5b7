/* What a publisher says of a layer version: until when, where, and what is kept of it. */
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

#include "base/limits.h"
#include "slots_fixture.h"

#define BASE	    "layers/base"
#define DESCRIPTION "user.vouchfs.description"
#define LICENSE	    "user.vouchfs.license_info"

static int setup(void **state)
{
	int r = slots_fixture_setup(state);
	struct slots_fixture *f = *state;
	char rest[2048];
	(void)snprintf(rest, sizeof(rest), "%s[layer base]\n", slots_fixture_rest);
	slots_fixture_configure(f, "", rest);
	slots_fixture_restart(f);
	return r;
}

static int set(struct slots_fixture *f, const char *path, const char *name, const void *value, size_t len)
{
	struct slots_attr attr;
	int r = slots_fixture_deploy_path(f, path, &attr);
	if (r < 0)
		return r;
	r = deploy_setxattr(f->slots, attr.node, name, value, len);
	deploy_forget(f->slots, attr.node, 1);
	return r;
}

static int set_text(struct slots_fixture *f, const char *path, const char *name, const char *text)
{
	return set(f, path, name, text, strlen(text));
}

/* NULL: it has none. */
static void assert_says(struct slots_fixture *f, const char *path, const char *name, const char *expected)
{
	struct slots_attr attr;
	struct buf value = {0};
	assert_int_equal(slots_fixture_deploy_path(f, path, &attr), 0);
	assert_int_equal(deploy_getxattr(f->slots, attr.node, name, &value), expected ? 0 : -ENODATA);
	deploy_forget(f->slots, attr.node, 1);
	if (expected)
		assert_string_equal(value.data, expected);
	buf_done(&value);
}

/* A signed ZIP, written and not closed yet. */
static struct tree_handle *write_zip(struct slots_fixture *f, const char *name, const char *marker)
{
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, marker);
	assert_int_equal(slots_fixture_open(f, BASE, name, &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	buf_done(&zip);
	return file;
}

static void what_is_said_before_the_close_is_kept(void **state)
{
	struct slots_fixture *f = *state;
	static const char text[] = "a \\ b: c\nd\xc3\xa4";
	struct tree_handle *file = write_zip(f, "a.zip", "one");
	assert_int_equal(set_text(f, BASE "/a.zip", DESCRIPTION, "first"), 0);
	assert_int_equal(set_text(f, BASE "/a.zip", DESCRIPTION, text), 0);
	assert_int_equal(set_text(f, BASE "/a.zip", LICENSE, "MIT"), 0);
	assert_int_equal(set_text(f, BASE "/a.zip", LICENSE, ""), 0);
	assert_int_equal(deploy_flush(file), 0);
	assert_says(f, BASE "/a.zip", DESCRIPTION, text);
	assert_says(f, BASE "/a.zip", "user.vouchfs.version", "1");
	deploy_release(file);
	for (int i = 0; i < 2; i++) {
		assert_says(f, BASE "/1.zip", DESCRIPTION, text);
		assert_says(f, BASE "/1.zip", LICENSE, NULL);
		assert_says(f, BASE "/1.zip", "user.vouchfs.version", "1");
		slots_fixture_restart(f);
	}
}

static void what_is_published_says_what_it_says(void **state)
{
	struct slots_fixture *f = *state;
	struct tree_handle *file = write_zip(f, "a.zip", "one");
	assert_int_equal(set_text(f, BASE "/a.zip", DESCRIPTION, "first"), 0);
	assert_int_equal(deploy_flush(file), 0);
	static const char *const paths[] = {BASE "/a.zip", BASE "/1.zip"};
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(set_text(f, paths[i], DESCRIPTION, "first"), 0);
		assert_int_equal(set_text(f, paths[i], DESCRIPTION, "firs"), -EPERM);
		assert_int_equal(set_text(f, paths[i], DESCRIPTION, ""), -EPERM);
		assert_int_equal(set_text(f, paths[i], LICENSE, ""), 0);
		assert_int_equal(set_text(f, paths[i], LICENSE, "MIT"), -EPERM);
		assert_int_equal(set_text(f, paths[i], "user.vouchfs.version", "1"), -EOPNOTSUPP);
	}
	deploy_release(file);
	assert_says(f, BASE "/1.zip", DESCRIPTION, "first");
}

static void it_goes_along_with_a_rename(void **state)
{
	struct slots_fixture *f = *state;
	deploy_release(write_zip(f, ".a.tmp", "one"));
	assert_int_equal(set_text(f, BASE "/.a.tmp", DESCRIPTION, "staged"), 0);
	assert_int_equal(slots_fixture_rename(f, BASE, ".a.tmp", "a.zip"), 0);
	assert_says(f, BASE "/1.zip", DESCRIPTION, "staged");
}

static void equal_content_changes_nothing_of_it(void **state)
{
	struct slots_fixture *f = *state;
	struct buf zip = gate_fixture_zip();
	struct tree_handle *file;
	assert_int_equal(slots_fixture_put(f, BASE, "a.zip", &zip), 0);
	assert_int_equal(slots_fixture_open(f, BASE, "b.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len, 0), 0);
	assert_int_equal(set_text(f, BASE "/b.zip", DESCRIPTION, "second"), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	assert_says(f, BASE "/1.zip", DESCRIPTION, NULL);
	assert_false(slots_fixture_lists(f, BASE, "2.zip"));
	buf_done(&zip);
}

static void limits_and_other_places(void **state)
{
	struct slots_fixture *f = *state;
	char text[LIMIT_LAYER_ABOUT_BYTES + 1];
	memset(text, 'x', sizeof(text));
	struct tree_handle *file = write_zip(f, "a.zip", "one");
	assert_int_equal(set(f, BASE "/a.zip", DESCRIPTION, text, sizeof(text)), -E2BIG);
	assert_int_equal(set(f, BASE "/a.zip", DESCRIPTION, "a\0b", 3), -EINVAL);
	assert_int_equal(set_text(f, BASE "/a.zip", "user.vouchfs.profile_version_arn", "forged"), -EOPNOTSUPP);
	assert_int_equal(set(f, BASE "/a.zip", DESCRIPTION, text, sizeof(text) - 1), 0);
	assert_int_equal(deploy_flush(file), 0);
	deploy_release(file);
	text[sizeof(text) - 1] = '\0';
	assert_says(f, BASE "/1.zip", DESCRIPTION, text);

	slots_fixture_deploy(f, "main", "one");
	assert_int_equal(set_text(f, "functions/main/a.zip", DESCRIPTION, "x"), -EOPNOTSUPP);
	assert_int_equal(set_text(f, "functions/main", DESCRIPTION, "x"), -EOPNOTSUPP);
	assert_int_equal(set_text(f, BASE, DESCRIPTION, "x"), -EOPNOTSUPP);
	assert_int_equal(set_text(f, ".vouchfs/status", DESCRIPTION, "x"), -EOPNOTSUPP);
	assert_says(f, "functions/main/a.zip", "user.vouchfs.version", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_said_before_the_close_is_kept),
		TEST(what_is_published_says_what_it_says),
		TEST(it_goes_along_with_a_rename),
		TEST(equal_content_changes_nothing_of_it),
		TEST(limits_and_other_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
