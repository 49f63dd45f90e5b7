/* What one program leaves to the next is read as it was written, of another version or with more in it, too. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fs/takeover.h"
#include "base/io.h"

static void fill(struct takeover *t)
{
	static const enum takeover_text texts[] = {TAKEOVER_PROGRAM, TAKEOVER_SOURCE, TAKEOVER_MOUNTPOINT,
						   TAKEOVER_RUNTIME_PATH};
	*t = (struct takeover){0};
	for (size_t i = 0; i < TAKEOVER_FIRST_FD; i++)
		takeover_set_number(t, (enum takeover_number)i, i + 100);
	takeover_set_number(t, TAKEOVER_VERSION_NUMBER, TAKEOVER_VERSION);
	for (size_t i = TAKEOVER_FIRST_FD; i < TAKEOVER_NUMBERS; i++)
		takeover_set_fd(t, (enum takeover_number)i, (int)i);
	takeover_set_fd(t, TAKEOVER_RUN_FD, -1);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(takeover_set_text(t, texts[i], "/a=b\nc"), 0);
}

static void it_is_read_as_it_was_written(void **state UNUSED)
{
	struct takeover t, found;
	int fd;
	fill(&t);
	assert_int_equal(takeover_write(&t, &fd), 0);
	assert_int_equal(takeover_read(fd, &found), 0);
	for (size_t i = 0; i < TAKEOVER_TEXTS; i++) {
		assert_int_equal(t.texts[i] == NULL, found.texts[i] == NULL);
		if (t.texts[i])
			assert_string_equal(t.texts[i], found.texts[i]);
	}
	assert_memory_equal(t.numbers, found.numbers, sizeof(t.numbers));
	assert_memory_equal(t.has, found.has, sizeof(t.has));
	assert_int_equal(takeover_fd(&found, TAKEOVER_RUN_FD), -1);
	assert_int_equal(takeover_fd(&found, TAKEOVER_TREE_FD), TAKEOVER_TREE_FD);
	takeover_done(&t);
	takeover_done(&found);
	io_close(&fd);
}

static void what_is_missing_or_of_another_version_is_refused(void **state UNUSED)
{
	struct takeover t, found;
	int fd;
	fill(&t);
	takeover_set_number(&t, TAKEOVER_VERSION_NUMBER, TAKEOVER_VERSION + 1);
	assert_int_equal(takeover_write(&t, &fd), 0);
	assert_int_equal(takeover_read(fd, &found), -EPROTONOSUPPORT);
	io_close(&fd);
	takeover_set_number(&t, TAKEOVER_VERSION_NUMBER, TAKEOVER_VERSION);
	takeover_set_fd(&t, TAKEOVER_LOCK_FD, -1);
	assert_int_equal(takeover_write(&t, &fd), 0);
	assert_int_equal(takeover_read(fd, &found), -EBADMSG);
	io_close(&fd);
	takeover_set_fd(&t, TAKEOVER_LOCK_FD, 5);
	takeover_set_fd(&t, TAKEOVER_RUN_FD, 6); /* of a run side that is mounted nowhere */
	assert_int_equal(takeover_write(&t, &fd), 0);
	assert_int_equal(takeover_read(fd, &found), -EBADMSG);
	io_close(&fd);
	takeover_done(&t);
}

static int read_bytes(const struct takeover *t, const char *more, size_t len, struct takeover *ret)
{
	int fd;
	assert_int_equal(takeover_write(t, &fd), 0);
	off_t end = lseek(fd, 0, SEEK_END);
	assert_int_equal(io_pwrite_full(fd, more, len, (uint64_t)end), 0);
	int r = takeover_read(fd, ret);
	io_close(&fd);
	return r;
}

static void more_is_passed_over_and_nonsense_refused(void **state UNUSED)
{
	struct takeover t, found;
	fill(&t);
	assert_int_equal(read_bytes(&t, "colour=blue", 12, &found), 0);
	takeover_done(&found);
	assert_int_equal(read_bytes(&t, "colour=blue", 11, &found), -EBADMSG); /* no end */
	assert_int_equal(read_bytes(&t, "colour", 7, &found), -EBADMSG);
	assert_int_equal(read_bytes(&t, "kind=one", 9, &found), -EBADMSG);
	assert_int_equal(read_bytes(&t, "tree_fd=4294967296", 19, &found), -EBADMSG);
	int empty = memfd_create("empty", MFD_CLOEXEC);
	assert_int_equal(takeover_read(empty, &found), -EBADMSG);
	io_close(&empty);
	takeover_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_read_as_it_was_written),
		cmocka_unit_test(what_is_missing_or_of_another_version_is_refused),
		cmocka_unit_test(more_is_passed_over_and_nonsense_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
