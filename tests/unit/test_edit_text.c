/* The text of files that commands write: what is replaced, what stays, which values a line cannot hold. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "config/edit.h"

static const struct config_line lines[] = {
	{"description", NULL}, {"allowed_publisher", "one"}, {"allowed_publisher", "two"}};
static const struct config_section_text text = {
	.section = "code-signing-config a", .command = "verb", .lines = lines, .line_count = ARRAY_SIZE(lines)};

static void expect(const char *before, const char *after)
{
	struct buf out = {0};
	struct explain why = {0};
	assert_int_equal(config_edit_render(&text, before, &out, &why), 0);
	assert_string_equal(out.data, after);
	assert_true(config_edit_is_mine(out.data, text.section));
	buf_done(&out);
}

static void keeps_what_it_does_not_replace(void **state)
{
	(void)state;
#define NEW                                                                                                            \
	"# made by: vouchfs lambda verb\n[code-signing-config a]\nallowed_publisher = one\nallowed_publisher = two\n"
	expect(NULL, NEW);
	expect("", NEW);
	expect(NEW, NEW);
	expect("# made by: vouchfs lambda other\n[code-signing-config a]\ndescription = x\nexpiry = Warn\n"
	       "allowed_publisher=old\n; a note\nallowed_publisher_x = y",
	       NEW "expiry = Warn\n; a note\nallowed_publisher_x = y\n");
#undef NEW
}

static void refuses_values_that_a_line_cannot_hold(void **state)
{
	(void)state;
	static const char *const bad[] = {"a\nb", "a\rb", "a\tb", "\x7f", "a ;b", ";a", " a", "a ", ""};
	static const char *const good[] = {"a", "a;b", "a # b", "[a]", "a = b", "\xc3\xa9", "\"a\""};
	char longest[185 + 1];
	struct config_line line = {.key = "description"};
	const struct config_section_text one = {.section = "s", .command = "verb", .lines = &line, .line_count = 1};
	struct buf out = {0};
	struct explain why = {0};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		line.value = bad[i];
		assert_int_equal(config_edit_render(&one, NULL, &out, &why), -EINVAL);
		assert_non_null(strstr(why.text, "description: "));
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		line.value = good[i];
		assert_int_equal(config_edit_render(&one, NULL, &out, &why), 0);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	line.value = longest;
	assert_int_equal(config_edit_render(&one, NULL, &out, &why), -EINVAL);
	assert_non_null(strstr(why.text, "at most 184"));
	line.value = longest + 1;
	assert_int_equal(config_edit_render(&one, NULL, &out, &why), 0);
	buf_done(&out);
}

static void knows_its_own_files(void **state)
{
	(void)state;
	assert_true(config_edit_is_mine(CONFIG_EDIT_MARK "verb\n[function f]\n", "function f"));
	assert_false(config_edit_is_mine("[function f]\n", "function f"));
	assert_false(config_edit_is_mine("\n" CONFIG_EDIT_MARK "verb\n[function f]\n", "function f"));
	assert_false(config_edit_is_mine(CONFIG_EDIT_MARK "verb\n", "function f"));
	assert_false(config_edit_is_mine(CONFIG_EDIT_MARK "verb\n[function ff]\n", "function f"));
	assert_false(config_edit_is_mine(CONFIG_EDIT_MARK "verb\n[function f]\n[function g]\n", "function f"));
	assert_false(config_edit_is_mine(CONFIG_EDIT_MARK "verb\n[function f]\n[function f]\n", "function f"));
}

static void names_files(void **state)
{
	(void)state;
	char name[CONFIG_EDIT_NAME_SIZE];
	config_edit_name("function team-x", name);
	assert_string_equal(name, "function-team-x.conf");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_it_does_not_replace),
		cmocka_unit_test(refuses_values_that_a_line_cannot_hold),
		cmocka_unit_test(knows_its_own_files),
		cmocka_unit_test(names_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
