/* A number means the file that it was given for, of this daemon alone. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/fs/handles.h"

#define FILES 1000

static char files[FILES];
static size_t released;

static struct tree_handle *file_of(size_t i)
{
	return (struct tree_handle *)&files[i];
}

static void release(struct tree_handle *file)
{
	(*(char *)file)++;
	released++;
}

static void begin(struct handles *handles, uint32_t incarnation)
{
	memset(files, 0, sizeof(files));
	released = 0;
	handles_init(handles, incarnation, release);
}

static void each_is_found_by_its_number(void **state UNUSED)
{
	struct handles handles;
	struct fuse_file_info fi[FILES] = {0};
	begin(&handles, 7);
	for (size_t i = 0; i < FILES; i++)
		assert_int_equal(handles_add(&handles, file_of(i), &fi[i]), 0);
	for (size_t i = 0; i < FILES; i++) {
		struct tree_handle *found = NULL;
		assert_int_equal(handles_get(&handles, &fi[i], &found), 0);
		assert_ptr_equal(found, file_of(i));
		for (size_t k = 0; k < i && i < 10; k++)
			assert_true(fi[k].fh != fi[i].fh);
	}
	handles_done(&handles);
	assert_int_equal(released, FILES);
	for (size_t i = 0; i < FILES; i++)
		assert_int_equal(files[i], 1);
}

static void one_of_another_daemon_is_an_error(void **state UNUSED)
{
	struct handles before, handles;
	struct fuse_file_info fi = {0};
	struct tree_handle *found = NULL;
	begin(&before, 1);
	assert_int_equal(handles_add(&before, file_of(0), &fi), 0);
	handles_done(&before);
	begin(&handles, 2);
	struct fuse_file_info own = {0};
	assert_int_equal(handles_add(&handles, file_of(1), &own), 0);
	assert_int_equal(handles_get(&handles, &fi, &found), -EIO);
	assert_null(handles_take(&handles, &fi));
	fi.fh = own.fh + 1; /* nobody's */
	assert_int_equal(handles_get(&handles, &fi, &found), -EIO);
	fi.fh = own.fh | UINT32_MAX;
	assert_int_equal(handles_get(&handles, &fi, &found), -EIO);
	assert_null(found);
	handles_done(&handles);
	assert_int_equal(released, 1);
}

static void what_is_taken_out_is_the_takers(void **state UNUSED)
{
	struct handles handles;
	struct fuse_file_info fi = {0}, next = {0};
	struct tree_handle *found = NULL;
	begin(&handles, 1);
	assert_int_equal(handles_add(&handles, file_of(0), &fi), 0);
	assert_ptr_equal(handles_take(&handles, &fi), file_of(0));
	assert_null(handles_take(&handles, &fi));
	assert_int_equal(handles_get(&handles, &fi, &found), -EIO);
	assert_int_equal(handles_add(&handles, file_of(1), &next), 0); /* has its place now */
	assert_int_equal(handles_get(&handles, &next, &found), 0);
	assert_ptr_equal(found, file_of(1));
	handles_done(&handles);
	assert_int_equal(files[0], 0);
	assert_int_equal(files[1], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_found_by_its_number),
		cmocka_unit_test(one_of_another_daemon_is_an_error),
		cmocka_unit_test(what_is_taken_out_is_the_takers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
