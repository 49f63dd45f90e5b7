/* Why a path cannot be used: what is missing, who may not, and what to do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/access.h"
#include "base/io.h"

#define NOBODY 65534

static char dir[64];

static const char *path_of(const char *name)
{
	static char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/vouchfs-access-XXXXXX");
	return mkdtemp(dir) && chmod(dir, 0755) == 0 && mkdir(path_of("closed"), 0700) == 0 ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(path_of("closed/file"));
	(void)unlink(path_of("file"));
	(void)rmdir(path_of("closed"));
	return rmdir(dir);
}

static void assert_words(const char *name, int error, const char *expected)
{
	char words[ACCESS_WORDS_SIZE];
	assert_string_equal(access_words(path_of(name), error, words), expected);
}

static void names_the_first_directory_that_is_missing(void **state)
{
	(void)state;
	char expected[256];
	(void)snprintf(expected, sizeof(expected), "No such file or directory: there is no %s/a\\x1b", dir);
	assert_words("a\x1b/b/c", -ENOENT, expected);
	assert_words("file", -ENOENT, "No such file or directory");
}

static void tells_what_helps_a_filesystem(void **state)
{
	(void)state;
	assert_words("file", -EROFS,
		     "Read-only file system: make it writable (mount -o remount,rw), or use a place on another "
		     "filesystem");
	assert_words("file", -ENOSPC,
		     "No space left on device: make room there; `df -h` shows how full it is, `df -i` its inodes");
	assert_words("file", -EDQUOT,
		     "Disk quota exceeded: make room there, or raise the quota of the user who writes");
	assert_words("file", -EIO, "Input/output error");
}

/* What nobody is told; of root nothing is kept away. */
static void assert_words_of_nobody(const char *name, const char *expected)
{
	pid_t child = fork();
	if (child == 0) {
		char words[ACCESS_WORDS_SIZE];
		bool ok = seteuid(NOBODY) == 0;
		ok = ok && strcmp(access_words(path_of(name), -EACCES, words), expected) == 0;
		if (!ok)
			(void)fprintf(stderr, "\"%s\"\n", words);
		_exit(ok ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void names_who_may_not_and_what_stands_in_the_way(void **state)
{
	(void)state;
	char expected[512], user[ACCESS_USER_SIZE];
	if (geteuid() != 0)
		skip(); /* only root can be somebody else */
	(void)access_user(NOBODY, user);
	int fd = io_open_dir(dir);
	assert_int_equal(io_write_file(fd, "file", "x", 1, 0600, false), 0);
	assert_int_equal(io_write_file(fd, "closed/file", "x", 1, 0644, false), 0);
	io_close(&fd);

	(void)snprintf(expected, sizeof(expected),
		       "Permission denied: %s may not enter %s/closed; `chmod o+x %s/closed` lets others through", user,
		       dir, dir);
	assert_words_of_nobody("closed/file", expected);
	(void)snprintf(expected, sizeof(expected),
		       "Permission denied: %s may not read it; `chmod o+r %s/file` lets others read it", user, dir);
	assert_words_of_nobody("file", expected);
	(void)snprintf(expected, sizeof(expected),
		       "Permission denied: %s may not use it; `ls -ld %s/closed` shows who may", user, dir);
	assert_words_of_nobody("closed", expected);
}

static void names_users_where_they_have_a_name(void **state)
{
	(void)state;
	char user[ACCESS_USER_SIZE];
	assert_string_equal(access_user(0, user), "user root (uid 0)");
	assert_string_equal(access_user(4000000001U, user), "uid 4000000001");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_first_directory_that_is_missing),
		cmocka_unit_test(tells_what_helps_a_filesystem),
		cmocka_unit_test(names_who_may_not_and_what_stands_in_the_way),
		cmocka_unit_test(names_users_where_they_have_a_name),
	};
	return cmocka_run_group_tests_name("access", tests, make_dir, remove_dir);
}
