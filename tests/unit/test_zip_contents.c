/* R7: what the data of an entry unpacks to. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/zip_rules.h"
#include "base/limits.h"
#include "zip_probe.h"

/* Longer than the pieces that are read and unpacked at once, and not compressible to nothing. */
#define LONG_BYTES (200U * 1024U + 7U)

static char *make_long_content(void)
{
	char *content = malloc(LONG_BYTES);
	assert_non_null(content);
	uint32_t x = 1;
	for (size_t i = 0; i < LONG_BYTES; i++) {
		x = x * 1664525U + 1013904223U;
		content[i] = (char)("abcdefgh"[x >> 29]);
	}
	return content;
}

static void test_content_passes(void **state UNUSED)
{
	char *content = make_long_content();
	struct zip_builder z = {0};
	zip_builder_add(&z, "empty", "");
	zip_builder_add_file(&z, "empty deflated", "", 0, ZIP_BUILDER_DEFLATED, 0644);
	zip_builder_add_file(&z, "stored", content, LONG_BYTES, ZIP_BUILDER_STORED, 0644);
	zip_builder_add_file(&z, "deflated", content, LONG_BYTES, ZIP_BUILDER_DEFLATED, 0644);
	zip_builder_add_file(&z, "piece", content, 65536, ZIP_BUILDER_DEFLATED, 0644);
	assert_int_equal(zip_probe_builder(&z, NULL), 0);
	free(content);
}

static void set_data(struct zip_builder_entry *entry, const void *bytes, size_t len)
{
	buf_reset(&entry->data);
	assert_int_equal(buf_append(&entry->data, bytes, len), 0);
	entry->local.compressed = entry->record.compressed = (uint32_t)len;
}

static void damage_crc(struct zip_builder_entry *entry)
{
	entry->local.crc32 = ++entry->record.crc32;
}
static void damage_data(struct zip_builder_entry *entry)
{
	entry->data.data[entry->data.len / 2] ^= 1;
}
static void cut_stream(struct zip_builder_entry *entry)
{
	set_data(entry, entry->data.data, entry->data.len - 1);
}
static void append_to_stream(struct zip_builder_entry *entry)
{
	assert_int_equal(buf_putc(&entry->data, 0), 0);
	entry->local.compressed = ++entry->record.compressed;
}
static void append_second_stream(struct zip_builder_entry *entry)
{
	assert_int_equal(buf_append(&entry->data, "\3\0", 2), 0);
	entry->local.compressed = entry->record.compressed += 2;
}
static void state_more(struct zip_builder_entry *entry)
{
	zip_builder_set_size(entry, LONG_BYTES + 1);
}
static void state_less(struct zip_builder_entry *entry)
{
	zip_builder_set_size(entry, LONG_BYTES - 1);
}
static void state_much_less(struct zip_builder_entry *entry)
{
	zip_builder_set_size(entry, 100);
}
static void use_other_block_type(struct zip_builder_entry *entry)
{
	set_data(entry, "\xff\xff\xff\xff", 4);
	zip_builder_set_size(entry, 1);
}
static void empty_stream(struct zip_builder_entry *entry)
{
	set_data(entry, "", 0);
	zip_builder_set_size(entry, 0);
}
static void wrap_in_zlib(struct zip_builder_entry *entry)
{
	set_data(entry, "\x78\x9c\x03\x00\x00\x00\x00\x01", 8);
	zip_builder_set_size(entry, 0);
	entry->local.crc32 = entry->record.crc32 = 0;
}

static void test_content_is_refused(void **state UNUSED)
{
	static const struct {
		const char *title;
		void (*damage)(struct zip_builder_entry *entry);
	} cases[] = {
		{"CRC", damage_crc},
		{"data", damage_data},
		{"stream cut off", cut_stream},
		{"byte behind the stream", append_to_stream},
		{"second stream", append_second_stream},
		{"states more", state_more},
		{"states less", state_less},
		{"states much less", state_much_less},
		{"no such block type", use_other_block_type},
		{"nothing is no stream", empty_stream},
		{"zlib header", wrap_in_zlib},
	};
	char *content = make_long_content();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct zip_builder z = {0};
		zip_builder_add(&z, "first", "good");
		cases[i].damage(zip_builder_add_file(&z, "bad", content, LONG_BYTES, ZIP_BUILDER_DEFLATED, 0644));
		struct zip_refusal refusal;
		if (zip_probe_builder(&z, &refusal) != ZIP_R07_CONTENT)
			fail_msg("%s: got %u %s", cases[i].title, refusal.rule, refusal.text.text);
		assert_non_null(strstr(refusal.text.text, "entry \"bad\""));
	}
	free(content);
}

static void test_stored_content_is_refused(void **state UNUSED)
{
	void (*const damages[])(struct zip_builder_entry *) = {damage_crc, damage_data};
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct zip_builder z = {0};
		damages[i](zip_builder_add(&z, "bad", "content"));
		assert_int_equal(zip_probe_builder(&z, NULL), ZIP_R07_CONTENT);
	}
}

static void test_unpacked_limit_on_bytes(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "a", "12345");
	struct buf zip = zip_builder_finish(&z);
	struct io_memory memory = {zip.data, zip.len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_archive *archive = NULL;
	struct zip_refusal refusal = {0};
	assert_int_equal(zip_open_archive(&file, &(struct zip_limits){5}, &archive, NULL), 0);
	assert_int_equal(zip_check_contents(&file, archive, &(struct zip_limits){5}, &refusal), 0);
	assert_int_equal(refusal.rule, 0);
	assert_int_equal(zip_check_contents(&file, archive, &(struct zip_limits){4}, &refusal), -EBADMSG);
	assert_int_equal(refusal.rule, ZIP_R14_LIMITS);
	zip_close_archive(archive);
	buf_done(&zip);
}

/* Reads entry 0 of the archive that z makes into dst and returns what zip_read_entry did. */
static int read_first(struct zip_builder *z, void *dst)
{
	struct buf zip = zip_builder_finish(z);
	struct io_memory memory = {zip.data, zip.len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_archive *archive = NULL;
	const struct zip_limits limits = {LIMIT_UNPACKED_BYTES_DEFAULT};
	assert_int_equal(zip_open_archive(&file, &limits, &archive, NULL), 0);
	int r = zip_read_entry(&file, &archive->entries[0], dst);
	zip_close_archive(archive);
	buf_done(&zip);
	return r;
}

static void test_read_entry(void **state UNUSED)
{
	static const enum zip_builder_method methods[] = {ZIP_BUILDER_STORED, ZIP_BUILDER_DEFLATED};
	char *content = make_long_content(), *copy = malloc(LONG_BYTES);
	assert_non_null(copy);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct zip_builder z = {0};
		memset(copy, 0, LONG_BYTES);
		zip_builder_add_file(&z, "f", content, LONG_BYTES, methods[i], 0644);
		assert_int_equal(read_first(&z, copy), 0);
		assert_memory_equal(copy, content, LONG_BYTES);

		damage_crc(zip_builder_add_file(&z, "f", content, LONG_BYTES, methods[i], 0644));
		assert_int_equal(read_first(&z, copy), -EBADMSG);
	}
	free(copy);
	free(content);
}

/* More than the stated size is noticed without writing past the end (the sanitizers watch). */
static void test_read_entry_stays_in_its_place(void **state UNUSED)
{
	char *content = make_long_content(), *place = malloc(LONG_BYTES - 1);
	assert_non_null(place);
	struct zip_builder z = {0};
	state_less(zip_builder_add_file(&z, "f", content, LONG_BYTES, ZIP_BUILDER_DEFLATED, 0644));
	assert_int_equal(read_first(&z, place), -EBADMSG);
	free(place);

	place = malloc(100);
	assert_non_null(place);
	state_much_less(zip_builder_add_file(&z, "f", content, LONG_BYTES, ZIP_BUILDER_DEFLATED, 0644));
	assert_int_equal(read_first(&z, place), -EBADMSG);
	free(place);
	free(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_content_passes),
		cmocka_unit_test(test_content_is_refused),
		cmocka_unit_test(test_stored_content_is_refused),
		cmocka_unit_test(test_unpacked_limit_on_bytes),
		cmocka_unit_test(test_read_entry),
		cmocka_unit_test(test_read_entry_stays_in_its_place),
	};
	return cmocka_run_group_tests_name("zip_contents", tests, NULL, NULL);
}
