/* What the writer makes passes our own rules and says what was put in; other tools are asked in policy_pack.bats. */
#include "archive/zip_write.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "archive/zip.h"

static const struct zip_write_entry entries[] = {
	{"policy.conf", "[policy]\n", 9},
	{"conf.d/empty.conf", "", 0},
	{"trust/looks-like-records", "PK\1\2PK\3\4PK\5\6PK\7\10", 16},
};

static void test_passes_the_rules(void **state UNUSED)
{
	const struct zip_limits limits = {.max_unpacked_bytes = 1000};
	struct buf zip = {0};
	struct zip_archive *archive = NULL;
	struct zip_refusal refusal = {0};
	assert_int_equal(zip_write(entries, ARRAY_SIZE(entries), &zip), 0);
	struct io_memory memory = {zip.data, zip.len};
	struct io_reader file = io_reader_memory(&memory);
	if (zip_open_archive(&file, &limits, &archive, &refusal) < 0)
		fail_msg("%s", refusal.text.text);
	assert_int_equal(zip_check_contents(&file, archive, &limits, &refusal), 0);
	assert_int_equal(archive->entry_count, ARRAY_SIZE(entries));
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		char bytes[64];
		assert_string_equal(archive->entries[i].name, entries[i].name);
		assert_int_equal(archive->entries[i].size_bytes, entries[i].len);
		assert_false(archive->entries[i].executable);
		assert_int_equal(archive->entries[i].mtime_s, 315532800); /* 1980 */
		assert_int_equal(zip_read_entry(&file, &archive->entries[i], bytes), 0);
		assert_memory_equal(bytes, entries[i].bytes, entries[i].len);
	}
	zip_close_archive(archive);
	buf_done(&zip);
}

static void test_refusals_leave_the_buffer(void **state UNUSED)
{
	static char name[UINT16_MAX + 2];
	const struct zip_write_entry large = {"a", "", UINT32_MAX}, long_name = {name, "", 0};
	struct buf zip = {0};
	memset(name, 'a', UINT16_MAX + 1);
	assert_int_equal(buf_puts(&zip, "before"), 0);
	assert_int_equal(zip_write(entries, 0, &zip), -EINVAL);
	assert_int_equal(zip_write(entries, UINT16_MAX, &zip), -EFBIG);
	assert_int_equal(zip_write(&large, 1, &zip), -EFBIG);
	assert_int_equal(zip_write(&long_name, 1, &zip), -EFBIG);
	assert_string_equal(zip.data, "before");
	buf_done(&zip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes_the_rules),
		cmocka_unit_test(test_refusals_leave_the_buffer),
	};
	return cmocka_run_group_tests_name("zip_write", tests, NULL, NULL);
}
