/* What can change what is found at a path is noticed; what cannot is not. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
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

#include "../../src/fs/watch_set.h"
#include "base/io.h"

struct fixture {
	char dir[32];
	int dirfd;
	struct watch_set set;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/vouchfs-watch-XXXXXX");
	f->dirfd = mkdtemp(f->dir) ? io_open_dir(f->dir) : -1;
	f->set.inotify = -1;
	return f->dirfd < 0 ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *ftw UNUSED)
{
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	watch_set_done(&f->set);
	io_close(&f->dirfd);
	int r = nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return r;
}

static int try_to_watch(struct fixture *f, const char *rel)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, rel);
	return watch_set_add(&f->set, path);
}

/* A new set on one path, or two. */
static void watch_two(struct fixture *f, const char *rel, const char *other)
{
	watch_set_done(&f->set);
	assert_int_equal(watch_set_init(&f->set), 0);
	assert_int_equal(try_to_watch(f, rel), 0);
	if (other)
		assert_int_equal(try_to_watch(f, other), 0);
	assert_false(watch_set_take(&f->set));
}

static void watch(struct fixture *f, const char *rel)
{
	watch_two(f, rel, NULL);
}

static void put(struct fixture *f, const char *rel)
{
	int fd = openat(f->dirfd, rel, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, "x", 1), 0);
	io_close(&fd);
}

static void make(struct fixture *f, const char *rel)
{
	assert_int_equal(mkdirat(f->dirfd, rel, 0700), 0);
}

static void rename_to(struct fixture *f, const char *from, const char *to)
{
	assert_int_equal(renameat(f->dirfd, from, f->dirfd, to), 0);
}

static void link_to(struct fixture *f, const char *target, const char *rel)
{
	assert_int_equal(symlinkat(target, f->dirfd, rel), 0);
}

static void delete_it(struct fixture *f, const char *rel, int flags)
{
	assert_int_equal(unlinkat(f->dirfd, rel, flags), 0);
}

#define assert_noticed(f) assert_true(watch_set_take(&(f)->set))
#define assert_missed(f)  assert_false(watch_set_take(&(f)->set))

static void a_file_is_written_in_place(void **state)
{
	struct fixture *f = *state;
	put(f, "list");
	watch(f, "list");
	int fd = openat(f->dirfd, "list", O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(io_write_full(fd, "new", 3), 0);
	assert_missed(f); /* not before it is whole */
	io_close(&fd);
	assert_noticed(f);
	assert_missed(f);
}

static void a_file_is_renamed_over_made_and_removed(void **state)
{
	struct fixture *f = *state;
	watch(f, "list");
	put(f, "list");
	assert_noticed(f);
	put(f, ".list.x7");
	assert_missed(f);
	rename_to(f, ".list.x7", "list");
	assert_noticed(f);
	delete_it(f, "list", 0);
	assert_noticed(f);
}

static void a_file_becomes_readable(void **state)
{
	struct fixture *f = *state;
	put(f, "list");
	watch(f, "list");
	assert_int_equal(fchmodat(f->dirfd, "list", 0644, 0), 0);
	assert_noticed(f);
}

static void neighbours_do_not_matter(void **state)
{
	struct fixture *f = *state;
	put(f, "list");
	make(f, "other");
	watch(f, "list");
	put(f, "neighbour");
	put(f, "other/list");
	rename_to(f, "neighbour", "somebody");
	delete_it(f, "somebody", 0);
	assert_missed(f);
}

static void several_files_of_one_directory(void **state)
{
	struct fixture *f = *state;
	make(f, "trust");
	watch_two(f, "trust/a", "trust/b");
	put(f, "trust/a");
	assert_noticed(f);
	put(f, "trust/b");
	assert_noticed(f);
	put(f, "trust/c");
	assert_missed(f);
	watch_two(f, "trust/a", "trust"); /* one way ends where another goes on */
	put(f, "trust/a");
	assert_noticed(f);
}

static void a_directory_goes_and_comes_back(void **state)
{
	struct fixture *f = *state;
	make(f, "etc");
	make(f, "etc/trust");
	watch(f, "etc/trust/list");
	delete_it(f, "etc/trust", AT_REMOVEDIR);
	assert_noticed(f);
	delete_it(f, "etc", AT_REMOVEDIR);
	watch(f, "etc/trust/list");
	make(f, "etc");
	assert_noticed(f);
	watch(f, "etc/trust/list");
	make(f, "etc/trust");
	assert_noticed(f);
	watch(f, "etc/trust/list");
	put(f, "etc/trust/list");
	assert_noticed(f);
}

static void a_directory_on_the_way_is_moved(void **state)
{
	struct fixture *f = *state;
	make(f, "etc");
	make(f, "etc/trust");
	watch(f, "etc/trust/list");
	rename_to(f, "etc", "old");
	assert_noticed(f);
}

/* As Kubernetes mounts its volumes. */
static void a_link_to_a_directory_is_swapped(void **state)
{
	struct fixture *f = *state;
	make(f, "..1");
	make(f, "..2");
	put(f, "..1/list");
	put(f, "..2/list");
	link_to(f, "..1", "..data");
	link_to(f, "..data/list", "list");
	watch(f, "list");
	put(f, "..2/list");
	assert_missed(f);
	put(f, "..1/list");
	assert_noticed(f);
	link_to(f, "..2", "..data_tmp");
	assert_missed(f);
	rename_to(f, "..data_tmp", "..data");
	assert_noticed(f);
	watch(f, "list");
	put(f, "..2/list");
	assert_noticed(f);
}

static void an_absolute_link_and_dots_in_the_middle(void **state)
{
	struct fixture *f = *state;
	char target[64];
	make(f, "a");
	make(f, "b");
	make(f, "b/deep");
	(void)snprintf(target, sizeof(target), "%s/b/deep/../", f->dir);
	link_to(f, target, "a/current");
	watch(f, "a/./current//trust");
	put(f, "b/trust");
	assert_noticed(f);
	delete_it(f, "a/current", 0);
	assert_noticed(f);
}

static void links_in_a_circle_are_told(void **state)
{
	struct fixture *f = *state;
	link_to(f, "two", "one");
	link_to(f, "one", "two");
	assert_int_equal(watch_set_init(&f->set), 0);
	assert_int_equal(try_to_watch(f, "one"), -ELOOP);
	delete_it(f, "two", 0);
	assert_noticed(f); /* what could be watched is */
}

static void a_directory_that_cannot_be_watched_is_told(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX + 16] = "/";
	put(f, "file");
	assert_int_equal(watch_set_init(&f->set), 0);
	assert_int_equal(try_to_watch(f, "file/list"), 0); /* waits for the file to become a directory */
	memset(path + 1, 'a', PATH_MAX);
	assert_int_equal(watch_set_add(&f->set, path), -ENAMETOOLONG);
	put(f, "file");
	assert_noticed(f);
}

static void watch_directory(struct fixture *f, const char *rel)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, rel);
	watch_set_done(&f->set);
	assert_int_equal(watch_set_init(&f->set), 0);
	assert_int_equal(watch_set_add_directory(&f->set, path), 0);
	assert_false(watch_set_take(&f->set));
}

static void whatever_is_in_a_directory(void **state)
{
	struct fixture *f = *state;
	make(f, "conf.d");
	put(f, "conf.d/a.conf");
	watch_directory(f, "conf.d");
	put(f, "conf.d/a.conf");
	assert_noticed(f);
	put(f, "conf.d/b.conf");
	assert_noticed(f);
	rename_to(f, "conf.d/b.conf", "b.conf");
	assert_noticed(f);
	delete_it(f, "conf.d/a.conf", 0);
	assert_noticed(f);
	put(f, "neighbour");
	assert_missed(f);
	delete_it(f, "conf.d", AT_REMOVEDIR);
	assert_noticed(f);
}

static void a_directory_that_is_not_there_yet(void **state)
{
	struct fixture *f = *state;
	watch_directory(f, "conf.d");
	put(f, "neighbour");
	assert_missed(f);
	make(f, "conf.d");
	assert_noticed(f);
	watch_directory(f, "conf.d");
	put(f, "conf.d/a.conf");
	assert_noticed(f);
}

static void a_directory_behind_a_link(void **state)
{
	struct fixture *f = *state;
	make(f, "real");
	make(f, "other");
	link_to(f, "real", "conf.d");
	watch_directory(f, "conf.d");
	put(f, "real/a.conf");
	assert_noticed(f);
	put(f, "other/a.conf");
	assert_missed(f);
	link_to(f, "other", "next");
	assert_missed(f);
	rename_to(f, "next", "conf.d");
	assert_noticed(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_written_in_place),
		TEST(a_file_is_renamed_over_made_and_removed),
		TEST(a_file_becomes_readable),
		TEST(neighbours_do_not_matter),
		TEST(several_files_of_one_directory),
		TEST(a_directory_goes_and_comes_back),
		TEST(a_directory_on_the_way_is_moved),
		TEST(a_link_to_a_directory_is_swapped),
		TEST(an_absolute_link_and_dots_in_the_middle),
		TEST(links_in_a_circle_are_told),
		TEST(a_directory_that_cannot_be_watched_is_told),
		TEST(whatever_is_in_a_directory),
		TEST(a_directory_that_is_not_there_yet),
		TEST(a_directory_behind_a_link),
	};
	return cmocka_run_group_tests_name("watch_set", tests, NULL, NULL);
}
