/* The completing write: found at every way of cutting a ZIP into writes, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slots/end_scan.h"
#include "zip_builder.h"

static struct buf make_zip(const char *comment)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "a.py", "print(1)\n");
	assert_int_equal(buf_puts(&z.comment, comment), 0);
	return zip_builder_finish(&z);
}

/* Feeds in pieces of this size; the number of pieces that were said to complete the ZIP, and which was the last. */
static unsigned feed(const struct buf *zip, size_t piece, bool *ret_last)
{
	struct end_scan scan = {0};
	unsigned count = 0;
	*ret_last = false;
	for (size_t at = 0; at < zip->len; at += piece) {
		size_t len = zip->len - at < piece ? zip->len - at : piece;
		*ret_last = end_scan_completes(&scan, zip->data + at, len, at);
		count += *ret_last;
	}
	return count;
}

static void completes_at_the_last_piece_only(void **state UNUSED)
{
	static const char *const comments[] = {"", "a comment of some length"};
	for (size_t c = 0; c < ARRAY_SIZE(comments); c++) {
		struct buf zip = make_zip(comments[c]);
		for (size_t piece = 1; piece <= zip.len; piece++) {
			bool last;
			assert_int_equal(feed(&zip, piece, &last), 1);
			assert_true(last);
		}
		buf_done(&zip);
	}
}

static void does_not_complete_a_prefix_or_a_longer_file(void **state UNUSED)
{
	struct buf zip = make_zip("");
	bool last;
	zip.len--;
	assert_int_equal(feed(&zip, 7, &last), 0);
	zip.len++;
	assert_int_equal(buf_puts(&zip, "tail"), 0);
	(void)feed(&zip, zip.len, &last);
	assert_false(last);
	buf_done(&zip);
}

/* A ZIP stored inside a ZIP ends in an end record of its own, whose offsets do not fit the outer file. */
static void is_not_fooled_by_a_nested_zip(void **state UNUSED)
{
	struct buf inner = make_zip("");
	struct zip_builder z = {0};
	zip_builder_add_file(&z, "inner.zip", inner.data, inner.len, ZIP_BUILDER_STORED, 0644);
	struct buf zip = zip_builder_finish(&z);
	bool last;
	assert_int_equal(feed(&zip, 1, &last), 1);
	assert_true(last);
	buf_done(&inner);
	buf_done(&zip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(completes_at_the_last_piece_only),
		cmocka_unit_test(does_not_complete_a_prefix_or_a_longer_file),
		cmocka_unit_test(is_not_fooled_by_a_nested_zip),
	};
	return cmocka_run_group_tests_name("end_scan", tests, NULL, NULL);
}
