/* What a supervisor gives another name, and what it leaves alone, whatever it is asked. */
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

#include "../../src/fs/remedy.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"

#define NOW	 "2026-11-22T11:00:00Z"
#define REPLACED ".replaced-20261122T110000Z"

struct fixture {
	char dir[64];
	char config[128];
	char clock[128];
	int dirfd;
	struct explain why;
	char kept[REMEDY_NAME_SIZE];
};

static void put(struct fixture *f, const char *rel, const char *text)
{
	assert_int_equal(io_write_file(f->dirfd, rel, text, strlen(text), 0600, false), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/vouchfs-remedy-XXXXXX");
	f->dirfd = mkdtemp(f->dir) ? io_open_dir(f->dir) : -1;
	if (f->dirfd < 0 || mkdirat(f->dirfd, "conf.d", 0700) < 0)
		return -1;
	(void)snprintf(f->config, sizeof(f->config), "%s/vouchfs.conf", f->dir);
	(void)snprintf(f->clock, sizeof(f->clock), "%s/clock", f->dir);
	put(f, "clock", NOW);
	put(f, "vouchfs.conf", "main");
	return setenv("VOUCHFS_TEST_CLOCK", f->clock, 1);
}

static int remove_all(int dirfd)
{
	struct io_names names = {0};
	int r = io_list_dir(dirfd, ".", &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (unlinkat(dirfd, names.names[i], 0) < 0 && errno != EISDIR)
			r = -errno;
	io_names_done(&names);
	return r;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int inner = openat(f->dirfd, "conf.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (inner >= 0)
		(void)remove_all(inner);
	io_close(&inner);
	(void)unlinkat(f->dirfd, "conf.d", AT_REMOVEDIR);
	(void)unlinkat(f->dirfd, "elsewhere", AT_REMOVEDIR);
	(void)remove_all(f->dirfd);
	io_close(&f->dirfd);
	int r = rmdir(f->dir);
	free(f);
	return r;
}

static int set_aside(struct fixture *f, const char *name)
{
	f->why.text[0] = f->kept[0] = '\0';
	return remedy_set_aside(f->config, name, f->kept, &f->why);
}

static void assert_holds(struct fixture *f, const char *rel, const char *text)
{
	struct buf bytes = {0};
	assert_int_equal(io_read_file(f->dirfd, rel, 100, &bytes), 0);
	assert_string_equal(bytes.data, text);
	buf_done(&bytes);
}

static bool is_there(struct fixture *f, const char *rel)
{
	struct stat st;
	return fstatat(f->dirfd, rel, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void a_file_of_conf_d(void **state)
{
	struct fixture *f = *state;
	put(f, "conf.d/local.conf", "first");
	assert_int_equal(set_aside(f, "local.conf"), 0);
	assert_string_equal(f->kept, "local.conf" REPLACED);
	assert_false(is_there(f, "conf.d/local.conf"));
	assert_holds(f, "conf.d/local.conf" REPLACED, "first");
}

static void what_is_kept_is_never_replaced(void **state)
{
	struct fixture *f = *state;
	const char *const texts[] = {"first", "second", "third"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(f, "conf.d/local.conf", texts[i]);
		assert_int_equal(set_aside(f, "local.conf"), 0);
	}
	assert_string_equal(f->kept, "local.conf" REPLACED ".3");
	assert_holds(f, "conf.d/local.conf" REPLACED, "first");
	assert_holds(f, "conf.d/local.conf" REPLACED ".2", "second");
	assert_holds(f, "conf.d/local.conf" REPLACED ".3", "third");
}

static void not_more_than_there_are_names(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 0; i < LIMIT_REMEDY_NAMES - 1; i++) {
		put(f, "conf.d/a.conf", "x");
		assert_int_equal(set_aside(f, "a.conf"), 0);
	}
	put(f, "conf.d/a.conf", "last");
	assert_int_equal(set_aside(f, "a.conf"), -EEXIST);
	assert_holds(f, "conf.d/a.conf", "last");
}

static void names_that_are_refused(void **state)
{
	struct fixture *f = *state;
	char longest[NAME_MAX + 1];
	memset(longest, 'a', NAME_MAX);
	memcpy(longest + NAME_MAX - 5, ".conf", 6);
	const char *const names[] = {"",
				     ".conf",
				     ".hidden.conf",
				     ".",
				     "..",
				     "../vouchfs.conf",
				     "sub/a.conf",
				     "/etc/passwd",
				     "a.conf/",
				     "local.conf.replaced-20261122T110000Z",
				     "notes.txt",
				     longest};
	put(f, "conf.d/notes.txt", "notes");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(set_aside(f, names[i]), -EINVAL);
		assert_string_equal(f->why.text, "that is no name of a file in conf.d");
	}
	assert_holds(f, "vouchfs.conf", "main");
	assert_holds(f, "conf.d/notes.txt", "notes");
}

static void only_regular_files(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(symlinkat("../vouchfs.conf", f->dirfd, "conf.d/link.conf"), 0);
	assert_int_equal(set_aside(f, "link.conf"), -EINVAL);
	assert_non_null(strstr(f->why.text, "a symbolic link"));
	assert_true(is_there(f, "conf.d/link.conf"));

	assert_int_equal(mkfifoat(f->dirfd, "conf.d/pipe.conf", 0600), 0);
	assert_int_equal(set_aside(f, "pipe.conf"), -EINVAL);
	assert_non_null(strstr(f->why.text, "no regular file"));
	assert_true(is_there(f, "conf.d/pipe.conf"));

	assert_int_equal(set_aside(f, "missing.conf"), -ENOENT);
}

static void a_conf_d_that_is_a_link(void **state)
{
	struct fixture *f = *state;
	put(f, "conf.d/local.conf", "first");
	assert_int_equal(renameat(f->dirfd, "conf.d", f->dirfd, "elsewhere"), 0);
	assert_int_equal(symlinkat("elsewhere", f->dirfd, "conf.d"), 0);
	assert_true(set_aside(f, "local.conf") < 0);
	assert_non_null(strstr(f->why.text, "conf.d is no directory here"));
	assert_holds(f, "elsewhere/local.conf", "first");
	assert_int_equal(unlinkat(f->dirfd, "conf.d", 0), 0);
	assert_int_equal(renameat(f->dirfd, "elsewhere", f->dirfd, "conf.d"), 0);
}

static void answers(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};
	put(f, "conf.d/local.conf", "first");
	assert_int_equal(remedy_answer(f->config, "local.conf", &text), 0);
	assert_string_equal(text.data, "local.conf\nlocal.conf" REPLACED "\n\n");
	buf_reset(&text);
	assert_int_equal(remedy_answer(f->config, "local.conf", &text), 0);
	assert_string_equal(text.data, "local.conf\n\nit cannot be looked at: No such file or directory\n");
	buf_done(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_of_conf_d),
		TEST(what_is_kept_is_never_replaced),
		TEST(not_more_than_there_are_names),
		TEST(names_that_are_refused),
		TEST(only_regular_files),
		TEST(a_conf_d_that_is_a_link),
		TEST(answers),
	};
	return cmocka_run_group_tests_name("remedy", tests, NULL, NULL);
}
