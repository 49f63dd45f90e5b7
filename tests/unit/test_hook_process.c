/* What is executed for a hook is what was looked at. */
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
#include "../../src/fs/hook_process.h"

struct fixture {
	char path[64];
	int top;
	struct hook_record record;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	for (size_t i = 0; i < HOOK_TEXT_COUNT; i++)
		f->record.texts[i] = "1";
	(void)snprintf(f->path, sizeof(f->path), "/tmp/vouchfs-hook-XXXXXX");
	f->top = mkdtemp(f->path) ? io_open_dir(f->path) : -1;
	return f->top < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	static const char *const files[] = {"hooks/h", "hooks/target", "before/h", "before/target", "good", "bad"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlinkat(f->top, files[i], 0);
	(void)unlinkat(f->top, "hooks", AT_REMOVEDIR);
	(void)unlinkat(f->top, "before", AT_REMOVEDIR);
	io_close(&f->top);
	int r = rmdir(f->path);
	free(f);
	return r;
}

/* A script that makes a file beside the directory it is in. */
static void put(const struct fixture *f, const char *name, const char *makes)
{
	char text[128];
	(void)mkdirat(f->top, "hooks", 0755);
	int len = snprintf(text, sizeof(text), "#!/bin/sh\n: >\"${0%%/*}/../%s\"\n", makes);
	int fd = openat(f->top, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, (size_t)len), len);
	assert_int_equal(fchmod(fd, 0755), 0);
	io_close(&fd);
}

static void look(const struct fixture *f, struct hooks_found *ret)
{
	char path[80];
	struct buf complaints = {0};
	(void)snprintf(path, sizeof(path), "%s/hooks", f->path);
	const struct hook_dir dir = {.path = path, .owner = geteuid()};
	assert_int_equal(hook_dir_list(&dir, ret, &complaints), 0);
	assert_int_equal(ret->names.count, 1);
	buf_done(&complaints);
}

static void run(struct fixture *f, const struct hooks_found *found)
{
	struct hook_process process;
	assert_int_equal(hook_process_start(found->dirfd, found->names.names[0], "h", &f->record, &process), 0);
	hook_process_end(&process, NULL);
}

static bool was_made(const struct fixture *f, const char *name)
{
	return faccessat(f->top, name, F_OK, 0) == 0;
}

static void a_directory_that_is_exchanged_after_the_look_is_not_used(void **state)
{
	struct fixture *f = *state;
	struct hooks_found found;
	put(f, "hooks/h", "good");
	look(f, &found);
	assert_int_equal(renameat(f->top, "hooks", f->top, "before"), 0);
	put(f, "hooks/h", "bad");
	run(f, &found);
	hooks_found_done(&found);
	assert_true(was_made(f, "good"));
	assert_false(was_made(f, "bad"));
}

static void a_link_that_came_after_the_look_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct hooks_found found;
	put(f, "hooks/h", "good");
	look(f, &found);
	put(f, "hooks/target", "bad");
	assert_int_equal(unlinkat(f->top, "hooks/h", 0), 0);
	assert_int_equal(symlinkat("target", found.dirfd, "h"), 0);
	run(f, &found);
	hooks_found_done(&found);
	assert_false(was_made(f, "good"));
	assert_false(was_made(f, "bad"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_directory_that_is_exchanged_after_the_look_is_not_used, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_link_that_came_after_the_look_is_not_followed, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
