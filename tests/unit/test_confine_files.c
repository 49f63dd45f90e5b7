/* Tables of places: what can be done below each, and nowhere else. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/confine.h"
#include "base/io.h"
#include "confine_child.h"

static char directory[] = "/tmp/vouchfs-confine-XXXXXX";

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && write(fd, "x", 1) == 1);
	io_close(&fd);
}

static int make_scene(void **state UNUSED)
{
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	assert_int_equal(mkdir("read", 0700) | mkdir("store", 0700) | mkdir("store/a", 0700) | mkdir("other", 0700), 0);
	make_file("read/file");
	make_file("store/file");
	make_file("other/file");
	make_file("alone");
	return symlink("../other/file", "store/out");
}

static int remove_scene(void **state UNUSED)
{
	char command[64];
	(void)snprintf(command, sizeof(command), "rm -rf %s", directory);
	return chdir("/") + system(command);
}

static const struct confine_place places[] = {
	{"read", CONFINE_READ},
	{"store", CONFINE_READ | CONFINE_WRITE | CONFINE_MAKE | CONFINE_DIRS},
	{"alone", CONFINE_READ | CONFINE_MAKE}, /* MAKE means nothing of a file */
	{"absent", CONFINE_READ},
};

static int try(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600), r = fd < 0 ? -errno : 0;
	io_close(&fd);
	return r;
}

static int be_confined(void)
{
	const struct confine_files files = {.reading_too = true, .places = places, .count = ARRAY_SIZE(places)};
	char *argv[] = {NULL};
	EXPECT(confine_files(&files) == 0);
	EXPECT(try("read/file", O_RDONLY) == 0 && try("read", O_RDONLY | O_DIRECTORY) == 0);
	EXPECT(try("read/file", O_WRONLY) == -EACCES && try("read/new", O_WRONLY | O_CREAT) == -EACCES);
	EXPECT(try("alone", O_RDONLY) == 0 && try("alone", O_WRONLY) == -EACCES);
	EXPECT(try("other/file", O_RDONLY) == -EACCES && try("store/out", O_RDONLY) == -EACCES);
	EXPECT(try("absent", O_RDONLY) == -ENOENT && try("/etc/passwd", O_RDONLY) == -EACCES);
	EXPECT(try("store/new", O_RDWR | O_CREAT | O_TRUNC) == 0 && mkdir("store/b", 0700) == 0);
	EXPECT(rename("store/new", "store/b/new") == 0 && link("store/file", "store/b/file") == 0);
	EXPECT(unlink("store/b/new") == 0 && unlink("store/b/file") == 0 && rmdir("store/b") == 0);
	EXPECT(rename("store/file", "other/new") < 0 && link("other/file", "store/new") < 0);
	EXPECT(symlink("x", "store/link") < 0 && errno == EACCES);
	EXPECT(mkfifo("store/fifo", 0600) < 0 && errno == EACCES);
	EXPECT(execv("/bin/true", argv) < 0 && errno == EACCES);
	return 0;
}

/* Reading and sockets as before. */
static int be_kept_from_writing(void)
{
	const struct confine_place store = {"store", CONFINE_WRITE | CONFINE_MAKE};
	EXPECT(confine_files(&(struct confine_files){.places = &store, .count = 1}) == 0);
	EXPECT(try("other/file", O_RDONLY) == 0 && try("/etc/passwd", O_RDONLY) == 0);
	EXPECT(try("other/file", O_WRONLY) == -EACCES && mkdir("store/b", 0700) < 0);
	EXPECT(try("store/new", O_WRONLY | O_CREAT) == 0 && unlink("store/new") == 0);
	return 0;
}

static void check(int (*run)(void))
{
	if (!confine_has_files())
		skip();
	assert_int_equal(confine_child(run), 0);
}

static void test_places(void **state UNUSED)
{
	check(be_confined);
}

static void test_writing_alone(void **state UNUSED)
{
	check(be_kept_from_writing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_writing_alone),
	};
	return cmocka_run_group_tests(tests, make_scene, remove_scene);
}
