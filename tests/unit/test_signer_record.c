/* Records: any value comes back as it was, a damaged one is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "../../src/signer/record.h"

static bool is_word(const char *text, size_t len)
{
	return len > 0 && text[0] == 'w';
}

static void test_round_trip(void **state UNUSED)
{
	static const char awkward[] = "a: b\nc\\x41\\ \xff\x01end";
	struct buf text = {0};
	assert_int_equal(record_put(&text, "kind", "1"), 0);
	assert_int_equal(record_put(&text, "path", awkward), 0);
	assert_int_equal(record_put(&text, "absent", NULL), 0);
	assert_int_equal(record_put_u64(&text, "count", 12), 0);
	assert_int_equal(record_put_time(&text, "at", 1795282032), 0);
	assert_int_equal(record_put(&text, "word", "word"), 0);
	assert_int_equal(record_put(&text, "colour", "green"), 0);

	struct record record;
	char *path, *absent, word[8];
	uint64_t count;
	int64_t at_s;
	size_t colour;
	record_begin(&record, &text, "kind");
	record_text(&record, "path", &path);
	record_optional_text(&record, "absent", &absent);
	record_u64(&record, "count", 12, &count);
	record_time(&record, "at", &at_s);
	record_copy(&record, "word", word, sizeof(word), is_word);
	record_choice(&record, "colour", (const char *const[]){"red", "green"}, 2, &colour);
	assert_int_equal(record_end(&record, "file", NULL), 0);
	assert_string_equal(path, awkward);
	assert_null(absent);
	assert_int_equal(count, 12);
	assert_int_equal(at_s, 1795282032);
	assert_string_equal(word, "word");
	assert_int_equal(colour, 1);
	free(path);
	buf_done(&text);
}

/* Reads one key in one way; what a bad value must not pass. */
static int read_as(const char *line, char how)
{
	struct buf text = {0};
	struct record record;
	char *value = NULL, word[5];
	uint64_t count;
	int64_t at_s;
	size_t choice;
	assert_int_equal(buf_printf(&text, "kind: 1\n%s", line), 0);
	record_begin(&record, &text, "kind");
	if (how == 't')
		record_text(&record, "key", &value);
	else if (how == 'o')
		record_optional_text(&record, "key", &value);
	else if (how == 'n')
		record_u64(&record, "key", 12, &count);
	else if (how == 'u')
		record_time(&record, "key", &at_s);
	else if (how == 'w')
		record_copy(&record, "key", word, sizeof(word), is_word);
	else
		record_choice(&record, "key", (const char *const[]){"red", "green"}, 2, &choice);
	struct explain why = {0};
	int r = record_end(&record, "file", &why);
	if (r < 0)
		assert_non_null(strstr(why.text, "\"key\""));
	free(value);
	buf_done(&text);
	return r;
}

static void test_damage(void **state UNUSED)
{
	static const struct {
		const char *line;
		char how;
		int r;
	} cases[] = {
		{"key: x\n", 't', 0},
		{"", 't', -EIO},
		{"key: \\q\n", 't', -EIO},
		{"key: \\x4\n", 't', -EIO},
		{"", 'o', 0},
		{"key: \\q\n", 'o', -EIO},
		{"key: 12\n", 'n', 0},
		{"key: 13\n", 'n', -EIO},
		{"key: -1\n", 'n', -EIO},
		{"key: 2026-11-21T17:27:12Z\n", 'u', 0},
		{"key: 2026-11-21\n", 'u', -EIO},
		{"key: word\n", 'w', 0},
		{"key: Word\n", 'w', -EIO},
		{"key: wordy\n", 'w', -EIO},
		{"key: red\n", 'c', 0},
		{"key: blue\n", 'c', -EIO},
		{"key: red", 'c', -EIO}, /* cut off */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (read_as(cases[i].line, cases[i].how) != cases[i].r)
			fail_msg("%s as %c", cases[i].line, cases[i].how);
}

static void test_other_version(void **state UNUSED)
{
	struct buf text = {0};
	struct record record;
	assert_int_equal(record_put(&text, "kind", "2"), 0);
	record_begin(&record, &text, "kind");
	assert_int_equal(record_end(&record, "file", NULL), -EIO);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_other_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
