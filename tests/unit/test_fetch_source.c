/* How a source tells what has changed: what is sent back to a server, and what a file's inode says. */
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

#include "../../src/fetch/source.h"
#include "base/limits.h"

static void test_conditions(void **state UNUSED)
{
	char condition[SOURCE_CONDITION_SIZE];
	struct source_mark mark = {0};
	source_condition(NULL, condition);
	assert_string_equal(condition, "");
	source_condition(&mark, condition);
	assert_string_equal(condition, "");
	source_take_last_modified("Sun, 22 Nov 2026 10:00:00 GMT", &mark);
	source_condition(&mark, condition);
	assert_string_equal(condition, "If-Modified-Since: Sun, 22 Nov 2026 10:00:00 GMT");
	source_take_etag("W/\"abc\"", &mark);
	source_condition(&mark, condition);
	assert_string_equal(condition, "If-None-Match: W/\"abc\"");
}

static void test_what_is_not_sent_back(void **state UNUSED)
{
	char longest[SOURCE_MARK_SIZE + 1];
	memset(longest, 'a', sizeof(longest));
	longest[0] = longest[SOURCE_MARK_SIZE - 1] = '"';
	longest[SOURCE_MARK_SIZE] = '\0';
	const char *const etags[] = {"",	 "abc",		  "\"",	   "\"a",      "a\"",
				     "\"a\"b\"", "\"a\r\nX: y\"", "W/abc", "\"\x80\"", longest};
	for (size_t i = 0; i < ARRAY_SIZE(etags); i++) {
		struct source_mark mark = {0};
		source_take_etag(etags[i], &mark);
		assert_string_equal(mark.etag, "");
	}
	struct source_mark mark = {0};
	source_take_last_modified("now\nX: y", &mark);
	assert_string_equal(mark.last_modified, "");
	memmove(longest + 1, longest + 2, SOURCE_MARK_SIZE - 1);
	source_take_etag(longest, &mark);
	assert_string_equal(mark.etag, longest);
}

/* ---- files ---- */

struct fixture {
	char directory[64];
	char path[96];
	struct source source;
	struct source_mark mark;
	struct buf body;
	struct explain why;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	(void)snprintf(f->directory, sizeof(f->directory), "/tmp/vouchfs-fetch-XXXXXX");
	if (!mkdtemp(f->directory))
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/policy.zip", f->directory);
	f->source.address.is_file = true;
	(void)snprintf(f->source.address.text, sizeof(f->source.address.text), "%s", f->path);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	(void)unlink(f->path);
	(void)rmdir(f->directory);
	buf_done(&f->body);
	free(f);
	return 0;
}

static void write_file(const struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int look(struct fixture *f, const struct source_mark *since)
{
	buf_done(&f->body);
	return source_look(&f->source, since, &f->body, &f->mark, &f->why);
}

static void test_a_file_is_read_again_when_it_is_another(void **state)
{
	struct fixture *f = *state;
	write_file(f, "one");
	assert_int_equal(look(f, NULL), 0);
	assert_string_equal(f->body.data, "one");
	struct source_mark before = f->mark;
	assert_int_equal(look(f, &before), SOURCE_UNCHANGED);
	assert_int_equal(look(f, NULL), 0);
	/* as long, at the same time: another inode, or another change of it, is all there is to see */
	const struct timespec times[2] = {before.modified, before.modified};
	write_file(f, "two");
	assert_int_equal(utimensat(AT_FDCWD, f->path, times, 0), 0);
	assert_int_equal(look(f, &before), 0);
	assert_string_equal(f->body.data, "two");
}

static void test_what_is_no_file(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(look(f, NULL), -ENOENT);
	assert_non_null(strstr(f->why.text, f->path));
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(look(f, NULL), -EINVAL);
	assert_non_null(strstr(f->why.text, "no regular file"));
}

static void test_a_file_that_is_too_large(void **state)
{
	struct fixture *f = *state;
	write_file(f, "x");
	assert_int_equal(truncate(f->path, LIMIT_BUNDLE_ZIP_BYTES), 0);
	assert_int_equal(look(f, NULL), 0);
	assert_int_equal(f->body.len, LIMIT_BUNDLE_ZIP_BYTES);
	assert_int_equal(truncate(f->path, LIMIT_BUNDLE_ZIP_BYTES + 1), 0);
	assert_int_equal(look(f, NULL), -EFBIG);
	assert_non_null(strstr(f->why.text, "larger than"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_what_is_not_sent_back),
		cmocka_unit_test_setup_teardown(test_a_file_is_read_again_when_it_is_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_is_too_large, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
