/* Which files of a directory are hooks, and what is said of the others. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fs/hook_dir.h"
#include "base/limits.h"

struct fixture {
	char path[64];
	int dirfd;
	struct hooks_found found;
	struct buf complaints;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	f->found.dirfd = -1;
	(void)snprintf(f->path, sizeof(f->path), "/tmp/vouchfs-hooks-XXXXXX");
	if (!mkdtemp(f->path) || chmod(f->path, 0755) < 0)
		return -1;
	f->dirfd = io_open_dir(f->path);
	return f->dirfd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct io_names names = {0};
	if (io_list_dir(f->dirfd, ".", &names) == 0)
		for (size_t i = 0; i < names.count; i++)
			if (unlinkat(f->dirfd, names.names[i], 0) < 0)
				(void)unlinkat(f->dirfd, names.names[i], AT_REMOVEDIR);
	io_names_done(&names);
	hooks_found_done(&f->found);
	buf_done(&f->complaints);
	io_close(&f->dirfd);
	int r = rmdir(f->path);
	free(f);
	return r;
}

static void put(struct fixture *f, const char *name, mode_t mode)
{
	int fd = openat(f->dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	io_close(&fd);
}

/* The names that are found, on one line. */
static const char *found(struct fixture *f, uid_t owner)
{
	static char text[1024];
	const struct hook_dir dir = {.path = f->path, .owner = owner};
	hooks_found_done(&f->found);
	buf_done(&f->complaints);
	assert_int_equal(hook_dir_list(&dir, &f->found, &f->complaints), 0);
	text[0] = '\0';
	for (size_t i = 0; i < f->found.names.count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", f->found.names.names[i]);
	return text;
}

static void assert_complaint(const struct fixture *f, const char *name, const char *what)
{
	char expected[256];
	(void)snprintf(expected, sizeof(expected), "%s%s%s %s", f->path, *name ? "/" : "", name, what);
	if (!f->complaints.data || !strstr(f->complaints.data, expected))
		fail_msg("\"%s\" is not in: %s", expected, f->complaints.data ? f->complaints.data : "nothing");
}

static void executables_in_the_order_of_their_names(void **state)
{
	struct fixture *f = *state;
	put(f, "20-b", 0755);
	put(f, "100-c.py", 0700);
	put(f, "10-a", 0555);
	put(f, ".hidden", 0755);
	put(f, "backup~", 0755);
	assert_string_equal(found(f, geteuid()), "10-a 100-c.py 20-b ");
	assert_int_equal(f->complaints.len, 0);
}

static void everything_else_is_refused_with_a_reason(void **state)
{
	struct fixture *f = *state;
	put(f, "good", 0755);
	put(f, "plain", 0644);
	put(f, "others\n", 0757);
	put(f, "group", 0775);
	assert_int_equal(symlinkat("good", f->dirfd, "link"), 0);
	assert_int_equal(mkdirat(f->dirfd, "dir", 0755), 0);
	assert_int_equal(mkfifoat(f->dirfd, "fifo", 0755), 0);
	assert_string_equal(found(f, geteuid()), "good ");
	assert_complaint(f, "plain", "is not executable");
	assert_complaint(f, "others\\x0a", "can be written by others");
	assert_complaint(f, "group", "can be written by others");
	assert_complaint(f, "link", "is a symbolic link");
	assert_complaint(f, "dir", "is not a regular file");
	assert_complaint(f, "fifo", "is not a regular file");
}

static void a_directory_that_others_can_change_has_none(void **state)
{
	struct fixture *f = *state;
	put(f, "good", 0755);
	assert_int_equal(chmod(f->path, 0775), 0);
	assert_string_equal(found(f, geteuid()), "");
	assert_complaint(f, "", "can be written by others");
	assert_int_equal(chmod(f->path, 0757), 0);
	assert_string_equal(found(f, geteuid()), "");
	assert_int_equal(chmod(f->path, 0755), 0);
	assert_string_equal(found(f, geteuid()), "good ");
}

static void owners_are_root_and_the_configurations(void **state)
{
	struct fixture *f = *state;
	if (geteuid() != 0)
		skip();
	put(f, "roots", 0755);
	put(f, "owners", 0755);
	put(f, "foreign", 0755);
	assert_int_equal(fchownat(f->dirfd, "owners", 1234, 0, 0), 0);
	assert_int_equal(fchownat(f->dirfd, "foreign", 1235, 0, 0), 0);
	assert_string_equal(found(f, 1234), "owners roots ");
	assert_complaint(f, "foreign", "belongs to somebody else");
	assert_int_equal(chown(f->path, 1235, 0), 0);
	assert_string_equal(found(f, 1234), "");
	assert_complaint(f, "", "belongs to somebody else");
	assert_int_equal(chown(f->path, 1234, 0), 0);
	assert_string_equal(found(f, 1234), "owners roots ");
}

static void a_directory_that_is_not_there_is_said(void **state)
{
	struct fixture *f = *state;
	struct fixture other = {.path = "/tmp/vouchfs-no-such-directory", .found.dirfd = -1};
	assert_string_equal(found(&other, 0), "");
	assert_complaint(&other, "", strerror(ENOENT));
	buf_done(&other.complaints);
	assert_string_equal(found(f, 0), "");
}

static void there_is_a_limit(void **state)
{
	struct fixture *f = *state;
	char name[8];
	for (unsigned i = 0; i <= LIMIT_HOOKS; i++) {
		(void)snprintf(name, sizeof(name), "%03u", i);
		put(f, name, 0755);
	}
	(void)found(f, geteuid());
	assert_int_equal(f->found.names.count, LIMIT_HOOKS);
	assert_complaint(f, name, "is one too many");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(executables_in_the_order_of_their_names),	   TEST(everything_else_is_refused_with_a_reason),
		TEST(a_directory_that_others_can_change_has_none), TEST(owners_are_root_and_the_configurations),
		TEST(a_directory_that_is_not_there_is_said),	   TEST(there_is_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
