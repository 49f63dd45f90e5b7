/* A file that others read while it is written again: whole at any time, and readable whatever the umask. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate_fixture.h"

static const char *path_of(const struct gate_fixture *f, const char *name)
{
	static char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

static void publish(struct gate_fixture *f, const char *text)
{
	assert_int_equal(io_publish_file(path_of(f, "p.prom"), text, strlen(text)), 0);
}

static void assert_holds(struct gate_fixture *f, const char *expected)
{
	struct buf text = {0};
	assert_int_equal(io_read_file(f->dirfd, "p.prom", 64, &text), 0);
	assert_string_equal(text.data, expected);
	buf_done(&text);
}

static size_t count_of_names(struct gate_fixture *f, const char *part)
{
	struct io_names names = {0};
	size_t count = 0;
	assert_int_equal(io_list_dir(f->dirfd, ".", &names), 0);
	for (size_t i = 0; i < names.count; i++)
		count += strstr(names.names[i], part) != NULL;
	io_names_done(&names);
	return count;
}

static void anybody_can_read_it(void **state)
{
	struct gate_fixture *f = *state;
	struct stat st;
	mode_t before = umask(0077);
	publish(f, "one\n");
	publish(f, "two\n");
	(void)umask(before);
	assert_holds(f, "two\n");
	assert_int_equal(stat(path_of(f, "p.prom"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(count_of_names(f, "p.prom"), 1);
}

/* Whoever has the old one open reads the old one. */
static void it_is_replaced_and_not_rewritten(void **state)
{
	struct gate_fixture *f = *state;
	char text[8] = "";
	publish(f, "one\n");
	int fd = io_openat(f->dirfd, "p.prom", O_RDONLY, 0);
	assert_true(fd >= 0);
	publish(f, "2\n");
	assert_int_equal(io_pread(fd, text, sizeof(text) - 1, 0), 4);
	assert_string_equal(text, "one\n");
	io_close(&fd);
	assert_holds(f, "2\n");
}

static void what_is_no_file_is_left_alone(void **state)
{
	struct gate_fixture *f = *state;
	struct stat st;
	assert_int_equal(mkfifoat(f->dirfd, "p.prom", 0600), 0);
	assert_int_equal(io_publish_file(path_of(f, "p.prom"), "one\n", 4), -EOPNOTSUPP);
	assert_int_equal(fstatat(f->dirfd, "p.prom", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(symlinkat("/dev/null", f->dirfd, "link"), 0);
	assert_int_equal(io_publish_file(path_of(f, "link"), "one\n", 4), -EOPNOTSUPP);
}

/* Nobody who may write the directory has us write elsewhere. */
static void a_link_is_replaced_and_not_followed(void **state)
{
	struct gate_fixture *f = *state;
	struct buf text = {0};
	assert_int_equal(io_write_file(f->dirfd, "other", "old", 3, 0600, false), 0);
	assert_int_equal(symlinkat("other", f->dirfd, "p.prom"), 0);
	publish(f, "one\n");
	assert_holds(f, "one\n");
	assert_int_equal(io_read_file(f->dirfd, "other", 64, &text), 0);
	assert_string_equal(text.data, "old");
	buf_done(&text);
}

static void a_failure_leaves_the_old_one(void **state)
{
	struct gate_fixture *f = *state;
	publish(f, "one\n");
	assert_int_equal(setenv("VOUCHFS_TEST_FAULT", "renameat:1:ENOSPC", 1), 0);
	io_fault_arm();
	assert_int_equal(io_publish_file(path_of(f, "p.prom"), "two\n", 4), -ENOSPC);
	assert_int_equal(unsetenv("VOUCHFS_TEST_FAULT"), 0);
	io_fault_arm();
	assert_holds(f, "one\n");
	assert_int_equal(count_of_names(f, "p.prom"), 1);
	assert_int_equal(io_publish_file(path_of(f, "missing/p.prom"), "two\n", 4), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_fixture_setup, gate_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(anybody_can_read_it),	     TEST(it_is_replaced_and_not_rewritten),
		TEST(what_is_no_file_is_left_alone), TEST(a_link_is_replaced_and_not_followed),
		TEST(a_failure_leaves_the_old_one),
	};
	return cmocka_run_group_tests_name("io_publish", tests, NULL, NULL);
}
