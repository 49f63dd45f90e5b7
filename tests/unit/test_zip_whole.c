/* Two inflaters: what is read in one piece (libdeflate) is what the verdict in small pieces (zlib) says it is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/zip.h"
#include "archive/zip_rules.h"
#include "base/limits.h"
#include "zip_builder.h"

#define CONTENT_BYTES 700U
#define BLOCK_BYTES   259U

static void make_content(char content[CONTENT_BYTES])
{
	uint32_t x = 1;
	for (size_t i = 0; i < CONTENT_BYTES; i++) {
		x = x * 1664525U + 1013904223U;
		content[i] = i % 7 == 0 ? (char)(x >> 24) : "abcdefgh"[x >> 29];
	}
}

struct answers {
	int verdict; /* zlib's */
	int reading; /* libdeflate's, and zlib's where that says no */
	char content[CONTENT_BYTES];
};

static void set_data(struct zip_builder_entry *entry, const void *bytes, size_t len)
{
	buf_reset(&entry->data);
	assert_int_equal(buf_append(&entry->data, bytes, len), 0);
	entry->local.compressed = entry->record.compressed = (uint32_t)len;
}

/* Asks both about one entry of size stated bytes. */
static void ask(struct zip_builder *z, struct answers *ret)
{
	const struct zip_limits limits = {LIMIT_UNPACKED_BYTES_DEFAULT};
	struct buf zip = zip_builder_finish(z);
	struct io_memory memory = {zip.data, zip.len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_archive *archive = NULL;
	struct zip_refusal refusal = {0};
	assert_int_equal(zip_open_archive(&file, &limits, &archive, NULL), 0);
	assert_true(archive->entries[0].size_bytes <= CONTENT_BYTES);
	*ret = (struct answers){0};
	ret->verdict = zip_check_contents(&file, archive, &limits, &refusal);
	assert_int_equal(refusal.rule, ret->verdict == 0 ? 0 : ZIP_R07_CONTENT);
	void *dst = malloc(archive->entries[0].size_bytes); /* exactly: the sanitizers see a byte too many */
	assert_non_null(dst);
	ret->reading = zip_read_entry(&file, &archive->entries[0], dst);
	memcpy(ret->content, dst, archive->entries[0].size_bytes);
	free(dst);
	zip_close_archive(archive);
	buf_done(&zip);
}

static struct zip_builder_entry *add(struct zip_builder *z, const char *content, size_t len)
{
	return zip_builder_add_file(z, "f", content, len, ZIP_BUILDER_DEFLATED, 0644);
}

static void a_bit_that_is_another_is_refused_by_both(void **state UNUSED)
{
	char content[CONTENT_BYTES];
	struct answers answers;
	struct zip_builder z = {0};
	make_content(content);
	size_t bits = add(&z, content, CONTENT_BYTES)->data.len * 8;
	ask(&z, &answers);
	assert_int_equal(answers.verdict, 0);
	assert_int_equal(answers.reading, 0);
	assert_memory_equal(answers.content, content, CONTENT_BYTES);
	assert_true(bits > 1000);

	unsigned harmless = 0; /* behind the end of the last block */
	for (size_t bit = 0; bit < bits; bit++) {
		add(&z, content, CONTENT_BYTES)->data.data[bit / 8] ^= (char)(1U << (bit % 8));
		ask(&z, &answers);
		assert_int_equal(answers.verdict, answers.reading);
		if (answers.verdict == 0) {
			assert_memory_equal(answers.content, content, CONTENT_BYTES);
			harmless++;
		}
	}
	assert_true(harmless < 8);
}

static void both_end_where_the_data_ends(void **state UNUSED)
{
	char content[CONTENT_BYTES];
	struct answers answers;
	struct zip_builder z = {0};
	make_content(content);
	for (int change = -3; change <= 3; change++) { /* of the stated size; of the packed one below */
		zip_builder_set_size(add(&z, content, CONTENT_BYTES - 3), (uint32_t)((int)CONTENT_BYTES - 3 + change));
		ask(&z, &answers);
		assert_int_equal(answers.verdict, change == 0 ? 0 : -EBADMSG);
		assert_int_equal(answers.reading, answers.verdict);
	}
	for (unsigned more = 1; more <= 3; more++) {
		struct zip_builder_entry *entry = add(&z, content, CONTENT_BYTES);
		assert_int_equal(buf_append(&entry->data, "\3\0\0", more), 0);
		entry->local.compressed = entry->record.compressed += more;
		ask(&z, &answers);
		assert_int_equal(answers.verdict, -EBADMSG);
		assert_int_equal(answers.reading, -EBADMSG);

		entry = add(&z, content, CONTENT_BYTES);
		entry->data.len -= more;
		entry->local.compressed = entry->record.compressed -= more;
		ask(&z, &answers);
		assert_int_equal(answers.verdict, -EBADMSG);
		assert_int_equal(answers.reading, -EBADMSG);
	}
}

/* "A", then a copy of 258 bytes from one byte back, by the symbol for that and by the two that RFC 1951 reserves. */
static void reserved_symbols_are_refused_by_the_verdict_alone(void **state UNUSED)
{
	static const struct {
		const char *stream;
		int verdict;
	} cases[] = {
		{"\x73\x1c\x05\x00", 0},
		{"\x73\x1c\x03\x00", -EBADMSG},
		{"\x73\x1c\x07\x00", -EBADMSG},
	};
	char content[BLOCK_BYTES];
	memset(content, 'A', sizeof(content));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct answers answers;
		struct zip_builder z = {0};
		set_data(add(&z, content, sizeof(content)), cases[i].stream, 4);
		ask(&z, &answers);
		assert_int_equal(answers.verdict, cases[i].verdict);
		assert_int_equal(answers.reading, 0); /* size and CRC are as stated */
		assert_memory_equal(answers.content, content, sizeof(content));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bit_that_is_another_is_refused_by_both),
		cmocka_unit_test(both_end_where_the_data_ends),
		cmocka_unit_test(reserved_symbols_are_refused_by_the_verdict_alone),
	};
	return cmocka_run_group_tests_name("zip_whole", tests, NULL, NULL);
}
