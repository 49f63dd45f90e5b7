/* Which errnos may leave for the kernel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/fs/reply.h"

static bool must_not_leave(int error)
{
	return error == ENOSYS || error == EINTR || error == EAGAIN || error >= 512;
}

static void every_errno_is_one_the_kernel_takes(void **state UNUSED)
{
	for (int error = 1; error <= 4095; error++)
		if (error != EMFILE)
			assert_int_equal(reply_errno(-error), must_not_leave(error) ? EIO : error);
	assert_int_equal(reply_errno(-EMFILE), ENFILE); /* the caller's own limit is another */
	assert_int_equal(reply_errno(0), 0);
}

static void verdicts_leave_as_they_are(void **state UNUSED)
{
	static const int verdicts[] = {EINVAL,	    EBADMSG, ENOKEY, EKEYREJECTED, EKEYEXPIRED,
				       EKEYREVOKED, EACCES,  EPERM,  EFBIG,	   E2BIG};
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		assert_int_equal(reply_errno(-verdicts[i]), verdicts[i]);
}

static const struct slots_attr file = {
	.node = 77,
	.mode = S_IFREG | 0664,
	.nlink = 1,
	.uid = 5,
	.gid = 6,
	.size_bytes = 513,
	.mtime = {.tv_sec = 1000000000, .tv_nsec = 5},
};

static void a_file_has_the_block_size_that_was_asked_for(void **state UNUSED)
{
	struct stat st;
	reply_stat(&file, 1 << 20, &st);
	assert_int_equal(st.st_ino, 77);
	assert_int_equal(st.st_mode, S_IFREG | 0664);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_uid, 5);
	assert_int_equal(st.st_gid, 6);
	assert_int_equal(st.st_size, 513);
	assert_int_equal(st.st_blocks, 2);
	assert_int_equal(st.st_blksize, 1 << 20);
	assert_int_equal(st.st_mtim.tv_nsec, 5);
}

static void a_directory_has_not(void **state UNUSED)
{
	struct slots_attr directory = file;
	directory.mode = S_IFDIR | 0775;
	struct stat st;
	reply_stat(&directory, 1 << 20, &st);
	assert_int_equal(st.st_blksize, REPLY_BLKSIZE_DEFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_errno_is_one_the_kernel_takes),
		cmocka_unit_test(verdicts_leave_as_they_are),
		cmocka_unit_test(a_file_has_the_block_size_that_was_asked_for),
		cmocka_unit_test(a_directory_has_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
