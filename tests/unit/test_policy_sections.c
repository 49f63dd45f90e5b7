/* A bundle's canonical text taken apart, and the keys that make a difference. */
#include "../../src/cli/policy_sections.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/cli/policy_diff.h"

static const char before[] = "\npolicy-bundle:\nsequence: 1\ndescription: \n"
			     "\nsection: function web\nowner: deploy\ncode_signing_config: prod\n"
			     "\nsection: code-signing-config prod\nallowed_publisher: b\nallowed_publisher: a: c\n"
			     "\nsection: layer base\n";

static void test_sections(void **state UNUSED)
{
	struct policy_sections s;
	assert_int_equal(policy_sections_of(before, &s), 0);
	assert_int_equal(s.count, 4);
	assert_string_equal(s.all[0].title, POLICY_SECTION_TERMS);
	assert_string_equal(s.all[0].settings[0].key, "description");
	assert_string_equal(s.all[0].settings[0].value, "");
	assert_string_equal(s.all[1].title, "code-signing-config prod");
	assert_int_equal(s.all[1].count, 2);
	assert_string_equal(s.all[1].settings[0].value, "a: c");
	assert_string_equal(s.all[1].settings[1].value, "b");
	assert_string_equal(s.all[2].title, "function web");
	assert_string_equal(s.all[2].settings[0].key, "code_signing_config");
	assert_string_equal(s.all[3].title, "layer base");
	assert_int_equal(s.all[3].count, 0);
	policy_sections_done(&s);
	assert_int_equal(policy_sections_of("", &s), 0);
	assert_int_equal(s.count, 0);
	policy_sections_done(&s);
}

static void assert_change(struct policy_diff_keys *keys, const char *key, size_t from_count, size_t to_count)
{
	struct policy_key_change change;
	assert_true(policy_diff_next(keys, &change));
	assert_string_equal(change.key, key);
	assert_int_equal(change.from_count, from_count);
	assert_int_equal(change.to_count, to_count);
	assert_true((change.from != NULL) == (from_count > 0));
	assert_true((change.to != NULL) == (to_count > 0));
}

static void test_keys_that_differ(void **state UNUSED)
{
	static const struct policy_setting a[] = {{"a", "1"}, {"b", "1"}, {"b", "2"}, {"c", "same"}, {"d", "1"}};
	static const struct policy_setting b[] = {{"b", "1"}, {"c", "same"}, {"d", "2"}, {"e", "1"}};
	const struct policy_section from = {"s", a, ARRAY_SIZE(a)}, to = {"s", b, ARRAY_SIZE(b)};
	struct policy_diff_keys keys = {.from = &from, .to = &to};
	struct policy_key_change change;
	assert_change(&keys, "a", 1, 0);
	assert_change(&keys, "b", 2, 1);
	assert_change(&keys, "d", 1, 1);
	assert_change(&keys, "e", 0, 1);
	assert_false(policy_diff_next(&keys, &change));
	keys = (struct policy_diff_keys){.from = &from, .to = &from};
	assert_false(policy_diff_next(&keys, &change));
	keys = (struct policy_diff_keys){.to = &to};
	assert_change(&keys, "b", 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_keys_that_differ),
	};
	return cmocka_run_group_tests_name("policy_sections", tests, NULL, NULL);
}
