/* Local headers that are kept while an archive is written: they are the file's bytes, and the verdict is the same. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/zip.h"
#include "archive/zip_headers.h"
#include "archive/zip_rules.h"
#include "zip_builder.h"

#define LOCAL_BYTES 30

static struct buf make_zip(bool with_descriptor)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "a.py", "print(1)\n");
	struct zip_builder_entry *second = zip_builder_add(&z, "package/module.py", "");
	if (with_descriptor)
		zip_builder_use_descriptor(second);
	zip_builder_add_dir(&z, "data/");
	zip_builder_add_file(&z, "data/b.txt", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 34, ZIP_BUILDER_DEFLATED, 0644);
	return zip_builder_finish(&z);
}

static struct zip_headers feed(const struct buf *zip, size_t piece)
{
	struct zip_headers headers = {0};
	for (size_t at = 0; at < zip->len; at += piece)
		zip_headers_note(&headers, zip->data + at, zip->len - at < piece ? zip->len - at : piece, at);
	return headers;
}

static size_t count_of(const struct zip_headers *headers)
{
	return headers->spans.len / sizeof(struct zip_header_span);
}

/* All that is found is what the file has there; returns the number of offsets at which a whole header was found. */
static size_t compare(const struct zip_headers *headers, const struct buf *zip)
{
	size_t found = 0, hint = 0;
	for (size_t at = 0; at < zip->len; at++) {
		for (size_t len = 1; at + len <= zip->len; len += 7) {
			const uint8_t *kept = zip_headers_find(headers, at, len, &hint);
			if (kept)
				assert_memory_equal(kept, zip->data + at, len);
		}
		found += zip_headers_find(headers, at, LOCAL_BYTES, &hint) && memcmp(zip->data + at, "PK\3\4", 4) == 0;
	}
	return found;
}

static void test_keeps_each_header_however_it_is_cut(void **state UNUSED)
{
	struct buf zip = make_zip(false);
	for (size_t piece = 1; piece <= zip.len; piece++) {
		struct zip_headers headers = feed(&zip, piece);
		assert_int_equal(count_of(&headers), 4);
		assert_int_equal(compare(&headers, &zip), 4);
		zip_headers_done(&headers);
	}
	buf_done(&zip);
}

/* Where the next one is cannot be told: that of the descriptor is the last one. */
static void test_ends_at_a_descriptor(void **state UNUSED)
{
	struct buf zip = make_zip(true);
	struct zip_headers headers = feed(&zip, 5);
	assert_int_equal(count_of(&headers), 2);
	assert_int_equal(compare(&headers, &zip), 2);
	zip_headers_done(&headers);
	buf_done(&zip);
}

static void test_ends_where_a_write_does_not_continue(void **state UNUSED)
{
	struct buf zip = make_zip(false);
	struct zip_headers headers = {0};
	size_t hint = 0;
	zip_headers_note(&headers, zip.data, 40, 0);
	zip_headers_note(&headers, zip.data + 41, zip.len - 41, 41);
	assert_int_equal(count_of(&headers), 1);
	zip_headers_note(&headers, zip.data + 40, zip.len - 40, 40);
	assert_int_equal(count_of(&headers), 1);
	assert_null(zip_headers_find(&headers, 40, 30, &hint));
	assert_null(zip_headers_find(NULL, 0, 30, &hint));
	zip_headers_done(&headers);
	buf_done(&zip);
}

static void test_text_is_no_archive(void **state UNUSED)
{
	struct buf text = {0};
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(buf_puts(&text, "arn:vouchfs:layer\n"), 0);
	struct zip_headers headers = feed(&text, 11);
	assert_int_equal(count_of(&headers), 0);
	assert_int_equal(compare(&headers, &text), 0);
	zip_headers_done(&headers);
	buf_done(&text);
}

/* The file must not be asked for a header that is kept: one here answers with other bytes but for the
 * first, which is looked at by itself. */
static int lying_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	const struct buf *zip = ctx;
	memcpy(buf, zip->data + offset, len);
	char *bytes = buf;
	for (size_t at = offset == 0; at + 4 <= len; at++)
		if (memcmp(bytes + at, "PK\3\4", 4) == 0)
			bytes[at] = 'Q';
	return 0;
}

static int open_zip(const struct buf *zip, const struct zip_headers *headers, bool lies, struct zip_refusal *refusal)
{
	struct io_memory memory = {zip->data, zip->len};
	struct io_reader file = io_reader_memory(&memory);
	if (lies)
		file = (struct io_reader){.ctx = (void *)(uintptr_t)zip, .pread = lying_pread, .size_bytes = zip->len};
	struct zip_archive *archive = NULL;
	const struct zip_limits limits = {.max_unpacked_bytes = 100000};
	int r = zip_opening_end(zip_opening_new(&file, headers, &limits), &archive, refusal);
	if (r == 0)
		assert_int_equal(archive->entry_count, 4);
	zip_close_archive(archive);
	return r;
}

static void test_both_parsers_are_given_what_is_kept(void **state UNUSED)
{
	struct buf zip = make_zip(false);
	struct zip_headers headers = feed(&zip, 100);
	struct zip_refusal refusal = {0};
	assert_int_equal(open_zip(&zip, &headers, true, &refusal), 0);
	assert_int_equal(open_zip(&zip, NULL, true, &refusal), -EBADMSG);
	assert_int_equal(refusal.rule, ZIP_R05_TILING);
	zip_headers_done(&headers);
	buf_done(&zip);
}

static void test_the_verdict_is_the_same(void **state UNUSED)
{
	for (unsigned with_descriptor = 0; with_descriptor < 2; with_descriptor++) {
		struct buf good = make_zip(with_descriptor);
		for (size_t at = 0; at < good.len; at++) { /* one byte is another one */
			struct zip_refusal read = {0}, kept = {0};
			good.data[at] = (char)(good.data[at] ^ 0x11);
			struct zip_headers headers = feed(&good, 16);
			int r = open_zip(&good, NULL, false, &read);
			assert_int_equal(open_zip(&good, &headers, false, &kept), r);
			assert_int_equal(kept.rule, read.rule);
			assert_string_equal(kept.text.text, read.text.text);
			zip_headers_done(&headers);
			good.data[at] = (char)(good.data[at] ^ 0x11);
		}
		buf_done(&good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_each_header_however_it_is_cut),
		cmocka_unit_test(test_ends_at_a_descriptor),
		cmocka_unit_test(test_ends_where_a_write_does_not_continue),
		cmocka_unit_test(test_text_is_no_archive),
		cmocka_unit_test(test_both_parsers_are_given_what_is_kept),
		cmocka_unit_test(test_the_verdict_is_the_same),
	};
	return cmocka_run_group_tests_name("zip_headers", tests, NULL, NULL);
}
